/*
 * Copyright 2026 the Sluice contributors
 *
 * Licensed under the Apache License, Version 2.0 (the "License");
 * you may not use this file except in compliance with the License.
 * You may obtain a copy of the License at
 *
 *     https://www.apache.org/licenses/LICENSE-2.0
 *
 * Unless required by applicable law or agreed to in writing, software
 * distributed under the License is distributed on an "AS IS" BASIS,
 * WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
 * See the License for the specific language governing permissions and
 * limitations under the License.
 */
package dev.sluice.demo.deadletters;

import dev.sluice.channel.DeadLetterHeaders;
import dev.sluice.message.Headers;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.Objects;
import java.util.regex.Pattern;

/**
 * A record that could not be loaded, as it is shown.
 *
 * @param id what the store calls the letter
 * @param record where it was: topic, partition and offset
 * @param reason the kind of trouble
 * @param detail what failed
 * @param at when it was dead-lettered
 * @param redrives how often it was sent back before
 * @param preview the beginning of its bytes as text
 */
public record DeadLetter(
    String id,
    String record,
    String reason,
    String detail,
    Instant at,
    int redrives,
    String preview) {

  private static final int PREVIEW = 80;

  /** What comes before the name of a class; nobody at the airport knows it. */
  private static final Pattern PACKAGES = Pattern.compile("\\b(?:[a-z][a-z0-9]*\\.)+(?=[A-Z])");

  /** A letter of the store. */
  static DeadLetter of(dev.sluice.store.DeadLetter letter) {
    Headers headers = letter.message().headers();
    String error = letter.error();
    return new DeadLetter(
        letter.id(),
        Objects.requireNonNullElse(headers.get(DeadLetterHeaders.POSITION), "unknown"),
        letter.reason().name(),
        error == null ? "" : PACKAGES.matcher(error).replaceAll(""),
        at(letter),
        letter.redrives(),
        text(letter.message().payload(), PREVIEW));
  }

  private static Instant at(dev.sluice.store.DeadLetter letter) {
    String at = letter.message().headers().get(DeadLetterHeaders.AT);
    try {
      return Instant.parse(String.valueOf(at));
    } catch (DateTimeParseException e) {
      return letter.addedAt();
    }
  }

  /** The beginning of a record as text; what cannot be shown is a dot. */
  static String text(byte[] value, int most) {
    String text = new String(value, 0, Math.min(value.length, most), StandardCharsets.UTF_8);
    StringBuilder shown = new StringBuilder();
    text.codePoints()
        .map(c -> Character.isISOControl(c) || c == 0xFFFD ? '·' : c)
        .forEach(shown::appendCodePoint);
    return value.length > most ? shown + "…" : shown.toString();
  }
}

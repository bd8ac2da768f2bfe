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
package dev.sluice.store;

import dev.sluice.channel.DeadLetterHeaders;
import dev.sluice.delivery.DeadLetterReason;
import dev.sluice.message.Message;
import java.time.Instant;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A message that was rejected, with the facts of its rejection.
 *
 * @param id what the store calls the letter; not the id of the message
 * @param message the message with its bytes as they came, and the facts in {@link
 *     DeadLetterHeaders}
 * @param addedAt when the store took it, by the store's clock
 */
public record DeadLetter(String id, Message<byte[]> message, Instant addedAt) {

  private static final int MAX_FINGERPRINT = 200;

  public DeadLetter {
    Objects.requireNonNull(id, "id");
    Objects.requireNonNull(message, "message");
    Objects.requireNonNull(addedAt, "addedAt");
  }

  /** The channel that had delivered it; {@code unknown} if the message does not say it. */
  public String channel() {
    return Objects.requireNonNullElse(header(DeadLetterHeaders.CHANNEL), "unknown");
  }

  /** Why it is here; {@link DeadLetterReason#MANUAL} if the message does not say it. */
  public DeadLetterReason reason() {
    String name = header(DeadLetterHeaders.REASON);
    for (DeadLetterReason reason : DeadLetterReason.values()) {
      if (reason.name().equals(name)) {
        return reason;
      }
    }
    return DeadLetterReason.MANUAL;
  }

  /** The class and the message of the last exception; null if there was none. */
  public @Nullable String error() {
    return header(DeadLetterHeaders.ERROR);
  }

  /** The attempt that failed last; 0 if the message does not say it. */
  public int attempts() {
    return number(DeadLetterHeaders.ATTEMPT);
  }

  /** How often it has been sent back from the dead letters before. */
  public int redrives() {
    return number(DeadLetterHeaders.REDRIVES);
  }

  /** What letters of one cause have in common: the reason and the class of the exception. */
  public String fingerprint() {
    String error = error();
    if (error == null) {
      return reason().name();
    }
    int colon = error.indexOf(':');
    String print = reason() + " " + (colon < 0 ? error : error.substring(0, colon));
    return print.length() <= MAX_FINGERPRINT ? print : print.substring(0, MAX_FINGERPRINT);
  }

  private @Nullable String header(String name) {
    return message.headers().get(name);
  }

  private int number(String name) {
    String text = header(name);
    return text != null && text.matches("[0-9]{1,9}") ? Integer.parseInt(text) : 0;
  }
}

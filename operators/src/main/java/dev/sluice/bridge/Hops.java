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
package dev.sluice.bridge;

import dev.sluice.delivery.DeadLetterReason;
import dev.sluice.message.Message;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Where messages have been: each bridge adds the side that it takes a message from to the header
 * {@value #VIA}, and takes none to a side that is already there.
 *
 * @param from the side that messages come from
 * @param to the side that they go to
 */
record Hops(String from, String to) {

  /** The sides that a message has left, the first one first, with commas between them. */
  static final String VIA = "sl-via";

  private static final int MAX_HOPS = 16;
  private static final int MAX_NAME_CHARS = 256;

  Hops {
    requireName("from", from);
    requireName("to", to);
    if (from.equals(to)) {
      throw new IllegalArgumentException(
          "sides: \"" + from + "\" and \"" + to + "\" (expected: two names, see BridgeSpec.sides)");
    }
  }

  private static void requireName(String side, String name) {
    boolean fits =
        !name.isBlank()
            && name.length() <= MAX_NAME_CHARS
            && name.indexOf(',') < 0
            && name.codePoints().noneMatch(Character::isISOControl);
    if (!fits) {
      throw new IllegalArgumentException(
          side
              + ": \""
              + name
              + "\" (expected: 1.."
              + MAX_NAME_CHARS
              + " characters, no comma, no control character, not blank)");
    }
  }

  /** Whether a message comes from the side that it would go to. */
  boolean isEcho(Message<?> message) {
    return sides(message).contains(to);
  }

  /**
   * What the header says on the other side.
   *
   * @throws Untranslatable if the message has crossed too many bridges
   */
  String beyond(Message<?> message) {
    List<String> before = sides(message);
    if (before.size() >= MAX_HOPS) {
      throw new Untranslatable(
          DeadLetterReason.UNROUTABLE,
          "bridges crossed: " + before.size() + " (expected: < " + MAX_HOPS + ")",
          null);
    }
    return before.isEmpty() || before.contains(from)
        ? before.isEmpty() ? from : String.join(",", before)
        : String.join(",", before) + ',' + from;
  }

  private static List<String> sides(Message<?> message) {
    @Nullable String via = message.headers().get(VIA);
    return via == null || via.isEmpty() ? List.of() : List.of(via.split(",", -1));
  }
}

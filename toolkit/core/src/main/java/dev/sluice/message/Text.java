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
package dev.sluice.message;

import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Which characters the texts of a message may have, and how many bytes they take on the wire. */
final class Text {

  /** Longest id, type, channel name, token and content type, in characters. */
  static final int MAX_CHARS = 256;

  /** Longest group, in characters. */
  static final int MAX_GROUP_CHARS = 1024;

  private Text() {}

  static String require(String what, String text, int maxChars) {
    String flaw = flaw(Objects.requireNonNull(text, what), maxChars);
    if (flaw != null) {
      throw new IllegalArgumentException(what + ": " + flaw);
    }
    return text;
  }

  static @Nullable String requireOrNull(String what, @Nullable String text, int maxChars) {
    return text == null ? null : require(what, text, maxChars);
  }

  /** Says what is wrong with a text, without repeating it; {@code null} if nothing is. */
  static @Nullable String flaw(String text, int maxChars) {
    int length = text.length();
    if (length > maxChars) {
      return length + " characters (expected: 1.." + maxChars + ")";
    }
    if (text.isBlank()) {
      return "blank (expected: 1.." + maxChars + " characters)";
    }
    for (int i = 0; i < length; i++) {
      if (Character.isISOControl(text.charAt(i))) {
        return codeUnit(text, i) + " (expected: no control characters)";
      }
    }
    int bad = unpairedSurrogate(text);
    return bad < 0 ? null : codeUnit(text, bad) + " (expected: well-formed Unicode)";
  }

  /** The index of the first half of a surrogate pair that stands alone, or -1. */
  static int unpairedSurrogate(String text) {
    int length = text.length();
    for (int i = 0; i < length; i++) {
      char c = text.charAt(i);
      if (Character.isSurrogate(c)) {
        if (i + 1 == length || !Character.isSurrogatePair(c, text.charAt(i + 1))) {
          return i;
        }
        i++;
      }
    }
    return -1;
  }

  /** The size of a well-formed text in UTF-8. */
  static int utf8Bytes(String text) {
    int length = text.length();
    int bytes = length;
    for (int i = 0; i < length; i++) {
      char c = text.charAt(i);
      if (c >= 0x80) {
        bytes += c < 0x800 || Character.isSurrogate(c) ? 1 : 2; // a pair: 2 chars, 4 bytes
      }
    }
    return bytes;
  }

  static String codeUnit(String text, int index) {
    return String.format("U+%04X at index %d", (int) text.charAt(index), index);
  }
}

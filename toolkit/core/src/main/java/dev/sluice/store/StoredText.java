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

import java.util.Objects;

/** What a text must be so that every store can keep it. */
final class StoredText {

  private StoredText() {}

  static void require(String what, String value, int max) {
    require(what, value, 1, max);
  }

  static void require(String what, String value, int min, int max) {
    Objects.requireNonNull(value, what);
    if (value.length() < min || value.length() > max) {
      throw new IllegalArgumentException(
          what + ": " + value.length() + " characters (expected: " + min + ".." + max + ")");
    }
    if (!value.codePoints().allMatch(StoredText::isStorable)) {
      throw new IllegalArgumentException(
          what + ": \"" + value + "\" (expected: no U+0000 and no half of a surrogate pair)");
    }
  }

  static boolean isStorable(int codePoint) {
    return codePoint != 0 && !isSurrogate(codePoint);
  }

  private static boolean isSurrogate(int codePoint) {
    return codePoint >= Character.MIN_SURROGATE && codePoint <= Character.MAX_SURROGATE;
  }
}

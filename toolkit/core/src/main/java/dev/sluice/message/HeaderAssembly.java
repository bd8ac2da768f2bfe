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

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Headers in the making: replaces by name and keeps the limits. Not thread-safe.
 *
 * <p>The limits are for ordinary names. Reserved ones are counted apart and unlimited here, so that
 * the toolkit can mark a message however full it is; {@link WireFormat} limits those that come in.
 */
final class HeaderAssembly {

  private String[] pairs; // name at 2i, value at 2i + 1
  private int length;
  private int count;
  private int bytes;
  private int reservedCount;
  private int reservedBytes;

  HeaderAssembly(Headers start) {
    pairs = Arrays.copyOf(start.pairs, start.pairs.length + 2);
    length = start.pairs.length;
    for (int i = 0; i < length; i += 2) {
      account(pairs[i], 1, size(pairs[i], pairs[i + 1]));
    }
  }

  int size() {
    return length / 2;
  }

  int reservedCount() {
    return reservedCount;
  }

  int reservedBytes() {
    return reservedBytes;
  }

  /**
   * Adds a header, or replaces the value of the one with this name in its place.
   *
   * @return what is wrong, without repeating the value; {@code null} if the header was taken
   */
  @Nullable String put(String name, String value) {
    String flaw = nameFlaw(name);
    if (flaw == null) {
      flaw = valueFlaw(value);
    }
    if (flaw != null) {
      return flaw;
    }
    int at = Headers.indexOf(pairs, length, name);
    int more = at < 0 ? 1 : 0;
    int growth = size(name, value) - (at < 0 ? 0 : size(pairs[at], pairs[at + 1]));
    if (!Headers.isReserved(name)) {
      if (count + more > Headers.MAX_COUNT) {
        return "header number " + (count + more) + " (expected: <= " + Headers.MAX_COUNT + ")";
      }
      if (bytes + growth > Headers.MAX_BYTES) {
        return (bytes + growth) + " bytes of headers (expected: <= " + Headers.MAX_BYTES + ")";
      }
    }
    account(name, more, growth);
    if (at < 0) {
      if (length == pairs.length) {
        pairs = Arrays.copyOf(pairs, Math.max(16, length * 2));
      }
      at = length;
      length += 2;
      pairs[at] = name;
    }
    pairs[at + 1] = value;
    return null;
  }

  Headers build() {
    return length == 0 ? Headers.empty() : new Headers(Arrays.copyOf(pairs, length));
  }

  private void account(String name, int more, int growth) {
    if (Headers.isReserved(name)) {
      reservedCount += more;
      reservedBytes += growth;
    } else {
      count += more;
      bytes += growth;
    }
  }

  /** The room a pair takes; a replaced name keeps its length, whatever its case. */
  private static int size(String name, String value) {
    return name.length() + Text.utf8Bytes(value);
  }

  static @Nullable String nameFlaw(String name) {
    int length = name.length();
    if (length == 0 || length > Headers.MAX_NAME_CHARS) {
      return "name of " + length + " characters (expected: 1.." + Headers.MAX_NAME_CHARS + ")";
    }
    for (int i = 0; i < length; i++) {
      if (!isTokenChar(name.charAt(i))) {
        return "name with "
            + Text.codeUnit(name, i)
            + " (expected: letters, digits, !#$%&'*+-.^_`|~)";
      }
    }
    return null;
  }

  private static boolean isTokenChar(char c) {
    return (c >= 'a' && c <= 'z')
        || (c >= 'A' && c <= 'Z')
        || (c >= '0' && c <= '9')
        || "!#$%&'*+-.^_`|~".indexOf(c) >= 0;
  }

  private static @Nullable String valueFlaw(String value) {
    int bad = value.indexOf('\0');
    if (bad >= 0) {
      return "value with " + Text.codeUnit(value, bad) + " (expected: no U+0000)";
    }
    bad = Text.unpairedSurrogate(value);
    if (bad >= 0) {
      return "value with " + Text.codeUnit(value, bad) + " (expected: well-formed Unicode)";
    }
    int size = Text.utf8Bytes(value);
    if (size > Headers.MAX_VALUE_BYTES) {
      return "value of " + size + " bytes (expected: <= " + Headers.MAX_VALUE_BYTES + ")";
    }
    return null;
  }
}

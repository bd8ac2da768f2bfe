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
package dev.sluice.http;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** The addresses that begin with the same bits, written {@code 10.0.0.0/8} or {@code fd00::/8}. */
final class AddressRange {

  private final byte[] first;
  private final int bits;

  private AddressRange(byte[] first, int bits) {
    this.first = first;
    this.bits = bits;
  }

  /**
   * Reads one.
   *
   * @throws IllegalArgumentException if it is none
   */
  static AddressRange of(String what, String text) {
    int slash = text.indexOf('/');
    InetAddress address = literal(slash < 0 ? text : text.substring(0, slash));
    if (address != null) {
      byte[] first = address.getAddress();
      int most = first.length * 8;
      String length = slash < 0 ? String.valueOf(most) : text.substring(slash + 1);
      if (length.matches("\\d{1,3}") && Integer.parseInt(length) <= most) {
        return new AddressRange(first, Integer.parseInt(length));
      }
    }
    throw new IllegalArgumentException(
        what + ": " + text + " (expected: an address, or one and its bits, such as 10.0.0.0/8)");
  }

  /** The address that a text is; null if it is none. Asks no name service. */
  static @Nullable InetAddress literal(String text) {
    boolean six = text.indexOf(':') >= 0;
    if (!six && !text.matches("\\d{1,3}(\\.\\d{1,3}){3}")) {
      return null; // a name, or one of the odd ways to write an address that browsers know
    }
    if (six && !text.matches("[0-9a-fA-F:.]+")) {
      return null;
    }
    try {
      return InetAddress.getByName(text);
    } catch (UnknownHostException e) {
      return null;
    }
  }

  boolean contains(InetAddress address) {
    byte[] bytes = address.getAddress();
    if (bytes.length != first.length) {
      return false;
    }
    int whole = bits / 8;
    if (!Arrays.equals(first, 0, whole, bytes, 0, whole)) {
      return false;
    }
    int rest = bits % 8;
    return rest == 0
        || (first[whole] & 0xff) >>> (8 - rest) == (bytes[whole] & 0xff) >>> (8 - rest);
  }
}

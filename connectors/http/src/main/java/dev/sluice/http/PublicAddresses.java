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
import java.util.List;
import java.util.stream.Stream;

/**
 * The addresses that anybody's request may be sent to: those of the public internet, and those that
 * were allowed by hand. Everything else is somebody's own network, ours perhaps.
 */
final class PublicAddresses {

  private static final List<AddressRange> NOT_PUBLIC_V4 =
      ranges(
          "0.0.0.0/8", // this host
          "10.0.0.0/8",
          "100.64.0.0/10", // behind a carrier's NAT
          "127.0.0.0/8",
          "169.254.0.0/16", // link-local, and the metadata of clouds
          "172.16.0.0/12",
          "192.0.0.0/24",
          "192.0.2.0/24",
          "192.31.196.0/24",
          "192.52.193.0/24",
          "192.88.99.0/24",
          "192.168.0.0/16",
          "192.175.48.0/24",
          "198.18.0.0/15",
          "198.51.100.0/24",
          "203.0.113.0/24",
          "224.0.0.0/4", // multicast
          "240.0.0.0/4"); // reserved, and broadcast

  private static final AddressRange GLOBAL_V6 = AddressRange.of("v6", "2000::/3");

  /** Of the global ones, those that stand for others or for nobody. */
  private static final List<AddressRange> NOT_PUBLIC_V6 =
      ranges(
          "2001::/23", // Teredo, ORCHID, and other protocols
          "2001:db8::/32",
          "2002::/16", // 6to4: an IPv4 address is inside
          "3fff::/20");

  private static final byte[] MAPPED = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, -1, -1};

  private final List<AddressRange> allowed;

  PublicAddresses(List<AddressRange> allowed) {
    this.allowed = allowed;
  }

  boolean contains(InetAddress address) {
    InetAddress meant = unmapped(address);
    return allowed.stream().anyMatch(range -> range.contains(meant)) || isPublic(meant);
  }

  private static boolean isPublic(InetAddress address) {
    return address.getAddress().length == 4
        ? NOT_PUBLIC_V4.stream().noneMatch(range -> range.contains(address))
        : GLOBAL_V6.contains(address)
            && NOT_PUBLIC_V6.stream().noneMatch(range -> range.contains(address));
  }

  /** The IPv4 address that an IPv6 address is mapped from, as a connection would take it. */
  private static InetAddress unmapped(InetAddress address) {
    byte[] bytes = address.getAddress();
    if (bytes.length != 16 || !Arrays.equals(bytes, 0, MAPPED.length, MAPPED, 0, MAPPED.length)) {
      return address;
    }
    try {
      return InetAddress.getByAddress(Arrays.copyOfRange(bytes, MAPPED.length, 16));
    } catch (UnknownHostException e) {
      throw new IllegalStateException(address + " (expected: 16 bytes)", e);
    }
  }

  private static List<AddressRange> ranges(String... texts) {
    return Stream.of(texts).map(text -> AddressRange.of("range", text)).toList();
  }
}

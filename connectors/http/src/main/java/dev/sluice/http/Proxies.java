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
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What the client's address of this server is, as far as proxies that are trusted say so: {@code
 * Forwarded} (RFC 7239), and {@code X-Forwarded-Prefix} for the part of the path that a proxy takes
 * off. What anybody else says about that is not read.
 */
final class Proxies {

  private static final Pattern HOST =
      Pattern.compile("([A-Za-z0-9._-]{1,253}|\\[[0-9a-fA-F:.]{2,45}])(:\\d{1,5})?");

  private static final Pattern PREFIX = Pattern.compile("(/[A-Za-z0-9._~-]+)+");

  private static final Pattern PAIR =
      Pattern.compile("\\s*([A-Za-z]+)\\s*=\\s*(\"[^\"]*\"|[^\\s;,\"]+)\\s*");

  private final List<AddressRange> trusted;

  Proxies(List<AddressRange> trusted) {
    this.trusted = trusted;
  }

  /** What stands before the path of a location; empty if nothing does. */
  String base(OperationCall call) {
    InetAddress peer = call.peer();
    if (peer == null || !isTrusted(peer)) {
      return call.prefix();
    }
    String origin = origin(call.header("Forwarded"));
    String prefix = call.header("X-Forwarded-Prefix");
    boolean prefixed = prefix != null && prefix.length() <= 200 && PREFIX.matcher(prefix).matches();
    return origin + (prefixed ? prefix : "") + call.prefix();
  }

  /**
   * The scheme and host that the outermost of the trusted proxies was asked for. The last element
   * is that of the proxy whose connection it is; each one before it counts if whom it was received
   * from is trusted too.
   */
  private String origin(@Nullable String forwarded) {
    String host = null;
    String scheme = null;
    List<String> elements = forwarded == null ? List.of() : split(forwarded, ',');
    for (int i = elements.size() - 1; i >= 0; i--) {
      InetAddress from = null;
      for (String pair : split(elements.get(i), ';')) {
        Matcher matcher = PAIR.matcher(pair);
        if (!matcher.matches()) {
          return ""; // whatever it means, it is not to be guessed
        }
        String value = matcher.group(2).replace("\"", "");
        switch (matcher.group(1).toLowerCase(Locale.ROOT)) {
          case "host" -> host = value;
          case "proto" -> scheme = value.toLowerCase(Locale.ROOT);
          case "for" -> from = node(value);
          default -> {}
        }
      }
      if (from == null || !isTrusted(from)) {
        break;
      }
    }
    return host != null
            && HOST.matcher(host).matches()
            && ("https".equals(scheme) || "http".equals(scheme))
        ? scheme + "://" + host
        : "";
  }

  /** The address of a node, which may have brackets and a port; null if it has no address. */
  private static @Nullable InetAddress node(String value) {
    if (value.startsWith("[")) {
      int end = value.indexOf(']');
      return end < 0 ? null : AddressRange.literal(value.substring(1, end));
    }
    int colon = value.indexOf(':');
    return AddressRange.literal(colon < 0 ? value : value.substring(0, colon));
  }

  /** Splits outside of quotes. */
  private static List<String> split(String text, char by) {
    List<String> parts = new ArrayList<>();
    boolean quoted = false;
    int from = 0;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      quoted ^= c == '"';
      if (c == by && !quoted) {
        parts.add(text.substring(from, i));
        from = i + 1;
      }
    }
    parts.add(text.substring(from));
    return parts;
  }

  private boolean isTrusted(InetAddress address) {
    return trusted.stream().anyMatch(range -> range.contains(address));
  }
}

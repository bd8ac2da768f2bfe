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

import dev.sluice.store.Content;
import java.net.URI;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A request to be sent.
 *
 * @param method in capitals
 * @param uri absolute, of http or https
 * @param headers beside those of the client
 * @param body null for none
 */
public record HttpAsk(String method, URI uri, Map<String, String> headers, @Nullable Content body) {

  /**
   * Checks them.
   *
   * @throws IllegalArgumentException if {@code uri} is no address of http or https
   */
  public HttpAsk {
    Objects.requireNonNull(method, "method");
    requireHttp("uri", uri);
    headers = Collections.unmodifiableMap(new LinkedHashMap<>(headers));
  }

  /** A {@code GET}. */
  public static HttpAsk get(URI uri) {
    return new HttpAsk("GET", uri, Map.of(), null);
  }

  /** A {@code POST}. */
  public static HttpAsk post(URI uri, Content body) {
    return new HttpAsk("POST", uri, Map.of(), Objects.requireNonNull(body, "body"));
  }

  /** The same with a header, in the place of another of that name. */
  public HttpAsk header(String name, String value) {
    Map<String, String> more = new LinkedHashMap<>(headers);
    more.put(name, value);
    return new HttpAsk(method, uri, more, body);
  }

  static void requireHttp(String what, URI uri) {
    String scheme = uri.getScheme();
    if (!("http".equalsIgnoreCase(scheme) || "https".equalsIgnoreCase(scheme))
        || uri.getHost() == null) {
      throw new IllegalArgumentException(
          what + ": " + uri + " (expected: an absolute address of http or https)");
    }
  }
}

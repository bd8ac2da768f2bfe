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
import io.netty.handler.codec.http.HttpHeaders;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** What a server has answered, as a whole. */
public final class HttpAnswer {

  private final int status;
  private final HttpHeaders headers;
  private final Content content;

  HttpAnswer(int status, HttpHeaders headers, Content content) {
    this.status = status;
    this.headers = Objects.requireNonNull(headers, "headers");
    this.content = Objects.requireNonNull(content, "content");
  }

  /** The HTTP status. */
  public int status() {
    return status;
  }

  /** A header, by its name in any case; null if it is missing. */
  public @Nullable String header(String name) {
    return headers.get(name);
  }

  /** The body; empty if there was none. */
  public Content content() {
    return content;
  }

  @Override
  public String toString() {
    return status + " " + content;
  }
}

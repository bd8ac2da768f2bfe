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
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;

/**
 * An answer of {@link AsyncOperations}, for whatever server sends it: a status, headers, and either
 * a body or a stream. Immutable.
 */
public final class OperationReply {

  private static final byte[] NOTHING = {};

  private final int status;
  private final Map<String, String> headers;
  private final byte[] body;
  private final @Nullable Flux<byte[]> stream;

  private OperationReply(
      int status, Map<String, String> headers, byte[] body, @Nullable Flux<byte[]> stream) {
    this.status = status;
    this.headers = Collections.unmodifiableMap(headers);
    this.body = body;
    this.stream = stream;
  }

  static OperationReply of(int status) {
    Map<String, String> headers = new LinkedHashMap<>();
    headers.put("Cache-Control", "no-store");
    return new OperationReply(status, headers, NOTHING, null);
  }

  static OperationReply of(Problem problem) {
    return of(problem.status()).body(problem.content());
  }

  OperationReply header(String name, String value) {
    Map<String, String> more = new LinkedHashMap<>(headers);
    more.put(name, value);
    return new OperationReply(status, more, body, stream);
  }

  OperationReply body(Content content) {
    OperationReply typed = content.type().isEmpty() ? this : header("Content-Type", content.type());
    return new OperationReply(status, typed.headers, content.bytes(), null);
  }

  OperationReply stream(Flux<byte[]> frames) {
    return new OperationReply(
        status, header("Content-Type", "text/event-stream").headers, NOTHING, frames);
  }

  /** The HTTP status. */
  public int status() {
    return status;
  }

  /** The headers but those of the transfer, in their order. */
  public Map<String, String> headers() {
    return headers;
  }

  /** The body; empty if there is none, or a stream. Nobody may write to it. */
  public byte[] body() {
    return body;
  }

  /** What is to be sent as it comes, each part at once; null if there is a body. */
  public @Nullable Flux<byte[]> stream() {
    return stream;
  }
}

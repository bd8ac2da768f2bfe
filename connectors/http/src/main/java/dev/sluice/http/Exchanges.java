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
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.handler.codec.http.HttpMethod;
import java.io.ByteArrayOutputStream;
import java.time.Duration;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.netty.http.client.HttpClient;

/** Sends a request and reads the answer as a whole, up to a size. */
final class Exchanges {

  private final HttpClient client;
  private final int maxBody;

  /**
   * @param client is made to follow nothing, and to repeat nothing: it would repeat a {@code POST}
   *     whose connection was reset
   */
  Exchanges(HttpClient client, int maxBody) {
    if (maxBody < 0) {
      throw new IllegalArgumentException("maxAnswer: " + maxBody + " (expected: >= 0)");
    }
    this.client = client.followRedirect(false).disableRetry(true);
    this.maxBody = maxBody;
  }

  /** One exchange for each subscription; a cancel closes the connection. */
  Mono<HttpAnswer> exchange(HttpAsk ask) {
    return exchange(client, ask);
  }

  /** The same with a limit on the time until the answer begins, and between its parts. */
  Mono<HttpAnswer> exchange(HttpAsk ask, Duration timeout) {
    return exchange(client.responseTimeout(timeout), ask);
  }

  private Mono<HttpAnswer> exchange(HttpClient with, HttpAsk ask) {
    Content body = ask.body();
    return with.headers(
            headers -> {
              if (body != null && !body.type().isEmpty()) {
                headers.set("Content-Type", body.type());
              }
              if (body != null) {
                headers.set("Content-Length", body.bytes().length);
              }
              ask.headers().forEach(headers::set);
            })
        .request(HttpMethod.valueOf(ask.method()))
        .uri(ask.uri())
        .send(buffers(body))
        .response(
            (response, parts) ->
                read(parts.asByteArray(), maxBody, () -> tooLarge(ask))
                    .map(
                        bytes ->
                            new HttpAnswer(
                                response.status().code(),
                                response.responseHeaders(),
                                Content.of(
                                    type(response.responseHeaders().get("Content-Type")), bytes))))
        .singleOrEmpty();
  }

  /** Made when it is sent, so that nothing is left of one that never is. */
  private static Mono<ByteBuf> buffers(@Nullable Content body) {
    return body == null
        ? Mono.empty()
        : Mono.fromSupplier(() -> Unpooled.wrappedBuffer(body.bytes()));
  }

  private static String type(@Nullable String header) {
    return header == null || header.length() > Content.MAX_TYPE ? "" : header;
  }

  private IllegalStateException tooLarge(HttpAsk ask) {
    return new IllegalStateException(
        ask.method() + " " + ask.uri() + ": more than " + maxBody + " bytes (expected: at most)");
  }

  /** All parts as one; fails as soon as there is more than {@code most}. */
  static Mono<byte[]> read(
      Flux<byte[]> parts, int most, Supplier<? extends RuntimeException> tooLarge) {
    return parts
        .collect(
            ByteArrayOutputStream::new,
            (all, part) -> {
              if (all.size() + part.length > most) {
                throw tooLarge.get();
              }
              all.write(part, 0, part.length);
            })
        .map(ByteArrayOutputStream::toByteArray);
  }
}

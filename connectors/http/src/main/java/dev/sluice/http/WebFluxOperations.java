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

import dev.sluice.Experimental;
import java.net.InetSocketAddress;
import java.util.Objects;
import java.util.function.Function;
import org.springframework.core.io.buffer.DataBuffer;
import org.springframework.core.io.buffer.DataBufferUtils;
import org.springframework.web.reactive.function.BodyExtractors;
import org.springframework.web.reactive.function.server.RouterFunction;
import org.springframework.web.reactive.function.server.RouterFunctions;
import org.springframework.web.reactive.function.server.ServerRequest;
import org.springframework.web.reactive.function.server.ServerResponse;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** {@link AsyncOperations} in WebFlux; the application brings {@code spring-webflux}. */
@Experimental
public final class WebFluxOperations {

  private WebFluxOperations() {}

  /**
   * A router of their paths.
   *
   * @param caller who asks, 1 to 200 characters, such as the name of {@link
   *     ServerRequest#principal}; empty is answered with 401, and an error with 500
   */
  public static RouterFunction<ServerResponse> router(
      AsyncOperations operations, Function<? super ServerRequest, Mono<String>> caller) {
    Objects.requireNonNull(operations, "operations");
    Objects.requireNonNull(caller, "caller");
    return RouterFunctions.route(
        request -> operations.serves(path(request)),
        request ->
            Mono.defer(() -> caller.apply(request))
                .flatMap(name -> operations.answer(call(request, name)))
                .switchIfEmpty(Mono.fromSupplier(() -> OperationReply.of(AsyncOperations.NOBODY)))
                .onErrorResume(error -> Mono.just(AsyncOperations.failed(error)))
                .flatMap(WebFluxOperations::response));
  }

  private static String path(ServerRequest request) {
    return request.requestPath().pathWithinApplication().value();
  }

  private static OperationCall call(ServerRequest request, String caller) {
    return new OperationCall(
        request.method().name(),
        path(request),
        request.requestPath().contextPath().value(),
        name -> request.headers().header(name),
        caller,
        request.remoteAddress().map(InetSocketAddress::getAddress).orElse(null),
        request
            .body(BodyExtractors.toDataBuffers())
            .map(WebFluxOperations::bytes)
            .doOnDiscard(DataBuffer.class, DataBufferUtils::release));
  }

  private static byte[] bytes(DataBuffer buffer) {
    byte[] bytes = new byte[buffer.readableByteCount()];
    buffer.read(bytes);
    DataBufferUtils.release(buffer);
    return bytes;
  }

  private static Mono<ServerResponse> response(OperationReply reply) {
    ServerResponse.BodyBuilder response =
        ServerResponse.status(reply.status())
            .headers(headers -> reply.headers().forEach(headers::set));
    Flux<byte[]> stream = reply.stream();
    if (stream != null) {
      return response.body(
          (output, context) ->
              output.writeAndFlushWith(
                  stream.map(frame -> Mono.just(output.bufferFactory().wrap(frame)))));
    }
    if (reply.body().length == 0) {
      return response.build();
    }
    return response
        .contentLength(reply.body().length)
        .body(
            (output, context) ->
                output.writeWith(
                    Mono.fromSupplier(() -> output.bufferFactory().wrap(reply.body()))));
  }
}

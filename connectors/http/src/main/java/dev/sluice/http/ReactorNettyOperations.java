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
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.netty.http.server.HttpServerRequest;
import reactor.netty.http.server.HttpServerResponse;
import reactor.netty.http.server.HttpServerRoutes;

/** {@link AsyncOperations} on a server of Reactor Netty. */
@Experimental
public final class ReactorNettyOperations {

  private ReactorNettyOperations() {}

  /**
   * The routes, for {@code HttpServer.route}; others can be added with {@link Consumer#andThen}.
   *
   * @param caller who asks, 1 to 200 characters, from whatever proves it; empty is answered with
   *     401, and an error with 500
   */
  public static Consumer<HttpServerRoutes> routes(
      AsyncOperations operations, Function<? super HttpServerRequest, Mono<String>> caller) {
    Objects.requireNonNull(operations, "operations");
    Objects.requireNonNull(caller, "caller");
    return routes ->
        routes.route(
            request -> operations.serves(request.fullPath()),
            (request, response) -> answer(operations, caller, request, response));
  }

  private static Publisher<Void> answer(
      AsyncOperations operations,
      Function<? super HttpServerRequest, Mono<String>> caller,
      HttpServerRequest request,
      HttpServerResponse response) {
    return Mono.defer(() -> caller.apply(request))
        .flatMap(name -> operations.answer(call(request, name)))
        .switchIfEmpty(Mono.fromSupplier(() -> OperationReply.of(AsyncOperations.NOBODY)))
        .onErrorResume(error -> Mono.just(AsyncOperations.failed(error)))
        .flatMap(reply -> send(reply, response));
  }

  private static OperationCall call(HttpServerRequest request, String caller) {
    return new OperationCall(
        request.method().name(),
        request.fullPath(),
        "",
        name -> request.requestHeaders().getAll(name),
        caller,
        address(request.remoteAddress()),
        request.receive().asByteArray());
  }

  private static @Nullable InetAddress address(@Nullable InetSocketAddress remote) {
    return remote == null ? null : remote.getAddress();
  }

  private static Mono<Void> send(OperationReply reply, HttpServerResponse response) {
    response.status(reply.status());
    reply.headers().forEach(response::header);
    Flux<byte[]> stream = reply.stream();
    if (stream != null) {
      Flux<ByteBuf> frames = stream.map(Unpooled::wrappedBuffer);
      return response.send(frames, frame -> true).then();
    }
    if (reply.status() == 204) {
      return response.send();
    }
    response.header("Content-Length", String.valueOf(reply.body().length));
    return response.sendByteArray(Mono.just(reply.body())).then();
  }
}

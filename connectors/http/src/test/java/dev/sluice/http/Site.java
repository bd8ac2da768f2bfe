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

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.function.Function;
import org.springframework.http.codec.ServerCodecConfigurer;
import org.springframework.http.server.reactive.ReactorHttpHandlerAdapter;
import org.springframework.web.reactive.function.server.RouterFunctions;
import org.springframework.web.server.adapter.WebHttpHandlerBuilder;
import org.springframework.web.server.handler.ResponseStatusExceptionHandler;
import reactor.core.publisher.Mono;
import reactor.netty.DisposableServer;
import reactor.netty.http.server.HttpServer;

/** A server with operations, and a plain client that follows nothing. The caller is in a header. */
final class Site implements AutoCloseable {

  /** What serves. */
  enum Adapter {
    REACTOR_NETTY {
      @Override
      DisposableServer serve(AsyncOperations operations) {
        return HttpServer.create()
            .host("127.0.0.1")
            .port(0)
            .route(
                ReactorNettyOperations.routes(
                    operations,
                    request -> Mono.justOrEmpty(request.requestHeaders().get("Caller"))))
            .bindNow();
      }
    },
    WEBFLUX {
      @Override
      DisposableServer serve(AsyncOperations operations) {
        return HttpServer.create()
            .host("127.0.0.1")
            .port(0)
            .handle(
                new ReactorHttpHandlerAdapter(
                    WebHttpHandlerBuilder.webHandler(
                            RouterFunctions.toWebHandler(
                                WebFluxOperations.router(
                                    operations,
                                    request ->
                                        Mono.justOrEmpty(request.headers().firstHeader("Caller")))))
                        .codecConfigurer(CODECS)
                        .exceptionHandler(new ResponseStatusExceptionHandler())
                        .build()))
            .bindNow();
      }
    };

    abstract DisposableServer serve(AsyncOperations operations);
  }

  /** Made here, because it reads files. */
  private static final ServerCodecConfigurer CODECS = ServerCodecConfigurer.create();

  private final HttpClient client =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
  private final DisposableServer server;

  Site(Adapter adapter, AsyncOperations operations) {
    this.server = adapter.serve(operations);
  }

  int port() {
    return server.port();
  }

  URI uri(String path) {
    return URI.create("http://127.0.0.1:" + server.port() + path);
  }

  HttpRequest.Builder request(String path, String... headers) {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(uri(path)).timeout(Await.PATIENCE).header("Caller", "alice");
    for (int i = 0; i < headers.length; i += 2) {
      request.setHeader(headers[i], headers[i + 1]);
    }
    return request;
  }

  HttpResponse<String> post(String path, String body, String... headers) {
    return send(request(path, headers).POST(HttpRequest.BodyPublishers.ofString(body)).build());
  }

  HttpResponse<String> get(String path, String... headers) {
    return send(request(path, headers).GET().build());
  }

  HttpResponse<String> delete(String path, String... headers) {
    return send(request(path, headers).DELETE().build());
  }

  HttpResponse<String> send(HttpRequest request) {
    try {
      return client.send(request, HttpResponse.BodyHandlers.ofString());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Asks until an answer is as it is wanted. */
  HttpResponse<String> until(
      Function<HttpResponse<String>, Boolean> wanted, String path, String... headers) {
    HttpResponse<String>[] last = newArray();
    Await.until(
        "an answer of " + path,
        () -> {
          last[0] = get(path, headers);
          return wanted.apply(last[0]);
        });
    return last[0];
  }

  @SuppressWarnings("unchecked")
  private static HttpResponse<String>[] newArray() {
    return (HttpResponse<String>[]) new HttpResponse<?>[1];
  }

  static String header(HttpResponse<?> response, String name) {
    return response.headers().firstValue(name).orElse(null);
  }

  @Override
  public void close() {
    server.disposeNow(Await.PATIENCE);
  }
}

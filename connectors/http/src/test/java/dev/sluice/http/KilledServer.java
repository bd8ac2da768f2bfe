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

import dev.sluice.postgres.PostgresDatabase;
import dev.sluice.postgres.PostgresOperationStore;
import java.time.Duration;
import java.util.Objects;
import reactor.core.publisher.Mono;
import reactor.netty.DisposableServer;
import reactor.netty.http.server.HttpServer;

/** The process of {@link KillTest}: accepts and works until it is killed. Says on which port. */
final class KilledServer {

  private KilledServer() {}

  public static void main(String[] arguments) {
    PostgresDatabase database =
        Objects.requireNonNull(
            PostgresDatabase.connect(
                    arguments[0],
                    p -> p.schema(arguments[1]).acquireTimeout(Duration.ofSeconds(60)))
                .block());
    AsyncOperations operations = operations(database);
    operations.start();
    DisposableServer server =
        HttpServer.create()
            .host("127.0.0.1")
            .port(0)
            .route(ReactorNettyOperations.routes(operations, request -> Mono.just("alice")))
            .bindNow();
    System.out.println("port " + server.port());
    server.onDispose().block();
  }

  /**
   * Work that takes a moment, so that some is killed before, in and after it, and that is begun as
   * often as it takes: one piece may be in the hands of many who are killed.
   */
  static AsyncOperations operations(PostgresDatabase database) {
    return AsyncOperations.create(
        "claims",
        PostgresOperationStore.create(database),
        run ->
            Mono.delay(Duration.ofMillis(30))
                .thenReturn(OperationResult.of("text/plain", run.request().bytes())),
        s ->
            s.lease(Duration.ofSeconds(2)).pollInterval(Duration.ofMillis(100)).maxAttempts(1_000));
  }
}

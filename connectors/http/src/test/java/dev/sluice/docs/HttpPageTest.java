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
package dev.sluice.docs;

import static dev.sluice.gather.ScatterGather.scatterGather;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.channel.Recipient;
import dev.sluice.gather.Gathered;
import dev.sluice.gather.Recipients;
import dev.sluice.gather.ScatterGather;
import dev.sluice.http.AsyncOperations;
import dev.sluice.http.HttpAnswer;
import dev.sluice.http.HttpAsk;
import dev.sluice.http.HttpRecipient;
import dev.sluice.http.OperationClient;
import dev.sluice.http.OperationFailed;
import dev.sluice.http.OperationResult;
import dev.sluice.http.OperationsSpec.KeyPolicy;
import dev.sluice.http.Problem;
import dev.sluice.http.ReactorNettyOperations;
import dev.sluice.http.WebFluxOperations;
import dev.sluice.http.Webhooks;
import dev.sluice.memory.MemoryOperationStore;
import dev.sluice.store.Content;
import dev.sluice.store.OperationStore;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.security.Principal;
import java.time.Duration;
import java.util.Base64;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.springframework.web.reactive.function.server.RouterFunction;
import org.springframework.web.reactive.function.server.ServerResponse;
import reactor.core.publisher.Mono;
import reactor.netty.DisposableServer;
import reactor.netty.http.client.HttpClient;
import reactor.netty.http.server.HttpServer;
import reactor.netty.http.server.HttpServerRequest;

/** The code of docs/patterns/async-request-reply.md and docs/connectors/http.md. */
class HttpPageTest {

  private static final Duration PATIENCE = Duration.ofSeconds(30);

  private final OperationStore store = MemoryOperationStore.create(100);

  @Test
  void anOperation() {
    int port = 0;
    // #region server
    AsyncOperations claims =
        AsyncOperations.create(
            "claims",
            store, // PostgresOperationStore, and no instance that dies loses anything
            run ->
                search(run.request())
                    .doOnNext(found -> run.progress(90, "found, being described"))
                    .map(found -> OperationResult.of("application/json", found)),
            s -> s.idempotencyKey(KeyPolicy.REQUIRED));

    AsyncOperations.Working working = claims.start(); // on the instances that are to work

    DisposableServer server =
        HttpServer.create()
            .port(port)
            .route(ReactorNettyOperations.routes(claims, this::caller))
            .bindNow();
    // #endregion
    URI base = URI.create("http://127.0.0.1:" + server.port());
    Content claim = Content.of("application/json", "{\"tag\":42}".getBytes(UTF_8));
    // #region client
    OperationClient client =
        OperationClient.create(HttpClient.create(), c -> c.wait(Duration.ofSeconds(20)));

    Mono<HttpAnswer> found = client.submit(base.resolve("/claims"), claim);
    // #endregion
    assertThat(found.block(PATIENCE).content().bytes()).asString().isEqualTo("{\"found\":true}");
    // #region webflux
    RouterFunction<ServerResponse> router =
        WebFluxOperations.router(claims, request -> request.principal().map(Principal::getName));
    // #endregion
    assertThat(router).isNotNull();
    // #region stop
    Mono<Void> stopped = working.stop(Duration.ofSeconds(20));
    // #endregion
    stopped.block(PATIENCE);
    server.disposeNow(PATIENCE);
  }

  private Mono<String> caller(HttpServerRequest request) {
    return Mono.just("alice");
  }

  private Mono<byte[]> search(Content claim) {
    return claim.bytes().length == 0
        ? Mono.error(new OperationFailed(Problem.of(422, "no-tag", "Which bag?")))
        : Mono.just("{\"found\":true}".getBytes(UTF_8));
  }

  @Test
  void admission() {
    // #region admission
    AsyncOperations claims =
        AsyncOperations.create(
            "claims",
            store,
            run ->
                search(run.request()).map(found -> OperationResult.of("application/json", found)),
            s ->
                s.admission(
                    request ->
                        request.content().bytes().length > 0
                            ? quota(request.caller()) // empty, or 429 when to come back
                            : Mono.error(
                                new OperationFailed(Problem.of(422, "no-tag", "Which bag?")))));
    // #endregion
    assertThat(claims.serves("/claims")).isTrue();
  }

  private Mono<Void> quota(String caller) {
    return caller.equals("mallory")
        ? Mono.error(
            OperationFailed.retryAfter(
                Problem.of(429, "too-many", "Too many claims"), Duration.ofMinutes(1)))
        : Mono.empty();
  }

  @Test
  void callbacks() {
    String secret = "whsec_" + Base64.getEncoder().encodeToString(new byte[32]);
    // #region webhooks
    AsyncOperations claims =
        AsyncOperations.create(
            "claims",
            store,
            run -> search(run.request()).map(found -> OperationResult.at("/bags/42")),
            s ->
                s.resultsBelow("/bags/")
                    .webhooks(
                        Webhooks.signedWith(secret).publicAt(URI.create("https://api.example"))));
    // #endregion
    assertThat(claims.serves("/claims")).isTrue();
  }

  @Test
  void aScatter() {
    DisposableServer server =
        HttpServer.create()
            .port(0)
            .route(
                routes ->
                    routes.get(
                        "/seats", (request, response) -> response.sendString(Mono.just("17A"))))
            .bindNow();
    URI base = URI.create("http://127.0.0.1:" + server.port());
    HttpClient http = HttpClient.create();
    http.get().uri(base.resolve("/seats")).response().block(PATIENCE); // the first takes its time
    // #region recipient
    Recipient<String, String> alpha =
        HttpRecipient.create(
            "alpha",
            http,
            flight -> HttpAsk.get(base.resolve("/seats?flight=" + flight)),
            answer -> new String(answer.content().bytes(), UTF_8));

    ScatterGather<String, String> seats =
        scatterGather(Recipients.of(alpha), s -> s.first(1).within(Duration.ofSeconds(2)));
    // #endregion
    Gathered<String> gathered = seats.ask("B61").block(PATIENCE);
    assertThat(gathered.answers()).containsExactly("17A");
    server.disposeNow(PATIENCE);
  }

  /** With nothing but curl: the script that the page shows. */
  @Test
  void aScript() throws IOException, InterruptedException {
    AsyncOperations claims =
        AsyncOperations.create(
            "claims",
            store,
            run ->
                new String(run.request().bytes(), UTF_8).contains("slow")
                    ? Mono.never()
                    : Mono.delay(Duration.ofMillis(200))
                        .then(search(run.request()))
                        .map(found -> OperationResult.of("application/json", found)),
            s -> s.idempotencyKey(KeyPolicy.REQUIRED));
    AsyncOperations.Working working = claims.start();
    DisposableServer server =
        HttpServer.create()
            .host("127.0.0.1")
            .port(0)
            .route(ReactorNettyOperations.routes(claims, this::caller))
            .bindNow();
    Process script =
        new ProcessBuilder(
                "bash",
                Path.of("../../docs/patterns/async-request-reply.sh").toString(),
                "http://127.0.0.1:" + server.port())
            .redirectErrorStream(true)
            .start();
    String output = new String(script.getInputStream().readAllBytes(), UTF_8);
    assertThat(script.waitFor(60, TimeUnit.SECONDS)).isTrue();
    assertThat(script.exitValue()).as(output).isZero();
    assertThat(output).contains("result: {\"found\":true}", "all is as it should be");
    working.stop(Duration.ZERO).block(PATIENCE);
    server.disposeNow(PATIENCE);
  }
}

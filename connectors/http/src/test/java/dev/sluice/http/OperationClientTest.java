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

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.sluice.memory.MemoryOperationStore;
import dev.sluice.store.Content;
import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.netty.DisposableServer;
import reactor.netty.http.client.HttpClient;
import reactor.netty.http.server.HttpServer;
import reactor.netty.http.server.HttpServerResponse;
import reactor.test.StepVerifier;
import reactor.test.scheduler.VirtualTimeScheduler;

class OperationClientTest {

  private static final Content BAG = Content.of("text/plain", "bag".getBytes(UTF_8));

  /** What the server answers, one after the other; then 404. */
  private interface Answer {
    Mono<Void> send(HttpServerResponse response);
  }

  private final BlockingQueue<Answer> script = new LinkedBlockingQueue<>();
  private final ConcurrentLinkedQueue<String> requests = new ConcurrentLinkedQueue<>();
  private final ConcurrentLinkedQueue<String> keys = new ConcurrentLinkedQueue<>();
  private final VirtualTimeScheduler time = VirtualTimeScheduler.create();
  private final List<Disposable> open = new ArrayList<>();
  private final DisposableServer server = server();

  private DisposableServer server() {
    DisposableServer server =
        HttpServer.create()
            .host("127.0.0.1")
            .port(0)
            .handle(
                (request, response) -> {
                  String key = request.requestHeaders().get("Idempotency-Key");
                  if (key != null) {
                    keys.add(key);
                  }
                  return request
                      .receive()
                      .aggregate()
                      .asString()
                      .defaultIfEmpty("")
                      .flatMap(
                          body -> {
                            requests.add(request.method() + " " + request.uri());
                            Answer answer = script.poll();
                            return answer == null
                                ? response.status(404).send()
                                : answer.send(response);
                          });
                })
            .bindNow();
    open.add(server);
    return server;
  }

  @AfterEach
  void close() {
    open.forEach(Disposable::dispose);
  }

  private URI uri(String path) {
    return URI.create("http://127.0.0.1:" + server.port() + path);
  }

  private OperationClient client(UnaryOperator<OperationClientSpec> spec) {
    return OperationClient.create(HttpClient.create(), s -> spec.apply(s.timer(time)));
  }

  private static Answer answer(int status, String... headers) {
    return response -> {
      response.status(status);
      for (int i = 0; i < headers.length; i += 2) {
        response.header(headers[i], headers[i + 1]);
      }
      return response.sendString(Mono.just("body of " + status)).then();
    };
  }

  private void answers(Answer... answers) {
    script.addAll(Arrays.asList(answers));
  }

  private void awaitRequests(int number) {
    Await.until("request " + number + " of " + requests, () -> requests.size() >= number);
  }

  /**
   * Lets time pass until the client has done something about it: its timer is set a little later.
   */
  private void passUntilRequests(int number, Duration time) {
    Await.until(
        "request " + number + " of " + requests,
        () -> {
          this.time.advanceTimeBy(time);
          return requests.size() >= number;
        });
  }

  private static String body(HttpAnswer answer) {
    return new String(answer.content().bytes(), UTF_8);
  }

  @Test
  void pollsUntilTheResultIsThere() {
    answers(
        answer(202, "Location", "/operations/1", "Retry-After", "5"),
        answer(202, "Retry-After", "7"),
        answer(302, "Location", "/results/1"),
        answer(200, "Content-Type", "text/plain"));
    List<HttpAnswer> results = new CopyOnWriteArrayList<>();
    open.add(client(s -> s).submit(uri("/claims"), BAG).subscribe(results::add));
    awaitRequests(1);
    passUntilRequests(2, Duration.ofSeconds(5));
    passUntilRequests(4, Duration.ofSeconds(7));
    Await.until("the result", () -> !results.isEmpty());
    assertThat(requests)
        .containsExactly(
            "POST /claims", "GET /operations/1", "GET /operations/1", "GET /results/1");
    assertThat(results.get(0).status()).isEqualTo(200);
    assertThat(body(results.get(0))).isEqualTo("body of 200");
    assertThat(results.get(0).content().type()).isEqualTo("text/plain");
  }

  @Test
  void asksNoSoonerThanTheServerSays() {
    answers(answer(202, "Location", "/operations/1", "Retry-After", "5"), answer(200));
    Mono<HttpAnswer> result = client(s -> s).submit(uri("/claims"), BAG);
    List<HttpAnswer> results = new CopyOnWriteArrayList<>();
    open.add(result.subscribe(results::add));
    awaitRequests(1);
    Await.until("the pause to begin", () -> time.getScheduledTaskCount() > 0);
    time.advanceTimeBy(Duration.ofMillis(4_999));
    assertThat(requests).hasSize(1);
    time.advanceTimeBy(Duration.ofMillis(1));
    awaitRequests(2);
    Await.until("the result", () -> !results.isEmpty());
  }

  @Test
  void waitsNoLongerThanItWantsToWhateverTheServerSays() {
    answers(answer(202, "Location", "/operations/1", "Retry-After", "3600"), answer(200));
    List<HttpAnswer> results = new ArrayList<>();
    open.add(
        client(s -> s.maxPause(Duration.ofSeconds(3)))
            .submit(uri("/claims"), BAG)
            .subscribe(results::add));
    awaitRequests(1);
    Await.until("the pause to begin", () -> time.getScheduledTaskCount() > 0);
    time.advanceTimeBy(Duration.ofSeconds(3));
    awaitRequests(2);
    Await.until("the result", () -> !results.isEmpty());
  }

  @Test
  void followsARealServer() {
    AsyncOperations operations =
        AsyncOperations.create(
            "claims",
            MemoryOperationStore.create(10),
            run -> Mono.just(OperationResult.of("text/plain", run.request().bytes())),
            s -> s);
    AsyncOperations.Working working = operations.start();
    try (Site site = new Site(Site.Adapter.REACTOR_NETTY, operations)) {
      HttpClient alice = HttpClient.create().headers(headers -> headers.set("Caller", "alice"));
      OperationClient client = OperationClient.create(alice, s -> s.wait(Duration.ofSeconds(20)));
      StepVerifier.create(client.submit(site.uri("/claims"), BAG).map(OperationClientTest::body))
          .expectNext("bag")
          .expectComplete()
          .verify(Await.PATIENCE);
    } finally {
      working.stop(Duration.ZERO).block(Await.PATIENCE);
    }
  }

  @Test
  void goesToNoOtherServer() {
    AtomicInteger asked = new AtomicInteger();
    DisposableServer other =
        HttpServer.create()
            .host("127.0.0.1")
            .port(0)
            .handle(
                (request, response) -> {
                  asked.incrementAndGet();
                  return response.send();
                })
            .bindNow();
    open.add(other);
    String elsewhere = "http://127.0.0.1:" + other.port() + "/stolen";
    for (String location :
        List.of(elsewhere, "//127.0.0.1:" + other.port() + "/", "https://127.0.0.1/", "http://[")) {
      answers(answer(202, "Location", location, "Retry-After", "0"));
      StepVerifier.create(client(s -> s).submit(uri("/claims"), BAG))
          .expectError(HttpRefused.class)
          .verify(Await.PATIENCE);
      answers(answer(302, "Location", location));
      StepVerifier.create(client(s -> s).await(uri("/operations/1")))
          .expectError(HttpRefused.class)
          .verify(Await.PATIENCE);
    }
    assertThat(asked).hasValue(0);
  }

  @Test
  void goesInNoCircles() {
    for (int i = 0; i < 10; i++) {
      answers(answer(302, "Location", "/operations/1"));
    }
    StepVerifier.create(client(s -> s).await(uri("/operations/1")))
        .expectError(HttpRefused.class)
        .verify(Await.PATIENCE);
    assertThat(requests).hasSize(6);
  }

  @Test
  void takesNo202ForAResult() {
    answers(answer(202));
    StepVerifier.create(client(s -> s).submit(uri("/claims"), BAG))
        .expectError(HttpRefused.class)
        .verify(Await.PATIENCE);
  }

  @Test
  void saysWithWhatTheOperationHasFailed() {
    answers(answer(202, "Location", "/operations/1", "Retry-After", "0"), answer(422));
    StepVerifier.create(client(s -> s).submit(uri("/claims"), BAG))
        .then(() -> passUntilRequests(2, Duration.ofMillis(1)))
        .expectErrorSatisfies(
            error ->
                assertThat(error)
                    .isInstanceOfSatisfying(
                        HttpRefused.class,
                        refused -> {
                          assertThat(refused.answer().status()).isEqualTo(422);
                          assertThat(body(refused.answer())).isEqualTo("body of 422");
                        }))
        .verify(Await.PATIENCE);
  }

  @Test
  void repeatsARequestThatGotNoAnswerWithItsKey() {
    answers(
        response -> {
          response.withConnection(connection -> connection.channel().close());
          return Mono.never();
        },
        answer(503, "Retry-After", "3"),
        answer(409, "Location", "/operations/1"),
        answer(200));
    List<HttpAnswer> results = new CopyOnWriteArrayList<>();
    open.add(client(s -> s).submit(uri("/claims"), BAG).subscribe(results::add));
    passUntilRequests(4, Duration.ofSeconds(1));
    Await.until("the result", () -> !results.isEmpty());
    assertThat(requests)
        .containsExactly("POST /claims", "POST /claims", "POST /claims", "GET /operations/1");
    assertThat(keys).hasSize(3);
    assertThat(List.copyOf(keys)).containsOnly(keys.peek());
  }

  @Test
  void repeatsNothingMoreOftenThanItMay() {
    for (int i = 0; i < 5; i++) {
      answers(
          response -> {
            response.withConnection(connection -> connection.channel().close());
            return Mono.never();
          });
    }
    List<Throwable> errors = new CopyOnWriteArrayList<>();
    open.add(
        client(s -> s.retries(2))
            .submit(uri("/claims"), BAG, "k1")
            .subscribe(answer -> {}, errors::add));
    passUntilRequests(3, Duration.ofSeconds(10));
    Await.until("the error", () -> !errors.isEmpty());
    assertThat(errors.get(0)).isInstanceOf(IOException.class);
    assertThat(requests).hasSize(3);
    assertThat(keys).containsOnly("k1");
  }

  @Test
  void cancelsTheOperationThatNobodyWaitsForAnyMore() {
    answers(answer(202, "Location", "/operations/1", "Retry-After", "5"), answer(202));
    Disposable waiting = client(s -> s).submit(uri("/claims"), BAG).subscribe();
    Await.until("the pause to begin", () -> time.getScheduledTaskCount() > 0);
    waiting.dispose();
    awaitRequests(2);
    assertThat(requests).containsExactly("POST /claims", "DELETE /operations/1");
  }

  @Test
  void leavesItRunningIfThatIsWanted() {
    answers(answer(202, "Location", "/operations/1", "Retry-After", "5"));
    Disposable waiting = client(s -> s.leaveRunning()).submit(uri("/claims"), BAG).subscribe();
    Await.until("the pause to begin", () -> time.getScheduledTaskCount() > 0);
    waiting.dispose();
    answers(answer(200));
    StepVerifier.create(client(s -> s).await(uri("/operations/1")))
        .expectNextCount(1)
        .expectComplete()
        .verify(Await.PATIENCE);
    assertThat(requests).containsExactly("POST /claims", "GET /operations/1");
  }

  @Test
  void readsNoMoreThanItMay() {
    Leaks.watch();
    answers(
        response -> response.sendString(Flux.range(0, 1_000).map(i -> "x".repeat(1_000))).then());
    StepVerifier.create(client(s -> s.maxAnswer(10_000)).await(uri("/operations/1")))
        .expectErrorMessage(
            "GET " + uri("/operations/1") + ": more than 10000 bytes (expected: at most)")
        .verify(Await.PATIENCE);
    Leaks.assertNone();
  }

  @Test
  void refusesWhatIsOutOfRange() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> client(s -> s.retries(-1)))
        .withMessage("retries: -1 (expected: >= 0)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> client(s -> s.pollInterval(Duration.ZERO)))
        .withMessage("pollInterval: PT0S (expected: > PT0S, <= PT8760H)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> client(s -> s.maxPause(Duration.ZERO)))
        .withMessage("maxPause: PT0S (expected: > PT0S, <= PT8760H)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> client(s -> s).submit(URI.create("/claims"), BAG))
        .withMessage("to: /claims (expected: an absolute address of http or https)");
  }
}

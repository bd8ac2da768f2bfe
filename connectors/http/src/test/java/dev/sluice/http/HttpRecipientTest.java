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

import static dev.sluice.gather.ScatterGather.scatterGather;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.channel.Recipient;
import dev.sluice.gather.Gathered;
import dev.sluice.gather.Leg;
import dev.sluice.gather.Recipients;
import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;
import reactor.netty.DisposableServer;
import reactor.netty.http.client.HttpClient;
import reactor.netty.http.server.HttpServer;
import reactor.test.StepVerifier;

class HttpRecipientTest {

  private final AtomicInteger asked = new AtomicInteger();
  private final AtomicInteger closed = new AtomicInteger();
  private final DisposableServer server =
      HttpServer.create()
          .host("127.0.0.1")
          .port(0)
          .route(
              routes ->
                  routes
                      .get(
                          "/quote/{n}",
                          (request, response) -> response.sendString(Mono.just(request.param("n"))))
                      .get(
                          "/silent",
                          (request, response) -> {
                            request.withConnection(
                                connection ->
                                    connection
                                        .channel()
                                        .closeFuture()
                                        .addListener(future -> closed.incrementAndGet()));
                            asked.incrementAndGet();
                            return Mono.never();
                          })
                      .get(
                          "/drip",
                          (request, response) -> {
                            request.withConnection(
                                connection ->
                                    connection
                                        .channel()
                                        .closeFuture()
                                        .addListener(future -> closed.incrementAndGet()));
                            asked.incrementAndGet();
                            return response.sendString(
                                Flux.just("a").concatWith(Flux.never()), UTF_8);
                          })
                      .get(
                          "/second", // answers when somebody waits for one that does not
                          (request, response) ->
                              response.sendString(
                                  Flux.interval(Duration.ofMillis(5))
                                      .filter(tick -> asked.get() > 0)
                                      .next()
                                      .map(tick -> "2")))
                      .get("/nothing", (request, response) -> response.status(204).send())
                      .get("/failing", (request, response) -> response.status(500).send()))
          .bindNow();

  @AfterEach
  void close() {
    server.disposeNow(Await.PATIENCE);
  }

  private HttpRecipient<String, String> recipient(String name, String path) {
    return HttpRecipient.create(
        name,
        HttpClient.create(),
        request -> HttpAsk.get(uri(path)),
        answer -> new String(answer.content().bytes(), UTF_8));
  }

  private URI uri(String path) {
    return URI.create("http://127.0.0.1:" + server.port() + path);
  }

  @Test
  void answersAScatter() {
    Gathered<String> gathered =
        scatterGather(
                Recipients.<String, String>of(
                    recipient("a", "/quote/1"),
                    recipient("b", "/nothing"),
                    recipient("c", "/failing")),
                s -> s.within(Await.PATIENCE))
            .ask("seat")
            .block(Await.PATIENCE);
    assertThat(gathered.legs())
        .extracting(Leg::state)
        .containsExactly(Leg.State.ANSWERED, Leg.State.EMPTY, Leg.State.FAILED);
    assertThat(gathered.answers()).containsExactly("1");
    assertThat(gathered.legs().get(2).error())
        .isInstanceOfSatisfying(
            HttpRefused.class, refused -> assertThat(refused.answer().status()).isEqualTo(500));
  }

  @Test
  void closesTheConnectionsOfThoseWhoLose() {
    Leaks.watch();
    Gathered<String> gathered =
        scatterGather(
                Recipients.<String, String>of(
                    recipient("silent", "/silent"),
                    recipient("drip", "/drip"),
                    Recipient.of(
                        "quick",
                        request ->
                            Mono.defer(
                                    () -> {
                                      Await.until("both to be asked", () -> asked.get() == 2);
                                      return Mono.just("won");
                                    })
                                .subscribeOn(Schedulers.boundedElastic()))),
                s -> s.first(1))
            .ask("seat")
            .block(Await.PATIENCE);
    assertThat(gathered.answers()).containsExactly("won");
    Await.until("the losers' connections to be closed", () -> closed.get() == 2);
    Leaks.assertNone();
  }

  @Test
  void doesNotWaitBeyondTheDeadline() {
    // a busy machine may not get as far as the server in that time
    for (int attempt = 1; asked.get() == 0; attempt++) {
      assertThat(attempt).as("attempts that were not heard of").isLessThan(100);
      StepVerifier.create(
              Mono.from(recipient("silent", "/silent").ask("seat"))
                  .contextWrite(
                      context -> context.put(Recipient.DEADLINE, Instant.now().plusMillis(300))))
          .expectError()
          .verify(Await.PATIENCE);
    }
    Await.until("the connection to be closed", () -> closed.get() == asked.get());
    int before = asked.get();
    StepVerifier.create(
            Mono.from(recipient("silent", "/silent").ask("seat"))
                .contextWrite(
                    context -> context.put(Recipient.DEADLINE, Instant.now().minusMillis(1))))
        .expectError(TimeoutException.class)
        .verify(Await.PATIENCE);
    assertThat(asked).hasValue(before);
  }

  @Test
  void hedgesElsewhere() {
    HttpRecipient<String, String> recipient =
        recipient("a", "/silent").hedging(request -> HttpAsk.get(uri("/second")));
    Gathered<String> gathered =
        scatterGather(
                Recipients.<String, String>of(recipient), s -> s.hedge(Duration.ofMillis(50), 1))
            .ask("seat")
            .block(Await.PATIENCE);
    assertThat(gathered.answers()).containsExactly("2");
    Await.until("the loser's connection to be closed", () -> closed.get() == 1);
  }
}

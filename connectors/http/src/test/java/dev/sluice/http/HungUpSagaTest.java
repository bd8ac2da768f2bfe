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

import static dev.sluice.saga.Sagas.saga;
import static dev.sluice.saga.Sagas.sagaStep;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.saga.OnCancel;
import dev.sluice.saga.SagaResult;
import dev.sluice.saga.SagaSpec;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import reactor.core.Disposable;
import reactor.core.publisher.Mono;
import reactor.core.publisher.SignalType;
import reactor.core.publisher.Sinks;
import reactor.netty.DisposableServer;
import reactor.netty.http.client.HttpClient;
import reactor.netty.http.server.HttpServer;

/** Somebody asks for a saga over HTTP, and hangs up in the middle of one of its steps. */
class HungUpSagaTest {

  private static final List<String> STEPS = List.of("seat", "hotel", "charge", "ticket", "mail");

  private final Set<String> standing = ConcurrentHashMap.newKeySet();
  private final AtomicInteger begun = new AtomicInteger();
  private final AtomicBoolean hungUp = new AtomicBoolean();
  private final Sinks.Empty<Void> reached = Sinks.empty();
  private final Sinks.Empty<Void> goOn = Sinks.empty();
  private final Queue<SagaResult<?>> results = new ConcurrentLinkedQueue<>();
  private int heldUp;
  private OnCancel onCancel = OnCancel.COMPENSATE;

  private final DisposableServer server =
      HttpServer.create()
          .host("127.0.0.1")
          .port(0)
          .route(
              routes ->
                  routes.post(
                      "/bookings",
                      (request, response) ->
                          response.sendString(
                              booked().doFinally(this::hungUp).map(Object::toString))))
          .bindNow();

  /** Hears of a cancel when the saga has heard of it. */
  private void hungUp(SignalType signal) {
    hungUp.set(signal == SignalType.CANCEL);
  }

  private Mono<SagaResult<String>> booked() {
    Mono<String> body = Mono.just("order");
    for (int i = 0; i < STEPS.size(); i++) {
      String step = STEPS.get(i);
      boolean here = i == heldUp;
      body =
          body.transform(
              sagaStep(
                  step,
                  in -> act(step, in, here),
                  s -> s.compensate((in, out) -> Mono.fromRunnable(() -> standing.remove(step)))));
    }
    return body.as(
        saga(
            "booking",
            (SagaSpec<String> s) ->
                s.onCancel(onCancel).listener((name, id, result) -> results.add(result))));
  }

  private Mono<String> act(String step, String in, boolean here) {
    begun.incrementAndGet();
    Mono<String> done =
        Mono.fromSupplier(
            () -> {
              standing.add(step);
              return in + ">" + step;
            });
    if (!here) {
      return done;
    }
    reached.tryEmitEmpty();
    return goOn.asMono().then(done);
  }

  @AfterEach
  void close() {
    server.disposeNow(Await.PATIENCE);
  }

  @ParameterizedTest
  @CsvSource({
    "0, COMPENSATE", "1, COMPENSATE", "2, COMPENSATE", "3, COMPENSATE", "4, COMPENSATE",
    "0, CONTINUE", "1, CONTINUE", "2, CONTINUE", "3, CONTINUE", "4, CONTINUE"
  })
  void isDoneOrUndone(int step, OnCancel what) {
    heldUp = step;
    onCancel = what;
    Disposable client =
        HttpClient.newConnection()
            .post()
            .uri("http://127.0.0.1:" + server.port() + "/bookings")
            .responseContent()
            .aggregate()
            .subscribe();
    reached.asMono().block(Await.PATIENCE);
    client.dispose();
    Await.until("the saga to be cancelled", hungUp::get);
    goOn.tryEmitEmpty();
    Await.until("the end of the saga", () -> !results.isEmpty());
    assertThat(results).hasSize(1);
    if (what == OnCancel.CONTINUE) {
      assertThat(results.element())
          .isEqualTo(new SagaResult.Completed<>("order>seat>hotel>charge>ticket>mail"));
      assertThat(standing).containsExactlyInAnyOrderElementsOf(STEPS);
    } else {
      assertThat(results.element()).isInstanceOf(SagaResult.Compensated.class);
      assertThat(standing).isEmpty();
      assertThat(begun).as("no step begins after that").hasValue(step + 1);
    }
  }
}

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

import static dev.sluice.saga.Sagas.saga;
import static dev.sluice.saga.Sagas.sagaStep;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.saga.SagaResult;
import dev.sluice.saga.StepContext;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.test.StepVerifier;

/** The code of docs/patterns/saga.md. */
class SagaPageTest {

  private record Order(String id, List<String> bags) {}

  private record Hold(String seat) {}

  private record Charge(String id) {}

  private record Ticket(String number) {}

  private final Order order = new Order("7", List.of("b1", "b2"));
  private final List<String> undone = new ArrayList<>();
  private boolean declines;

  private final Seats seats = new Seats();
  private final Payments payments = new Payments();

  private final class Seats {
    Mono<Hold> hold(Order order) {
      return Mono.just(new Hold("12A"));
    }

    Mono<Void> release(Order order, @Nullable Hold hold) {
      return Mono.fromRunnable(() -> undone.add("hold of " + order.id()));
    }
  }

  private final class Payments {
    Mono<Charge> charge(Hold hold, String idempotencyKey) {
      return declines
          ? Mono.error(new IllegalStateException("declined"))
          : Mono.just(new Charge(idempotencyKey));
    }

    Mono<Void> refund(Hold hold, @Nullable Charge charge) {
      return Mono.fromRunnable(() -> undone.add("charge of " + hold.seat()));
    }
  }

  private static Mono<Ticket> issue(Charge charge) {
    return Mono.just(new Ticket("T1"));
  }

  private Mono<SagaResult<Ticket>> rebook() {
    // #region saga
    Mono<SagaResult<Ticket>> rebooked =
        Mono.just(order)
            .transform(sagaStep("hold-seat", seats::hold, s -> s.compensate(seats::release)))
            .transform(
                sagaStep(
                    "charge",
                    hold ->
                        StepContext.current()
                            .flatMap(step -> payments.charge(hold, step.idempotencyKey())),
                    s -> s.compensate(payments::refund).timeout(Duration.ofSeconds(3)).pivot()))
            .transform(sagaStep("issue-ticket", charge -> issue(charge)))
            .as(saga("rebook", s -> s.timeout(Duration.ofSeconds(20))));
    // #endregion
    return rebooked;
  }

  @Test
  void completes() {
    StepVerifier.create(rebook())
        .expectNext(new SagaResult.Completed<>(new Ticket("T1")))
        .verifyComplete();
    assertThat(undone).isEmpty();
  }

  @Test
  void compensates() {
    declines = true;
    // #region result
    Mono<String> answer =
        rebook()
            .map(
                result -> {
                  if (result instanceof SagaResult.Completed<Ticket> completed) {
                    return "your ticket: " + completed.value();
                  } else if (result instanceof SagaResult.Compensated<Ticket> compensated) {
                    return "nothing was booked: " + compensated.cause().getMessage();
                  }
                  return "we will call you";
                });
    // #endregion
    StepVerifier.create(answer).expectNext("nothing was booked: declined").verifyComplete();
    assertThat(undone).containsExactly("charge of 12A", "hold of 7");
  }

  private Mono<String> load(String bag) {
    return Mono.just("loaded " + bag);
  }

  private Mono<Void> unload(String bag, @Nullable String loaded) {
    return Mono.empty();
  }

  @Test
  void branches() {
    // #region branches
    Mono<SagaResult<List<String>>> loaded =
        Flux.fromIterable(order.bags())
            .flatMap(
                bag ->
                    Mono.just(bag)
                        .transform(
                            sagaStep(
                                "load", this::load, s -> s.key(b -> b).compensate(this::unload))))
            .collectList()
            .as(saga("load-bags", s -> s));
    // #endregion
    StepVerifier.create(loaded)
        .expectNext(new SagaResult.Completed<>(List.of("loaded b1", "loaded b2")))
        .verifyComplete();
  }
}

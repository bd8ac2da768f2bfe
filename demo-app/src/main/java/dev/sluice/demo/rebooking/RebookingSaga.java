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
package dev.sluice.demo.rebooking;

import static dev.sluice.saga.Sagas.sagaStep;

import dev.sluice.saga.Compensation;
import dev.sluice.saga.SagaDefinition;
import dev.sluice.saga.StepContext;
import java.time.Duration;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Function;
import reactor.core.publisher.Mono;

/** What happens when a passenger has missed a flight: all of it, or nothing. */
final class RebookingSaga {

  /** The name in the journal. */
  static final String NAME = "rebooking";

  /** The steps, in their order. */
  static final List<String> STEPS = List.of("hold-seat", "hotel-voucher", "charge", "issue-ticket");

  private static final Duration STEP_TIMEOUT = Duration.ofSeconds(10);
  private static final int UNDO_RETRIES = 2;
  private static final Duration UNDO_AGAIN_AFTER = Duration.ofMillis(200);

  private RebookingSaga() {}

  /**
   * The definition.
   *
   * @param begun is told the id of each rebooking when the journal has it: when its first step is
   *     done for the first time
   */
  static SagaDefinition<Trip, Trip> of(Partners partners, Consumer<String> begun) {
    return SagaDefinition.of(
            NAME,
            1,
            Trip.class,
            Trip.class,
            trip ->
                Mono.just(trip)
                    .transform(
                        step(
                            "hold-seat", telling(begun, partners::holdSeat), partners::releaseSeat))
                    .transform(
                        step("hotel-voucher", partners::issueVoucher, partners::cancelVoucher))
                    .transform(step("charge", partners::charge, partners::refund))
                    .transform(step("issue-ticket", partners::issueTicket, partners::voidTicket)))
        .with(
            s ->
                s.compensationRetry(
                    r ->
                        r.retries(UNDO_RETRIES)
                            .backoff(UNDO_AGAIN_AFTER, UNDO_AGAIN_AFTER.multipliedBy(4))));
  }

  private static Function<Mono<Trip>, Mono<Trip>> step(
      String name, Function<Trip, Mono<Trip>> action, Compensation<Trip, Trip> undo) {
    return sagaStep(name, action, s -> s.gives(Trip.class).timeout(STEP_TIMEOUT).compensate(undo));
  }

  private static Function<Trip, Mono<Trip>> telling(
      Consumer<String> begun, Function<Trip, Mono<Trip>> action) {
    return trip ->
        StepContext.current()
            .doOnNext(step -> begun.accept(step.sagaId()))
            .flatMap(step -> action.apply(trip));
  }
}

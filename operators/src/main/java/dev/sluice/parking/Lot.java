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
package dev.sluice.parking;

import dev.sluice.delivery.Delivery;
import dev.sluice.store.ParkingLot;
import java.time.Duration;
import java.util.function.BooleanSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Scheduler;
import reactor.util.retry.Retry;

/** The lot of one flow, which is asked again and again while it is in trouble. */
record Lot(ParkingLot store, String flow, ParkingSpec spec) {

  private static final Logger log = LoggerFactory.getLogger(Parking.class);

  /** Where messages come from that were parked. */
  String channel() {
    return "parking lot of " + flow;
  }

  boolean isReplay(Delivery<?> delivery) {
    return delivery.origin().channel().equals(channel());
  }

  /** Does not give up while somebody waits: what is not parked yet holds its place. */
  <V> Mono<V> untilItAnswers(Mono<V> operation) {
    return untilItAnswers(operation, () -> true);
  }

  /** Gives up with an error when nobody waits any more. */
  <V> Mono<V> untilItAnswers(Mono<V> operation, BooleanSupplier wanted) {
    return operation
        .doOnError(error -> log.warn("the {} does not answer yet", channel(), error))
        .retryWhen(
            Retry.backoff(Long.MAX_VALUE, Duration.ofMillis(50))
                .maxBackoff(Duration.ofSeconds(5))
                .filter(error -> wanted.getAsBoolean())
                .scheduler(timer()));
  }

  /** What may as well be tried later. */
  <V> Mono<V> ifItAnswers(Mono<V> operation) {
    return operation.onErrorResume(
        error -> {
          log.warn("the {} does not answer", channel(), error);
          return Mono.empty();
        });
  }

  Scheduler timer() {
    return spec.timer();
  }
}

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

import dev.sluice.channel.ReceiveOptions;
import dev.sluice.delivery.Delivery;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** The messages of groups that were released, as deliveries, one of each group at a time. */
record Replays(Lot lot, String assembly) {

  Flux<Delivery<byte[]>> deliveries(ReceiveOptions options) {
    return Flux.defer(
        () -> {
          AtomicBoolean stopping = new AtomicBoolean();
          Mono<Duration> stop =
              options
                  .stop()
                  .onErrorReturn(Duration.ZERO)
                  .defaultIfEmpty(Duration.ZERO)
                  .doOnNext(grace -> stopping.set(true));
          Mono<Long> endOfGrace = stop.flatMap(grace -> Mono.delay(grace, lot.timer()));
          return lot.ifItAnswers(
                  Mono.defer(() -> lot.store().claim(lot.flow(), lot.spec().lease())))
              .repeatWhen(
                  rounds ->
                      rounds.concatMap(
                          claimed ->
                              claimed == 0
                                  ? Mono.delay(lot.spec().pollInterval(), lot.timer())
                                  : Mono.just(claimed),
                          1))
              .takeUntilOther(stop)
              .flatMap(
                  claim ->
                      new Replay(lot, claim, options, stopping, assembly)
                          .deliveries()
                          .takeUntilOther(endOfGrace),
                  lot.spec().concurrency(),
                  1);
        });
  }
}

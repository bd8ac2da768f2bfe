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
import dev.sluice.delivery.LeakDetector;
import dev.sluice.delivery.Origin;
import dev.sluice.store.ParkingLot.Claim;
import dev.sluice.store.ParkingLot.Parked;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

/**
 * A released group that is drained: its first message goes through the flow, and when that is done
 * the next one, until nothing is left and the group is open, or a message fails and the group is
 * parked again.
 */
final class Replay {

  /*
   * Threads: the loop runs on those of the store and of whoever settles, one step at a time; end may
   * come from any thread.
   *
   * current   the message that is out: written by the loop before the delivery is emitted, read by
   *           end after ended has fired, which the settlement of that message watches too
   */

  private final Lot lot;
  private final Claim claim;
  private final ReceiveOptions options;
  private final AtomicBoolean stopping;
  private final String assembly;
  private final Sinks.Empty<Void> ended = Sinks.empty();
  private volatile @Nullable ParkedSettlement current;
  private volatile boolean givenUp;
  private long place;
  private int attempt;
  private int missed;

  Replay(Lot lot, Claim claim, ReceiveOptions options, AtomicBoolean stopping, String assembly) {
    this.lot = lot;
    this.claim = claim;
    this.options = options;
    this.stopping = stopping;
    this.assembly = assembly;
  }

  Lot lot() {
    return lot;
  }

  Claim claim() {
    return claim;
  }

  ReceiveOptions options() {
    return options;
  }

  /** Completes some time after the end, when nobody waits for the store any longer. */
  Mono<Long> longAfterTheEnd() {
    return ended.asMono().then(Mono.delay(lot.spec().lease(), lot.timer()));
  }

  Flux<Delivery<byte[]>> deliveries() {
    return lot.untilItAnswers(Mono.defer(() -> lot.store().first(claim)))
        .map(this::delivery)
        .repeatWhen(
            rounds ->
                rounds
                    .concatMap(emitted -> emitted == 0 ? goesOnEmpty() : goesOn(), 1)
                    .takeWhile(goesOn -> goesOn && !stopping.get()))
        .takeUntilOther(claimLost())
        .doFinally(signal -> end());
  }

  private Delivery<byte[]> delivery(Parked parked) {
    attempt = parked.place() == place ? attempt : 1;
    place = parked.place();
    Origin origin =
        new Origin(
            lot.channel(), claim.group() + ' ' + place, attempt, options.clock().instant(), 1);
    ParkedSettlement settlement = new ParkedSettlement(this, parked, origin);
    current = settlement;
    return new Delivery<>(parked.message(), LeakDetector.track(settlement, assembly), origin);
  }

  /** The message failed, and counts as one more attempt when it comes again. */
  void countAttempt() {
    attempt++;
  }

  /** The claim is not ours any more. */
  void giveUp() {
    givenUp = true;
  }

  private Mono<Boolean> goesOn() {
    return Objects.requireNonNull(current).isOver();
  }

  /** Nothing was left: the group is open, unless something has come or somebody else has it. */
  private Mono<Boolean> goesOnEmpty() {
    return lot.untilItAnswers(Mono.defer(() -> lot.store().open(claim)))
        .flatMap(
            open ->
                open
                    ? Mono.just(false)
                    : lot.untilItAnswers(
                        Mono.defer(() -> lot.store().renew(claim, lot.spec().lease()))))
        .doOnNext(
            goesOn -> {
              if (!goesOn) {
                giveUp();
              }
            });
  }

  private Mono<Boolean> claimLost() {
    Duration third = lot.spec().lease().dividedBy(3);
    return Flux.interval(third, lot.timer())
        .onBackpressureDrop(late -> {}) // while a renewal takes long, the next tick is as good
        .concatMap(
            tick ->
                lot.store()
                    .renew(claim, lot.spec().lease())
                    .timeout(third, lot.timer())
                    .doOnNext(held -> missed = 0)
                    .onErrorResume(error -> Mono.just(++missed < 2)),
            1)
        .filter(held -> !held)
        .next();
  }

  /** What is decided still takes effect; what is not is as if it had never been out. */
  private void end() {
    ended.tryEmitEmpty();
    ParkedSettlement out = current;
    Mono<?> effects = out == null ? Mono.empty() : out.endOrLose();
    effects
        .onErrorComplete()
        .then(
            Mono.defer(() -> givenUp ? Mono.empty() : lot.ifItAnswers(lot.store().giveBack(claim))))
        .subscribe();
  }
}

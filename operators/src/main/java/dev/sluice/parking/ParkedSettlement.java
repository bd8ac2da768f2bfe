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

import dev.sluice.delivery.Origin;
import dev.sluice.delivery.Outcome;
import dev.sluice.delivery.SettlementCore;
import dev.sluice.store.ParkingLot.Parked;
import java.time.Duration;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

/**
 * The settlement of a message that was parked: it leaves the lot when it is acknowledged or its
 * dead letter is confirmed, stays there and parks the group again when it has failed again, and
 * comes again otherwise.
 */
final class ParkedSettlement extends SettlementCore {

  private final Replay replay;
  private final Parked parked;
  private final Origin origin;

  /** Whether the next message is to come; an error is trouble of the flow. */
  private final Sinks.One<Boolean> over = Sinks.one();

  ParkedSettlement(Replay replay, Parked parked, Origin origin) {
    this.replay = replay;
    this.parked = parked;
    this.origin = origin;
  }

  Mono<Boolean> isOver() {
    return over.asMono();
  }

  /** The replay is over: waits for what is decided; what is not is lost. */
  Mono<Boolean> endOrLose() {
    if (!isSettled()) {
      markLost();
      if (!isSettled()) {
        return Mono.empty();
      }
    }
    return isLost() ? Mono.empty() : isOver();
  }

  @Override
  protected void onDecided(Outcome outcome) {
    effect(outcome)
        .takeUntilOther(replay.longAfterTheEnd())
        .switchIfEmpty(Mono.fromCallable(() -> lose()))
        .subscribe(over::tryEmitValue, this::fail);
  }

  private Mono<Boolean> effect(Outcome outcome) {
    if (outcome instanceof Outcome.Retry retry) {
      replay.countAttempt();
      return again(retry.delay());
    }
    if (outcome instanceof Outcome.Release release) {
      return again(release.delay());
    }
    if (outcome instanceof Outcome.Reject reject) {
      return reject.cause() instanceof ParkTheGroup failure
          ? parkAgain(failure)
          : replay.options().deadLetter(parked.message(), origin, reject).then(remove());
    }
    return remove();
  }

  private Mono<Boolean> again(Duration delay) {
    markDurable();
    return delay.isZero()
        ? Mono.just(true)
        : Mono.delay(delay, replay.lot().timer()).thenReturn(true);
  }

  private Mono<Boolean> remove() {
    return replay
        .lot()
        .untilItAnswers(
            Mono.defer(() -> replay.lot().store().remove(replay.claim(), parked.place())))
        .map(
            mine -> {
              if (mine) {
                markDurable();
              }
              return mine || lose();
            });
  }

  private Mono<Boolean> parkAgain(ParkTheGroup failure) {
    return replay
        .lot()
        .untilItAnswers(
            Mono.defer(() -> replay.lot().store().parkAgain(replay.claim(), failure.why())))
        .map(
            mine -> {
              replay.giveUp();
              if (mine) {
                markDurable();
                return false;
              }
              return lose();
            });
  }

  private boolean lose() {
    replay.giveUp();
    markLost();
    return false;
  }

  private void fail(Throwable error) {
    markLost();
    over.tryEmitError(error);
  }

  @Override
  public String toString() {
    return origin.channel() + ' ' + origin.position() + " (attempt " + origin.attempt() + ')';
  }
}

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

import dev.sluice.delivery.DeadLetterReason;
import dev.sluice.delivery.Outcome;
import dev.sluice.dispatch.Lane;
import dev.sluice.dispatch.LaneSettlement;
import dev.sluice.dispatch.RetryMeters.Where;
import dev.sluice.dispatch.Verdict;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Scheduler;

/**
 * The settlement of a delivery that went on: a message whose group is to be parked is put into the
 * lot, and acknowledged when it is there. What a source without exclusive groups would deliver
 * again behind others of its group comes back to the lane; everything else goes through.
 */
final class Passage extends LaneSettlement {

  private final ParkingWork work;
  private final Arrival arrival;
  private final int attempt;
  private final Disposable.Swap parking = Disposables.swap();

  Passage(ParkingWork work, Lane<?> lane, Arrival arrival, int attempt) {
    super(lane, arrival.delivery.settlement());
    this.work = work;
    this.arrival = arrival;
    this.attempt = attempt;
  }

  /** The sequence is over. */
  void abandon() {
    seal();
    parking.dispose();
    releaseWhatCameBack();
  }

  @Override
  protected Scheduler scheduler() {
    return work.lot().timer();
  }

  @Override
  protected void act(Outcome outcome) {
    if (isLost()) {
      pass(outcome instanceof Outcome.Ack ? outcome : LOST);
    } else if (outcome instanceof Outcome.Reject reject
        && reject.cause() instanceof ParkTheGroup failure
        && !work.isReplay(arrival)) {
      if (reject.reason() == DeadLetterReason.ATTEMPTS_EXHAUSTED) {
        work.retries().exhausted(failure.getCause());
      }
      park(failure);
    } else if (!work.keepsPlace(arrival)) {
      pass(outcome);
    } else if (outcome instanceof Outcome.Retry retry) {
      if (attempt >= work.maxAttempts()) {
        pass(
            new Outcome.Reject(DeadLetterReason.ATTEMPTS_EXHAUSTED, retry.cause())
                .withAttempts(attempt));
      } else if (comeBack(Verdict.retry(retry.delay()))) {
        work.retries().retrying(Where.IN_PLACE, retry.cause());
      }
    } else if (outcome instanceof Outcome.Release release && isOfTheMessage(release)) {
      comeBack(Verdict.rerun(release.delay()));
    } else {
      pass(outcome);
    }
  }

  /** Not of the end of the flow or of the ownership. */
  private static boolean isOfTheMessage(Outcome.Release release) {
    return release.why() == Outcome.Release.Why.BUSY
        || release.why() == Outcome.Release.Why.CANCELLED;
  }

  private void park(ParkTheGroup failure) {
    Lot lot = work.lot();
    parking.update(
        lot.untilItAnswers(
                Mono.defer(
                    () -> lot.store().park(lot.flow(), arrival.delivery.message(), failure.why())))
            .map(place -> Outcome.deferred())
            .takeUntilOther(lost())
            .defaultIfEmpty(LOST)
            .doOnCancel(() -> pass(RELEASED))
            .subscribe(this::pass));
  }

  @Override
  public String toString() {
    return "attempt " + attempt + " at " + delivery();
  }
}

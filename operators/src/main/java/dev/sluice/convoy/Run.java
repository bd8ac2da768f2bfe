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
package dev.sluice.convoy;

import dev.sluice.delivery.DeadLetterReason;
import dev.sluice.delivery.Delivery;
import dev.sluice.delivery.LeakDetector;
import dev.sluice.delivery.Outcome;
import dev.sluice.delivery.Settlement;
import dev.sluice.delivery.SettlementCore;
import dev.sluice.delivery.SplitSettlement;
import dev.sluice.dispatch.Lane;
import dev.sluice.dispatch.Verdict;
import dev.sluice.message.Message;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * The settlement of one run of a worker for one delivery: it stands between what the worker emitted
 * and the delivery. Ack and Reject go through to the delivery; Retry and Release come back to the
 * lane, because the source could only give the message back behind others of its group.
 */
final class Run extends SettlementCore {

  /*
   * Threads: child, end, supersede and abandon are called inside the drain; onDecided by whoever
   * decides the last child. The lane's fields are stable while it is held.
   *
   * split        null once the worker has ended, so that only its children keep it reachable and
   *              the leak detector sees it when they are dropped
   * superseded   written before the decision that it is about
   * over, again  each side writes its own and then reads the other's, so one of them sees both:
   *              a lane that will not run again passes a Retry or Release on
   */

  private final Lane<?> lane;
  private final Settlement delivery;
  private final int attempt;
  private final int maxAttempts;

  private @Nullable SplitSettlement split;
  private boolean superseded;
  private volatile boolean over;
  private volatile @Nullable Outcome again;

  /** Whether the worker is a Mono, whose value keeps the id of the message. */
  boolean single;

  private int children;

  Run(Lane<?> lane, Settlement delivery, int attempt, int maxAttempts, String assembly) {
    this.lane = lane;
    this.delivery = delivery;
    this.attempt = attempt;
    this.maxAttempts = maxAttempts;
    this.split = new SplitSettlement(LeakDetector.track(this, assembly));
  }

  // == drain side ==

  /** A delivery of {@code value}, whose settlement counts towards this one. */
  <T, R> Delivery<R> child(Delivery<T> parent, R value) {
    Settlement child = Objects.requireNonNull(Objects.requireNonNull(split).child());
    Message<T> message = parent.message();
    Message<R> derived =
        single ? message.withPayload(value) : message.child(Integer.toString(children++), value);
    return new Delivery<>(derived, child, parent.origin());
  }

  /** The worker has ended; only the first call counts. */
  void end(Outcome outcome) {
    SplitSettlement guard = split;
    if (guard != null) {
      split = null;
      guard.producerDone(outcome);
    }
  }

  /** The worker has failed before it emitted anything, and another run follows. */
  void supersede() {
    superseded = true;
    end(Outcome.release(Outcome.Release.Why.BUSY));
  }

  /** The sequence is over: nothing runs again. */
  void abandon() {
    over = true;
    end(Outcome.release(Outcome.Release.Why.CANCELLED));
    if (again != null) {
      delivery.settle(Outcome.release(Outcome.Release.Why.CANCELLED));
    }
  }

  // == settlement ==

  @Override
  protected void onDecided(Outcome outcome) {
    if (superseded) {
      markDone();
    } else if (outcome instanceof Outcome.Retry retry) {
      if (attempt >= maxAttempts) {
        pass(Outcome.reject(DeadLetterReason.ATTEMPTS_EXHAUSTED, retry.cause()));
      } else {
        comeBack(outcome, Verdict.retry(retry.delay()));
      }
    } else if (outcome instanceof Outcome.Release release) {
      comeBack(outcome, Verdict.rerun(release.delay()));
    } else {
      pass(outcome);
    }
  }

  /** The delivery gets the decision, and the lane goes on when the delivery is done. */
  private void pass(Outcome outcome) {
    delivery.settle(outcome);
    delivery.onDone(
        decided -> {
          markDone();
          lane.finish(Verdict.NEXT);
        });
  }

  private void comeBack(Outcome outcome, Verdict verdict) {
    again = outcome;
    markDone();
    if (over || delivery.isSettled()) {
      pass(outcome);
    } else {
      lane.finish(verdict);
    }
  }

  @Override
  public boolean isLost() {
    return delivery.isLost();
  }

  @Override
  public Mono<Void> durable() {
    return delivery.durable();
  }

  @Override
  public Mono<Void> lost() {
    return delivery.lost();
  }

  @Override
  public String toString() {
    return "attempt " + attempt + " in the convoy at " + delivery;
  }
}

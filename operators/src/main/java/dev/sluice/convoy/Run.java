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
import dev.sluice.delivery.Origin;
import dev.sluice.delivery.Outcome;
import dev.sluice.delivery.Settlement;
import dev.sluice.delivery.SettlementCore;
import dev.sluice.delivery.SplitSettlement;
import dev.sluice.dispatch.Lane;
import dev.sluice.dispatch.Verdict;
import dev.sluice.message.Message;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * The settlement of one run of a worker for one delivery: it stands between what the worker emitted
 * and the delivery. Ack and Reject go through to the delivery; Retry and Release come back to the
 * lane, because the source could only give the message back behind others of its group. When the
 * lane will not run again the delivery is released, as everything behind it is; and of a delivery
 * that was lost, whatever is decided, nothing comes back.
 */
final class Run extends SettlementCore {

  /*
   * Threads: child, end, supersede and abandon are called inside the drain; onDecided by whoever
   * decides the last child. The lane's fields are stable while it is held.
   *
   * split        null once the worker has ended, so that only its children keep it reachable and
   *              the leak detector sees it when they are dropped
   * superseded   written before the decision that it is about
   * graceOver    written by a timer before the worker that it cancels has ended, read after that
   * over, again  each side writes its own and then reads the other's, so one of them sees both:
   *              a delivery that came back to a lane that will not run again is released
   */

  private static final Outcome RELEASED = Outcome.release(Outcome.Release.Why.CANCELLED);
  private static final Outcome LOST = Outcome.release(Outcome.Release.Why.LOST);

  private final Lane<?> lane;
  private final Settlement delivery;
  private final Origin origin;
  private final int maxAttempts;
  private final int inPlace; // which attempt this is, if the source has not counted all; else 0

  private @Nullable SplitSettlement split;
  private boolean superseded;
  private volatile boolean graceOver;
  private volatile boolean over;
  private volatile boolean again;

  /** Whether the worker is a Mono, whose value keeps the id of the message. */
  boolean single;

  private int children;

  /**
   * A run that begins.
   *
   * @param origin that of the delivery, with the attempts in the lane counted too
   */
  Run(Lane<?> lane, Settlement delivery, Origin origin, int maxAttempts, String assembly) {
    this.lane = lane;
    this.delivery = delivery;
    this.origin = origin;
    this.maxAttempts = maxAttempts;
    this.inPlace = lane.attempt() > 1 ? origin.attempt() : 0;
    this.split = new SplitSettlement(LeakDetector.track(this, assembly));
  }

  /** Which attempt this is, from 1, those that the source has counted included. */
  int attempt() {
    return origin.attempt();
  }

  // == drain side ==

  /** A delivery of {@code value}, whose settlement counts towards this one. */
  <T, R> Delivery<R> child(Message<T> message, R value) {
    SplitSettlement guard = Objects.requireNonNull(split);
    if (single) {
      Settlement child = Objects.requireNonNull(guard.child());
      return new Delivery<>(message.withPayload(value), child, origin);
    }
    Message<R> derived = message.child(Integer.toString(children++), value);
    Settlement child = Objects.requireNonNull(guard.child(derived.id()));
    return new Delivery<>(derived, child, origin);
  }

  /** The worker has ended; only the first call counts. */
  void end(Outcome outcome) {
    SplitSettlement guard = split;
    if (guard != null) {
      split = null;
      guard.producerDone(outcome);
    }
  }

  /** The delivery was lost, and its worker has had the time it was given. */
  void graceIsOver() {
    graceOver = true;
  }

  /**
   * The worker has ended, and its values are waited for; but when the delivery was lost not longer
   * than {@code grace}, or they could lock the group for ever.
   *
   * @param grace signals when they have had that time; not looked at if the worker used it up
   */
  void awaitValues(Publisher<?> grace) {
    if (graceOver) {
      settle(LOST);
    } else if (!isSettled()) {
      Flux.from(grace).subscribe(tick -> settle(LOST));
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
    end(RELEASED);
    if (again) {
      delivery.settle(RELEASED);
    }
  }

  // == settlement ==

  @Override
  protected void onDecided(Outcome outcome) {
    if (superseded) {
      markDone();
    } else if (delivery.isLost()) {
      pass(LOST);
    } else if (outcome instanceof Outcome.Retry retry) {
      if (attempt() >= maxAttempts) {
        pass(Outcome.reject(DeadLetterReason.ATTEMPTS_EXHAUSTED, retry.cause()));
      } else {
        comeBack(Verdict.retry(retry.delay()));
      }
    } else if (outcome instanceof Outcome.Release release) {
      comeBack(Verdict.rerun(release.delay()));
    } else {
      pass(outcome);
    }
  }

  /** The delivery gets the decision, and the lane goes on when the delivery is done. */
  private void pass(Outcome outcome) {
    delivery.settle(
        outcome instanceof Outcome.Reject reject && reject.attempts() < inPlace
            ? reject.withAttempts(inPlace)
            : outcome);
    delivery.onDone(
        decided -> {
          markDone();
          lane.finish(Verdict.NEXT);
        });
  }

  private void comeBack(Verdict verdict) {
    again = true;
    if (over || delivery.isSettled()) {
      pass(RELEASED);
    } else {
      markDone();
      lane.finish(verdict);
    }
  }

  @Override
  public boolean isLost() {
    return delivery.isLost();
  }

  @Override
  public boolean isDoomed() {
    return delivery.isDoomed();
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
    return "attempt " + attempt() + " in the convoy at " + delivery;
  }
}

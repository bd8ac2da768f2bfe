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
import dev.sluice.delivery.SplitSettlement;
import dev.sluice.delivery.StaleDelivery;
import dev.sluice.dispatch.Lane;
import dev.sluice.dispatch.LaneSettlement;
import dev.sluice.dispatch.RetryMeters.Where;
import dev.sluice.dispatch.Verdict;
import dev.sluice.message.Message;
import dev.sluice.parking.ParkTheGroup;
import java.time.Duration;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import reactor.core.scheduler.Scheduler;

/**
 * The settlement of one run of a worker for one delivery: it stands between what the worker emitted
 * and the delivery. Ack and Reject go through to the delivery; Retry and Release come back to the
 * lane, because the source could only give the message back behind others of its group. When the
 * lane will not run again the delivery is released, as everything behind it is. Of a delivery that
 * was lost nothing comes back, and no failure counts; but an Ack goes through, because the work is
 * done, and who stands between here and the source may have to remember it.
 */
final class Run extends LaneSettlement {

  /*
   * Threads: child, watch, end, supersede and abandon are called inside the drain; endOfGrace by the
   * timer; act by whoever decides the last child. The lane's fields are stable while it is held.
   *
   * split        null once the worker has ended, so that only its children keep it reachable and
   *              the leak detector sees it when they are dropped
   * superseded   written before the decision that it is about
   * loss         written by the drain, which then looks whether the run is decided; disposed by the
   *              one who decides, who decides first and then looks here: one of them sees both
   */

  private final DeliveryWork<?, ?> work;
  private final Lane<?> lane;
  private final int number;
  private final Origin origin;
  private final int inPlace; // which attempt this is, if the source has not counted all; else 0

  private @Nullable SplitSettlement split;
  private boolean superseded;
  private volatile @Nullable LossWatch loss;
  private volatile boolean graceOver;

  /** Whether the worker is a Mono, whose value keeps the id of the message. */
  boolean single;

  private int children;

  /**
   * A run that begins.
   *
   * @param origin that of the delivery, with the attempts in the lane counted too
   */
  Run(DeliveryWork<?, ?> work, Lane<?> lane, Settlement delivery, Origin origin) {
    super(lane, delivery);
    this.work = work;
    this.lane = lane;
    this.number = lane.run();
    this.origin = origin;
    this.inPlace = lane.attempt() > 1 ? origin.attempt() : 0;
    this.split = new SplitSettlement(LeakDetector.track(this, work.assembly()));
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

  /** From now on a loss of the delivery ends this run, after the grace, unless it was decided. */
  void watch() {
    if (loss == null && !isSettled()) {
      LossWatch watch = new LossWatch(this, work.lossGrace(), work.scheduler());
      loss = watch;
      lost().subscribe(watch);
      if (isSettled()) {
        watch.dispose();
      }
    }
  }

  /** The delivery is lost and the worker has ended, by itself or because the grace is over. */
  void endLost() {
    end(LOST);
    if (graceOver) {
      settle(LOST); // whatever its values still wait for
    }
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

  /** The delivery was lost before the worker began. */
  void endBeforeWork() {
    end(LOST);
  }

  /** The sequence is over: nothing runs again. */
  void abandon() {
    seal();
    LossWatch watch = loss;
    if (watch != null) {
      watch.dispose();
    }
    end(RELEASED);
    HaltedGroups halted = work.halted();
    if (halted != null) {
      halted.letGo(this);
    }
    releaseWhatCameBack();
  }

  /** On the timer. */
  void endOfGrace() {
    if (!isSettled()) {
      graceOver = true;
      lane.interrupt(
          number, new StaleDelivery("the delivery was lost " + work.lossGrace() + " ago"));
    }
  }

  // == settlement ==

  @Override
  protected void onDecided(Outcome outcome) {
    LossWatch watch = loss;
    if (watch != null) {
      watch.dispose();
    }
    super.onDecided(outcome);
  }

  @Override
  protected Scheduler scheduler() {
    return work.scheduler();
  }

  @Override
  protected void act(Outcome outcome) {
    if (superseded) {
      markDone();
    } else if (isLost()) {
      pass(outcome instanceof Outcome.Ack ? outcome : LOST);
    } else if (outcome instanceof Outcome.Retry retry) {
      if (attempt() >= work.policy().maxAttempts()) {
        reject(new Outcome.Reject(DeadLetterReason.ATTEMPTS_EXHAUSTED, retry.cause()));
      } else if (comeBack(Verdict.retry(retry.delay()))) {
        work.retries().retrying(Where.IN_PLACE, retry.cause());
      }
    } else if (outcome instanceof Outcome.Release release) {
      comeBack(Verdict.rerun(release.delay()));
    } else if (outcome instanceof Outcome.Reject reject) {
      reject(reject);
    } else {
      pass(outcome);
    }
  }

  /** What becomes of a message that nobody will try again, whoever has said so. */
  private void reject(Outcome.Reject reject) {
    Outcome.Reject counted = reject.attempts() < inPlace ? reject.withAttempts(inPlace) : reject;
    HaltedGroups halted = work.halted();
    if (reject.reason() == DeadLetterReason.EXPIRED) {
      pass(counted);
    } else if (work.verdict() == GroupVerdict.PARK_GROUP) {
      pass(parking(counted));
    } else if (work.verdict() == GroupVerdict.HALT_GROUP && halted != null) {
      Object group = work.haltedGroup(lane);
      if (group == null) {
        pass(counted);
      } else {
        halted.hold(group, this);
      }
    } else {
      pass(counted);
    }
  }

  private Outcome parking(Outcome.Reject reject) {
    Throwable cause = reject.cause();
    boolean alone = ((Delivery<?>) lane.element()).message().group() == null;
    return alone || cause instanceof ParkTheGroup
        ? reject
        : new Outcome.Reject(
            reject.reason(),
            new ParkTheGroup(reject.reason(), cause),
            reject.attempts(),
            reject.failedChildren());
  }

  // == while its group is halted ==

  /** Somebody lets the group go on, or there is nothing to wait for any more. */
  void goOn() {
    comeBack(Verdict.rerun(Duration.ZERO));
  }

  /** Whether there is nothing to wait for any more. */
  boolean isOver() {
    return isSealed() || isLost();
  }

  @Override
  public String toString() {
    return "attempt " + attempt() + " in the convoy at " + delivery();
  }
}

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
package dev.sluice.dispatch;

import dev.sluice.delivery.LeakedDelivery;
import dev.sluice.delivery.Outcome;
import dev.sluice.delivery.Settlement;
import dev.sluice.delivery.SettlementCore;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicIntegerFieldUpdater;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Scheduler;

/**
 * The settlement that a lane gives to what follows: it stands between that and the delivery which
 * is the element of the lane. A decision goes through to the delivery ({@link #pass}), or comes
 * back to the lane ({@link #comeBack}), which is how a delivery is tried again without being
 * overtaken by the next one of its key.
 */
public abstract class LaneSettlement extends SettlementCore {

  /*
   * Threads: seal and releaseWhatCameBack are called inside the drain; the rest by whoever decides.
   *
   * state   OPEN, then CAME_BACK (by who decides) or SEALED (by the drain), whoever is first: a
   *         delivery that came back to a lane which will not run again is released, once
   */

  private static final int OPEN = 0;
  private static final int CAME_BACK = 1;
  private static final int SEALED = 2;

  /** The sequence is over. */
  protected static final Outcome RELEASED = Outcome.release(Outcome.Release.Why.CANCELLED);

  /** The ownership is. */
  protected static final Outcome LOST = Outcome.release(Outcome.Release.Why.LOST);

  private final Lane<?> lane;
  private final Settlement delivery;
  private boolean cameBack; // drain only: before it was sealed
  private volatile int state;

  private static final AtomicIntegerFieldUpdater<LaneSettlement> STATE =
      AtomicIntegerFieldUpdater.newUpdater(LaneSettlement.class, "state");

  /** In the place of a delivery, for as long as it is in the lane. */
  protected LaneSettlement(Lane<?> lane, Settlement delivery) {
    this.lane = lane;
    this.delivery = delivery;
  }

  /** What was decided here takes effect: exactly one {@link #pass} or {@link #comeBack} follows. */
  protected abstract void act(Outcome outcome);

  /** Where the functions of users run that follow from a leak. */
  protected abstract Scheduler scheduler();

  @Override
  protected void onDecided(Outcome outcome) {
    if (outcome instanceof Outcome.Retry retry && retry.cause() instanceof LeakedDelivery) {
      leaveCleaner(() -> act(outcome));
    } else {
      act(outcome);
    }
  }

  /**
   * A leak is decided on the thread of the leak detector, which all deliveries of the process share
   * and on which no user's function should run.
   */
  private void leaveCleaner(Runnable action) {
    try {
      scheduler().schedule(action);
    } catch (RejectedExecutionException e) {
      action.run();
    }
  }

  /** The delivery gets the decision, and the lane goes on when the delivery is done. */
  protected final void pass(Outcome outcome) {
    delivery.settle(outcome);
    delivery.onDone(
        decided -> {
          markDone();
          lane.finish(Verdict.NEXT);
        });
  }

  /**
   * The lane has it again, unless nothing runs there any more.
   *
   * @return whether it has
   */
  protected final boolean comeBack(Verdict verdict) {
    if (delivery.isSettled() || !STATE.compareAndSet(this, OPEN, CAME_BACK)) {
      pass(RELEASED);
      return false;
    }
    markDone();
    lane.finish(verdict);
    return true;
  }

  /** From now on nothing runs again. Before whatever is decided because of that. */
  protected final void seal() {
    cameBack = STATE.getAndSet(this, SEALED) == CAME_BACK;
  }

  /** Whether nothing runs again. */
  protected final boolean isSealed() {
    return state == SEALED;
  }

  /** After whatever was decided because nothing runs again. */
  protected final void releaseWhatCameBack() {
    if (cameBack) {
      delivery.settle(RELEASED);
    }
  }

  /** The settlement that this stands before. */
  protected final Settlement delivery() {
    return delivery;
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
}

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

import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import reactor.core.Disposable;
import reactor.core.scheduler.Scheduler;

/** Whether a worker may start: how many run, the limit to that, and the gate. Drain only. */
final class Slots {

  /*
   * Invariants, for DispatchMain's I2:
   *   running  counts the lanes whose worker has been subscribed to, or has a value that waits for
   *            demand, until it is all out
   *   working  is set in a lane from the start of a worker, which has taken a permission, to ended,
   *            skipWorker or abandoned; without somebody who asks for times there is no gate either,
   *            and it is not kept
   */

  private final DispatchMain<?, ?, ?> main;
  private final Scheduler timer;
  private final Limit limit;
  private final @Nullable Gate gate;
  private final boolean timed;
  private int running;
  private @Nullable Disposable wakeUp; // at the gate
  private long wakeUpAt;

  Slots(DispatchMain<?, ?, ?> main, Scheduler timer, Limit limit, @Nullable Gate gate) {
    this.main = main;
    this.timer = timer;
    this.limit = limit;
    this.gate = gate;
    this.timed = gate != null || limit.isTimed();
  }

  int running() {
    return running;
  }

  boolean isGated() {
    return gate != null;
  }

  /** The time, if somebody asks how long workers take. Any thread. */
  long now() {
    return timed ? clock() : 0;
  }

  long clock() {
    return timer.now(TimeUnit.NANOSECONDS);
  }

  /** Whether one is free. */
  boolean isFree() {
    return running < limit.current();
  }

  /** Whether a worker may start; if not, somebody wakes the drain when it may be so. */
  boolean isOpen(boolean requested) {
    if (gate == null) {
      return true;
    }
    long closed = gate.take(requested);
    if (closed == 0) {
      return true;
    }
    if (closed != Gate.UNTIL_REQUESTED) {
      wakeUpIn(closed);
    }
    return false;
  }

  private void wakeUpIn(long nanos) {
    long now = clock();
    Disposable earlier = wakeUp;
    if (earlier != null) {
      boolean isToCome = wakeUpAt - now > 0;
      if (isToCome && wakeUpAt - now <= nanos) {
        return;
      }
      earlier.dispose();
    }
    wakeUpAt = now + nanos;
    wakeUp = main.schedule(main::drain, Duration.ofNanos(nanos));
  }

  /** The worker for the current element of the lane is about to be called. */
  void started(Lane<?> lane) {
    if (timed) {
      lane.working = true;
      lane.began = clock();
    }
  }

  /** It does not end at once. */
  void occupy() {
    running++;
    limit.began(running);
  }

  void vacate() {
    running--;
  }

  /** Tells those who decide how many run, or whether any, how it went. */
  void ended(Lane<?> lane, long when, @Nullable Throwable failure) {
    if (!timed) {
      return;
    }
    if (!lane.working) {
      giveBack();
      return;
    }
    lane.working = false;
    long nanos = when - lane.began;
    limit.ended(nanos, running, failure);
    if (gate != null) {
      gate.ended(nanos, failure);
    }
  }

  /** The sequence is over; nobody knows how it would have ended. */
  void abandoned(Lane<?> lane) {
    if (lane.working) {
      lane.working = false;
      giveBack();
    }
  }

  private void giveBack() {
    if (gate != null) {
      gate.giveBack();
    }
  }

  void close() {
    running = 0;
    if (wakeUp != null) {
      wakeUp.dispose();
      wakeUp = null;
    }
    limit.close();
  }
}

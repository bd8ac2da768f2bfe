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
package dev.sluice.memory;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicIntegerFieldUpdater;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import reactor.core.Disposable;
import reactor.core.scheduler.Scheduler;

/** The one timer of a channel: at most one task is scheduled, for the earliest deadline. */
final class MemoryTimer {

  /*
   * Threads: arm from any thread; whoever moves wip from 0 owns tick until it is back at 0. The
   * deadline is asked for after wip was raised, so the last call of arm acts on the last deadline.
   */

  private final Scheduler scheduler;
  private final LongSupplier untilNext;
  private final Runnable action;

  @SuppressWarnings("UnusedVariable") // through WIP
  private volatile int wip;

  private static final AtomicIntegerFieldUpdater<MemoryTimer> WIP =
      AtomicIntegerFieldUpdater.newUpdater(MemoryTimer.class, "wip");

  private @Nullable Tick tick;

  /**
   * An idle timer.
   *
   * @param untilNext the nanoseconds until the next deadline, or {@link GroupQueues#NEVER}
   * @param action what to do then; it arms the timer again if there is another deadline
   */
  MemoryTimer(Scheduler scheduler, LongSupplier untilNext, Runnable action) {
    this.scheduler = scheduler;
    this.untilNext = untilNext;
    this.action = action;
  }

  /** To be called after the earliest deadline has changed. */
  void arm() {
    if (WIP.getAndIncrement(this) != 0) {
      return;
    }
    int missed = 1;
    do {
      if (tick != null) {
        tick.cancel();
        tick = null;
      }
      long delay = untilNext.getAsLong();
      if (delay != GroupQueues.NEVER) {
        tick = new Tick(action);
        tick.schedule(scheduler, delay);
      }
      missed = WIP.addAndGet(this, -missed);
    } while (missed != 0);
  }

  /** True once it has fired or was cancelled: one that runs is never interrupted. */
  private static final class Tick extends AtomicBoolean implements Runnable {

    private static final long serialVersionUID = 1L;

    private final transient Runnable action;
    private transient @Nullable Disposable task;

    Tick(Runnable action) {
      this.action = action;
    }

    void schedule(Scheduler scheduler, long delay) {
      task = scheduler.schedule(this, delay, TimeUnit.NANOSECONDS);
    }

    @Override
    public void run() {
      if (compareAndSet(false, true)) {
        action.run();
      }
    }

    void cancel() {
      Disposable scheduled = task;
      if (compareAndSet(false, true) && scheduled != null) {
        scheduled.dispose();
      }
    }
  }
}

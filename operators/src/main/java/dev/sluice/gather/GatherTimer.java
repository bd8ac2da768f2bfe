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
package dev.sluice.gather;

import dev.sluice.channel.Recipient;
import java.time.Instant;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import reactor.core.CoreSubscriber;
import reactor.core.Disposable;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;
import reactor.util.context.Context;

/** The clock of a gather and its one timer. Times are nanoseconds since the subscription. */
abstract class GatherTimer<T, R> extends GatherDrain<T, R> {

  /*
   * Invariant:
   *   T1  at most one timer is armed, for the earliest of what is due: the deadline, and the
   *       timeout, the hedge and the retry of every leg
   */

  static final long NEVER = Call.NEVER;

  private final Scheduler timer;
  private final long startedAt;
  final long deadline;

  private @Nullable Context askContext; // written by whoever needs it first, always the same

  // == drain only ==
  private @Nullable Disposable armed;
  private long armedFor = NEVER;

  GatherTimer(
      CoreSubscriber<?> downstream,
      ScatterGather<T, R> scatter,
      T request,
      ScatterGather.Door door) {
    super(downstream, scatter, request, door);
    this.timer = spec.timer() == null ? Schedulers.parallel() : spec.timer();
    this.startedAt = timer.now(TimeUnit.NANOSECONDS);
    this.deadline = spec.withinNanos();
  }

  /** What recipients and their selection see. */
  Context askContext() {
    Context context = askContext;
    if (context == null) {
      context = currentContext();
      if (deadline != NEVER) {
        Instant now = Instant.ofEpochMilli(timer.now(TimeUnit.MILLISECONDS));
        context = context.put(Recipient.DEADLINE, now.plusNanos(deadline - elapsed()));
      }
      askContext = context;
    }
    return context;
  }

  final long elapsed() {
    return timer.now(TimeUnit.NANOSECONDS) - startedAt;
  }

  static long after(long now, long nanos) {
    return nanos == NEVER ? NEVER : now + nanos;
  }

  /** When the next time of a leg is up. */
  abstract long nextDue();

  final void arm() {
    long next = Math.min(deadline, nextDue());
    if (next < armedFor) {
      disarm();
      armedFor = next;
      try {
        armed = timer.schedule(this, Math.max(0, next - elapsed()), TimeUnit.NANOSECONDS);
      } catch (RejectedExecutionException e) {
        end(e);
      }
    }
  }

  final void disarm() {
    armedFor = NEVER;
    if (armed != null) {
      armed.dispose();
      armed = null;
    }
  }
}

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

import java.util.concurrent.atomic.AtomicIntegerFieldUpdater;
import java.util.concurrent.atomic.AtomicLongFieldUpdater;
import java.util.concurrent.atomic.AtomicReferenceFieldUpdater;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.Exceptions;
import reactor.core.Scannable;
import reactor.core.publisher.Operators;
import reactor.util.context.Context;

/**
 * The drain of a gather: what others report goes into a stack, and one thread at a time looks at
 * it. What that means for the legs is the business of its subclasses, one job each: {@link
 * GatherTimer}, {@link GatherLegs}, {@link GatherAsks}, {@link GatherMain}. They are one object,
 * because a gather of recipients that answer at once is to cost little more than its result.
 */
abstract class GatherDrain<T, R> implements Subscription, Scannable, Runnable {

  /*
   * Threads: asks, the selection, the bulkheads and the timer report from any thread, request and
   * cancel come from any thread. Whoever moves wip from 0 to 1 owns the drain until it is back at
   * 0, and everything marked "drain only" belongs to the owner, here and in the subclasses; the
   * thread that subscribes owns it from the beginning.
   *
   * top      the stack of what was reported: asks that were told something, calls to be started
   * timeUp   written by the timer, reset by the drain before it looks at the clock
   *
   * Invariants:
   *   D1  what is in the stack is looked at once, the oldest first
   *   D2  at most one terminal signal, nothing after it; then and after cancel every turn of the
   *       drain only discards
   *   D3  the drain never throws: what user code throws there, fatal or not, ends the gather
   */

  private final CoreSubscriber<?> downstream;
  final ScatterGather<T, R> scatter;
  final ScatterSpec<R> spec;
  final T request;
  private final ScatterGather.Door door;

  private volatile boolean cancelled;
  private volatile boolean terminated;
  private volatile boolean timeUp;

  volatile long requested;

  @SuppressWarnings("rawtypes")
  private static final AtomicLongFieldUpdater<GatherDrain> REQUESTED =
      AtomicLongFieldUpdater.newUpdater(GatherDrain.class, "requested");

  @SuppressWarnings("UnusedVariable") // through the updater only
  private volatile int wip = 1;

  @SuppressWarnings("rawtypes")
  private static final AtomicIntegerFieldUpdater<GatherDrain> WIP =
      AtomicIntegerFieldUpdater.newUpdater(GatherDrain.class, "wip");

  private volatile @Nullable Signal top;

  @SuppressWarnings("rawtypes")
  private static final AtomicReferenceFieldUpdater<GatherDrain, Signal> TOP =
      AtomicReferenceFieldUpdater.newUpdater(GatherDrain.class, Signal.class, "top");

  // == drain only ==
  private @Nullable Signal taken; // what was in the stack, oldest first

  GatherDrain(
      CoreSubscriber<?> downstream,
      ScatterGather<T, R> scatter,
      T request,
      ScatterGather.Door door) {
    this.door = door;
    this.downstream = downstream;
    this.scatter = scatter;
    this.spec = scatter.spec;
    this.request = request;
  }

  // == downstream side ==

  @Override
  public void request(long n) {
    if (Operators.validate(n)) {
      Operators.addCap(REQUESTED, this, n);
      drain();
    }
  }

  @Override
  public void cancel() {
    if (!cancelled) {
      cancelled = true;
      drain();
    }
  }

  Context currentContext() {
    return downstream.currentContext();
  }

  final boolean isCancelled() {
    return cancelled || door.closed;
  }

  final boolean isOver() {
    return terminated || isCancelled();
  }

  // == the other side ==

  void signal(Signal signal) {
    for (; ; ) {
      Signal t = top;
      signal.next = t;
      if (TOP.compareAndSet(this, t, signal)) {
        drain();
        return;
      }
    }
  }

  /** The timer. */
  @Override
  public void run() {
    timeUp = true;
    drain();
  }

  /** An answer for which nobody waits. */
  void late(R answer, Ask<T, R> ask) {
    Operators.onDiscard(answer, currentContext());
    scatter.late(ask.recipient());
  }

  // == drain ==

  void drain() {
    if (WIP.getAndIncrement(this) == 0) {
      drainLoop();
    }
  }

  final void drainLoop() {
    int missed = 1;
    do {
      if (!isOver()) {
        try {
          turn();
        } catch (Throwable e) { // D3
          fail(e);
        }
      }
      if (isOver()) { // also on later turns, so that what is told late is discarded too
        close();
        discardHeld();
        takeSignals();
      }
      missed = WIP.addAndGet(this, -missed);
    } while (missed != 0);
  }

  /** Looks at what has come, and does what follows from it. */
  abstract void turn();

  /** An ask was told something. */
  abstract void look(Ask<T, R> ask);

  /** A call is to be started. If it was granted a place after the end, that was given back. */
  abstract void look(Call<T, R> call);

  /** Stops whatever still runs, once. */
  abstract void close();

  /** Discards the answers that have not gone downstream. Called again after the end. */
  abstract void discardHeld();

  /** Whether the timer has run since this was asked. */
  final boolean wasTimeUp() {
    if (!timeUp) {
      return false;
    }
    timeUp = false;
    return true;
  }

  /** What user code throws here leaves the rest to the next call. */
  final void takeSignals() {
    for (Signal signal = nextSignal(); signal != null; signal = nextSignal()) {
      if (signal instanceof Ask) {
        @SuppressWarnings("unchecked")
        Ask<T, R> ask = (Ask<T, R>) signal;
        look(ask);
      } else {
        @SuppressWarnings("unchecked")
        Call<T, R> call = (Call<T, R>) signal;
        look(call);
      }
    }
  }

  /** Oldest first: the stack is taken whole and turned over. */
  private @Nullable Signal nextSignal() {
    Signal oldest = taken;
    if (oldest == null) {
      if (top == null) {
        return null;
      }
      Signal newest = TOP.getAndSet(this, null);
      while (newest != null) {
        Signal older = newest.next;
        newest.next = oldest;
        oldest = newest;
        newest = older;
      }
    }
    if (oldest != null) {
      taken = oldest.next;
      oldest.next = null;
    }
    return oldest;
  }

  // == the end ==

  /** Ends with an error of ours or of the recipients' selection, or with a fatal one. */
  final void end(Throwable error) {
    if (isOver()) {
      Operators.onErrorDropped(error, currentContext());
      return;
    }
    over();
    discardHeld();
    downstream.onError(error);
  }

  /** Ends with what user code threw. */
  final void fail(Throwable thrown) {
    if (Exceptions.isFatal(thrown)) { // the hook would throw it
      end(thrown);
    } else {
      end(Operators.onOperatorError(null, thrown, request, currentContext()));
    }
  }

  /** Before the terminal signal. */
  final void over() {
    terminated = true;
    close();
  }

  // == scan ==

  @Override
  public @Nullable Object scanUnsafe(Attr key) {
    if (key == Attr.ACTUAL) {
      return downstream;
    }
    if (key == Attr.NAME) {
      return spec.name();
    }
    if (key == Attr.REQUESTED_FROM_DOWNSTREAM) {
      return requested;
    }
    if (key == Attr.TERMINATED) {
      return terminated;
    }
    if (key == Attr.CANCELLED) {
      return cancelled;
    }
    if (key == Attr.RUN_STYLE) {
      return Attr.RunStyle.SYNC;
    }
    return null;
  }
}

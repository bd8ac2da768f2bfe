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
package dev.sluice.priority;

import java.util.Queue;
import java.util.concurrent.atomic.AtomicIntegerFieldUpdater;
import java.util.concurrent.atomic.AtomicLongFieldUpdater;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.Exceptions;
import reactor.core.Scannable;
import reactor.core.publisher.Operators;
import reactor.util.concurrent.Queues;
import reactor.util.context.Context;

/** The subscriber of {@link FluxPrioritize}: owns the drain. */
final class PrioritizeMain<T> implements CoreSubscriber<T>, Subscription, Scannable {

  /*
   * Threads: onNext/onError/onComplete are serialized by the source; request and cancel may come
   * from any thread. Whoever moves wip from 0 to 1 owns the drain until it is back at 0.
   *
   * inbox   written by the source's thread, read by the drain (SPSC)
   * heap    drain only
   * error   written before done, read after done
   *
   * Invariants:
   *   I1  elements asked for and not emitted never exceed the window: inbox and heap together
   *   I2  which element goes next is decided when it goes: the inbox is emptied before each one
   *   I3  each element reaches exactly one of onNext, onDiscard, onNextDropped
   *   I4  at most one terminal signal, nothing after it; then and after cancel every turn of the
   *       drain only discards
   *   I5  the drain never throws: what user code throws there ends the sequence
   */

  private final CoreSubscriber<? super T> actual;
  private final Urgency<T> urgency;
  private final PrioritizeSpec spec;
  private final Queue<T> inbox;
  private final ReorderHeap<T> heap;

  @SuppressWarnings("NullAway.Init") // set in onSubscribe
  private Subscription s;

  private volatile boolean done;
  private @Nullable Throwable error;

  private volatile boolean cancelled;
  private volatile boolean terminated;

  private volatile long requested;

  @SuppressWarnings("rawtypes")
  private static final AtomicLongFieldUpdater<PrioritizeMain> REQUESTED =
      AtomicLongFieldUpdater.newUpdater(PrioritizeMain.class, "requested");

  @SuppressWarnings("UnusedVariable") // through the updater only
  private volatile int wip;

  @SuppressWarnings("rawtypes")
  private static final AtomicIntegerFieldUpdater<PrioritizeMain> WIP =
      AtomicIntegerFieldUpdater.newUpdater(PrioritizeMain.class, "wip");

  private boolean errorTold; // drain only

  // == written by the drain, read by any thread ==
  private volatile long emitted;
  private volatile int waiting;

  @SuppressWarnings("rawtypes")
  private static final AtomicLongFieldUpdater<PrioritizeMain> EMITTED =
      AtomicLongFieldUpdater.newUpdater(PrioritizeMain.class, "emitted");

  @SuppressWarnings("rawtypes")
  private static final AtomicIntegerFieldUpdater<PrioritizeMain> WAITING =
      AtomicIntegerFieldUpdater.newUpdater(PrioritizeMain.class, "waiting");

  PrioritizeMain(CoreSubscriber<? super T> actual, Urgency<T> urgency, PrioritizeSpec spec) {
    this.actual = actual;
    this.urgency = urgency;
    this.spec = spec;
    this.inbox = Queues.<T>get(spec.window()).get();
    this.heap = new ReorderHeap<>(urgency.mostUrgentFirst());
  }

  @Override
  public Context currentContext() {
    return actual.currentContext();
  }

  // == source side ==

  @Override
  public void onSubscribe(Subscription s) {
    if (Operators.validate(this.s, s)) {
      this.s = s;
      WIP.getAndIncrement(this); // what is there has a say in what goes first
      actual.onSubscribe(this);
      s.request(spec.window());
      drainLoop();
    }
  }

  @Override
  public void onNext(T t) {
    if (done) {
      Operators.onNextDropped(t, currentContext());
      return;
    }
    if (isOver()) {
      Operators.onDiscard(t, currentContext());
      return;
    }
    if (!inbox.offer(t)) { // the source broke I1
      Throwable overflow = Exceptions.failWithOverflow(Exceptions.BACKPRESSURE_ERROR_QUEUE_FULL);
      Operators.onDiscard(t, currentContext());
      onError(Operators.onOperatorError(s, overflow, t, currentContext()));
      return;
    }
    drain();
  }

  @Override
  public void onError(Throwable t) {
    if (done || isOver()) {
      Operators.onErrorDropped(t, currentContext());
      return;
    }
    error = t;
    done = true;
    drain();
  }

  @Override
  public void onComplete() {
    done = true;
    drain();
  }

  // == subscriber side ==

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
      s.cancel();
      drain();
    }
  }

  private boolean isOver() {
    return cancelled || terminated;
  }

  // == drain ==

  private void drain() {
    if (WIP.getAndIncrement(this) == 0) {
      drainLoop();
    }
  }

  private void drainLoop() {
    int missed = 1;
    do {
      try {
        emitAll();
      } catch (Throwable e) { // I5
        abort(e);
      }
      if (isOver()) {
        discardEverything(); // also on later turns, so that a racing onNext is discarded too
      }
      WAITING.lazySet(this, heap.size());
      missed = WIP.addAndGet(this, -missed);
    } while (missed != 0);
  }

  private void emitAll() {
    while (!isOver()) {
      boolean last = done; // before the inbox: then that was all
      if (last && error != null && !spec.isErrorDelayed()) {
        terminate(error);
        return;
      }
      takeInbox();
      if (heap.size() == 0) {
        if (last) {
          terminate(error);
        }
        return;
      }
      if (emitted == requested) {
        return;
      }
      T element = heap.take();
      EMITTED.lazySet(this, emitted + 1);
      actual.onNext(element);
      if (!isOver() && !done) {
        s.request(1);
      }
    }
  }

  /** An element leaves the inbox when no code of others can throw any more before it is in. */
  private void takeInbox() {
    heap.settle();
    for (T element = inbox.peek(); element != null; element = inbox.peek()) {
      long due = urgency.due(element, spec.timer());
      inbox.poll();
      heap.add(element, due);
    }
  }

  private void abort(Throwable e) {
    if (isOver()) {
      Operators.onErrorDropped(e, currentContext());
    } else if (Exceptions.isFatal(e)) { // the hook would throw it
      s.cancel();
      terminate(e);
    } else {
      terminate(Operators.onOperatorError(s, e, currentContext()));
    }
  }

  private void terminate(@Nullable Throwable failure) {
    terminated = true;
    errorTold = failure == error;
    if (failure == null) {
      actual.onComplete();
    } else {
      discardEverything();
      actual.onError(failure);
    }
  }

  private void discardEverything() {
    heap.discard(currentContext());
    Operators.onDiscardQueueWithClear(inbox, currentContext(), null);
    if (done && error != null && !errorTold) { // it came when it was over
      errorTold = true;
      Operators.onErrorDropped(error, currentContext());
    }
  }

  @Override
  public @Nullable Object scanUnsafe(Attr key) {
    if (key == Attr.ACTUAL) {
      return actual;
    }
    if (key == Attr.PARENT) {
      return s;
    }
    if (key == Attr.PREFETCH || key == Attr.CAPACITY) {
      return spec.window();
    }
    if (key == Attr.BUFFERED) {
      return inbox.size() + waiting;
    }
    if (key == Attr.REQUESTED_FROM_DOWNSTREAM) {
      long r = requested;
      return r == Long.MAX_VALUE ? r : r - emitted;
    }
    if (key == Attr.TERMINATED) {
      return terminated;
    }
    if (key == Attr.CANCELLED) {
      return cancelled;
    }
    if (key == Attr.ERROR) {
      return error;
    }
    if (key == Attr.DELAY_ERROR) {
      return spec.isErrorDelayed();
    }
    if (key == Attr.NAME) {
      return spec.name();
    }
    if (key == Attr.RUN_STYLE) {
      return Attr.RunStyle.SYNC;
    }
    return null;
  }
}

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

import java.util.Queue;
import java.util.concurrent.atomic.AtomicIntegerFieldUpdater;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.Scannable;
import reactor.core.publisher.Operators;
import reactor.util.concurrent.Queues;
import reactor.util.context.Context;

/**
 * Receives the values of one worker. Once a publisher has seen it, it serves no other: what a
 * publisher that breaks the rules signals after its end must not be taken for the end of another
 * element's work.
 */
final class WorkerInner<T, V, R> extends Signal implements CoreSubscriber<V>, Scannable {

  /*
   * Threads: the worker's signals are serialized by the worker; everything else is the drain's.
   *
   * first       a value, written by the worker's thread while there is no queue, taken by the drain:
   *             most workers emit one
   * more        the values after that (SPSC); made when first is still there
   * done        written last by the worker; error and ended before it
   * cancelled   written by the drain, once, before it discards: a value that slips in afterwards
   *             queues this once more and is discarded then
   * queued      1 while this is in the signals; the drain resets it before it looks at the rest, so
   *             whatever is written afterwards queues it again. It may therefore be queued for
   *             something that has been seen already: the drain acts on the state, not on the signal
   */

  static final int PREFETCH = Queues.XS_BUFFER_SIZE;
  private static final int LIMIT = PREFETCH - (PREFETCH >> 2);

  private final DispatchMain<T, V, R> main;

  private volatile @Nullable V first;

  private volatile @Nullable Queue<V> more;

  private volatile @Nullable Subscription s;

  private volatile boolean done;
  private @Nullable Throwable error;
  private long ended;

  private volatile boolean cancelled;

  @SuppressWarnings("UnusedVariable") // through the updater only
  private volatile int queued;

  @SuppressWarnings("rawtypes")
  private static final AtomicIntegerFieldUpdater<WorkerInner> QUEUED =
      AtomicIntegerFieldUpdater.newUpdater(WorkerInner.class, "queued");

  // == drain only ==
  @Nullable Lane<T> lane;
  boolean seen; // by a publisher
  boolean emitting;
  boolean emitted;
  private int consumed;

  WorkerInner(DispatchMain<T, V, R> main) {
    this.main = main;
  }

  @Override
  public Context currentContext() {
    return main.currentContext();
  }

  // == worker side ==

  @Override
  public void onSubscribe(Subscription subscription) {
    if (Operators.validate(s, subscription)) {
      s = subscription;
      if (cancelled || main.isOver()) {
        subscription.cancel(); // the drain may have looked for it before it was here
      } else {
        subscription.request(PREFETCH);
      }
    }
  }

  @Override
  public void onNext(V value) {
    if (done) {
      Operators.onNextDropped(value, currentContext());
      return;
    }
    if (cancelled || main.isOver()) {
      Operators.onDiscard(value, currentContext());
      return;
    }
    if (!offer(value)) { // the worker ignores backpressure
      Operators.onDiscard(value, currentContext());
      Subscription subscription = s;
      if (subscription != null) {
        subscription.cancel();
      }
      onError(
          new IllegalStateException(
              "the worker emitted more than the " + PREFETCH + " values asked for"));
      return;
    }
    signal();
  }

  @Override
  public void onError(Throwable t) {
    if (done || cancelled || main.isOver()) {
      Operators.onErrorDropped(t, currentContext());
      return;
    }
    error = t;
    ended = main.now();
    done = true;
    signal();
  }

  @Override
  public void onComplete() {
    if (!done) {
      ended = main.now();
      done = true;
      signal();
    }
  }

  private boolean offer(V value) {
    Queue<V> q = more;
    if (q != null) {
      return (first == null || q.size() < PREFETCH - 1) && q.offer(value);
    }
    if (first == null) {
      first = value;
      return true;
    }
    q = Queues.<V>get(PREFETCH).get();
    q.offer(value);
    more = q; // with the value in it, so that the drain need not look again
    return true;
  }

  private void signal() {
    // A read-modify-write, not a read: it orders the write of the value before the look at queued.
    if (QUEUED.getAndSet(this, 1) == 0) {
      main.signal(this);
    }
  }

  // == drain side ==

  void taken() {
    queued = 0;
  }

  /** The value of a worker that needs no subscription. */
  void terminatedWith(V value) {
    first = value;
    ended = main.now();
    done = true;
  }

  boolean hasTerminated() {
    return done;
  }

  @Nullable Throwable error() {
    return error;
  }

  /** When it terminated; now if it has not. */
  long ended() {
    return done ? ended : main.now();
  }

  boolean hasValues() {
    if (first != null) {
      return true;
    }
    Queue<V> q = more;
    return q != null && !q.isEmpty();
  }

  @Nullable V poll() {
    Queue<V> q = more; // before first, which is older
    V value = first;
    if (value != null) {
      first = null;
    } else if (q != null) {
      value = q.poll();
    }
    if (value != null && ++consumed == LIMIT) {
      consumed = 0;
      Subscription subscription = s;
      if (subscription != null && !done) {
        subscription.request(LIMIT);
      }
    }
    return value;
  }

  void cancelAndDiscard() {
    cancelled = true;
    Subscription subscription = s;
    if (subscription != null) {
      subscription.cancel();
    }
    discardValues();
    Throwable unseen = done ? error : null;
    if (unseen != null) {
      error = null;
      Operators.onErrorDropped(unseen, currentContext());
    }
  }

  void discardValues() {
    V value = first;
    if (value != null) {
      first = null;
      Operators.onDiscard(value, currentContext());
    }
    Operators.onDiscardQueueWithClear(more, currentContext(), null);
  }

  /** Makes one that no publisher has seen ready for another value. */
  void reset() {
    emitting = false;
    emitted = false;
    consumed = 0;
    done = false;
    cancelled = false;
  }

  @Override
  public @Nullable Object scanUnsafe(Attr key) {
    if (key == Attr.ACTUAL) {
      return main;
    }
    if (key == Attr.PARENT) {
      return s;
    }
    if (key == Attr.PREFETCH) {
      return PREFETCH;
    }
    if (key == Attr.BUFFERED) {
      Queue<V> q = more;
      return (first == null ? 0 : 1) + (q == null ? 0 : q.size());
    }
    if (key == Attr.TERMINATED) {
      return done;
    }
    if (key == Attr.ERROR) {
      return error;
    }
    if (key == Attr.RUN_STYLE) {
      return Attr.RunStyle.SYNC;
    }
    return null;
  }
}

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

import java.util.concurrent.atomic.AtomicIntegerFieldUpdater;
import java.util.concurrent.atomic.AtomicLongFieldUpdater;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.Exceptions;
import reactor.core.Scannable;
import reactor.core.publisher.Operators;
import reactor.util.context.Context;

/** One source of {@link MergeMain}: its subscriber, and the line of its elements. */
final class MergeInner<T> extends RingLine<T> implements CoreSubscriber<T>, Scannable {

  /*
   * Threads: onSubscribe/onNext/onError/onComplete are serialized by the source; everything else is
   * the drain's.
   *
   * the ring   written by the source's thread, read by the drain (SPSC)
   * done       written last by the source
   * cancelled  written by the drain, once, before it looks for s: one of the two cancels it
   * listed     1 while the drain will look here by itself: this is among the arrivals, or its ring
   *            was not empty. The drain resets it when it has found the ring empty, and then looks
   *            once more; the source sets it and tells the drain
   */

  private final MergeMain<T> main;
  private final int prefetch;
  private final int limit;

  private volatile @Nullable Subscription s;

  private volatile boolean done;
  private volatile boolean cancelled;

  private volatile int listed = 1; // a new source is among the arrivals from the start

  @SuppressWarnings("rawtypes")
  private static final AtomicIntegerFieldUpdater<MergeInner> LISTED =
      AtomicIntegerFieldUpdater.newUpdater(MergeInner.class, "listed");

  /** Links the arrivals; written by who lists this, then by the drain. */
  @Nullable MergeInner<T> nextArrival;

  // == drain only ==
  boolean registered;
  private boolean exhausted; // done, and the ring was empty after that
  private int regrouped; // elements that wait in a keyed line
  private int consumed; // elements emitted since the source was last asked

  private volatile long oldest = NONE; // written by the drain, read by gauges

  @SuppressWarnings("rawtypes")
  private static final AtomicLongFieldUpdater<MergeInner> OLDEST =
      AtomicLongFieldUpdater.newUpdater(MergeInner.class, "oldest");

  MergeInner(MergeMain<T> main, int level, int prefetch, boolean timed) {
    super(level, prefetch, timed);
    this.main = main;
    this.prefetch = prefetch;
    this.limit = prefetch - (prefetch >> 2);
  }

  @Override
  public Context currentContext() {
    return main.currentContext();
  }

  // == source side ==

  @Override
  public void onSubscribe(Subscription subscription) {
    if (Operators.validate(s, subscription)) {
      s = subscription;
      if (cancelled) {
        subscription.cancel();
      } else {
        subscription.request(prefetch);
      }
    }
  }

  @Override
  public void onNext(T t) {
    if (done) {
      Operators.onNextDropped(t, currentContext());
      return;
    }
    MergeMain<T> main = this.main;
    if (main.isOver()) {
      Operators.onDiscard(t, currentContext());
      return;
    }
    if (!offer(t, main.now())) { // the source emits more than it was asked for
      Operators.onDiscard(t, currentContext());
      cancelSource();
      onError(Exceptions.failWithOverflow(Exceptions.BACKPRESSURE_ERROR_QUEUE_FULL));
      return;
    }
    main.arrived(this);
  }

  @Override
  public void onError(Throwable t) {
    if (done) {
      Operators.onErrorDropped(t, currentContext());
      return;
    }
    main.failed(t);
    done = true;
    main.arrived(this);
  }

  @Override
  public void onComplete() {
    if (!done) {
      done = true;
      main.arrived(this);
    }
  }

  /** True when the drain must be told, because it would not look here. */
  boolean list() {
    return listed == 0 && LISTED.compareAndSet(this, 0, 1);
  }

  // == drain side ==

  void unlist() {
    listed = 0;
  }

  boolean isDone() {
    return done;
  }

  boolean isExhausted() {
    return exhausted;
  }

  /** It is done and its ring is empty. */
  void exhaust() {
    exhausted = true;
    endIfEmitted();
  }

  /** Its first element is waiting elsewhere now. */
  void regrouped() {
    regrouped++;
  }

  /** One of its elements has been emitted. */
  void emitted() {
    if (regrouped > 0) {
      regrouped--;
      endIfEmitted();
    }
    if (++consumed == limit) {
      consumed = 0;
      Subscription subscription = s;
      if (subscription != null && !done) {
        subscription.request(limit);
      }
    }
  }

  private void endIfEmitted() {
    if (exhausted && regrouped == 0) {
      main.ended(this);
    }
  }

  @Override
  MergeInner<T> polledFrom() {
    return this;
  }

  @Override
  void forgotten() {
    main.look(this);
  }

  @Override
  void publishOldest() {
    OLDEST.lazySet(this, isEmpty() ? NONE : stamp());
  }

  void cancelAndDiscard() {
    if (!cancelled) {
      cancelled = true;
      if (!done) {
        cancelSource();
      }
    }
    while (!isEmpty()) {
      Operators.onDiscard(poll(), currentContext());
    }
    OLDEST.lazySet(this, NONE);
  }

  private void cancelSource() {
    Subscription subscription = s;
    if (subscription != null) {
      subscription.cancel();
    }
  }

  // == any thread ==

  /** The stamp of the oldest element of the ring, or {@link #NONE}. */
  long oldest() {
    return oldest;
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
      return prefetch;
    }
    if (key == Attr.BUFFERED) {
      return size();
    }
    if (key == Attr.TERMINATED) {
      return done;
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

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
package dev.sluice.contract;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.Scannable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Operators;
import reactor.util.context.Context;

/**
 * A publisher that emits when a trial tells it to, or, when it is eager, as soon as it is asked;
 * for one subscriber, and never more than was asked for.
 */
final class ScriptedFlux<V> extends Flux<V> implements Subscription, Scannable {

  /*
   * Threads: step and fail are called by one thread at a time; request and cancel by any. Signals
   * are serialized by wip, which an eager publisher needs when it is asked from inside onNext.
   */

  private final Trial<?, ?> trial;
  private final String name;
  private final int count;
  private final IntFunction<? extends V> items;
  private final @Nullable Throwable failure;
  private final boolean eager;
  private final Runnable onSubscription;

  private final AtomicLong requested = new AtomicLong();
  private final AtomicInteger wip = new AtomicInteger();
  private volatile @Nullable CoreSubscriber<? super V> actual;
  private volatile boolean cancelled;
  private volatile boolean done;
  private volatile int emitted; // by the one who steps
  private volatile long outstanding; // asked for and not emitted, at most

  ScriptedFlux(
      Trial<?, ?> trial,
      String name,
      int count,
      IntFunction<? extends V> items,
      @Nullable Throwable failure,
      boolean eager,
      Runnable onSubscription) {
    this.trial = trial;
    this.name = name;
    this.count = count;
    this.items = items;
    this.failure = failure;
    this.eager = eager;
    this.onSubscription = onSubscription;
  }

  @Override
  public void subscribe(CoreSubscriber<? super V> subscriber) {
    if (actual != null) {
      trial.problem(name + " was subscribed to twice");
      Operators.error(subscriber, new IllegalStateException(name + " was subscribed to twice"));
      return;
    }
    actual = subscriber;
    trial.history().note(name + " is subscribed to");
    onSubscription.run();
    subscriber.onSubscribe(this);
    drain(); // one that is empty needs no demand to complete
  }

  @Override
  public void request(long n) {
    if (n <= 0) {
      trial.askedInVain(this, n);
      return;
    }
    long total = requested.accumulateAndGet(n, Operators::addCap);
    outstanding = Math.max(outstanding, total - emitted);
    trial.asked(this, n);
    drain();
  }

  @Override
  public void cancel() {
    cancelled = true;
    trial.history().note(name + " is cancelled");
  }

  private void drain() {
    if (!eager || wip.getAndIncrement() != 0) {
      return;
    }
    int missed = 1;
    do {
      while (isReady()) {
        step();
      }
      missed = wip.addAndGet(-missed);
    } while (missed != 0);
  }

  /** Whether {@link #step} has something to do that its subscriber allows. */
  boolean isReady() {
    return actual != null && !cancelled && canStep();
  }

  /** Like {@link #isReady}, but of one that has not seen yet that it was cancelled. */
  boolean canStep() {
    return actual != null && !done && (emitted == count || requested.get() > emitted);
  }

  boolean isEager() {
    return eager;
  }

  /** Emits the next element, or its terminal signal after the last one. */
  void step() {
    CoreSubscriber<? super V> subscriber = actual;
    if (subscriber == null || done) {
      return;
    }
    int n = emitted;
    if (n < count) {
      emitted = n + 1;
      V item = items.apply(n);
      trial.entered(item, name + " emits ");
      subscriber.onNext(item);
    } else if (failure != null) {
      fail(failure);
    } else {
      done = true;
      trial.history().note(name + " completes");
      subscriber.onComplete();
    }
  }

  void fail(Throwable error) {
    CoreSubscriber<? super V> subscriber = actual;
    if (subscriber == null || done) {
      return;
    }
    done = true;
    trial.signalled(error, name + " fails");
    subscriber.onError(error);
  }

  // == what a test looks at ==

  boolean isSubscribed() {
    return actual != null;
  }

  boolean isOver() {
    return done || cancelled;
  }

  /** The most that it was asked for and had not emitted. */
  long outstanding() {
    return outstanding;
  }

  Context contextOfSubscriber() {
    CoreSubscriber<? super V> subscriber = actual;
    return subscriber == null ? Context.empty() : subscriber.currentContext();
  }

  @Nullable CoreSubscriber<? super V> subscriber() {
    return actual;
  }

  @Override
  public @Nullable Object scanUnsafe(Attr key) {
    if (key == Attr.ACTUAL) {
      return actual;
    }
    return key == Attr.RUN_STYLE ? Attr.RunStyle.SYNC : null;
  }

  @Override
  public String toString() {
    return name;
  }
}

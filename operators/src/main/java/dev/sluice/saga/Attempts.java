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
package dev.sluice.saga;

import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicIntegerFieldUpdater;
import java.util.concurrent.atomic.AtomicReferenceFieldUpdater;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.Disposable;
import reactor.core.Exceptions;
import reactor.core.Fuseable;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Operators;
import reactor.core.scheduler.Scheduler;
import reactor.util.context.Context;

/**
 * Calls a function of the user until it succeeds, or is given up. Nobody's cancel reaches it, only
 * its own timeout does.
 *
 * <p>Hand-written rather than {@code timeout} and {@code retryWhen}: an action that ends at once
 * needs no timer, one that is there already no subscription, and one that waits for its next
 * attempt can be told to stop waiting without being cancelled in the middle of an attempt.
 */
abstract class Attempts<V> {

  /*
   * Threads: one calls start(). state is the number of the attempt that runs, or says that none
   * does. An attempt ends on the thread of the action, of the timer or of giveUp(), whichever is
   * first to move state from its number; that thread alone then goes on. stop() and giveUp() come
   * from anywhere, at any time.
   * I1 succeeded() or failed() is called exactly once: by who has moved state to ENDED.
   * I2 who moves WAITING to a number, or to ENDED, has it.
   * I3 after stop() no further attempt begins: who is about to begin one looks at stopped after it
   *    has made itself visible in state, stop() and giveUp() look at state after they have set it.
   * I4 the call of an attempt that has ended without it is cancelled: who ends it looks for the
   *    call after it has moved state, and a call looks at state after it has made itself visible.
   */

  /** Between two attempts, and before the first. */
  private static final int BETWEEN = 0;

  private static final int WAITING = -1;
  private static final int ENDED = -2;

  private volatile int state;

  @SuppressWarnings("rawtypes")
  private static final AtomicIntegerFieldUpdater<Attempts> STATE =
      AtomicIntegerFieldUpdater.newUpdater(Attempts.class, "state");

  private volatile boolean stopped;
  private volatile @Nullable Call<V> current;
  private volatile @Nullable Disposable wait;
  private @Nullable Throwable last; // of who has the state

  /** Calls the user's function. What it throws is a failure of the attempt. */
  abstract Mono<? extends V> call();

  abstract Context contextOf(int attempt);

  abstract Scheduler timer();

  /** How long one attempt may take. */
  abstract Duration timeout();

  /** How long to wait for the next attempt; null if there is none. Is told of every failure. */
  abstract @Nullable Duration retryAfter(Throwable error, int attempt, boolean inDoubt);

  abstract void succeeded(@Nullable V value);

  /** The error of the last attempt. */
  abstract void failed(Throwable error);

  /** Who it is, for errors. */
  abstract String describe();

  final void start() {
    attempt(1);
  }

  /** Lets the attempt that runs end, and begins no further one. */
  final void stop() {
    stopped = true;
    endWaiting();
  }

  /** Ends it now; an attempt that runs is cancelled, and what has come of it is not known. */
  final void giveUp(String why) {
    stop();
    int number = state;
    if (number > 0) {
      expire(number, why);
    }
  }

  // == one attempt ==

  private void attempt(int number) {
    state = number;
    if (!stopped) {
      begin(number);
    } else if (ends(number, ENDED)) {
      Throwable before = last;
      failed(before == null ? new StepRefused(describe()) : before);
    }
  }

  private void begin(int number) {
    Mono<? extends V> called;
    try {
      called = Objects.requireNonNull(call(), () -> describe() + " returned null");
    } catch (Throwable t) {
      Exceptions.throwIfJvmFatal(t);
      if (!fails(number, t, t instanceof RejectedExecutionException)) {
        Operators.onErrorDropped(t, contextOf(number));
      }
      return;
    }
    if (called instanceof Fuseable.ScalarCallable<?> known) {
      take(number, known);
    } else {
      Call<V> call = new Call<>(this, number);
      current = call;
      call.begin(called);
    }
  }

  /** What is there already needs neither a subscription nor a timer. */
  @SuppressWarnings("unchecked") // a Mono of V
  private void take(int number, Callable<?> known) {
    V value;
    try {
      value = (V) known.call();
    } catch (Throwable t) { // it is an error, whichever
      fails(number, Exceptions.unwrap(t), false);
      return;
    }
    succeeds(number, value);
  }

  private boolean ends(int number, int then) {
    return STATE.compareAndSet(this, number, then);
  }

  /** False if the attempt has ended otherwise. */
  private boolean succeeds(int number, @Nullable V value) {
    boolean first = ends(number, ENDED);
    if (first) {
      succeeded(value);
    }
    return first;
  }

  /** False if the attempt has ended otherwise. */
  private boolean fails(int number, Throwable error, boolean inDoubt) {
    boolean first = ends(number, BETWEEN);
    if (first) {
      attemptFailed(number, error, inDoubt);
    }
    return first;
  }

  private void expire(int number, String why) {
    if (ends(number, BETWEEN)) {
      Call<V> call = current;
      if (call != null) {
        call.cancel();
      }
      attemptFailed(number, new TimeoutException(describe() + ": " + why), true);
    }
  }

  // == the next one ==

  private void attemptFailed(int number, Throwable error, boolean inDoubt) {
    last = error;
    Duration delay;
    try {
      delay = retryAfter(error, number, inDoubt);
    } catch (Throwable t) {
      Exceptions.throwIfJvmFatal(t);
      delay = null; // the classifier is the user's
      if (t != error) {
        error.addSuppressed(t);
      }
    }
    if (delay == null) {
      state = ENDED;
      failed(error);
      return;
    }
    state = WAITING;
    if (!stopped) {
      try {
        wait = timer().schedule(() -> again(number + 1), delay.toNanos(), TimeUnit.NANOSECONDS);
      } catch (RejectedExecutionException e) {
        error.addSuppressed(e);
        stopped = true;
      }
    }
    if (stopped) {
      endWaiting();
    }
  }

  private void again(int number) {
    if (ends(WAITING, BETWEEN)) {
      attempt(number);
    }
  }

  private void endWaiting() {
    if (ends(WAITING, ENDED)) {
      Disposable w = wait;
      if (w != null) {
        w.dispose();
      }
      failed(Objects.requireNonNull(last));
    }
  }

  /** What an action has returned, subscribed to, with its timer. */
  private static final class Call<V> implements CoreSubscriber<V>, Runnable {

    private final Attempts<V> owner;
    private final int number;

    @SuppressWarnings("UnusedVariable") // through the updater only
    private volatile @Nullable Subscription s;

    @SuppressWarnings("rawtypes")
    private static final AtomicReferenceFieldUpdater<Call, Subscription> S =
        AtomicReferenceFieldUpdater.newUpdater(Call.class, Subscription.class, "s");

    private volatile @Nullable Disposable due;
    private volatile @Nullable Context context;

    Call(Attempts<V> owner, int number) {
      this.owner = owner;
      this.number = number;
    }

    void begin(Mono<? extends V> called) {
      try {
        called.subscribe(this);
        if (runs()) {
          due = owner.timer().schedule(this, owner.timeout().toNanos(), TimeUnit.NANOSECONDS);
          if (!runs()) {
            endTimer();
          }
        }
      } catch (Throwable t) { // what the publisher threw, or the timer refused
        Exceptions.throwIfJvmFatal(t);
        if (owner.ends(number, BETWEEN)) {
          cancel();
          owner.attemptFailed(number, t, t instanceof RejectedExecutionException);
        } else {
          Operators.onErrorDropped(t, currentContext());
        }
      }
    }

    private boolean runs() {
      return owner.state == number;
    }

    @Override
    public void run() {
      owner.expire(number, "no end within " + owner.timeout());
    }

    void cancel() {
      endTimer();
      Operators.terminate(S, this);
    }

    private void endTimer() {
      Disposable d = due;
      if (d != null) {
        d.dispose();
      }
    }

    // == the user's publisher ==

    @Override
    public Context currentContext() {
      Context c = context; // immutable: two threads may make it
      if (c == null) {
        c = owner.contextOf(number);
        context = c;
      }
      return c;
    }

    @Override
    public void onSubscribe(Subscription subscription) {
      if (Operators.setOnce(S, this, subscription)) {
        if (runs()) {
          subscription.request(Long.MAX_VALUE);
        } else {
          cancel();
        }
      }
    }

    @Override
    public void onNext(V value) {
      endTimer();
      if (!owner.succeeds(number, value)) {
        Operators.onNextDropped(value, currentContext());
      }
    }

    @Override
    public void onError(Throwable error) {
      endTimer();
      if (!owner.fails(number, error, false)) {
        Operators.onErrorDropped(error, currentContext());
      }
    }

    @Override
    public void onComplete() {
      if (runs()) {
        endTimer();
        owner.succeeds(number, null);
      }
    }
  }
}

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
import reactor.core.publisher.Mono;
import reactor.core.publisher.Operators;
import reactor.core.scheduler.Scheduler;
import reactor.util.context.Context;

/**
 * Calls a function of the user until it succeeds, or is given up. Nobody's cancel reaches it, only
 * its own timeout does.
 *
 * <p>Hand-written rather than {@code timeout} and {@code retryWhen}: an action that ends at once
 * needs no timer, and one that waits for its next attempt can be told to stop waiting without being
 * cancelled in the middle of an attempt.
 */
abstract class Attempts<V> {

  /*
   * Threads: one calls start(). An attempt ends on the thread of the action, of the timer or of
   * giveUp(), whichever is first at Attempt.over; that thread alone then goes on. stop() and
   * giveUp() come from anywhere, at any time.
   * I1 succeeded() or failed() is called exactly once.
   * I2 an attempt runs in RUNNING only; who moves WAITING to RUNNING or ENDED has it.
   * I3 after stop() no further attempt begins: who is about to begin one looks at stopped after it
   *    has made itself visible (WAITING, or current), stop() and giveUp() look at these after
   *    they have set it.
   */

  private static final int RUNNING = 0;
  private static final int WAITING = 1;
  private static final int ENDED = 2;

  private final Scheduler timer;
  private final Duration timeout;

  @SuppressWarnings("UnusedVariable") // through the updater only
  private volatile int phase;

  @SuppressWarnings("rawtypes")
  private static final AtomicIntegerFieldUpdater<Attempts> PHASE =
      AtomicIntegerFieldUpdater.newUpdater(Attempts.class, "phase");

  private volatile boolean stopped;
  private volatile @Nullable Attempt<V> current;
  private volatile @Nullable Disposable wait;
  private @Nullable Throwable last; // of who owns the phase

  Attempts(Scheduler timer, Duration timeout) {
    this.timer = timer;
    this.timeout = timeout;
  }

  /** Calls the user's function. What it throws is a failure of the attempt. */
  abstract Mono<? extends V> call();

  abstract Context contextOf(int attempt);

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
    Attempt<V> attempt = current;
    if (attempt != null) {
      attempt.expire(why);
    }
  }

  private void attempt(int number) {
    Attempt<V> attempt = new Attempt<>(this, number);
    current = attempt;
    if (stopped) {
      if (attempt.end()) {
        Throwable before = last;
        phase = ENDED;
        failed(before == null ? new StepRefused(describe()) : before);
      }
      return;
    }
    attempt.begin();
  }

  private void attemptFailed(Attempt<V> attempt, Throwable error, boolean inDoubt) {
    last = error;
    Duration delay;
    try {
      delay = retryAfter(error, attempt.number, inDoubt);
    } catch (Throwable t) {
      Exceptions.throwIfJvmFatal(t);
      delay = null; // the classifier is the user's
      if (t != error) {
        error.addSuppressed(t);
      }
    }
    if (delay == null) {
      phase = ENDED;
      failed(error);
      return;
    }
    phase = WAITING;
    if (!stopped) {
      int next = attempt.number + 1;
      try {
        wait = timer.schedule(() -> again(next), delay.toNanos(), TimeUnit.NANOSECONDS);
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
    if (PHASE.compareAndSet(this, WAITING, RUNNING)) {
      attempt(number);
    }
  }

  private void endWaiting() {
    if (PHASE.compareAndSet(this, WAITING, ENDED)) {
      Disposable w = wait;
      if (w != null) {
        w.dispose();
      }
      failed(Objects.requireNonNull(last));
    }
  }

  /** One call, which ends once. */
  private static final class Attempt<V> implements CoreSubscriber<V>, Runnable {

    private final Attempts<V> owner;
    final int number;

    @SuppressWarnings("UnusedVariable") // through the updater only
    private volatile @Nullable Subscription s;

    @SuppressWarnings("rawtypes")
    private static final AtomicReferenceFieldUpdater<Attempt, Subscription> S =
        AtomicReferenceFieldUpdater.newUpdater(Attempt.class, Subscription.class, "s");

    private volatile int over;

    @SuppressWarnings("rawtypes")
    private static final AtomicIntegerFieldUpdater<Attempt> OVER =
        AtomicIntegerFieldUpdater.newUpdater(Attempt.class, "over");

    private volatile @Nullable Disposable due;
    private volatile @Nullable Context context;

    Attempt(Attempts<V> owner, int number) {
      this.owner = owner;
      this.number = number;
    }

    void begin() {
      try {
        Mono<? extends V> called =
            Objects.requireNonNull(owner.call(), () -> owner.describe() + " returned null");
        called.subscribe(this);
        if (over == 0) {
          due = owner.timer.schedule(this, owner.timeout.toNanos(), TimeUnit.NANOSECONDS);
          if (over != 0) {
            endTimer();
          }
        }
      } catch (Throwable t) {
        Exceptions.throwIfJvmFatal(t);
        if (end()) { // what the function threw, or the timer refused
          Operators.terminate(S, this);
          owner.attemptFailed(this, t, t instanceof RejectedExecutionException);
        } else {
          Operators.onErrorDropped(t, currentContext());
        }
      }
    }

    boolean end() {
      return OVER.compareAndSet(this, 0, 1);
    }

    private void endTimer() {
      Disposable d = due;
      if (d != null) {
        d.dispose();
      }
    }

    @Override
    public void run() {
      expire("no end within " + owner.timeout);
    }

    void expire(String why) {
      if (end()) {
        endTimer();
        Operators.terminate(S, this);
        owner.attemptFailed(this, new TimeoutException(owner.describe() + ": " + why), true);
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
        subscription.request(Long.MAX_VALUE);
      }
    }

    @Override
    public void onNext(V value) {
      if (end()) {
        endTimer();
        owner.phase = ENDED;
        owner.succeeded(value);
      } else {
        Operators.onNextDropped(value, currentContext());
      }
    }

    @Override
    public void onError(Throwable error) {
      if (end()) {
        endTimer();
        owner.attemptFailed(this, error, false);
      } else {
        Operators.onErrorDropped(error, currentContext());
      }
    }

    @Override
    public void onComplete() {
      if (over == 0 && end()) {
        endTimer();
        owner.phase = ENDED;
        owner.succeeded(null);
      }
    }
  }
}

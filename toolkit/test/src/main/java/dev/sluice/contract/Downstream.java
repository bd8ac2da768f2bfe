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
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.publisher.Operators;
import reactor.util.context.Context;

/** The subscriber of a trial: follows the rules, and sees whether the operator does. */
final class Downstream<R> implements CoreSubscriber<R> {

  /** The key that must be seen by everybody upstream. */
  static final String KEY = "dev.sluice.contract";

  private final Trial<?, R> trial;
  private final Context context;
  private final AtomicInteger inside = new AtomicInteger();
  private final AtomicLong requested = new AtomicLong();
  private final AtomicLong received = new AtomicLong();
  private volatile @Nullable Subscription s;
  private volatile boolean cancelled;
  private volatile boolean cancelReturned;
  private volatile boolean terminated;

  Downstream(Trial<?, R> trial) {
    this.trial = trial;
    Context hooks =
        Operators.enableOnDiscard(
            Context.of(KEY, trial), item -> trial.account(History.Kind.DISCARDED, item));
    this.context =
        hooks
            .put("reactor.onNextDropped.local", (Consumer<Object>) trial::dropped)
            .put(
                "reactor.onErrorDropped.local",
                (Consumer<Throwable>) error -> trial.told(error, "dropped: "));
  }

  @Override
  public Context currentContext() {
    return context;
  }

  @Override
  public void onSubscribe(Subscription subscription) {
    if (s != null) {
      trial.problem("onSubscribe was called twice");
    }
    s = subscription;
    trial.history().note("subscribed");
    trial.moment("inside onSubscribe");
  }

  @Override
  public void onNext(R value) {
    enter("onNext");
    trial.account(History.Kind.EMITTED, value);
    if (received.incrementAndGet() > requested.get()) {
      trial.problem(value + " was emitted but not asked for");
    }
    trial.received(value);
    trial.moment("inside onNext");
    inside.decrementAndGet();
  }

  @Override
  public void onError(Throwable t) {
    enter("onError");
    terminated = true;
    trial.told(t, "failed: ");
    inside.decrementAndGet();
  }

  @Override
  public void onComplete() {
    enter("onComplete");
    terminated = true;
    trial.history().note("completed");
    inside.decrementAndGet();
  }

  private void enter(String signal) {
    if (inside.getAndIncrement() != 0) {
      trial.problem(signal + " came while another signal was being received");
    }
    if (s == null) {
      trial.problem(signal + " came before onSubscribe");
    }
    if (terminated) {
      trial.problem(signal + " came after the end");
    }
    if (cancelReturned) {
      trial.problem(signal + " came after cancel");
    }
  }

  // == what a trial does ==

  void request(long n) {
    requested.accumulateAndGet(n, Operators::addCap);
    trial.history().note("request " + n);
    requestUnchecked(n);
  }

  /** As it is, also what nobody may ask for. */
  void requestUnchecked(long n) {
    Subscription subscription = s;
    if (subscription != null) {
      subscription.request(n);
    }
  }

  /**
   * Cancels.
   *
   * @param quiet whether nothing may come afterwards, because nobody else is at work
   */
  void cancel(boolean quiet) {
    Subscription subscription = s;
    if (subscription != null) {
      cancelled = true;
      trial.history().note("cancel");
      subscription.cancel();
      cancelReturned = quiet;
    }
  }

  boolean wantsNothing() {
    return received.get() >= requested.get();
  }

  boolean isSubscribed() {
    return s != null;
  }

  boolean isCancelled() {
    return cancelled;
  }

  /** Whether it has ended, either way. */
  boolean isOver() {
    return cancelled || terminated;
  }

  @Nullable Subscription subscription() {
    return s;
  }
}

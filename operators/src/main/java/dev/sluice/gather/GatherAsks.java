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
import dev.sluice.delivery.ErrorPolicy;
import dev.sluice.delivery.Outcome;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeoutException;
import org.reactivestreams.Publisher;
import reactor.core.CorePublisher;
import reactor.core.CoreSubscriber;
import reactor.core.Exceptions;
import reactor.core.Fuseable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Operators;

/** The asks of the legs, with their places, timeouts, retries and hedges. Drain only. */
abstract class GatherAsks<T, R> extends GatherLegs<T, R> {

  /*
   * Invariants:
   *   A1  each answer is in one record, or was discarded: an ask is told once, and what is told is
   *       looked at only while its call still has that ask
   *   A2  a leg has failed only when its ask, its retries and its hedge have
   */

  private static final String ON_ERROR_CONTINUE = "reactor.onNextError.localStrategy";

  private final boolean timed;
  private int hedges;

  GatherAsks(
      CoreSubscriber<?> downstream,
      ScatterGather<T, R> scatter,
      T request,
      ScatterGather.Door door) {
    super(downstream, scatter, request, door);
    this.timed = spec.timed();
  }

  // == what the gather makes of them ==

  /** Whether it is decided how the gather ends: then no leg begins any more. */
  abstract boolean isDecided();

  /** A leg is over: that may decide it. */
  abstract void judge();

  /** A leg is over with an answer: that may decide it. */
  abstract void judge(R answer);

  /** The time is up. */
  abstract void deadlinePassed();

  // == asking ==

  final void startAll() {
    for (int i = 0; i < selected() && !isDecided() && !isOver(); i++) {
      start(i);
      takeSignals();
    }
  }

  /** Asks as soon as there is a place. */
  final void start(int index) {
    Bulkheads bulkheads = scatter.bulkheads;
    if (bulkheads != null) {
      Call<T, R> call = call(index);
      Bulkhead bulkhead = call.bulkhead;
      if (bulkhead == null) {
        bulkhead = bulkheads.join(call.recipient.name());
        call.bulkhead = bulkhead;
      }
      if (!bulkhead.tryEnter()) {
        call.waiting = true;
        if (!bulkhead.enqueue(call)) {
          call.waiting = false;
          failed(call, false, bulkhead.refusal(), false);
        }
        return;
      }
    }
    ask(index, false);
  }

  /** Asks; the place, if places are counted, has been taken. */
  private void ask(int index, boolean hedge) {
    Recipient<? super T, ? extends R> recipient = recipient(index);
    if (spec.hedges() > 0 && !hedge) {
      Call<T, R> call = call(index);
      if (call.attempts == 0) {
        call.hedgeAt = elapsed() + spec.hedgeAfterNanos();
      }
    }
    Publisher<? extends R> answer;
    try {
      answer =
          Objects.requireNonNull(
              hedge ? recipient.hedge(request) : recipient.ask(request),
              "the recipient returned null");
    } catch (Throwable e) {
      failedAtOnce(index, hedge, e);
      return;
    }
    boolean instant = answer instanceof Fuseable.ScalarCallable;
    if (!instant && deadline != NEVER && elapsed() >= deadline) { // it was asked for too long
      leavePlace(callOrNull(index));
      deadlinePassed();
    } else if (answer instanceof Callable<?> callable) {
      call(index, callable, hedge);
    } else {
      subscribe(call(index), answer, hedge);
    }
  }

  /** An answer that needs no subscription. */
  private void call(int index, Callable<?> callable, boolean hedge) {
    R value;
    try {
      @SuppressWarnings("unchecked")
      R called = (R) callable.call();
      value = called;
    } catch (Throwable e) {
      failedAtOnce(index, hedge, e);
      return;
    }
    leavePlace(callOrNull(index));
    if (value != null) {
      answered(index, hedge, value);
    } else {
      endLeg(index, Leg.State.EMPTY, null, null);
      judge();
    }
  }

  private void failedAtOnce(int index, boolean hedge, Throwable error) {
    leavePlace(callOrNull(index));
    failed(call(index), hedge, Exceptions.unwrap(error), false);
  }

  private void subscribe(Call<T, R> call, Publisher<? extends R> answer, boolean hedge) {
    long now = elapsed();
    if (call.startedAt == NEVER) {
      call.startedAt = now;
    }
    Ask<T, R> ask = new Ask<>(this, call, answer instanceof Mono);
    ask.dueAt = after(now, spec.timeoutNanos());
    if (hedge) {
      call.hedge = ask;
    } else {
      call.primary = ask;
    }
    try {
      subscribe(answer, ask);
    } catch (Throwable e) { // it should have signalled
      if (ask.leave()) {
        retire(call, ask);
        failed(call, hedge, e, false);
      }
    }
  }

  final void subscribe(Publisher<? extends R> answer, Ask<T, R> ask) {
    if (currentContext().hasKey(ON_ERROR_CONTINUE)) {
      Flux.<R>from(answer).onErrorStop().subscribe(ask);
    } else if (answer instanceof CorePublisher<?>) {
      answer.subscribe(ask);
    } else { // foreign: Reactor restores thread-locals around its signals
      Flux.<R>from(answer).subscribe(ask);
    }
  }

  // == what comes back ==

  /** An ask of a leg was told something. False: it is not one of a leg that runs. */
  final boolean told(Ask<T, R> ask) {
    Call<T, R> call = ask.call;
    if (call == null || (call.primary != ask && call.hedge != ask)) {
      return false;
    }
    boolean hedge = call.hedge == ask;
    R value = ask.value();
    Throwable error = ask.error();
    retire(call, ask);
    if (value != null) {
      answered(call.index, hedge, value);
    } else if (error != null) {
      failed(call, hedge, error, false);
    } else {
      endLeg(call.index, Leg.State.EMPTY, null, null);
      judge();
    }
    return true;
  }

  private void answered(int index, boolean hedge, R answer) {
    if (isOver()) { // it was cancelled while it was asked
      Operators.onDiscard(answer, currentContext());
      return;
    }
    endLeg(index, hedge ? Leg.State.HEDGED : Leg.State.ANSWERED, answer, null);
    judge(answer);
  }

  /** An ask has failed, and its place was given back. */
  private void failed(Call<T, R> call, boolean hedge, Throwable error, boolean timedOut) {
    if (isOver()) {
      Operators.onErrorDropped(error, currentContext());
      return;
    }
    call.error = error;
    call.timedOut = timedOut;
    ErrorPolicy retry = spec.retry();
    int attempt = hedge ? Integer.MAX_VALUE : ++call.attempts; // a hedge is not retried
    Outcome outcome = retry.outcomeOf(error, attempt);
    if (outcome instanceof Outcome.Release) { // fatal
      end(error);
      return;
    }
    if (outcome instanceof Outcome.Retry again) {
      scheduleRetry(call, again.delay());
    }
    if (!hedge && call.hedgeAt != NEVER) {
      hedge(call);
    }
    if (!isDecided() && !isOver() && !hasEnded(call.index) && call.isIdle()) {
      endLeg(call.index, call.timedOut ? Leg.State.TIMED_OUT : Leg.State.FAILED, null, call.error);
      judge();
    }
  }

  private void scheduleRetry(Call<T, R> call, Duration delay) {
    if (delay.isZero()) {
      call.again = true;
      signal(call);
      return;
    }
    long at = elapsed() + delay.toNanos();
    if (at < deadline) {
      call.retryAt = at;
    }
  }

  private void hedge(Call<T, R> call) {
    call.hedgeAt = NEVER;
    Bulkhead bulkhead = call.bulkhead;
    if (hedges < spec.hedges() && (bulkhead == null || bulkhead.tryEnter())) {
      hedges++;
      ask(call.index, true);
    }
  }

  /** A leg may be asked again, or has its place. */
  final void resume(Call<T, R> call) {
    if (call.again) {
      call.again = false;
      start(call.index);
    } else if (call.waiting) {
      call.waiting = false;
      ask(call.index, false);
    }
  }

  // == what is due ==

  @Override
  final long nextDue() {
    long next = NEVER;
    if (timed) {
      for (int i = 0; i < selected(); i++) {
        Call<T, R> call = callOrNull(i);
        if (call != null && !hasEnded(i)) {
          next = Math.min(next, call.nextDue());
        }
      }
    }
    return next;
  }

  /** Does what is due. */
  final void expire() {
    long now = elapsed();
    if (now >= deadline) {
      deadlinePassed();
      return;
    }
    for (int i = 0; i < selected() && !isDecided() && !isOver(); i++) {
      Call<T, R> call = callOrNull(i);
      if (call != null && !hasEnded(i) && call.nextDue() <= now) {
        expire(call, now);
      }
    }
  }

  private void expire(Call<T, R> call, long now) {
    Ask<T, R> primary = call.primary;
    if (primary != null && primary.dueAt <= now) {
      timeOut(call, primary, false);
    }
    Ask<T, R> hedge = call.hedge;
    if (hedge != null && hedge.dueAt <= now) {
      timeOut(call, hedge, true);
    }
    if (call.hedgeAt <= now) {
      hedge(call);
    }
    if (call.retryAt <= now) {
      call.retryAt = NEVER;
      start(call.index);
    }
  }

  private void timeOut(Call<T, R> call, Ask<T, R> ask, boolean hedge) {
    if (ask.leave()) { // else it was told something, which is in the stack
      retire(call, ask);
      Duration timeout = Duration.ofNanos(spec.timeoutNanos());
      failed(
          call,
          hedge,
          new TimeoutException(call.recipient.name() + ": no answer within " + timeout),
          true);
    }
  }
}

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

import dev.sluice.delivery.ErrorClassifier;
import dev.sluice.delivery.ErrorPolicy;
import dev.sluice.saga.MonoSagaStep.StepMain;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Scheduler;
import reactor.util.context.Context;

/** One step of one saga: its entry in the journal, and the attempts of its action. */
final class Step<I, O> extends Attempts<O> {

  enum State {
    RUNNING,
    /** The action has succeeded. */
    DONE,
    /** It has not happened. */
    FAILED,
    /** It may have happened. */
    UNKNOWN,
    /** It was compensated. */
    UNDONE
  }

  private final SagaRun<?> run;
  final StepPlan<I, O> plan;
  final String key;
  final I input;

  /** Who has asked for it first. */
  private final StepMain<I, O> caller;

  // Guarded by the journal.
  State state = State.RUNNING;
  @Nullable O output;
  @Nullable Throwable error;
  boolean used;

  /** Who has asked for it while it was running. Kept no longer than they wait. */
  private @Nullable List<StepMain<I, O>> others;

  /** When its action was called first, if somebody wants to hear of it; else 0. */
  private long begun;

  /** The place of its intent in the journal of a durable saga. */
  volatile long order;

  /** An earlier run of the saga has undone it. */
  volatile boolean undoneBefore;

  /** Whether an attempt has left open what happened. Of the attempt that runs. */
  boolean doubtful;

  Step(SagaRun<?> run, StepPlan<I, O> plan, String key, I input, StepMain<I, O> caller) {
    this.run = run;
    this.plan = plan;
    this.key = key;
    this.input = input;
    this.caller = caller;
  }

  // == in the journal ==

  boolean isPivot() {
    return plan.spec().isPivot();
  }

  /** The Context that it was asked for in. */
  Context context() {
    return caller.currentContext();
  }

  boolean isAgain(Step<?, ?> other) {
    return plan.name().equals(other.plan.name()) && key.equals(other.key);
  }

  boolean hasFailed() {
    return state == State.FAILED || state == State.UNKNOWN;
  }

  /** Whether there is something to undo, as far as is known. */
  boolean stands() {
    return plan.spec().compensation() != null
        && !undoneBefore
        && (state == State.DONE || state == State.UNKNOWN);
  }

  String label() {
    return key.isEmpty() ? plan.name() : plan.name() + "/" + key;
  }

  void requireSameInput(Object again) {
    if (!Objects.deepEquals(input, again)) {
      throw new IllegalStateException(
          describe()
              + " comes again with the input "
              + again
              + " (expected: "
              + input
              + ", as before; or a StepSpec.key that tells them apart)");
    }
  }

  /** Whether the body still wants what it gives. */
  boolean isAwaited() {
    return !caller.isCancelled()
        || (others != null && !others.stream().allMatch(StepMain::isCancelled));
  }

  void keep(StepMain<I, O> waiter) {
    if (others == null) {
      others = new ArrayList<>(2);
    }
    others.removeIf(StepMain::isCancelled);
    others.add(waiter);
  }

  // == what the body gets ==

  /** Tells somebody who has asked for it again what it gives, now or later. */
  void answer(StepMain<I, O> waiter) {
    State now = run.journal.ask(this, waiter);
    if (now == State.DONE) {
      waiter.give(output);
    } else if (now != State.RUNNING) {
      Throwable failure = error; // none if it is undone already, and nobody hears
      waiter.fail(failure == null ? new StepRefused(describe()) : failure);
    }
  }

  private void giveAll(@Nullable O value) {
    caller.give(value);
    if (others != null) {
      others.forEach(waiter -> waiter.give(value));
    }
  }

  private void failAll(Throwable failure) {
    caller.fail(failure);
    if (others != null) {
      others.forEach(waiter -> waiter.fail(failure));
    }
  }

  // == attempts ==

  @Override
  Scheduler timer() {
    return run.spec.timer();
  }

  @Override
  Duration timeout() {
    return plan.spec().timeout();
  }

  @Override
  Mono<? extends O> call() {
    if (begun == 0 && run.spec.isHeard()) {
      begun = System.nanoTime();
    }
    return plan.action().apply(input);
  }

  @Override
  Context contextOf(int attempt) {
    return context().put(Sagas.SCOPE, new StepContext(run, plan.name(), key, false, attempt));
  }

  @Override
  @Nullable Duration retryAfter(Throwable failure, int attempt, boolean inDoubt) {
    ErrorClassifier.Kind kind = ErrorClassifier.Kind.TRANSIENT;
    if (!inDoubt) {
      boolean before = doubtful;
      doubtful = true; // should the classifier throw
      kind = plan.spec().retry().classify(failure);
      doubtful = before || kind != ErrorClassifier.Kind.POISON;
    } else {
      doubtful = true;
    }
    if (kind != ErrorClassifier.Kind.TRANSIENT) {
      return null;
    }
    ErrorPolicy policy = goesForward() ? run.spec.forwardRetry() : plan.spec().retry();
    return attempt < policy.maxAttempts() ? policy.delayAfter(attempt) : null;
  }

  private boolean goesForward() {
    return run.journal.pivotPassed() || (isPivot() && plan.spec().compensation() == null);
  }

  @Override
  void succeeded(@Nullable O value) {
    DurableRun durable = run.durable();
    if (durable == null) {
      gave(value);
    } else {
      durable.done(this, value);
    }
  }

  /** Its action has given this, now or when the saga ran before. */
  void gave(@Nullable O value) {
    run.journal.done(this, value);
    tell(null);
    giveAll(value);
    run.stepEnded();
  }

  @Override
  void failed(Throwable failure) {
    DurableRun durable = run.durable();
    if (durable == null) {
      broke(failure);
    } else {
      durable.failed(this, failure);
    }
  }

  /** Its action has failed, now or when the saga ran before, or will not be called. */
  void broke(Throwable failure) {
    run.journal.failed(this, failure);
    tell(failure);
    if (isPivot()) {
      run.pivotFailed();
    }
    failAll(failure);
    run.stepEnded();
  }

  private void tell(@Nullable Throwable failure) {
    if (begun != 0) {
      run.spec.tell(run, this, false, begun, failure);
    }
  }

  @Override
  String describe() {
    return "step " + label() + " of saga " + run.name;
  }
}

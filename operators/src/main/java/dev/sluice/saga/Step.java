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
import java.time.Duration;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.util.context.Context;
import reactor.util.context.ContextView;

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
  final ContextView context;

  // Guarded by the journal.
  State state = State.RUNNING;
  @Nullable O output;
  @Nullable Throwable error;
  boolean used;
  private Sinks.@Nullable One<O> awaited;

  /** When its action was called first, if somebody wants to hear of it; else 0. */
  private long begun;

  /** The place of its intent in the journal of a durable saga. */
  volatile long order;

  /** An earlier run of the saga has undone it. */
  volatile boolean undoneBefore;

  /** Whether an attempt has left open what happened. Of the attempt that runs. */
  boolean doubtful;

  Step(SagaRun<?> run, StepPlan<I, O> plan, String key, I input, ContextView context) {
    super(run.spec.timer(), plan.spec().timeout());
    this.run = run;
    this.plan = plan;
    this.key = key;
    this.input = input;
    this.context = context;
  }

  // == in the journal ==

  boolean isPivot() {
    return plan.spec().isPivot();
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

  // == what the body gets ==

  /** What the step gives, now or later. */
  Mono<O> outcome() {
    State now;
    Sinks.One<O> later = null;
    synchronized (run.journal) {
      now = state;
      if (now == State.RUNNING) {
        if (awaited == null) {
          awaited = Sinks.one();
        }
        later = awaited;
      } else if (now == State.DONE) {
        used = true;
      }
    }
    if (later != null) {
      return later.asMono().doOnSuccess(any -> use());
    }
    if (now == State.DONE) {
      return Mono.justOrEmpty(output);
    }
    Throwable failure = error; // none if it is undone already, and nobody hears
    return Mono.error(failure == null ? new StepRefused(describe()) : failure);
  }

  /** It has gone to the body: it does not stand for nothing. */
  private void use() {
    synchronized (run.journal) {
      used = true;
    }
  }

  private Sinks.@Nullable One<O> awaited() {
    synchronized (run.journal) {
      return awaited;
    }
  }

  // == attempts ==

  @Override
  Mono<? extends O> call() {
    if (begun == 0 && run.spec.isHeard()) {
      begun = System.nanoTime();
    }
    return plan.action().apply(input);
  }

  @Override
  Context contextOf(int attempt) {
    return Context.of(context)
        .put(Sagas.SCOPE, new StepContext(run, plan.name(), key, false, attempt));
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
    Sinks.One<O> waiting = awaited();
    if (waiting != null) {
      if (value == null) {
        waiting.emitEmpty(Sinks.EmitFailureHandler.FAIL_FAST);
      } else {
        waiting.emitValue(value, Sinks.EmitFailureHandler.FAIL_FAST);
      }
    }
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
    Sinks.One<O> waiting = awaited();
    if (waiting != null) {
      waiting.emitError(failure, Sinks.EmitFailureHandler.FAIL_FAST);
    }
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

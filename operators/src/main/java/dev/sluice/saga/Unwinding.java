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
import java.util.List;
import java.util.Objects;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicIntegerFieldUpdater;
import org.jspecify.annotations.Nullable;
import reactor.core.Disposable;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Scheduler;
import reactor.util.context.Context;

/** Compensates steps one after the other, until all are undone or one cannot be. */
final class Unwinding {

  /** Who hears of the end. */
  interface End {
    /**
     * Called once.
     *
     * @param stuck the step that could not be compensated, and why; null when all were
     */
    void unwound(@Nullable Step<?, ?> stuck, @Nullable Throwable why);
  }

  /*
   * Threads: next() is called by start() and by the compensation that has ended, of which one runs
   * at a time; so that what owns the loop alone has index, and compensations that end at once do
   * not recurse. The timer only sets expired and gives up the current one.
   */

  private final SagaRun<?> run;
  private final List<Step<?, ?>> steps;
  private final End end;
  private int index;
  private @Nullable Disposable due;

  private volatile boolean expired;
  private volatile @Nullable Undo<?, ?> current;

  @SuppressWarnings("UnusedVariable") // through the updater only
  private volatile int wip;

  private static final AtomicIntegerFieldUpdater<Unwinding> WIP =
      AtomicIntegerFieldUpdater.newUpdater(Unwinding.class, "wip");

  Unwinding(SagaRun<?> run, List<Step<?, ?>> steps, End end) {
    this.run = run;
    this.steps = steps;
    this.end = end;
  }

  void start() {
    if (!steps.isEmpty()) {
      try {
        due =
            run.spec
                .timer()
                .schedule(
                    this::expire, run.spec.compensateWithin().toNanos(), TimeUnit.NANOSECONDS);
      } catch (RejectedExecutionException e) {
        end.unwound(steps.get(0), e); // nothing can be bounded any more
        return;
      }
    }
    next();
  }

  private void expire() {
    expired = true;
    Undo<?, ?> undo = current;
    if (undo != null) {
      undo.giveUp(overdue());
    }
  }

  private String overdue() {
    return "no end of all compensations within " + run.spec.compensateWithin();
  }

  private void next() {
    if (WIP.getAndIncrement(this) != 0) {
      return;
    }
    do {
      if (index == steps.size()) {
        over(null, null);
      } else {
        undo(steps.get(index++));
      }
    } while (WIP.decrementAndGet(this) != 0);
  }

  private void undo(Step<?, ?> step) {
    Undo<?, ?> undo = new Undo<>(this, step);
    current = undo;
    if (expired) {
      over(step, new TimeoutException(undo.describe() + ": " + overdue()));
    } else if (run.durable() == null) {
      undo.start();
    } else {
      run.durable().undoing(step, undo::start);
    }
  }

  private void over(@Nullable Step<?, ?> stuck, @Nullable Throwable why) {
    if (due != null) {
      due.dispose();
    }
    end.unwound(stuck, why);
  }

  /** The compensation of one step. */
  private static final class Undo<I, O> extends Attempts<Object> {

    private final Unwinding unwinding;
    private final Step<I, O> step;
    private long begun;

    Undo(Unwinding unwinding, Step<I, O> step) {
      this.unwinding = unwinding;
      this.step = step;
    }

    @Override
    Scheduler timer() {
      return unwinding.run.spec.timer();
    }

    @Override
    Duration timeout() {
      return step.plan.spec().timeout();
    }

    @Override
    Mono<?> call() {
      if (begun == 0 && unwinding.run.spec.isHeard()) {
        begun = System.nanoTime();
      }
      return Objects.requireNonNull(step.plan.spec().compensation())
          .compensate(step.input, step.output);
    }

    @Override
    Context contextOf(int attempt) {
      return step.context()
          .put(
              Sagas.SCOPE,
              new StepContext(unwinding.run, step.plan.name(), step.key, true, attempt));
    }

    @Override
    @Nullable Duration retryAfter(Throwable failure, int attempt, boolean inDoubt) {
      ErrorPolicy policy = unwinding.run.spec.compensationRetry();
      boolean again = inDoubt || policy.classify(failure) == ErrorClassifier.Kind.TRANSIENT;
      return again && attempt < policy.maxAttempts() ? policy.delayAfter(attempt) : null;
    }

    @Override
    void succeeded(@Nullable Object ignored) {
      unwinding.run.journal.undone(step);
      tell(null);
      if (unwinding.run.durable() != null) {
        unwinding.run.durable().undone(step);
      }
      unwinding.next();
    }

    @Override
    void failed(Throwable failure) {
      tell(failure);
      unwinding.over(step, failure);
    }

    private void tell(@Nullable Throwable failure) {
      if (begun != 0) {
        unwinding.run.spec.tell(unwinding.run, step, true, begun, failure);
      }
    }

    @Override
    String describe() {
      return "compensation of step " + step.label() + " of saga " + unwinding.run.name;
    }
  }
}

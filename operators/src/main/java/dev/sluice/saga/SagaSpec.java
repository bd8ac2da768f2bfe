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

import dev.sluice.delivery.ErrorPolicy;
import dev.sluice.time.Timers;
import dev.sluice.time.Times;
import java.time.Duration;
import java.util.Objects;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.Exceptions;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;

/**
 * The options of a saga. Immutable: each method returns a changed copy.
 *
 * @param <R> what the body of the saga emits
 */
public final class SagaSpec<R> {

  private static final Logger log = LoggerFactory.getLogger(Sagas.class);

  private static final SagaListener QUIET = SagaSpec::warn;

  private static final SagaSpec<?> DEFAULTS = new SagaSpec<>();

  // Written only while a copy is made.
  private @Nullable Duration timeout;
  private Duration awaitRunning = Duration.ofSeconds(30);
  private Duration compensateWithin = Duration.ofMinutes(5);
  private ErrorPolicy compensationRetry = StepSpec.DOUBTING.retries(10);
  private ErrorPolicy forwardRetry = StepSpec.DOUBTING.retries(10);
  private OnCancel onCancel = OnCancel.COMPENSATE;
  private int maxSteps = 1024;
  private @Nullable Scheduler timer;
  private SagaListener listener = QUIET;

  private SagaSpec() {}

  private SagaSpec(SagaSpec<R> other) {
    this.timeout = other.timeout;
    this.awaitRunning = other.awaitRunning;
    this.compensateWithin = other.compensateWithin;
    this.compensationRetry = other.compensationRetry;
    this.forwardRetry = other.forwardRetry;
    this.onCancel = other.onCancel;
    this.maxSteps = other.maxSteps;
    this.timer = other.timer;
    this.listener = other.listener;
  }

  @SuppressWarnings("unchecked") // it has no result
  static <R> SagaSpec<R> defaults() {
    return (SagaSpec<R>) DEFAULTS;
  }

  /**
   * How long the body may take. Then the saga goes backward; after the pivot it has no effect, and
   * while the pivot runs it waits for its end. Defaults to no limit.
   *
   * @param timeout more than zero, at most 365 days
   */
  public SagaSpec<R> timeout(Duration timeout) {
    SagaSpec<R> copy = new SagaSpec<>(this);
    copy.timeout = Times.positive("timeout", timeout);
    return copy;
  }

  /**
   * How long steps that still run when the body has ended are waited for, before their actions are
   * cancelled and their end is not known. They are not retried any more. Defaults to 30 s.
   *
   * @param awaitRunning more than zero, at most 365 days
   */
  public SagaSpec<R> awaitRunning(Duration awaitRunning) {
    SagaSpec<R> copy = new SagaSpec<>(this);
    copy.awaitRunning = Times.positive("awaitRunning", awaitRunning);
    return copy;
  }

  /**
   * How long all compensations together may take, with their retries; then the one that runs is
   * cancelled and the saga is parked. Defaults to 5 min.
   *
   * @param compensateWithin more than zero, at most 365 days
   */
  public SagaSpec<R> compensateWithin(Duration compensateWithin) {
    SagaSpec<R> copy = new SagaSpec<>(this);
    copy.compensateWithin = Times.positive("compensateWithin", compensateWithin);
    return copy;
  }

  /**
   * How often, and after what wait, a compensation that failed is called again before the saga is
   * parked. Defaults to 10 retries, 200 ms to 30 s apart.
   *
   * @param change is given the policy that {@link StepSpec#retry} is given
   */
  public SagaSpec<R> compensationRetry(UnaryOperator<ErrorPolicy> change) {
    SagaSpec<R> copy = new SagaSpec<>(this);
    copy.compensationRetry =
        Objects.requireNonNull(change.apply(StepSpec.DOUBTING), "compensationRetry");
    return copy;
  }

  /**
   * How often, and after what wait, a step after the pivot is called again before its error goes
   * downstream; what the body does not recover from parks the saga. Defaults to 10 retries, 200 ms
   * to 30 s apart.
   *
   * @param change is given the policy that {@link StepSpec#retry} is given; its classifier is not
   *     asked, but that of the step is
   */
  public SagaSpec<R> forwardRetry(UnaryOperator<ErrorPolicy> change) {
    SagaSpec<R> copy = new SagaSpec<>(this);
    copy.forwardRetry = Objects.requireNonNull(change.apply(StepSpec.DOUBTING), "forwardRetry");
    return copy;
  }

  /**
   * What becomes of a saga whose subscriber cancels. Defaults to {@link OnCancel#COMPENSATE}. After
   * the pivot it goes on in any case.
   */
  public SagaSpec<R> onCancel(OnCancel onCancel) {
    SagaSpec<R> copy = new SagaSpec<>(this);
    copy.onCancel = Objects.requireNonNull(onCancel, "onCancel");
    return copy;
  }

  /**
   * How many steps one saga may have, those with different keys counted each; one more fails. All
   * of them are remembered until the saga ends. Defaults to 1024.
   *
   * @param maxSteps 1 to 65536
   */
  public SagaSpec<R> maxSteps(int maxSteps) {
    if (maxSteps < 1 || maxSteps > 65536) {
      throw new IllegalArgumentException("maxSteps: " + maxSteps + " (expected: 1..65536)");
    }
    SagaSpec<R> copy = new SagaSpec<>(this);
    copy.maxSteps = maxSteps;
    return copy;
  }

  /**
   * Where times are measured and scheduled. Defaults to {@code Schedulers.parallel()}.
   *
   * @throws IllegalArgumentException if it cannot do anything later
   */
  public SagaSpec<R> timer(Scheduler timer) {
    SagaSpec<R> copy = new SagaSpec<>(this);
    copy.timer = Timers.require("timer", timer);
    return copy;
  }

  /** Who hears how sagas end. Defaults to a warning in the log for each one that is parked. */
  public SagaSpec<R> listener(SagaListener listener) {
    SagaSpec<R> copy = new SagaSpec<>(this);
    copy.listener = Objects.requireNonNull(listener, "listener");
    return copy;
  }

  private static void warn(String saga, String id, SagaResult<?> result) {
    if (result instanceof SagaResult.Parked<?> parked) {
      log.warn("saga {} {} is parked: {}", saga, id, parked, parked.cause());
    }
  }

  // == for the operator ==

  @Nullable Duration timeout() {
    return timeout;
  }

  Duration awaitRunning() {
    return awaitRunning;
  }

  Duration compensateWithin() {
    return compensateWithin;
  }

  ErrorPolicy compensationRetry() {
    return compensationRetry;
  }

  ErrorPolicy forwardRetry() {
    return forwardRetry;
  }

  OnCancel onCancel() {
    return onCancel;
  }

  int maxSteps() {
    return maxSteps;
  }

  Scheduler timer() {
    return timer == null ? Schedulers.parallel() : timer;
  }

  void tell(SagaRun<R> run, SagaResult<R> result) {
    if (listener == QUIET && !(result instanceof SagaResult.Parked<?>)) {
      return; // nobody asks for the id
    }
    try {
      listener.ended(run.name, run.id(), result);
    } catch (Throwable t) {
      Exceptions.throwIfJvmFatal(t);
      log.warn("{} threw", listener, t);
    }
  }

  /** Whether anybody wants to hear of steps. */
  boolean isHeard() {
    return listener != QUIET;
  }

  /**
   * @param begun in nanoseconds
   */
  void tell(
      SagaRun<?> run, Step<?, ?> step, boolean undone, long begun, @Nullable Throwable error) {
    try {
      Duration took = Duration.ofNanos(System.nanoTime() - begun);
      if (undone) {
        listener.undone(run.name, run.id(), step.plan.name(), took, error);
      } else {
        listener.stepEnded(run.name, run.id(), step.plan.name(), took, error);
      }
    } catch (Throwable t) {
      Exceptions.throwIfJvmFatal(t);
      log.warn("{} threw", listener, t);
    }
  }
}

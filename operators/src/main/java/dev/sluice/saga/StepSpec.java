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
import dev.sluice.time.Times;
import java.time.Duration;
import java.util.Objects;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * The options of a step. Immutable: each method returns a changed copy.
 *
 * @param <I> what the step is given
 * @param <O> what the step gives
 */
public final class StepSpec<I, O> {

  /** Any failure but one that says of itself what it is leaves open what has happened. */
  static final ErrorPolicy DOUBTING =
      ErrorPolicy.defaults()
          .classifier(
              error ->
                  error instanceof ErrorClassifier.Classified classified
                      ? classified.kind()
                      : ErrorClassifier.Kind.TRANSIENT);

  private static final ErrorPolicy ONCE = DOUBTING.retries(0);
  private static final Duration TIMEOUT = Duration.ofSeconds(30);
  private static final StepSpec<?, ?> DEFAULTS = new StepSpec<>();

  // Written only while a copy is made.
  private @Nullable Compensation<? super I, ? super O> compensation;
  private @Nullable Function<? super I, String> key;
  private Duration timeout = TIMEOUT;
  private ErrorPolicy retry = ONCE;
  private boolean pivot;
  private boolean standalone;
  private @Nullable Class<?> gives;

  private StepSpec() {}

  private StepSpec(StepSpec<I, O> other) {
    this.compensation = other.compensation;
    this.key = other.key;
    this.timeout = other.timeout;
    this.retry = other.retry;
    this.pivot = other.pivot;
    this.standalone = other.standalone;
    this.gives = other.gives;
  }

  @SuppressWarnings("unchecked") // it has neither input nor output
  static <I, O> StepSpec<I, O> defaults() {
    return (StepSpec<I, O>) DEFAULTS;
  }

  /**
   * How the step is undone. It is registered before the action is called, and runs when the saga
   * goes backward and the action has succeeded, or may have. It is not run when the action has
   * failed definitely: each of its failures was {@linkplain ErrorClassifier.Kind#POISON poison} by
   * the classifier of {@link #retry}. Defaults to none: nothing to undo.
   */
  public StepSpec<I, O> compensate(Compensation<? super I, ? super O> compensation) {
    StepSpec<I, O> copy = new StepSpec<>(this);
    copy.compensation = Objects.requireNonNull(compensation, "compensation");
    return copy;
  }

  /**
   * What tells apart the runs of this step in one saga, in the branches of a {@code flatMap}, say.
   * A step that comes again with the same name and key is not run again: it gives what it gave. Its
   * input must be equal to that of the first time. Defaults to none: the step runs once in a saga.
   *
   * @param key must not return null
   */
  public StepSpec<I, O> key(Function<? super I, String> key) {
    StepSpec<I, O> copy = new StepSpec<>(this);
    copy.key = Objects.requireNonNull(key, "key");
    return copy;
  }

  /**
   * How long one attempt of the action, and one of the compensation, may take. Then it is cancelled
   * and has failed with a {@link java.util.concurrent.TimeoutException}; whether it has happened is
   * not known. An action that returns a {@code Callable}, such as {@code Mono.fromCallable}, runs
   * where it is called and cannot be timed out. Defaults to 30 s.
   *
   * @param timeout more than zero, at most 365 days
   */
  public StepSpec<I, O> timeout(Duration timeout) {
    StepSpec<I, O> copy = new StepSpec<>(this);
    copy.timeout = Times.positive("timeout", timeout);
    return copy;
  }

  /**
   * How often, and after what wait, a failed action is called again, with the same {@link
   * StepContext#idempotencyKey}. What the policy's classifier calls {@linkplain
   * ErrorClassifier.Kind#POISON poison} is a definite failure, which is not retried. Defaults to no
   * retries.
   *
   * <p>After the pivot {@link SagaSpec#forwardRetry} says it instead, and only this classifier
   * remains.
   *
   * @param change is given a policy with 3 retries, for which no failure is definite unless it is a
   *     {@link ErrorClassifier.Classified} one and says so
   */
  public StepSpec<I, O> retry(UnaryOperator<ErrorPolicy> change) {
    StepSpec<I, O> copy = new StepSpec<>(this);
    copy.retry = Objects.requireNonNull(change.apply(DOUBTING), "retry");
    return copy;
  }

  /**
   * Makes this step the point of no return: when it is done the saga only goes forward. No other
   * step may run beside it. A pivot without a compensation whose end is not known is called again
   * as {@link SagaSpec#forwardRetry} says, because it can only be resolved forward.
   */
  public StepSpec<I, O> pivot() {
    StepSpec<I, O> copy = new StepSpec<>(this);
    copy.pivot = true;
    return copy;
  }

  /**
   * Lets this step run outside a saga too, as a saga of its own: it is compensated if its end is
   * not known, and its error goes downstream. Without this it is an error there.
   */
  public StepSpec<I, O> standalone() {
    StepSpec<I, O> copy = new StepSpec<>(this);
    copy.standalone = true;
    return copy;
  }

  /**
   * What the step gives, for the journal of a durable saga, which a step without this cannot be in:
   * so the codec of this type can write it, and read it when the saga is recovered. Without meaning
   * in memory.
   *
   * @param gives {@code Void.class} for a step that gives nothing
   */
  public StepSpec<I, O> gives(Class<? super O> gives) {
    StepSpec<I, O> copy = new StepSpec<>(this);
    copy.gives = Objects.requireNonNull(gives, "gives");
    return copy;
  }

  // == for the operator ==

  @Nullable Compensation<? super I, ? super O> compensation() {
    return compensation;
  }

  String keyOf(I input) {
    return key == null ? "" : Objects.requireNonNull(key.apply(input), "key returned null");
  }

  Duration timeout() {
    return timeout;
  }

  ErrorPolicy retry() {
    return retry;
  }

  boolean isPivot() {
    return pivot;
  }

  @Nullable Class<?> gives() {
    return gives;
  }

  boolean isStandalone() {
    return standalone;
  }
}

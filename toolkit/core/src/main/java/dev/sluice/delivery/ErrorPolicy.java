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
package dev.sluice.delivery;

import dev.sluice.codec.UnreadablePayload;
import dev.sluice.time.Times;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.ThreadLocalRandom;
import reactor.core.Exceptions;

/**
 * Turns the exception of a user's function into the outcome of the one message it was called with.
 *
 * <p>Defaults: 3 retries, the first after 200 ms, doubling up to 30 s, each delay jittered by up to
 * half of itself; then the message is rejected as {@link DeadLetterReason#ATTEMPTS_EXHAUSTED}.
 * Poison is rejected at once. Immutable: each method returns a changed copy.
 */
public final class ErrorPolicy {

  private static final ErrorPolicy DEFAULTS =
      new ErrorPolicy(
          3, 0, Duration.ofMillis(200), Duration.ofSeconds(30), 0.5, ErrorClassifier.defaults());

  private final int retries;
  private final int immediate;
  private final Duration firstDelay;
  private final Duration maxDelay;
  private final double jitter;
  private final ErrorClassifier classifier;

  private ErrorPolicy(
      int retries,
      int immediate,
      Duration firstDelay,
      Duration maxDelay,
      double jitter,
      ErrorClassifier classifier) {
    this.retries = retries;
    this.immediate = immediate;
    this.firstDelay = firstDelay;
    this.maxDelay = maxDelay;
    this.jitter = jitter;
    this.classifier = classifier;
  }

  /** The policy described above. */
  public static ErrorPolicy defaults() {
    return DEFAULTS;
  }

  /**
   * How many attempts follow the first.
   *
   * @param retries 0 or more; 0 rejects on the first failure
   */
  public ErrorPolicy retries(int retries) {
    if (retries < 0) {
      throw new IllegalArgumentException("retries: " + retries + " (expected: >= 0)");
    }
    return new ErrorPolicy(retries, immediate, firstDelay, maxDelay, jitter, classifier);
  }

  /**
   * How many of the {@link #retries} come at once, before those that wait. Defaults to none.
   *
   * @param immediate 0 or more
   */
  public ErrorPolicy immediate(int immediate) {
    if (immediate < 0) {
      throw new IllegalArgumentException("immediate: " + immediate + " (expected: >= 0)");
    }
    return new ErrorPolicy(retries, immediate, firstDelay, maxDelay, jitter, classifier);
  }

  /**
   * How long to wait before a retry: {@code first}, then twice as long each time, up to {@code
   * max}. Counted in whole milliseconds.
   *
   * @param first zero or more, at most 365 days
   * @param max at least {@code first}, at most 365 days
   */
  public ErrorPolicy backoff(Duration first, Duration max) {
    Times.notNegative("first", first);
    Times.between("max", max, first, Times.LONGEST);
    return new ErrorPolicy(retries, immediate, first, max, jitter, classifier);
  }

  /**
   * By how much of itself each delay is made longer or shorter, at random.
   *
   * @param jitter 0 (none) to 1
   */
  public ErrorPolicy jitter(double jitter) {
    if (!(jitter >= 0 && jitter <= 1)) {
      throw new IllegalArgumentException("jitter: " + jitter + " (expected: 0..1)");
    }
    return new ErrorPolicy(retries, immediate, firstDelay, maxDelay, jitter, classifier);
  }

  /** Which exceptions are worth another attempt. */
  public ErrorPolicy classifier(ErrorClassifier classifier) {
    return new ErrorPolicy(
        retries,
        immediate,
        firstDelay,
        maxDelay,
        jitter,
        Objects.requireNonNull(classifier, "classifier"));
  }

  /** What the classifier says of an exception, unwrapped. */
  public ErrorClassifier.Kind classify(Throwable error) {
    return classifier.classify(Exceptions.unwrap(error));
  }

  /** The number of attempts, the first one included, after which a message is rejected. */
  public int maxAttempts() {
    return retries + 1;
  }

  /** The wait before the first retry, before jitter. */
  public Duration firstDelay() {
    return firstDelay;
  }

  /** The longest wait before a retry. */
  public Duration maxDelay() {
    return maxDelay;
  }

  /**
   * What becomes of a message whose processing threw.
   *
   * @param attempt the attempt that failed, from 1
   * @return Retry or Reject; or Release for a fatal error, which is the process's fault
   */
  public Outcome outcomeOf(Throwable error, int attempt) {
    Throwable cause = Exceptions.unwrap(error);
    return switch (classifier.classify(cause)) {
      case FATAL -> Outcome.release(Outcome.Release.Why.STOPPED);
      case POISON -> Outcome.reject(reasonOf(cause), cause);
      case TRANSIENT ->
          attempt > retries
              ? Outcome.reject(DeadLetterReason.ATTEMPTS_EXHAUSTED, cause)
              : Outcome.retry(delayAfter(attempt), cause);
    };
  }

  private static DeadLetterReason reasonOf(Throwable cause) {
    if (cause instanceof UnreadablePayload) {
      return DeadLetterReason.UNREADABLE;
    }
    return cause instanceof ErrorClassifier.Classified classified
        ? classified.reason()
        : DeadLetterReason.POISON;
  }

  /**
   * How long to wait after a failed attempt.
   *
   * @param attempt the attempt that failed, from 1
   */
  public Duration delayAfter(int attempt) {
    if (attempt <= immediate) {
      return Duration.ZERO;
    }
    double limit = (double) maxDelay.toMillis();
    double doubled = firstDelay.toMillis() * Math.pow(2, Math.min(attempt - immediate - 1, 62));
    double factor = 1 + jitter * (2 * ThreadLocalRandom.current().nextDouble() - 1);
    return Duration.ofMillis(Math.round(Math.min(Math.min(doubled, limit) * factor, limit)));
  }
}

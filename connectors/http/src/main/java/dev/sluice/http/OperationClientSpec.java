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
package dev.sluice.http;

import dev.sluice.time.Timers;
import dev.sluice.time.Times;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import reactor.core.scheduler.Scheduler;

/**
 * How an {@link OperationClient} asks.
 *
 * <p>Immutable: each method returns a changed copy.
 */
public final class OperationClientSpec {

  static final OperationClientSpec DEFAULT =
      new OperationClientSpec(
          Duration.ZERO, Duration.ofSeconds(1), Duration.ofMinutes(1), 5, 8 << 20, true, null);

  final Duration wait;
  final Duration pollInterval;
  final Duration maxPause;
  final int retries;
  final int maxAnswer;
  final boolean cancels;
  final @Nullable Scheduler timer;

  private OperationClientSpec(
      Duration wait,
      Duration pollInterval,
      Duration maxPause,
      int retries,
      int maxAnswer,
      boolean cancels,
      @Nullable Scheduler timer) {
    this.wait = wait;
    this.pollInterval = pollInterval;
    this.maxPause = maxPause;
    this.retries = retries;
    this.maxAnswer = maxAnswer;
    this.cancels = cancels;
    this.timer = timer;
  }

  /**
   * How long the server may take before it answers that there is nothing yet ({@code Prefer:
   * wait}). The response timeout of the HTTP client has to be longer. Defaults to zero: it answers
   * at once.
   *
   * @param wait whole seconds, 0 to 1 hour
   * @throws IllegalArgumentException if out of range
   */
  public OperationClientSpec wait(Duration wait) {
    Times.between("wait", wait, Duration.ZERO, Duration.ofHours(1));
    return new OperationClientSpec(
        wait, pollInterval, maxPause, retries, maxAnswer, cancels, timer);
  }

  /**
   * How long to pause before asking again when the server does not say. Defaults to 1 s.
   *
   * @param interval more than zero, at most 365 days
   * @throws IllegalArgumentException if out of range
   */
  public OperationClientSpec pollInterval(Duration interval) {
    return new OperationClientSpec(
        wait,
        Times.positive("pollInterval", interval),
        maxPause,
        retries,
        maxAnswer,
        cancels,
        timer);
  }

  /**
   * The longest pause, whatever the server says. Defaults to 1 minute.
   *
   * @param pause more than zero, at most 365 days
   * @throws IllegalArgumentException if out of range
   */
  public OperationClientSpec maxPause(Duration pause) {
    return new OperationClientSpec(
        wait, pollInterval, Times.positive("maxPause", pause), retries, maxAnswer, cancels, timer);
  }

  /**
   * How often in a row a request is repeated that got no answer, or 429, 502, 503 or 504; with the
   * same key. Defaults to 5.
   *
   * @param retries 0 or more
   * @throws IllegalArgumentException if out of range
   */
  public OperationClientSpec retries(int retries) {
    if (retries < 0) {
      throw new IllegalArgumentException("retries: " + retries + " (expected: >= 0)");
    }
    return new OperationClientSpec(
        wait, pollInterval, maxPause, retries, maxAnswer, cancels, timer);
  }

  /**
   * The largest answer, in bytes; a larger one is an error. Defaults to 8 MiB.
   *
   * @param bytes 0 or more
   * @throws IllegalArgumentException if out of range
   */
  public OperationClientSpec maxAnswer(int bytes) {
    if (bytes < 0) {
      throw new IllegalArgumentException("maxAnswer: " + bytes + " (expected: >= 0)");
    }
    return new OperationClientSpec(wait, pollInterval, maxPause, retries, bytes, cancels, timer);
  }

  /**
   * Lets operations go on whose result nobody waits for any more; by default they are cancelled.
   */
  public OperationClientSpec leaveRunning() {
    return new OperationClientSpec(wait, pollInterval, maxPause, retries, maxAnswer, false, timer);
  }

  /**
   * Where pauses are scheduled. Defaults to {@code Schedulers.parallel()}.
   *
   * @throws IllegalArgumentException if it cannot do anything later
   */
  public OperationClientSpec timer(Scheduler timer) {
    return new OperationClientSpec(
        wait, pollInterval, maxPause, retries, maxAnswer, cancels, Timers.require("timer", timer));
  }
}

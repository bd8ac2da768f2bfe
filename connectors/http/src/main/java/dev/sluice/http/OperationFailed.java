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

import dev.sluice.time.Times;
import java.time.Duration;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The work of an operation has failed, or the request for it is refused, and this is what its
 * caller is told.
 */
public final class OperationFailed extends RuntimeException {

  private static final long serialVersionUID = 1L;

  private final transient Problem problem;
  private final @Nullable Duration retryAfter;

  /** With what the caller is told. */
  public OperationFailed(Problem problem) {
    this(problem, null);
  }

  /** With what the caller is told, and a cause, which they are not. */
  public OperationFailed(Problem problem, @Nullable Throwable cause) {
    this(problem, cause, null);
  }

  private OperationFailed(
      Problem problem, @Nullable Throwable cause, @Nullable Duration retryAfter) {
    super(Objects.requireNonNull(problem, "problem").status() + " " + problem.code(), cause);
    this.problem = problem;
    this.retryAfter = retryAfter;
  }

  /**
   * With what the caller of a request that is refused is told, and when to send it again, for
   * {@link OperationsSpec#admission}. Of work that has failed only the problem is told.
   *
   * @param retryAfter zero or more; in whole seconds, rounded up, as {@code Retry-After}
   * @throws IllegalArgumentException if {@code retryAfter} is out of range
   */
  public static OperationFailed retryAfter(Problem problem, Duration retryAfter) {
    Times.notNegative("retryAfter", retryAfter);
    return new OperationFailed(problem, null, retryAfter);
  }

  /** What the caller is told. */
  public Problem problem() {
    return problem;
  }

  /** When to send the request again; null if nothing is known about it. */
  @Nullable Duration retryAfter() {
    return retryAfter;
  }
}

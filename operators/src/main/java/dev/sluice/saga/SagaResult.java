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

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How a saga has ended. A saga does not end in between: all of its steps stand, or none, or
 * somebody has to look at it.
 *
 * @param <R> what the body of the saga emits
 */
public sealed interface SagaResult<R> {

  /**
   * The body has completed, and its steps stand.
   *
   * @param value what it emitted, or null when it was empty
   */
  record Completed<R>(@Nullable R value) implements SagaResult<R> {}

  /**
   * The saga did not succeed, and what had to be undone has been undone.
   *
   * @param failedStep the step with whose error the body ended; null after a cancel, a timeout of
   *     the saga, and an error from between the steps
   * @param cause that error, a {@link java.util.concurrent.CancellationException} or a {@link
   *     java.util.concurrent.TimeoutException}
   */
  record Compensated<R>(@Nullable String failedStep, Throwable cause) implements SagaResult<R> {}

  /**
   * The saga can go neither forward nor backward: a compensation has failed for good, or something
   * after the pivot has. Nothing more happens by itself.
   *
   * @param failedStep as in {@link Compensated}
   * @param cause as in {@link Compensated}; when the body had completed and only something that it
   *     did not use could not be undone, why that had to be undone
   * @param stuckCompensation the step whose compensation has failed; null after the pivot
   * @param stuckCause why it has failed; null after the pivot
   * @param standing the steps that have a compensation and are not undone, the last one first: what
   *     somebody has to look at
   */
  record Parked<R>(
      @Nullable String failedStep,
      Throwable cause,
      @Nullable String stuckCompensation,
      @Nullable Throwable stuckCause,
      List<String> standing)
      implements SagaResult<R> {}
}

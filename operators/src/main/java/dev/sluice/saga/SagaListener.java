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

import dev.sluice.Experimental;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * Hears how sagas and their steps end, also those whose subscribers are gone. Called inside the
 * operator, from several threads at once when several sagas run, so it must be quick and must not
 * block; what it throws is logged and otherwise ignored.
 */
@Experimental
@FunctionalInterface
public interface SagaListener {

  /**
   * A saga has ended.
   *
   * @param saga its name
   * @param id its id, as in {@link StepContext#sagaId()}
   */
  void ended(String saga, String id, SagaResult<?> result);

  /**
   * A step has ended. Not called for one whose action was not called here, because it was refused,
   * or because the journal knows what it gave.
   *
   * @param saga as in {@link #ended}
   * @param id as in {@link #ended}
   * @param step its name
   * @param took from the first call of the action, with retries and what they wait
   * @param error the last one; null if the step is done
   */
  default void stepEnded(
      String saga, String id, String step, Duration took, @Nullable Throwable error) {}

  /**
   * The compensation of a step has ended.
   *
   * @param saga as in {@link #ended}
   * @param id as in {@link #ended}
   * @param step its name
   * @param took from its first call, with retries and what they wait
   * @param error the last one, with which the saga is parked; null if the step is undone
   */
  default void undone(
      String saga, String id, String step, Duration took, @Nullable Throwable error) {}
}

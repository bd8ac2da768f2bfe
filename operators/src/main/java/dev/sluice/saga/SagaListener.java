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

/**
 * Hears how sagas end, also those whose subscribers are gone. Called inside the operator, from
 * several threads at once when several sagas run, so it must be quick and must not block; what it
 * throws is logged and otherwise ignored.
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
}

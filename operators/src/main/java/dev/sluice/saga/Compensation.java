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

import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * Undoes what a step has done, or may have done. It must tolerate that there is nothing to undo,
 * and that it is called again: a step whose end is not known, because it timed out, say, is
 * compensated too.
 *
 * @param <I> what the step was given
 * @param <O> what the step gave
 */
@FunctionalInterface
public interface Compensation<I, O> {

  /**
   * Called at most once at a time for one step.
   *
   * @param output what the step gave, or null when it was empty or its end is not known
   * @return done when it ends or emits, whatever that is; never null
   */
  Mono<?> compensate(I input, @Nullable O output);
}

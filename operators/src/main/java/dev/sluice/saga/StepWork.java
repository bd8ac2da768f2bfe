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
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * What a {@link SagaParticipant} does and undoes. For one key nothing here runs twice at once.
 *
 * @param <I> what the step is given
 * @param <O> what the step gives
 */
@Experimental
public interface StepWork<I, O> {

  /**
   * Does the step. A {@link dev.sluice.requestreply.Refused}, or another exception that says so
   * itself, is a definite no, which is remembered; after any other failure the step may have been
   * done, and it is called again if the saga asks again.
   *
   * @param key the same for each attempt: what others recognise repetitions by
   */
  Mono<O> act(I input, String key);

  /**
   * Undoes the step. Called only if {@link #act} was, until it has succeeded.
   *
   * @param output what the step gave; null if that was nothing, or if its end is not known: then it
   *     must tolerate that nothing was done
   * @param key as that of {@link #act}
   * @return done when it ends or emits, whatever that is
   */
  Mono<?> undo(I input, @Nullable O output, String key);
}

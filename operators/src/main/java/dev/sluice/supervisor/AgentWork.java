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
package dev.sluice.supervisor;

import dev.sluice.Experimental;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * What an agent does and undoes.
 *
 * <p>Both may be asked for more than once for one step, one after the other, because an agent may
 * die between what it does and saying so: hand {@link AgentContext#idempotencyKey()} on to whoever
 * has the effect, or let it check {@link AgentContext#fence()}. Both are cancelled when the step
 * must end, and what happens behind that does not count.
 *
 * @param <I> what the step is given
 * @param <O> what it gives
 */
@Experimental
@FunctionalInterface
public interface AgentWork<I, O> {

  /**
   * Does the step.
   *
   * @return what it gives, or empty; an error if it was not done. One that is {@linkplain
   *     dev.sluice.delivery.ErrorClassifier.Kind#POISON for good}, such as {@link StepRefused}, is
   *     not tried again where it was
   */
  Mono<O> execute(I input, AgentContext context);

  /**
   * Undoes the step, also one that was begun and of which nobody knows whether it was done: it must
   * tolerate that there is nothing to undo. Does nothing by default.
   *
   * @param output what the step has given; null if that was nothing, or is not known
   */
  default Mono<Void> undo(I input, @Nullable O output, AgentContext context) {
    return Mono.empty();
  }
}

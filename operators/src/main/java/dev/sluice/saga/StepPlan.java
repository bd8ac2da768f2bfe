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

import java.util.function.Function;
import reactor.core.publisher.Mono;

/** A step as it was assembled: makes of its input what it gives. */
record StepPlan<I, O>(
    String name, Function<? super I, ? extends Mono<? extends O>> action, StepSpec<I, O> spec)
    implements Function<Mono<I>, Mono<O>> {

  @Override
  public Mono<O> apply(Mono<I> input) {
    return MonoSagaStep.create(input, this);
  }
}

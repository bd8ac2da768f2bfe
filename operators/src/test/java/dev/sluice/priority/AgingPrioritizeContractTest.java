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
package dev.sluice.priority;

import static dev.sluice.priority.PriorityMerge.prioritize;

import dev.sluice.contract.OperatorContract;
import dev.sluice.contract.UserCode;
import java.time.Duration;
import java.util.List;
import reactor.core.publisher.Flux;

/** The reordering under the contract of operators: by level and age, errors last. */
class AgingPrioritizeContractTest extends OperatorContract<Integer, Integer> {

  @Override
  protected Integer element(int n) {
    return n;
  }

  @Override
  protected Flux<Integer> assemble(List<Flux<Integer>> sources, UserCode user) {
    return sources
        .get(0)
        .transform(
            prioritize(
                e -> user.call("level", e, () -> e % 3),
                Duration.ofMillis(1),
                p -> p.window(3).delayError(true).timer(user.timer())));
  }
}

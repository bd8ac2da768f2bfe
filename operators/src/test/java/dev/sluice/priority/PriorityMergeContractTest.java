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

import static dev.sluice.priority.PriorityMerge.priorityMerge;

import dev.sluice.contract.OperatorContract;
import dev.sluice.contract.UserCode;
import java.util.List;
import reactor.core.publisher.Flux;

/** The merge under the contract of operators: by weights and costs, keys taking turns. */
class PriorityMergeContractTest extends OperatorContract<String, String> {

  @Override
  protected int sources() {
    return 3;
  }

  @Override
  protected String element(int n) {
    return "abc".charAt(n % 3) + "-" + n;
  }

  @Override
  protected Flux<String> assemble(List<Flux<String>> sources, UserCode user) {
    return priorityMerge(
        sources,
        p ->
            p.prefetch(2)
                .fairBy(e -> user.call("key", e, () -> e.charAt(0)))
                .weighted(e -> user.call("cost", e, () -> 1 + e.length() % 2), 3, 2, 1));
  }
}

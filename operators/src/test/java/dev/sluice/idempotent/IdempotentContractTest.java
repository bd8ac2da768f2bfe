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
package dev.sluice.idempotent;

import static dev.sluice.idempotent.Idempotent.idempotent;

import dev.sluice.contract.OperatorContract;
import dev.sluice.contract.UserCode;
import java.util.List;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** The contract of operators, for work that is done once. */
class IdempotentContractTest extends OperatorContract<String, String> {

  @Override
  protected String element(int n) {
    return "element-" + n;
  }

  @Override
  protected Flux<String> assemble(List<Flux<String>> sources, UserCode user) {
    ScriptedStore store = new ScriptedStore(user.timer());
    return sources
        .get(0)
        .transform(
            idempotent(
                "contract",
                e -> user.call("key", e, () -> e),
                store,
                e -> {
                  var work = user.publish("work", e, e + " is done");
                  return work == null ? null : Mono.fromDirect(work);
                },
                s -> s.timer(user.timer())));
  }
}

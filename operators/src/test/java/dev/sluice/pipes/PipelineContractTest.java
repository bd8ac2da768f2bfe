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
package dev.sluice.pipes;

import dev.sluice.contract.OperatorContract;
import dev.sluice.contract.UserCode;
import java.util.List;
import reactor.core.publisher.Flux;

/** The contract of operators, for a pipeline as the worker of a {@code concatMap}. */
class PipelineContractTest extends OperatorContract<String, String> {

  @Override
  protected String element(int n) {
    return "element " + n;
  }

  @Override
  protected Flux<String> assemble(List<Flux<String>> sources, UserCode user) {
    Filter<String, String> first =
        Filter.of("first", e -> user.publish("first", e, e + " once", e + " twice"));
    Filter<String, String> second =
        Filter.of("second", e -> user.publish("second", e, e + " done"));
    Pipeline<String> pipeline = Pipeline.of("pipeline", List.of(first, second));
    return sources
        .get(0)
        .doOnNext(e -> {}) // tells of an error after the end, of which concatMap would not
        .concatMap(pipeline, 0);
  }
}

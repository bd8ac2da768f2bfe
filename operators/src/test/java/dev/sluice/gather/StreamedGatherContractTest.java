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
package dev.sluice.gather;

import static dev.sluice.gather.ScatterGather.scatterGather;

import dev.sluice.contract.OperatorContract;
import dev.sluice.contract.UserCode;
import java.util.List;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;

/** The contract of operators, for the streamed gather of three sources that are its recipients. */
class StreamedGatherContractTest extends OperatorContract<String, Leg<String>> {

  @Override
  protected int sources() {
    return 3;
  }

  @Override
  protected String element(int n) {
    return "answer " + n;
  }

  @Override
  protected @Nullable Object identity(Object item) {
    return item instanceof Leg<?> leg ? leg.answer() : item;
  }

  @Override
  protected Flux<Leg<String>> assemble(List<Flux<String>> sources, UserCode user) {
    return scatterGather(
            GatherContractTest.recipients(sources),
            (ScatterSpec<String> s) -> GatherContractTest.spec(s, user))
        .stream("?")
        .onErrorResume( // the failures of legs have been reported
            IncompleteGather.class, e -> Flux.empty());
  }
}

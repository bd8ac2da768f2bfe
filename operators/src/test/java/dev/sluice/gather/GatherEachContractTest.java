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

import dev.sluice.channel.Recipient;
import dev.sluice.contract.OperatorContract;
import dev.sluice.contract.UserCode;
import java.util.List;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;

/** The contract of operators, for a gather of each element, with every function a user may give. */
class GatherEachContractTest extends OperatorContract<Integer, Gathered<String>> {

  private @Nullable UserCode user;

  @Override
  protected Integer element(int n) {
    return n;
  }

  @Override
  protected @Nullable Object identity(Object item) {
    return item instanceof String ? item : null; // answers; a request is nobody's to release
  }

  @Override
  protected Flux<Gathered<String>> assemble(List<Flux<Integer>> sources, UserCode user) {
    this.user = user;
    List<Recipient<Integer, String>> recipients =
        List.of(
            Recipient.of("a", i -> user.publish("a", i, "A" + i)),
            Recipient.of("b", i -> user.publish("b", i)),
            Recipient.of("c", i -> user.publish("c", i, "C" + i, "C again" + i)),
            Recipient.of("d", i -> user.publish("d", i, "D" + i)));
    return sources
        .get(0)
        .transform(
            scatterGather(
                Recipients.<Integer, String>computed(i -> user.call("select", i, () -> recipients)),
                s ->
                    GatherContractTest.spec(s, user)
                        .concurrency(2)
                        .bulkhead(1, 1)
                        .until(answers -> user.call("until", answers, () -> answers.size() == 2))
                        .fallback(g -> user.publish("fallback", g, "F" + g.legs().hashCode()))));
  }

  @Override
  protected void received(Gathered<String> gathered) {
    if (user != null) {
      user.take(gathered.answers().toArray());
    }
  }
}

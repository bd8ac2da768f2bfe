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
package dev.sluice.docs;

import static dev.sluice.docs.FluxChanged.changed;

import dev.sluice.contract.OperatorContract;
import dev.sluice.contract.UserCode;
import java.util.List;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Flux;
import reactor.test.StepVerifier;

/** The code of docs/writing-an-operator.md. */
// #region contract
class ChangedContractTest extends OperatorContract<String, String> {

  @Override
  protected String element(int n) {
    return "aab".charAt(n % 3) + "-" + n; // two of three have a key of their own
  }

  @Override
  protected Flux<String> assemble(List<Flux<String>> sources, UserCode user) {
    return sources.get(0).transform(changed(e -> user.call("key", e, () -> e.charAt(0))));
  }

  @Test
  void letsPassWhatHasChanged() {
    StepVerifier.create(Flux.just("a1", "a2", "b1", "a3").transform(changed(e -> e.charAt(0))))
        .expectNext("a1", "b1", "a3")
        .expectComplete()
        .verifyThenAssertThat()
        .hasDiscardedExactly("a2");
  }
}
// #endregion

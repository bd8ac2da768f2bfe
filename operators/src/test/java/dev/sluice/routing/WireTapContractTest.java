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
package dev.sluice.routing;

import static dev.sluice.routing.WireTap.wireTap;

import dev.sluice.contract.OperatorContract;
import dev.sluice.contract.UserCode;
import java.util.List;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** The contract of operators, for a wire tap with little room. */
class WireTapContractTest extends OperatorContract<String, String> {

  @Override
  protected String element(int n) {
    return "element " + n;
  }

  @Override
  protected Flux<String> assemble(List<Flux<String>> sources, UserCode user) {
    return sources
        .get(0)
        .transform(
            wireTap(
                element -> user.call("tap", element, Mono::empty),
                c ->
                    c.capacity(2)
                        .scheduler(user.timer())
                        .listener(
                            new WireTapListener() {
                              @Override
                              public void failed(Object element, Throwable error) {
                                user.report(error);
                              }
                            })));
  }
}

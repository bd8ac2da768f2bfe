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

import static dev.sluice.convoy.GroupedConvoy.groupedConvoy;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.test.StepVerifier;

/** The code of docs/migration/from-groupby.md: before and after it the same comes out. */
class GroupByPageTest {

  record Order(String customer, int number) {}

  private final Flux<Order> orders =
      Flux.just(new Order("a", 1), new Order("b", 1), new Order("a", 2));

  private static Mono<String> charge(Order order) {
    return Mono.just(order.customer() + order.number());
  }

  private static void assertCharged(Flux<String> receipts) {
    StepVerifier.create(receipts.collectList())
        .assertNext(all -> assertThat(all).isEqualTo(List.of("a1", "b1", "a2")))
        .verifyComplete();
  }

  @Test
  void before() {
    // #region before
    Flux<String> receipts =
        orders
            .groupBy(Order::customer)
            .flatMap(customer -> customer.concatMap(order -> charge(order)));
    // #endregion
    assertCharged(receipts);
  }

  @Test
  void after() {
    // #region after
    Flux<String> receipts =
        orders.transform(
            groupedConvoy(Order::customer, order -> charge(order), c -> c.concurrency(256)));
    // #endregion
    assertCharged(receipts);
  }
}

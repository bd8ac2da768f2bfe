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

import dev.sluice.channel.FlowHandle;
import dev.sluice.codec.StringCodec;
import dev.sluice.flow.Flow;
import dev.sluice.message.Message;
import dev.sluice.test.TestChannel;
import java.time.Duration;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.test.StepVerifier;

/** The code of docs/patterns/grouped-convoy.md. */
class GroupedConvoyPageTest {

  private record Order(String customer, int number) {}

  private final ConcurrentLinkedQueue<String> charged = new ConcurrentLinkedQueue<>();

  private Mono<String> charge(Order order) {
    return Mono.just(order.customer() + order.number());
  }

  private Mono<String> charge(String order) {
    return Mono.fromCallable(
        () -> {
          charged.add(order);
          return order;
        });
  }

  @Test
  void onAPlainFlux() {
    Flux<Order> orders = Flux.just(new Order("a", 1), new Order("b", 1), new Order("a", 2));
    // #region plain
    Flux<String> receipts =
        orders.transform(
            groupedConvoy(
                Order::customer, // what belongs together
                order -> charge(order), // a Publisher: non-blocking work
                c ->
                    c.concurrency(64) // customers at once
                        .lookAhead(4096) // orders taken and not finished
                        .onFailure(f -> f.retry(3, Duration.ofMillis(200)))));
    // #endregion
    StepVerifier.create(receipts).expectNext("a1", "b1", "a2").verifyComplete();
  }

  @Test
  void inAFlow() {
    TestChannel orders = TestChannel.create("orders").groupBy(order -> "a");
    TestChannel deadLetters = TestChannel.create("dead letters");
    // #region flow
    FlowHandle handle =
        Flow.from(orders)
            .named("charging")
            .decode(StringCodec.utf8())
            .groupedConvoy(Message::group, order -> charge(order))
            .deadLetter(deadLetters)
            .start();
    // #endregion
    orders.offer("first", "second");
    StepVerifier.create(handle.stop(Duration.ofSeconds(5)))
        .expectComplete()
        .verify(Duration.ofSeconds(10));
    assertThat(charged).containsExactly("first", "second");
    assertThat(handle.stats().acknowledged()).isEqualTo(2);
  }
}

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
import dev.sluice.channel.Outbound;
import dev.sluice.codec.JacksonCodec;
import dev.sluice.flow.Flow;
import dev.sluice.message.Message;
import dev.sluice.test.TestChannel;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.test.StepVerifier;

/** The code of README.md. */
class ReadmeTest {

  record Order(String customer, int number, boolean paid) {
    boolean isPaid() {
      return paid;
    }
  }

  record Receipt(String order) {}

  private static Mono<Receipt> charge(Order order) {
    return Mono.just(new Receipt(order.customer() + order.number()));
  }

  @Test
  void onAPlainFlux() {
    Flux<Order> orders = Flux.just(new Order("a", 1, true), new Order("b", 1, true));
    // #region plain
    Flux<Receipt> receipts =
        orders.transform(
            groupedConvoy(Order::customer, order -> charge(order), c -> c.concurrency(64)));
    // #endregion
    StepVerifier.create(receipts).expectNext(new Receipt("a1"), new Receipt("b1")).verifyComplete();
  }

  @Test
  void betweenChannels() {
    TestChannel orders = TestChannel.create("orders").groupBy(order -> "a");
    TestChannel deadLetters = TestChannel.create("dead letters");
    TestChannel sent = TestChannel.create("shipments");
    Outbound<Receipt> shipments = Outbound.encoding(JacksonCodec.json(Receipt.class), sent);
    // #region flow
    FlowHandle handle =
        Flow.from(orders) // KafkaChannel, PostgresChannel, MemoryChannel, …
            .named("shipping")
            .decode(JacksonCodec.json(Order.class))
            .filter(Order::isPaid)
            .groupedConvoy(Message::group, order -> charge(order))
            .deadLetter(deadLetters)
            .to(shipments)
            .start();
    // #endregion
    orders.offer(
        """
        {"customer":"a","number":1,"paid":true}""",
        """
        {"customer":"b","number":2,"paid":false}""",
        "not an order");

    assertThat(sent.sentTexts()).containsExactly("{\"order\":\"a1\"}");
    assertThat(deadLetters.sentTexts()).containsExactly("not an order");
    assertThat(orders.unsettled()).isEmpty();

    // #region stop
    handle.stop(Duration.ofSeconds(10)).subscribe(); // finishes what is in flight, commits, closes
    // #endregion
  }
}

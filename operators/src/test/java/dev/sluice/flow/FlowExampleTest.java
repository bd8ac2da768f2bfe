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
package dev.sluice.flow;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.channel.FlowHandle;
import dev.sluice.channel.Outbound;
import dev.sluice.codec.JacksonCodec;
import dev.sluice.message.Message;
import dev.sluice.test.LeakCheck;
import dev.sluice.test.TestChannel;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import reactor.core.publisher.Mono;
import reactor.test.StepVerifier;

/** The example in the Javadoc of {@link Flow}, word for word. */
@ExtendWith(LeakCheck.class)
class FlowExampleTest {

  record Order(int number, boolean isPaid) {}

  record Shipment(int order) {}

  private static Mono<Shipment> ship(Order order) {
    return Mono.just(new Shipment(order.number()));
  }

  @Test
  void runs() {
    TestChannel orders = TestChannel.create("orders");
    TestChannel deadLetters = TestChannel.create("dead");
    TestChannel shipped = TestChannel.create("shipped");
    Outbound<Shipment> shipments = Outbound.encoding(JacksonCodec.json(Shipment.class), shipped);

    FlowHandle handle =
        Flow.from(orders)
            .named("orders")
            .decode(JacksonCodec.json(Order.class))
            .filter(Order::isPaid)
            .groupedConvoy(Message::group, order -> ship(order))
            .deadLetter(deadLetters)
            .to(shipments)
            .start();

    orders.offer("{\"number\":1,\"isPaid\":true}", "{\"number\":2,\"isPaid\":false}", "{");
    assertThat(shipped.sentTexts()).containsExactly("{\"order\":1}");
    assertThat(deadLetters.sent()).hasSize(1);
    StepVerifier.create(handle.stop(Duration.ofSeconds(5)))
        .expectComplete()
        .verify(Duration.ofSeconds(10));
    assertThat(handle.stats().acknowledged()).isEqualTo(2);
    assertThat(handle.stats().rejected()).isEqualTo(1);
  }
}

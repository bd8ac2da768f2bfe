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

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.channel.FlowHandle;
import dev.sluice.channel.Outbound;
import dev.sluice.channel.Receipt;
import dev.sluice.codec.StringCodec;
import dev.sluice.flow.Flow;
import dev.sluice.memory.MemoryChannel;
import dev.sluice.message.Message;
import dev.sluice.test.LeakCheck;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import reactor.core.publisher.Mono;
import reactor.test.scheduler.VirtualTimeScheduler;

/** The code of docs/patterns/point-to-point.md. */
@ExtendWith(LeakCheck.class)
class PointToPointPageTest {

  private static final Duration WORK = Duration.ofSeconds(1);

  private final VirtualTimeScheduler time = VirtualTimeScheduler.getOrSet();
  private final MemoryChannel orders = MemoryChannel.create("orders");
  private final MemoryChannel deadLetters = MemoryChannel.create("orders-dead");
  private final List<String> billed = new ArrayList<>();

  @AfterEach
  void resetTime() {
    VirtualTimeScheduler.reset();
  }

  private Mono<Void> bill(String order) {
    return Mono.delay(WORK).doOnNext(tick -> billed.add(order)).then();
  }

  private FlowHandle receiver() {
    // #region receive
    FlowHandle handle =
        Flow.from(orders)
            .named("billing")
            .decode(StringCodec.utf8())
            .groupedConvoy(Message::group, order -> bill(order), c -> c.concurrency(16))
            .deadLetter(deadLetters)
            .start();
    // #endregion
    return handle;
  }

  private void send(String group, String payload) {
    // #region send
    Outbound<String> sender = Outbound.encoding(StringCodec.utf8(), orders);
    Mono<Receipt> sent = sender.send(Message.builder(payload).group(group).build());
    // #endregion
    sent.subscribe();
  }

  @Test
  void eachMessageGoesToOneOfTwoReceivers() {
    List<FlowHandle> both = List.of(receiver(), receiver());
    List<String> sent = Stream.of("a1", "b1", "c1", "a2", "b2", "c2").toList();
    sent.forEach(order -> send(order.substring(0, 1), order));

    time.advanceTimeBy(WORK.multipliedBy(10));

    assertThat(billed).containsExactlyInAnyOrderElementsOf(sent);
    assertThat(billed).containsSubsequence("a1", "a2").containsSubsequence("b1", "b2");
    both.forEach(handle -> handle.stop(Duration.ZERO).subscribe());
  }

  @Test
  void whatOneHadWhenItDiedGoesToTheOther() {
    receiver();
    send("a", "a1");
    time.advanceTimeBy(WORK.dividedBy(2));
    assertThat(orders.crashConsumers()).isEqualTo(1);
    FlowHandle other = receiver();

    time.advanceTimeBy(Duration.ofHours(2)); // past its lease

    assertThat(billed).contains("a1");
    assertThat(other.stats().acknowledged()).isEqualTo(1);
    other.stop(Duration.ZERO).subscribe();
  }
}

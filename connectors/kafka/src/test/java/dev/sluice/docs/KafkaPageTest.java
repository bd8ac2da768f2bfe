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
import dev.sluice.codec.StringCodec;
import dev.sluice.embedded.EmbeddedKafka;
import dev.sluice.flow.Flow;
import dev.sluice.kafka.KafkaChannel;
import dev.sluice.kafka.KafkaGauges;
import dev.sluice.kafka.KafkaOutbound;
import dev.sluice.kafka.KafkaTopics;
import dev.sluice.kafka.StartAt;
import dev.sluice.message.Message;
import dev.sluice.test.LeakCheck;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** The code of docs/connectors/kafka.md. */
@ExtendWith(LeakCheck.class)
class KafkaPageTest {

  private static final Duration SOON = Duration.ofSeconds(30);

  private final Queue<String> charged = new ConcurrentLinkedQueue<>();

  private Mono<String> charge(String order) {
    return order.startsWith("bad")
        ? Mono.error(new IllegalArgumentException(order))
        : Mono.fromSupplier(
            () -> {
              charged.add(order);
              return "receipt of " + order;
            });
  }

  @Test
  void fromTopicToTopic() {
    try (EmbeddedKafka kafka = EmbeddedKafka.create().start()) {
      String servers = kafka.bootstrapServers();
      // #region topics
      Mono<Void> topics =
          Mono.when(
              KafkaTopics.ensure(servers, "orders", 6),
              KafkaTopics.ensure(servers, "receipts", 6),
              KafkaTopics.ensure(servers, "orders-dead", 1));
      // #endregion
      topics.block(SOON);

      // #region flow
      KafkaChannel orders =
          KafkaChannel.create(s -> s.bootstrapServers(servers).topic("orders").group("charging"));
      KafkaOutbound receipts =
          KafkaOutbound.create(s -> s.bootstrapServers(servers).topic("receipts"));
      KafkaOutbound deadLetters =
          KafkaOutbound.create(s -> s.bootstrapServers(servers).topic("orders-dead"));

      FlowHandle handle =
          Flow.from(orders)
              .named("charging")
              .decode(StringCodec.utf8())
              .groupedConvoy(Message::group, order -> charge(order)) // one of a key at a time
              .deadLetter(deadLetters)
              .to(
                  Outbound.encoding(
                      StringCodec.utf8(), receipts)) // acknowledged when the receipt is confirmed
              .start();
      // #endregion

      // #region send
      Flux<Message<byte[]>> messages =
          Flux.just("first", "bad", "last")
              .map(
                  text ->
                      Message.builder(text.getBytes(StandardCharsets.UTF_8))
                          .group("customer-17") // the key of the record
                          .build());
      orders.sendAll(messages).then().block(SOON);
      // #endregion

      Flux.interval(Duration.ofMillis(20))
          .filter(tick -> handle.stats().acknowledged() + handle.stats().rejected() == 3)
          .blockFirst(SOON);
      assertThat(charged).containsExactly("first", "last");
      assertThat(handle.stats().rejected()).isEqualTo(1);

      // #region watch
      KafkaGauges gauges = orders.gauges(); // never blocks
      long stuck =
          gauges.partitions().stream()
              .filter(partition -> partition.stalledFor().toMinutes() >= 5)
              .count();
      Mono<Long> lag = orders.depth(); // asks the broker
      boolean up = handle.stats().isUp();
      // #endregion
      assertThat(stuck).isZero();
      assertThat(up).isTrue();
      lag.filter(records -> records == 0)
          .repeatWhenEmpty(asked -> asked.delayElements(Duration.ofMillis(20)))
          .block(SOON);

      // #region stop
      Mono<Void> end =
          handle
              .stop(Duration.ofSeconds(10)) // what is in flight may end; offsets are committed
              .then(Mono.when(orders.close(), receipts.close(), deadLetters.close()));
      // #endregion
      end.block(SOON);
    }
  }

  @Test
  void tuned() {
    try (EmbeddedKafka kafka = EmbeddedKafka.create().start()) {
      String servers = kafka.bootstrapServers();
      kafka.createTopic("orders", 6);
      // #region tuned
      KafkaChannel orders =
          KafkaChannel.create(
              s ->
                  s.bootstrapServers(servers)
                      .topic("orders")
                      .group("charging")
                      .instanceId("charging-0") // a static member: restarts without a rebalance
                      .startAt(StartAt.LATEST) // a new group skips what is there
                      .outOfRange(StartAt.EARLIEST) // goes on after retention has overtaken it
                      .commitInterval(Duration.ofMillis(200))
                      .property("fetch.min.bytes", 100_000)
                      .property("fetch.max.wait.ms", 100)
                      .property("isolation.level", "read_committed"));
      // #endregion
      assertThat(orders.depth().block(SOON)).isZero();
      orders.close().block(SOON);
    }
  }
}

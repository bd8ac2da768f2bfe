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
package dev.sluice.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.channel.FlowHandle;
import dev.sluice.codec.StringCodec;
import dev.sluice.flow.Flow;
import dev.sluice.message.Message;
import dev.sluice.retry.Retrying;
import dev.sluice.test.LeakCheck;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** What a topic cannot delay waits in another one, and what has a group waits in its place. */
@ExtendWith(LeakCheck.class)
class RetryTopicTest {

  private static final Duration SOON = Duration.ofSeconds(30);

  private final Queue<String> done = new ConcurrentLinkedQueue<>();
  private final Map<String, AtomicInteger> tries = new ConcurrentHashMap<>();

  /** Whatever begins with x fails twice. */
  private Mono<String> work(String text) {
    return Mono.fromSupplier(
        () -> {
          int attempt = tries.computeIfAbsent(text, t -> new AtomicInteger()).incrementAndGet();
          if (text.startsWith("x") && attempt <= 2) {
            throw new IllegalStateException(text + ' ' + attempt);
          }
          done.add(text);
          return text;
        });
  }

  @Test
  void messagesWaitThereUntilTheyAreDue() {
    String topic = Broker.newTopic(1);
    String retryTopic = Broker.newTopic(1);
    KafkaChannel orders = Broker.channel(topic);
    KafkaChannel retries = Broker.channel(retryTopic);
    FlowHandle handle =
        Flow.from(orders)
            .decode(StringCodec.utf8())
            .retry(
                r ->
                    r.backoff(0, Duration.ZERO, Duration.ZERO)
                        .delayed(3, Duration.ofMillis(200))
                        .through(retries))
            .groupedConvoy(Message::group, this::work)
            .start();
    Message<byte[]> grouped = Broker.message("x-grouped").withGroup("g");
    Flux.just(
            Broker.message("x-alone"),
            grouped,
            grouped.child("1", "y-grouped".getBytes(StandardCharsets.UTF_8)),
            Broker.message("y-alone"))
        .concatMap(orders::send)
        .blockLast(SOON);
    Flux.interval(Duration.ofMillis(20)).takeUntil(tick -> done.size() == 4).blockLast(SOON);
    assertThat(done).containsSubsequence("x-grouped", "y-grouped");
    assertThat(done).containsExactlyInAnyOrder("y-alone", "x-alone", "x-grouped", "y-grouped");
    handle.stop(Duration.ofSeconds(10)).block(SOON);
    assertThat(Broker.committed(topic)).isEqualTo(4);
    assertThat(Broker.committed(retryTopic)).isEqualTo(2);
    List<ConsumerRecord<byte[], byte[]>> copies = Broker.read(retryTopic, 1, 2);
    assertThat(copies).hasSize(2).allSatisfy(copy -> assertThat(text(copy)).isEqualTo("x-alone"));
    assertThat(header(copies.get(0), Retrying.RETRIES_HEADER)).isEqualTo("1");
    assertThat(header(copies.get(1), Retrying.RETRIES_HEADER)).isEqualTo("2");
    assertThat(Instant.parse(header(copies.get(1), Retrying.NOT_BEFORE_HEADER)))
        .isAfterOrEqualTo(
            Instant.parse(header(copies.get(0), Retrying.NOT_BEFORE_HEADER)).plusMillis(200));
    Mono.when(orders.close(), retries.close()).block(SOON);
  }

  private static String text(ConsumerRecord<byte[], byte[]> record) {
    return new String(record.value(), StandardCharsets.UTF_8);
  }

  private static String header(ConsumerRecord<byte[], byte[]> record, String name) {
    return new String(record.headers().lastHeader(name).value(), StandardCharsets.UTF_8);
  }
}

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
package dev.sluice.kafka.chaos;

import static dev.sluice.kafka.chaos.Await.await;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.channel.FlowHandle;
import dev.sluice.codec.StringCodec;
import dev.sluice.delivery.ErrorPolicy;
import dev.sluice.embedded.EmbeddedKafka;
import dev.sluice.flow.Flow;
import dev.sluice.kafka.KafkaChannel;
import dev.sluice.kafka.KafkaOutbound;
import dev.sluice.test.LeakCheck;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.stream.IntStream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import reactor.core.publisher.Mono;

/** Nobody takes the dead letters for a while. */
@ExtendWith(LeakCheck.class)
class DeadLetterOutageTest {

  private static final Duration BOUND = Duration.ofSeconds(60);
  private static final String TOPIC = "bags";
  private static final String LETTERS = "bags-dead";
  private static final int PARTITIONS = 3;
  private static final int KEYS = 30;
  private static final int MESSAGES = 600;

  /** Every seventh key has a few of them; the others are healthy. */
  private static boolean isPoison(int number) {
    return number % KEYS % 7 == 0 && number / KEYS % 4 == 1;
  }

  private final Map<Integer, Integer> runs = new ConcurrentHashMap<>();

  @Test
  void aTopicThatDoesNotExistStallsTheFlowUntilItDoes() throws Exception {
    stallsUntil(kafka -> {}, kafka -> kafka.createTopic(LETTERS, 1));
  }

  @Test
  void aTopicThatRefusesRecordsStallsTheFlowUntilItTakesThem() throws Exception {
    stallsUntil(
        kafka -> kafka.createTopic(LETTERS, 1, Map.of("max.message.bytes", "100")),
        DeadLetterOutageTest::takeLargeRecords);
  }

  private interface Step {
    void run(EmbeddedKafka kafka) throws Exception;
  }

  private void stallsUntil(Step outage, Step remedy) throws Exception {
    try (EmbeddedKafka kafka = EmbeddedKafka.create().start()) {
      kafka.createTopic(TOPIC, PARTITIONS);
      outage.run(kafka);
      fill(kafka);
      Map<Integer, Long> firstPoison = firstPoison(kafka);
      KafkaChannel channel =
          KafkaChannel.create(
              s ->
                  s.bootstrapServers(kafka.bootstrapServers())
                      .topic(TOPIC)
                      .group("loaders")
                      .commitInterval(Duration.ofMillis(20)));
      KafkaOutbound letters =
          KafkaOutbound.create(
              s ->
                  s.bootstrapServers(kafka.bootstrapServers())
                      .topic(LETTERS)
                      .deliveryTimeout(Duration.ofSeconds(1)));
      FlowHandle flow =
          Flow.from(channel)
              .onError(ErrorPolicy.defaults().retries(0))
              .deadLetter(letters)
              .decode(StringCodec.utf8())
              .groupedConvoy(message -> message.group(), this::work)
              .start();

      // The healthy keys are done, the others wait behind the first of their poison.
      int healthy = (int) IntStream.range(0, MESSAGES).filter(n -> n % KEYS % 7 != 0).count();
      await(BOUND, () -> flow.toString(), () -> flow.stats().acknowledged() >= healthy);
      await(BOUND, () -> flow.toString(), () -> flow.stats().stall() != null);
      assertThat(flow.stats().isUp()).isFalse();
      assertThat(flow.stats().state()).isEqualTo(FlowHandle.State.RUNNING);
      assertThat(flow.stats().rejected()).isZero();
      await(BOUND, () -> "" + committed(kafka), () -> committed(kafka).equals(firstPoison));

      remedy.run(kafka);

      long poison = IntStream.range(0, MESSAGES).filter(DeadLetterOutageTest::isPoison).count();
      await(BOUND, () -> flow.toString(), () -> flow.stats().rejected() == poison);
      await(BOUND, () -> "" + committed(kafka), () -> sum(committed(kafka)) == MESSAGES);
      await(BOUND, () -> flow.toString(), () -> flow.stats().isUp());
      await(BOUND, () -> flow.toString(), () -> flow.stats().acknowledged() == MESSAGES - poison);
      assertThat(committed(kafka)).isNotEqualTo(firstPoison);
      assertThat(runs).hasSize(MESSAGES);
      assertThat(runs.values()).allMatch(n -> n == 1);
      flow.stop(Duration.ofSeconds(5)).block(BOUND);
      letters.close().block(BOUND);
      channel.close().block(BOUND);

      List<String> positions = positionsInLetters(kafka);
      assertThat(positions).hasSize((int) poison).doesNotHaveDuplicates();
    }
  }

  private Mono<String> work(String value) {
    int number = Integer.parseInt(value);
    runs.merge(number, 1, Integer::sum);
    return isPoison(number)
        ? Mono.error(new IllegalStateException("poison " + number))
        : Mono.just(value);
  }

  // == plain clients ==

  private static void fill(EmbeddedKafka kafka) {
    try (KafkaProducer<String, String> producer =
        new KafkaProducer<>(
            Map.of("bootstrap.servers", kafka.bootstrapServers()),
            new StringSerializer(),
            new StringSerializer())) {
      for (int i = 0; i < MESSAGES; i++) {
        int key = i % KEYS;
        producer.send(new ProducerRecord<>(TOPIC, key % PARTITIONS, "key-" + key, "" + i));
      }
    }
  }

  private static List<ConsumerRecord<byte[], byte[]>> read(
      EmbeddedKafka kafka, String topic, int partitions) {
    try (KafkaConsumer<byte[], byte[]> consumer =
        new KafkaConsumer<>(
            Map.of("bootstrap.servers", kafka.bootstrapServers()),
            new ByteArrayDeserializer(),
            new ByteArrayDeserializer())) {
      List<TopicPartition> all =
          IntStream.range(0, partitions).mapToObj(p -> new TopicPartition(topic, p)).toList();
      consumer.assign(all);
      consumer.seekToBeginning(all);
      Map<TopicPartition, Long> ends = consumer.endOffsets(all);
      List<ConsumerRecord<byte[], byte[]>> records = new ArrayList<>();
      while (all.stream().anyMatch(id -> consumer.position(id) < ends.get(id))) {
        consumer.poll(Duration.ofMillis(50)).forEach(records::add);
      }
      return records;
    }
  }

  /** By partition, the offset of the first message that cannot be consumed. */
  private static Map<Integer, Long> firstPoison(EmbeddedKafka kafka) {
    Map<Integer, Long> first = new HashMap<>();
    for (ConsumerRecord<byte[], byte[]> record : read(kafka, TOPIC, PARTITIONS)) {
      if (isPoison(Integer.parseInt(new String(record.value(), StandardCharsets.UTF_8)))) {
        first.merge(record.partition(), record.offset(), Math::min);
      }
    }
    assertThat(first).hasSize(PARTITIONS);
    return first;
  }

  private static List<String> positionsInLetters(EmbeddedKafka kafka) {
    return read(kafka, LETTERS, 1).stream()
        .map(record -> record.headers().lastHeader("sl-dl-position").value())
        .map(position -> new String(position, StandardCharsets.UTF_8))
        .toList();
  }

  private static Map<Integer, Long> committed(EmbeddedKafka kafka) {
    try (Admin admin = Admin.create(Map.of("bootstrap.servers", kafka.bootstrapServers()))) {
      Map<Integer, Long> committed = new HashMap<>();
      admin
          .listConsumerGroupOffsets("loaders")
          .partitionsToOffsetAndMetadata()
          .get()
          .forEach((id, offset) -> committed.put(id.partition(), offset.offset()));
      return committed;
    } catch (ExecutionException | InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  private static long sum(Map<Integer, Long> committed) {
    return committed.values().stream().mapToLong(offset -> offset).sum();
  }

  private static void takeLargeRecords(EmbeddedKafka kafka) throws Exception {
    try (Admin admin = Admin.create(Map.of("bootstrap.servers", kafka.bootstrapServers()))) {
      AlterConfigOp large =
          new AlterConfigOp(
              new ConfigEntry("max.message.bytes", "1000000"), AlterConfigOp.OpType.SET);
      admin
          .incrementalAlterConfigs(
              Map.of(new ConfigResource(ConfigResource.Type.TOPIC, LETTERS), List.of(large)))
          .all()
          .get();
    }
  }
}

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

import dev.sluice.embedded.EmbeddedKafka;
import dev.sluice.message.Message;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ConsumerGroupDescription;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.admin.RemoveMembersFromConsumerGroupOptions;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.GroupState;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** The broker that the tests of this JVM share, and the plain clients they check ours with. */
final class Broker {

  private static final AtomicInteger TOPICS = new AtomicInteger();

  private Broker() {}

  /** Started by the first test that needs it. */
  private static final class Shared {
    static final EmbeddedKafka KAFKA = EmbeddedKafka.create().start();

    static {
      Runtime.getRuntime().addShutdownHook(new Thread(KAFKA::close));
    }
  }

  static String servers() {
    return Shared.KAFKA.bootstrapServers();
  }

  static String newTopic(int partitions) {
    return newTopic(partitions, Map.of());
  }

  static String newTopic(int partitions, Map<String, String> config) {
    String topic = "t" + TOPICS.incrementAndGet();
    Shared.KAFKA.createTopic(topic, partitions, config);
    return topic;
  }

  static KafkaChannel channel(String topic) {
    return channel(topic, spec -> spec);
  }

  /** A channel with quick commits, so that no test has to wait for one. */
  static KafkaChannel channel(String topic, UnaryOperator<KafkaChannelSpec> spec) {
    return KafkaChannel.create(
        s ->
            spec.apply(
                s.bootstrapServers(servers())
                    .topic(topic)
                    .group(topic + "-group")
                    .commitInterval(Duration.ofMillis(20))));
  }

  static Message<byte[]> message(String text) {
    return Message.of(text.getBytes(StandardCharsets.UTF_8));
  }

  static String text(Message<byte[]> message) {
    return new String(message.payload(), StandardCharsets.UTF_8);
  }

  /** Writes {@code n} plain records, spread over the partitions, with their number as the value. */
  static void fill(String topic, int partitions, int n) {
    try (KafkaProducer<byte[], byte[]> producer = producer()) {
      for (int i = 0; i < n; i++) {
        byte[] value = String.valueOf(i).getBytes(StandardCharsets.UTF_8);
        producer.send(new ProducerRecord<>(topic, i % partitions, null, value));
      }
    }
  }

  static KafkaProducer<byte[], byte[]> producer() {
    return producer(Map.of("bootstrap.servers", servers()));
  }

  static KafkaProducer<byte[], byte[]> producer(Map<String, Object> config) {
    return new KafkaProducer<>(config, new ByteArraySerializer(), new ByteArraySerializer());
  }

  /** Reads the first {@code n} records, those of each partition in order. */
  static List<ConsumerRecord<byte[], byte[]>> read(String topic, int partitions, int n) {
    try (KafkaConsumer<byte[], byte[]> consumer =
        new KafkaConsumer<>(
            Map.of("bootstrap.servers", servers()),
            new ByteArrayDeserializer(),
            new ByteArrayDeserializer())) {
      List<TopicPartition> all = partitions(topic, partitions);
      consumer.assign(all);
      consumer.seekToBeginning(all);
      List<ConsumerRecord<byte[], byte[]>> records = new ArrayList<>();
      Instant deadline = Instant.now().plusSeconds(30);
      while (records.size() < n && Instant.now().isBefore(deadline)) {
        consumer.poll(Duration.ofMillis(50)).forEach(records::add);
      }
      return records;
    }
  }

  /** The sum of what the channel's group has committed. */
  static long committed(String topic) {
    return committedByPartition(topic).values().stream().mapToLong(offset -> offset).sum();
  }

  /** What the channel's group has committed, by partition. */
  static Map<Integer, Long> committedByPartition(String topic) {
    Map<Integer, Long> committed = new HashMap<>();
    commits(topic).forEach((id, offset) -> committed.put(id.partition(), offset.offset()));
    return committed;
  }

  /** What the channel's group has committed, with the metadata. */
  static Map<TopicPartition, OffsetAndMetadata> commits(String topic) {
    return withAdmin(
        admin -> admin.listConsumerGroupOffsets(topic + "-group").partitionsToOffsetAndMetadata());
  }

  /** Commits for the channel's group, which must have no members. */
  static void commit(String topic, int partition, OffsetAndMetadata offset) {
    withAdmin(
        admin ->
            admin
                .alterConsumerGroupOffsets(
                    topic + "-group", Map.of(new TopicPartition(topic, partition), offset))
                .all());
  }

  /** The broker forgets the offset of the channel's group, which must have no members. */
  static void forget(String topic, int partition) {
    withAdmin(
        admin ->
            admin
                .deleteConsumerGroupOffsets(
                    topic + "-group", Set.of(new TopicPartition(topic, partition)))
                .all());
  }

  /** Deletes the records below an offset, as retention does. */
  static void deleteBefore(String topic, int partition, long offset) {
    withAdmin(
        admin ->
            admin
                .deleteRecords(
                    Map.of(
                        new TopicPartition(topic, partition), RecordsToDelete.beforeOffset(offset)))
                .all());
  }

  /** What the channel's group is doing. */
  static GroupState state(String topic) {
    return describe(topic).groupState();
  }

  /** How many members the channel's group has. */
  static int members(String topic) {
    return describe(topic).members().size();
  }

  private static ConsumerGroupDescription describe(String topic) {
    String group = topic + "-group";
    return withAdmin(
        admin -> admin.describeConsumerGroups(List.of(group)).describedGroups().get(group));
  }

  /** Throws all members out of the channel's group, as a session timeout does. */
  static void expelMembers(String topic) {
    withAdmin(
        admin ->
            admin
                .removeMembersFromConsumerGroup(
                    topic + "-group", new RemoveMembersFromConsumerGroupOptions())
                .all());
  }

  private static <T> T withAdmin(Function<Admin, KafkaFuture<T>> request) {
    try (Admin admin = Admin.create(Map.of("bootstrap.servers", servers()))) {
      return request.apply(admin).get();
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  static List<TopicPartition> partitions(String topic, int n) {
    return IntStream.range(0, n).mapToObj(p -> new TopicPartition(topic, p)).toList();
  }

  /** Looks until it is so, or fails after 30 seconds. */
  static void await(String what, BooleanSupplier condition) {
    Instant deadline = Instant.now().plusSeconds(30);
    while (!condition.getAsBoolean()) {
      if (Instant.now().isAfter(deadline)) {
        throw new AssertionError("not within 30 s: " + what);
      }
      LockSupport.parkNanos(5_000_000);
    }
  }
}

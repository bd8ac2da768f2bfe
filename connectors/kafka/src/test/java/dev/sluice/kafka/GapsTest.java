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

import static dev.sluice.kafka.Broker.await;
import static dev.sluice.kafka.Broker.channel;
import static dev.sluice.kafka.Broker.committed;
import static dev.sluice.kafka.Broker.fill;
import static dev.sluice.kafka.Broker.newTopic;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.delivery.Delivery;
import dev.sluice.delivery.Outcome;
import dev.sluice.test.LeakCheck;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Offsets that the log or the broker does not have any more. */
@ExtendWith(LeakCheck.class)
class GapsTest {

  private static final Duration SOON = Duration.ofSeconds(30);

  private static void ack(Delivery<byte[]> delivery) {
    delivery.settlement().settle(Outcome.ack());
  }

  /** A member that did {@code n} records of a topic and left. */
  private static void settle(String topic, int n) {
    try (Member member = Member.holding(channel(topic)).awaitCount(n)) {
      member.deliveries().subList(0, n).forEach(GapsTest::ack);
      member.stop(Duration.ZERO);
    }
  }

  @Nested
  class Compaction {

    @Test
    void leavesNoLag() {
      String topic =
          newTopic(
              1,
              Map.of(
                  "cleanup.policy", "compact",
                  "segment.ms", "200",
                  "min.cleanable.dirty.ratio", "0.01",
                  "delete.retention.ms", "1"));
      int written = 0;
      try (KafkaProducer<byte[], byte[]> producer = Broker.producer()) {
        for (; written < 600; written++) {
          producer.send(record(topic, written % 40, written));
        }
        producer.flush();
        // A segment is cleaned when there is a newer one, which begins with a later record.
        for (long total = written; surviving(topic) > total / 2; total++) {
          producer.send(record(topic, 40, written++));
          producer.flush();
          await("some time", new Elapsed(Duration.ofMillis(250))::isOver);
          assertThat(total).as("compacted in time").isLessThan(800);
        }
      }
      KafkaChannel channel = channel(topic, s -> s.highWatermark(20).maxPollRecords(7));
      Random random = new Random(1);
      List<Delivery<byte[]>> out = Collections.synchronizedList(new ArrayList<>());
      try (Member member =
          Member.handling(
              channel,
              d -> {
                Delivery<byte[]> one = null;
                synchronized (out) {
                  out.add(d);
                  if (out.size() > 5) {
                    one = out.remove(random.nextInt(out.size()));
                  }
                }
                if (one != null) {
                  ack(one);
                }
              })) {
        await(
            "lag 0",
            () -> {
              synchronized (out) {
                out.forEach(GapsTest::ack);
                out.clear();
              }
              return channel.depth().block(SOON) == 0;
            });
        assertThat(committed(topic)).isEqualTo(written);
        assertThat(member.count()).isLessThan(written / 2);
      }
      channel.close().block(SOON);
    }

    private ProducerRecord<byte[], byte[]> record(String topic, int key, int value) {
      return new ProducerRecord<>(
          topic,
          ("k" + key).getBytes(StandardCharsets.UTF_8),
          String.valueOf(value).getBytes(StandardCharsets.UTF_8));
    }

    private long surviving(String topic) {
      try (KafkaConsumer<byte[], byte[]> consumer =
          new KafkaConsumer<>(
              Map.of("bootstrap.servers", Broker.servers()),
              new ByteArrayDeserializer(),
              new ByteArrayDeserializer())) {
        TopicPartition id = new TopicPartition(topic, 0);
        consumer.assign(List.of(id));
        consumer.seekToBeginning(List.of(id));
        long end = consumer.endOffsets(List.of(id)).getOrDefault(id, 0L);
        long count = 0;
        while (consumer.position(id) < end) {
          count += consumer.poll(Duration.ofMillis(50)).count();
        }
        return count;
      }
    }
  }

  private static final class Elapsed {
    private final long end;

    Elapsed(Duration duration) {
      end = System.nanoTime() + duration.toNanos();
    }

    boolean isOver() {
      return System.nanoTime() - end >= 0;
    }
  }

  @Nested
  class AForgottenOffset {

    @Test
    void isNeverSkippedOverInSilence() {
      String topic = newTopic(2);
      fill(topic, 2, 10);
      settle(topic, 10);
      Broker.forget(topic, 1);
      try (Member member = Member.acking(channel(topic, s -> s.startAt(StartAt.FAIL)))) {
        member.awaitEnd();
        assertThat(member.error())
            .hasMessage(
                "group %s-group has no offset for [%s-1] (expected: a committed one)",
                topic, topic);
      }
      try (Member member = Member.acking(channel(topic)).awaitCount(5)) {
        assertThat(member.texts()).containsExactly("1", "3", "5", "7", "9");
      }
    }
  }

  @Nested
  class AnOffsetThatTheLogDoesNotHold {

    @Test
    void endsTheReceiverUnlessToldOtherwise() {
      String topic = newTopic(1);
      fill(topic, 1, 10);
      settle(topic, 3);
      Broker.deleteBefore(topic, 0, 6);
      try (Member member = Member.acking(channel(topic))) {
        member.awaitEnd();
        assertThat(member.error())
            .isInstanceOf(IllegalStateException.class)
            .hasMessage(
                "offsets of group %s-group are not in the log: {%s-0=3} (expected: offsets that it"
                    + " holds; records may be lost: set the group's offsets, or say with outOfRange"
                    + " where to go on)",
                topic, topic);
      }
      assertThat(committed(topic)).isEqualTo(3);
    }

    @Test
    void canBeFollowedByTheOldestRecordThereIs() {
      String topic = newTopic(1);
      fill(topic, 1, 10);
      settle(topic, 3);
      Broker.deleteBefore(topic, 0, 6);
      KafkaChannel channel = channel(topic, s -> s.outOfRange(StartAt.EARLIEST));
      try (Member member = Member.acking(channel).awaitCount(4)) {
        assertThat(member.texts()).containsExactly("6", "7", "8", "9");
        await("all committed", () -> committed(topic) == 10);
      }
    }

    @Test
    void canBeFollowedByTheNewestWhichIsRemembered() {
      String topic = newTopic(1);
      fill(topic, 1, 10);
      settle(topic, 3);
      Broker.deleteBefore(topic, 0, 6);
      KafkaChannel channel = channel(topic, s -> s.outOfRange(StartAt.LATEST));
      try (Member member = Member.acking(channel)) {
        await("committed without a record", () -> committed(topic) == 10);
        assertThat(member.count()).isZero();
      }
      fill(topic, 1, 1);
      try (Member member = Member.acking(channel).awaitCount(1)) {
        assertThat(member.texts()).containsExactly("0");
      }
    }

    @Test
    void mayBeBehindTheEndOfALogThatWasCutOff() {
      String topic = newTopic(1);
      fill(topic, 1, 5);
      Broker.commit(topic, 0, new OffsetAndMetadata(100));
      KafkaChannel channel = channel(topic, s -> s.outOfRange(StartAt.EARLIEST));
      try (Member member = Member.acking(channel).awaitCount(5)) {
        assertThat(member.texts()).containsExactly("0", "1", "2", "3", "4");
        await("all committed", () -> committed(topic) == 5);
        assertThat(member.error()).isNull();
      }
    }

    @Test
    void doesNotEndWhatIsOutWhenRetentionOvertakesASlowReader() {
      String topic = newTopic(1);
      fillOneByOne(topic, 40);
      KafkaChannel channel =
          channel(
              topic,
              s ->
                  s.outOfRange(StartAt.EARLIEST)
                      .highWatermark(5)
                      .maxPollRecords(5)
                      .property("fetch.max.bytes", 1)
                      .property("max.partition.fetch.bytes", 1));
      try (Member member = Member.holding(channel).awaitCount(5)) {
        List<Delivery<byte[]>> first = member.deliveries();
        Broker.deleteBefore(topic, 0, 30);
        assertThat(first).noneMatch(d -> d.settlement().isLost());
        first.forEach(GapsTest::ack);
        await(
            "the end",
            () -> {
              member.deliveries().forEach(GapsTest::ack);
              return committed(topic) == 40;
            });
        assertThat(first).noneMatch(d -> d.settlement().isLost());
        // What was fetched by then may have come, what was not is gone.
        assertThat(member.texts()).contains("0", "30", "39").doesNotContain("28", "29");
        assertThat(member.error()).isNull();
      }
    }

    /** In batches of one record, so that no fetch brings more. */
    private void fillOneByOne(String topic, int n) {
      Map<String, Object> config =
          Map.of("bootstrap.servers", Broker.servers(), "batch.size", 0, "linger.ms", 0);
      try (KafkaProducer<byte[], byte[]> producer = Broker.producer(config)) {
        for (int i = 0; i < n; i++) {
          byte[] value = String.valueOf(i).getBytes(StandardCharsets.UTF_8);
          producer.send(new ProducerRecord<>(topic, 0, null, value));
        }
      }
    }
  }
}

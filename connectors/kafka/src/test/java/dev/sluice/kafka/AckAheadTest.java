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
import static dev.sluice.kafka.Broker.fill;
import static dev.sluice.kafka.Broker.newTopic;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.delivery.Delivery;
import dev.sluice.delivery.Outcome;
import dev.sluice.delivery.StaleDelivery;
import dev.sluice.test.LeakCheck;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.LongPredicate;
import java.util.function.UnaryOperator;
import java.util.stream.LongStream;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import reactor.test.StepVerifier;

/**
 * What was settled behind a record that is stuck is not delivered again to the next owner, although
 * the first one ends without a word: it is a static member, and the second one takes its place.
 */
@ExtendWith(LeakCheck.class)
class AckAheadTest {

  private static final int RECORDS = 8_001;

  private static KafkaChannel member(String topic, UnaryOperator<KafkaChannelSpec> spec) {
    return channel(topic, s -> spec.apply(s.instanceId(topic).highWatermark(10_000)));
  }

  private static long offset(Delivery<byte[]> delivery) {
    String position = delivery.origin().position();
    return Long.parseLong(position.substring(position.indexOf('@') + 1));
  }

  private static OffsetMap map(String topic) {
    TopicPartition id = new TopicPartition(topic, 0);
    OffsetAndMetadata committed = Broker.commits(topic).get(id);
    return committed == null
        ? OffsetMap.EMPTY
        : OffsetMap.read(id, committed.offset(), committed.metadata());
  }

  /** The first member settles what it is told to, then the second one takes over. */
  private static List<Long> redelivered(
      String topic, UnaryOperator<KafkaChannelSpec> spec, LongPredicate settled, String settles) {
    fill(topic, 1, RECORDS);
    try (Member first =
        Member.join(
            member(topic, spec),
            o -> o.maxUnsettled(RECORDS),
            Long.MAX_VALUE,
            d -> {
              if (settled.test(offset(d))) {
                d.settlement().settle(Outcome.ack());
              }
            })) {
      first.awaitCount(RECORDS);
      await(settles, () -> saved(topic, spec, settled));
      try (Member second =
          Member.join(
              member(topic, spec), o -> o.maxUnsettled(RECORDS + 1), Long.MAX_VALUE, d -> {})) {
        first.awaitEnd(); // fenced
        assertThat(first.error()).isNotNull();
        fill(topic, 1, 1);
        await("the record after", () -> second.deliveries().stream().anyMatch(AckAheadTest::isNew));
        assertThat(offset(second.deliveries().get(second.count() - 1))).isEqualTo(RECORDS);
        return second.deliveries().stream().map(AckAheadTest::offset).toList();
      }
    }
  }

  private static boolean isNew(Delivery<byte[]> delivery) {
    return offset(delivery) == RECORDS;
  }

  /** The last interval's commit has happened: the map is the one that is due. */
  private static boolean saved(
      String topic, UnaryOperator<KafkaChannelSpec> spec, LongPredicate settled) {
    int room = spec.apply(KafkaChannelSpec.DEFAULT).ackAheadMap();
    OffsetMap.Builder due = new OffsetMap.Builder();
    LongStream.range(0, RECORDS).filter(settled).forEach(offset -> due.add(offset, offset + 1));
    TopicPartition id = new TopicPartition(topic, 0);
    return map(topic)
        .toString()
        .equals(OffsetMap.read(id, 0, due.build().write(id, 0, room)).toString());
  }

  @Test
  void eightThousandBehindOneStuckRecordAreNotRepeated() {
    List<Long> redelivered =
        redelivered(newTopic(1), s -> s, offset -> offset != 0, "the map is committed");
    assertThat(redelivered).containsExactly(0L, (long) RECORDS);
  }

  @Test
  void withoutAMapAllOfThemAre() {
    List<Long> redelivered =
        redelivered(newTopic(1), s -> s.ackAheadMap(0), offset -> offset != 0, "nothing to commit");
    assertThat(redelivered)
        .containsExactlyElementsOf(LongStream.rangeClosed(0, RECORDS).boxed().toList());
  }

  @Test
  void whatDoesNotFitIntoTheMapIsRepeatedAndNoMore() {
    String topic = newTopic(1);
    long seed = ThreadLocalRandom.current().nextLong();
    boolean[] settled = new boolean[RECORDS];
    Random random = new Random(seed);
    for (int i = 1; i < RECORDS; i++) {
      settled[i] = random.nextInt(3) != 0;
    }
    List<Long> redelivered =
        redelivered(topic, s -> s, offset -> settled[(int) offset], "as much as fits is committed");
    OffsetMap saved = map(topic);
    assertThat(redelivered)
        .as("seed %d", seed)
        .containsExactlyElementsOf(
            LongStream.rangeClosed(0, RECORDS).filter(o -> !saved.contains(o)).boxed().toList());
    // The map was cut, and what was never settled is delivered in any case.
    long unsettled = LongStream.range(0, RECORDS).filter(o -> !settled[(int) o]).count();
    assertThat(redelivered).hasSizeBetween((int) unsettled + 2, RECORDS);
    assertThat(redelivered)
        .containsAll(LongStream.range(0, RECORDS).filter(o -> !settled[(int) o]).boxed().toList());
  }

  @Test
  void itIsPassedOnFromOwnerToOwner() {
    String topic = newTopic(1);
    fill(topic, 1, 1_000);
    try (Member first =
        Member.handling(
            channel(topic, s -> s.highWatermark(10_000)),
            d -> {
              if (offset(d) != 0) {
                d.settlement().settle(Outcome.ack());
              }
            })) {
      first.awaitCount(1_000);
      await("saved", () -> map(topic).toString().equals("[1..999]"));
    }
    // The window of the next two is far smaller than what lies ahead, so that they read little.
    for (int life = 0; life < 2; life++) {
      KafkaChannel channel = channel(topic, s -> s.highWatermark(10).maxPollRecords(5));
      try (Member next = Member.holding(channel).awaitCount(1)) {
        next.stop(Duration.ZERO);
        assertThat(map(topic)).hasToString("[1..999]");
        assertThat(next.texts()).containsExactly("0");
      }
    }
    try (Member last = Member.acking(channel(topic, s -> s.highWatermark(10)))) {
      await("all committed", () -> Broker.committed(topic) == 1_000);
      assertThat(last.texts()).containsExactly("0");
    }
  }

  /** The map may get lost without anybody being wrong, so nothing is promised because of it. */
  @Test
  void whatIsSavedInItAloneIsNotDurable() {
    String topic = newTopic(1);
    fill(topic, 1, 3);
    try (Member first =
        Member.handling(
            channel(topic),
            d -> {
              if (offset(d) != 0) {
                d.settlement().settle(Outcome.ack());
              }
            })) {
      first.awaitCount(3);
      await("saved", () -> map(topic).toString().equals("[1..2]"));
      first.stop(Duration.ZERO);
      StepVerifier.create(first.deliveries().get(1).settlement().durable())
          .expectError(StaleDelivery.class)
          .verify(Duration.ofSeconds(30));
    }
    try (Member next = Member.acking(channel(topic))) {
      await("all committed", () -> Broker.committed(topic) == 3);
      assertThat(next.texts()).containsExactly("0");
    }
  }

  @Test
  void aMetadataThatIsNotOursIsIgnored() {
    String topic = newTopic(1);
    fill(topic, 1, 5);
    Broker.commit(topic, 0, new OffsetAndMetadata(2, "written by somebody else: ü"));
    try (Member member = Member.acking(channel(topic)).awaitCount(3)) {
      assertThat(member.texts()).containsExactly("2", "3", "4");
      await("all committed", () -> Broker.committed(topic) == 5);
    }
  }
}

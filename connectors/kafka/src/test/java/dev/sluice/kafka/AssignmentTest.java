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
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.LongStream;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.MockConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.TimeoutException;
import org.junit.jupiter.api.Test;

/** An offset that the log does not hold, seen from the poll thread. */
class AssignmentTest {

  private static final TopicPartition ID = new TopicPartition("bags", 0);
  private static final RuntimeException CAUSE = new RuntimeException("not in the log");

  private final MockConsumer<byte[], Object> consumer = new MockConsumer<>("none");
  private final Pauses pauses =
      new Pauses(
          new Pauses.Valve() {
            @Override
            public void pause(Collection<TopicPartition> partitions) {
              consumer.pause(partitions);
            }

            @Override
            public void resume(Collection<TopicPartition> partitions) {
              consumer.resume(partitions);
            }
          });

  /** Owns the partition, from the committed offset 5 on. */
  private Assignment owning(StartAt outOfRange, int highWatermark) {
    Assignment assignment =
        new Assignment(
            KafkaChannelSpec.DEFAULT
                .group("loaders")
                .outOfRange(outOfRange)
                .highWatermark(highWatermark),
            new Statistics(),
            System::nanoTime);
    consumer.assign(List.of(ID));
    consumer.commitSync(Map.of(ID, new OffsetAndMetadata(5)));
    assignment.assigned(List.of(ID), 1, consumer);
    return assignment;
  }

  private Assignment owning(StartAt outOfRange) {
    return owning(outOfRange, 100);
  }

  /** What a poll lets through of these offsets. */
  private List<Arrival> poll(Assignment assignment, long from, long to) {
    List<ConsumerRecord<byte[], Object>> records = new ArrayList<>();
    LongStream.range(from, to)
        .forEach(o -> records.add(new ConsumerRecord<>("bags", 0, o, null, new byte[0])));
    ConsumerRecords<byte[], Object> polled =
        assignment.polled(
            new ConsumerRecords<>(Map.of(ID, records), Map.of(ID, new OffsetAndMetadata(to))),
            pauses);
    List<Arrival> arrivals = new ArrayList<>();
    polled.forEach(record -> arrivals.add((Arrival) record.value()));
    return arrivals;
  }

  private static boolean settle(Arrival arrival) {
    return arrival.partition.settle(arrival);
  }

  private long committed() {
    return consumer.committed(Set.of(ID)).get(ID).offset();
  }

  @Test
  void thatWasDeletedIsSkippedOverAndWhatIsOutGoesOn() {
    Assignment assignment = owning(StartAt.EARLIEST);
    List<Arrival> before = poll(assignment, 5, 8);
    settle(before.get(0));
    consumer.updateBeginningOffsets(Map.of(ID, 20L));
    assignment.outOfRange(Map.of(ID, 8L), consumer, pauses, CAUSE);
    assertThat(consumer.position(ID)).isEqualTo(20);
    assertThat(committed()).as("up to what is out").isEqualTo(6);
    List<Arrival> after = poll(assignment, 20, 22);
    assertThat(after).extracting(arrival -> arrival.offset).containsExactly(20L, 21L);
    assertThat(List.of(before.get(1), before.get(2), after.get(0)))
        .allMatch(AssignmentTest::settle);
    assignment.close(consumer, () -> {});
    assertThat(committed()).isEqualTo(21);
  }

  @Test
  void thatComesAgainIsAnotherRecord() {
    Assignment assignment = owning(StartAt.EARLIEST, 2);
    List<Arrival> before = poll(assignment, 5, 8);
    assertThat(consumer.paused()).as("full").containsExactly(ID);
    consumer.updateBeginningOffsets(Map.of(ID, 0L));
    assignment.outOfRange(Map.of(ID, 8L), consumer, pauses, CAUSE);
    assertThat(consumer.position(ID)).isZero();
    assertThat(consumer.paused()).isEmpty();
    assertThat(committed()).as("remembered, whatever happens to this member").isZero();
    assertThat(before).noneMatch(AssignmentTest::settle);
    List<Arrival> after = poll(assignment, 0, 6);
    assertThat(after).hasSize(6).allMatch(AssignmentTest::settle);
    assignment.close(consumer, () -> {});
    assertThat(committed()).isEqualTo(6);
  }

  @Test
  void isLookedUpAgainIfTheBrokerDoesNotAnswer() {
    Assignment assignment = owning(StartAt.LATEST);
    List<Arrival> before = poll(assignment, 5, 6);
    consumer.updateEndOffsets(Map.of(ID, 3L));
    consumer.setOffsetsException(new TimeoutException("no answer"));
    assignment.outOfRange(Map.of(ID, 6L), consumer, pauses, CAUSE);
    assertThat(committed()).isEqualTo(5);
    assertThat(settle(before.get(0))).isTrue();
    assignment.outOfRange(Map.of(ID, 6L), consumer, pauses, CAUSE);
    assertThat(committed()).isEqualTo(3);
    assertThat(consumer.position(ID)).isEqualTo(3);
  }

  @Test
  void endsTheReceiverIfNobodySaysWhereToGoOn() {
    Assignment assignment = owning(StartAt.FAIL);
    assertThatIllegalStateException()
        .isThrownBy(() -> assignment.outOfRange(Map.of(ID, 8L), consumer, pauses, CAUSE))
        .withMessageStartingWith("offsets of group loaders are not in the log: {bags-0=8} ")
        .withCause(CAUSE);
    assertThat(committed()).isEqualTo(5);
  }
}

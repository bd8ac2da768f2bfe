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

import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.clients.consumer.CommitFailedException;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.MockConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.consumer.OffsetCommitCallback;
import org.apache.kafka.clients.consumer.RetriableCommitFailedException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.OffsetMetadataTooLarge;
import org.apache.kafka.common.errors.RebalanceInProgressException;
import org.apache.kafka.common.errors.StaleMemberEpochException;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.errors.WakeupException;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

class OffsetCommitterTest {

  private static final TopicPartition ID = new TopicPartition("bags", 0);

  private final AtomicLong nanos = new AtomicLong();
  private final Statistics meters = new Statistics();
  private final OffsetCommitter committer =
      new OffsetCommitter(KafkaChannelSpec.DEFAULT, meters, nanos::get);
  private final Partition partition =
      new Partition(ID, 1, new OffsetAndMetadata(0), KafkaChannelSpec.DEFAULT, meters, nanos::get);
  private final List<Partition> all = List.of(partition);
  private final ScriptedConsumer consumer = new ScriptedConsumer();
  private final Map<Long, Arrival> slots = new LinkedHashMap<>();

  /** Answers commits when and how the test says. */
  private static final class ScriptedConsumer extends MockConsumer<byte[], Object> {

    final List<Long> asked = new ArrayList<>();
    final List<String> maps = new ArrayList<>();
    final List<OffsetCommitCallback> callbacks = new ArrayList<>();
    final List<RuntimeException> syncFailures = new ArrayList<>();
    Runnable onSync = () -> {};

    ScriptedConsumer() {
      super("earliest");
    }

    @Override
    public synchronized void commitAsync(
        Map<TopicPartition, OffsetAndMetadata> offsets, OffsetCommitCallback callback) {
      OffsetAndMetadata offset = offsets.get(ID);
      asked.add(offset.offset());
      maps.add(OffsetMap.read(ID, offset.offset(), offset.metadata()).toString());
      callbacks.add(callback);
    }

    @Override
    public synchronized void commitSync(
        Map<TopicPartition, OffsetAndMetadata> offsets, Duration timeout) {
      OffsetAndMetadata offset = offsets.get(ID);
      asked.add(offset.offset());
      maps.add(OffsetMap.read(ID, offset.offset(), offset.metadata()).toString());
      onSync.run();
      if (!syncFailures.isEmpty()) {
        throw syncFailures.remove(0);
      }
    }

    void answer(int commit, @Nullable Exception error) {
      callbacks.get(commit).onComplete(Map.of(), error);
    }
  }

  private void admit(int from, int to) {
    for (long offset = from; offset < to; offset++) {
      slots.put(
          offset, partition.admit(new ConsumerRecord<>("bags", 0, offset, null, new byte[0])));
    }
  }

  private void settle(int from, int to) {
    for (long offset = from; offset < to; offset++) {
      partition.settle(slots.get(offset));
    }
  }

  private void tick(Duration later) {
    nanos.addAndGet(later.toNanos());
    committer.tick(all, consumer);
  }

  @Nested
  class Ticks {

    @Test
    void commitAfterTheInterval() {
      admit(0, 10);
      settle(0, 3);
      tick(Duration.ofMillis(999));
      assertThat(consumer.asked).isEmpty();
      tick(Duration.ofMillis(1));
      assertThat(consumer.asked).containsExactly(3L);
    }

    @Test
    void commitEarlierAfterManySettlements() {
      admit(0, 600);
      settle(0, 499);
      tick(Duration.ZERO);
      assertThat(consumer.asked).isEmpty();
      settle(499, 500);
      tick(Duration.ZERO);
      assertThat(consumer.asked).containsExactly(500L);
    }

    @Test
    void commitNothingTwice() {
      admit(0, 10);
      settle(0, 3);
      tick(Duration.ofSeconds(1));
      consumer.answer(0, null);
      tick(Duration.ofSeconds(1));
      assertThat(consumer.asked).containsExactly(3L);
      assertThat(partition.committed()).isEqualTo(3);
    }

    @Test
    void commitOneAtATime() {
      admit(0, 10);
      settle(0, 3);
      tick(Duration.ofSeconds(1));
      settle(3, 5);
      tick(Duration.ofSeconds(5));
      assertThat(consumer.asked).containsExactly(3L);
      consumer.answer(0, null);
      tick(Duration.ZERO);
      assertThat(consumer.asked).containsExactly(3L, 5L);
    }

    @Test
    void tryAgainWithTheNewestFrontierWhateverFailed() {
      admit(0, 10);
      int settled = 0;
      for (Exception error :
          List.of(
              new StaleMemberEpochException("epoch"),
              new RetriableCommitFailedException("coordinator"),
              new RebalanceInProgressException(),
              new CommitFailedException(),
              new IllegalStateException("other"))) {
        settle(settled, settled + 1);
        settled++;
        tick(Duration.ofSeconds(1));
        consumer.answer(settled - 1, error);
        assertThat(partition.committed()).isZero();
      }
      tick(Duration.ofSeconds(1));
      consumer.answer(settled, null);
      assertThat(consumer.asked).containsExactly(1L, 2L, 3L, 4L, 5L, 5L);
      assertThat(partition.committed()).isEqualTo(5);
    }

    @Test
    void doNotHurryAfterAFailure() {
      admit(0, 2_000);
      settle(0, 500);
      tick(Duration.ZERO);
      consumer.answer(0, new RebalanceInProgressException());
      settle(500, 1_500);
      tick(Duration.ofMillis(99));
      assertThat(consumer.asked).hasSize(1);
      tick(Duration.ofMillis(1));
      consumer.answer(1, null);
      assertThat(consumer.asked).containsExactly(500L, 1_500L);
      settle(1_500, 2_000);
      tick(Duration.ZERO);
      assertThat(consumer.asked).containsExactly(500L, 1_500L, 2_000L);
    }

    @Test
    void commitWhatIsSettledAheadOfAStuckRecord() {
      admit(0, 10);
      settle(0, 3);
      settle(5, 8);
      tick(Duration.ofSeconds(1));
      consumer.answer(0, null);
      tick(Duration.ofSeconds(1)); // nothing is new
      settle(9, 10);
      tick(Duration.ofMillis(999));
      tick(Duration.ofMillis(1));
      assertThat(consumer.asked).containsExactly(3L, 3L);
      assertThat(consumer.maps).containsExactly("[5..7]", "[5..7, 9..9]");
    }

    @Test
    void commitTheMapAgainUntilTheBrokerHasConfirmedIt() {
      admit(0, 10);
      settle(5, 8);
      tick(Duration.ofSeconds(1));
      consumer.answer(0, new RetriableCommitFailedException("coordinator"));
      tick(Duration.ofSeconds(1));
      consumer.answer(1, null);
      tick(Duration.ofSeconds(1));
      assertThat(consumer.maps).containsExactly("[5..7]", "[5..7]");
      assertThat(partition.committed()).isZero();
    }

    @Test
    void doWithoutTheMapWhenTheBrokerTakesNone() {
      admit(0, 10);
      settle(0, 2);
      settle(5, 8);
      tick(Duration.ofSeconds(1));
      consumer.answer(0, new OffsetMetadataTooLarge("metadata"));
      tick(Duration.ofSeconds(1));
      consumer.answer(1, null);
      settle(9, 10);
      tick(Duration.ofSeconds(1));
      assertThat(consumer.asked).containsExactly(2L, 2L);
      assertThat(consumer.maps).containsExactly("[5..7]", "[]");
    }

    @Test
    void doNotCommitWhatNobodyKnows() {
      Partition unknown = new Partition(ID, 1, null, KafkaChannelSpec.DEFAULT, meters, nanos::get);
      nanos.addAndGet(Duration.ofDays(3).toNanos());
      committer.tick(List.of(unknown), consumer);
      assertThat(consumer.asked).isEmpty();
      unknown.window.skipTo(0);
      nanos.addAndGet(Duration.ofSeconds(1).toNanos());
      committer.tick(List.of(unknown), consumer);
      assertThat(consumer.asked).containsExactly(0L);
    }

    @Test
    void repeatTheOffsetOfAnIdlePartitionOnceADay() {
      admit(0, 3);
      settle(0, 3);
      tick(Duration.ofSeconds(1));
      consumer.answer(0, null);
      tick(Duration.ofHours(24).minusSeconds(1));
      assertThat(consumer.asked).hasSize(1);
      tick(Duration.ofSeconds(1));
      assertThat(consumer.asked).containsExactly(3L, 3L);
      consumer.answer(1, new RetriableCommitFailedException("coordinator"));
      tick(Duration.ofSeconds(1)); // still due
      consumer.answer(2, null);
      tick(Duration.ofHours(23));
      assertThat(consumer.asked).containsExactly(3L, 3L, 3L);
      tick(Duration.ofHours(1));
      assertThat(consumer.asked).hasSize(4);
    }

    @Test
    void surviveAnAnswerThatComesAfterTheOwnership() {
      admit(0, 10);
      settle(0, 3);
      tick(Duration.ofSeconds(1));
      partition.fence();
      partition.end();
      consumer.answer(0, new RetriableCommitFailedException("too late"));
      assertThat(partition.committed()).isZero();
    }
  }

  @Nested
  class Flushes {

    @Test
    void startAgainWhenWokenUpOrRefusedForNow() {
      admit(0, 10);
      settle(0, 7);
      consumer.syncFailures.addAll(
          List.of(new WakeupException(), new WakeupException(), new TimeoutException()));
      committer.flush(all, consumer, Duration.ofSeconds(5));
      assertThat(consumer.asked).containsExactly(7L, 7L, 7L, 7L);
      assertThat(partition.committed()).isEqualTo(7);
    }

    @Test
    void tellThatTheGroupIsRebalancing() {
      admit(0, 10);
      settle(0, 7);
      consumer.syncFailures.add(new RebalanceInProgressException());
      assertThat(committer.flush(all, consumer, Duration.ofSeconds(5))).isFalse();
      assertThat(partition.committed()).isZero();
      assertThat(committer.flush(all, consumer, Duration.ofSeconds(5))).isTrue();
      assertThat(partition.committed()).isEqualTo(7);
    }

    @Test
    void giveUpWhenTheGroupHasMovedOn() {
      admit(0, 10);
      settle(0, 7);
      consumer.syncFailures.add(new CommitFailedException());
      assertThat(committer.flush(all, consumer, Duration.ofSeconds(5))).isTrue();
      assertThat(consumer.asked).hasSize(1);
      assertThat(partition.committed()).isZero();
    }

    @Test
    void startAgainWhenTheEpochMayHaveBeenStale() {
      KafkaChannelSpec epochs = KafkaChannelSpec.DEFAULT.groupProtocol(GroupProtocol.CONSUMER);
      OffsetCommitter committer = new OffsetCommitter(epochs, meters, nanos::get);
      admit(0, 10);
      settle(0, 7);
      consumer.syncFailures.addAll(
          List.of(new CommitFailedException(), new CommitFailedException()));
      committer.flush(all, consumer, Duration.ofSeconds(5));
      assertThat(consumer.asked).containsExactly(7L, 7L, 7L);
      assertThat(partition.committed()).isEqualTo(7);
      settle(7, 9);
      for (int i = 0; i < 9; i++) {
        consumer.syncFailures.add(new CommitFailedException());
      }
      committer.flush(all, consumer, Duration.ofSeconds(5)); // not a member any more
      assertThat(consumer.asked).hasSize(7);
      assertThat(partition.committed()).isEqualTo(7);
    }

    @Test
    void giveUpWhenTheTimeIsOver() {
      admit(0, 10);
      settle(0, 7);
      for (int i = 0; i < 100; i++) {
        consumer.syncFailures.add(new TimeoutException());
      }
      consumer.onSync = () -> nanos.addAndGet(Duration.ofSeconds(2).toNanos());
      committer.flush(all, consumer, Duration.ofSeconds(5));
      assertThat(consumer.asked).hasSize(3);
      assertThat(partition.committed()).isZero();
    }

    @Test
    void areNotUndoneByAnEarlierCommitThatIsAnsweredLate() {
      admit(0, 10);
      settle(0, 3);
      tick(Duration.ofSeconds(1));
      settle(3, 7);
      committer.flush(all, consumer, Duration.ofSeconds(5));
      consumer.answer(0, null);
      assertThat(consumer.asked).containsExactly(3L, 7L);
      assertThat(partition.committed()).isEqualTo(7);
    }

    @Test
    void saveWhatIsSettledAhead() {
      admit(0, 10);
      settle(4, 7);
      partition.fence();
      committer.flush(all, consumer, Duration.ofSeconds(5));
      assertThat(consumer.asked).containsExactly(0L);
      assertThat(consumer.maps).containsExactly("[4..6]");
    }

    @Test
    void doWithoutTheMapWhenTheBrokerTakesNone() {
      admit(0, 10);
      settle(0, 2);
      settle(4, 7);
      consumer.syncFailures.add(new OffsetMetadataTooLarge("metadata"));
      committer.flush(all, consumer, Duration.ofSeconds(5));
      assertThat(consumer.asked).containsExactly(2L, 2L);
      assertThat(consumer.maps).containsExactly("[4..6]", "[]");
      assertThat(partition.committed()).isEqualTo(2);
    }

    @Test
    void doNothingWhenNothingIsNew() {
      admit(0, 10);
      committer.flush(all, consumer, Duration.ofSeconds(5));
      assertThat(consumer.asked).isEmpty();
    }
  }
}

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

import java.time.Duration;
import java.util.Collection;
import java.util.Map;
import org.apache.kafka.clients.consumer.CloseOptions;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.CooperativeStickyAssignor;
import org.apache.kafka.clients.consumer.InvalidOffsetException;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.NoOffsetForPartitionException;
import org.apache.kafka.clients.consumer.OffsetOutOfRangeException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.WakeupException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.Deserializer;

/**
 * The consumer that the poll loop drives. Whatever must happen on the poll thread hangs on its
 * methods, because nothing else of the loop is in our hands: records are admitted inside {@code
 * poll}, before they can wait anywhere; rebalances reach the {@link Assignment} first; and it ends
 * with a commit.
 *
 * <p>The values it returns are {@link Arrival}s.
 */
final class PolledConsumer extends KafkaConsumer<byte[], Object> {

  private static final Duration REBALANCE_STEP = Duration.ofMillis(20);

  private final Assignment assignment;
  private final Runnable onClosed;
  private final Pauses pauses = new Pauses(new Fetching());
  private final boolean mayComeBack;
  private boolean joined;

  PolledConsumer(Map<String, Object> config, Assignment assignment, Runnable onClosed) {
    super(config, new ByteArrayDeserializer(), new RawValue());
    this.assignment = assignment;
    this.onClosed = onClosed;
    this.mayComeBack =
        config.containsKey(ConsumerConfig.GROUP_INSTANCE_ID_CONFIG)
            && CooperativeStickyAssignor.class
                .getName()
                .equals(config.get(ConsumerConfig.PARTITION_ASSIGNMENT_STRATEGY_CONFIG));
  }

  @Override
  public ConsumerRecords<byte[], Object> poll(Duration timeout) {
    assignment.beforePoll(this, pauses);
    ConsumerRecords<byte[], Object> records;
    try {
      records = super.poll(timeout);
    } catch (NoOffsetForPartitionException e) {
      assignment.begin(e.partitions(), this, pauses, e);
      return ConsumerRecords.empty();
    } catch (OffsetOutOfRangeException e) {
      assignment.outOfRange(e.offsetOutOfRangePartitions(), this, pauses, e);
      return ConsumerRecords.empty();
    }
    return assignment.polled(records, pauses);
  }

  /**
   * In a cooperative rebalance a member first gives partitions up, and then asks for another
   * rebalance, which gives them to somebody. A static member that crashed in between and comes back
   * is handed what it had, without any rebalance: nobody would own those partitions, for as long as
   * no member comes or goes. So it asks once, whatever happened to its former life.
   */
  private void askOnce() {
    if (!joined) {
      joined = true;
      if (mayComeBack) {
        enforceRebalance("a static member has come, perhaps back from the middle of a rebalance");
      }
    }
  }

  /**
   * Polls for the sake of the group alone, while the consumer is being closed. Records of a
   * partition that comes now are left to its next owner.
   */
  private void rebalance() {
    super.pause(assignment());
    try {
      super.poll(REBALANCE_STEP);
    } catch (WakeupException | InvalidOffsetException e) {
      // Nothing is read here.
    }
  }

  @Override
  public void subscribe(Collection<String> topics, ConsumerRebalanceListener listener) {
    super.subscribe(topics, new AssignmentFirst(listener));
  }

  @Override
  public void pause(Collection<TopicPartition> partitions) {
    pauses.add(Pauses.Reason.NO_DEMAND, partitions);
  }

  @Override
  public void resume(Collection<TopicPartition> partitions) {
    pauses.remove(Pauses.Reason.NO_DEMAND, partitions);
  }

  @Override
  @SuppressWarnings("deprecation") // the one that the loop calls
  public void close(Duration timeout) {
    try {
      assignment.close(this, this::rebalance);
    } finally {
      try {
        super.close(CloseOptions.timeout(timeout));
      } finally {
        onClosed.run();
      }
    }
  }

  private final class Fetching implements Pauses.Valve {
    @Override
    public void pause(Collection<TopicPartition> partitions) {
      PolledConsumer.super.pause(partitions);
    }

    @Override
    public void resume(Collection<TopicPartition> partitions) {
      PolledConsumer.super.resume(partitions);
    }
  }

  /** Called within {@code poll} or {@code close}. */
  private final class AssignmentFirst implements ConsumerRebalanceListener {

    private final ConsumerRebalanceListener loop;

    AssignmentFirst(ConsumerRebalanceListener loop) {
      this.loop = loop;
    }

    @Override
    public void onPartitionsAssigned(Collection<TopicPartition> partitions) {
      pauses.forget(partitions);
      assignment.assigned(partitions, groupMetadata().generationId(), PolledConsumer.this);
      loop.onPartitionsAssigned(partitions);
      askOnce();
    }

    @Override
    public void onPartitionsRevoked(Collection<TopicPartition> partitions) {
      assignment.revoked(partitions, PolledConsumer.this);
      pauses.forget(partitions);
      loop.onPartitionsRevoked(partitions);
    }

    /** Not for the loop, which would treat it as a revocation. */
    @Override
    public void onPartitionsLost(Collection<TopicPartition> partitions) {
      assignment.lost(partitions);
      pauses.forget(partitions);
    }
  }

  /** The bytes as they are, typed so that an arrival may take their place. */
  private static final class RawValue implements Deserializer<Object> {
    @Override
    public Object deserialize(String topic, byte[] data) {
      return data;
    }
  }
}

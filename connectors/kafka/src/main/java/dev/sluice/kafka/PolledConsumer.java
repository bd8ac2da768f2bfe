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
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.kafka.clients.consumer.CloseOptions;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecords;
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

  /*
   * A partition is paused while the loop wants it (it pauses everything when nobody asks for
   * records) or while the assignment wants it (its window is full). Neither may undo the other's.
   */

  private final Assignment assignment;
  private final Runnable onClosed;
  private final Set<TopicPartition> pausedByLoop = new HashSet<>();
  private final Set<TopicPartition> heldByUs = new HashSet<>();

  PolledConsumer(Map<String, Object> config, Assignment assignment, Runnable onClosed) {
    super(config, new ByteArrayDeserializer(), new RawValue());
    this.assignment = assignment;
    this.onClosed = onClosed;
  }

  @Override
  public ConsumerRecords<byte[], Object> poll(Duration timeout) {
    assignment.beforePoll(this);
    ConsumerRecords<byte[], Object> records;
    try {
      records = super.poll(timeout);
    } catch (NoOffsetForPartitionException e) {
      assignment.begin(e.partitions(), this, e);
      return ConsumerRecords.empty();
    } catch (OffsetOutOfRangeException e) {
      throw new IllegalStateException(
          "offsets out of range: "
              + e.offsetOutOfRangePartitions()
              + " (expected: offsets that the log still holds; records may be lost, reset the"
              + " group's offsets to go on)",
          e);
    }
    return assignment.polled(records, this);
  }

  /**
   * Polls for the sake of the group alone, while the consumer is being closed. Records of a
   * partition that comes now are left to its next owner.
   */
  void rebalance(Duration timeout) {
    super.pause(assignment());
    try {
      super.poll(timeout);
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
    pausedByLoop.addAll(partitions);
    super.pause(partitions);
  }

  @Override
  public void resume(Collection<TopicPartition> partitions) {
    pausedByLoop.removeAll(partitions);
    List<TopicPartition> free = new ArrayList<>(partitions);
    free.removeAll(heldByUs);
    super.resume(free);
  }

  /** Pauses a partition on behalf of the assignment. */
  void hold(TopicPartition partition) {
    heldByUs.add(partition);
    super.pause(List.of(partition));
  }

  /** Undoes {@link #hold}. */
  void release(TopicPartition partition) {
    heldByUs.remove(partition);
    if (!pausedByLoop.contains(partition)) {
      super.resume(List.of(partition));
    }
  }

  @Override
  @SuppressWarnings("deprecation") // the one that the loop calls
  public void close(Duration timeout) {
    try {
      assignment.close(this);
    } finally {
      try {
        super.close(CloseOptions.timeout(timeout));
      } finally {
        onClosed.run();
      }
    }
  }

  /** The next offset to be read, for which the broker may have to be asked. */
  long positionOf(TopicPartition partition, Duration timeout) {
    for (; ; ) {
      try {
        return position(partition, timeout);
      } catch (WakeupException e) {
        // Demand wakes the consumer up wherever it is.
      }
    }
  }

  private void forget(Collection<TopicPartition> partitions) {
    pausedByLoop.removeAll(partitions);
    heldByUs.removeAll(partitions);
  }

  /** Called within {@code poll} or {@code close}. */
  private final class AssignmentFirst implements ConsumerRebalanceListener {

    private final ConsumerRebalanceListener loop;

    AssignmentFirst(ConsumerRebalanceListener loop) {
      this.loop = loop;
    }

    @Override
    public void onPartitionsAssigned(Collection<TopicPartition> partitions) {
      forget(partitions);
      assignment.assigned(partitions, groupMetadata().generationId());
      loop.onPartitionsAssigned(partitions);
    }

    @Override
    public void onPartitionsRevoked(Collection<TopicPartition> partitions) {
      assignment.revoked(partitions, PolledConsumer.this);
      forget(partitions);
      loop.onPartitionsRevoked(partitions);
    }

    /** Not for the loop, which would treat it as a revocation. */
    @Override
    public void onPartitionsLost(Collection<TopicPartition> partitions) {
      assignment.lost(partitions);
      forget(partitions);
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

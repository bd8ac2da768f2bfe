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
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongSupplier;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.RetriableException;
import org.apache.kafka.common.errors.WakeupException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The partitions that one consumer owns, and what is done about them between two polls. Everything
 * here happens on the poll thread, except the two requests to stop.
 */
final class Assignment {

  private static final Logger log = LoggerFactory.getLogger(Assignment.class);
  private static final long DRAIN_STEP_NANOS = 1_000_000;
  private static final long GAUGES_STEP_NANOS = 100_000_000;

  private final KafkaChannelSpec spec;
  private final Statistics meters;
  private final LongSupplier nanoTime;
  private final OffsetCommitter committer;
  private final Map<TopicPartition, Partition> owned = new HashMap<>();

  private volatile boolean intakeStopped;
  private volatile boolean closing;
  private volatile List<KafkaGauges.OfPartition> gauges = List.of();
  private long gaugesAt;

  Assignment(KafkaChannelSpec spec, Statistics meters, LongSupplier nanoTime) {
    this.spec = spec;
    this.meters = meters;
    this.nanoTime = nanoTime;
    this.committer = new OffsetCommitter(spec, meters, nanoTime);
    this.gaugesAt = nanoTime.getAsLong() - GAUGES_STEP_NANOS;
  }

  // == any thread ==

  /** No more records are polled from now on; the consumer stays in its group. */
  void stopIntake() {
    intakeStopped = true;
  }

  /** The consumer is about to be closed: nobody waits for deliveries that are out any more. */
  void stopWaiting() {
    intakeStopped = true;
    closing = true;
  }

  /** As of the last poll. */
  List<KafkaGauges.OfPartition> gauges() {
    return gauges;
  }

  // == rebalance ==

  /** Partitions are ours from now on, and go on where the group is, which is looked up once. */
  void assigned(Collection<TopicPartition> ids, int generation, Consumer<?, ?> consumer) {
    Map<TopicPartition, OffsetAndMetadata> committed = committed(ids, consumer);
    for (TopicPartition id : ids) {
      OffsetAndMetadata last = committed.get(id);
      if (last != null) {
        consumer.seek(id, last); // or it would ask again, and might hear of another offset
      }
      owned.put(id, new Partition(id, generation, last, spec, meters, nanoTime));
    }
    log.debug("{} assigned in generation {}", ids, generation);
  }

  /** If the broker does not answer, nothing: the consumer will ask by itself. */
  private Map<TopicPartition, OffsetAndMetadata> committed(
      Collection<TopicPartition> ids, Consumer<?, ?> consumer) {
    while (!closing && !ids.isEmpty()) {
      try {
        Map<TopicPartition, OffsetAndMetadata> committed =
            new HashMap<>(consumer.committed(Set.copyOf(ids), spec.closeTimeout()));
        committed.values().removeIf(Objects::isNull);
        return committed;
      } catch (WakeupException e) {
        // Demand wakes the consumer up wherever it is.
      } catch (KafkaException e) {
        log.warn("what is settled ahead in {} is not known and may be repeated", ids, e);
        break;
      }
    }
    return Map.of();
  }

  /**
   * Partitions go to another member: what is out may still be settled for a while, then the
   * frontier is committed, and the rest is lost.
   */
  void revoked(Collection<TopicPartition> ids, Consumer<?, ?> consumer) {
    List<Partition> leaving = remove(ids);
    leaving.forEach(Partition::leave);
    awaitIdle(leaving);
    release(leaving, consumer);
    log.debug("{} revoked", ids);
  }

  /** Partitions went to another member already: a commit would not be ours to make. */
  void lost(Collection<TopicPartition> ids) {
    List<Partition> gone = remove(ids);
    gone.forEach(Partition::fence);
    gone.forEach(Partition::end);
    if (!gone.isEmpty()) {
      log.warn("{} lost to another member of group {}", ids, spec.group());
    }
  }

  /**
   * The end of the consumer. A group that is rebalancing takes no commits, and gets on with it only
   * when its members poll.
   *
   * @param rebalance polls for the sake of the group alone
   */
  void close(Consumer<?, ?> consumer, Runnable rebalance) {
    owned.values().forEach(Partition::fence);
    long deadline = nanoTime.getAsLong() + spec.closeTimeout().toNanos();
    Duration left = spec.closeTimeout();
    while (!committer.flush(owned.values(), consumer, left) && !left.isNegative()) {
      rebalance.run();
      left = Duration.ofNanos(deadline - nanoTime.getAsLong());
    }
    owned.values().forEach(Partition::end);
    owned.clear();
  }

  private void release(List<Partition> leaving, Consumer<?, ?> consumer) {
    leaving.forEach(Partition::fence);
    committer.flush(leaving, consumer, spec.closeTimeout());
    leaving.forEach(Partition::end);
  }

  private List<Partition> remove(Collection<TopicPartition> ids) {
    List<Partition> removed = new ArrayList<>();
    for (TopicPartition id : ids) {
      Partition partition = owned.remove(id);
      if (partition != null) {
        removed.add(partition);
      }
    }
    return removed;
  }

  /** Takes no lock that a worker could hold: it looks, and looks again. */
  private void awaitIdle(List<Partition> leaving) {
    long deadline = nanoTime.getAsLong() + spec.revokeDrain().toNanos();
    for (Partition partition : leaving) {
      while (!closing && !partition.isIdle() && nanoTime.getAsLong() - deadline < 0) {
        LockSupport.parkNanos(DRAIN_STEP_NANOS);
        if (Thread.currentThread().isInterrupted()) {
          return;
        }
      }
    }
  }

  Collection<Partition> partitions() {
    return owned.values();
  }

  // == poll ==

  void beforePoll(Consumer<?, ?> consumer, Pauses pauses) {
    if (intakeStopped) {
      pauses.add(Pauses.Reason.STOPPED, owned.keySet());
    }
    for (Partition partition : owned.values()) {
      if (partition.isHeld() && partition.hasRoom()) {
        partition.hold(false);
        pauses.remove(Pauses.Reason.FULL, List.of(partition.id));
      }
    }
    committer.tick(owned.values(), consumer);
    if (nanoTime.getAsLong() - gaugesAt >= GAUGES_STEP_NANOS) {
      gaugesAt = nanoTime.getAsLong();
      gauges = partitions().stream().map(p -> p.gauges(pauses.isPaused(p.id))).toList();
    }
  }

  /** Passes on what is new, with its place in the window of its partition. */
  ConsumerRecords<byte[], Object> polled(ConsumerRecords<byte[], Object> records, Pauses pauses) {
    Map<TopicPartition, List<ConsumerRecord<byte[], Object>>> admitted = new HashMap<>();
    for (TopicPartition id : records.partitions()) {
      Partition partition = owned.get(id);
      if (partition != null) {
        List<ConsumerRecord<byte[], Object>> fresh = admit(partition, records.records(id));
        if (!fresh.isEmpty()) {
          admitted.put(id, fresh);
        }
      }
    }
    for (Map.Entry<TopicPartition, OffsetAndMetadata> next : records.nextOffsets().entrySet()) {
      Partition partition = owned.get(next.getKey());
      if (partition != null) {
        partition.window.skipTo(next.getValue().offset());
        if (!partition.isHeld() && partition.isFull()) {
          partition.hold(true);
          pauses.add(Pauses.Reason.FULL, List.of(partition.id));
        }
      }
    }
    return new ConsumerRecords<>(admitted, records.nextOffsets());
  }

  /** The group has no offset for these partitions. */
  void begin(
      Collection<TopicPartition> ids,
      Consumer<?, ?> consumer,
      Pauses pauses,
      RuntimeException cause) {
    switch (spec.startAt()) {
      case EARLIEST -> consumer.seekToBeginning(ids);
      case LATEST -> goOnAt(spec.startAt(), ids, consumer, pauses);
      case FAIL ->
          throw new IllegalStateException(
              "group "
                  + spec.group()
                  + " has no offset for "
                  + ids
                  + " (expected: a committed one)",
              cause);
    }
  }

  /** The log does not hold the offsets that are to be read next. */
  void outOfRange(
      Map<TopicPartition, Long> offsets,
      Consumer<?, ?> consumer,
      Pauses pauses,
      RuntimeException cause) {
    if (spec.outOfRange() == StartAt.FAIL) {
      throw new IllegalStateException(
          "offsets of group "
              + spec.group()
              + " are not in the log: "
              + offsets
              + " (expected: offsets that it holds; records may be lost: set the group's offsets,"
              + " or say with outOfRange where to go on)",
          cause);
    }
    goOnAt(spec.outOfRange(), offsets.keySet(), consumer, pauses)
        .forEach(
            (id, next) ->
                log.warn(
                    "{}: offset {} is not in the log, going on at {}: records may be lost",
                    id,
                    offsets.get(id),
                    next));
  }

  /**
   * What comes from there on belongs to the group, whatever happens to this member: hence the
   * commit. If the broker does not answer nothing changes, and the next poll leads here again.
   */
  private Map<TopicPartition, Long> goOnAt(
      StartAt start, Collection<TopicPartition> ids, Consumer<?, ?> consumer, Pauses pauses) {
    Map<TopicPartition, Long> offsets;
    try {
      offsets =
          start == StartAt.LATEST
              ? consumer.endOffsets(ids, spec.closeTimeout())
              : consumer.beginningOffsets(ids, spec.closeTimeout());
    } catch (RetriableException e) {
      log.debug("where to go on in {} is not known yet", ids, e);
      return Map.of();
    }
    offsets.forEach(
        (id, next) -> {
          consumer.seek(id, next);
          owned.computeIfPresent(id, (same, partition) -> goOnAt(next, partition, pauses));
        });
    committer.flush(owned(offsets.keySet()), consumer, spec.closeTimeout());
    return offsets;
  }

  /**
   * Behind what was read, the records that are out are finished as ever. Before it, offsets come
   * again that stood for other records: those that are out have nothing to do with them.
   */
  private Partition goOnAt(long next, Partition partition, Pauses pauses) {
    if (next >= partition.window.position()) {
      partition.window.skipTo(next);
      return partition;
    }
    partition.fence();
    partition.end();
    pauses.remove(Pauses.Reason.FULL, List.of(partition.id));
    Partition anew = new Partition(partition.id, partition.epoch, null, spec, meters, nanoTime);
    anew.window.skipTo(next);
    return anew;
  }

  private List<Partition> owned(Collection<TopicPartition> ids) {
    return ids.stream().filter(owned::containsKey).map(owned::get).toList();
  }

  private List<ConsumerRecord<byte[], Object>> admit(
      Partition partition, List<ConsumerRecord<byte[], Object>> records) {
    List<ConsumerRecord<byte[], Object>> fresh = new ArrayList<>(records.size());
    for (ConsumerRecord<byte[], Object> record : records) {
      Arrival arrival = partition.admit(record);
      if (arrival == null) {
        log.debug("{}@{} is not new", partition.name, record.offset());
      } else {
        fresh.add(
            new ConsumerRecord<>(
                record.topic(), record.partition(), record.offset(), record.key(), arrival));
      }
    }
    return fresh;
  }
}

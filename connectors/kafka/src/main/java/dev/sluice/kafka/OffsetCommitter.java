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
import java.util.HashMap;
import java.util.Map;
import java.util.function.LongSupplier;
import org.apache.kafka.clients.consumer.CommitFailedException;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.InterruptException;
import org.apache.kafka.common.errors.RebalanceInProgressException;
import org.apache.kafka.common.errors.RetriableException;
import org.apache.kafka.common.errors.WakeupException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Commits the frontiers of the partitions of one consumer. Lives on the poll thread.
 *
 * <p>One commit is on its way at a time, so that the broker sees no older offset after a newer one.
 * A partition counts as committed only when the broker has said so: whatever becomes of a commit,
 * the next one covers it.
 */
final class OffsetCommitter {

  private static final Logger log = LoggerFactory.getLogger(OffsetCommitter.class);

  /** A group that rebalances refuses every commit, for as long as its slowest member takes. */
  private static final long RETRY_NANOS = 100_000_000;

  private final long intervalNanos;
  private final int every;
  private final LongSupplier nanoTime;

  private boolean underWay;
  private boolean failed;
  private long lastAttempt;

  OffsetCommitter(Duration interval, int every, LongSupplier nanoTime) {
    this.intervalNanos = interval.toNanos();
    this.every = every;
    this.nanoTime = nanoTime;
    this.lastAttempt = nanoTime.getAsLong();
  }

  /** Starts a commit if one is due. */
  void tick(Collection<Partition> partitions, Consumer<?, ?> consumer) {
    if (underWay || !isDue(partitions)) {
      return;
    }
    lastAttempt = nanoTime.getAsLong();
    Map<Partition, Long> frontiers = uncommitted(partitions);
    if (frontiers.isEmpty()) {
      return;
    }
    underWay = true;
    try {
      consumer.commitAsync(
          offsets(frontiers),
          (offsets, error) -> {
            underWay = false;
            failed = error != null;
            if (error == null) {
              frontiers.forEach(Partition::committed);
            } else {
              report(frontiers, error);
            }
          });
    } catch (RuntimeException e) {
      underWay = false;
      failed = true;
      report(frontiers, e);
    }
  }

  /**
   * Commits now and waits for it, within {@code timeout}; in vain if the group has moved on. The
   * consumer is woken up by demand, hence perhaps in the middle of this, which then starts again.
   *
   * @return false if the group is rebalancing, and takes commits again when this consumer has
   *     polled
   */
  boolean flush(Collection<Partition> partitions, Consumer<?, ?> consumer, Duration timeout) {
    Map<Partition, Long> frontiers = uncommitted(partitions);
    long deadline = nanoTime.getAsLong() + timeout.toNanos();
    while (!frontiers.isEmpty()) {
      Duration left = Duration.ofNanos(deadline - nanoTime.getAsLong());
      if (left.isNegative()) {
        log.warn("not committed in time: {}", offsets(frontiers));
        return true;
      }
      try {
        consumer.commitSync(offsets(frontiers), left);
        frontiers.forEach(Partition::committed);
        return true;
      } catch (WakeupException e) {
        log.debug("woken up during a commit, which starts again");
      } catch (InterruptException e) { // the flag is set again
        report(frontiers, e);
        return true;
      } catch (RebalanceInProgressException e) {
        report(frontiers, e);
        return false;
      } catch (CommitFailedException e) {
        report(frontiers, e);
        return true;
      } catch (RetriableException e) {
        log.debug("a commit failed and starts again", e);
      } catch (RuntimeException e) {
        report(frontiers, e);
        return true;
      }
    }
    return true;
  }

  private boolean isDue(Collection<Partition> partitions) {
    long since = nanoTime.getAsLong() - lastAttempt;
    if (failed) {
      return since >= Math.min(intervalNanos, RETRY_NANOS);
    }
    if (since >= intervalNanos) {
      return true;
    }
    long settled = 0;
    for (Partition partition : partitions) {
      settled += partition.window.frontier() - partition.committed();
    }
    return settled >= every;
  }

  private static Map<Partition, Long> uncommitted(Collection<Partition> partitions) {
    Map<Partition, Long> frontiers = new HashMap<>();
    for (Partition partition : partitions) {
      long frontier = partition.window.frontier();
      if (frontier > partition.committed()) {
        frontiers.put(partition, frontier);
      }
    }
    return frontiers;
  }

  private static Map<TopicPartition, OffsetAndMetadata> offsets(Map<Partition, Long> frontiers) {
    Map<TopicPartition, OffsetAndMetadata> offsets = new HashMap<>();
    frontiers.forEach(
        (partition, frontier) -> offsets.put(partition.id, new OffsetAndMetadata(frontier)));
    return offsets;
  }

  private static void report(Map<Partition, Long> frontiers, Exception error) {
    if (error instanceof RetriableException || error instanceof RebalanceInProgressException) {
      log.debug("not committed yet: {}", offsets(frontiers), error);
    } else {
      log.warn("not committed: {}", offsets(frontiers), error);
    }
  }
}

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
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongSupplier;
import org.apache.kafka.clients.consumer.CommitFailedException;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.OffsetMetadataTooLarge;
import org.apache.kafka.common.errors.RebalanceInProgressException;
import org.apache.kafka.common.errors.RetriableException;
import org.apache.kafka.common.errors.StaleMemberEpochException;
import org.apache.kafka.common.errors.WakeupException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Commits the frontiers of the partitions of one consumer, and what is settled ahead of them. Lives
 * on the poll thread.
 *
 * <p>One commit is on its way at a time, so that the broker sees no older offset after a newer one.
 * A partition counts as committed only when the broker has said so: whatever becomes of a commit,
 * the next one covers it.
 */
final class OffsetCommitter {

  private static final Logger log = LoggerFactory.getLogger(OffsetCommitter.class);

  /** A group that rebalances refuses every commit, for as long as its slowest member takes. */
  private static final long RETRY_NANOS = 100_000_000;

  /** A member of a group with epochs cannot tell a stale epoch from the end of its membership. */
  private static final int REFUSALS = 3;

  private final long intervalNanos;
  private final int every;
  private final boolean epochs;
  private final Duration refresh;
  private final Statistics meters;
  private final LongSupplier nanoTime;

  private int mapLength;
  private boolean underWay;
  private boolean failed;
  private long lastAttempt;

  OffsetCommitter(KafkaChannelSpec spec, Statistics meters, LongSupplier nanoTime) {
    this.intervalNanos = spec.commitInterval().toNanos();
    this.every = spec.commitEvery();
    this.epochs = spec.groupProtocol() == GroupProtocol.CONSUMER;
    this.refresh = spec.refreshOffsets();
    this.mapLength = spec.ackAheadMap();
    this.meters = meters;
    this.nanoTime = nanoTime;
    this.lastAttempt = nanoTime.getAsLong();
  }

  /** Starts a commit if one is due. */
  void tick(Collection<Partition> partitions, Consumer<?, ?> consumer) {
    if (underWay || !isDue(partitions)) {
      return;
    }
    lastAttempt = nanoTime.getAsLong();
    failed = false;
    Map<Partition, OffsetAndMetadata> news = news(partitions);
    if (news.isEmpty()) {
      return;
    }
    underWay = true;
    try {
      consumer.commitAsync(
          byId(news),
          (offsets, error) -> {
            underWay = false;
            if (error == null) {
              news.forEach(Partition::committed);
            } else {
              failed = true;
              report(news, error);
            }
          });
    } catch (RuntimeException e) {
      underWay = false;
      failed = true;
      report(news, e);
    }
  }

  /**
   * Commits now and waits for it, within {@code timeout}; in vain if the group has moved on. The
   * consumer is woken up by demand, hence perhaps in the middle of this, which then starts again.
   * So does what was refused because the broker had just given this member a new epoch.
   *
   * @return false if the group is rebalancing, and takes commits again when this consumer has
   *     polled
   */
  boolean flush(Collection<Partition> partitions, Consumer<?, ?> consumer, Duration timeout) {
    long deadline = nanoTime.getAsLong() + timeout.toNanos();
    int refusals = epochs ? REFUSALS : 0;
    for (; ; ) {
      Map<Partition, OffsetAndMetadata> news = news(partitions);
      Duration left = Duration.ofNanos(deadline - nanoTime.getAsLong());
      if (news.isEmpty()) {
        return true;
      }
      if (left.isNegative()) {
        log.warn("not committed in time: {}", byId(news));
        return true;
      }
      try {
        consumer.commitSync(byId(news), left);
        news.forEach(Partition::committed);
        return true;
      } catch (WakeupException e) {
        log.debug("woken up during a commit, which starts again");
      } catch (RuntimeException e) {
        report(news, e);
        if (e instanceof RebalanceInProgressException) {
          return false;
        }
        if (e instanceof CommitFailedException && refusals-- > 0) {
          LockSupport.parkNanos(RETRY_NANOS);
        } else if (!isWorthAnotherTry(e)) {
          return true;
        }
      }
    }
  }

  private static boolean isWorthAnotherTry(RuntimeException error) {
    return error instanceof OffsetMetadataTooLarge || error instanceof RetriableException;
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

  /** What the broker does not know yet, or may be about to forget. */
  private Map<Partition, OffsetAndMetadata> news(Collection<Partition> partitions) {
    Map<Partition, OffsetAndMetadata> news = new HashMap<>();
    for (Partition partition : partitions) {
      OffsetAndMetadata progress = partition.progress(mapLength);
      if (progress != null
          && (partition.isNews(progress) || partition.sinceCommit().compareTo(refresh) >= 0)) {
        news.put(partition, progress);
      }
    }
    return news;
  }

  private static Map<TopicPartition, OffsetAndMetadata> byId(
      Map<Partition, OffsetAndMetadata> progress) {
    Map<TopicPartition, OffsetAndMetadata> byId = new HashMap<>();
    progress.forEach((partition, offset) -> byId.put(partition.id, offset));
    return byId;
  }

  private void report(Map<Partition, OffsetAndMetadata> progress, Exception error) {
    meters.failedCommits.increment();
    progress.keySet().forEach(partition -> partition.notCommitted(error));
    if (error instanceof OffsetMetadataTooLarge) {
      log.warn(
          "the broker takes less than {} bytes of metadata with a commit (see its"
              + " offset.metadata.max.bytes): what is settled out of order is not saved any more",
          mapLength);
      mapLength = 0;
    } else if (error instanceof RetriableException
        || error instanceof RebalanceInProgressException
        || error instanceof StaleMemberEpochException) {
      log.debug("not committed yet: {}", byId(progress), error);
    } else {
      log.warn("not committed: {}", byId(progress), error);
    }
  }
}

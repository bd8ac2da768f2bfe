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

import dev.sluice.Experimental;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How the subscriptions to a {@link KafkaChannel} stand: what each partition holds, beside its
 * bounds, and what has been counted since the channel was made.
 *
 * @param partitions the partitions that are owned, each as its poll loop saw it last, which is
 *     about 100 ms ago unless the loop is in the middle of a rebalance
 * @param skipped records that were not delivered because a former owner had settled them (see
 *     {@link KafkaChannelSpec#ackAheadMap})
 * @param redundant decisions about a delivery that was decided already
 * @param stale deliveries whose decision came to nothing, because the partition had gone
 * @param failedCommits commits that did not succeed and were, or will be, covered by a later one
 */
@Experimental
public record KafkaGauges(
    List<OfPartition> partitions, long skipped, long redundant, long stale, long failedCommits) {

  /**
   * How one partition stands.
   *
   * @param topic the topic
   * @param partition the number of the partition
   * @param epoch the period of ownership, as in {@link dev.sluice.delivery.Origin#epoch()}
   * @param committed the next offset of the group as the broker has confirmed it; -1 if it has none
   * @param frontier the next offset to commit: that of the oldest unsettled record; -1 if unknown
   * @param position the offset after the last record that was polled; -1 if unknown
   * @param window the records from the oldest unsettled one on, settled ones included
   * @param highWatermark the bound on {@code window}, at which the partition is paused
   * @param bytes what the unsettled records take
   * @param highWatermarkBytes the bound on {@code bytes}, at which the partition is paused
   * @param unsettled the records that are polled and not settled, whether they are out or wait: for
   *     demand, for their turn, or for the end of a retry's delay
   * @param stalledFor for how long the oldest unsettled record has been here; zero if there is none
   * @param paused whether nothing is fetched, because of a bound, for want of demand, or at the end
   * @param sinceCommit for how long the broker has confirmed no commit, since the partition came
   * @param commitError what the last commit failed with; null if it succeeded
   */
  public record OfPartition(
      String topic,
      int partition,
      long epoch,
      long committed,
      long frontier,
      long position,
      int window,
      int highWatermark,
      long bytes,
      long highWatermarkBytes,
      int unsettled,
      Duration stalledFor,
      boolean paused,
      Duration sinceCommit,
      @Nullable String commitError) {}
}

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

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;

/** What is counted over all subscriptions to a channel, and what they own. Any thread. */
final class Statistics {

  final LongAdder skipped = new LongAdder();
  final LongAdder redundant = new LongAdder();
  final LongAdder stale = new LongAdder();
  final LongAdder failedCommits = new LongAdder();

  private final Set<Assignment> running = ConcurrentHashMap.newKeySet();

  void began(Assignment assignment) {
    running.add(assignment);
  }

  void ended(Assignment assignment) {
    running.remove(assignment);
  }

  KafkaGauges read() {
    List<KafkaGauges.OfPartition> partitions = new ArrayList<>();
    running.forEach(assignment -> partitions.addAll(assignment.gauges()));
    partitions.sort(
        Comparator.comparingInt(KafkaGauges.OfPartition::partition)
            .thenComparing(KafkaGauges.OfPartition::epoch));
    return new KafkaGauges(
        List.copyOf(partitions), skipped.sum(), redundant.sum(), stale.sum(), failedCommits.sum());
  }
}

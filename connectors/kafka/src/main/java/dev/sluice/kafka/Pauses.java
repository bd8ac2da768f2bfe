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
import java.util.Collection;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.kafka.common.TopicPartition;

/**
 * Why partitions are paused: each is for as long as there is a reason, so that nobody undoes the
 * pause of another. Lives on the poll thread.
 */
final class Pauses {

  /** Who wants a partition paused. */
  enum Reason {
    /** The loop, which has nobody to give records to. */
    NO_DEMAND,
    /** As many of its records are out as may be. */
    FULL,
    /** The receiver is about to end. */
    STOPPED
  }

  /** What pauses the consumer's fetching. */
  interface Valve {

    void pause(Collection<TopicPartition> partitions);

    void resume(Collection<TopicPartition> partitions);
  }

  private final Valve valve;
  private final Map<TopicPartition, Set<Reason>> reasons = new HashMap<>();

  Pauses(Valve valve) {
    this.valve = valve;
  }

  void add(Reason reason, Collection<TopicPartition> partitions) {
    List<TopicPartition> running = new ArrayList<>();
    for (TopicPartition partition : partitions) {
      if (!isPaused(partition)) {
        running.add(partition);
      }
      reasons.computeIfAbsent(partition, p -> EnumSet.noneOf(Reason.class)).add(reason);
    }
    if (!running.isEmpty()) {
      valve.pause(running);
    }
  }

  void remove(Reason reason, Collection<TopicPartition> partitions) {
    List<TopicPartition> free = new ArrayList<>();
    for (TopicPartition partition : partitions) {
      Set<Reason> left = reasons.get(partition);
      if (left != null && left.remove(reason) && left.isEmpty()) {
        reasons.remove(partition);
        free.add(partition);
      }
    }
    if (!free.isEmpty()) {
      valve.resume(free);
    }
  }

  /** A partition comes or goes: it is not paused for anything that was before. */
  void forget(Collection<TopicPartition> partitions) {
    reasons.keySet().removeAll(partitions);
  }

  boolean isPaused(TopicPartition partition) {
    return reasons.containsKey(partition);
  }
}

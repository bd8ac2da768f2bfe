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

import dev.sluice.channel.Inbound;
import dev.sluice.channel.Outbound;
import dev.sluice.channel.Receipt;
import dev.sluice.message.Message;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import reactor.core.publisher.Mono;

/**
 * A topic for each level of priority, because Kafka does not reorder what waits in a topic. What is
 * sent here goes to the topic of its {@link Message#priority()}; a flow merges the topics again:
 *
 * <pre>{@code
 * KafkaPriorityTopics bags = KafkaPriorityTopics.create(List.of(tight, transfer, local), 7, 3);
 * Flow.priorityMerge(bags.mostUrgentFirst(), p -> p.aging(Duration.ofSeconds(30)))…
 * }</pre>
 *
 * <p>Each topic has a window of its own: a flow that is busy with urgent messages takes a few of
 * the less urgent ones ahead and then pauses their partitions, so they cannot use up what is
 * allowed for the urgent.
 *
 * <p>The order of a group holds within a topic. Where it matters all messages of a group need one
 * priority.
 *
 * <p>Thread-safe. It owns nothing: the channels are closed by whoever made them.
 */
public final class KafkaPriorityTopics implements Outbound<byte[]> {

  private static final int MOST_URGENT = 9;

  private final List<KafkaChannel> mostUrgentFirst;
  private final int[] from;

  private KafkaPriorityTopics(List<KafkaChannel> mostUrgentFirst, int[] from) {
    this.mostUrgentFirst = mostUrgentFirst;
    this.from = from;
  }

  /**
   * Divides the priorities, 0 to 9, over topics.
   *
   * @param mostUrgentFirst a channel for each level, 1 to 10
   * @param from the least priority of each level but the last, falling, 1..9: with 7 and 3, what
   *     has at least 7 goes to the first topic, at least 3 to the second, the rest to the third
   * @throws IllegalArgumentException if there are too many levels or none, or they are not divided
   */
  public static KafkaPriorityTopics create(List<KafkaChannel> mostUrgentFirst, int... from) {
    List<KafkaChannel> levels = List.copyOf(mostUrgentFirst);
    int[] least = from.clone();
    if (levels.isEmpty() || levels.size() > MOST_URGENT + 1) {
      throw new IllegalArgumentException(
          "levels: " + levels.size() + " (expected: 1.." + (MOST_URGENT + 1) + ")");
    }
    if (least.length != levels.size() - 1) {
      throw new IllegalArgumentException(
          "from: "
              + Arrays.toString(least)
              + " (expected: one less than there are levels, "
              + (levels.size() - 1)
              + ")");
    }
    int above = MOST_URGENT + 1;
    for (int priority : least) {
      if (priority < 1 || priority >= above) {
        throw new IllegalArgumentException(
            "from: " + Arrays.toString(least) + " (expected: falling, each 1..9)");
      }
      above = priority;
    }
    return new KafkaPriorityTopics(levels, least);
  }

  /** The channels, for {@code Flow.priorityMerge}. */
  public List<Inbound> mostUrgentFirst() {
    return List.copyOf(mostUrgentFirst);
  }

  /** The names of the topics. */
  @Override
  public String name() {
    return mostUrgentFirst.stream().map(KafkaChannel::name).collect(Collectors.joining(", "));
  }

  /** {@inheritDoc} The receipt names the topic. */
  @Override
  public Mono<Receipt> send(Message<byte[]> message) {
    int level = 0;
    while (level < from.length && message.priority() < from[level]) {
      level++;
    }
    return mostUrgentFirst.get(level).send(message);
  }
}

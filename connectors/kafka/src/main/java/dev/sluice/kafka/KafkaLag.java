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
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.TimeoutException;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.ListOffsetsResult.ListOffsetsResultInfo;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/** How far a group is behind the end of a topic. */
final class KafkaLag {

  private static final Duration BOUND = Duration.ofSeconds(10);

  private final KafkaAdmin admin;
  private final KafkaChannelSpec spec;

  KafkaLag(KafkaAdmin admin, KafkaChannelSpec spec) {
    this.admin = admin;
    this.spec = spec;
  }

  /** The records that the group has not committed, over all partitions. */
  Mono<Long> lag() {
    return Mono.zip(partitions(), committed())
        .flatMap(group -> lag(group.getT1(), group.getT2())) // an end read earlier could be passed
        .timeout(BOUND, Mono.error(() -> new TimeoutException("no answer within " + BOUND)))
        .onErrorMap(this::explained);
  }

  private Mono<Long> lag(
      Set<TopicPartition> partitions, Map<TopicPartition, OffsetAndMetadata> committed) {
    return Mono.zip(
        offsets(partitions, OffsetSpec.earliest()),
        offsets(partitions, OffsetSpec.latest()),
        (begins, ends) -> sum(begins, ends, committed));
  }

  private long sum(
      Map<TopicPartition, ListOffsetsResultInfo> begins,
      Map<TopicPartition, ListOffsetsResultInfo> ends,
      Map<TopicPartition, OffsetAndMetadata> committed) {
    long sum = 0;
    for (Map.Entry<TopicPartition, ListOffsetsResultInfo> entry : ends.entrySet()) {
      long begin = Objects.requireNonNull(begins.get(entry.getKey())).offset();
      long end = entry.getValue().offset();
      sum += end - next(committed.get(entry.getKey()), begin, end);
    }
    return sum;
  }

  /**
   * Where the group goes on. As long as it fails because that is not decided, nothing that the log
   * has is skipped.
   */
  private long next(@Nullable OffsetAndMetadata committed, long begin, long end) {
    if (committed != null && begin <= committed.offset() && committed.offset() <= end) {
      return committed.offset();
    }
    StartAt start = committed == null ? spec.startAt() : spec.outOfRange();
    return start == StartAt.LATEST ? end : begin;
  }

  private IllegalStateException explained(Throwable cause) {
    return new IllegalStateException(
        "depth of topic "
            + spec.topic()
            + " for group "
            + spec.group()
            + " is not known: "
            + cause.getMessage(),
        cause);
  }

  private Mono<Set<TopicPartition>> partitions() {
    return admin
        .call(client -> client.describeTopics(List.of(spec.topic())).allTopicNames())
        .map(topics -> partitionsOf(Objects.requireNonNull(topics.get(spec.topic()))));
  }

  private static Set<TopicPartition> partitionsOf(TopicDescription topic) {
    return topic.partitions().stream()
        .map(partition -> new TopicPartition(topic.name(), partition.partition()))
        .collect(Collectors.toSet());
  }

  private Mono<Map<TopicPartition, ListOffsetsResultInfo>> offsets(
      Set<TopicPartition> partitions, OffsetSpec which) {
    Map<TopicPartition, OffsetSpec> wanted = new HashMap<>();
    partitions.forEach(partition -> wanted.put(partition, which));
    return admin.call(client -> client.listOffsets(wanted).all());
  }

  private Mono<Map<TopicPartition, OffsetAndMetadata>> committed() {
    return admin.call(
        client -> client.listConsumerGroupOffsets(spec.group()).partitionsToOffsetAndMetadata());
  }
}

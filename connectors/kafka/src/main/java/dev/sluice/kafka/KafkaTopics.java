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
import java.util.Optional;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.config.TopicConfig;
import org.apache.kafka.common.errors.RetriableException;
import org.apache.kafka.common.errors.TopicExistsException;
import reactor.core.publisher.Mono;
import reactor.util.retry.Retry;

/** Makes topics that a program needs, and asks about them. */
public final class KafkaTopics {

  private KafkaTopics() {}

  /**
   * Makes a topic with the broker's default replication, unless there is one with as many
   * partitions.
   *
   * <dl>
   *   <dt>Emits
   *   <dd>nothing
   *   <dt>Backpressure
   *   <dd>not applicable
   *   <dt>Completes/Errors
   *   <dd>completes when the topic is there and takes records; fails with {@link
   *       IllegalStateException} when it has another number of partitions (which would change the
   *       order within groups), and with the broker's error when it refuses or does not answer
   *       within 10 s
   *   <dt>Cancel
   *   <dd>only stops waiting
   *   <dt>Discard
   *   <dd>nothing to discard
   *   <dt>Threads
   *   <dd>on {@code Schedulers.parallel()}, or {@code boundedElastic()} when it fails to connect
   * </dl>
   *
   * @param bootstrapServers the brokers to begin with, {@code host:port,host:port}
   * @param topic the name of the topic
   * @param partitions how many partitions it has, at least 1
   * @throws IllegalArgumentException if an argument is out of range
   */
  public static Mono<Void> ensure(String bootstrapServers, String topic, int partitions) {
    return ensure(bootstrapServers, topic, partitions, Map.of());
  }

  /**
   * Makes a topic, as {@link #ensure(String, String, int)} does, through an admin client with more
   * properties.
   *
   * @param bootstrapServers the brokers to begin with, {@code host:port,host:port}
   * @param topic the name of the topic
   * @param partitions how many partitions it has, at least 1
   * @param properties properties of the admin client, for example for encryption
   * @throws IllegalArgumentException if an argument is out of range
   */
  public static Mono<Void> ensure(
      String bootstrapServers, String topic, int partitions, Map<String, ?> properties) {
    return ensure(bootstrapServers, topic, partitions, Map.of(), properties);
  }

  /**
   * Makes a topic, as {@link #ensure(String, String, int, Map)} does, with a configuration of its
   * own. A topic that is there keeps the one it has.
   *
   * @param bootstrapServers the brokers to begin with, {@code host:port,host:port}
   * @param topic the name of the topic
   * @param partitions how many partitions it has, at least 1
   * @param config the topic's configuration, such as {@code retention.ms}
   * @param properties properties of the admin client, for example for encryption
   * @throws IllegalArgumentException if an argument is out of range
   */
  public static Mono<Void> ensure(
      String bootstrapServers,
      String topic,
      int partitions,
      Map<String, String> config,
      Map<String, ?> properties) {
    Require.notBlank("bootstrapServers", bootstrapServers);
    Require.notBlank("topic", topic);
    Require.between("partitions", partitions, 1, 100_000);
    NewTopic wanted =
        new NewTopic(topic, Optional.of(partitions), Optional.empty()).configs(Map.copyOf(config));
    Map<String, Object> client = new HashMap<>(properties);
    client.put(AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG, bootstrapServers);
    return Mono.usingWhen(
        Mono.fromSupplier(() -> new KafkaAdmin(client)),
        admin ->
            create(admin, wanted)
                .onErrorResume(
                    TopicExistsException.class, exists -> verify(admin, topic, partitions))
                .then(awaitLeaders(admin, topic, partitions)),
        KafkaAdmin::close);
  }

  /**
   * For how long a topic keeps its records ({@code retention.ms}): what the time to live of a
   * payload is to be held against ({@code ClaimSpec.outlives}).
   *
   * <dl>
   *   <dt>Emits
   *   <dd>the time; {@code Duration.ofSeconds(Long.MAX_VALUE)} if records are kept for ever, also
   *       the newest ones of a topic that is compacted
   *   <dt>Backpressure
   *   <dd>not applicable
   *   <dt>Completes/Errors
   *   <dd>fails with the broker's error when there is no such topic or it does not answer within 10
   *       s
   *   <dt>Cancel
   *   <dd>only stops waiting
   *   <dt>Discard
   *   <dd>nothing to discard
   *   <dt>Threads
   *   <dd>on {@code Schedulers.parallel()}, or {@code boundedElastic()} when it fails to connect
   * </dl>
   *
   * @param bootstrapServers the brokers to begin with, {@code host:port,host:port}
   * @param topic the name of the topic
   * @param properties properties of the admin client, for example for encryption
   */
  public static Mono<Duration> retention(
      String bootstrapServers, String topic, Map<String, ?> properties) {
    Require.notBlank("bootstrapServers", bootstrapServers);
    Map<String, Object> config = new HashMap<>(properties);
    config.put(AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG, bootstrapServers);
    return retention(config, Require.notBlank("topic", topic));
  }

  static Mono<Duration> retention(Map<String, Object> config, String topic) {
    ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
    return Mono.usingWhen(
        Mono.fromSupplier(() -> new KafkaAdmin(config)),
        admin ->
            admin
                .call(client -> client.describeConfigs(List.of(resource)).all())
                .map(all -> retention(Objects.requireNonNull(all.get(resource)))),
        KafkaAdmin::close);
  }

  private static Duration retention(Config topic) {
    String policy = topic.get(TopicConfig.CLEANUP_POLICY_CONFIG).value();
    long millis = Long.parseLong(topic.get(TopicConfig.RETENTION_MS_CONFIG).value());
    return policy.contains(TopicConfig.CLEANUP_POLICY_DELETE) && millis >= 0
        ? Duration.ofMillis(millis)
        : Duration.ofSeconds(Long.MAX_VALUE);
  }

  private static Mono<Void> create(KafkaAdmin admin, NewTopic wanted) {
    return admin.call(client -> client.createTopics(List.of(wanted)).all());
  }

  /**
   * A topic exists before its partitions take records. A producer that comes too early may have its
   * second batch accepted and its first one refused, and does not get over that for a long time.
   * The client repeats this request until every leader answers.
   */
  private static Mono<Void> awaitLeaders(KafkaAdmin admin, String topic, int partitions) {
    Map<TopicPartition, OffsetSpec> all = new HashMap<>();
    for (int i = 0; i < partitions; i++) {
      all.put(new TopicPartition(topic, i), OffsetSpec.latest());
    }
    return admin
        .call(client -> client.listOffsets(all).all())
        .retryWhen(
            Retry.fixedDelay(100, Duration.ofMillis(100))
                .filter(RetriableException.class::isInstance)
                .onRetryExhaustedThrow((spec, signal) -> signal.failure()))
        .then();
  }

  private static Mono<Void> verify(KafkaAdmin admin, String topic, int partitions) {
    return admin
        .call(client -> client.describeTopics(List.of(topic)).allTopicNames())
        .map(topics -> Objects.requireNonNull(topics.get(topic)).partitions().size())
        .flatMap(
            existing ->
                existing == partitions
                    ? Mono.empty()
                    : Mono.error(
                        new IllegalStateException(
                            "topic "
                                + topic
                                + ": "
                                + existing
                                + " partitions (expected: "
                                + partitions
                                + ")")));
  }
}

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

import dev.sluice.time.Times;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.producer.ProducerConfig;

/**
 * Where a {@link KafkaOutbound} sends to, and how.
 *
 * <p>Immutable: each method returns a changed copy. {@link #bootstrapServers} and {@link #topic}
 * must be given.
 */
public final class KafkaOutboundSpec {

  /** What a broker takes unless it was told otherwise ({@code message.max.bytes}). */
  private static final int DEFAULT_MAX_MESSAGE_BYTES = 1024 * 1024 + 12;

  static final KafkaOutboundSpec DEFAULT =
      new KafkaOutboundSpec(
          "",
          "",
          32 * 1024 * 1024,
          DEFAULT_MAX_MESSAGE_BYTES,
          Duration.ofSeconds(30),
          ClientProperties.NONE);

  private static final int MIB = 1024 * 1024;

  private final String bootstrapServers;
  private final String topic;
  private final int maxInFlightBytes;
  private final int maxMessageBytes;
  private final Duration deliveryTimeout;
  private final ClientProperties properties;

  private KafkaOutboundSpec(
      String bootstrapServers,
      String topic,
      int maxInFlightBytes,
      int maxMessageBytes,
      Duration deliveryTimeout,
      ClientProperties properties) {
    this.bootstrapServers = bootstrapServers;
    this.topic = topic;
    this.maxInFlightBytes = maxInFlightBytes;
    this.maxMessageBytes = maxMessageBytes;
    this.deliveryTimeout = deliveryTimeout;
    this.properties = properties;
  }

  /**
   * The brokers to begin with, {@code host:port,host:port}.
   *
   * @throws IllegalArgumentException if it is blank
   */
  public KafkaOutboundSpec bootstrapServers(String bootstrapServers) {
    return new KafkaOutboundSpec(
        Require.notBlank("bootstrapServers", bootstrapServers),
        topic,
        maxInFlightBytes,
        maxMessageBytes,
        deliveryTimeout,
        properties);
  }

  /**
   * The topic, which must exist (see {@link KafkaTopics#ensure}).
   *
   * @throws IllegalArgumentException if it is blank
   */
  public KafkaOutboundSpec topic(String topic) {
    return new KafkaOutboundSpec(
        bootstrapServers,
        Require.notBlank("topic", topic),
        maxInFlightBytes,
        maxMessageBytes,
        deliveryTimeout,
        properties);
  }

  /**
   * How many bytes may be with the producer and not yet confirmed; further messages wait. A single
   * message that is larger goes alone. Defaults to 32 MiB.
   *
   * @param bytes 1 to 1 GiB
   * @throws IllegalArgumentException if it is out of range
   */
  public KafkaOutboundSpec maxInFlightBytes(int bytes) {
    return new KafkaOutboundSpec(
        bootstrapServers,
        topic,
        Require.between("maxInFlightBytes", bytes, 1, 1024 * MIB),
        maxMessageBytes,
        deliveryTimeout,
        properties);
  }

  /**
   * What the topic takes of one message ({@code max.message.bytes}), if that is not the default of
   * brokers, which is 1 MiB and 12 bytes. It limits nothing here: what a claim check leaves in a
   * message follows it ({@link KafkaOutbound#room}), or the producer's {@code max.request.size} if
   * that is less.
   *
   * @param bytes 1 KiB to 1 GiB
   * @throws IllegalArgumentException if it is out of range
   */
  public KafkaOutboundSpec maxMessageBytes(int bytes) {
    return new KafkaOutboundSpec(
        bootstrapServers,
        topic,
        maxInFlightBytes,
        Require.between("maxMessageBytes", bytes, 1024, 1024 * MIB),
        deliveryTimeout,
        properties);
  }

  /**
   * After what time without a confirmation a send fails. Defaults to 30 s.
   *
   * @param timeout 1 s to 10 min
   * @throws IllegalArgumentException if it is out of range
   */
  public KafkaOutboundSpec deliveryTimeout(Duration timeout) {
    return new KafkaOutboundSpec(
        bootstrapServers,
        topic,
        maxInFlightBytes,
        maxMessageBytes,
        Times.between("deliveryTimeout", timeout, Duration.ofSeconds(1), Duration.ofMinutes(10)),
        properties);
  }

  /**
   * A property of Kafka's producer, for example for encryption and authentication.
   *
   * @throws IllegalArgumentException if no client of Kafka knows it, or if the connector sets it
   *     itself, such as {@code acks}
   */
  public KafkaOutboundSpec property(String name, Object value) {
    return new KafkaOutboundSpec(
        bootstrapServers,
        topic,
        maxInFlightBytes,
        maxMessageBytes,
        deliveryTimeout,
        properties.with(name, value));
  }

  KafkaOutboundSpec properties(ClientProperties properties) {
    return new KafkaOutboundSpec(
        bootstrapServers, topic, maxInFlightBytes, maxMessageBytes, deliveryTimeout, properties);
  }

  /** This spec, if it is complete. */
  KafkaOutboundSpec complete() {
    Require.given("bootstrapServers", bootstrapServers);
    Require.given("topic", topic);
    return this;
  }

  String bootstrapServers() {
    return bootstrapServers;
  }

  String topic() {
    return topic;
  }

  int maxInFlightBytes() {
    return maxInFlightBytes;
  }

  /** What both the topic and the producer take. */
  int maxRecordBytes() {
    Object ours = producerConfig().get(ProducerConfig.MAX_REQUEST_SIZE_CONFIG);
    int limit = ours == null ? MIB : Integer.parseInt(ours.toString());
    return Math.min(limit, maxMessageBytes);
  }

  Duration deliveryTimeout() {
    return deliveryTimeout;
  }

  ClientProperties properties() {
    return properties;
  }

  Map<String, Object> adminConfig() {
    Map<String, Object> config = new HashMap<>();
    properties.addToAdmin(config);
    config.put(AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG, bootstrapServers);
    return config;
  }

  Map<String, Object> producerConfig() {
    Map<String, Object> config = new HashMap<>();
    config.put(ProducerConfig.LINGER_MS_CONFIG, 5);
    config.put(
        ProducerConfig.REQUEST_TIMEOUT_MS_CONFIG, (int) Math.min(10_000, timeoutMillis() / 2));
    properties.addToProducer(config);
    config.put(ProducerConfig.BOOTSTRAP_SERVERS_CONFIG, bootstrapServers);
    config.put(ProducerConfig.ACKS_CONFIG, "all");
    config.put(ProducerConfig.ENABLE_IDEMPOTENCE_CONFIG, true);
    config.put(ProducerConfig.DELIVERY_TIMEOUT_MS_CONFIG, (int) timeoutMillis());
    config.put(ProducerConfig.MAX_BLOCK_MS_CONFIG, timeoutMillis());
    // Larger than our window, so that only metadata can make the producer block; batches round up.
    config.put(ProducerConfig.BUFFER_MEMORY_CONFIG, 2L * maxInFlightBytes + 32L * MIB);
    return config;
  }

  private long timeoutMillis() {
    return deliveryTimeout.toMillis();
  }
}

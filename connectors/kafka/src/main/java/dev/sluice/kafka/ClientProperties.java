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

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.apache.kafka.clients.CommonClientConfigs;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;

/**
 * Properties that a user passes on to Kafka's clients; each client gets those it knows. Immutable.
 * Values may be secrets and appear in no message.
 */
final class ClientProperties {

  static final ClientProperties NONE = new ClientProperties(Map.of());

  /** The connector's guarantees rest on these, or a method of a spec sets them. */
  private static final Set<String> OURS =
      Set.of(
          CommonClientConfigs.BOOTSTRAP_SERVERS_CONFIG,
          CommonClientConfigs.GROUP_ID_CONFIG,
          CommonClientConfigs.GROUP_INSTANCE_ID_CONFIG,
          CommonClientConfigs.SESSION_TIMEOUT_MS_CONFIG,
          ConsumerConfig.GROUP_PROTOCOL_CONFIG,
          ConsumerConfig.AUTO_OFFSET_RESET_CONFIG,
          ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG,
          ConsumerConfig.KEY_DESERIALIZER_CLASS_CONFIG,
          ConsumerConfig.VALUE_DESERIALIZER_CLASS_CONFIG,
          ConsumerConfig.MAX_POLL_RECORDS_CONFIG,
          ProducerConfig.ACKS_CONFIG,
          ProducerConfig.ENABLE_IDEMPOTENCE_CONFIG,
          ProducerConfig.TRANSACTIONAL_ID_CONFIG,
          ProducerConfig.KEY_SERIALIZER_CLASS_CONFIG,
          ProducerConfig.VALUE_SERIALIZER_CLASS_CONFIG,
          ProducerConfig.DELIVERY_TIMEOUT_MS_CONFIG,
          ProducerConfig.MAX_BLOCK_MS_CONFIG,
          ProducerConfig.BUFFER_MEMORY_CONFIG);

  private final Map<String, Object> values;

  private ClientProperties(Map<String, Object> values) {
    this.values = values;
  }

  /**
   * @throws IllegalArgumentException if no client knows the name, or if the connector sets it
   */
  ClientProperties with(String name, Object value) {
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(value, "value");
    if (OURS.contains(name)) {
      throw new IllegalArgumentException(
          "client property: " + name + " (expected: one that the connector does not set itself)");
    }
    if (!ConsumerConfig.configNames().contains(name)
        && !ProducerConfig.configNames().contains(name)
        && !AdminClientConfig.configNames().contains(name)) {
      throw new IllegalArgumentException(
          "client property: " + name + " (expected: one of Kafka's consumer, producer or admin)");
    }
    Map<String, Object> next = new LinkedHashMap<>(values);
    next.put(name, value);
    return new ClientProperties(next);
  }

  /**
   * @throws IllegalArgumentException if one of them is given
   */
  void requireNone(Set<String> names, String expected) {
    for (String name : values.keySet()) {
      if (names.contains(name)) {
        throw new IllegalArgumentException(
            "client property: " + name + " (expected: only with " + expected + ")");
      }
    }
  }

  /** Adds what a consumer knows to its configuration, over what is there. */
  void addToConsumer(Map<String, Object> config) {
    addTo(config, ConsumerConfig.configNames());
  }

  /** Adds what a producer knows to its configuration, over what is there. */
  void addToProducer(Map<String, Object> config) {
    addTo(config, ProducerConfig.configNames());
  }

  /** Adds what an admin client knows to its configuration, over what is there. */
  void addToAdmin(Map<String, Object> config) {
    addTo(config, AdminClientConfig.configNames());
  }

  private void addTo(Map<String, Object> config, Set<String> known) {
    values.forEach(
        (name, value) -> {
          if (known.contains(name)) {
            config.put(name, value);
          }
        });
  }
}

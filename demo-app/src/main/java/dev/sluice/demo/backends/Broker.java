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
package dev.sluice.demo.backends;

import dev.sluice.kafka.KafkaTopics;
import java.time.Duration;
import java.util.Map;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.config.TopicConfig;
import org.apache.kafka.common.errors.InvalidReplicationFactorException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import reactor.util.retry.Retry;

/** Kafka: makes its topics, and reads them from their beginning. */
public final class Broker {

  private static final Duration PATIENCE = Duration.ofSeconds(30);

  /** They are what is known of the bags: nothing in them may expire. */
  private static final Map<String, String> FOR_EVER =
      Map.of(TopicConfig.RETENTION_MS_CONFIG, "-1", TopicConfig.RETENTION_BYTES_CONFIG, "-1");

  private final String bootstrap;

  Broker(String bootstrap) {
    this.bootstrap = bootstrap;
  }

  /** The brokers to begin with. */
  public String bootstrap() {
    return bootstrap;
  }

  /**
   * Makes a topic that keeps its records for ever, unless it is there; blocks until it takes them.
   *
   * @return its name
   */
  public String ensure(String topic, int partitions) {
    KafkaTopics.ensure(bootstrap, topic, partitions, FOR_EVER, Map.of())
        // A broker that a busy machine has kept from its heartbeats counts as missing until it
        // has sent the next.
        .retryWhen(
            Retry.backoff(10, Duration.ofMillis(100))
                .filter(InvalidReplicationFactorException.class::isInstance))
        .block(PATIENCE);
    return topic;
  }

  /** A consumer of no group, for who reads topics from their beginning. */
  public Consumer<byte[], byte[]> reader() {
    Map<String, Object> config =
        Map.of(
            ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG,
            bootstrap,
            ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG,
            false,
            ConsumerConfig.AUTO_OFFSET_RESET_CONFIG,
            "earliest",
            ConsumerConfig.FETCH_MAX_WAIT_MS_CONFIG,
            20,
            ConsumerConfig.MAX_POLL_RECORDS_CONFIG,
            2_000);
    return new KafkaConsumer<>(config, new ByteArrayDeserializer(), new ByteArrayDeserializer());
  }
}

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
package dev.sluice.demo;

import dev.sluice.channel.Channel;
import dev.sluice.channel.Outbound;
import dev.sluice.embedded.EmbeddedKafka;
import dev.sluice.kafka.KafkaChannel;
import dev.sluice.kafka.KafkaOutbound;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.config.TopicConfig;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Flux;

/** The broker of this process with its topics, and this application's clients of it. */
final class KafkaBackend implements AutoCloseable {

  private static final int PARTITIONS = 4;
  private static final Duration CLOSE_TIMEOUT = Duration.ofSeconds(15);
  private static final Duration DELIVERY_TIMEOUT = Duration.ofSeconds(10);

  private static final Logger log = LoggerFactory.getLogger(KafkaBackend.class);

  private final EmbeddedKafka broker;
  private final KafkaChannel checkedIn;
  private final KafkaOutbound loaded;
  private final KafkaOutbound deadLetters;

  private KafkaBackend(EmbeddedKafka broker) {
    this.broker = broker;
    String bootstrap = broker.bootstrapServers();
    this.checkedIn =
        KafkaChannel.create(
            channel ->
                channel
                    .bootstrapServers(bootstrap)
                    .topic(Topics.CHECKED_IN)
                    .group("bag-loading")
                    // After a kill, the next process takes over at once.
                    .instanceId("loading-1")
                    .deliveryTimeout(DELIVERY_TIMEOUT));
    this.loaded = outbound(bootstrap, Topics.LOADED);
    this.deadLetters = outbound(bootstrap, Topics.DEAD_LETTERS);
  }

  /**
   * Starts the broker and makes sure of its topics.
   *
   * @param directory where the records are, and stay
   * @param port the port it should have, 0 for a free one
   */
  static KafkaBackend start(Path directory, int port) {
    EmbeddedKafka broker =
        EmbeddedKafka.create(spec -> spec.dataDirectory(directory).port(isFree(port) ? port : 0));
    try {
      broker.start();
      // The topics are what is known of the bags: nothing in them may expire.
      Map<String, String> forEver =
          Map.of(TopicConfig.RETENTION_MS_CONFIG, "-1", TopicConfig.RETENTION_BYTES_CONFIG, "-1");
      broker.createTopic(Topics.CHECKED_IN, PARTITIONS, forEver);
      broker.createTopic(Topics.LOADED, PARTITIONS, forEver);
      broker.createTopic(Topics.DEAD_LETTERS, 1, forEver);
      log.info("Kafka at {}, records in {}", broker.bootstrapServers(), broker.dataDirectory());
      return new KafkaBackend(broker);
    } catch (RuntimeException e) {
      broker.close();
      throw e;
    }
  }

  String bootstrap() {
    return broker.bootstrapServers();
  }

  Channel checkedIn() {
    return checkedIn;
  }

  Outbound<byte[]> loaded() {
    return loaded;
  }

  Outbound<byte[]> deadLetters() {
    return deadLetters;
  }

  /** A consumer of no group, for who reads the topics from their beginning. */
  Consumer<byte[], byte[]> reader() {
    Map<String, Object> config =
        Map.of(
            ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG,
            bootstrap(),
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

  @Override
  public void close() {
    try {
      Flux.merge(checkedIn.close(), loaded.close(), deadLetters.close())
          .then()
          .block(CLOSE_TIMEOUT);
    } finally {
      broker.close();
    }
  }

  private static KafkaOutbound outbound(String bootstrap, String topic) {
    return KafkaOutbound.create(
        spec -> spec.bootstrapServers(bootstrap).topic(topic).deliveryTimeout(DELIVERY_TIMEOUT));
  }

  /** A predecessor's connections linger for a while; looking past them is what the broker does. */
  private static boolean isFree(int port) {
    try (ServerSocket socket = new ServerSocket()) {
      socket.setReuseAddress(true);
      socket.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
      return true;
    } catch (IOException e) {
      log.warn("port {} is taken; Kafka gets a free one", port);
      return false;
    }
  }
}

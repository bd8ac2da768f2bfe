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
package dev.sluice.embedded;

import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import java.util.function.UnaryOperator;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.InvalidReplicationFactorException;
import org.apache.kafka.common.errors.RetriableException;
import org.apache.kafka.common.errors.TopicExistsException;
import org.jspecify.annotations.Nullable;

/**
 * A real Kafka broker inside this JVM, for tests and demos: one node that is broker and KRaft
 * controller at once, reachable from this machine only.
 *
 * <p>It listens on 127.0.0.1 without encryption or authentication and replicates nothing. Segments
 * are small and a crashed broker registers again within seconds, which suits a demo and nothing
 * else: do not put data into it that must be kept.
 *
 * <pre>{@code
 * try (EmbeddedKafka kafka = EmbeddedKafka.create().start()) {
 *   kafka.createTopic("bags", 6);
 *   … kafka.bootstrapServers() …
 * }
 * }</pre>
 *
 * <p>All methods block, for seconds at the worst; call them from a thread that may. Starting and
 * stopping are serialized, so that any thread may call them.
 */
public final class EmbeddedKafka implements AutoCloseable {

  private static final Duration ADMIN_TIMEOUT = Duration.ofSeconds(30);

  private final DataDirectory directory;
  private final Object lifecycle = new Object();
  private volatile int port;
  private @Nullable BrokerProcess broker;
  private boolean closed;

  private EmbeddedKafka(DataDirectory directory, int port) {
    this.directory = directory;
    this.port = port;
  }

  /**
   * A broker with a temporary data directory on a free port, not started yet.
   *
   * @return the broker
   */
  public static EmbeddedKafka create() {
    return create(spec -> spec);
  }

  /**
   * A broker that is not started yet.
   *
   * @param spec changes the default spec: a temporary data directory, a free port
   * @return the broker
   */
  public static EmbeddedKafka create(UnaryOperator<EmbeddedKafkaSpec> spec) {
    EmbeddedKafkaSpec given = Objects.requireNonNull(spec, "spec").apply(EmbeddedKafkaSpec.DEFAULT);
    return new EmbeddedKafka(
        DataDirectory.of(given.dataDirectory(), "sluice-kafka-"), given.port());
  }

  /**
   * Starts the broker, or starts it again after {@link #stop()} with the same records on the same
   * port. Returns when clients can use it; does nothing when it runs already.
   *
   * @return this broker
   * @throws IllegalStateException if the broker is closed, if another broker uses the data
   *     directory, if the port is in use, or if the broker does not come up
   */
  public EmbeddedKafka start() {
    synchronized (lifecycle) {
      if (closed) {
        throw new IllegalStateException("embedded broker: closed (expected: not closed yet)");
      }
      if (broker != null) {
        return this;
      }
      directory.lock();
      try {
        if (port == 0) {
          port = LoopbackPort.free();
        } else {
          LoopbackPort.requireFree(port);
        }
        broker = BrokerProcess.start(BrokerConfig.of(directory.path(), port, LoopbackPort.free()));
      } finally {
        if (broker == null) {
          directory.unlock();
        }
      }
      return this;
    }
  }

  /** Stops the broker and keeps its records and its port; does nothing when it does not run. */
  public void stop() {
    synchronized (lifecycle) {
      BrokerProcess running = broker;
      broker = null;
      try {
        if (running != null) {
          running.stop();
        }
      } finally {
        directory.unlock();
      }
    }
  }

  /** Stops the broker for good and deletes its data directory if that is a temporary one. */
  @Override
  public void close() {
    synchronized (lifecycle) {
      if (closed) {
        return;
      }
      stop();
      closed = true;
      directory.deleteIfTemporary();
    }
  }

  /**
   * The address clients connect to, {@code 127.0.0.1:port}. It stays the same when the broker is
   * stopped and started again.
   *
   * @return the value of {@code bootstrap.servers}
   * @throws IllegalStateException if the port is chosen at the first start, which has not happened
   */
  public String bootstrapServers() {
    if (port == 0) {
      throw new IllegalStateException("embedded broker: never started (expected: started once)");
    }
    return "127.0.0.1:" + port;
  }

  /**
   * The directory the broker keeps its records in.
   *
   * @return the absolute path
   */
  public Path dataDirectory() {
    return directory.path();
  }

  /**
   * Creates a topic; does nothing when it exists with as many partitions.
   *
   * @param name the name of the topic
   * @param partitions how many partitions it has, at least 1
   * @throws IllegalArgumentException if {@code partitions} is less than 1
   * @throws IllegalStateException if the topic exists with another number of partitions, or if the
   *     broker refuses or does not answer within 30 seconds
   */
  public void createTopic(String name, int partitions) {
    createTopic(name, partitions, Map.of());
  }

  /**
   * Creates a topic with its own configuration; does nothing when it exists with as many
   * partitions, whatever its configuration is.
   *
   * @param name the name of the topic
   * @param partitions how many partitions it has, at least 1
   * @param config topic configuration, such as {@code cleanup.policy}
   * @throws IllegalArgumentException if {@code partitions} is less than 1
   * @throws IllegalStateException if the topic exists with another number of partitions, or if the
   *     broker refuses or does not answer within 30 seconds
   */
  public void createTopic(String name, int partitions, Map<String, String> config) {
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(config, "config");
    if (partitions < 1) {
      throw new IllegalArgumentException("partitions: " + partitions + " (expected: >= 1)");
    }
    Map<String, Object> client =
        Map.of(AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG, bootstrapServers());
    try (Admin admin = Admin.create(client)) {
      NewTopic topic = new NewTopic(name, Optional.of(partitions), Optional.empty());
      if (!create(admin, topic.configs(config))) {
        requirePartitions(admin, name, partitions);
      }
      awaitLeaders(admin, name, partitions);
    } catch (ExecutionException e) {
      throw new IllegalStateException("topic " + name + ": " + e.getCause(), e.getCause());
    }
  }

  /**
   * A broker that a busy machine has kept from its heartbeats is fenced, and the one broker that
   * could hold the topic is missing until it has sent the next.
   */
  private static boolean create(Admin admin, NewTopic topic) throws ExecutionException {
    long deadline = System.nanoTime() + ADMIN_TIMEOUT.toNanos();
    for (; ; ) {
      try {
        await(admin.createTopics(List.of(topic)).all());
        return true;
      } catch (ExecutionException e) {
        if (e.getCause() instanceof TopicExistsException) {
          return false;
        }
        boolean fenced = e.getCause() instanceof InvalidReplicationFactorException;
        if (!fenced || System.nanoTime() - deadline > 0) {
          throw e;
        }
        LockSupport.parkNanos(100_000_000);
      }
    }
  }

  private static void requirePartitions(Admin admin, String topic, int partitions)
      throws ExecutionException {
    KafkaFuture<TopicDescription> description =
        Objects.requireNonNull(admin.describeTopics(List.of(topic)).topicNameValues().get(topic));
    int existing = await(description).partitions().size();
    if (existing != partitions) {
      throw new IllegalStateException(
          "topic " + topic + ": " + existing + " partitions (expected: " + partitions + ")");
    }
  }

  /**
   * A topic exists before its partitions take records. A producer that comes too early may have its
   * second batch accepted and its first one refused, and does not get over that for a long time.
   */
  private static void awaitLeaders(Admin admin, String topic, int partitions)
      throws ExecutionException {
    Map<TopicPartition, OffsetSpec> all = new HashMap<>();
    for (int i = 0; i < partitions; i++) {
      all.put(new TopicPartition(topic, i), OffsetSpec.latest());
    }
    long deadline = System.nanoTime() + ADMIN_TIMEOUT.toNanos();
    for (; ; ) {
      try {
        await(admin.listOffsets(all).all()); // only a leader can tell
        return;
      } catch (ExecutionException e) {
        if (!(e.getCause() instanceof RetriableException) || System.nanoTime() - deadline > 0) {
          throw e;
        }
        LockSupport.parkNanos(10_000_000);
      }
    }
  }

  private static <T> T await(KafkaFuture<T> future) throws ExecutionException {
    try {
      return future.get(ADMIN_TIMEOUT.toMillis(), TimeUnit.MILLISECONDS);
    } catch (TimeoutException e) {
      throw new IllegalStateException("no answer from the embedded broker in " + ADMIN_TIMEOUT, e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while waiting for the embedded broker", e);
    }
  }
}

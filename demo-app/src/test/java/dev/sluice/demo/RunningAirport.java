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

import static dev.sluice.demo.Eventually.eventually;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.demo.backends.Broker;
import dev.sluice.demo.bag.BagIntake;
import dev.sluice.demo.ledger.Counters;
import dev.sluice.demo.ledger.Ledger;
import dev.sluice.demo.live.Audit;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.common.TopicPartition;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ExtensionContext.Namespace;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.util.FileSystemUtils;
import tools.jackson.databind.JsonNode;

/**
 * Baggage control with its backends, started when the first test class asks for it, for all of
 * them: add it with {@code @ExtendWith}. They run one after the other.
 */
public final class RunningAirport implements BeforeAllCallback, AfterAllCallback, AutoCloseable {

  private static final Namespace OURS = Namespace.create(RunningAirport.class);

  private static ConfigurableApplicationContext application;

  private Path data;

  @Override
  public void beforeAll(ExtensionContext context) {
    context
        .getRoot()
        .getStore(Namespace.GLOBAL)
        .computeIfAbsent(RunningAirport.class, first -> start());
    context.getStore(OURS).put(Broken.class, broken());
  }

  /** In words. */
  private record Broken(List<String> what) {}

  private static Broken broken() {
    return new Broken(
        new AirportClient(port())
            .get("/api/chaos")
            .path("broken")
            .valueStream()
            .map(JsonNode::asString)
            .toList());
  }

  /** Whatever a class breaks on purpose it has to mend; what was broken before is not its fault. */
  @Override
  public void afterAll(ExtensionContext context) {
    Broken before = Objects.requireNonNull(context.getStore(OURS).get(Broken.class, Broken.class));
    assertThat(broken().what())
        .as("left broken by " + context.getDisplayName())
        .isSubsetOf(before.what());
  }

  private RunningAirport start() {
    try {
      data = Files.createTempDirectory("airport-");
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
    List<String> arguments = new ArrayList<>(List.of(arguments(data, 0, 0, 0)));
    arguments.add("--server.port=0");
    application =
        new SpringApplicationBuilder(AirportApplication.class)
            .run(arguments.toArray(String[]::new));
    return this;
  }

  /** The arguments of an application of its own with backends on these ports; 0 for a free one. */
  static String[] arguments(Path data, int kafka, int postgres, int s3) {
    return new String[] {
      "--demo.data-dir=" + data,
      "--demo.kafka-port=" + kafka,
      "--demo.postgres-port=" + postgres,
      "--demo.s3-port=" + s3,
      // People wait for partners and searches; tests do not.
      "--demo.rebooking.partners-take=20ms",
      "--demo.claims.place-takes=20ms",
      "--demo.turnaround.step-takes=20ms",
      "--demo.turnaround.within=5s",
      "--demo.arrival.within=3s",
      "--demo.customs.look=10ms",
      "--demo.customs.slow-look=3s"
    };
  }

  /** A bean of the application that runs. */
  public static <T> T bean(Class<T> type) {
    return Objects.requireNonNull(application).getBean(type);
  }

  /** A bean of the application that runs, of which there may be others of its type. */
  public static <T> T bean(String name, Class<T> type) {
    return Objects.requireNonNull(application).getBean(name, type);
  }

  /** A property of it. */
  static String property(String name) {
    return Objects.requireNonNull(application).getEnvironment().getRequiredProperty(name);
  }

  /** The port of its web server. */
  public static int port() {
    return Integer.parseInt(property("local.server.port"));
  }

  /**
   * Waits until the ledger knows of all that was done before: the audit, which keeps it, is a
   * thread of its own and reads it from the topics.
   */
  static void audited() {
    BagIntake intake = bean(BagIntake.class);
    eventually(intake::pending, waiting -> waiting == 0);
    long written = written();
    eventually(bean(Audit.class)::records, read -> read >= written);
  }

  /** How many records are on the topics that the audit reads. */
  private static long written() {
    try (Consumer<byte[], byte[]> topics = bean(Broker.class).reader()) {
      List<TopicPartition> all = new ArrayList<>();
      for (String topic : List.of(Topics.CHECKED_IN, Topics.LOADED, Topics.DEAD_LETTERS)) {
        topics
            .partitionsFor(topic)
            .forEach(part -> all.add(new TopicPartition(topic, part.partition())));
      }
      return topics.endOffsets(all).values().stream().mapToLong(Long::longValue).sum();
    }
  }

  /** The sums when everything that was checked in before has come to an end, or is parked. */
  public static Counters settled() {
    audited();
    return eventually(bean(Ledger.class)::counters, counters -> counters.inFlight() == 0);
  }

  @Override
  public void close() throws IOException {
    application.close();
    FileSystemUtils.deleteRecursively(data);
  }
}

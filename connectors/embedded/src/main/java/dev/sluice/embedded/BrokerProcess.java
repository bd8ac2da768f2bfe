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

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Supplier;
import kafka.server.KafkaConfig;
import kafka.server.KafkaRaftServer;
import kafka.tools.StorageTool;
import org.apache.kafka.common.utils.Exit;
import org.apache.kafka.common.utils.Time;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One run of the broker, from formatted storage to shutdown. */
final class BrokerProcess {

  private static final Logger log = LoggerFactory.getLogger(BrokerProcess.class);

  /** Names the cluster of every embedded broker; a directory keeps the id it was formatted with. */
  private static final String CLUSTER_ID = "c2x1aWNlLWVtYmVkZGVkMA";

  static {
    // Kafka ends its process on a fatal fault. Here the process belongs to somebody else.
    Exit.setExitProcedure(BrokerProcess::refuseToDie);
    Exit.setHaltProcedure(BrokerProcess::refuseToDie);
  }

  private final KafkaRaftServer server;

  private BrokerProcess(KafkaRaftServer server) {
    this.server = server;
  }

  static BrokerProcess start(BrokerConfig config) {
    return onOwnThread(
        () -> {
          format(config);
          KafkaRaftServer server =
              new KafkaRaftServer(KafkaConfig.fromProps(config.properties()), Time.SYSTEM);
          try {
            server.startup();
          } catch (Throwable e) {
            shutDown(server);
            throw e;
          }
          return new BrokerProcess(server);
        });
  }

  void stop() {
    shutDown(server);
  }

  private static void shutDown(KafkaRaftServer server) {
    server.shutdown();
    server.awaitShutdown();
  }

  /** A directory that is formatted already stays as it is. */
  private static void format(BrokerConfig config) {
    Path file = config.directory().resolve("server.properties");
    try (Writer writer = Files.newBufferedWriter(file)) {
      config.properties().store(writer, null);
    } catch (IOException e) {
      throw new UncheckedIOException("could not write " + file, e);
    }
    String[] command = {
      "format", "--cluster-id", CLUSTER_ID, "--config", file.toString(), "--ignore-formatted"
    };
    ByteArrayOutputStream said = new ByteArrayOutputStream();
    int status = StorageTool.execute(command, new PrintStream(said, true, StandardCharsets.UTF_8));
    log.debug("{}", said);
    if (status != 0) {
      throw new IllegalStateException(
          "data directory: "
              + config.directory()
              + " could not be formatted: "
              + said.toString(StandardCharsets.UTF_8).strip());
    }
  }

  /**
   * Kafka loads classes through the thread's context class loader, and its threads inherit that of
   * the thread that starts them. The caller's may not see Kafka, in an executable jar for example.
   */
  private static BrokerProcess onOwnThread(Supplier<BrokerProcess> start) {
    CompletableFuture<BrokerProcess> started = new CompletableFuture<>();
    Thread thread =
        new Thread(
            () -> {
              try {
                started.complete(start.get());
              } catch (Throwable e) {
                started.completeExceptionally(e);
              }
            },
            "sluice-embedded-kafka-start");
    thread.setContextClassLoader(BrokerProcess.class.getClassLoader());
    thread.setDaemon(true);
    thread.start();
    try {
      return started.join();
    } catch (CompletionException e) {
      Throwable cause = e.getCause() == null ? e : e.getCause();
      throw new IllegalStateException("the embedded broker did not start: " + cause, cause);
    }
  }

  private static void refuseToDie(int status, String message) {
    throw new IllegalStateException(
        "the embedded broker failed (status " + status + "): " + message);
  }
}

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

import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One run of the database server, a process of its own, from initialised storage to its end. */
final class PostgresServer {

  private static final Logger log = LoggerFactory.getLogger(PostgresServer.class);

  private static final String PID_FILE = "postmaster.pid";
  private static final Duration STARTUP = Duration.ofSeconds(60);
  private static final Duration SHUTDOWN = Duration.ofSeconds(10);

  private final EmbeddedPostgres server;
  private final Path cluster;

  private PostgresServer(EmbeddedPostgres server, Path cluster) {
    this.server = server;
    this.cluster = cluster;
  }

  /** Starts a server on storage that no living process of ours uses. */
  static PostgresServer start(Path directory, int port, boolean durable) {
    Path cluster = directory.resolve("cluster");
    Path initialised = directory.resolve("initialised");
    try {
      endOrphan(cluster);
      LoopbackPort.requireFree(port);
      if (Files.exists(cluster) && !Files.exists(initialised)) {
        DataDirectory.delete(cluster); // initialisation was interrupted, so nobody has used it
      }
      String commits = durable ? "on" : "off";
      EmbeddedPostgres server =
          EmbeddedPostgres.builder()
              .setDataDirectory(cluster)
              .setCleanDataDirectory(false)
              .setPort(port)
              .setPGStartupWait(STARTUP)
              .setLocaleConfig("locale", "C")
              .setServerConfig("listen_addresses", "127.0.0.1")
              .setServerConfig("unix_socket_directories", "")
              .setServerConfig("fsync", commits)
              .setServerConfig("synchronous_commit", commits)
              .start();
      if (!Files.exists(initialised)) {
        Files.createFile(initialised);
      }
      return new PostgresServer(server, cluster);
    } catch (IOException e) {
      throw new IllegalStateException("the embedded PostgreSQL did not start: " + e, e);
    }
  }

  void stop() {
    try {
      server.close();
    } catch (IOException e) {
      throw new UncheckedIOException("the embedded PostgreSQL could not be stopped", e);
    }
  }

  /** Ends the server as a crash would, connections and all. */
  void kill() {
    postmaster(cluster).ifPresent(process -> end(process, ProcessHandle::destroyForcibly));
    stop();
  }

  /**
   * Ends the server of a predecessor that was killed, for it outlives its JVM. Whoever holds the
   * lock of the directory knows that nobody else uses it. What remains of the pid file would stop
   * the next server when its pid has been given to another process.
   */
  private static void endOrphan(Path cluster) throws IOException {
    postmaster(cluster)
        .ifPresent(
            orphan -> {
              log.info("ending the server that a killed process left behind, pid {}", orphan.pid());
              end(orphan, PostgresServer::interrupt);
            });
    Files.deleteIfExists(cluster.resolve(PID_FILE));
  }

  /** The process that the cluster's pid file names, if it lives and is a database server. */
  private static Optional<ProcessHandle> postmaster(Path cluster) {
    Path file = cluster.resolve(PID_FILE);
    try {
      List<String> lines = Files.exists(file) ? Files.readAllLines(file) : List.of();
      return lines.isEmpty()
          ? Optional.empty()
          : ProcessHandle.of(Long.parseLong(lines.get(0).strip()))
              .filter(ProcessHandle::isAlive)
              .filter(PostgresServer::isPostgres);
    } catch (NumberFormatException e) {
      return Optional.empty();
    } catch (IOException e) {
      throw new UncheckedIOException("could not read " + file, e);
    }
  }

  /** Pids are used again: the one in the file may belong to somebody else by now. */
  private static boolean isPostgres(ProcessHandle process) {
    return process.info().command().map(command -> command.contains("postgres")).orElse(false);
  }

  private interface Signal {
    void send(ProcessHandle process);
  }

  private static void end(ProcessHandle postmaster, Signal signal) {
    List<ProcessHandle> backends = postmaster.descendants().toList();
    signal.send(postmaster);
    if (!awaitEnd(postmaster)) {
      postmaster.destroyForcibly();
      awaitEnd(postmaster);
    }
    // They see that it is gone and end; the next server waits for their shared memory.
    backends.forEach(PostgresServer::awaitEnd);
  }

  /** PostgreSQL's fast shutdown. */
  private static void interrupt(ProcessHandle postmaster) {
    try {
      new ProcessBuilder("kill", "-INT", Long.toString(postmaster.pid())).start().waitFor();
    } catch (IOException e) { // no such command: not a Unix
      postmaster.destroyForcibly();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while ending an orphaned server", e);
    }
  }

  private static boolean awaitEnd(ProcessHandle process) {
    try {
      process.onExit().get(SHUTDOWN.toMillis(), TimeUnit.MILLISECONDS);
      return true;
    } catch (TimeoutException e) {
      return false;
    } catch (ExecutionException e) {
      throw new IllegalStateException("could not await the end of " + process.pid(), e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while awaiting the end of a server", e);
    }
  }
}

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
import java.util.Objects;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * A real PostgreSQL on this machine, for tests and demos: its binaries come from the class path,
 * and it runs as a process of its own, also when this one runs as root on Linux.
 *
 * <p>It listens on 127.0.0.1 without encryption and lets everybody on this machine in, as {@value
 * #USERNAME}: do not put data into it that must be kept to oneself. When this process is killed the
 * server lives on, until the next one on the same data directory ends it and takes over.
 *
 * <pre>{@code
 * try (EmbeddedPostgres postgres = EmbeddedPostgres.create().start()) {
 *   … postgres.r2dbcUrl() …
 * }
 * }</pre>
 *
 * <p>All methods block, for seconds at the worst; call them from a thread that may. Starting and
 * stopping are serialized, so that any thread may call them.
 */
public final class EmbeddedPostgres implements AutoCloseable {

  /** The superuser, who needs no password. */
  public static final String USERNAME = "postgres";

  /** The database that is always there. */
  public static final String DATABASE = "postgres";

  private final DataDirectory directory;
  private final boolean durable;
  private final Object lifecycle = new Object();
  private volatile int port;
  private @Nullable PostgresServer server;
  private boolean closed;

  private EmbeddedPostgres(DataDirectory directory, int port, boolean durable) {
    this.directory = directory;
    this.port = port;
    this.durable = durable;
  }

  /**
   * A server with a temporary data directory on a free port, not started yet.
   *
   * @return the server
   */
  public static EmbeddedPostgres create() {
    return create(spec -> spec);
  }

  /**
   * A server that is not started yet.
   *
   * @param spec changes the default spec: a temporary data directory, a free port, durable commits
   * @return the server
   */
  public static EmbeddedPostgres create(UnaryOperator<EmbeddedPostgresSpec> spec) {
    EmbeddedPostgresSpec given =
        Objects.requireNonNull(spec, "spec").apply(EmbeddedPostgresSpec.DEFAULT);
    return new EmbeddedPostgres(
        DataDirectory.of(given.dataDirectory(), "sluice-postgres-"), given.port(), given.durable());
  }

  /**
   * Starts the server, or starts it again after {@link #stop()} or {@link #kill()} with the same
   * data on the same port. Returns when clients can use it; does nothing when it runs already.
   *
   * @return this server
   * @throws IllegalStateException if the server is closed, if another one uses the data directory,
   *     if the port is in use, or if the server does not come up within 60 seconds
   */
  public EmbeddedPostgres start() {
    synchronized (lifecycle) {
      if (closed) {
        throw new IllegalStateException("embedded PostgreSQL: closed (expected: not closed yet)");
      }
      if (server != null) {
        return this;
      }
      directory.lock();
      try {
        int chosen = port == 0 ? LoopbackPort.free() : port;
        server = PostgresServer.start(directory.path(), chosen, durable);
        port = chosen;
      } finally {
        if (server == null) {
          directory.unlock();
        }
      }
      return this;
    }
  }

  /**
   * Stops the server, ending its connections, and keeps its data and its port; does nothing when it
   * does not run.
   */
  public void stop() {
    end(PostgresServer::stop);
  }

  /** Like {@link #stop()}, but as a crash: what is not committed durably may be lost. */
  public void kill() {
    end(PostgresServer::kill);
  }

  private interface Ending {
    void apply(PostgresServer server);
  }

  private void end(Ending ending) {
    synchronized (lifecycle) {
      PostgresServer running = server;
      server = null;
      try {
        if (running != null) {
          ending.apply(running);
        }
      } finally {
        directory.unlock();
      }
    }
  }

  /** Stops the server for good and deletes its data directory if that is a temporary one. */
  @Override
  public void close() {
    synchronized (lifecycle) {
      if (!closed) {
        stop();
        closed = true;
        directory.deleteIfTemporary();
      }
    }
  }

  /**
   * The port on 127.0.0.1. It stays the same when the server is stopped and started again.
   *
   * @return the port
   * @throws IllegalStateException if the port is chosen at the first start, which has not happened
   */
  public int port() {
    if (port == 0) {
      throw new IllegalStateException(
          "embedded PostgreSQL: never started (expected: started once)");
    }
    return port;
  }

  /**
   * The R2DBC URL of {@value #DATABASE}, with {@value #USERNAME} as the user.
   *
   * @return the URL
   * @throws IllegalStateException if the port is chosen at the first start, which has not happened
   */
  public String r2dbcUrl() {
    return "r2dbc:postgresql://" + USERNAME + "@127.0.0.1:" + port() + '/' + DATABASE;
  }

  /**
   * The directory the server keeps its data in.
   *
   * @return the absolute path
   */
  public Path dataDirectory() {
    return directory.path();
  }
}

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
import org.jspecify.annotations.Nullable;

/**
 * Where an {@link EmbeddedPostgres} keeps its data, where it listens, and how much a commit means.
 *
 * <p>Immutable: each method returns a changed copy.
 */
public final class EmbeddedPostgresSpec {

  static final EmbeddedPostgresSpec DEFAULT = new EmbeddedPostgresSpec(null, 0, true);

  private final @Nullable Path dataDirectory;
  private final int port;
  private final boolean durable;

  private EmbeddedPostgresSpec(@Nullable Path dataDirectory, int port, boolean durable) {
    this.dataDirectory = dataDirectory;
    this.port = port;
    this.durable = durable;
  }

  /**
   * Keeps the data in {@code directory}, which is created when it is missing and survives {@link
   * EmbeddedPostgres#close()}. Defaults to a temporary directory that {@code close()} deletes.
   *
   * @param directory the directory; one server at a time may use it
   */
  public EmbeddedPostgresSpec dataDirectory(Path directory) {
    return new EmbeddedPostgresSpec(Objects.requireNonNull(directory, "directory"), port, durable);
  }

  /**
   * Listens on {@code port} of 127.0.0.1. Defaults to 0: a free port that is chosen once per
   * server.
   *
   * @param port 0..65535
   * @throws IllegalArgumentException if the port is out of range
   */
  public EmbeddedPostgresSpec port(int port) {
    return new EmbeddedPostgresSpec(dataDirectory, LoopbackPort.requireValid(port), durable);
  }

  /**
   * Whether a commit is on disk when it is confirmed ({@code fsync} and {@code
   * synchronous_commit}). Defaults to true. Without it tests are quicker, and what was committed
   * may be gone after {@link EmbeddedPostgres#kill()}.
   *
   * @param durable false to trade durability for speed
   */
  public EmbeddedPostgresSpec durable(boolean durable) {
    return new EmbeddedPostgresSpec(dataDirectory, port, durable);
  }

  @Nullable Path dataDirectory() {
    return dataDirectory;
  }

  int port() {
    return port;
  }

  boolean durable() {
    return durable;
  }
}

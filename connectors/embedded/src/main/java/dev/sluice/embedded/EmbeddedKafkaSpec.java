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
 * Where an {@link EmbeddedKafka} keeps its records and where it listens.
 *
 * <p>Immutable: each method returns a changed copy.
 */
public final class EmbeddedKafkaSpec {

  static final EmbeddedKafkaSpec DEFAULT = new EmbeddedKafkaSpec(null, 0);

  private final @Nullable Path dataDirectory;
  private final int port;

  private EmbeddedKafkaSpec(@Nullable Path dataDirectory, int port) {
    this.dataDirectory = dataDirectory;
    this.port = port;
  }

  /**
   * Keeps the records in {@code directory}, which is created when it is missing and survives {@link
   * EmbeddedKafka#close()}. Defaults to a temporary directory that {@code close()} deletes.
   *
   * @param directory the directory; one broker at a time may use it
   */
  public EmbeddedKafkaSpec dataDirectory(Path directory) {
    return new EmbeddedKafkaSpec(Objects.requireNonNull(directory, "directory"), port);
  }

  /**
   * Listens on {@code port} of 127.0.0.1. Defaults to 0: a free port that is chosen once per
   * broker. A broker whose clients outlive the process needs a fixed one.
   *
   * @param port 0..65535
   * @throws IllegalArgumentException if the port is out of range
   */
  public EmbeddedKafkaSpec port(int port) {
    return new EmbeddedKafkaSpec(dataDirectory, LoopbackPort.requireValid(port));
  }

  @Nullable Path dataDirectory() {
    return dataDirectory;
  }

  int port() {
    return port;
  }
}

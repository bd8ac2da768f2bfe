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
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Where an {@link EmbeddedS3} keeps its data, where it listens, and which buckets it has.
 *
 * <p>Immutable: each method returns a changed copy.
 */
public final class EmbeddedS3Spec {

  static final EmbeddedS3Spec DEFAULT = new EmbeddedS3Spec(null, 0, Set.of());

  private final @Nullable Path dataDirectory;
  private final int port;
  private final Set<String> buckets;

  private EmbeddedS3Spec(@Nullable Path dataDirectory, int port, Set<String> buckets) {
    this.dataDirectory = dataDirectory;
    this.port = port;
    this.buckets = buckets;
  }

  /**
   * Keeps the data in {@code directory}, which is created when it is missing and survives {@link
   * EmbeddedS3#close()}. It has to be on a file system with extended attributes. Defaults to a
   * temporary directory that {@code close()} deletes.
   *
   * @param directory the directory; one server at a time may use it
   */
  public EmbeddedS3Spec dataDirectory(Path directory) {
    return new EmbeddedS3Spec(Objects.requireNonNull(directory, "directory"), port, buckets);
  }

  /**
   * Listens on {@code port} of 127.0.0.1. Defaults to 0: a free port that is chosen once per
   * server.
   *
   * @param port 0..65535
   * @throws IllegalArgumentException if the port is out of range
   */
  public EmbeddedS3Spec port(int port) {
    return new EmbeddedS3Spec(dataDirectory, LoopbackPort.requireValid(port), buckets);
  }

  /**
   * Has one more bucket when it starts. Defaults to none; clients can create them too.
   *
   * @param bucket 3 to 63 lower-case letters, digits and '-'
   * @throws IllegalArgumentException if the name is out of range
   */
  public EmbeddedS3Spec bucket(String bucket) {
    if (!bucket.matches("[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")) {
      throw new IllegalArgumentException(
          "bucket: \"" + bucket + "\" (expected: 3..63 of a-z, 0-9 and '-')");
    }
    Set<String> more = new TreeSet<>(buckets);
    more.add(bucket);
    return new EmbeddedS3Spec(dataDirectory, port, Set.copyOf(more));
  }

  @Nullable Path dataDirectory() {
    return dataDirectory;
  }

  int port() {
    return port;
  }

  Set<String> buckets() {
    return buckets;
  }
}

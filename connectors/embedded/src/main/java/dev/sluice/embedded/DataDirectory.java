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

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Comparator;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Where a server keeps its data: one server at a time, across processes. The operating system gives
 * the lock back when its process dies, so that a killed server leaves nothing to clean up. Not
 * thread-safe.
 */
final class DataDirectory {

  private final Path path;
  private final boolean temporary;
  private @Nullable FileChannel lock;

  private DataDirectory(Path path, boolean temporary) {
    this.path = path;
    this.temporary = temporary;
  }

  /** The given directory, or a temporary one that {@link #deleteIfTemporary} deletes. */
  static DataDirectory of(@Nullable Path given, String prefix) {
    if (given != null) {
      return new DataDirectory(given.toAbsolutePath(), false);
    }
    try {
      return new DataDirectory(Files.createTempDirectory(prefix), true);
    } catch (IOException e) {
      throw new UncheckedIOException("no temporary directory for an embedded server", e);
    }
  }

  Path path() {
    return path;
  }

  /**
   * Takes the directory, and creates it if it is missing.
   *
   * @throws IllegalStateException if another process, or another server of this one, holds it
   */
  void lock() {
    FileChannel channel = open();
    if (tryLock(channel) == null) {
      close(channel);
      throw new IllegalStateException(
          "data directory: " + path + " is in use by another server (expected: used by one)");
    }
    lock = channel;
  }

  /** Gives the directory back; does nothing when it is not held. */
  void unlock() {
    FileChannel held = lock;
    lock = null;
    if (held != null) {
      close(held); // which releases its lock
    }
  }

  void deleteIfTemporary() {
    if (temporary) {
      delete(path);
    }
  }

  static void delete(Path root) {
    try (Stream<Path> paths = Files.walk(root)) {
      for (Path each : paths.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(each);
      }
    } catch (IOException e) {
      throw new UncheckedIOException("could not delete " + root, e);
    }
  }

  private FileChannel open() {
    try {
      Files.createDirectories(path);
      return FileChannel.open(
          path.resolve("sluice.lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    } catch (IOException e) {
      throw new UncheckedIOException("data directory: " + path + " (expected: writable)", e);
    }
  }

  private static @Nullable FileLock tryLock(FileChannel channel) {
    try {
      return channel.tryLock();
    } catch (OverlappingFileLockException e) {
      return null; // held by this JVM
    } catch (IOException e) {
      close(channel);
      throw new UncheckedIOException("could not lock a data directory", e);
    }
  }

  private static void close(FileChannel channel) {
    try {
      channel.close();
    } catch (IOException e) {
      throw new UncheckedIOException("could not close the lock file of a data directory", e);
    }
  }
}

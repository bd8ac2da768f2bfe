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
import org.jspecify.annotations.Nullable;

/**
 * Keeps a data directory for one server at a time, across processes. The operating system gives the
 * lock back when its process dies, so that a killed server leaves nothing to clean up.
 */
final class DirectoryLock {

  private final FileChannel channel;

  private DirectoryLock(FileChannel channel) {
    this.channel = channel;
  }

  /**
   * @throws IllegalStateException if another process, or another server of this one, holds it
   */
  static DirectoryLock acquire(Path directory) {
    FileChannel channel = open(directory);
    if (tryLock(channel) == null) {
      close(channel);
      throw new IllegalStateException(
          "data directory: " + directory + " is in use by another server (expected: used by one)");
    }
    return new DirectoryLock(channel);
  }

  /** Closing the channel releases its lock. */
  void release() {
    close(channel);
  }

  private static FileChannel open(Path directory) {
    try {
      Files.createDirectories(directory);
      return FileChannel.open(
          directory.resolve("sluice.lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    } catch (IOException e) {
      throw new UncheckedIOException("data directory: " + directory + " (expected: writable)", e);
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

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
package dev.sluice.s3;

import dev.sluice.time.Timers;
import dev.sluice.time.Times;
import java.time.Duration;
import java.util.Objects;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;
import software.amazon.awssdk.services.s3.model.ChecksumAlgorithm;
import software.amazon.awssdk.services.s3.model.ServerSideEncryption;

/** The options of a store in S3. Immutable: each method returns a changed copy. */
public final class S3Spec {

  private static final int MIB = 1024 * 1024;

  /** The least size of a part, which is what S3 allows: 5 MiB. */
  public static final int MIN_PART_SIZE = 5 * MIB;

  private static final int MAX_PART_SIZE = 512 * MIB;

  static final S3Spec DEFAULT = new S3Spec();

  private String prefix = "claims";
  private int partSize = 8 * MIB;
  private long memory = 64L * MIB;
  private int partsAtOnce = 3;
  private Duration idleTimeout = Duration.ofSeconds(30);
  private int resumes = 5;
  private @Nullable ChecksumAlgorithm checksum;
  private @Nullable ServerSideEncryption encryption;
  private @Nullable String kmsKey;
  private Scheduler timer = Schedulers.parallel();

  private S3Spec() {}

  /** A changed copy; what is in somebody's hands never changes. */
  private S3Spec with(Consumer<S3Spec> change) {
    S3Spec copy = new S3Spec();
    copy.prefix = prefix;
    copy.partSize = partSize;
    copy.memory = memory;
    copy.partsAtOnce = partsAtOnce;
    copy.idleTimeout = idleTimeout;
    copy.resumes = resumes;
    copy.checksum = checksum;
    copy.encryption = encryption;
    copy.kmsKey = kmsKey;
    copy.timer = timer;
    change.accept(copy);
    return copy;
  }

  /**
   * What the keys of objects begin with; a '/' follows. Nothing else may be stored under it.
   * Defaults to {@code claims}.
   *
   * @param prefix 1 to 200 lower-case letters, digits, '-', '_' and, between them, '/'
   */
  public S3Spec prefix(String prefix) {
    if (prefix.length() > 200 || !prefix.matches("[a-z0-9_-]+(/[a-z0-9_-]+)*")) {
      throw new IllegalArgumentException(
          "prefix: \"" + prefix + "\" (expected: 1..200 of a-z, 0-9, '-', '_', and '/' between)");
    }
    return with(copy -> copy.prefix = prefix);
  }

  /**
   * How large the parts are in which a payload is stored, in bytes; what fits into one is stored at
   * once. S3 takes 10 000 parts of a payload. Defaults to 8 MiB.
   *
   * @param partSize {@link #MIN_PART_SIZE} to 512 MiB
   */
  public S3Spec partSize(int partSize) {
    if (partSize < MIN_PART_SIZE || partSize > MAX_PART_SIZE) {
      throw new IllegalArgumentException(
          "partSize: " + partSize + " (expected: " + MIN_PART_SIZE + ".." + MAX_PART_SIZE + ")");
    }
    return with(copy -> copy.partSize = partSize);
  }

  /**
   * How much the parts of all payloads that are being stored may take, in bytes: a part is kept
   * until S3 has it, so that it can be sent again. Further payloads wait, and are not read
   * meanwhile. Defaults to 64 MiB.
   *
   * @param memory at least the size of a part
   */
  public S3Spec memory(long memory) {
    return with(copy -> copy.memory = memory);
  }

  /**
   * How many parts of one payload are sent at once. Defaults to 3.
   *
   * @param partsAtOnce 1 to 64
   */
  public S3Spec partsAtOnce(int partsAtOnce) {
    if (partsAtOnce < 1 || partsAtOnce > 64) {
      throw new IllegalArgumentException("partsAtOnce: " + partsAtOnce + " (expected: 1..64)");
    }
    return with(copy -> copy.partsAtOnce = partsAtOnce);
  }

  /**
   * For how long nothing may come, although it was asked for, until a reader gives its connection
   * up and resumes on another one. Defaults to 30 s.
   *
   * @param idleTimeout 10 ms to 365 days
   */
  public S3Spec idleTimeout(Duration idleTimeout) {
    Times.between("idleTimeout", idleTimeout, Duration.ofMillis(10), Times.LONGEST);
    return with(copy -> copy.idleTimeout = idleTimeout);
  }

  /**
   * How often in a row a reader resumes without getting anything; each byte that comes starts the
   * count again. Defaults to 5.
   *
   * @param resumes 0 or more
   */
  public S3Spec resumes(int resumes) {
    if (resumes < 0) {
      throw new IllegalArgumentException("resumes: " + resumes + " (expected: >= 0)");
    }
    return with(copy -> copy.resumes = resumes);
  }

  /**
   * Has S3 check a checksum of each part, besides the digest that a claim check computes anyway.
   * Not every server that speaks S3 knows them. Defaults to none.
   */
  public S3Spec checksum(ChecksumAlgorithm checksum) {
    Objects.requireNonNull(checksum, "checksum");
    return with(copy -> copy.checksum = checksum);
  }

  /** Has S3 encrypt payloads with keys of its own. Defaults to what the bucket says. */
  public S3Spec encryptedByS3() {
    return with(
        copy -> {
          copy.encryption = ServerSideEncryption.AES256;
          copy.kmsKey = null;
        });
  }

  /** Has S3 encrypt payloads with a key of KMS. Defaults to what the bucket says. */
  public S3Spec encryptedByKms(String key) {
    return with(
        copy -> {
          copy.encryption = ServerSideEncryption.AWS_KMS;
          copy.kmsKey = Objects.requireNonNull(key, "key");
        });
  }

  /**
   * Where timeouts and pauses are scheduled. Defaults to {@code Schedulers.parallel()}.
   *
   * @throws IllegalArgumentException if it cannot do anything later
   */
  public S3Spec timer(Scheduler timer) {
    Timers.require("timer", timer);
    return with(copy -> copy.timer = timer);
  }

  /** Checks the options against each other. */
  S3Spec check() {
    if (memory < partSize) {
      throw new IllegalArgumentException(
          "memory: " + memory + " (expected: >= partSize, " + partSize + ")");
    }
    return this;
  }

  String prefix() {
    return prefix;
  }

  int partSize() {
    return partSize;
  }

  long memory() {
    return memory;
  }

  int partsAtOnce() {
    return partsAtOnce;
  }

  Duration idleTimeout() {
    return idleTimeout;
  }

  int resumes() {
    return resumes;
  }

  @Nullable ChecksumAlgorithm checksum() {
    return checksum;
  }

  @Nullable ServerSideEncryption encryption() {
    return encryption;
  }

  @Nullable String kmsKey() {
    return kmsKey;
  }

  Scheduler timer() {
    return timer;
  }
}

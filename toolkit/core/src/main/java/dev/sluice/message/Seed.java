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
package dev.sluice.message;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

/**
 * Tells the ids of this process from those of every other one.
 *
 * <p>SecureRandom reads a device, which is a blocking call, and the first id may well be asked for
 * on a thread that must not block. Ids have to be unique, not secret, so the seed is a digest of
 * what differs between processes: host, process id, clocks, memory, and the jitter of the clock.
 */
final class Seed {

  private static final int JITTER_SAMPLES = 256;
  private static final long FIRST;
  private static final long SECOND;

  static {
    MessageDigest digest = digest("SHA-256");
    digest.update(
        (System.getenv("HOSTNAME") + '|' + System.getenv("COMPUTERNAME"))
            .getBytes(StandardCharsets.UTF_8));
    ByteBuffer facts = ByteBuffer.allocate(4 * Long.BYTES + JITTER_SAMPLES * Long.BYTES);
    facts.putLong(System.currentTimeMillis());
    facts.putLong(ProcessHandle.current().pid());
    facts.putLong(Runtime.getRuntime().freeMemory());
    facts.putLong(System.identityHashCode(facts));
    for (int i = 0; i < JITTER_SAMPLES; i++) {
      facts.putLong(System.nanoTime());
    }
    ByteBuffer seed = ByteBuffer.wrap(digest.digest(facts.array()));
    FIRST = seed.getLong();
    SECOND = seed.getLong();
  }

  private Seed() {}

  /**
   * 64 bits for a tick. The time in nanoseconds keeps processes apart that were restored from one
   * snapshot and so have one seed.
   */
  static long bits(long tick) {
    return mix(mix(tick ^ FIRST) + (System.nanoTime() ^ SECOND));
  }

  /** A digest that every Java platform has. */
  static MessageDigest digest(String algorithm) {
    try {
      return MessageDigest.getInstance(algorithm);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(algorithm + " is missing in this Java platform", e);
    }
  }

  /** The finalizer of SplitMix64: a bijection in which every bit of the input reaches all. */
  private static long mix(long z) {
    z = (z ^ (z >>> 30)) * 0xbf58476d1ce4e5b9L;
    z = (z ^ (z >>> 27)) * 0x94d049bb133111ebL;
    return z ^ (z >>> 31);
  }
}

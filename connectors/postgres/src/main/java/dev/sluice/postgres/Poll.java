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
package dev.sluice.postgres;

import java.util.concurrent.ThreadLocalRandom;

/**
 * When to ask next, and for how much: at once while something is found, then after 50 ms, and less
 * and less often up to a second, with jitter, so that consumers do not ask in step. Used by one
 * thread at a time; times are in nanoseconds of this process.
 */
final class Poll {

  private static final long SHORTEST = 50_000_000;
  private static final long LONGEST = 1_000_000_000;
  private static final int FIRST_BATCH = 16;

  private final int mostBatch;
  private int batch;
  private long pause = SHORTEST;
  private long next;

  Poll(int mostBatch, long now) {
    this.mostBatch = mostBatch;
    this.batch = Math.min(FIRST_BATCH, mostBatch);
    this.next = now;
  }

  /** How much to ask for, if it is needed: as much more as was found lately. */
  int batch() {
    return batch;
  }

  /** How long to wait until it is time to ask; zero or less if it is. */
  long pause(long now) {
    return next - now;
  }

  /** Something was found. */
  void found(int found, int asked, long now) {
    if (found == batch) {
      batch = Math.min(mostBatch, batch * 2);
    } else if (found < asked && found < batch / 2) {
      batch = Math.max(1, batch / 2);
    }
    pause = SHORTEST;
    next = now;
  }

  /** Nothing was found, or nobody answered. */
  void empty(long now) {
    next = now + pause * 3 / 4 + ThreadLocalRandom.current().nextLong(pause / 2);
    pause = Math.min(LONGEST, pause * 2);
  }

  /** There may be something from a time on. */
  void hint(long time) {
    if (time - next < 0) {
      next = time;
      pause = SHORTEST;
    }
  }
}

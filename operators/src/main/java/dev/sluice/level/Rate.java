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
package dev.sluice.level;

import dev.sluice.time.Times;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/**
 * So many in a time, evenly, and so many at once after a pause.
 *
 * @param interval nanoseconds from one to the next
 * @param burst how many at once
 */
record Rate(long interval, int burst) {

  private static final long SHORTEST_INTERVAL = TimeUnit.MICROSECONDS.toNanos(1);

  static Rate of(int permits, Duration per, int burst) {
    if (permits < 1) {
      throw new IllegalArgumentException("permits: " + permits + " (expected: >= 1)");
    }
    Times.positive("per", per);
    if (per.toNanos() < permits * SHORTEST_INTERVAL) {
      throw new IllegalArgumentException(
          "rate: " + permits + " per " + per + " (expected: at most 1000 per millisecond)");
    }
    long interval = (per.toNanos() + permits - 1) / permits; // rounded up, so never faster
    long mostBurst = Math.min(Integer.MAX_VALUE, Times.LONGEST.toNanos() / interval);
    if (burst < 1 || burst > mostBurst) {
      throw new IllegalArgumentException("burst: " + burst + " (expected: 1.." + mostBurst + ")");
    }
    return new Rate(interval, burst);
  }

  /** A bucket that is full, and knows no time yet. */
  Bucket bucket() {
    return new Bucket();
  }

  /**
   * A bucket of permits that fills as time goes by, kept as one instant: when the next permit would
   * be due if they were given evenly. It is {@code burst - 1} intervals early at most. Drain only.
   */
  final class Bucket {

    private boolean begun;
    private long due;

    /** For how many nanoseconds there is no permit; 0 if there is one. */
    long closedFor(long now) {
      if (!begun) {
        begun = true;
        due = now;
      }
      return Math.max(0, due - now - (burst - 1) * interval);
    }

    void take(long now) {
      due = (due - now > 0 ? due : now) + interval; // a difference, because the clock may overflow
    }

    void giveBack() {
      due -= interval;
    }
  }
}

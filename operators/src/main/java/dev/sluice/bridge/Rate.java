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
package dev.sluice.bridge;

import java.time.Clock;
import java.util.concurrent.atomic.AtomicLongArray;

/** How many came in each of the last seconds. Thread-safe. */
final class Rate {

  /*
   * Threads: whoever is first in a second takes its slot over from an older one, and those who come
   * at the same moment may be missed: it is a rate, not a count.
   *
   * seconds   which second a slot is about
   * counts    how many came in it
   */

  private static final int SECONDS = 10;
  private static final int SLOTS = 16; // more than the seconds, so that none is taken over early

  private final Clock clock;
  private final AtomicLongArray seconds = new AtomicLongArray(SLOTS);
  private final AtomicLongArray counts = new AtomicLongArray(SLOTS);

  Rate(Clock clock) {
    this.clock = clock;
  }

  void add() {
    long second = second();
    int slot = (int) (second & SLOTS - 1);
    long about = seconds.get(slot);
    if (about != second && seconds.compareAndSet(slot, about, second)) {
      counts.set(slot, 0);
    }
    counts.incrementAndGet(slot);
  }

  /** A second, over the last ten that are over. */
  double perSecond() {
    long now = second();
    long sum = 0;
    for (int slot = 0; slot < SLOTS; slot++) {
      long age = now - seconds.get(slot);
      if (age >= 1 && age <= SECONDS) {
        sum += counts.get(slot);
      }
    }
    return (double) sum / SECONDS;
  }

  private long second() {
    return Math.floorDiv(clock.millis(), 1000L);
  }
}

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
package dev.sluice.demo.live;

import dev.sluice.demo.ledger.Counters;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;

/** Turns counters into rates over the last seconds. Not thread-safe. */
final class RateMeter {

  static final Duration WINDOW = Duration.ofSeconds(5);

  private final ArrayDeque<Reading> readings = new ArrayDeque<>();

  private record Reading(Instant at, long checkedIn, long loaded) {}

  /** Takes a reading and tells the rates since the oldest one of the window. */
  Frame.Rates read(Instant now, Counters counters) {
    while (!readings.isEmpty() && readings.getFirst().at.isBefore(now.minus(WINDOW))) {
      readings.removeFirst();
    }
    readings.addLast(new Reading(now, counters.checkedIn(), counters.loaded()));
    Reading first = readings.getFirst();
    double seconds = Duration.between(first.at, now).toMillis() / 1000.0;
    if (seconds <= 0) {
      return new Frame.Rates(0, 0);
    }
    return new Frame.Rates(
        (counters.checkedIn() - first.checkedIn) / seconds,
        (counters.loaded() - first.loaded) / seconds);
  }
}

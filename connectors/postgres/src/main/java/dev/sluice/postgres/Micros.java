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

import java.time.Duration;

/** Times as PostgreSQL keeps them. */
final class Micros {

  /** A century: what rests for longer rests for ever. */
  private static final long MOST = Duration.ofDays(36_525).toSeconds() * 1_000_000;

  private Micros() {}

  /** Of a time that must be more than zero; at least one. */
  static long positive(String what, Duration time) {
    if (time.isNegative() || time.isZero()) {
      throw new IllegalArgumentException(what + ": " + time + " (expected: > PT0S)");
    }
    return Math.max(1, of(time));
  }

  /** Of a time that must not be less than zero. */
  static long notNegative(String what, Duration time) {
    if (time.isNegative()) {
      throw new IllegalArgumentException(what + ": " + time + " (expected: >= PT0S)");
    }
    return of(time);
  }

  static long of(Duration time) {
    return time.getSeconds() >= MOST / 1_000_000
        ? MOST
        : time.getSeconds() * 1_000_000 + time.getNano() / 1_000;
  }
}

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
package dev.sluice.time;

import dev.sluice.Experimental;
import java.time.Duration;
import java.util.Objects;

/** The times that something takes: the one check of every option that is a duration. */
@Experimental
public final class Times {

  /** The longest time that anything waits for: 365 days. */
  public static final Duration LONGEST = Duration.ofDays(365);

  /** The longest time that anything is remembered for: 3650 days. */
  public static final Duration LONGEST_RETENTION = Duration.ofDays(3650);

  private Times() {}

  /**
   * The time, if it is more than zero and not more than {@link #LONGEST}.
   *
   * @param option what it was given as
   * @throws IllegalArgumentException if it is out of range
   */
  public static Duration positive(String option, Duration time) {
    return positive(option, time, LONGEST);
  }

  /**
   * The time, if it is zero or more and not more than {@link #LONGEST}.
   *
   * @param option what it was given as
   * @throws IllegalArgumentException if it is out of range
   */
  public static Duration notNegative(String option, Duration time) {
    return between(option, time, Duration.ZERO, LONGEST);
  }

  /**
   * The time that something is remembered for, if it is more than zero and not more than {@link
   * #LONGEST_RETENTION}.
   *
   * @param option what it was given as
   * @throws IllegalArgumentException if it is out of range
   */
  public static Duration retention(String option, Duration time) {
    return positive(option, time, LONGEST_RETENTION);
  }

  /**
   * The time, if it is within bounds, both of which are allowed.
   *
   * @param option what it was given as
   * @throws IllegalArgumentException if it is out of range
   */
  public static Duration between(String option, Duration time, Duration least, Duration most) {
    Objects.requireNonNull(time, option);
    if (time.compareTo(least) < 0 || time.compareTo(most) > 0) {
      throw new IllegalArgumentException(
          option + ": " + time + " (expected: " + least + ".." + most + ")");
    }
    return time;
  }

  private static Duration positive(String option, Duration time, Duration most) {
    Objects.requireNonNull(time, option);
    if (time.isNegative() || time.isZero() || time.compareTo(most) > 0) {
      throw new IllegalArgumentException(
          option + ": " + time + " (expected: > PT0S, <= " + most + ")");
    }
    return time;
  }
}

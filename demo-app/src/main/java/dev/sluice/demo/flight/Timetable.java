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
package dev.sluice.demo.flight;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;

/**
 * When the departures of the week leave today: the week is shifted to now and compressed. When its
 * last flight has left, it begins again. Thread-safe.
 */
public final class Timetable {

  /** From the start of the timetable to its first departure. */
  static final Duration LEAD = Duration.ofMinutes(1);

  /** How long a flight stays on the board after it has left. */
  static final Duration LINGER = Duration.ofSeconds(4);

  private static final Duration PAUSE = Duration.ofHours(1);

  private final Departures departures;
  private final double fastest;
  private final Clock clock;
  private volatile Plan plan;

  /**
   * @param compression how many times as fast as in reality the week passes, at least 1
   */
  public Timetable(Departures departures, double compression, Clock clock) {
    this.departures = departures;
    this.fastest = compression;
    this.clock = clock;
    this.plan = new Plan(clock.instant().plus(LEAD), compression);
  }

  /**
   * Begins the week anew, slowly enough that it lasts at least a quarter longer than {@code
   * busyFor}: so the bags of a load come before their flight leaves.
   *
   * @return how many times as fast as in reality the week passes now
   */
  public double restart(Duration busyFor) {
    double needed = seconds(busyFor) * 1.25;
    double compression = Math.max(1, Math.min(fastest, seconds(week()) / Math.max(1, needed)));
    plan = new Plan(clock.instant().plus(LEAD), compression);
    return compression;
  }

  /** How many times as fast as in reality the week passes. */
  public double compression() {
    return plan.compression;
  }

  /** When this flight leaves next; a flight that has just left keeps its time for 4 seconds. */
  public Instant departsAt(Departure departure) {
    return departsAt(departure, plan, clock.instant());
  }

  /** All departures, the next one first. */
  public List<Leaving> nextFirst() {
    Plan current = plan;
    Instant now = clock.instant();
    return departures.inOrder().stream()
        .map(departure -> new Leaving(departure, departsAt(departure, current, now)))
        .sorted(Comparator.comparing(Leaving::at))
        .toList();
  }

  /**
   * A departure and when it leaves.
   *
   * @param at the time of day of this replay
   */
  public record Leaving(Departure departure, Instant at) {}

  private Instant departsAt(Departure departure, Plan current, Instant now) {
    Duration offset = Duration.between(departures.get(0).scheduled(), departure.scheduled());
    Instant first = current.firstDeparture.plus(compressed(offset, current));
    long round = compressed(week(), current).toMillis();
    long late = Duration.between(first.plus(LINGER), now).toMillis();
    return late <= 0 ? first : first.plusMillis((late + round - 1) / round * round);
  }

  /** From the first departure to the moment when the week begins again. */
  private Duration week() {
    Departure last = departures.get(departures.size() - 1);
    return Duration.between(departures.get(0).scheduled(), last.scheduled()).plus(PAUSE);
  }

  private static Duration compressed(Duration real, Plan plan) {
    return Duration.ofMillis((long) (real.toMillis() / plan.compression));
  }

  private static double seconds(Duration duration) {
    return duration.toMillis() / 1000.0;
  }

  private record Plan(Instant firstDeparture, double compression) {}
}

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

import dev.sluice.demo.flight.Departure;
import dev.sluice.demo.flight.Timetable;
import dev.sluice.demo.ledger.Ledger.FlightSums;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;

/**
 * Chooses the departures that get a lane: the next ones with bags on the belt, and where those are
 * fewer than the lanes, the next ones of the timetable. A lane keeps its flight until its last bag
 * has been in the hold for a moment, so that the eye can follow. Not thread-safe.
 */
final class Board {

  static final int LANES = 10;

  /** How long a flight keeps its lane after its belt has emptied. */
  static final Duration HOLD = Duration.ofSeconds(2);

  private final Instant[] lastBusy;
  private Set<Departure> shown = Set.of();

  Board(int departures) {
    this.lastBusy = new Instant[departures];
  }

  /**
   * @param leaving all departures, the next one first
   * @param sums what is in them, by index
   * @return at most {@value #LANES} departures, the next one first
   */
  List<Timetable.Leaving> choose(
      List<Timetable.Leaving> leaving, List<FlightSums> sums, Instant now) {
    for (FlightSums flight : sums) {
      if (flight.inFlight() > 0) {
        lastBusy[flight.departure().index()] = now;
      }
    }
    Set<Departure> chosen = new HashSet<>();
    add(chosen, leaving, departure -> shown.contains(departure) && isBusy(departure, now));
    add(chosen, leaving, departure -> isBusy(departure, now));
    add(chosen, leaving, departure -> true);
    shown = chosen;
    List<Timetable.Leaving> lanes = new ArrayList<>(chosen.size());
    for (Timetable.Leaving next : leaving) {
      if (chosen.contains(next.departure())) {
        lanes.add(next);
      }
    }
    return lanes;
  }

  private boolean isBusy(Departure departure, Instant now) {
    Instant last = lastBusy[departure.index()];
    return last != null && last.plus(HOLD).isAfter(now);
  }

  private static void add(
      Set<Departure> chosen, List<Timetable.Leaving> leaving, Predicate<Departure> which) {
    for (Timetable.Leaving next : leaving) {
      if (chosen.size() == LANES) {
        return;
      }
      if (which.test(next.departure())) {
        chosen.add(next.departure());
      }
    }
  }
}

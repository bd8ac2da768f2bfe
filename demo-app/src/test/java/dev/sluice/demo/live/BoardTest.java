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

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.demo.TestClock;
import dev.sluice.demo.flight.Departure;
import dev.sluice.demo.flight.Departures;
import dev.sluice.demo.flight.Timetable;
import dev.sluice.demo.ledger.Ledger.FlightSums;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class BoardTest {

  private final TestClock clock = new TestClock();
  private final Departures departures = Departures.ofTheWeek();
  private final Timetable timetable = new Timetable(departures, 336, clock);
  private final Board board = new Board(departures.size());

  /** The lanes, by index, when these departures have a bag on the belt. */
  private List<Integer> lanes(Integer... busy) {
    Set<Integer> inFlight = Arrays.stream(busy).collect(Collectors.toSet());
    List<FlightSums> sums =
        departures.inOrder().stream()
            .map(d -> new FlightSums(d, 9, 8, inFlight.contains(d.index()) ? 1 : 0, 0))
            .toList();
    return board.choose(timetable.nextFirst(), sums, clock.instant()).stream()
        .map(Timetable.Leaving::departure)
        .map(Departure::index)
        .toList();
  }

  @Test
  void showsTheNextDeparturesWhenNothingMoves() {
    assertThat(lanes()).containsExactly(0, 1, 2, 3, 4, 5, 6, 7, 8, 9);
  }

  @Test
  void prefersDeparturesWithBagsOnTheBelt() {
    assertThat(lanes(300, 200)).containsExactly(0, 1, 2, 3, 4, 5, 6, 7, 200, 300);
  }

  @Test
  void showsTheNextOnesOfManyThatAreBusy() {
    Integer[] busy = IntStream.range(100, 200).boxed().toArray(Integer[]::new);

    assertThat(lanes(busy)).containsExactly(100, 101, 102, 103, 104, 105, 106, 107, 108, 109);
  }

  @Test
  void keepsALaneForAMomentAfterItsLastBag() {
    Integer[] busy = IntStream.range(100, 200).boxed().toArray(Integer[]::new);
    Integer[] later = IntStream.range(101, 200).boxed().toArray(Integer[]::new);
    lanes(busy);
    clock.advance(Board.HOLD.minusMillis(1));
    assertThat(lanes(later)).startsWith(100);

    clock.advance(Duration.ofMillis(2));
    assertThat(lanes(later)).startsWith(101).endsWith(110).hasSize(10);
  }

  @Test
  void doesNotTakeALaneFromABusyDepartureForAnEarlierOne() {
    Integer[] busy = IntStream.range(100, 110).boxed().toArray(Integer[]::new);
    lanes(busy);
    Integer[] more = IntStream.range(99, 110).boxed().toArray(Integer[]::new);

    assertThat(lanes(more)).containsExactly(busy);
  }

  @Test
  void dropsADepartureThatHasLeft() {
    assertThat(lanes()).startsWith(0);
    clock.advance(Duration.ofSeconds(65));

    assertThat(lanes()).doesNotContain(0).hasSize(10);
  }
}

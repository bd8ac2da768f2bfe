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

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.demo.TestClock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;

class TimetableTest {

  private final TestClock clock = new TestClock();
  private final Departures departures = Departures.ofTheWeek();
  private final Timetable timetable = new Timetable(departures, 336, clock);
  private final Departure first = departures.get(0);
  private final Departure last = departures.get(departures.size() - 1);

  @Test
  void shiftsTheWeekToNow() {
    assertThat(timetable.departsAt(first)).isEqualTo(clock.instant().plus(Timetable.LEAD));
  }

  @Test
  void compressesTheWeek() {
    Duration real = Duration.between(first.scheduled(), last.scheduled());
    Duration compressed = Duration.between(timetable.departsAt(first), timetable.departsAt(last));

    assertThat(compressed.toMillis()).isEqualTo((long) (real.toMillis() / 336.0));
    assertThat(timetable.compression()).isEqualTo(336);
  }

  @Test
  void listsTheNextDepartureFirst() {
    clock.advance(Duration.ofMinutes(10));

    List<Timetable.Leaving> next = timetable.nextFirst();

    assertThat(next).hasSize(607).isSortedAccordingTo((a, b) -> a.at().compareTo(b.at()));
    assertThat(next.get(0).at()).isAfter(clock.instant().minus(Timetable.LINGER));
  }

  @Test
  void keepsAFlightForAMomentAfterItHasLeft() {
    Instant at = timetable.departsAt(first);
    clock.advance(Timetable.LEAD.plus(Timetable.LINGER));

    assertThat(timetable.departsAt(first)).isEqualTo(at);
  }

  @Test
  void beginsTheWeekAgainWhenItIsOver() {
    Instant at = timetable.departsAt(first);
    clock.advance(Timetable.LEAD.plus(Timetable.LINGER).plusMillis(1));

    assertThat(timetable.departsAt(first)).isAfter(at.plus(Duration.ofMinutes(30)));

    clock.advance(Duration.ofDays(1));
    assertThat(timetable.nextFirst().get(0).at())
        .isBetween(clock.instant().minus(Timetable.LINGER), clock.instant().plusSeconds(60));
  }

  @Test
  void restartsNow() {
    clock.advance(Duration.ofMinutes(17));

    assertThat(timetable.restart(Duration.ofSeconds(20))).isEqualTo(336);
    assertThat(timetable.departsAt(first)).isEqualTo(clock.instant().plus(Timetable.LEAD));
  }

  @Test
  void slowsDownForALoadThatNeedsMoreTime() {
    Duration busy = Duration.ofHours(3);

    double compression = timetable.restart(busy);

    assertThat(compression).isBetween(1.0, 336.0).isEqualTo(timetable.compression());
    assertThat(timetable.departsAt(last)).isAfter(clock.instant().plus(busy));
  }

  @Test
  void isNeverFasterThanAskedForAndNeverSlowerThanReality() {
    assertThat(timetable.restart(Duration.ZERO)).isEqualTo(336);
    assertThat(timetable.restart(Duration.ofDays(1_000))).isEqualTo(1);
  }
}

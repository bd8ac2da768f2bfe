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
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.StringReader;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.util.Comparator;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

class DeparturesTest {

  private static final String HEADER =
      "scheduled,departed,carrier,flight,tail_number,origin,destination,distance_miles,delay_minutes\n";

  @Nested
  class OfTheWeek {

    private final Departures departures = Departures.ofTheWeek();

    @Test
    void hasEveryDepartureOnce() {
      assertThat(departures.size()).isEqualTo(607);
      assertThat(departures.inOrder()).extracting(Departure::key).doesNotHaveDuplicates();
    }

    @Test
    void isInTheOrderOfScheduledDeparture() {
      assertThat(departures.inOrder())
          .isSortedAccordingTo(Comparator.comparing(Departure::scheduled));
      assertThat(departures.inOrder())
          .allSatisfy(d -> assertThat(departures.get(d.index())).isSameAs(d));
    }

    @Test
    void findsAFlightOfADay() {
      Departure departure = departures.find("B6 108", LocalDate.of(2013, 7, 7));

      assertThat(departure).isNotNull();
      assertThat(departure.key()).isEqualTo("B6108-2013-07-07");
      assertThat(departure.scheduled()).isEqualTo(LocalDateTime.of(2013, 7, 7, 22, 45));
      assertThat(departure.origin()).isEqualTo("JFK");
      assertThat(departure.destination()).isEqualTo("PWM");
    }

    @Test
    void findsNothingForAnUnknownFlightOrDay() {
      assertThat(departures.find("XX 1")).isEmpty();
      assertThat(departures.find("B6 108", LocalDate.of(2014, 1, 1))).isNull();
    }

    @Test
    void findsAllDaysOfAFlight() {
      assertThat(departures.find("B6 108"))
          .isNotEmpty()
          .allSatisfy(d -> assertThat(d.flight()).isEqualTo("B6 108"));
    }
  }

  @Nested
  class Reading {

    @Test
    void sortsByScheduledDeparture() throws IOException {
      Departures departures =
          Departures.read(
              new StringReader(
                  HEADER
                      + "2013-07-08T06:00,x,EV,6177,N1,EWR,IAD,212,4\n"
                      + "2013-07-08T05:40,x,AA,701,N2,JFK,MIA,1089,-2\n"));

      assertThat(departures.inOrder())
          .extracting(Departure::flight)
          .containsExactly("AA 701", "EV 6177");
    }

    @Test
    void namesTheLineThatIsWrong() {
      assertThatThrownBy(() -> Departures.read(new StringReader(HEADER + "2013-07-08T06:00,EV\n")))
          .hasMessage("line 2: 2 columns (expected: 9)");
      assertThatThrownBy(
              () -> Departures.read(new StringReader(HEADER + "noon,x,EV,6177,N1,EWR,IAD,212,4\n")))
          .hasMessage("line 2: scheduled: noon (expected: local date and time)");
    }

    @Test
    void refusesAnotherHeaderAnEmptyFileAndADoubleDeparture() {
      assertThatThrownBy(() -> Departures.read(new StringReader("a,b\n")))
          .hasMessageStartingWith("header: a,b (expected: scheduled,");
      assertThatThrownBy(() -> Departures.read(new StringReader(HEADER)))
          .hasMessage("departures: none (expected: at least one)");
      String line = "2013-07-08T06:00,x,EV,6177,N1,EWR,IAD,212,4\n";
      assertThatThrownBy(() -> Departures.read(new StringReader(HEADER + line + line)))
          .hasMessage("departure: EV6177-2013-07-08 twice (expected: once)");
    }
  }
}

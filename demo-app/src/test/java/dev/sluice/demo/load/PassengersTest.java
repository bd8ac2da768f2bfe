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
package dev.sluice.demo.load;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.demo.flight.Departure;
import dev.sluice.demo.flight.Departures;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PassengersTest {

  private final Departures departures = Departures.ofTheWeek();

  private List<Departure> all(int bags, int open) {
    Passengers passengers = new Passengers(departures, bags, open, 1);
    List<Departure> all = new ArrayList<>();
    while (passengers.hasNext()) {
      all.add(passengers.next());
    }
    return all;
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 606, 607, 608, 10_000})
  void bringExactlyAsManyBagsAsAskedFor(int bags) {
    assertThat(all(bags, 200)).hasSize(bags);
  }

  @Test
  void fillEveryFlight() {
    Map<Departure, Integer> bags = new HashMap<>();
    all(10_000, 200).forEach(d -> bags.merge(d, 1, Integer::sum));

    assertThat(bags).hasSize(607);
    assertThat(bags.values()).allSatisfy(n -> assertThat(n).isBetween(5, 30));
  }

  @Test
  void openFlightsInTheOrderOfTheirDepartureAndOnlySoManyAtOnce() {
    List<Departure> all = all(10_000, 50);
    Map<Integer, Integer> lastAt = new HashMap<>();
    for (int i = 0; i < all.size(); i++) {
      lastAt.put(all.get(i).index(), i);
    }
    Set<Integer> open = new HashSet<>();
    int highest = -1;
    for (int i = 0; i < all.size(); i++) {
      int index = all.get(i).index();
      open.add(index);
      assertThat(open).hasSizeLessThanOrEqualTo(50);
      highest = Math.max(highest, index);
      // Everything further back than the open ones has closed.
      assertThat(index).isGreaterThan(highest - 200);
      if (lastAt.get(index) == i) {
        open.remove(index);
      }
    }
  }

  @Test
  void mixFlights() {
    List<Departure> all = all(10_000, 200);

    long sameAsBefore = 0;
    for (int i = 1; i < all.size(); i++) {
      if (all.get(i).equals(all.get(i - 1))) {
        sameAsBefore++;
      }
    }
    assertThat(sameAsBefore).isLessThan(500);
  }

  @Test
  void comeTheSameWayAgain() {
    assertThat(all(1_000, 20)).isEqualTo(all(1_000, 20));
  }

  @Test
  void endAfterTheLast() {
    Passengers passengers = new Passengers(departures, 1, 1, 1);
    passengers.next();

    assertThat(passengers.hasNext()).isFalse();
    assertThatThrownBy(passengers::next).isInstanceOf(NoSuchElementException.class);
  }
}

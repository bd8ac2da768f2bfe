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
package dev.sluice.demo.loading;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.demo.TestClock;
import dev.sluice.demo.bag.Bag;
import dev.sluice.demo.flight.Departure;
import dev.sluice.demo.flight.Departures;
import dev.sluice.demo.ledger.Ledger;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import reactor.test.StepVerifier;

class LoadingWorkTest {

  private final TestClock clock = new TestClock();
  private final Departures departures = Departures.ofTheWeek();
  private final Departure flight = departures.get(0);
  private final Ledger ledger = new Ledger(departures, 100, clock);
  private final Jams jams = new Jams();
  private final LoadingWork work =
      new LoadingWork(ledger, jams, Duration.ofMillis(30), Duration.ofMillis(90), clock);

  private Bag bag(String tag) {
    return new Bag(tag, flight.flight(), flight.date(), 1, clock.instant());
  }

  @Test
  void takesBetweenTheShortestAndTheLongestTime() {
    StepVerifier.withVirtualTime(() -> work.load(bag("0016123456")))
        .expectSubscription()
        .expectNoEvent(Duration.ofMillis(30).minusNanos(1))
        .thenAwait(Duration.ofMillis(61))
        .assertNext(loaded -> assertThat(loaded.tag()).isEqualTo("0016123456"))
        .verifyComplete();
  }

  @Test
  void leavesALoadedBagAlone() {
    ledger.checkedIn(0, "0016123456", flight, 1, clock.instant());
    ledger.loaded("0016123456");

    StepVerifier.create(work.load(bag("0016123456"))).verifyComplete();
  }

  @Test
  void isStuckWhileItsFlightIsJammed() {
    jams.jam(flight.key());

    assertThatThrownBy(() -> work.load(bag("0016123456")))
        .isInstanceOf(Jams.Jammed.class)
        .hasMessage("a bag of " + flight.flight() + " is stuck in the belt");

    assertThat(jams.clear(flight.key())).isTrue();
    StepVerifier.create(work.load(bag("0016123456"))).expectNextCount(1).verifyComplete();
  }
}

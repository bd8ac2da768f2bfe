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
package dev.sluice.demo.screening;

import dev.sluice.demo.bag.BagIntake;
import dev.sluice.demo.bag.BagIntake.CheckIn;
import dev.sluice.demo.chaos.Switches;
import dev.sluice.demo.flight.Departure;
import dev.sluice.demo.flight.Departures;
import java.time.Duration;
import reactor.core.publisher.Mono;

/**
 * Scans bags at the end of the belt and checks them in. One that is scanned twice after a crash is
 * there already.
 */
final class Scanner {

  private static final Duration USUAL = Duration.ofMillis(20);
  private static final Duration SLOW = Duration.ofSeconds(1);

  private final BagIntake intake;
  private final Departures departures;
  private final Switches switches;

  Scanner(BagIntake intake, Departures departures, Switches switches) {
    this.intake = intake;
    this.departures = departures;
    this.switches = switches;
  }

  /**
   * Checks in the bag.
   *
   * @throws IllegalArgumentException if its flight is not of the schedule
   */
  Mono<CheckIn> scan(Arrival bag) {
    Departure departure = departures.find(bag.flight(), bag.date());
    if (departure == null) {
      throw new IllegalArgumentException(
          "flight: " + bag.flight() + " on " + bag.date() + " (expected: one of the schedule)");
    }
    return Mono.delay(switches.isScannerSlow() ? SLOW : USUAL)
        .then(intake.checkIn(bag.tag(), departure));
  }
}

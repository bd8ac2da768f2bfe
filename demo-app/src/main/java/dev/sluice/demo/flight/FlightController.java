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

import java.time.Instant;
import java.time.LocalDate;
import java.util.List;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RestController;

/** The departures, the next one first. */
@RestController
@RequestMapping("/api/flights")
class FlightController {

  private final Timetable timetable;

  FlightController(Timetable timetable) {
    this.timetable = timetable;
  }

  @GetMapping
  Board board() {
    return new Board(
        timetable.compression(),
        timetable.nextFirst().stream().map(FlightController::flight).toList());
  }

  private static Flight flight(Timetable.Leaving leaving) {
    Departure departure = leaving.departure();
    return new Flight(
        departure.flight(),
        departure.date(),
        departure.origin(),
        departure.destination(),
        leaving.at());
  }

  record Board(double factor, List<Flight> flights) {}

  record Flight(
      String flight, LocalDate date, String origin, String destination, Instant departsAt) {}
}

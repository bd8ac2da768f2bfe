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

import dev.sluice.demo.problem.FieldError;
import dev.sluice.demo.problem.JsonFields;
import java.time.LocalDate;
import java.time.format.DateTimeParseException;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A departure as requests name it: by its flight and, if it is not the next one, its day.
 *
 * @param departure the one that is meant
 * @param dated whether the day was named, or left to the next departure of the flight
 */
public record DepartureFields(Departure departure, boolean dated) {

  private static final String FLIGHT = "a flight of the schedule, such as B6 108";
  private static final String DATE = "a day of the schedule, such as 2013-07-11";

  /** Reads the fields; null if they are wrong, which is told. */
  public static @Nullable DepartureFields read(
      JsonFields fields, Departures departures, Timetable timetable) {
    String flight = fields.text("flight", FLIGHT);
    String date = fields.optionalText("date", DATE);
    if (flight == null) {
      return null;
    }
    List<Departure> ofFlight = departures.find(flight);
    if (ofFlight.isEmpty()) {
      fields.wrong(FieldError.was("flight", flight, FLIGHT));
      return null;
    }
    if (date == null) {
      return new DepartureFields(
          ofFlight.stream().min(Comparator.comparing(timetable::departsAt)).orElseThrow(), false);
    }
    Departure departure = null;
    try {
      departure = departures.find(flight, LocalDate.parse(date));
    } catch (DateTimeParseException e) {
      // Not a day at all: told like a day without this flight.
    }
    if (departure == null) {
      String days =
          ofFlight.stream()
              .map(d -> d.date().toString())
              .reduce((a, b) -> a + ", " + b)
              .orElseThrow();
      fields.wrong(FieldError.was("date", date, "a day of flight " + flight + ": " + days));
      return null;
    }
    return new DepartureFields(departure, true);
  }
}

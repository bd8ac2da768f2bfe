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
package dev.sluice.demo.rebooking;

import dev.sluice.demo.flight.Departure;
import dev.sluice.demo.flight.DepartureFields;
import dev.sluice.demo.flight.Departures;
import dev.sluice.demo.flight.Timetable;
import dev.sluice.demo.problem.FieldError;
import dev.sluice.demo.problem.JsonFields;
import dev.sluice.demo.problem.Problem;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/** Reads requests to rebook: a booking, and the flight that its passenger has missed. */
final class RebookingRequest {

  private static final String EXAMPLE = "{\"booking\":\"K7QX2M\",\"flight\":\"B6 108\"}";
  private static final Pattern BOOKING = Pattern.compile("[A-Z0-9]{6}");
  private static final String BOOKING_IS = "6 letters and digits, such as K7QX2M";

  private RebookingRequest() {}

  /**
   * The trip that is meant: with the next flight to the same destination.
   *
   * @throws Problem 400 if the body is not a JSON object, 422 if its fields are wrong
   */
  static Trip read(byte[] body, Departures departures, Timetable timetable) {
    JsonFields fields = JsonFields.read(body, EXAMPLE, List.of("booking", "flight", "date"));
    String booking = fields.text("booking", BOOKING_IS);
    if (booking != null && !BOOKING.matcher(booking).matches()) {
      fields.wrong(FieldError.was("booking", booking, BOOKING_IS));
    }
    DepartureFields missed = DepartureFields.read(fields, departures, timetable);
    if (missed == null) {
      throw fields.problem();
    }
    Optional<Departure> next = next(missed.departure(), departures, timetable);
    if (next.isEmpty()) {
      String destination = missed.departure().destination();
      fields.wrong(
          FieldError.was(
              "flight",
              missed.departure().flight(),
              "one to a destination with another flight; it is the only one to " + destination));
    }
    if (!fields.valid() || booking == null || next.isEmpty()) {
      throw fields.problem();
    }
    return Trip.of(booking, missed.departure(), next.get());
  }

  /** The first to leave behind the missed one; when it was the last of the week, the first. */
  private static Optional<Departure> next(
      Departure missed, Departures departures, Timetable timetable) {
    Instant left = timetable.departsAt(missed);
    return departures.inOrder().stream()
        .filter(d -> d.destination().equals(missed.destination()))
        .filter(d -> !d.flight().equals(missed.flight()))
        .min(
            Comparator.comparing((Departure d) -> timetable.departsAt(d).isBefore(left))
                .thenComparing(timetable::departsAt));
  }
}

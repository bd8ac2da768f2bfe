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
package dev.sluice.demo.bag;

import dev.sluice.demo.flight.Departure;
import dev.sluice.demo.flight.DepartureFields;
import dev.sluice.demo.flight.Departures;
import dev.sluice.demo.flight.Timetable;
import dev.sluice.demo.problem.FieldError;
import dev.sluice.demo.problem.JsonFields;
import dev.sluice.demo.problem.Problem;
import java.util.List;

/**
 * A valid request to check in a bag.
 *
 * @param tag ten digits
 * @param departure the departure it goes with
 * @param dated whether the request named the day, or left it to the next departure of the flight
 */
record BagRequest(String tag, Departure departure, boolean dated) {

  private static final String EXAMPLE = "{\"tag\":\"0016123456\",\"flight\":\"B6 108\"}";
  private static final String TAG = "10 digits";

  /**
   * Reads a request and names everything that is wrong with it.
   *
   * @throws Problem 400 if the body is not a JSON object, 422 if its fields are wrong
   */
  static BagRequest read(byte[] body, Departures departures, Timetable timetable) {
    JsonFields fields = JsonFields.read(body, EXAMPLE, List.of("tag", "flight", "date"));
    String tag = fields.text("tag", TAG);
    if (tag != null && !Bag.isTag(tag)) {
      fields.wrong(FieldError.was("tag", tag, TAG));
    }
    DepartureFields departure = DepartureFields.read(fields, departures, timetable);
    if (!fields.valid() || tag == null || departure == null) {
      throw fields.problem();
    }
    return new BagRequest(tag, departure.departure(), departure.dated());
  }
}

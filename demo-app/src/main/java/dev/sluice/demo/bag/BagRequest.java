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
import dev.sluice.demo.flight.Departures;
import dev.sluice.demo.flight.Timetable;
import dev.sluice.demo.problem.FieldError;
import dev.sluice.demo.problem.Problem;
import java.time.LocalDate;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.TokenStreamLocation;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectReader;
import tools.jackson.databind.json.JsonMapper;

/**
 * A valid request to check in a bag.
 *
 * @param tag ten digits
 * @param departure the departure it goes with
 * @param dated whether the request named the day, or left it to the next departure of the flight
 */
record BagRequest(String tag, Departure departure, boolean dated) {

  private static final String BODY =
      "a JSON object such as {\"tag\":\"0016123456\",\"flight\":\"B6 108\"}";
  private static final String TAG = "10 digits";
  private static final String FLIGHT = "a flight of the schedule, such as B6 108";
  private static final String DATE = "a day of the schedule, such as 2013-07-11";
  private static final Set<String> FIELDS = Set.of("tag", "flight", "date");

  private static final ObjectReader JSON =
      JsonMapper.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build()
          .readerFor(JsonNode.class);

  /**
   * Reads a request and names everything that is wrong with it.
   *
   * @throws Problem 400 if the body is not a JSON object, 422 if its fields are wrong
   */
  static BagRequest read(byte[] body, Departures departures, Timetable timetable) {
    JsonNode object = object(body);
    List<FieldError> errors = new ArrayList<>();
    for (String name : object.propertyNames()) {
      if (!FIELDS.contains(name)) {
        errors.add(FieldError.of("body", "a field nobody knows", "only tag, flight and date"));
        break;
      }
    }
    String tag = text(object, "tag", TAG, true, errors);
    if (tag != null && !Bag.isTag(tag)) {
      errors.add(FieldError.was("tag", tag, TAG));
    }
    String flight = text(object, "flight", FLIGHT, true, errors);
    String date = text(object, "date", DATE, false, errors);
    Departure departure =
        flight == null ? null : departure(flight, date, departures, timetable, errors);
    if (!errors.isEmpty() || tag == null || departure == null) {
      throw Problem.unprocessable(errors);
    }
    return new BagRequest(tag, departure, date != null);
  }

  private static JsonNode object(byte[] body) {
    JsonNode node;
    try {
      node = JSON.readTree(body);
    } catch (JacksonException e) {
      TokenStreamLocation at = e.getLocation();
      String where =
          at == null ? "" : " at line " + at.getLineNr() + ", column " + at.getColumnNr();
      throw Problem.malformed(List.of(FieldError.of("body", "malformed JSON" + where, BODY)));
    }
    if (!node.isObject()) {
      String what = node.isMissingNode() ? "empty" : "not an object";
      throw Problem.malformed(List.of(FieldError.of("body", what, BODY)));
    }
    return node;
  }

  private static @Nullable String text(
      JsonNode object, String field, String expected, boolean required, List<FieldError> errors) {
    JsonNode value = object.path(field);
    if (value.isMissingNode() || value.isNull()) {
      if (required) {
        errors.add(FieldError.missing(field, expected));
      }
      return null;
    }
    if (!value.isString()) {
      errors.add(FieldError.of(field, "not a text", expected));
      return null;
    }
    return value.stringValue();
  }

  private static @Nullable Departure departure(
      String flight,
      @Nullable String date,
      Departures departures,
      Timetable timetable,
      List<FieldError> errors) {
    List<Departure> ofFlight = departures.find(flight);
    if (ofFlight.isEmpty()) {
      errors.add(FieldError.was("flight", flight, FLIGHT));
      return null;
    }
    if (date == null) {
      return ofFlight.stream().min(Comparator.comparing(timetable::departsAt)).orElseThrow();
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
      errors.add(FieldError.was("date", date, "a day of flight " + flight + ": " + days));
    }
    return departure;
  }
}

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
package dev.sluice.demo.quotes;

import dev.sluice.demo.flight.Departure;
import dev.sluice.demo.flight.Departures;
import dev.sluice.demo.problem.FieldError;
import dev.sluice.demo.problem.Problem;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.springframework.util.MultiValueMap;

/**
 * From where to where.
 *
 * @param from an airport that departures of the schedule leave
 * @param to an airport that they go to from there
 */
record Route(String from, String to) {

  private static final String DESTINATION = "a destination from there, such as ";

  /**
   * Reads a query.
   *
   * @throws Problem 400 that names each parameter that is wrong
   */
  static Route read(MultiValueMap<String, String> query, Departures departures) {
    List<FieldError> errors = new ArrayList<>();
    TreeSet<String> origins =
        departures.inOrder().stream()
            .map(Departure::origin)
            .collect(Collectors.toCollection(TreeSet::new));
    String from =
        oneOf(query, "from", origins, "an airport, one of " + String.join(", ", origins), errors);
    TreeSet<String> destinations =
        departures.inOrder().stream()
            .filter(departure -> from == null || departure.origin().equals(from))
            .map(Departure::destination)
            .collect(Collectors.toCollection(TreeSet::new));
    String to = oneOf(query, "to", destinations, DESTINATION + destinations.first(), errors);
    if (from == null || to == null) {
      throw Problem.malformed(errors);
    }
    return new Route(from, to);
  }

  private static @Nullable String oneOf(
      MultiValueMap<String, String> query,
      String name,
      TreeSet<String> known,
      String expected,
      List<FieldError> errors) {
    String value = query.getFirst(name);
    if (value != null && known.contains(value)) {
      return value;
    }
    errors.add(
        value == null ? FieldError.missing(name, expected) : FieldError.was(name, value, expected));
    return null;
  }
}

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

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.Reader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The departures of the replayed week, in the order of their scheduled time. Immutable. */
public final class Departures {

  private static final String RESOURCE = "/data/departures.csv";
  private static final String HEADER =
      "scheduled,departed,carrier,flight,tail_number,origin,destination,distance_miles,delay_minutes";
  private static final int COLUMNS = 9;

  private final List<Departure> inOrder;
  private final Map<String, Departure> byKey = new HashMap<>();
  private final Map<String, List<Departure>> byFlight = new HashMap<>();

  private Departures(List<Departure> inOrder) {
    this.inOrder = Collections.unmodifiableList(inOrder);
    for (Departure departure : inOrder) {
      if (byKey.put(departure.key(), departure) != null) {
        throw new IllegalArgumentException(
            "departure: " + departure.key() + " twice (expected: once)");
      }
      byFlight.computeIfAbsent(departure.flight(), f -> new ArrayList<>()).add(departure);
    }
  }

  /** The departures that come with the application. */
  public static Departures ofTheWeek() {
    try (InputStream csv = Departures.class.getResourceAsStream(RESOURCE)) {
      if (csv == null) {
        throw new IllegalStateException("resource: " + RESOURCE + " is missing");
      }
      return read(new InputStreamReader(csv, StandardCharsets.UTF_8));
    } catch (IOException e) {
      throw new UncheckedIOException("resource: " + RESOURCE + " is not readable", e);
    }
  }

  static Departures read(Reader csv) throws IOException {
    BufferedReader lines = new BufferedReader(csv);
    String header = lines.readLine();
    if (!HEADER.equals(header)) {
      throw new IllegalArgumentException("header: " + header + " (expected: " + HEADER + ")");
    }
    List<Row> rows = new ArrayList<>();
    int number = 1;
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      number++;
      rows.add(row(line, number));
    }
    if (rows.isEmpty()) {
      throw new IllegalArgumentException("departures: none (expected: at least one)");
    }
    rows.sort(Comparator.comparing(Row::scheduled));
    List<Departure> departures = new ArrayList<>(rows.size());
    for (Row r : rows) {
      departures.add(
          new Departure(
              departures.size(), r.carrier, r.number, r.scheduled, r.origin, r.destination));
    }
    return new Departures(departures);
  }

  private static Row row(String line, int number) {
    String[] cells = line.split(",", -1);
    if (cells.length != COLUMNS) {
      throw new IllegalArgumentException(
          "line " + number + ": " + cells.length + " columns (expected: " + COLUMNS + ")");
    }
    try {
      return new Row(LocalDateTime.parse(cells[0]), cells[2], cells[3], cells[5], cells[6]);
    } catch (DateTimeParseException e) {
      throw new IllegalArgumentException(
          "line " + number + ": scheduled: " + cells[0] + " (expected: local date and time)", e);
    }
  }

  private record Row(
      LocalDateTime scheduled, String carrier, String number, String origin, String destination) {}

  /** How many departures there are. */
  public int size() {
    return inOrder.size();
  }

  /** The departure at this place of the order, from 0. */
  public Departure get(int index) {
    return inOrder.get(index);
  }

  /** All departures, the first one first. */
  public List<Departure> inOrder() {
    return inOrder;
  }

  /** The departure of this flight on this day, or {@code null}. */
  public @Nullable Departure find(String flight, LocalDate date) {
    return byKey.get(Departure.key(flight, date));
  }

  /** All departures of this flight, the first one first; none if there is no such flight. */
  public List<Departure> find(String flight) {
    return Collections.unmodifiableList(byFlight.getOrDefault(flight, List.of()));
  }
}

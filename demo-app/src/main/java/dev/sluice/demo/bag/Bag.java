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
import java.time.Instant;
import java.time.LocalDate;
import java.util.regex.Pattern;

/**
 * A checked-in bag, as it is written to {@code bags.checked-in}.
 *
 * <p>What is on the topic may come from anybody: a bag that breaks these rules cannot be made, so
 * its record is unreadable.
 *
 * @param tag the ten digits of its licence plate
 * @param flight its flight as on the board, such as {@code B6 108}
 * @param date the day the flight was scheduled for
 * @param sequence its place among the bags of this flight, from 1
 * @param checkedInAt when it was checked in
 */
public record Bag(String tag, String flight, LocalDate date, int sequence, Instant checkedInAt) {

  /** Ten digits, as on the licence plate of an IATA baggage tag. */
  static final Pattern TAG = Pattern.compile("[0-9]{10}");

  /** Two characters of the airline and up to four digits. */
  static final Pattern FLIGHT = Pattern.compile("[A-Z0-9]{2} [0-9]{1,4}");

  public Bag {
    require(tag != null && TAG.matcher(tag).matches(), "tag", "10 digits");
    require(
        flight != null && FLIGHT.matcher(flight).matches(), "flight", "as on the board: B6 108");
    require(date != null, "date", "a date");
    require(sequence >= 1, "sequence", ">= 1");
    require(checkedInAt != null, "checkedInAt", "a time");
  }

  static Bag of(String tag, Departure departure, int sequence, Instant checkedInAt) {
    return new Bag(tag, departure.flight(), departure.date(), sequence, checkedInAt);
  }

  /** What keeps the bags of its departure in order. */
  public String key() {
    return Departure.key(flight, date);
  }

  /** Tells whether a tag is one. */
  public static boolean isTag(String tag) {
    return TAG.matcher(tag).matches();
  }

  private static void require(boolean valid, String field, String expected) {
    if (!valid) {
      throw new IllegalArgumentException(field + " (expected: " + expected + ")");
    }
  }
}

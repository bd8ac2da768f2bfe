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
package dev.sluice.demo.screens;

import dev.sluice.demo.flight.Departure;
import java.util.Locale;

/**
 * Something that happens to a flight.
 *
 * @param flight as on the board, such as {@code B6 108}
 * @param carrier the two characters of its airline
 * @param destination where it goes
 * @param kind what happens
 */
record FlightEvent(String flight, String carrier, String destination, Kind kind) {

  /** What can happen. */
  enum Kind {
    BOARDING,
    DELAYED,
    GATE,
    DEPARTED;

    /** How requests and types of messages name it. */
    String label() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  static FlightEvent of(Departure departure, Kind kind) {
    return new FlightEvent(departure.flight(), departure.carrier(), departure.destination(), kind);
  }

  /** The type of its message, by which subscribers choose: {@code flight.b6.delayed}. */
  String type() {
    return "flight." + carrier.toLowerCase(Locale.ROOT) + '.' + kind.label();
  }
}

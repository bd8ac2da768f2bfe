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

import java.time.LocalDate;
import java.time.LocalDateTime;

/**
 * One departure of the replayed week.
 *
 * @param index its place in the order of scheduled departure, from 0
 * @param carrier the two characters of the airline, such as {@code B6}
 * @param number the flight number, 1 to 4 digits
 * @param scheduled local time of scheduled departure
 * @param origin three letters of the airport it leaves
 * @param destination three letters of the airport it goes to
 */
public record Departure(
    int index,
    String carrier,
    String number,
    LocalDateTime scheduled,
    String origin,
    String destination) {

  /** As on the board: {@code B6 108}. */
  public String flight() {
    return carrier + " " + number;
  }

  /** The day it was scheduled for; a flight number flies once a day. */
  public LocalDate date() {
    return scheduled.toLocalDate();
  }

  /** What keeps its bags in order: carrier, flight number and date, such as B6108-2013-07-07. */
  public String key() {
    return key(flight(), date());
  }

  /** The key of the departure of this flight on this day. */
  public static String key(String flight, LocalDate date) {
    return flight.replace(" ", "") + "-" + date;
  }
}

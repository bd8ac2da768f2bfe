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
package dev.sluice.demo.screening;

import dev.sluice.demo.bag.Bag;
import java.time.LocalDate;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A bag that came with another flight and has to be screened, as it waits in the queue.
 *
 * @param tag the ten digits of its licence plate
 * @param flight the flight it goes on with, as on the board
 * @param date the day that flight was scheduled for
 * @param connection how urgent it is
 */
record Arrival(String tag, String flight, LocalDate date, Connection connection) {

  /** How much time there is until the next flight. */
  enum Connection {
    /** Next to none. */
    TIGHT(9),
    /** Some. */
    TRANSFER(6),
    /** All day. */
    LOCAL(3);

    private final int priority;

    Connection(int priority) {
      this.priority = priority;
    }

    int priority() {
      return priority;
    }
  }

  Arrival(String tag, String flight, LocalDate date, @Nullable Connection connection) {
    if (tag == null || !Bag.isTag(tag)) {
      throw new IllegalArgumentException("tag (expected: 10 digits)");
    }
    this.tag = tag;
    this.flight = Objects.requireNonNull(flight, "flight");
    this.date = Objects.requireNonNull(date, "date");
    this.connection = connection == null ? Connection.LOCAL : connection;
  }
}

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

import java.time.Instant;
import java.time.LocalDate;

/**
 * A bag in the hold of its aircraft, as it is written to {@code bags.loaded}.
 *
 * @param tag the ten digits of its licence plate
 * @param flight its flight as on the board
 * @param date the day the flight was scheduled for
 * @param sequence its place among the checked-in bags of this flight
 * @param loadedAt when it was loaded
 */
public record LoadedBag(String tag, String flight, LocalDate date, int sequence, Instant loadedAt) {

  public LoadedBag {
    // As for Bag: what is on the topic may come from anybody.
    if (tag == null || !Bag.isTag(tag)) {
      throw new IllegalArgumentException("tag (expected: 10 digits)");
    }
  }

  /** This bag, loaded. */
  public static LoadedBag of(Bag bag, Instant loadedAt) {
    return new LoadedBag(bag.tag(), bag.flight(), bag.date(), bag.sequence(), loadedAt);
  }
}

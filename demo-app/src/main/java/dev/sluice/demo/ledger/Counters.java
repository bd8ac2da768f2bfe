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
package dev.sluice.demo.ledger;

/**
 * The sums of baggage control, all of one moment.
 *
 * @param checkedIn distinct bags and unreadable records on {@code bags.checked-in}
 * @param inFlight those of them that are neither loaded nor dead-lettered nor parked
 * @param parked those of them that wait because a bag of their flight could not be loaded
 * @param loaded distinct bags on {@code bags.loaded}
 * @param deadLettered distinct records on {@code bags.dead-letters} that were not sent back
 * @param duplicates requests, records and redeliveries that did not count again
 * @param outOfOrder bags that were loaded after a later bag of their flight; must be 0
 */
public record Counters(
    long checkedIn,
    long inFlight,
    long parked,
    long loaded,
    long deadLettered,
    long duplicates,
    long outOfOrder) {

  /** By how much {@code checkedIn} exceeds its parts: 0 when nothing is lost or invented. */
  public long difference() {
    return checkedIn - (loaded + inFlight + parked + deadLettered);
  }
}

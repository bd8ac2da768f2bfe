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
package dev.sluice.demo.live;

import dev.sluice.demo.deadletters.DeadLetter;
import dev.sluice.demo.deadletters.DeadLetterLog;
import dev.sluice.demo.ledger.Counters;
import dev.sluice.demo.ledger.Ledger.BagOnBelt;
import java.util.List;

/**
 * One picture of baggage control, all of one moment, as {@code GET /api/live} sends it four times a
 * second: server-sent events named {@code frame} with this record as JSON. Times are milliseconds
 * since 1970, durations are milliseconds, rates are per second.
 *
 * @param at when the picture was taken
 * @param schedule how the week is replayed
 * @param counters the sums
 * @param invariant whether nothing is lost
 * @param rates how fast bags move, over the last five seconds
 * @param oldestInFlightMillis how long the oldest bag in flight has been there; 0 if there is none
 * @param load the load generator
 * @param convoy how busy the convoy is
 * @param flow whether the loading flow runs
 * @param kafka whether the broker answers, and what waits in it
 * @param lanes the next departures, at most {@value Board#LANES}
 * @param others all departures without a lane
 * @param deadLetters the last dead letters, the newest first, at most {@value DeadLetterLog#LAST}
 */
public record Frame(
    long at,
    Schedule schedule,
    Counters counters,
    Balance invariant,
    Rates rates,
    long oldestInFlightMillis,
    Load load,
    Convoy convoy,
    Flow flow,
    Kafka kafka,
    List<Lane> lanes,
    Others others,
    List<DeadLetter> deadLetters) {

  /**
   * How the week is replayed.
   *
   * @param factor how many times as fast as in reality the week passes
   * @param flights how many departures it has
   */
  public record Schedule(double factor, int flights) {}

  /**
   * The invariant: checked in = loaded + in flight + parked + dead-lettered.
   *
   * @param holds whether it holds now and has held in every sample
   * @param difference by how much checked in exceeds its parts
   * @param samples how often it was checked: after every record, and for every frame
   * @param violations how often it did not hold
   */
  public record Balance(boolean holds, long difference, long samples, long violations) {}

  /**
   * Bags per second.
   *
   * @param checkedIn records that came to {@code bags.checked-in}
   * @param loaded records that came to {@code bags.loaded}
   */
  public record Rates(double checkedIn, double loaded) {}

  /**
   * The load generator.
   *
   * @param state {@code idle}, {@code running}, {@code finished}, {@code stopped} or {@code failed}
   * @param rate bags per second asked for
   * @param bags how many bags it sends in all, unreadable records included
   * @param sent how many of them are confirmed
   * @param unreadable how many unreadable records are among the confirmed ones
   * @param unreadableShare which part of the bags is unreadable, 0 to 0.1
   * @param flights how many departures it replays
   * @param factor how many times as fast as in reality the week passes
   * @param failure why it failed, or an empty text
   */
  public record Load(
      String state,
      int rate,
      int bags,
      int sent,
      int unreadable,
      double unreadableShare,
      int flights,
      double factor,
      String failure) {}

  /**
   * The convoy.
   *
   * @param lanes flights with admitted bags
   * @param running workers that load a bag
   * @param concurrency how many workers may run at once
   * @param admitted bags taken from Kafka and not yet settled
   * @param lookAhead how many bags may be admitted at once
   */
  public record Convoy(int lanes, int running, int concurrency, long admitted, int lookAhead) {}

  /**
   * The loading flow.
   *
   * @param up whether it runs and gets on
   * @param state its state in a word, and what keeps it from getting on
   */
  public record Flow(boolean up, String state) {}

  /**
   * The broker.
   *
   * @param up whether it answered within the last seconds
   * @param bootstrap its address
   * @param waiting records of {@code bags.checked-in} the flow has not settled
   */
  public record Kafka(boolean up, String bootstrap, long waiting) {}

  /**
   * The belt of one departure.
   *
   * @param key what keeps its bags in order
   * @param flight as on the board
   * @param origin the airport it leaves
   * @param destination the airport it goes to
   * @param departsAt when it leaves
   * @param checkedIn its bags
   * @param loaded those of them in the hold
   * @param bags the last loaded and the next to load, by sequence, at most 12
   */
  public record Lane(
      String key,
      String flight,
      String origin,
      String destination,
      long departsAt,
      int checkedIn,
      int loaded,
      List<BagOnBelt> bags) {}

  /**
   * Departures without a lane.
   *
   * @param flights how many there are
   * @param checkedIn their bags
   * @param inFlight those that are neither loaded nor dead-lettered
   * @param loaded those in a hold
   */
  public record Others(int flights, long checkedIn, long inFlight, long loaded) {}
}

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

import dev.sluice.demo.deadletters.DeadLetterLog;
import dev.sluice.demo.flight.Departure;
import dev.sluice.demo.flight.Departures;
import dev.sluice.demo.flight.Timetable;
import dev.sluice.demo.ledger.Counters;
import dev.sluice.demo.ledger.Ledger;
import dev.sluice.demo.ledger.Ledger.BagOnBelt;
import dev.sluice.demo.ledger.Ledger.FlightSums;
import dev.sluice.demo.ledger.Ledger.Snapshot;
import java.time.Clock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;

/**
 * Takes the pictures of baggage control: the pulse of the feed. Not thread-safe: one thread at a
 * time takes them.
 */
final class LiveState implements LiveSection {

  private final Ledger ledger;
  private final Departures departures;
  private final Timetable timetable;
  private final DeadLetterLog deadLetters;
  private final LoadingGauges gauges;
  private final Supplier<Frame.Load> load;
  private final Clock clock;
  private final Board board;
  private final RateMeter rates = new RateMeter();

  LiveState(
      Ledger ledger,
      Departures departures,
      Timetable timetable,
      DeadLetterLog deadLetters,
      LoadingGauges gauges,
      Supplier<Frame.Load> load,
      Clock clock) {
    this.ledger = ledger;
    this.departures = departures;
    this.timetable = timetable;
    this.deadLetters = deadLetters;
    this.gauges = gauges;
    this.load = load;
    this.clock = clock;
    this.board = new Board(departures.size());
  }

  @Override
  public String event() {
    return "frame";
  }

  @Override
  public Frame view() {
    Instant now = clock.instant();
    List<Timetable.Leaving> leaving = timetable.nextFirst();
    List<Timetable.Leaving> lanes = new ArrayList<>(Board.LANES);
    Snapshot snapshot =
        ledger.snapshot(
            sums -> {
              lanes.addAll(board.choose(leaving, sums, now));
              return lanes.stream().map(Timetable.Leaving::departure).toList();
            });
    Counters counters = snapshot.counters();
    return new Frame(
        now.toEpochMilli(),
        new Frame.Schedule(timetable.compression(), departures.size()),
        counters,
        new Frame.Balance(
            counters.difference() == 0,
            counters.difference(),
            snapshot.samples(),
            snapshot.violations()),
        rates.read(now, counters),
        snapshot.oldestInFlight().toMillis(),
        load.get(),
        gauges.convoy(),
        gauges.flow(),
        gauges.kafka(),
        lanes.stream().map(next -> lane(next, snapshot)).toList(),
        others(snapshot),
        deadLetters.last());
  }

  private static Frame.Lane lane(Timetable.Leaving leaving, Snapshot snapshot) {
    Departure departure = leaving.departure();
    FlightSums sums = snapshot.flights().get(departure.index());
    List<BagOnBelt> bags = snapshot.bags().getOrDefault(departure.key(), List.of());
    return new Frame.Lane(
        departure.key(),
        departure.flight(),
        departure.origin(),
        departure.destination(),
        leaving.at().toEpochMilli(),
        sums.checkedIn(),
        sums.loaded(),
        bags);
  }

  private static Frame.Others others(Snapshot snapshot) {
    int flights = 0;
    long checkedIn = 0;
    long inFlight = 0;
    long loaded = 0;
    for (FlightSums sums : snapshot.flights()) {
      if (!snapshot.bags().containsKey(sums.departure().key())) {
        flights++;
        checkedIn += sums.checkedIn();
        inFlight += sums.inFlight();
        loaded += sums.loaded();
      }
    }
    return new Frame.Others(flights, checkedIn, inFlight, loaded);
  }
}

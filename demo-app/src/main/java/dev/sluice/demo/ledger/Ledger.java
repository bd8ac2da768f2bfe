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

import dev.sluice.demo.flight.Departure;
import dev.sluice.demo.flight.Departures;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Sinks;

/**
 * What is known of every bag, from the three topics: the topics are the truth, this is their sum.
 *
 * <p>The terms of the invariant are counted apart. <em>Checked in</em>, <em>loaded</em> and
 * <em>dead-lettered</em> count records of three different topics, each bag once; <em>in flight</em>
 * and <em>parked</em> are the size of a set that a check-in joins and a loading or a dead letter
 * leaves, and how much of it is in the parking lot. A bag that is loaded without a check-in, or
 * that ends twice, tips the balance; a bag that is lost stays in the set, and the age of its oldest
 * member grows.
 *
 * <p>A dead letter that is sent back is a new record of the same bag: with it the bag is in flight
 * again, and its former record counts no more.
 *
 * <p>The topics are read side by side, so the end of a bag may be seen before its beginning. Such
 * an end waits up to ten seconds for its check-in, and counts as what it is after that.
 *
 * <p>Thread-safe: one lock, held for microseconds and never while anything waits, so that event
 * loops may call every method. Holds at most {@code capacity} bags and unreadable records, about
 * 180 bytes each.
 */
public final class Ledger {

  /** How long the end of a bag waits for its beginning. */
  static final Duration PATIENCE = Duration.ofSeconds(10);

  /** What the audit takes above the capacity before it gives up: bags that were on their way. */
  static final int SLACK = 50_000;

  private static final int RECENT = 6;
  private static final int WAITING = 6;
  private static final int SERIES_DIGITS = 4;
  private static final int SERIES = 10_000;

  private final Departures departures;
  private final int capacity;
  private final Clock clock;

  // All guarded by this.
  private final Map<String, Entry> tags = new HashMap<>();
  private final Map<Long, Entry> inFlight = new LinkedHashMap<>(); // by position, the oldest first
  private final Map<Long, Entry> dead = new HashMap<>();
  private final Set<Long> sentBack = new HashSet<>(); // positions of records that count no more
  private final Map<String, Instant> earlyLoaded = new LinkedHashMap<>();
  private final Map<Long, Instant> earlyDead = new LinkedHashMap<>();
  private final BitSet series = new BitSet(SERIES);
  private final Flight[] flights;
  private final Invariant invariant = new Invariant();
  private int unreadableInFlight;
  private int parked;
  private long checkedIn;
  private long loaded;
  private long deadLettered;
  private long duplicates;
  private long outOfOrder;

  /**
   * @param capacity how many bags and unreadable records it takes, at least 1
   */
  public Ledger(Departures departures, int capacity, Clock clock) {
    if (capacity < 1) {
      throw new IllegalArgumentException("capacity: " + capacity + " (expected: >= 1)");
    }
    this.departures = departures;
    this.capacity = capacity;
    this.clock = clock;
    this.flights = new Flight[departures.size()];
    for (int i = 0; i < flights.length; i++) {
      flights[i] = new Flight();
    }
  }

  /** How many bags and unreadable records it takes. */
  public int capacity() {
    return capacity;
  }

  // == check-in ==

  /** What became of an attempt to take a tag. */
  public sealed interface Reservation {

    /** The tag is the caller's, who must confirm or abandon it. */
    record Granted(Ticket ticket) implements Reservation {}

    /** Somebody else is just checking in this tag; the ticket tells how it ends. */
    record Pending(Ticket ticket) implements Reservation {}

    /** The tag is checked in already. */
    record Known(BagView bag) implements Reservation {}

    /** There is no room for another bag. */
    record Full(int capacity) implements Reservation {}
  }

  /**
   * A tag that is being checked in.
   *
   * @param outcome the bag once its record is confirmed, or what failed
   */
  public record Ticket(String tag, Departure departure, Sinks.One<BagView> outcome) {}

  /**
   * What is known of one bag.
   *
   * @param sequence its place among the bags of its flight, from 1
   */
  public record BagView(
      String tag, String flight, LocalDate date, int sequence, Stage stage, Instant checkedInAt) {}

  /** Takes the tag for a bag of this departure, if nobody has it. */
  public synchronized Reservation reserve(String tag, Departure departure) {
    Entry entry = tags.get(tag);
    if (entry == null) {
      if (tracked() >= capacity) {
        return new Reservation.Full(capacity);
      }
      Ticket ticket = new Ticket(tag, departure, Sinks.one());
      remember(new Entry(tag, departure.index(), Stage.RESERVED, ticket));
      return new Reservation.Granted(ticket);
    }
    Ticket ticket = entry.ticket;
    return ticket != null ? new Reservation.Pending(ticket) : new Reservation.Known(view(entry));
  }

  /** A request was answered with the bag that is there already. */
  public synchronized void absorbed() {
    duplicates++;
  }

  /** The place of the next bag of this departure; asked for in the order in which bags are sent. */
  public synchronized int nextSequence(Departure departure) {
    return ++flights[departure.index()].lastSequence;
  }

  /** The record of a reserved bag is on the topic; the audit will see it there. */
  public void confirm(Ticket ticket, int sequence, Instant checkedInAt) {
    Departure departure = ticket.departure();
    ticket
        .outcome()
        .tryEmitValue(
            new BagView(
                ticket.tag(),
                departure.flight(),
                departure.date(),
                sequence,
                Stage.CHECKED_IN,
                checkedInAt));
  }

  /**
   * The record of a reserved bag is not on the topic as far as anybody knows: its tag is free
   * again, unless the audit has seen the record.
   */
  public void abandon(Ticket ticket, Throwable why) {
    BagView there = null;
    synchronized (this) {
      Entry entry = tags.get(ticket.tag());
      if (entry != null && ticket.equals(entry.ticket)) {
        tags.remove(ticket.tag());
      } else if (entry != null) {
        there = view(entry);
      }
    }
    if (there == null) {
      ticket.outcome().tryEmitError(why);
    } else {
      ticket.outcome().tryEmitValue(there);
    }
  }

  /** What is known of the bag with this tag; {@code null} before its check-in is confirmed. */
  public synchronized @Nullable BagView find(String tag) {
    Entry entry = tags.get(tag);
    return entry == null || entry.stage == Stage.RESERVED ? null : view(entry);
  }

  /** Whether there is room for another bag or record. */
  public synchronized boolean hasRoom() {
    return tracked() < capacity;
  }

  /** The lowest first four digits, from 0001, that no tag begins with; none if all are in use. */
  public synchronized OptionalInt freeSeries() {
    int free = series.nextClearBit(1);
    return free < SERIES ? OptionalInt.of(free) : OptionalInt.empty();
  }

  // == loading ==

  /**
   * A worker takes up the bag.
   *
   * @return false if it is loaded already and must not be loaded again
   */
  public synchronized boolean beginLoading(String tag) {
    Entry entry = tags.get(tag);
    boolean there = entry != null && entry.stage == Stage.LOADED;
    if (there || earlyLoaded.containsKey(tag)) {
      duplicates++;
      return false;
    }
    if (entry != null) {
      entry.loading = true;
      if (entry.stage == Stage.CHECKED_IN) {
        entry.stage = Stage.LOADING;
      }
    }
    return true;
  }

  // == audit: what the topics say ==

  /**
   * A bag is on {@code bags.checked-in}.
   *
   * @param position where: one number for each record of the topic
   * @throws IllegalStateException if the ledger is full
   */
  public synchronized void checkedIn(
      long position, String tag, Departure departure, int sequence, Instant checkedInAt) {
    if (sentBack.contains(position)) {
      return;
    }
    Entry entry = tags.get(tag);
    if (entry != null && entry.stage != Stage.RESERVED) {
      duplicates++;
      sample();
      return;
    }
    if (entry == null || entry.departure != departure.index()) {
      requireRoom();
      entry = new Entry(tag, departure.index(), Stage.RESERVED, null);
      remember(entry);
    }
    entry.ticket = null;
    entry.position = position;
    entry.sequence = sequence;
    entry.checkedInAt = checkedInAt;
    entry.stage = entry.loading ? Stage.LOADING : Stage.CHECKED_IN;
    Flight flight = flights[departure.index()];
    flight.lastSequence = Math.max(flight.lastSequence, sequence);
    flight.checkedIn++;
    flight.waiting.addLast(entry);
    checkedIn++;
    inFlight.put(position, entry);
    if (earlyLoaded.remove(tag) != null) {
      endLoaded(entry);
    }
    if (earlyDead.remove(position) != null) {
      endDead(position);
    }
    sample();
  }

  /** A record that is no bag of the schedule is on {@code bags.checked-in}. */
  public synchronized void unreadable(long position, Instant at) {
    if (sentBack.contains(position)) {
      return;
    }
    requireRoom();
    Entry entry = new Entry(null, -1, Stage.CHECKED_IN, null);
    entry.position = position;
    entry.checkedInAt = at;
    unreadableInFlight++;
    checkedIn++;
    inFlight.put(position, entry);
    if (earlyDead.remove(position) != null) {
      endDead(position);
    }
    sample();
  }

  /** A bag is on {@code bags.loaded}. */
  public synchronized void loaded(String tag) {
    Entry entry = tags.get(tag);
    if (entry == null || entry.stage == Stage.RESERVED) {
      if (earlyLoaded.putIfAbsent(tag, clock.instant()) != null) {
        duplicates++;
      }
      requireRoom();
    } else if (entry.stage == Stage.LOADED) {
      duplicates++;
    } else {
      endLoaded(entry);
    }
    sample();
  }

  /**
   * The record at this position of {@code bags.checked-in} is on {@code bags.dead-letters}.
   *
   * @return whether it was the first dead letter of this record
   */
  public synchronized boolean deadLettered(long position) {
    if (sentBack.contains(position)) {
      return false;
    }
    boolean first = true;
    if (inFlight.containsKey(position)) {
      endDead(position);
    } else if (dead.containsKey(position)
        || earlyDead.putIfAbsent(position, clock.instant()) != null) {
      duplicates++;
      first = false;
    } else {
      requireRoom();
    }
    sample();
    return first;
  }

  private void endLoaded(Entry entry) {
    if (inFlight.remove(entry.position) == null) {
      loaded++; // a dead-lettered bag was loaded as well: the balance must show it
      return;
    }
    loaded++;
    entry.stage = Stage.LOADED;
    Flight flight = flights[entry.departure];
    flight.waiting.remove(entry);
    flight.loaded++;
    if (entry.position < flight.lastLoaded) {
      outOfOrder++;
    }
    flight.lastLoaded = Math.max(flight.lastLoaded, entry.position);
    settleParked(flight);
    flight.recent.addLast(entry);
    if (flight.recent.size() > RECENT) {
      flight.recent.removeFirst();
    }
  }

  private void endDead(long position) {
    Entry entry = inFlight.remove(position);
    if (entry == null) {
      return;
    }
    deadLettered++;
    dead.put(position, entry);
    entry.stage = Stage.DEAD_LETTERED;
    leave(entry);
  }

  /** It is no longer in flight. */
  private void leave(Entry entry) {
    if (entry.tag == null) {
      unreadableInFlight--;
    } else {
      Flight flight = flights[entry.departure];
      flight.waiting.remove(entry);
      settleParked(flight);
    }
  }

  /**
   * The record that follows is one that was dead-lettered at this position and sent back. Wherever
   * the audit has seen it, in flight or dead, or not at all yet: it counts no more.
   */
  public synchronized void sentBack(long position) {
    if (!sentBack.add(position)) {
      duplicates++;
      return;
    }
    earlyDead.remove(position);
    Entry entry = inFlight.remove(position);
    if (entry != null) {
      leave(entry);
    } else {
      entry = dead.remove(position);
      if (entry == null) {
        return;
      }
      deadLettered--;
    }
    checkedIn--;
    if (entry.tag != null) {
      flights[entry.departure].checkedIn--;
      tags.remove(entry.tag);
    }
    sample();
  }

  // == parking ==

  /**
   * What is in the parking lot.
   *
   * @param counts how many bags, by the key of their departure; others have none there
   */
  public synchronized void parked(Map<String, Long> counts) {
    for (int i = 0; i < flights.length; i++) {
      flights[i].inLot = counts.isEmpty() ? 0 : counts.getOrDefault(departures.get(i).key(), 0L);
      settleParked(flights[i]);
    }
    sample();
  }

  /** The lot is asked now and then: a bag that has left it meanwhile is not in it. */
  private void settleParked(Flight flight) {
    parked -= flight.parked;
    flight.parked = (int) Math.min(flight.inLot, flight.waiting.size());
    parked += flight.parked;
  }

  // == what is seen of it ==

  /**
   * The sums of this moment, after the ends nobody explained have been counted as what they are.
   */
  public synchronized Counters counters() {
    countTheUnexplained();
    return sample();
  }

  /**
   * The sums, the lanes chosen from them and the last of their bags, all of one moment.
   *
   * @param choose picks the departures that get a lane, from what is in each of them
   */
  public synchronized Snapshot snapshot(
      Function<List<FlightSums>, ? extends Collection<Departure>> choose) {
    countTheUnexplained();
    Counters counters = sample();
    List<FlightSums> sums = new ArrayList<>(flights.length);
    for (int i = 0; i < flights.length; i++) {
      Flight flight = flights[i];
      sums.add(
          new FlightSums(
              departures.get(i),
              flight.checkedIn,
              flight.loaded,
              flight.waiting.size(),
              flight.parked));
    }
    Map<String, List<BagOnBelt>> bags = new HashMap<>();
    for (Departure departure : choose.apply(sums)) {
      bags.put(departure.key(), flights[departure.index()].belt());
    }
    Iterator<Entry> oldest = inFlight.values().iterator();
    Duration age =
        oldest.hasNext()
            ? Duration.between(oldest.next().checkedInAt, clock.instant())
            : Duration.ZERO;
    return new Snapshot(
        counters,
        invariant.samples(),
        invariant.violations(),
        age.isNegative() ? Duration.ZERO : age,
        sums,
        bags);
  }

  /**
   * All of one moment.
   *
   * @param samples how often the invariant was checked
   * @param violations how often it did not hold
   * @param oldestInFlight how long the oldest bag has been in flight; zero if there is none
   * @param flights what is in each departure, by index
   * @param bags the bags on the belts of the chosen departures, by key
   */
  public record Snapshot(
      Counters counters,
      long samples,
      long violations,
      Duration oldestInFlight,
      List<FlightSums> flights,
      Map<String, List<BagOnBelt>> bags) {}

  /**
   * What is in one departure.
   *
   * @param inFlight its bags that are neither loaded nor dead-lettered, parked ones included
   * @param parked those of them that are in the parking lot
   */
  public record FlightSums(
      Departure departure, int checkedIn, int loaded, int inFlight, int parked) {}

  /**
   * A bag that is, or just was, on the belt of its flight.
   *
   * @param tag its ten digits
   * @param sequence its place among the bags of its flight
   * @param stage how far it has come
   */
  public record BagOnBelt(String tag, int sequence, Stage stage) {}

  private BagView view(Entry entry) {
    return entry.view(departures.get(entry.departure), flights[entry.departure].parked > 0);
  }

  private Counters sample() {
    Counters counters =
        new Counters(
            checkedIn,
            inFlight.size() - parked,
            parked,
            loaded,
            deadLettered,
            duplicates,
            outOfOrder);
    invariant.sample(counters);
    return counters;
  }

  private void countTheUnexplained() {
    if (earlyLoaded.isEmpty() && earlyDead.isEmpty()) {
      return;
    }
    Instant limit = clock.instant().minus(PATIENCE);
    loaded += expire(earlyLoaded, limit);
    deadLettered += expire(earlyDead, limit);
  }

  private static int expire(Map<?, Instant> early, Instant limit) {
    int expired = 0;
    Iterator<Instant> times = early.values().iterator();
    while (times.hasNext() && times.next().isBefore(limit)) {
      times.remove();
      expired++;
    }
    return expired;
  }

  private void remember(Entry entry) {
    String tag = entry.tag;
    if (tag != null) {
      tags.put(tag, entry);
      series.set(Integer.parseInt(tag.substring(0, SERIES_DIGITS)));
    }
  }

  private int tracked() {
    return tags.size()
        + unreadableInFlight
        + dead.size()
        + sentBack.size()
        + earlyLoaded.size()
        + earlyDead.size();
  }

  private void requireRoom() {
    if (tracked() >= capacity + SLACK) {
      throw new IllegalStateException(
          "ledger: " + tracked() + " bags (expected: at most " + capacity + ")");
    }
  }

  /** The bags of one departure. */
  private static final class Flight {
    final ArrayDeque<Entry> waiting = new ArrayDeque<>(2);
    final ArrayDeque<Entry> recent = new ArrayDeque<>(2);
    int lastSequence;
    long lastLoaded = -1; // the position: all bags of a departure are in one partition
    long inLot;
    int parked;
    int checkedIn;
    int loaded;

    List<BagOnBelt> belt() {
      List<BagOnBelt> belt = new ArrayList<>(RECENT + WAITING);
      for (Entry entry : recent) {
        belt.add(entry.onBelt(false));
      }
      Iterator<Entry> next = waiting.iterator();
      for (int i = 0; i < WAITING && next.hasNext(); i++) {
        belt.add(next.next().onBelt(parked > 0));
      }
      return belt;
    }
  }

  /** One bag, or one unreadable record. */
  private static final class Entry {
    final @Nullable String tag;
    final int departure;
    Stage stage;
    boolean loading;
    int sequence;
    long position;
    Instant checkedInAt = Instant.EPOCH;
    @Nullable Ticket ticket;

    Entry(@Nullable String tag, int departure, Stage stage, @Nullable Ticket ticket) {
      this.tag = tag;
      this.departure = departure;
      this.stage = stage;
      this.ticket = ticket;
    }

    BagOnBelt onBelt(boolean inLot) {
      return new BagOnBelt(String.valueOf(tag), sequence, inLot ? Stage.PARKED : stage);
    }

    BagView view(Departure of, boolean inLot) {
      boolean waits = stage == Stage.CHECKED_IN || stage == Stage.LOADING;
      return new BagView(
          String.valueOf(tag),
          of.flight(),
          of.date(),
          sequence,
          inLot && waits ? Stage.PARKED : stage,
          checkedInAt);
    }
  }
}

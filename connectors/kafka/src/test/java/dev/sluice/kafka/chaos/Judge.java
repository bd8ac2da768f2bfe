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
package dev.sluice.kafka.chaos;

import dev.sluice.kafka.chaos.Verdict.Fault;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Reads the ledgers of all members, knowing what was sent and what the broker said was committed,
 * and tells whether the promises were kept. It knows nothing of how they are kept.
 */
final class Judge {

  /** What a member of the group wrote down; {@code killed} if it could not finish what it began. */
  record Book(String name, boolean killed, List<Flight> flights) {}

  /** The broker said at {@code time} that the group has committed {@code offset}. */
  record Commit(long time, int partition, long offset) {}

  private final int[] sent;
  private final boolean fence;

  private Judge(int[] sent, boolean fence) {
    this.sent = sent;
    this.fence = fence;
  }

  /**
   * Judges what every worker did.
   *
   * @param sent how many works each key has
   */
  static Judge of(int[] sent) {
    return new Judge(sent, false);
  }

  /**
   * Judges what a sink sees that takes no effect of an ownership when it has seen one of a later
   * ownership of the same partition: against a member that was frozen in mid-work nothing less
   * helps.
   */
  Judge behindAFence() {
    return new Judge(sent, true);
  }

  Verdict judge(List<Book> books, List<Commit> commits) {
    Verdict verdict = new Verdict();
    List<Flight> flights = new ArrayList<>();
    for (Book book : books) {
      for (Flight flight : book.flights()) {
        if (flight.fate() == Flight.Fate.OPEN && !book.killed()) {
          verdict.add(Fault.UNFINISHED, flight.toString());
        }
        flights.add(flight);
      }
    }
    if (fence) {
      flights = fenced(flights, verdict);
    }
    Map<Integer, List<Flight>> byKey = new TreeMap<>();
    for (Flight flight : flights) {
      byKey.computeIfAbsent(flight.key(), key -> new ArrayList<>()).add(flight);
    }
    for (int key = 0; key < sent.length; key++) {
      byKey.computeIfAbsent(key, k -> List.of());
    }
    byKey.forEach(
        (key, ofKey) -> {
          judgeEffects(key, ofKey, verdict);
          judgeOwnerships(ofKey, verdict);
          judgeOverlaps(ofKey, verdict);
        });
    judgeCommits(flights, commits, verdict);
    return verdict;
  }

  // == one key ==

  /** Everything that was sent is done, for the first time in the order in which it was sent. */
  private void judgeEffects(int key, List<Flight> flights, Verdict verdict) {
    int count = key < sent.length ? sent[key] : 0;
    Set<Integer> seen = new HashSet<>();
    int next = 0;
    List<Flight> done = new ArrayList<>(flights.stream().filter(Flight::isDone).toList());
    done.sort(Comparator.comparingLong(Flight::end));
    for (Flight flight : done) {
      if (flight.seq() >= count) {
        verdict.add(Fault.UNKNOWN, flight.toString());
      } else if (!seen.add(flight.seq())) {
        verdict.addDuplicate(flight.epoch());
      } else {
        verdict.addDone();
        if (flight.seq() != next) {
          verdict.add(Fault.OUT_OF_ORDER, flight + ", expected #" + next);
        }
        next = flight.seq() + 1;
      }
    }
    for (int seq = 0; seq < count; seq++) {
      if (!seen.contains(seq)) {
        verdict.add(Fault.LOST, key + "#" + seq);
      }
    }
  }

  /** A redelivery may begin further back, but goes on from there one by one. */
  private static void judgeOwnerships(List<Flight> flights, Verdict verdict) {
    List<Flight> ordered = new ArrayList<>(flights);
    ordered.sort(Comparator.comparingLong(Flight::begin));
    Map<String, Flight> last = new HashMap<>();
    for (Flight flight : ordered) {
      Flight before = last.put(flight.book() + ' ' + flight.epoch(), flight);
      if (before != null && flight.seq() != expectedAfter(before)) {
        verdict.add(Fault.NOT_A_SUFFIX, flight + " after " + before);
      }
    }
  }

  /** After a run that was cancelled the ownership is over. */
  private static int expectedAfter(Flight before) {
    return switch (before.fate()) {
      case DONE -> before.seq() + 1;
      case FAILED -> before.seq();
      case CANCELLED, OPEN -> -1;
    };
  }

  private static void judgeOverlaps(List<Flight> flights, Verdict verdict) {
    List<Flight> ordered = new ArrayList<>(flights);
    ordered.sort(Comparator.comparingLong(Flight::begin));
    @Nullable Flight longest = null;
    for (Flight flight : ordered) {
      if (longest != null && flight.begin() < longest.end()) {
        verdict.add(Fault.OVERLAP, flight + " during " + longest);
      }
      if (longest == null || flight.end() > longest.end()) {
        longest = flight;
      }
    }
  }

  // == fence ==

  private static List<Flight> fenced(List<Flight> flights, Verdict verdict) {
    Map<Integer, TreeMap<Long, Long>> firstBegin = new HashMap<>();
    for (Flight flight : flights) {
      firstBegin
          .computeIfAbsent(flight.partition(), partition -> new TreeMap<>())
          .merge(flight.epoch(), flight.begin(), Math::min);
    }
    List<Flight> passed = new ArrayList<>(flights.size());
    for (Flight flight : flights) {
      boolean stale =
          firstBegin.get(flight.partition()).tailMap(flight.epoch(), false).values().stream()
              .anyMatch(begin -> begin < flight.end());
      if (stale) {
        verdict.addFenced(flight);
      } else {
        passed.add(flight);
      }
    }
    return passed;
  }

  // == commits ==

  /** What is committed is done: the broker's word comes after the last effect below the offset. */
  private static void judgeCommits(List<Flight> flights, List<Commit> commits, Verdict verdict) {
    Map<Integer, TreeMap<Long, Long>> doneAt = new HashMap<>();
    for (Flight flight : flights) {
      if (flight.isDone()) {
        doneAt
            .computeIfAbsent(flight.partition(), partition -> new TreeMap<>())
            .merge(flight.offset(), flight.end(), Math::min);
      }
    }
    Map<Integer, Commit> last = new HashMap<>();
    for (Commit commit : commits) {
      Commit before = last.put(commit.partition(), commit);
      long from = before == null ? 0 : before.offset();
      if (commit.offset() < from) {
        verdict.add(Fault.COMMITTED_BACKWARDS, commit + " after " + before);
      }
      Map<Long, Long> done = doneAt.getOrDefault(commit.partition(), new TreeMap<>());
      for (long offset = from; offset < commit.offset(); offset++) {
        Long at = done.get(offset);
        if (at == null || at > commit.time()) {
          verdict.add(Fault.COMMITTED_EARLY, commit + ", but " + offset + " is done at " + at);
        }
      }
    }
  }
}

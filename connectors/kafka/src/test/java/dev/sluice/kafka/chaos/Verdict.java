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

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/** What the {@link Judge} found. */
final class Verdict {

  /** What must not happen. */
  enum Fault {
    /** Sent and confirmed, and never done. */
    LOST,
    /** Done, but never sent. */
    UNKNOWN,
    /** Done for the first time before the one before it in its key was. */
    OUT_OF_ORDER,
    /** One period of ownership did not work on a key in steps of one, each until it was done. */
    NOT_A_SUFFIX,
    /** Two runs of one key at the same time. */
    OVERLAP,
    /** A run that has no end, although its member was not killed. */
    UNFINISHED,
    /** An offset was committed before the work below it was done. */
    COMMITTED_EARLY,
    /** The committed offset of a partition went back. */
    COMMITTED_BACKWARDS
  }

  private static final int SAMPLES = 5;

  private final Map<Fault, List<String>> samples = new EnumMap<>(Fault.class);
  private final Map<Fault, Integer> faults = new EnumMap<>(Fault.class);
  private final SortedMap<Long, Integer> duplicates = new TreeMap<>();
  private final List<Flight> fenced = new ArrayList<>();
  private int done;

  void add(Fault fault, String what) {
    faults.merge(fault, 1, Integer::sum);
    List<String> some = samples.computeIfAbsent(fault, f -> new ArrayList<>());
    if (some.size() < SAMPLES) {
      some.add(what);
    }
  }

  void addDone() {
    done++;
  }

  void addDuplicate(long epoch) {
    duplicates.merge(epoch, 1, Integer::sum);
  }

  void addFenced(Flight flight) {
    fenced.add(flight);
  }

  /** How often each fault was found; empty if all is well. */
  Map<Fault, Integer> faults() {
    return faults;
  }

  /** Works done, each counted once. */
  int done() {
    return done;
  }

  /** Works done again, by the period of ownership that repeated them. */
  SortedMap<Long, Integer> duplicates() {
    return duplicates;
  }

  /** The runs that a sink with a fence does not let through. */
  List<Flight> fenced() {
    return fenced;
  }

  @Override
  public String toString() {
    return "done "
        + done
        + ", done again "
        + duplicates
        + ", fenced "
        + fenced.size()
        + ", faults "
        + faults
        + ' '
        + samples;
  }
}

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
package dev.sluice.contract;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.jspecify.annotations.Nullable;

/** What happened in a trial, in order, and the account of its items. Thread-safe. */
final class History {

  /** What happened to an item. */
  enum Kind {
    /** A source, a publisher or a function of the user gave it to the operator. */
    ENTERED,
    /** A function of the user was called with it, which may be its end or not. */
    SHOWN,
    /** The user has it now. */
    TAKEN,
    /** The subscriber has it. */
    EMITTED,
    /** The discard hook has it. */
    DISCARDED,
    /** The hook for elements that came too late has it. */
    DROPPED
  }

  private record Event(@Nullable Kind kind, @Nullable Object item, String text) {}

  private final Queue<Event> events = new ConcurrentLinkedQueue<>();

  void note(String text) {
    events.add(new Event(null, null, text));
  }

  void item(Kind kind, Object item, String text) {
    events.add(new Event(kind, item, text));
  }

  /** One line for each item that has not had exactly one fate. */
  List<String> unaccounted() {
    Map<Object, Map<Kind, Integer>> items = new LinkedHashMap<>();
    for (Event event : events) {
      if (event.kind() != null && event.item() != null) {
        items
            .computeIfAbsent(event.item(), item -> new EnumMap<>(Kind.class))
            .merge(event.kind(), 1, Integer::sum);
      }
    }
    List<String> lines = new ArrayList<>();
    items.forEach(
        (item, seen) -> {
          int fates = Math.min(1, count(seen, Kind.TAKEN)); // each attempt takes it again
          fates += count(seen, Kind.EMITTED);
          fates += count(seen, Kind.DISCARDED) + count(seen, Kind.DROPPED);
          boolean shown = count(seen, Kind.SHOWN) > 0;
          if (count(seen, Kind.ENTERED) != 1 || fates > 1 || (fates == 0 && !shown)) {
            lines.add(item + " had the fates " + seen + " (expected: ENTERED and one more)");
          }
        });
    return lines;
  }

  private static int count(Map<Kind, Integer> seen, Kind kind) {
    return seen.getOrDefault(kind, 0);
  }

  @Override
  public String toString() {
    StringBuilder text = new StringBuilder();
    events.forEach(event -> text.append("\n    ").append(event.text()));
    return text.toString();
  }
}

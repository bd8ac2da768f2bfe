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
package dev.sluice.memory;

import java.time.Instant;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * What is due when, each thing once; of two at one time the one that was put there first. For one
 * thread at a time.
 */
final class Agenda<T> {

  private record Item<T>(Instant at, long number, T what) {}

  private final TreeSet<Item<T>> items =
      new TreeSet<>(
          Comparator.<Item<T>, Instant>comparing(Item::at).thenComparingLong(Item::number));

  private final Map<T, Item<T>> places = new HashMap<>();
  private long last;

  /** It is due then, and not when it was before. */
  void put(T what, Instant at) {
    remove(what);
    Item<T> item = new Item<>(at, ++last, what);
    items.add(item);
    places.put(what, item);
  }

  void remove(T what) {
    Item<T> item = places.remove(what);
    if (item != null) {
      items.remove(item);
    }
  }

  /** Takes the first that is due; null if none is. */
  @Nullable T poll(Instant now) {
    if (items.isEmpty() || items.first().at().isAfter(now)) {
      return null;
    }
    T what = items.first().what();
    remove(what);
    return what;
  }
}

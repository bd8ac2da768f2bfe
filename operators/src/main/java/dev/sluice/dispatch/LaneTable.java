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
package dev.sluice.dispatch;

import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The lanes that have a current element, by key: a chained hash table whose links are in the lanes,
 * so that a lane comes and goes without an allocation. Drain only.
 */
final class LaneTable<T> {

  private @Nullable Lane<T>[] buckets = newBuckets(16);
  private int size;

  int size() {
    return size;
  }

  static int hash(Object key) {
    int h = key.hashCode();
    return h ^ (h >>> 16);
  }

  @Nullable Lane<T> find(Object key, int hash) {
    for (Lane<T> lane = buckets[hash & (buckets.length - 1)];
        lane != null;
        lane = lane.nextInBucket) {
      if (lane.hash == hash && key.equals(lane.key)) {
        return lane;
      }
    }
    return null;
  }

  /** Adds a lane whose key is not in the table. */
  void add(Lane<T> lane) {
    if (size >= buckets.length) {
      grow();
    }
    link(buckets, lane);
    size++;
  }

  void remove(Lane<T> lane) {
    int index = lane.hash & (buckets.length - 1);
    Lane<T> previous = null;
    for (Lane<T> at = buckets[index]; at != lane; at = at.nextInBucket) {
      if (at == null) {
        throw new IllegalStateException("lane of " + lane.key + " is not in the table");
      }
      previous = at;
    }
    if (previous == null) {
      buckets[index] = lane.nextInBucket;
    } else {
      previous.nextInBucket = lane.nextInBucket;
    }
    lane.nextInBucket = null;
    size--;
  }

  /** Empties the table and gives each lane to {@code action}. */
  void clear(Consumer<Lane<T>> action) {
    @Nullable Lane<T>[] old = buckets;
    buckets = newBuckets(16);
    size = 0;
    for (Lane<T> lane : old) {
      while (lane != null) {
        Lane<T> next = lane.nextInBucket;
        lane.nextInBucket = null;
        action.accept(lane);
        lane = next;
      }
    }
  }

  private void grow() {
    @Nullable Lane<T>[] larger = newBuckets(buckets.length * 2);
    for (Lane<T> lane : buckets) {
      while (lane != null) {
        Lane<T> next = lane.nextInBucket;
        link(larger, lane);
        lane = next;
      }
    }
    buckets = larger;
  }

  private static <T> void link(@Nullable Lane<T>[] buckets, Lane<T> lane) {
    int index = lane.hash & (buckets.length - 1);
    lane.nextInBucket = buckets[index];
    buckets[index] = lane;
  }

  @SuppressWarnings({"unchecked", "rawtypes"})
  private static <T> @Nullable Lane<T>[] newBuckets(int length) {
    return new Lane[length];
  }
}

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
 *
 * <p>Memory: a lane is here only while its key has an unfinished element, so there are at most
 * {@code lookAhead} lanes, whatever the number of keys that have passed; usually about as many as
 * workers run, because a lane is opened when there is a slot for it. The buckets are at most twice
 * as many as the lanes at the largest burst, and after it they are given back, by half whenever
 * fewer than one in eight is used, down to {@value #KEPT}.
 */
final class LaneTable<T> {

  private static final int INITIAL = 16;
  static final int KEPT = 256;

  private @Nullable Lane<T>[] buckets = newBuckets(INITIAL);
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
      resize(buckets.length * 2);
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
    if (buckets.length > KEPT && size < buckets.length / 8) {
      resize(buckets.length / 2);
    }
  }

  int capacity() {
    return buckets.length;
  }

  /** Empties the table and gives each lane to {@code action}. */
  void clear(Consumer<Lane<T>> action) {
    @Nullable Lane<T>[] old = buckets;
    buckets = newBuckets(INITIAL);
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

  private void resize(int length) {
    @Nullable Lane<T>[] resized = newBuckets(length);
    for (Lane<T> lane : buckets) {
      while (lane != null) {
        Lane<T> next = lane.nextInBucket;
        link(resized, lane);
        lane = next;
      }
    }
    buckets = resized;
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

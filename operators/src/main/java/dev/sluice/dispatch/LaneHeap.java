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

import java.util.Arrays;
import java.util.function.BooleanSupplier;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import reactor.core.Exceptions;

/**
 * Lanes by the urgency of their elements: a binary heap. Drain only.
 *
 * <p>Memory: at most {@code lookAhead} lanes are ready, so the array has fewer than twice that many
 * slots, and keeps the size of the largest burst.
 */
final class LaneHeap<T> implements ReadyLanes<T> {

  /*
   * User code compares, and may throw: then the lane that was to be placed is disordered. From then
   * on it is compared with none, and goes before the others; whoever takes it lets it fail. It may
   * also cancel: then nothing more is compared.
   */

  private final ReadyOrder<? super T> order;
  private final LongSupplier clock;
  private final BooleanSupplier over;

  @SuppressWarnings({"unchecked", "rawtypes"})
  private @Nullable Lane<T>[] heap = new Lane[16];

  private int size;
  private long places;

  LaneHeap(ReadyOrder<? super T> order, LongSupplier clock, BooleanSupplier over) {
    this.order = order;
    this.clock = clock;
    this.over = over;
  }

  @Override
  public boolean isEmpty() {
    return size == 0;
  }

  /** Its element keeps the place that it had, if it had one. */
  @Override
  public void addLast(Lane<T> lane) {
    if (lane.place == 0) {
      lane.place = ++places;
      try {
        lane.due = order.due(lane.element(), order.isTimed() ? clock.getAsLong() : 0);
      } catch (Throwable e) {
        disorder(lane, e);
      }
    }
    if (size == heap.length) {
      heap = Arrays.copyOf(heap, size * 2);
    }
    int at = size;
    while (at > 0 && isBefore(lane, at(parent(at)))) {
      heap[at] = heap[parent(at)];
      at = parent(at);
    }
    heap[at] = lane;
    size++;
  }

  @Override
  public void addFirst(Lane<T> lane) {
    addLast(lane);
  }

  @Override
  public @Nullable Lane<T> poll() {
    if (size == 0) {
      return null;
    }
    Lane<T> first = at(0);
    Lane<T> last = at(--size);
    if (size > 0) {
      sink(last);
    }
    heap[size] = null;
    return first;
  }

  @Override
  public void clear() {
    Arrays.fill(heap, null);
    size = 0;
  }

  /** Puts the lane where it belongs, from the top. */
  private void sink(Lane<T> lane) {
    int at = 0;
    for (int child = 1; child < size; child = 2 * at + 1) {
      if (child + 1 < size && isBefore(at(child + 1), at(child))) {
        child++;
      }
      if (!isBefore(at(child), lane)) {
        break;
      }
      heap[at] = heap[child];
      at = child;
    }
    heap[at] = lane;
  }

  private boolean isBefore(Lane<T> a, Lane<T> b) {
    if (over.getAsBoolean()) {
      return false;
    }
    if (a.disorder == null && b.disorder == null) {
      try {
        long urgency = order.compare(a.element(), a.due, b.element(), b.due);
        return urgency == 0 ? a.place < b.place : urgency < 0;
      } catch (Throwable e) {
        disorder(a, e);
      }
    }
    return a.disorder != null && (b.disorder == null || a.place < b.place);
  }

  private static void disorder(Lane<?> lane, Throwable error) {
    Exceptions.throwIfJvmFatal(error);
    lane.disorder = error;
  }

  @SuppressWarnings("NullAway") // there is one
  private Lane<T> at(int index) {
    return heap[index];
  }

  private static int parent(int index) {
    return (index - 1) >>> 1;
  }
}

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
package dev.sluice.priority;

import dev.sluice.time.Times;
import java.time.Duration;
import java.util.Arrays;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import java.util.function.ToIntFunction;
import org.jspecify.annotations.Nullable;

/**
 * Earliest deadline first: an element is due when it came, plus the aging step for each level above
 * its own. That is fixed when it comes, so waiting needs no clock; and a line's first element is
 * due before its others, so a heap of lines is enough.
 */
final class AgingOrder<T> extends Order<T> {

  private final long step;
  private Line<T>[] heap;
  private int size;
  private long turns;

  /**
   * The order.
   *
   * @param step in the unit of the stamps
   */
  @SuppressWarnings({"unchecked", "rawtypes"})
  AgingOrder(long step) {
    this.step = step;
    this.heap = new Line[8];
  }

  /** The step in nanoseconds, if it is in its range. */
  static long nanos(Duration step) {
    return Times.positive("agingStep", step).toNanos(); // times 64 levels it is no overflow
  }

  static <T> Policy<T> policy(Duration step) {
    long nanos = nanos(step);
    return new Policy<>() {
      @Override
      public Order<T> order(int levels, BooleanSupplier halted) {
        return new AgingOrder<>(nanos);
      }

      @Override
      public <S> Policy<S> over(Function<ToIntFunction<? super T>, ToIntFunction<S>> lift) {
        return policy(step);
      }

      @Override
      public boolean isTimed() {
        return true;
      }
    };
  }

  @Override
  boolean isEmpty() {
    return size == 0;
  }

  @Override
  @Nullable Line<T> choose() {
    return isEmpty() ? null : heap[0];
  }

  @Override
  void add(Line<T> line) {
    if (size == heap.length) {
      heap = Arrays.copyOf(heap, size * 2);
    }
    stamp(line);
    siftUp(size++, line);
    chosen = null; // this may be due earlier
  }

  @Override
  @SuppressWarnings("NullAway") // what is behind the end of the heap is not looked at
  boolean served(Line<T> line) {
    chosen = null;
    if (!line.isEmpty()) {
      stamp(line);
      siftDown(line);
      return true;
    }
    Line<T> last = heap[--size];
    heap[size] = null;
    if (size > 0) {
      siftDown(last);
    }
    return false;
  }

  private void stamp(Line<T> line) {
    line.due = line.stamp() + line.level * step;
    line.turn = turns++;
  }

  /** At the same time the more urgent level, then whoever has waited longer for a turn. */
  private boolean isBefore(Line<T> a, Line<T> b) {
    long earlier = a.due - b.due; // a difference, because the clock may overflow
    if (earlier != 0) {
      return earlier < 0;
    }
    return a.level != b.level ? a.level < b.level : a.turn < b.turn;
  }

  private void siftUp(int start, Line<T> line) {
    int at = start;
    while (at > 0) {
      int parent = (at - 1) >>> 1;
      if (!isBefore(line, heap[parent])) {
        break;
      }
      heap[at] = heap[parent];
      at = parent;
    }
    heap[at] = line;
  }

  private void siftDown(Line<T> line) {
    int at = 0;
    for (int child = 1; child < size; child = 2 * at + 1) {
      if (child + 1 < size && isBefore(heap[child + 1], heap[child])) {
        child++;
      }
      if (!isBefore(heap[child], line)) {
        break;
      }
      heap[at] = heap[child];
      at = child;
    }
    heap[at] = line;
  }
}

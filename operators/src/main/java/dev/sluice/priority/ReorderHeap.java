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

import java.util.Arrays;
import java.util.Comparator;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Operators;
import reactor.util.context.Context;

/** A stable priority queue in arrays: no allocation for an element. Drain only. */
final class ReorderHeap<T> {

  /*
   * A comparator may throw anywhere, and then every element must still be here exactly once: so
   * elements are swapped, never held aside while others are compared, and after a take the heap is
   * put in order again only when it is used next.
   */

  private final @Nullable Comparator<? super T> mostUrgentFirst; // null: by due
  private @Nullable Object[] elements = new Object[16];
  private long[] dues = new long[16];
  private long[] arrivals = new long[16];
  private int size;
  private long arrived;
  private boolean unsettled; // the first element may not be the first

  ReorderHeap(@Nullable Comparator<? super T> mostUrgentFirst) {
    this.mostUrgentFirst = mostUrgentFirst;
  }

  int size() {
    return size;
  }

  /** Puts it in order; before anything else. */
  void settle() {
    if (unsettled) {
      siftDown();
      unsettled = false;
    }
  }

  /**
   * Adds an element to a settled heap. It is in, even if comparing it throws.
   *
   * @param due what decides without a comparator, the smaller the more urgent
   */
  void add(T element, long due) {
    if (size == elements.length) {
      elements = Arrays.copyOf(elements, size * 2);
      dues = Arrays.copyOf(dues, size * 2);
      arrivals = Arrays.copyOf(arrivals, size * 2);
    }
    elements[size] = element;
    dues[size] = due;
    arrivals[size] = arrived++;
    size++;
    for (int at = size - 1; at > 0 && isBefore(at, (at - 1) >>> 1); at = (at - 1) >>> 1) {
      swap(at, (at - 1) >>> 1);
    }
  }

  /** Takes the most urgent element out of a settled heap that is not empty. */
  T take() {
    T first = element(0);
    swap(0, --size);
    elements[size] = null;
    unsettled = size > 1;
    return first;
  }

  /** Discards everything, in no particular order. */
  void discard(Context context) {
    for (int i = 0; i < size; i++) {
      Operators.onDiscard(elements[i], context);
      elements[i] = null;
    }
    size = 0;
    unsettled = false;
  }

  private void siftDown() {
    int at = 0;
    for (int child = 1; child < size; child = 2 * at + 1) {
      if (child + 1 < size && isBefore(child + 1, child)) {
        child++;
      }
      if (!isBefore(child, at)) {
        return;
      }
      swap(at, child);
      at = child;
    }
  }

  private boolean isBefore(int a, int b) {
    long difference =
        mostUrgentFirst == null
            ? dues[a] - dues[b] // a difference, because the clock may overflow
            : mostUrgentFirst.compare(element(a), element(b));
    return difference != 0 ? difference < 0 : arrivals[a] < arrivals[b];
  }

  @SuppressWarnings({"unchecked", "NullAway"}) // there is one
  private T element(int at) {
    return (T) elements[at];
  }

  private void swap(int a, int b) {
    Object element = elements[a];
    elements[a] = elements[b];
    elements[b] = element;
    long due = dues[a];
    dues[a] = dues[b];
    dues[b] = due;
    long arrival = arrivals[a];
    arrivals[a] = arrivals[b];
    arrivals[b] = arrival;
  }
}

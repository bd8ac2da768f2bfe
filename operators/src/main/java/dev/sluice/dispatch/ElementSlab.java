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
import org.jspecify.annotations.Nullable;

/**
 * The elements that wait behind the current one of their lane: one queue per lane, all in two
 * arrays, so that waiting costs no allocation and the memory of all queues together is bounded.
 * Drain only.
 *
 * <p>Memory: at most {@code lookAhead} elements wait, so the arrays have fewer than twice that many
 * slots of 8 bytes (with compressed references), and keep the size of the largest burst.
 */
final class ElementSlab<T> {

  static final int NONE = -1;

  private @Nullable Object[] elements = new Object[16];
  private int[] next = new int[16];
  private int free = NONE;
  private int used;
  private int size;

  int size() {
    return size;
  }

  /** Puts the element at the end of the lane's queue. */
  void append(Lane<T> lane, T element) {
    int slot = allocate();
    elements[slot] = element;
    next[slot] = NONE;
    if (lane.lastWaiting == NONE) {
      lane.firstWaiting = slot;
    } else {
      next[lane.lastWaiting] = slot;
    }
    lane.lastWaiting = slot;
    size++;
  }

  /** Takes the first element of the lane's queue, or null. */
  @SuppressWarnings("unchecked")
  @Nullable T poll(Lane<T> lane) {
    int slot = lane.firstWaiting;
    if (slot == NONE) {
      return null;
    }
    lane.firstWaiting = next[slot];
    if (lane.firstWaiting == NONE) {
      lane.lastWaiting = NONE;
    }
    T element = (T) elements[slot];
    elements[slot] = null;
    next[slot] = free;
    free = slot;
    size--;
    return element;
  }

  private int allocate() {
    if (free != NONE) {
      int slot = free;
      free = next[slot];
      return slot;
    }
    if (used == elements.length) {
      elements = Arrays.copyOf(elements, used * 2);
      next = Arrays.copyOf(next, used * 2);
    }
    return used++;
  }
}

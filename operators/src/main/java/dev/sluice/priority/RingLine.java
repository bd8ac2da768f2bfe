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

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.jspecify.annotations.Nullable;

/** A line in a ring: one thread at a time writes to it, each element with the time it came. */
abstract class RingLine<T> extends Line<T> {

  /*
   * The writer fills the stamp, then the slot, which publishes it. The reader takes both, empties
   * the slot, then moves read, which frees it: the writer fills no slot before it has seen that.
   *
   * written   the writer's; read by gauges
   * read      the drain's; read by the writer when there is no free slot that it knows of, and by
   *           gauges
   */

  private static final VarHandle SLOT = MethodHandles.arrayElementVarHandle(Object[].class);
  private static final VarHandle WRITTEN;
  private static final VarHandle READ;

  static {
    try {
      MethodHandles.Lookup lookup = MethodHandles.lookup();
      WRITTEN = lookup.findVarHandle(RingLine.class, "written", int.class);
      READ = lookup.findVarHandle(RingLine.class, "read", int.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  private final @Nullable Object[] slots;
  private final int mask;
  private final long @Nullable [] stamps;
  private int written;
  private int read;
  private int freed; // the writer's: what it last saw of read

  /**
   * An empty line.
   *
   * @param capacity rounded up to a power of two
   * @param timed whether stamps are kept; without, each is 0
   */
  RingLine(int level, int capacity, boolean timed) {
    super(level);
    int length = capacity == 1 ? 1 : Integer.highestOneBit(capacity - 1) << 1;
    slots = new Object[length];
    mask = length - 1;
    stamps = timed ? new long[length] : null;
  }

  /** The writer only: false when it is full. */
  boolean offer(T element, long stamp) {
    @Nullable Object[] slots = this.slots;
    int w = written;
    if (w - freed > mask) {
      freed = (int) READ.getAcquire(this);
      if (w - freed > mask) {
        return false;
      }
    }
    int slot = w & mask;
    if (stamps != null) {
      stamps[slot] = stamp;
    }
    WRITTEN.setOpaque(this, w + 1);
    SLOT.setRelease(slots, slot, element);
    return true;
  }

  @Override
  boolean isEmpty() {
    return head() == null;
  }

  @Override
  T peek() {
    return head();
  }

  @Override
  long stamp() {
    return stamps == null ? 0 : stamps[read & mask];
  }

  @Override
  @SuppressWarnings({"unchecked", "NullAway"}) // null when empty: callers know
  T poll() {
    @Nullable Object[] slots = this.slots;
    int r = read;
    int slot = r & mask;
    T element = (T) SLOT.getAcquire(slots, slot);
    if (element != null) {
      slots[slot] = null;
      READ.setRelease(this, r + 1);
    }
    return element;
  }

  @SuppressWarnings({"unchecked", "NullAway"}) // null when empty: callers know
  private T head() {
    @Nullable Object[] slots = this.slots;
    return (T) SLOT.getAcquire(slots, read & mask);
  }

  /** Any thread. */
  int size() {
    int r = (int) READ.getOpaque(this);
    return Math.max(0, (int) WRITTEN.getOpaque(this) - r);
  }
}

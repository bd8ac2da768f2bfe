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
package dev.sluice.kafka;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicIntegerFieldUpdater;
import java.util.function.LongSupplier;

/**
 * The records of one partition that are out, for one period of ownership: knows up to which offset
 * everything is settled, although records are settled in any order.
 *
 * <p>A ring indexed by order of arrival, so that offsets missing from the log (compaction,
 * transaction markers) cost nothing. 16 bytes a record.
 */
final class OffsetWindow {

  /*
   * Threads: settle, isFenced and inFlight are called by any thread, everything else by the owner
   * alone, which is the poll thread.
   *
   * done                  immutable; what a former owner had settled out of order
   * offsets, admittedAt   owner only
   * head, tail, next      owner only; slots in [head, tail) are in the ring
   * states                one int a slot: the low 30 bits of its sequence, then OPEN, DONE or FENCED.
   *                       (0: never used). The owner writes OPEN; the CAS away from it decides
   *                       who ended the slot
   *
   * Invariants:
   *   I1  a slot is ended once: DONE by settle or FENCED by close. The sequence in the state keeps a
   *       late settle from ending a newer record in the same place
   *   I2  head passes DONE slots only, so no offset below frontier() is unsettled
   *   I3  admitted offsets strictly increase; after close nothing is admitted
   */

  /** A frontier that nobody knows yet, because the group has no offset and no record came. */
  static final long UNKNOWN = -1;

  /** Returned by {@link #admit} for a record that is not new in this window. */
  static final long REFUSED = -1;

  /** Returned by {@link #admit} for a record that is new here, but was settled before. */
  static final long SETTLED = -2;

  private static final int OPEN = 1;
  private static final int DONE = 2;
  private static final int FENCED = 3;

  private final LongSupplier nanoTime;
  private final long created;
  private final OffsetMap done;
  private final int mask;
  private final long[] offsets;
  private final int[] admittedAt;
  private final AtomicIntegerArray states;

  private long head;
  private long tail;
  private long next;
  private boolean closed;

  private volatile int inFlight;

  private static final AtomicIntegerFieldUpdater<OffsetWindow> IN_FLIGHT =
      AtomicIntegerFieldUpdater.newUpdater(OffsetWindow.class, "inFlight");

  /**
   * @param start the first offset that can be new, or {@link #UNKNOWN}
   * @param done offsets from there on that are settled already
   * @param capacity how many records may follow an unsettled one, which is included; rounded up to
   *     a power of two
   */
  OffsetWindow(long start, OffsetMap done, int capacity, LongSupplier nanoTime) {
    if (start < UNKNOWN) {
      throw new IllegalArgumentException("start: " + start + " (expected: >= -1)");
    }
    if (capacity < 1 || capacity > 1 << 28) {
      throw new IllegalArgumentException("capacity: " + capacity + " (expected: 1..2^28)");
    }
    int size = Integer.highestOneBit(capacity * 2 - 1);
    this.done = done;
    this.nanoTime = nanoTime;
    this.created = nanoTime.getAsLong();
    this.mask = size - 1;
    this.offsets = new long[size];
    this.admittedAt = new int[size];
    this.states = new AtomicIntegerArray(size);
    this.next = start;
  }

  /**
   * Takes a record in.
   *
   * @return the sequence to settle it by; {@link #REFUSED} if the window is closed or has passed
   *     that offset already; {@link #SETTLED} if there is nothing left to do for it
   * @throws IllegalStateException if the window is full
   */
  long admit(long offset) {
    if (closed || offset < next) {
      return REFUSED;
    }
    if (used() > mask) {
      throw new IllegalStateException(
          "offset: "
              + offset
              + " (expected: at most "
              + (mask + 1)
              + " records from the unsettled"
              + " offset "
              + offsets[index(head)]
              + " on)");
    }
    long seq = tail;
    int slot = index(seq);
    offsets[slot] = offset;
    admittedAt[slot] = millis();
    tail = seq + 1;
    next = offset + 1;
    if (done.contains(offset)) {
      states.set(slot, state(seq, DONE));
      return SETTLED;
    }
    IN_FLIGHT.getAndIncrement(this);
    states.set(slot, state(seq, OPEN));
    return seq;
  }

  /** Notes that the log has no records left below {@code offset} that are not admitted yet. */
  void skipTo(long offset) {
    next = Math.max(next, offset);
  }

  /**
   * Ends a record well.
   *
   * @return false if it had been ended before, or if the ownership has ended
   */
  boolean settle(long seq) {
    if (!states.compareAndSet(index(seq), state(seq, OPEN), state(seq, DONE))) {
      return false;
    }
    IN_FLIGHT.getAndDecrement(this);
    return true;
  }

  /**
   * The next offset to commit: the first unsettled one, or one past everything that was seen; or
   * {@link #UNKNOWN}.
   */
  long frontier() {
    advance();
    return head == tail ? next : offsets[index(head)];
  }

  /** The offset after the last that was seen, or {@link #UNKNOWN}. */
  long position() {
    return next;
  }

  /**
   * What is settled although something before it is not: of this window, and behind it what is
   * known from a former owner. Records that are settled meanwhile may be in it or not.
   */
  OffsetMap settledAhead() {
    OffsetMap.Builder map = new OffsetMap.Builder();
    long first = UNKNOWN;
    for (long seq = head; seq < tail; seq++) {
      int slot = index(seq);
      boolean settled = states.get(slot) == state(seq, DONE);
      if (settled && first == UNKNOWN) {
        first = offsets[slot];
      } else if (!settled && first != UNKNOWN) {
        map.add(first, offsets[slot]); // what lies between is missing from the log
        first = UNKNOWN;
      }
    }
    if (first != UNKNOWN) {
      map.add(first, next);
    }
    map.addFrom(next, done);
    return map.build();
  }

  /** The sequence of the first unsettled record, or the next one to be given out. */
  long oldest() {
    advance();
    return head;
  }

  /** How many records there are from the first unsettled one on, settled ones included. */
  int used() {
    advance();
    return (int) (tail - head);
  }

  /** How many admitted records are not ended. */
  int inFlight() {
    return inFlight;
  }

  /** For how long the record at the frontier has been out; zero if all is settled. */
  Duration oldestAge() {
    advance();
    return head == tail
        ? Duration.ZERO
        : Duration.ofMillis(Integer.toUnsignedLong(millis() - admittedAt[index(head)]));
  }

  /** Ends the ownership: every record is now either settled for good or fenced. */
  void close() {
    closed = true;
    for (long seq = head; seq < tail; seq++) {
      if (states.compareAndSet(index(seq), state(seq, OPEN), state(seq, FENCED))) {
        IN_FLIGHT.getAndDecrement(this);
      }
    }
  }

  /** Whether the ownership has ended before this record was settled. */
  boolean isFenced(long seq) {
    return states.get(index(seq)) == state(seq, FENCED);
  }

  private void advance() {
    while (head < tail && states.get(index(head)) == state(head, DONE)) {
      head++;
    }
  }

  private int index(long seq) {
    return (int) seq & mask;
  }

  private static int state(long seq, int code) {
    return (int) seq << 2 | code;
  }

  /** Wraps around; the difference of two is right as a number without a sign, up to 49 days. */
  private int millis() {
    return (int) ((nanoTime.getAsLong() - created) / 1_000_000);
  }
}

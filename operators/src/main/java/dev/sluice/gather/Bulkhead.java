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
package dev.sluice.gather;

import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicIntegerFieldUpdater;

/** The places for asks of one recipient, and those who wait for one. */
final class Bulkhead {

  /*
   * Threads: everything is called from any thread; each call of a Waiter from one at a time.
   *
   * users     written inside the map that holds this, which locks its entry
   * running   places taken; whoever gives one back then looks whether somebody waits
   * queued    waiters, counted before they are in the queue; whoever queues then looks for a place.
   *           So of a release and a wait that meet, one sees the other
   * wip       who moves it from 0 to 1 hands out places until it is back at 0
   *
   * Invariants:
   *   B1  running <= limit, queued <= maxWaiting
   *   B2  a waiter is either granted a place or withdrawn, by a CAS of its own
   *   B3  while somebody waits nobody else gets a place
   */

  /** Who waits for a place. */
  abstract static class Waiter extends Signal {
    static final int NOT_WAITING = 0;
    static final int WAITING = 1;
    static final int GRANTED = 2;

    @SuppressWarnings("UnusedVariable") // through the updater, mostly
    private volatile int ticket;

    private static final AtomicIntegerFieldUpdater<Waiter> TICKET =
        AtomicIntegerFieldUpdater.newUpdater(Waiter.class, "ticket");

    /** Called by whatever thread had the place before. */
    abstract void granted();
  }

  private final String name;
  private final int limit;
  private final int maxWaiting;
  private final Queue<Waiter> waiters = new ConcurrentLinkedQueue<>();

  int users;

  private volatile int running;

  private static final AtomicIntegerFieldUpdater<Bulkhead> RUNNING =
      AtomicIntegerFieldUpdater.newUpdater(Bulkhead.class, "running");

  private volatile int queued;

  private static final AtomicIntegerFieldUpdater<Bulkhead> QUEUED =
      AtomicIntegerFieldUpdater.newUpdater(Bulkhead.class, "queued");

  @SuppressWarnings("UnusedVariable") // through the updater only
  private volatile int wip;

  private static final AtomicIntegerFieldUpdater<Bulkhead> WIP =
      AtomicIntegerFieldUpdater.newUpdater(Bulkhead.class, "wip");

  Bulkhead(String name, int limit, int maxWaiting) {
    this.name = name;
    this.limit = limit;
    this.maxWaiting = maxWaiting;
  }

  String name() {
    return name;
  }

  RecipientBusy refusal() {
    return new RecipientBusy(name, limit, maxWaiting);
  }

  int running() {
    return running;
  }

  int waiting() {
    return queued;
  }

  /** Takes a place if there is one and nobody waits. */
  boolean tryEnter() {
    return queued == 0 && increment(RUNNING, limit);
  }

  /**
   * Waits for a place.
   *
   * @return false if as many wait as may
   */
  boolean enqueue(Waiter waiter) {
    if (!increment(QUEUED, maxWaiting)) {
      return false;
    }
    waiter.ticket = Waiter.WAITING;
    waiters.add(waiter);
    drain();
    return true;
  }

  /** Gives up waiting, or the place that has been granted meanwhile. */
  void withdraw(Waiter waiter) {
    if (Waiter.TICKET.compareAndSet(waiter, Waiter.WAITING, Waiter.NOT_WAITING)) {
      waiters.remove(waiter);
      QUEUED.decrementAndGet(this);
    } else {
      release();
    }
  }

  /** Gives a place back. */
  void release() {
    RUNNING.decrementAndGet(this);
    drain();
  }

  private void drain() {
    if (queued == 0 || WIP.getAndIncrement(this) != 0) {
      return;
    }
    int missed = 1;
    do {
      while (increment(RUNNING, limit)) {
        if (!grantNext()) {
          RUNNING.decrementAndGet(this);
          break;
        }
      }
      missed = WIP.addAndGet(this, -missed);
    } while (missed != 0);
  }

  private boolean grantNext() {
    for (Waiter waiter = waiters.poll(); waiter != null; waiter = waiters.poll()) {
      if (Waiter.TICKET.compareAndSet(waiter, Waiter.WAITING, Waiter.GRANTED)) {
        QUEUED.decrementAndGet(this);
        waiter.granted();
        return true;
      }
    }
    return false;
  }

  private boolean increment(AtomicIntegerFieldUpdater<Bulkhead> count, int bound) {
    for (; ; ) {
      int n = count.get(this);
      if (n >= bound) {
        return false;
      }
      if (count.compareAndSet(this, n, n + 1)) {
        return true;
      }
    }
  }
}

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
package dev.sluice.s3;

import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

/** Bytes that may be in memory; who wants more than are free waits, first come, first served. */
final class MemoryBudget {

  /*
   * Threads: any. The queue is drained by one at a time (wip); whoever makes room, gives up or comes
   * drains.
   *
   * A reservation is WAITING, then GRANTED by the drain or RELEASED by its owner, each by CAS; from
   * GRANTED it becomes RELEASED. Bytes leave free before GRANTED and come back after RELEASED, by
   * the one whose CAS it was.
   */

  private enum State {
    WAITING,
    GRANTED,
    RELEASED
  }

  private final AtomicLong free;
  private final Queue<Reservation> waiting = new ConcurrentLinkedQueue<>();
  private final AtomicInteger wip = new AtomicInteger();

  MemoryBudget(long bytes) {
    free = new AtomicLong(bytes);
  }

  long free() {
    return free.get();
  }

  /** Asks for bytes, not more than there are in all. */
  Reservation reserve(long bytes) {
    Reservation reservation = new Reservation(bytes);
    waiting.add(reservation);
    drain();
    return reservation;
  }

  private void drain() {
    if (wip.getAndIncrement() != 0) {
      return;
    }
    int missed = 1;
    do {
      for (Reservation next = waiting.peek(); next != null; next = waiting.peek()) {
        if (next.state.get() == State.WAITING) {
          if (free.get() < next.bytes) {
            break;
          }
          free.addAndGet(-next.bytes);
          waiting.poll();
          next.grant();
        } else {
          waiting.poll();
        }
      }
      missed = wip.addAndGet(-missed);
    } while (missed != 0);
  }

  /** Bytes that were asked for. */
  final class Reservation {

    private final long bytes;
    private final AtomicReference<State> state = new AtomicReference<>(State.WAITING);
    private final Sinks.Empty<Void> granted = Sinks.unsafe().empty();

    Reservation(long bytes) {
      this.bytes = bytes;
    }

    /** Inside the drain. */
    private void grant() {
      if (state.compareAndSet(State.WAITING, State.GRANTED)) {
        granted.tryEmitEmpty();
      } else {
        free.addAndGet(bytes);
      }
    }

    /** Completes when the bytes are there. */
    Mono<Void> granted() {
      return granted.asMono();
    }

    /** Gives the bytes back, or gives up waiting. */
    void release() {
      State before = state.getAndSet(State.RELEASED);
      if (before == State.GRANTED) {
        free.addAndGet(bytes);
      }
      if (before != State.RELEASED) {
        drain();
      }
    }
  }
}

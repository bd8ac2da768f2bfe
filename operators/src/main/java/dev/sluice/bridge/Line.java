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
package dev.sluice.bridge;

import dev.sluice.channel.Receipt;
import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.publisher.Mono;
import reactor.core.publisher.MonoSink;

/**
 * Sends that are on their way one behind the other: each ends when all before it have ended, well
 * only if all before it have, so that what has overtaken a failed one is sent again behind it.
 */
final class Line {

  /*
   * Threads: sends begin inside the drain of the lane engine, in their order, and end on any thread.
   * Both are events; whoever moves wip from 0 takes them, and everything marked so belongs to it.
   *
   * broken   set when a send fails, before its worker does; taken back by the gate when all sends
   *          that were on their way have ended, so that none begins in between
   * count    of places that have begun and whose workers have not been told how they ended
   *
   * Invariants:
   *   L1  places leave in the order in which they came
   *   L2  while it is broken, each place that leaves has failed
   */

  /** A place behind one that has failed: its message has to be sent again, wherever it is now. */
  static final class Overtaken extends RuntimeException {

    private static final long serialVersionUID = 1L;

    Overtaken() {
      super("sent ahead of one that has failed", null, false, false);
    }
  }

  private final Queue<Place> events = new ConcurrentLinkedQueue<>();
  private final AtomicInteger wip = new AtomicInteger();
  private final AtomicInteger count = new AtomicInteger();
  private final ArrayDeque<Place> places = new ArrayDeque<>(); // whoever takes the events
  private volatile boolean broken;

  boolean isBroken() {
    return broken;
  }

  boolean isEmpty() {
    return count.get() == 0;
  }

  /** Sends may begin again; it must be empty. */
  void mend() {
    broken = false;
  }

  /** A send with its place in the line, which it takes when it is subscribed to. */
  Mono<Receipt> behind(Mono<Receipt> send) {
    return Mono.create(worker -> new Place(worker).begin(send));
  }

  private void event(Place place) {
    events.add(place);
    if (wip.getAndIncrement() != 0) {
      return;
    }
    int missed = 1;
    do {
      for (Place next = events.poll(); next != null; next = events.poll()) {
        next.look();
      }
      for (Place first = places.peek(); first != null && first.over; first = places.peek()) {
        places.remove();
        first.leave();
      }
      missed = wip.addAndGet(-missed);
    } while (missed != 0);
  }

  /** A send on its way. */
  private final class Place {

    private final MonoSink<Receipt> worker;
    private final Disposable.Swap sending = Disposables.swap();
    private volatile boolean ended;
    private volatile boolean cancelled;
    private @Nullable Receipt receipt; // before ended
    private @Nullable Throwable failure; // before ended
    private boolean known; // whoever takes the events
    private boolean over; // whoever takes the events

    Place(MonoSink<Receipt> worker) {
      this.worker = worker;
    }

    void begin(Mono<Receipt> send) {
      count.incrementAndGet();
      event(this);
      worker.onCancel(this::cancel);
      sending.update(
          send.contextWrite(worker.contextView())
              .subscribe(confirmed -> receipt = confirmed, this::failed, () -> end()));
    }

    private void failed(Throwable error) {
      failure = error;
      end();
    }

    /** Also when nobody waits any more, so that nobody waits for this one. */
    private void cancel() {
      cancelled = true;
      sending.dispose();
      end();
    }

    private void end() {
      ended = true;
      event(this);
    }

    void look() {
      if (!known) {
        known = true;
        places.add(this);
      }
      over = ended;
    }

    void leave() {
      Throwable error = failure;
      if (error instanceof TargetAway) {
        broken = true;
      }
      if (cancelled) {
        // nobody waits
      } else if (error != null) {
        worker.error(error);
      } else if (broken) {
        worker.error(new Overtaken());
      } else {
        worker.success(receipt);
      }
      count.decrementAndGet(); // after that, so that nobody is late when it is empty
    }
  }
}

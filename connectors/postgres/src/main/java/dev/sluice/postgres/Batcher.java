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
package dev.sluice.postgres;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.function.ToIntFunction;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Scheduler;

/**
 * Collects what many ask for into few statements: a batch goes when it is full, or when its first
 * has waited for a short time, if not at once.
 *
 * @param <T> what is asked for
 */
final class Batcher<T> {

  /*
   * Threads: add and hurry on any thread; the drain on whichever of them moved wip from 0, on the
   * timer's or on that of a batch that has landed.
   *
   * waiting   in the order of add; polled by the drain only
   * size      how many wait; raised before waiting grows
   * due       those that wait have waited long enough; cleared by the drain when none waits
   * landed    batches that have come back, not yet seen by the drain
   * flights, armed, kept   the drain's
   *
   * Invariants:
   *   I1  at most `parallel` batches are under way, none longer than `most`, each item in one
   *   I2  something waits => the timer is armed, or due, or a batch is under way
   */

  private final int most;
  private final int mostWeight;
  private final int parallel;
  private final Duration patience;
  private final Scheduler timer;
  private final ToIntFunction<? super T> weight;
  private final Function<? super List<T>, Mono<Void>> flush;

  private final Queue<T> waiting = new ConcurrentLinkedQueue<>();
  private final AtomicInteger size = new AtomicInteger();
  private final AtomicInteger landed = new AtomicInteger();
  private final AtomicInteger wip = new AtomicInteger();
  private volatile boolean due;
  private int flights;
  private volatile boolean armed;

  /**
   * @param most how many go together
   * @param mostWeight how much they may weigh together; one alone goes whatever it weighs
   * @param parallel how many batches may be under way
   * @param patience how long the first waits for others; zero if it only waits for its turn, so
   *     that what goes together is what came while others were under way
   * @param flush carries a batch out; never fails
   */
  Batcher(
      int most,
      int mostWeight,
      int parallel,
      Duration patience,
      Scheduler timer,
      ToIntFunction<? super T> weight,
      Function<? super List<T>, Mono<Void>> flush) {
    this.most = most;
    this.mostWeight = mostWeight;
    this.parallel = parallel;
    this.patience = patience;
    this.timer = timer;
    this.weight = weight;
    this.flush = flush;
  }

  void add(T item) {
    size.incrementAndGet();
    waiting.add(item);
    if (patience.isZero()) {
      due = true;
    }
    drain();
  }

  /** What waits need not wait for others. */
  void hurry() {
    due = true;
    drain();
  }

  /** How many wait for their batch. */
  int size() {
    return size.get();
  }

  private void onTimer() {
    armed = false;
    hurry();
  }

  private void drain() {
    if (wip.getAndIncrement() != 0) {
      return;
    }
    int missed = 1;
    do {
      flights -= landed.getAndSet(0);
      while (flights < parallel && size.get() > 0 && (due || size.get() >= most)) {
        List<T> batch = take();
        if (batch.isEmpty()) {
          break; // counted and not there yet: its add drains
        }
        flights++;
        flush.apply(batch).subscribe(nothing -> {}, error -> land(), this::land);
      }
      if (size.get() == 0) {
        due = false;
      } else if (!due && !armed) {
        armed = true;
        timer.schedule(this::onTimer, patience.toNanos(), TimeUnit.NANOSECONDS);
      }
      missed = wip.addAndGet(-missed);
    } while (missed != 0);
  }

  private void land() {
    landed.incrementAndGet();
    drain();
  }

  private List<T> take() {
    List<T> batch = new ArrayList<>(Math.min(most, size.get()));
    long heavy = 0;
    for (T item; batch.size() < most && (item = waiting.peek()) != null; ) {
      heavy += weight.applyAsInt(item);
      if (heavy > mostWeight && !batch.isEmpty()) {
        break;
      }
      waiting.poll();
      size.decrementAndGet();
      batch.add(item);
    }
    return batch;
  }
}

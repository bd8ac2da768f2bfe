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
package dev.sluice.http;

import java.time.Duration;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicIntegerFieldUpdater;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Scheduler;

/**
 * Does the same again and again: one round at a time, at once when somebody asks for it, and after
 * the pause that the last round gave as its value; without a value it waits until it is asked. A
 * round that fails is begun again after a pause that grows.
 */
final class Rounds {

  /*
   * Threads: soon() on any; a round begins on the timer and ends wherever its Mono does.
   *
   * wip       how often a round was asked for since the last one began; whoever raises it from 0 has
   *           the round, and lowers it by what it has seen when the round has ended
   * next      the round that is due after a pause; only whoever has the round sets it
   * failures  rounds that have failed in a row; likewise
   * I1 one round at a time
   * I2 after soon() a round begins that had not begun before
   * I3 at most one pause is under way
   */

  private static final Logger log = LoggerFactory.getLogger(Rounds.class);
  private static final Duration FIRST_FAILURE = Duration.ofMillis(100);
  private static final Duration LATER_FAILURES = Duration.ofSeconds(5);

  private final String what;
  private final Supplier<Mono<Duration>> round;
  private final Scheduler timer;
  private final Disposable.Swap next = Disposables.swap();
  private int failures;

  private volatile int wip;
  private static final AtomicIntegerFieldUpdater<Rounds> WIP =
      AtomicIntegerFieldUpdater.newUpdater(Rounds.class, "wip");

  /**
   * Nothing happens yet.
   *
   * @param what the round does, for the log
   */
  Rounds(String what, Supplier<Mono<Duration>> round, Scheduler timer) {
    this.what = what;
    this.round = round;
    this.timer = timer;
  }

  /** Begins a round now, or as soon as the one that runs has ended. */
  void soon() {
    if (WIP.getAndIncrement(this) == 0) {
      schedule(this::begin, Duration.ZERO);
    }
  }

  /** No round begins any more. */
  void stop() {
    next.dispose();
  }

  private void begin() {
    if (next.isDisposed()) {
      return; // and wip stays above 0, so that nobody has a round any more
    }
    int seen = wip;
    Mono.defer(round)
        .doOnSuccess(pause -> failures = 0)
        .onErrorResume(error -> Mono.just(afterFailure(error)))
        .doOnNext(pause -> next.update(schedule(this::soon, pause)))
        .doFinally(
            signal -> {
              if (WIP.addAndGet(this, -seen) != 0) {
                schedule(this::begin, Duration.ZERO);
              }
            })
        .subscribe();
  }

  private Duration afterFailure(Throwable error) {
    if (failures++ == 0) {
      log.warn("{}: failed, and is tried again until it succeeds", what, error);
    }
    Duration pause = FIRST_FAILURE.multipliedBy(1L << Math.min(failures, 10));
    return jittered(pause.compareTo(LATER_FAILURES) > 0 ? LATER_FAILURES : pause);
  }

  private Disposable schedule(Runnable task, Duration delay) {
    try {
      return delay.isZero()
          ? timer.schedule(task)
          : timer.schedule(task, delay.toNanos(), TimeUnit.NANOSECONDS);
    } catch (RejectedExecutionException e) {
      stop(); // the timer has stopped, so there is nothing to do any more
      return Disposables.disposed();
    }
  }

  /** Up to a quarter more or less, so that instances do not keep step. */
  static Duration jittered(Duration pause) {
    long quarter = pause.toNanos() / 4;
    return pause.plusNanos(ThreadLocalRandom.current().nextLong(-quarter, quarter + 1));
  }
}

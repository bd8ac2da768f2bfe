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
package dev.sluice.supervisor;

import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.LongUnaryOperator;
import java.util.function.Supplier;
import org.slf4j.Logger;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.core.scheduler.Scheduler;

/** The same work again and again, one round at a time, give or take a quarter of a period. */
final class Rounds {

  /*
   * Threads: one round at a time, on the timer and where the work ends; wake and stop from any.
   * A pause shows its waker before it looks at asked, and wake sets asked before it looks for the
   * waker, so that one of the two sees the other. A round forgets what was asked before it begins.
   */

  private final Duration pollInterval;
  private final LongUnaryOperator pause;
  private final Scheduler timer;
  private final Logger log;
  private final Supplier<Mono<Boolean>> work;
  private final Sinks.Empty<Void> over = Sinks.empty();
  private volatile Sinks.Empty<Void> waker = Sinks.empty();
  private volatile boolean asked;
  private volatile boolean stopped;

  /**
   * @param work emits whether there is more of it at once; what it fails with is logged
   */
  Rounds(Duration pollInterval, Scheduler timer, Logger log, Supplier<Mono<Boolean>> work) {
    this(pollInterval, Rounds::jittered, timer, log, work);
  }

  /**
   * @param pause of the period, in nanoseconds
   */
  Rounds(
      Duration pollInterval,
      LongUnaryOperator pause,
      Scheduler timer,
      Logger log,
      Supplier<Mono<Boolean>> work) {
    this.pollInterval = pollInterval;
    this.pause = pause;
    this.timer = timer;
    this.log = log;
    this.work = work;
  }

  void start() {
    Mono.defer(this::round)
        .flatMap(more -> more ? Mono.<Void>empty() : pause())
        .repeat(() -> !stopped)
        .subscribe(
            nothing -> {},
            error -> {
              log.warn("no more rounds: the timer takes none", error);
              over.tryEmitEmpty();
            },
            over::tryEmitEmpty);
  }

  private Mono<Boolean> round() {
    asked = false;
    return Mono.defer(work)
        .onErrorResume(
            error -> {
              log.warn("nothing done, for now: {}", error.toString());
              return Mono.just(false);
            });
  }

  private Mono<Void> pause() {
    Sinks.Empty<Void> mine = Sinks.empty();
    waker = mine;
    if (asked || stopped) {
      return Mono.empty();
    }
    return Mono.firstWithSignal(
        mine.asMono().publishOn(timer),
        Mono.delay(Duration.ofNanos(pause.applyAsLong(pollInterval.toNanos())), timer).then());
  }

  /** Give or take a quarter. */
  static long jittered(long nanos) {
    return nanos - nanos / 4 + ThreadLocalRandom.current().nextLong(nanos / 2 + 1);
  }

  /** There is something to do. */
  void wake() {
    asked = true;
    waker.tryEmitEmpty();
  }

  /** Begins no more rounds; completes when the last one is over. */
  Mono<Void> stop() {
    return Mono.defer(
        () -> {
          stopped = true;
          waker.tryEmitEmpty();
          return over.asMono();
        });
  }
}

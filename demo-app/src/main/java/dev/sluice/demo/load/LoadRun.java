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
package dev.sluice.demo.load;

import dev.sluice.demo.flight.Departure;
import dev.sluice.demo.live.Frame;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.reactivestreams.Publisher;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Scheduler;

/**
 * One load, from its first bag to its last. It keeps to its rate as long as Kafka keeps up: with
 * {@value #MAX_OUTSTANDING} bags unconfirmed it waits.
 */
final class LoadRun {

  static final int MAX_OUTSTANDING = 4_096;

  private static final Duration TICK = Duration.ofMillis(10);
  private static final int SERIES_SIZE = 1_000_000;

  private static final Logger log = LoggerFactory.getLogger(LoadRun.class);

  private enum State {
    RUNNING,
    FINISHED,
    STOPPED,
    FAILED;

    String wire() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /** How a run ended; the first end counts. */
  private record End(State state, String failure) {}

  private static final End NOT_YET = new End(State.RUNNING, "");

  private final LoadRequest request;
  private final Passengers passengers;
  private final int flights;
  private final int series;
  private final double factor;
  private final Scheduler timer;
  private final AtomicInteger sent = new AtomicInteger();
  private final AtomicInteger unreadable = new AtomicInteger();
  private final AtomicReference<End> end = new AtomicReference<>(NOT_YET);
  private final Disposable.Swap subscription = Disposables.swap();

  // Used by the ticks only, one after the other.
  private int planned;

  /**
   * @param series the first four digits of all its tags
   * @param factor how many times as fast as in reality the week passes
   */
  LoadRun(
      LoadRequest request,
      Passengers passengers,
      int flights,
      int series,
      double factor,
      Scheduler timer) {
    this.request = request;
    this.passengers = passengers;
    this.flights = flights;
    this.series = series;
    this.factor = factor;
    this.timer = timer;
  }

  /** What a run does with its bags. */
  interface Target {

    /** Checks in a bag. */
    Publisher<?> checkIn(String tag, Departure departure);

    /** Writes a record that nobody can read where the bag would have been. */
    Publisher<?> writeUnreadable(String tag, Departure departure);
  }

  void start(Target target) {
    long begin = timer.now(TimeUnit.NANOSECONDS);
    subscription.update(
        Flux.interval(Duration.ZERO, TICK, timer)
            .onBackpressureDrop()
            .concatMapIterable(tick -> due(timer.now(TimeUnit.NANOSECONDS) - begin), 1)
            .take(request.bags())
            .flatMap(bag -> send(target, bag), MAX_OUTSTANDING)
            .subscribe(
                done -> {},
                failure -> {
                  log.warn("the load has failed", failure);
                  end(State.FAILED, String.valueOf(failure.getMessage()));
                },
                () -> end(State.FINISHED, "")));
  }

  void stop() {
    end(State.STOPPED, "");
    subscription.dispose();
  }

  boolean isRunning() {
    return NOT_YET.equals(end.get());
  }

  Frame.Load view() {
    End how = Objects.requireNonNull(end.get());
    return new Frame.Load(
        how.state.wire(),
        request.rate(),
        request.bags(),
        sent.get(),
        unreadable.get(),
        request.unreadableShare(),
        flights,
        factor,
        how.failure);
  }

  private void end(State state, String failure) {
    end.compareAndSet(NOT_YET, new End(state, failure));
  }

  /** A bag to be sent. */
  private record Planned(String tag, Departure departure, boolean unreadable) {}

  /** The bags whose time has come; after a pause at most five times as fast as asked for. */
  private List<Planned> due(long nanos) {
    long target = Math.min(request.bags(), (long) (nanos * 1e-9 * request.rate()) + 1);
    int most = 1 + request.rate() / 20;
    List<Planned> due = new ArrayList<>();
    while (planned < target && due.size() < most) {
      due.add(plan(planned++));
    }
    return due;
  }

  private Planned plan(int serial) {
    String tag = String.format(Locale.ROOT, "%04d%06d", series, serial % SERIES_SIZE);
    return new Planned(tag, passengers.next(), isUnreadable(serial));
  }

  /** Spreads the unreadable records evenly, to the exact number. */
  private boolean isUnreadable(int serial) {
    long all = request.unreadable();
    return (serial + 1) * all / request.bags() > serial * all / request.bags();
  }

  private Mono<Void> send(Target target, Planned bag) {
    Publisher<?> sending =
        bag.unreadable
            ? target.writeUnreadable(bag.tag, bag.departure)
            : target.checkIn(bag.tag, bag.departure);
    return Mono.from(sending)
        .doOnSuccess(
            confirmed -> {
              if (bag.unreadable) {
                unreadable.incrementAndGet();
              }
              sent.incrementAndGet();
            })
        .then();
  }
}

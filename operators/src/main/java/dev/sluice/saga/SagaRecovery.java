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
package dev.sluice.saga;

import dev.sluice.Experimental;
import dev.sluice.observe.Metered;
import dev.sluice.observe.Meters;
import dev.sluice.observe.Watched;
import dev.sluice.store.SagaLog;
import dev.sluice.store.SagaLog.Stats;
import dev.sluice.store.SagaLog.Taken;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.ToDoubleFunction;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.Disposable;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

/**
 * Looks for sagas that nobody has, and goes on with them. Each is given to one of those who look;
 * what it does is fenced, so that one who was away for long does nothing to a saga that another has
 * taken over.
 */
@Experimental
public final class SagaRecovery implements Metered, Watched {

  /*
   * Threads: one round at a time, on the timer and on the log's thread; sagas end on any. stopped is
   * looked at before a round and after sagas have been taken: these are gone on with all the same,
   * because they are ours now.
   */

  private static final Logger log = LoggerFactory.getLogger(SagaRecovery.class);

  private final SagaEngine engine;
  private final RecoverySpec spec;
  private final AtomicInteger running = new AtomicInteger();
  private final Sinks.Empty<Void> over = Sinks.empty();
  private volatile boolean stopped;
  private volatile @Nullable Disposable waiting;
  private volatile @Nullable Stats stats;

  SagaRecovery(SagaEngine engine, RecoverySpec spec) {
    this.engine = engine;
    this.spec = spec;
  }

  SagaRecovery start() {
    running.incrementAndGet(); // the rounds
    next(0);
    return this;
  }

  /** How many sagas are being gone on with here. */
  public int running() {
    return Math.max(0, running.get() - (stopped ? 0 : 1));
  }

  /** What the last round has seen of all sagas of the journal. */
  @Override
  public void meters(Meters meters) {
    meters.gauge(
        "sluice.saga.parked",
        "sagas",
        "Durable sagas that somebody has to look at",
        () -> seen(Stats::parked));
    meters.gauge(
        "sluice.saga.running",
        "sagas",
        "Durable sagas that have not ended, wherever they run",
        () -> seen(Stats::running));
    meters.gauge(
        "sluice.saga.overdue",
        "seconds",
        "How long a saga has been without anybody who goes on with it",
        () -> seen(s -> s.overdue().toMillis() / 1e3));
  }

  /** A warning while sagas are parked: somebody has to resolve them. */
  @Override
  public @Nullable String warning() {
    Stats s = stats;
    return s == null || s.parked() == 0 ? null : s.parked() + " sagas are parked";
  }

  private double seen(ToDoubleFunction<Stats> what) {
    Stats s = stats;
    return s == null ? Double.NaN : what.applyAsDouble(s);
  }

  /**
   * Takes no more sagas from now on.
   *
   * @return completes when those that it has taken have ended, or others have them
   */
  public Mono<Void> stop() {
    return Mono.defer(
        () -> {
          Disposable w = waiting;
          if (!stopped) {
            stopped = true;
            if (w != null) {
              w.dispose();
            }
            ended();
          }
          return over.asMono();
        });
  }

  private void ended() {
    if (running.decrementAndGet() == 0) {
      over.tryEmitEmpty();
    }
  }

  private void next(long nanos) {
    try {
      waiting = engine.spec.timer().schedule(this::round, nanos, TimeUnit.NANOSECONDS);
    } catch (RejectedExecutionException e) {
      log.warn("sagas are not recovered here any more", e);
    }
  }

  private void round() {
    int free = spec.concurrency() - running();
    if (stopped) {
      return;
    }
    if (free <= 0 || engine.highest().isEmpty()) {
      next(jittered());
      return;
    }
    engine.log.stats().subscribe(s -> stats = s, error -> stats = null);
    forget();
    long asked = engine.spec.nanos();
    engine
        .log
        .take(engine.highest(), SagaEngine.owner(), engine.spec.lease(), free)
        .collectList()
        .subscribe(
            taken -> begin(taken, asked, free),
            error -> {
              log.warn("sagas cannot be recovered, for now: {}", error.toString());
              next(jittered());
            });
  }

  private void forget() {
    Duration retention = spec.retention();
    if (retention != null) {
      engine
          .log
          .purge(retention, SagaLog.MAX_LIMIT)
          .subscribe(
              many -> {},
              error -> log.warn("sagas cannot be forgotten, for now: {}", error.toString()));
    }
  }

  private void begin(List<Taken> taken, long asked, int free) {
    for (Taken one : taken) {
      running.incrementAndGet();
      engine
          .resume(one, asked)
          .subscribe(
              result -> ended(),
              error -> {
                log.info("saga {} is left to others: {}", one.hold().key(), error.toString());
                ended();
              });
    }
    if (!stopped) {
      next(taken.size() == free ? 0 : jittered());
    }
  }

  private long jittered() {
    long nanos = spec.pollInterval().toNanos();
    return nanos - nanos / 4 + ThreadLocalRandom.current().nextLong(nanos / 2 + 1);
  }
}

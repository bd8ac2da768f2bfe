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

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;
import org.openjdk.jcstress.infra.results.II_Result;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;

/** Rounds that are asked for, due and stopped at the same time. */
public final class RoundsStress {

  private static final Logger LOG = LoggerFactory.getLogger(RoundsStress.class);

  private RoundsStress() {}

  /** Runs at once what is due at once, and keeps what is due later until somebody runs it. */
  static final class Still implements Scheduler {
    private volatile @Nullable Runnable later;

    @Override
    public Disposable schedule(Runnable task) {
      task.run();
      return Disposables.disposed();
    }

    @Override
    public Disposable schedule(Runnable task, long delay, TimeUnit unit) {
      later = task;
      return Disposables.single();
    }

    @Override
    public Worker createWorker() {
      return Schedulers.immediate().createWorker();
    }

    void elapse() {
      Runnable due = later;
      if (due != null) {
        due.run();
      }
    }
  }

  /** Rounds of which the first is over: they pause. Each looks at what is there. */
  static class Paused {
    final Still time = new Still();
    final AtomicInteger there = new AtomicInteger();
    final AtomicInteger working = new AtomicInteger();
    final AtomicInteger ended = new AtomicInteger();
    volatile int seen;
    volatile boolean overlapped;

    final Rounds rounds =
        new Rounds(
            Duration.ofDays(1), nanos -> nanos, time, LOG, () -> Mono.fromSupplier(this::look));

    Paused() {
      rounds.start();
    }

    private boolean look() {
      if (working.incrementAndGet() != 1) {
        overlapped = true;
      }
      seen = there.get();
      working.decrementAndGet();
      return false;
    }

    void ask() {
      there.incrementAndGet();
      rounds.wake();
    }

    void stop() {
      rounds.stop().subscribe(nothing -> {}, error -> {}, ended::incrementAndGet);
    }

    int overlaps() {
      return overlapped ? 1 : 0;
    }
  }

  @JCStressTest
  @State
  @Outcome(id = "2, 0", expect = ACCEPTABLE, desc = "a round has seen both")
  @Outcome(expect = FORBIDDEN, desc = "one was missed, or two rounds ran at once")
  public static class AskAndAsk extends Paused {
    @Actor
    public void one() {
      ask();
    }

    @Actor
    public void other() {
      ask();
    }

    @Arbiter
    public void arbiter(II_Result r) {
      r.r1 = seen;
      r.r2 = overlaps();
    }
  }

  @JCStressTest
  @State
  @Outcome(id = "1, 0", expect = ACCEPTABLE, desc = "seen by the round that was due, or the next")
  @Outcome(expect = FORBIDDEN, desc = "it was missed, or two rounds ran at once")
  public static class AskAndElapse extends Paused {
    @Actor
    public void asked() {
      ask();
    }

    @Actor
    public void due() {
      time.elapse();
    }

    @Arbiter
    public void arbiter(II_Result r) {
      r.r1 = seen;
      r.r2 = overlaps();
    }
  }

  @JCStressTest
  @State
  @Outcome(
      id = {"0, 1, 0", "1, 1, 0"},
      expect = ACCEPTABLE,
      desc = "over, with a last round or without")
  @Outcome(expect = FORBIDDEN, desc = "the stop has no end, or two rounds ran at once")
  public static class AskAndStop extends Paused {
    @Actor
    public void asked() {
      ask();
    }

    @Actor
    public void stopped() {
      stop();
    }

    @Arbiter
    public void arbiter(III_Result r) {
      r.r1 = seen;
      r.r2 = ended.get();
      r.r3 = overlaps();
    }
  }

  @JCStressTest
  @State
  @Outcome(id = "1, 0", expect = ACCEPTABLE, desc = "over")
  @Outcome(expect = FORBIDDEN, desc = "the stop has no end, or two rounds ran at once")
  public static class ElapseAndStop extends Paused {
    @Actor
    public void due() {
      time.elapse();
    }

    @Actor
    public void stopped() {
      stop();
    }

    @Arbiter
    public void arbiter(II_Result r) {
      r.r1 = ended.get();
      r.r2 = overlaps();
    }
  }
}

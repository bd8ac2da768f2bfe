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
package dev.sluice.routing;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;
import org.reactivestreams.Publisher;
import reactor.core.Disposable;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;
import reactor.util.context.Context;

/** A line into a tap that ends while an element comes and another one is done. */
public final class TapLineStress {

  private TapLineStress() {}

  /** Runs at once, and counts how often its worker was given back. */
  static final class Immediate implements Scheduler {
    final AtomicInteger disposed = new AtomicInteger();

    @Override
    public Disposable schedule(Runnable task) {
      task.run();
      return () -> {};
    }

    @Override
    public Disposable schedule(Runnable task, long delay, TimeUnit unit) {
      return () -> {}; // no tap takes so long
    }

    @Override
    public Worker createWorker() {
      Worker worker = Schedulers.immediate().createWorker();
      return new Worker() {
        @Override
        public Disposable schedule(Runnable task) {
          return worker.schedule(task);
        }

        @Override
        public void dispose() {
          disposed.incrementAndGet();
        }
      };
    }
  }

  /** One element is being tapped, and there is room for another one. */
  static class Tapping {
    private static final Duration YEAR = Duration.ofDays(365);

    private final Immediate scheduler = new Immediate();
    private final AtomicInteger taps = new AtomicInteger();
    private final Sinks.Empty<Void> first = Sinks.empty();
    final TapLine<Integer> line =
        new TapLine<>(
            this::tap,
            WireTapSpec.of(c -> c.capacity(2).scheduler(scheduler).timeout(YEAR)),
            Context.empty());

    Tapping() {
      line.offer(0);
    }

    private Publisher<?> tap(int element) {
      if (element == 0) {
        return first.asMono();
      }
      taps.incrementAndGet();
      return Mono.empty();
    }

    /** The first one is done. */
    void done() {
      first.tryEmitEmpty();
    }

    void report(II_Result r) {
      r.r1 = taps.get();
      r.r2 = scheduler.disposed.get();
    }
  }

  @JCStressTest
  @State
  @Outcome(id = "1, 1", expect = ACCEPTABLE, desc = "tapped, and given back at the end")
  @Outcome(expect = FORBIDDEN, desc = "missed, or the worker was given back not once")
  public static class OfferAndDone extends Tapping {
    @Actor
    public void offered() {
      line.offer(1);
    }

    @Actor
    public void firstIsDone() {
      done();
    }

    @Arbiter
    public void arbiter(II_Result r) {
      line.end();
      report(r);
    }
  }

  @JCStressTest
  @State
  @Outcome(id = "0, 1", expect = ACCEPTABLE, desc = "given back, by whoever was last")
  @Outcome(expect = FORBIDDEN, desc = "the worker was given back not once")
  public static class DoneAndEnd extends Tapping {
    @Actor
    public void firstIsDone() {
      done();
    }

    @Actor
    public void end() {
      line.end();
    }

    @Arbiter
    public void arbiter(II_Result r) {
      report(r);
    }
  }

  @JCStressTest
  @State
  @Outcome(id = "0, 1", expect = ACCEPTABLE, desc = "the end came first: missed")
  @Outcome(id = "1, 1", expect = ACCEPTABLE, desc = "tapped, then given back")
  @Outcome(expect = FORBIDDEN, desc = "the worker was given back not once, or tapped twice")
  public static class OfferThenDoneAndEnd extends Tapping {
    @Actor
    public void offered() {
      line.offer(1);
      done();
    }

    @Actor
    public void end() {
      line.end();
    }

    @Arbiter
    public void arbiter(II_Result r) {
      report(r);
    }
  }
}

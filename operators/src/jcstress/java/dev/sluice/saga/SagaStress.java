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

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.core.scheduler.Scheduler;

/** Steps that end, and subscribers that go away, at the same time. */
public final class SagaStress {

  private SagaStress() {}

  /** No time passes. */
  private static final class Standing implements Scheduler {
    @Override
    public Disposable schedule(Runnable task) {
      return Disposables.single();
    }

    @Override
    public Disposable schedule(Runnable task, long delay, TimeUnit unit) {
      return Disposables.single();
    }

    @Override
    public Worker createWorker() {
      throw new UnsupportedOperationException();
    }
  }

  private static final Scheduler STANDING = new Standing();

  /** Two steps beside each other, of which each ends when it is told to. */
  abstract static class Trip {
    final Sinks.One<String> a = Sinks.one();
    final Sinks.One<String> b = Sinks.one();
    final AtomicInteger ended = new AtomicInteger();
    final AtomicInteger completed = new AtomicInteger();
    final AtomicInteger undone = new AtomicInteger();
    final Disposable caller;

    Trip() {
      caller =
          Mono.zip(step("a", a), step("b", b), String::concat)
              .as(
                  Sagas.<String>saga(
                      "trip",
                      s ->
                          s.timer(STANDING)
                              .listener(
                                  (saga, id, result) -> {
                                    ended.incrementAndGet();
                                    if (result instanceof SagaResult.Completed) {
                                      completed.incrementAndGet();
                                    }
                                  })))
              .subscribe();
    }

    private Mono<String> step(String name, Sinks.One<String> answer) {
      return Mono.just(name)
          .transform(
              Sagas.<String, String>sagaStep(
                  name,
                  in -> answer.asMono(),
                  s -> s.compensate((in, out) -> Mono.fromRunnable(undone::incrementAndGet))));
    }

    void report(III_Result r) {
      r.r1 = ended.get();
      r.r2 = completed.get();
      r.r3 = undone.get();
    }
  }

  @JCStressTest
  @State
  @Outcome(id = "1, 1, 0", expect = ACCEPTABLE, desc = "both stand")
  @Outcome(expect = FORBIDDEN, desc = "one was forgotten, or ended twice")
  public static class TwoEnd extends Trip {
    @Actor
    public void first() {
      a.tryEmitValue("a");
    }

    @Actor
    public void second() {
      b.tryEmitValue("b");
    }

    @Arbiter
    public void arbiter(III_Result r) {
      report(r);
    }
  }

  @JCStressTest
  @State
  @Outcome(id = "1, 1, 0", expect = ACCEPTABLE, desc = "it had ended before the cancel")
  @Outcome(id = "1, 0, 2", expect = ACCEPTABLE, desc = "both are undone")
  @Outcome(expect = FORBIDDEN, desc = "half-way")
  public static class TheLastEndsAndTheCallerGoes extends Trip {
    public TheLastEndsAndTheCallerGoes() {
      a.tryEmitValue("a");
    }

    @Actor
    public void last() {
      b.tryEmitValue("b");
    }

    @Actor
    public void cancel() {
      caller.dispose();
    }

    @Arbiter
    public void arbiter(III_Result r) {
      report(r);
    }
  }

  @JCStressTest
  @State
  @Outcome(id = "1, 0, 2", expect = ACCEPTABLE, desc = "both are undone, what failed as in doubt")
  @Outcome(expect = FORBIDDEN, desc = "half-way")
  public static class OneEndsAndOneFails extends Trip {
    @Actor
    public void ends() {
      a.tryEmitValue("a");
    }

    @Actor
    public void fails() {
      b.tryEmitError(new IllegalStateException("lost"));
    }

    @Arbiter
    public void arbiter(III_Result r) {
      report(r);
    }
  }
}

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

import dev.sluice.store.SagaEvent;
import dev.sluice.store.SagaEvent.Kind;
import dev.sluice.store.SagaKey;
import dev.sluice.store.SagaLog;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

/** Steps of parallel branches write to one journal. */
public final class JournalWriterStress {

  private JournalWriterStress() {}

  private static final SagaLog.Hold HOLD = new SagaLog.Hold(new SagaKey("trip", "7"), 1);

  /**
   * Takes events at the revision that it is at, and answers the first append when it is told to.
   */
  static final class Paper implements SagaLog {
    final Sinks.Empty<Void> first = Sinks.empty();
    final AtomicInteger wrong = new AtomicInteger();
    private long revision;
    private int appends;

    @Override
    public Mono<Void> append(Hold hold, long at, List<SagaEvent> events) {
      synchronized (this) {
        if (at != revision) {
          wrong.incrementAndGet();
        }
        revision = at + events.size();
        return appends++ == 0 ? first.asMono() : Mono.empty();
      }
    }

    @Override
    public Mono<Opening> open(
        SagaKey key, int version, byte[] input, String owner, Duration lease) {
      return Mono.empty();
    }

    @Override
    public Flux<Hold> renew(Collection<Hold> holds, Duration lease) {
      return Flux.fromIterable(holds);
    }

    @Override
    public Flux<Taken> take(Map<String, Integer> sagas, String owner, Duration lease, int limit) {
      return Flux.empty();
    }

    @Override
    public Flux<Entry> read(SagaKey key) {
      return Flux.empty();
    }

    @Override
    public Mono<Boolean> amend(SagaKey key, long at, List<SagaEvent> events) {
      return Mono.empty();
    }

    @Override
    public Flux<Summary> query(Query query) {
      return Flux.empty();
    }

    @Override
    public Mono<Stats> stats() {
      return Mono.empty();
    }

    @Override
    public Mono<Integer> purge(Duration minAge, int limit) {
      return Mono.empty();
    }
  }

  abstract static class Desk {
    final Paper paper = new Paper();
    final AtomicInteger begun = new AtomicInteger();
    final AtomicInteger lost = new AtomicInteger();
    final JournalWriter writer =
        new JournalWriter(
            paper,
            DurableSpec.DEFAULT,
            HOLD,
            0,
            System.nanoTime(),
            error -> lost.incrementAndGet());

    static SagaEvent event(Kind kind, String step) {
      return new SagaEvent(kind, step, "", "", null);
    }

    void report(III_Result r) {
      r.r1 = begun.get();
      r.r2 = paper.wrong.get();
      r.r3 = lost.get();
    }
  }

  /** A step waits for the journal, which has not answered yet. */
  abstract static class Busy extends Desk {
    Busy() {
      step("a");
    }

    final void step(String name) {
      writer.intent(event(Kind.INTENT, name), begun::incrementAndGet);
    }

    void nextOfA() {
      writer.add(event(Kind.DONE, "a"));
      step("c");
    }

    void answer() {
      paper.first.tryEmitEmpty();
    }
  }

  @JCStressTest
  @State
  @Outcome(
      id = "3, 0, 0",
      expect = ACCEPTABLE,
      desc = "each begins once, in the order of the journal")
  @Outcome(expect = FORBIDDEN, desc = "one waits for ever, or begins twice")
  public static class BranchesBegin extends Busy {
    @Actor
    public void one() {
      step("b");
    }

    @Actor
    public void other() {
      nextOfA();
    }

    @Arbiter
    public void arbiter(III_Result r) {
      answer();
      report(r);
    }
  }

  @JCStressTest
  @State
  @Outcome(
      id = "3, 0, 0",
      expect = ACCEPTABLE,
      desc = "each begins once, in the order of the journal")
  @Outcome(expect = FORBIDDEN, desc = "one waits for ever, or begins twice")
  public static class BranchesBeginWhileItAnswers extends Busy {
    @Actor
    public void answerThenOne() {
      answer();
      step("b");
    }

    @Actor
    public void other() {
      nextOfA();
    }

    @Arbiter
    public void arbiter(III_Result r) {
      report(r);
    }
  }

  @JCStressTest
  @State
  @Outcome(id = "1, 0, 0", expect = ACCEPTABLE, desc = "it had turned back")
  @Outcome(id = "2, 0, 0", expect = ACCEPTABLE, desc = "the step came first")
  @Outcome(expect = FORBIDDEN, desc = "one waits for ever, or begins twice")
  public static class AStepComesWhileItTurns extends Desk {
    public AStepComesWhileItTurns() {
      paper.first.tryEmitEmpty();
    }

    @Actor
    public void begin() {
      writer.intent(event(Kind.INTENT, "b"), begun::incrementAndGet);
    }

    @Actor
    public void turn() {
      writer.turn(event(Kind.TURNED, ""));
      writer.after(event(Kind.UNDOING, "a"), begun::incrementAndGet);
    }

    @Arbiter
    public void arbiter(III_Result r) {
      report(r);
    }
  }
}

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
package dev.sluice.dispatch;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.IIII_Result;
import org.openjdk.jcstress.infra.results.III_Result;
import org.openjdk.jcstress.infra.results.II_Result;
import org.openjdk.jcstress.infra.results.LI_Result;
import reactor.core.publisher.Mono;

/** Lanes come and go while elements arrive: none slips in between (I1), no slot is miscounted. */
public final class LaneStress {

  private LaneStress() {}

  /** Results: what was started, lanes left. */
  @JCStressTest
  @State
  @Outcome(id = "\\[1, 2\\], 1", expect = ACCEPTABLE, desc = "the second ran after the first")
  @Outcome(
      expect = FORBIDDEN,
      desc = "the second got lost in a lane that was given up, or ran early")
  public static class EvictionAndOnNext {
    private final Rig rig = Rig.of(2);
    private final Rig.HandWorker worker = rig.byHand(2)[0];

    public EvictionAndOnNext() {
      rig.main.request(Long.MAX_VALUE);
      rig.main.onNext(1);
    }

    @Actor
    public void end() {
      worker.signals().onComplete();
    }

    @Actor
    public void onNext() {
      rig.main.onNext(2); // of the same key
    }

    @Arbiter
    public void arbiter(LI_Result r) {
      r.r1 = rig.started.toString();
      r.r2 = rig.mostRunning > 1 ? -1 : rig.main.gauges().lanes();
    }
  }

  /** Results: what was started, most workers of the key at once. */
  @JCStressTest
  @State
  @Outcome(id = "\\[1, 2, 3\\], 1", expect = ACCEPTABLE, desc = "in their order, one at a time")
  @Outcome(expect = FORBIDDEN, desc = "lost, overtaken or overlapped")
  public static class WaitingElementHandOver {
    private final Rig rig = Rig.of(2);
    private final Rig.HandWorker first = new Rig.HandWorker();

    public WaitingElementHandOver() {
      rig.worker = lane -> lane.element() == 1 ? first : Mono.just("a");
      rig.main.request(Long.MAX_VALUE);
      rig.main.onNext(1);
    }

    @Actor
    public void end() {
      first.signals().onComplete();
    }

    @Actor
    public void onNext() {
      rig.main.onNext(2);
      rig.main.onNext(3);
    }

    @Arbiter
    public void arbiter(LI_Result r) {
      r.r1 = rig.started.toString();
      r.r2 = rig.mostRunning;
    }
  }

  /** Results: times started, completed, workers that run, most that ran at once. */
  @JCStressTest
  @State
  @Outcome(id = "4, 2, 2, 2", expect = ACCEPTABLE, desc = "both slots were given to the next two")
  @Outcome(expect = FORBIDDEN, desc = "a slot was lost, or given twice")
  public static class TwoWorkersEnd {
    private final Rig rig = Rig.of(2);
    private final Rig.HandWorker[] workers = rig.byHand(4);

    public TwoWorkersEnd() {
      rig.main.request(Long.MAX_VALUE);
      rig.main.onNext(1);
      rig.main.onNext(11);
      rig.main.onNext(21);
      rig.main.onNext(31);
    }

    @Actor
    public void first() {
      workers[0].signals().onComplete();
    }

    @Actor
    public void second() {
      workers[1].signals().onComplete();
    }

    @Arbiter
    public void arbiter(IIII_Result r) {
      r.r1 = rig.started.size();
      r.r2 = rig.completed;
      r.r3 = rig.main.gauges().running();
      r.r4 = rig.mostRunning;
    }
  }

  /** Results: terminal signals, values emitted, signals after the end. */
  @JCStressTest
  @State
  @Outcome(id = "1, 1, 0", expect = ACCEPTABLE, desc = "completed once, after the last value")
  @Outcome(expect = FORBIDDEN, desc = "completed twice, never, or before the value")
  public static class WorkerEndAndSourceEnd {
    private final Rig rig = Rig.of(1);
    private final Rig.HandWorker worker = rig.byHand(1)[0];

    public WorkerEndAndSourceEnd() {
      rig.main.request(Long.MAX_VALUE);
      rig.main.onNext(1);
    }

    @Actor
    public void workerEnds() {
      worker.signals().onNext("a");
      worker.signals().onComplete();
    }

    @Actor
    public void sourceEnds() {
      rig.main.onComplete();
    }

    @Arbiter
    public void arbiter(III_Result r) {
      r.r1 = rig.terminals.get();
      r.r2 = rig.emitted.get();
      r.r3 = rig.afterTheEnd.get();
    }
  }

  /** Results: what was started, most workers of the key at once. */
  @JCStressTest
  @State
  @Outcome(id = "\\[1, 2\\], 1", expect = ACCEPTABLE, desc = "the next ran when the hold had ended")
  @Outcome(expect = FORBIDDEN, desc = "the next was lost")
  public static class EndOfHoldAndOnNext {
    private final Rig rig = Rig.of(1);
    private Lane<Integer> held;

    public EndOfHoldAndOnNext() {
      rig.end =
          lane -> {
            if (lane.element() == 1) {
              held = lane;
              return Verdict.HOLD;
            }
            return Verdict.NEXT;
          };
      rig.main.request(Long.MAX_VALUE);
      rig.main.onNext(1);
    }

    @Actor
    public void finish() {
      held.finish(Verdict.NEXT);
    }

    @Actor
    public void onNext() {
      rig.main.onNext(2);
    }

    @Arbiter
    public void arbiter(LI_Result r) {
      r.r1 = rig.started.toString();
      r.r2 = rig.mostRunning;
    }
  }

  /** Results: completed, failed, workers that run, values emitted or discarded. */
  @JCStressTest
  @State
  @Outcome(id = "1, 0, 0, 1", expect = ACCEPTABLE, desc = "it ended before its time was up")
  @Outcome(
      id = "0, 1, 0, 1",
      expect = ACCEPTABLE,
      desc = "its time was up, whatever it had emitted")
  @Outcome(expect = FORBIDDEN, desc = "ended twice, never, or its value vanished")
  public static class WorkerEndAndTimeout {
    private final Rig rig = Rig.withTimeout(1);
    private final Rig.HandWorker worker = rig.byHand(1)[0];

    public WorkerEndAndTimeout() {
      rig.main.request(Long.MAX_VALUE);
      rig.main.onNext(1);
    }

    @Actor
    public void end() {
      worker.signals().onNext("a");
      worker.signals().onComplete();
    }

    @Actor
    public void timeout() {
      rig.timerFires();
    }

    @Arbiter
    public void arbiter(IIII_Result r) {
      r.r1 = rig.completed;
      r.r2 = rig.failed;
      r.r3 = rig.main.gauges().running();
      r.r4 = rig.emitted.get() + rig.discardedValues.get();
    }
  }

  /** Results: elements that the source was asked for in all, elements admitted. */
  @JCStressTest
  @State
  @Outcome(id = "6, 2", expect = ACCEPTABLE, desc = "asked for as many as were finished")
  @Outcome(expect = FORBIDDEN, desc = "a finished element was forgotten, or counted twice (I3)")
  public static class TwoWorkersEndAndReplenish {
    private final Rig rig = Rig.of(2, 4);
    private final Rig.HandWorker[] workers = rig.byHand(4);

    public TwoWorkersEndAndReplenish() {
      rig.main.request(Long.MAX_VALUE);
      for (int i = 0; i < 4; i++) {
        rig.main.onNext(10 * i);
      }
    }

    @Actor
    public void first() {
      workers[0].signals().onComplete();
    }

    @Actor
    public void second() {
      workers[1].signals().onComplete();
    }

    @Arbiter
    public void arbiter(II_Result r) {
      r.r1 = rig.source.requested.get();
      r.r2 = rig.main.gauges().admitted();
    }
  }
}

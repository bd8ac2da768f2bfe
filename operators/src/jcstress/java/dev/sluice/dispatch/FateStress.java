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

import java.time.Duration;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.IIII_Result;
import org.openjdk.jcstress.infra.results.III_Result;
import org.openjdk.jcstress.infra.results.II_Result;
import reactor.core.publisher.Mono;

/** A cancel meets everything else: each element and each value has one fate (I4), and one end. */
public final class FateStress {

  private FateStress() {}

  /** Results: elements worked on, elements discarded, values emitted, values discarded. */
  @JCStressTest
  @State
  @Outcome(id = "1, 0, 1, 0", expect = ACCEPTABLE, desc = "worked on, its value emitted")
  @Outcome(id = "1, 0, 0, 1", expect = ACCEPTABLE, desc = "worked on, its value discarded")
  @Outcome(id = "0, 1, 0, 0", expect = ACCEPTABLE, desc = "discarded")
  @Outcome(expect = FORBIDDEN, desc = "the element or its value vanished, or had two fates")
  public static class OnNextAndCancel {
    private final Rig rig = Rig.of(1);

    public OnNextAndCancel() {
      rig.main.request(Long.MAX_VALUE);
    }

    @Actor
    public void onNext() {
      rig.main.onNext(1);
    }

    @Actor
    public void cancel() {
      rig.main.cancel();
    }

    @Arbiter
    public void arbiter(IIII_Result r) {
      r.r1 = rig.started.size();
      r.r2 = rig.discardedElements.get();
      r.r3 = rig.emitted.get();
      r.r4 = rig.discardedValues.get();
    }
  }

  /** Results: elements that wait behind a running one and were discarded, the running abandoned. */
  @JCStressTest
  @State
  @Outcome(id = "2, 1", expect = ACCEPTABLE, desc = "whoever was first, both came to their end")
  @Outcome(expect = FORBIDDEN, desc = "an element vanished, or had two fates")
  public static class WaitingElementsAndCancel {
    private final Rig rig = Rig.of(1);

    public WaitingElementsAndCancel() {
      rig.byHand(1);
      rig.main.request(Long.MAX_VALUE);
      rig.main.onNext(1);
    }

    @Actor
    public void onNext() {
      rig.main.onNext(2);
      rig.main.onNext(11);
    }

    @Actor
    public void cancel() {
      rig.main.cancel();
    }

    @Arbiter
    public void arbiter(II_Result r) {
      r.r1 = rig.discardedElements.get();
      r.r2 = rig.abandoned;
    }
  }

  /** Results: elements completed, elements abandoned, values emitted, values discarded. */
  @JCStressTest
  @State
  @Outcome(id = "1, 0, 1, 0", expect = ACCEPTABLE, desc = "the worker ended before the cancel")
  @Outcome(id = "0, 1, 1, 0", expect = ACCEPTABLE, desc = "cancelled between its value and its end")
  @Outcome(id = "0, 1, 0, 1", expect = ACCEPTABLE, desc = "cancelled before its value went out")
  @Outcome(expect = FORBIDDEN, desc = "a lane or a value vanished, or had two fates")
  public static class WorkerEndAndCancel {
    private final Rig rig = Rig.of(1);
    private final Rig.HandWorker worker = rig.byHand(1)[0];

    public WorkerEndAndCancel() {
      rig.main.request(Long.MAX_VALUE);
      rig.main.onNext(1);
    }

    @Actor
    public void end() {
      worker.signals().onNext("a");
      worker.signals().onComplete();
    }

    @Actor
    public void cancel() {
      rig.main.cancel();
    }

    @Arbiter
    public void arbiter(IIII_Result r) {
      r.r1 = rig.completed;
      r.r2 = rig.abandoned;
      r.r3 = rig.emitted.get();
      r.r4 = rig.discardedValues.get();
    }
  }

  /** Results: times started, elements discarded, abandoned, whether the second worker runs on. */
  @JCStressTest
  @State
  @Outcome(id = "1, 1, 0, 0", expect = ACCEPTABLE, desc = "cancelled in its sleep: discarded")
  @Outcome(id = "2, 0, 1, 0", expect = ACCEPTABLE, desc = "cancelled in its second run: abandoned")
  @Outcome(expect = FORBIDDEN, desc = "it vanished, had two fates, or runs on")
  public static class WakeUpAndCancel {
    private final Rig rig = Rig.of(1);
    private final Rig.HandWorker[] workers = rig.byHand(2);

    public WakeUpAndCancel() {
      rig.failure = Verdict.retry(Duration.ofSeconds(1));
      rig.main.request(Long.MAX_VALUE);
      rig.main.onNext(1);
      workers[0].signals().onError(new IllegalStateException("first run"));
    }

    @Actor
    public void wake() {
      rig.timerFires();
    }

    @Actor
    public void cancel() {
      rig.main.cancel();
    }

    @Arbiter
    public void arbiter(IIII_Result r) {
      r.r1 = rig.started.size();
      r.r2 = rig.discardedElements.get();
      r.r3 = rig.abandoned;
      r.r4 = workers[1].subscriber != null && !workers[1].cancelled ? 1 : 0;
    }
  }

  /** Results: times started, elements discarded, abandoned. */
  @JCStressTest
  @State
  @Outcome(id = "2, 0, 1", expect = ACCEPTABLE, desc = "the hold ended, the next one ran")
  @Outcome(id = "1, 1, 0", expect = ACCEPTABLE, desc = "the hold ended, the next one did not run")
  @Outcome(id = "1, 1, 1", expect = ACCEPTABLE, desc = "cancelled while it was held")
  @Outcome(expect = FORBIDDEN, desc = "an element vanished, or had two fates")
  public static class EndOfHoldAndCancel {
    private final Rig rig = Rig.of(1);
    private final Rig.HandWorker[] workers = rig.byHand(2);
    private Lane<Integer> held;

    public EndOfHoldAndCancel() {
      rig.end =
          lane -> {
            held = lane;
            return Verdict.HOLD;
          };
      rig.main.request(Long.MAX_VALUE);
      rig.main.onNext(1);
      rig.main.onNext(2);
      workers[0].signals().onComplete();
    }

    @Actor
    public void finish() {
      held.finish(Verdict.NEXT);
    }

    @Actor
    public void cancel() {
      rig.main.cancel();
    }

    @Arbiter
    public void arbiter(III_Result r) {
      r.r1 = rig.started.size();
      r.r2 = rig.discardedElements.get();
      r.r3 = rig.abandoned;
    }
  }

  /** Results: terminal signals, of which errors, errors dropped, signals after the end. */
  @JCStressTest
  @State
  @Outcome(id = "1, 1, 0, 0", expect = ACCEPTABLE, desc = "the source's error ended the sequence")
  @Outcome(id = "0, 0, 1, 0", expect = ACCEPTABLE, desc = "cancelled first: the error was dropped")
  @Outcome(id = "0, 0, 0, 0", expect = ACCEPTABLE, desc = "cancelled before the drain looked at it")
  @Outcome(expect = FORBIDDEN, desc = "two ends, or an end and a dropped error")
  public static class SourceErrorAndCancel {
    private final Rig rig = Rig.of(1);

    @Actor
    public void fail() {
      rig.main.onError(new IllegalStateException("source"));
    }

    @Actor
    public void cancel() {
      rig.main.cancel();
    }

    @Arbiter
    public void arbiter(IIII_Result r) {
      r.r1 = rig.terminals.get();
      r.r2 = rig.errors.get();
      r.r3 = rig.droppedErrors.get();
      r.r4 = rig.afterTheEnd.get();
    }
  }

  /** Results: terminal signals, completed, abandoned, signals after the end. */
  @JCStressTest
  @State
  @Outcome(
      id = "1, 1, 0, 0",
      expect = ACCEPTABLE,
      desc = "the worker ended before the source failed")
  @Outcome(id = "1, 0, 1, 0", expect = ACCEPTABLE, desc = "the source failed while the worker ran")
  @Outcome(expect = FORBIDDEN, desc = "two ends, none, or a signal after the end")
  public static class SourceErrorAndWorkerEnd {
    private final Rig rig = Rig.of(1);
    private final Rig.HandWorker worker = rig.byHand(1)[0];

    public SourceErrorAndWorkerEnd() {
      rig.main.request(Long.MAX_VALUE);
      rig.main.onNext(1);
    }

    @Actor
    public void fail() {
      rig.main.onError(new IllegalStateException("source"));
    }

    @Actor
    public void end() {
      worker.signals().onNext("a");
      worker.signals().onComplete();
    }

    @Arbiter
    public void arbiter(IIII_Result r) {
      r.r1 = rig.terminals.get();
      r.r2 = rig.completed;
      r.r3 = rig.abandoned;
      r.r4 = rig.afterTheEnd.get();
    }
  }

  /** Results: values emitted, values discarded: a subscriber that cancels while values arrive. */
  @JCStressTest
  @State
  @Outcome(id = "0, 2", expect = ACCEPTABLE, desc = "cancelled before the values")
  @Outcome(id = "1, 1", expect = ACCEPTABLE, desc = "cancelled between the values")
  @Outcome(id = "2, 0", expect = ACCEPTABLE, desc = "cancelled after the values")
  @Outcome(expect = FORBIDDEN, desc = "a value vanished, or had two fates")
  public static class ValuesAndCancel {
    private final Rig rig = Rig.of(2);

    public ValuesAndCancel() {
      rig.worker = lane -> Mono.just("a");
      rig.main.onNext(1);
      rig.main.onNext(11); // both wait in their workers' rings for demand
    }

    @Actor
    public void request() {
      rig.main.request(2);
    }

    @Actor
    public void cancel() {
      rig.main.cancel();
    }

    @Arbiter
    public void arbiter(II_Result r) {
      r.r1 = rig.emitted.get();
      r.r2 = rig.discardedValues.get();
    }
  }
}

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
import org.openjdk.jcstress.infra.results.III_Result;
import org.openjdk.jcstress.infra.results.II_Result;
import org.openjdk.jcstress.infra.results.I_Result;

/** Demand is neither lost nor exceeded, and a slot is given back when the values are out (I2). */
public final class DemandStress {

  private DemandStress() {}

  @JCStressTest
  @State
  @Outcome(id = "2", expect = ACCEPTABLE, desc = "both requests counted, and no more than they")
  @Outcome(expect = FORBIDDEN, desc = "demand was lost, or exceeded")
  public static class RequestAndRequest {
    private final Rig rig = Rig.of(3);

    public RequestAndRequest() {
      rig.main.onNext(1);
      rig.main.onNext(11);
      rig.main.onNext(21);
    }

    @Actor
    public void first() {
      rig.main.request(1);
    }

    @Actor
    public void second() {
      rig.main.request(1);
    }

    @Arbiter
    public void arbiter(I_Result r) {
      r.r1 = rig.emitted.get();
    }
  }

  @JCStressTest
  @State
  @Outcome(id = "1, 0", expect = ACCEPTABLE, desc = "the value went out, and the slot is free")
  @Outcome(expect = FORBIDDEN, desc = "the value or the slot was forgotten")
  public static class RequestAndOnNext {
    private final Rig rig = Rig.of(1);

    @Actor
    public void onNext() {
      rig.main.onNext(1);
    }

    @Actor
    public void request() {
      rig.main.request(1);
    }

    @Arbiter
    public void arbiter(II_Result r) {
      r.r1 = rig.emitted.get();
      r.r2 = rig.main.gauges().running();
    }
  }

  @JCStressTest
  @State
  @Outcome(id = "2, 1", expect = ACCEPTABLE, desc = "both values went out; the worker runs on")
  @Outcome(expect = FORBIDDEN, desc = "a value was forgotten or repeated, or the slot was freed")
  public static class ValuesAndRequest {
    private final Rig rig = Rig.of(1);
    private final Rig.HandWorker worker = rig.byHand(1)[0];

    public ValuesAndRequest() {
      rig.main.onNext(1);
    }

    @Actor
    public void values() {
      worker.signals().onNext("a");
      worker.signals().onNext("b");
    }

    @Actor
    public void request() {
      rig.main.request(1);
      rig.main.request(1);
    }

    @Arbiter
    public void arbiter(II_Result r) {
      r.r1 = rig.emitted.get();
      r.r2 = rig.main.gauges().running();
    }
  }

  @JCStressTest
  @State
  @Outcome(
      id = "1, 1, 0",
      expect = ACCEPTABLE,
      desc = "the value went out, then the slot was freed")
  @Outcome(expect = FORBIDDEN, desc = "the value or the end was forgotten or repeated")
  public static class WorkerEndAndRequest {
    private final Rig rig = Rig.of(1);
    private final Rig.HandWorker worker = rig.byHand(1)[0];

    public WorkerEndAndRequest() {
      rig.main.onNext(1);
    }

    @Actor
    public void end() {
      worker.signals().onNext("a");
      worker.signals().onComplete();
    }

    @Actor
    public void request() {
      rig.main.request(1);
    }

    @Arbiter
    public void arbiter(III_Result r) {
      r.r1 = rig.emitted.get();
      r.r2 = rig.completed;
      r.r3 = rig.main.gauges().running();
    }
  }

  /**
   * The receiver of the first worker serves the second as soon as the drain has seen the first one
   * end, perhaps before the first one's last call has returned.
   */
  @JCStressTest
  @State
  @Outcome(id = "2, 2, 0", expect = ACCEPTABLE, desc = "each worker's value and end were its own")
  @Outcome(expect = FORBIDDEN, desc = "what the first signalled was taken for the second's")
  public static class ReceiverReuse {
    private final Rig rig = Rig.of(1);
    private final Rig.HandWorker[] workers = rig.byHand(2);

    public ReceiverReuse() {
      rig.main.onNext(1);
      rig.main.onNext(11);
    }

    @Actor
    public void end() {
      workers[0].signals().onNext("a");
      workers[0].signals().onComplete();
    }

    @Actor
    public void request() {
      rig.main.request(2);
    }

    @Arbiter
    public void arbiter(III_Result r) {
      if (rig.completed == 1 && rig.main.gauges().running() == 1) {
        workers[1].signals().onNext("b");
        workers[1].signals().onComplete();
        r.r2 = rig.completed;
      }
      r.r1 = rig.emitted.get();
      r.r3 = rig.main.gauges().running();
    }
  }
}

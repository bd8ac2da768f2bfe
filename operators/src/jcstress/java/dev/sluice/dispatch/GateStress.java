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

/** A gate that opens meets everything else: no wake-up is lost, no permission either (I2). */
public final class GateStress {

  private GateStress() {}

  /** Results: workers started, permissions that nobody accounted for. */
  @JCStressTest
  @State
  @Outcome(id = "2, 0", expect = ACCEPTABLE, desc = "both have passed")
  @Outcome(expect = FORBIDDEN, desc = "an element stands before an open gate, or passed unseen")
  public static class OpeningAndOnNext {
    private final Rig.HandGate gate = new Rig.HandGate(false);
    private final Rig rig = Rig.behind(gate);

    public OpeningAndOnNext() {
      rig.main.request(Long.MAX_VALUE);
      rig.main.onNext(1);
    }

    @Actor
    public void open() {
      gate.open = true;
      rig.timerFires();
    }

    @Actor
    public void onNext() {
      rig.main.onNext(11);
    }

    @Arbiter
    public void arbiter(II_Result r) {
      r.r1 = rig.started.size();
      r.r2 = gate.permissions;
    }
  }

  /** Results: workers started, elements discarded, permissions that nobody accounted for. */
  @JCStressTest
  @State
  @Outcome(id = "1, 0, 0", expect = ACCEPTABLE, desc = "it has passed")
  @Outcome(id = "0, 1, 0", expect = ACCEPTABLE, desc = "cancelled before it could")
  @Outcome(expect = FORBIDDEN, desc = "the element vanished, had two fates, or kept a permission")
  public static class OpeningAndCancel {
    private final Rig.HandGate gate = new Rig.HandGate(false);
    private final Rig rig = Rig.behind(gate);

    public OpeningAndCancel() {
      rig.main.request(Long.MAX_VALUE);
      rig.main.onNext(1);
    }

    @Actor
    public void open() {
      gate.open = true;
      rig.timerFires();
    }

    @Actor
    public void cancel() {
      rig.main.cancel();
    }

    @Arbiter
    public void arbiter(III_Result r) {
      r.r1 = rig.started.size();
      r.r2 = rig.discardedElements.get();
      r.r3 = gate.permissions;
    }
  }

  /** Results: values emitted, permissions that nobody accounted for. */
  @JCStressTest
  @State
  @Outcome(id = "2, 0", expect = ACCEPTABLE, desc = "what was requested has passed")
  @Outcome(expect = FORBIDDEN, desc = "a request did not open the gate")
  public static class RequestAndOnNext {
    private final Rig.HandGate gate = new Rig.HandGate(true);
    private final Rig rig = Rig.behind(gate);

    @Actor
    public void request() {
      rig.main.request(2);
    }

    @Actor
    public void onNext() {
      rig.main.onNext(1);
      rig.main.onNext(11);
    }

    @Arbiter
    public void arbiter(II_Result r) {
      r.r1 = rig.emitted.get();
      r.r2 = gate.permissions;
    }
  }
}

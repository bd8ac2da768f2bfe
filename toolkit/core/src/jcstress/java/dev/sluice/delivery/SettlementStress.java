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
package dev.sluice.delivery;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import java.util.concurrent.atomic.AtomicInteger;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;
import org.openjdk.jcstress.infra.results.II_Result;

/** The state machine of a settlement under pairs of racing calls: two actors, for two cores. */
public final class SettlementStress {

  private SettlementStress() {}

  static final class Probe extends SettlementCore {
    final AtomicInteger decisions = new AtomicInteger();

    @Override
    protected void onDecided(dev.sluice.delivery.Outcome outcome) {
      decisions.incrementAndGet();
    }

    void done() {
      markDone();
    }

    void lose() {
      markLost();
    }
  }

  @JCStressTest
  @State
  @Outcome(id = "1, 0, 1", expect = ACCEPTABLE, desc = "the first decided")
  @Outcome(id = "0, 1, 1", expect = ACCEPTABLE, desc = "the second decided")
  @Outcome(expect = FORBIDDEN, desc = "decided twice, or not at all")
  public static class TwoDecisions {
    private final Probe settlement = new Probe();

    @Actor
    public void ack(III_Result r) {
      r.r1 = settlement.settle(dev.sluice.delivery.Outcome.ack()) ? 1 : 0;
    }

    @Actor
    public void reject(III_Result r) {
      r.r2 =
          settlement.settle(dev.sluice.delivery.Outcome.reject(DeadLetterReason.POISON, null))
              ? 1
              : 0;
    }

    @Arbiter
    public void arbiter(III_Result r) {
      r.r3 = settlement.decisions.get();
    }
  }

  @JCStressTest
  @State
  @Outcome(id = "1", expect = ACCEPTABLE, desc = "the listener heard of the end once")
  @Outcome(expect = FORBIDDEN, desc = "the listener heard nothing, or twice")
  public static class DecisionAndLoss {
    private final Probe settlement = new Probe();
    private final AtomicInteger heard = new AtomicInteger();

    public DecisionAndLoss() {
      settlement.onDone(outcome -> heard.incrementAndGet());
    }

    @Actor
    public void settle() {
      settlement.settle(dev.sluice.delivery.Outcome.ack());
    }

    @Actor
    public void lose() {
      settlement.lose();
    }

    @Arbiter
    public void arbiter(org.openjdk.jcstress.infra.results.I_Result r) {
      r.r1 = heard.get();
    }
  }

  @JCStressTest
  @State
  @Outcome(id = "1, 1", expect = ACCEPTABLE, desc = "both listeners heard of the end once")
  @Outcome(expect = FORBIDDEN, desc = "a listener heard nothing, or twice")
  public static class ListenersAndEnd {
    private final Probe settlement = new Probe();
    private final AtomicInteger first = new AtomicInteger();
    private final AtomicInteger second = new AtomicInteger();

    @Actor
    public void end() {
      settlement.settle(dev.sluice.delivery.Outcome.ack());
      settlement.done();
    }

    @Actor
    public void listen() {
      settlement.onDone(outcome -> first.incrementAndGet());
      settlement.onDone(outcome -> second.incrementAndGet());
    }

    @Arbiter
    public void arbiter(II_Result r) {
      r.r1 = first.get();
      r.r2 = second.get();
    }
  }
}

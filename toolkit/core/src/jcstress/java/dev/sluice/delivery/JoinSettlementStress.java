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

import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.IL_Result;

/** An aggregate of two members, both of which others can take away. */
public final class JoinSettlementStress {

  private JoinSettlementStress() {}

  /** The aggregate, and what it told its listener. */
  static class Pair {
    final SettlementStress.Probe first = new SettlementStress.Probe();
    final SettlementStress.Probe second = new SettlementStress.Probe();
    final JoinSettlement join = new JoinSettlement(List.of(first, second));
    final AtomicInteger heard = new AtomicInteger();
    volatile dev.sluice.delivery.@Nullable Outcome result;

    Pair() {
      join.onDone(
          became -> {
            result = became;
            heard.incrementAndGet();
          });
    }

    void tell(IL_Result r) {
      dev.sluice.delivery.Outcome became = result;
      r.r1 = heard.get();
      r.r2 = became == null ? "nothing" : became.getClass().getSimpleName();
    }
  }

  @JCStressTest
  @State
  @Outcome(id = "1, Ack", expect = ACCEPTABLE, desc = "the aggregate was first")
  @Outcome(id = "1, Release", expect = ACCEPTABLE, desc = "the source took a member back first")
  @Outcome(expect = FORBIDDEN, desc = "heard nothing, or twice")
  public static class DecisionAndTakeBack extends Pair {

    @Actor
    public void ack() {
      join.settle(dev.sluice.delivery.Outcome.ack());
      first.done();
      second.done();
    }

    @Actor
    public void takeBack() {
      first.settle(
          dev.sluice.delivery.Outcome.release(dev.sluice.delivery.Outcome.Release.Why.STOPPED));
      first.done();
    }

    @Arbiter
    public void arbiter(IL_Result r) {
      tell(r);
    }
  }

  @JCStressTest
  @State
  @Outcome(id = "1, Ack", expect = ACCEPTABLE, desc = "the effect came before the loss")
  @Outcome(id = "1, Release", expect = ACCEPTABLE, desc = "a member was lost before the effect")
  @Outcome(expect = FORBIDDEN, desc = "heard nothing, or twice")
  public static class DecisionAndLoss extends Pair {

    @Actor
    public void ack() {
      join.settle(dev.sluice.delivery.Outcome.ack());
      first.done();
      second.done();
    }

    @Actor
    public void lose() {
      second.lose();
    }

    @Arbiter
    public void arbiter(IL_Result r) {
      tell(r);
    }
  }

  @JCStressTest
  @State
  @Outcome(id = "1, Release", expect = ACCEPTABLE, desc = "the loss counts, whoever is last")
  @Outcome(expect = FORBIDDEN, desc = "heard nothing, or twice, or of a success")
  public static class MembersEndTogether extends Pair {

    public MembersEndTogether() {
      join.settle(dev.sluice.delivery.Outcome.ack());
    }

    @Actor
    public void done() {
      first.done();
    }

    @Actor
    public void lose() {
      second.lose();
    }

    @Arbiter
    public void arbiter(IL_Result r) {
      tell(r);
    }
  }

  @JCStressTest
  @State
  @Outcome(id = "1, Ack", expect = ACCEPTABLE, desc = "acknowledged, as a whole")
  @Outcome(id = "1, Reject", expect = ACCEPTABLE, desc = "rejected, as a whole")
  @Outcome(expect = FORBIDDEN, desc = "heard nothing, or twice")
  public static class TwoDecisions extends Pair {

    @Actor
    public void ack() {
      decide(dev.sluice.delivery.Outcome.ack());
    }

    @Actor
    public void reject() {
      decide(dev.sluice.delivery.Outcome.reject(DeadLetterReason.POISON, null));
    }

    private void decide(dev.sluice.delivery.Outcome outcome) {
      if (join.settle(outcome)) {
        first.done();
        second.done();
      }
    }

    @Arbiter
    public void arbiter(IL_Result r) {
      tell(r);
      if (first.outcome() != second.outcome()) {
        r.r2 = "members of two minds";
      }
    }
  }
}

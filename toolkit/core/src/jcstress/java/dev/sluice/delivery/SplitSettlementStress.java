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

import java.util.Objects;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.IL_Result;

/** A parent and its children: decided once, with the worst outcome, whoever is last. */
public final class SplitSettlementStress {

  private SplitSettlementStress() {}

  private static String name(dev.sluice.delivery.@org.jspecify.annotations.Nullable Outcome o) {
    return o == null ? "open" : o.getClass().getSimpleName();
  }

  @JCStressTest
  @State
  @Outcome(id = "1, Reject", expect = ACCEPTABLE, desc = "decided once, by the worst child")
  @Outcome(expect = FORBIDDEN, desc = "decided twice, not at all, or too well")
  public static class ChildrenAndProducer {
    private final SettlementStress.Probe parent = new SettlementStress.Probe();
    private final SplitSettlement split = new SplitSettlement(parent);
    private final Settlement first = Objects.requireNonNull(split.child());
    private final Settlement second = Objects.requireNonNull(split.child());

    @Actor
    public void ackAndEnd() {
      first.settle(dev.sluice.delivery.Outcome.ack());
      split.producerDone(dev.sluice.delivery.Outcome.ack());
    }

    @Actor
    public void reject() {
      second.settle(dev.sluice.delivery.Outcome.reject(DeadLetterReason.POISON, null));
    }

    @Arbiter
    public void arbiter(IL_Result r) {
      r.r1 = parent.decisions.get();
      r.r2 = name(parent.outcome());
    }
  }

  @JCStressTest
  @State
  @Outcome(id = "1, Release", expect = ACCEPTABLE, desc = "the truncation counted")
  @Outcome(id = "1, Retry", expect = ACCEPTABLE, desc = "the error's outcome counted")
  @Outcome(expect = FORBIDDEN, desc = "decided twice, not at all, or as a success")
  public static class TwoProducerEnds {
    private final SettlementStress.Probe parent = new SettlementStress.Probe();
    private final SplitSettlement split = new SplitSettlement(parent);

    @Actor
    public void cancelled() {
      split.producerDone(
          dev.sluice.delivery.Outcome.release(dev.sluice.delivery.Outcome.Release.Why.CANCELLED));
    }

    @Actor
    public void failed() {
      split.producerDone(dev.sluice.delivery.Outcome.retry(java.time.Duration.ZERO, null));
    }

    @Arbiter
    public void arbiter(IL_Result r) {
      r.r1 = parent.decisions.get();
      r.r2 = name(parent.outcome());
    }
  }

  @JCStressTest
  @State
  @Outcome(id = "1, Ack", expect = ACCEPTABLE, desc = "with or without the late child, once")
  @Outcome(expect = FORBIDDEN, desc = "decided twice or not at all")
  public static class ChildAgainstProducerEnd {
    private final SettlementStress.Probe parent = new SettlementStress.Probe();
    private final SplitSettlement split = new SplitSettlement(parent);

    @Actor
    public void another() {
      Settlement child = split.child();
      if (child != null) {
        child.settle(dev.sluice.delivery.Outcome.ack());
      }
    }

    @Actor
    public void produce() {
      split.producerDone(dev.sluice.delivery.Outcome.ack());
    }

    @Arbiter
    public void arbiter(IL_Result r) {
      r.r1 = parent.decisions.get();
      r.r2 = name(parent.outcome());
    }
  }

  @JCStressTest
  @State
  @Outcome(id = "1, 2", expect = ACCEPTABLE, desc = "decided once, and both are named")
  @Outcome(expect = FORBIDDEN, desc = "decided twice or not at all, or a name got lost")
  public static class TwoChildrenFail {
    private final SettlementStress.Probe parent = new SettlementStress.Probe();
    private final SplitSettlement split = new SplitSettlement(parent);
    private final Settlement first = Objects.requireNonNull(split.child("first"));
    private final Settlement second = Objects.requireNonNull(split.child("second"));

    public TwoChildrenFail() {
      split.producerDone(dev.sluice.delivery.Outcome.ack());
    }

    @Actor
    public void reject() {
      first.settle(dev.sluice.delivery.Outcome.reject(DeadLetterReason.POISON, null));
    }

    @Actor
    public void retry() {
      second.settle(dev.sluice.delivery.Outcome.retry(java.time.Duration.ZERO, null));
    }

    @Arbiter
    public void arbiter(IL_Result r) {
      r.r1 = parent.decisions.get();
      r.r2 =
          parent.outcome() instanceof dev.sluice.delivery.Outcome.Reject reject
              ? reject.failedChildren().size()
              : name(parent.outcome());
    }
  }

  @JCStressTest
  @State
  @Outcome(id = "1, Release", expect = ACCEPTABLE, desc = "the truncation outweighs the Ack")
  @Outcome(expect = FORBIDDEN, desc = "decided twice or not at all, or cut short and acknowledged")
  public static class ChildAgainstTruncation {
    private final SettlementStress.Probe parent = new SettlementStress.Probe();
    private final SplitSettlement split = new SplitSettlement(parent);
    private final Settlement child = Objects.requireNonNull(split.child());

    @Actor
    public void ack() {
      child.settle(dev.sluice.delivery.Outcome.ack());
    }

    @Actor
    public void cut() {
      split.producerDone(
          dev.sluice.delivery.Outcome.release(dev.sluice.delivery.Outcome.Release.Why.CANCELLED));
    }

    @Arbiter
    public void arbiter(IL_Result r) {
      r.r1 = parent.decisions.get();
      r.r2 = name(parent.outcome());
    }
  }
}

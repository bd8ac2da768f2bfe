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
package dev.sluice.bridge;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import dev.sluice.delivery.ErrorPolicy;
import java.time.Clock;
import java.time.Duration;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;
import org.openjdk.jcstress.infra.results.I_Result;

/** Runs of one bridge that ask whether its target is there, and tell what they have seen. */
public final class ReachStress {

  private static final ErrorPolicy WAITS =
      ErrorPolicy.defaults().backoff(Duration.ofNanos(0), Duration.ofNanos(0)).jitter(0);
  private static final Clock CLOCK = Clock.systemUTC();
  private static final RuntimeException AWAY = new RuntimeException("away", null, false, false) {};

  private ReachStress() {}

  /** It is away, and a probe is due. */
  private static Reach due() {
    Reach reach = new Reach(WAITS, CLOCK);
    reach.failed(0, AWAY);
    return reach;
  }

  @JCStressTest
  @State
  @Outcome(
      id = {"1, 0", "0, 1"},
      expect = ACCEPTABLE,
      desc = "one of them probes")
  @Outcome(expect = FORBIDDEN, desc = "both probe, or nobody does")
  public static class OneProbe {
    private final Reach reach = due();

    @Actor
    public void one(II_Result r) {
      r.r1 = reach.take(1) == 0 ? 1 : 0;
    }

    @Actor
    public void other(II_Result r) {
      r.r2 = reach.take(1) == 0 ? 1 : 0;
    }
  }

  @JCStressTest
  @State
  @Outcome(id = "1, 2", expect = ACCEPTABLE, desc = "one outage, each failure counted")
  @Outcome(expect = FORBIDDEN, desc = "an outage counted twice, or a failure not counted")
  public static class OneOutage {
    private final Reach reach = new Reach(WAITS, CLOCK);

    @Actor
    public void one() {
      reach.failed(0, AWAY);
    }

    @Actor
    public void other() {
      reach.failed(0, AWAY);
    }

    @Arbiter
    public void arbiter(II_Result r) {
      r.r1 = (int) reach.state().outages();
      r.r2 = (int) reach.state().failures();
    }
  }

  @JCStressTest
  @State
  @Outcome(
      id = {"0", "1"},
      expect = ACCEPTABLE,
      desc = "there, or away and to be probed: whoever came last")
  @Outcome(expect = FORBIDDEN, desc = "closed for good")
  public static class ConfirmedAndFailed {
    private final Reach reach = due();

    public ConfirmedAndFailed() {
      reach.take(1);
    }

    @Actor
    public void confirmed() {
      reach.confirmed();
    }

    @Actor
    public void failed() {
      reach.failed(1, AWAY);
    }

    @Arbiter
    public void arbiter(I_Result r) {
      boolean there = reach.state().phase() == Reach.Phase.REACHABLE;
      boolean open = reach.take(Long.MAX_VALUE / 2) == 0;
      r.r1 = open ? (there ? 0 : 1) : -1;
    }
  }
}

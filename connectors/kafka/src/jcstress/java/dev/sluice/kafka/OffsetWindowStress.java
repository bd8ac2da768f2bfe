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
package dev.sluice.kafka;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;
import org.openjdk.jcstress.infra.results.II_Result;

/**
 * The window of a partition between its owner, the poll thread, and a thread that settles: two
 * actors, for two cores.
 */
public final class OffsetWindowStress {

  private OffsetWindowStress() {}

  private static OffsetWindow window(int capacity) {
    return new OffsetWindow(0, OffsetMap.EMPTY, capacity, () -> 0);
  }

  @JCStressTest
  @State
  @Outcome(id = "0, 2", expect = ACCEPTABLE, desc = "looked before the head was settled")
  @Outcome(id = "2, 2", expect = ACCEPTABLE, desc = "looked after it")
  @Outcome(expect = FORBIDDEN, desc = "the frontier stopped short, or passed what is unsettled")
  public static class FrontierAndSettle {
    private final OffsetWindow window = window(4);
    private final long head = window.admit(0);

    public FrontierAndSettle() {
      window.settle(window.admit(1));
      window.admit(2);
    }

    @Actor
    public void settle() {
      window.settle(head);
    }

    @Actor
    public void owner(II_Result r) {
      r.r1 = (int) window.frontier();
    }

    @Arbiter
    public void arbiter(II_Result r) {
      r.r2 = (int) window.frontier();
    }
  }

  @JCStressTest
  @State
  @Outcome(id = "1, 0, 0", expect = ACCEPTABLE, desc = "the first settled it")
  @Outcome(id = "0, 1, 0", expect = ACCEPTABLE, desc = "the second settled it")
  @Outcome(expect = FORBIDDEN, desc = "settled twice or not at all, or counted wrongly")
  public static class TwoSettles {
    private final OffsetWindow window = window(1);
    private final long seq = window.admit(0);

    @Actor
    public void first(III_Result r) {
      r.r1 = window.settle(seq) ? 1 : 0;
    }

    @Actor
    public void second(III_Result r) {
      r.r2 = window.settle(seq) ? 1 : 0;
    }

    @Arbiter
    public void arbiter(III_Result r) {
      r.r3 = window.inFlight();
    }
  }

  @JCStressTest
  @State
  @Outcome(id = "1, 1, 1", expect = ACCEPTABLE, desc = "settled, and the last commit says so")
  @Outcome(id = "0, 0, 0", expect = ACCEPTABLE, desc = "fenced, and the next owner has it")
  @Outcome(
      expect = FORBIDDEN,
      desc = "settled, but not committed; or committed, but told that it was not settled")
  public static class CloseAndSettle {
    private final OffsetWindow window = window(1);
    private final long seq = window.admit(0);

    @Actor
    public void settle(III_Result r) {
      r.r1 = window.settle(seq) ? 1 : 0;
    }

    @Actor
    public void owner(III_Result r) {
      window.close();
      r.r2 = (int) window.frontier();
    }

    @Arbiter
    public void arbiter(III_Result r) {
      r.r3 = (int) window.frontier() + window.inFlight();
    }
  }

  @JCStressTest
  @State
  @Outcome(id = "0, 1, 1", expect = ACCEPTABLE, desc = "the late decision changed nothing")
  @Outcome(expect = FORBIDDEN, desc = "a late decision ended the newer record in its place")
  public static class LateSettleAndNewRecord {
    private final OffsetWindow window = window(1);
    private final long old = window.admit(0);

    public LateSettleAndNewRecord() {
      window.settle(old);
    }

    @Actor
    public void late(III_Result r) {
      r.r1 = window.settle(old) ? 1 : 0;
    }

    @Actor
    public void owner(III_Result r) {
      window.admit(1);
      r.r2 = (int) window.frontier();
    }

    @Arbiter
    public void arbiter(III_Result r) {
      r.r3 = window.inFlight();
    }
  }

  @JCStressTest
  @State
  @Outcome(id = "0, 10", expect = ACCEPTABLE, desc = "both looks were before")
  @Outcome(id = "0, 11", expect = ACCEPTABLE, desc = "the map has what the frontier did not")
  @Outcome(id = "2, 0", expect = ACCEPTABLE, desc = "both looks were after: nothing is ahead")
  @Outcome(expect = FORBIDDEN, desc = "frontier and map together say more or less than is settled")
  public static class FrontierThenMapAndSettle {
    private final OffsetWindow window = window(4);
    private final long head = window.admit(0);

    public FrontierThenMapAndSettle() {
      window.settle(window.admit(1));
      window.admit(2);
    }

    @Actor
    public void settle() {
      window.settle(head);
    }

    @Actor
    public void owner(II_Result r) {
      r.r1 = (int) window.frontier();
      OffsetMap map = window.settledAhead();
      r.r2 = (map.contains(0) ? 1 : 0) + (map.contains(1) ? 10 : 0) + (map.contains(2) ? 100 : 0);
    }
  }
}

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
package dev.sluice.gather;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import java.util.concurrent.atomic.AtomicInteger;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;

/** Places that are taken, given back, awaited and given up at the same time. */
public final class BulkheadStress {

  private BulkheadStress() {}

  static final class Counted extends Bulkhead.Waiter {
    final AtomicInteger grants = new AtomicInteger();

    @Override
    void granted() {
      grants.incrementAndGet();
    }
  }

  @JCStressTest
  @State
  @Outcome(id = "1, 1, 0", expect = ACCEPTABLE, desc = "the place went from one to the other")
  @Outcome(expect = FORBIDDEN, desc = "who waits was forgotten, or there is a place too many")
  public static class ReleaseAndWait {
    private final Bulkhead bulkhead = new Bulkhead("a", 1, 1);
    private final Counted waiter = new Counted();

    public ReleaseAndWait() {
      bulkhead.tryEnter();
    }

    @Actor
    public void release() {
      bulkhead.release();
    }

    @Actor
    public void waitForIt() {
      bulkhead.enqueue(waiter);
    }

    @Arbiter
    public void arbiter(III_Result r) {
      r.r1 = waiter.grants.get();
      r.r2 = bulkhead.running();
      r.r3 = bulkhead.waiting();
    }
  }

  @JCStressTest
  @State
  @Outcome(id = "0, 1, 0", expect = ACCEPTABLE, desc = "the first gave up, the second has it")
  @Outcome(id = "1, 1, 0", expect = ACCEPTABLE, desc = "the first had it and passed it on")
  @Outcome(expect = FORBIDDEN, desc = "the place was lost")
  public static class ReleaseAndWithdraw {
    private final Bulkhead bulkhead = new Bulkhead("a", 1, 2);
    private final Counted first = new Counted();
    private final Counted second = new Counted();

    public ReleaseAndWithdraw() {
      bulkhead.tryEnter();
      bulkhead.enqueue(first);
      bulkhead.enqueue(second);
    }

    @Actor
    public void release() {
      bulkhead.release();
    }

    @Actor
    public void giveUp() {
      bulkhead.withdraw(first);
    }

    @Arbiter
    public void arbiter(III_Result r) {
      r.r1 = first.grants.get();
      r.r2 = second.grants.get();
      r.r3 = bulkhead.waiting();
    }
  }

  @JCStressTest
  @State
  @Outcome(id = "2, 2, 0", expect = ACCEPTABLE, desc = "two places, two who have one")
  @Outcome(expect = FORBIDDEN, desc = "a place too many, or one that nobody has")
  public static class TwoReleasesAndTwoWaits {
    private final Bulkhead bulkhead = new Bulkhead("a", 2, 2);
    private final Counted first = new Counted();
    private final Counted second = new Counted();

    public TwoReleasesAndTwoWaits() {
      bulkhead.tryEnter();
      bulkhead.tryEnter();
    }

    @Actor
    public void one() {
      bulkhead.release();
      bulkhead.enqueue(first);
    }

    @Actor
    public void other() {
      bulkhead.release();
      bulkhead.enqueue(second);
    }

    @Arbiter
    public void arbiter(III_Result r) {
      r.r1 = first.grants.get() + second.grants.get();
      r.r2 = bulkhead.running();
      r.r3 = bulkhead.waiting();
    }
  }
}

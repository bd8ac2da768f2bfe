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
package dev.sluice.priority;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;
import org.openjdk.jcstress.infra.results.II_Result;

/** Sources that have something again meet the drain that has just found them empty (I1). */
public final class MergeStress {

  private MergeStress() {}

  /** Results: elements emitted, completions. */
  @JCStressTest
  @State
  @Outcome(id = "3, 1", expect = ACCEPTABLE, desc = "everything went, and the end")
  @Outcome(expect = FORBIDDEN, desc = "an element or the end was missed")
  public static class LastElementsAndEnds {
    private final MergeRig rig = MergeRig.strict();

    public LastElementsAndEnds() {
      rig.main.request(Long.MAX_VALUE);
      rig.main.onComplete();
    }

    @Actor
    public void high() {
      rig.source(0).onNext(1);
      rig.source(0).onNext(2);
      rig.source(0).onComplete();
    }

    @Actor
    public void low() {
      rig.source(1).onNext(3);
      rig.source(1).onComplete();
    }

    @Arbiter
    public void arbiter(II_Result r) {
      r.r1 = rig.emitted.size();
      r.r2 = rig.completions;
    }
  }

  /** Results: elements emitted, completions; regrouped by key. */
  @JCStressTest
  @State
  @Outcome(id = "3, 1", expect = ACCEPTABLE, desc = "everything went, and the end")
  @Outcome(expect = FORBIDDEN, desc = "an element or the end was missed")
  public static class LastElementsAndDemand {
    private final MergeRig rig = MergeRig.fair();

    public LastElementsAndDemand() {
      rig.main.onComplete();
      rig.source(1).onComplete();
    }

    @Actor
    public void elements() {
      rig.source(0).onNext(1);
      rig.source(0).onNext(2);
      rig.source(0).onNext(3);
      rig.source(0).onComplete();
    }

    @Actor
    public void demand() {
      rig.main.request(1);
      rig.main.request(2);
    }

    @Arbiter
    public void arbiter(II_Result r) {
      r.r1 = rig.emitted.size();
      r.r2 = rig.completions;
    }
  }

  /** Results: elements emitted or discarded, signals after the cancel's own. */
  @JCStressTest
  @State
  @Outcome(id = "3, 0, 0", expect = ACCEPTABLE, desc = "each element had one fate")
  @Outcome(expect = FORBIDDEN, desc = "an element vanished or had two fates")
  public static class ElementsAndCancel {
    private final MergeRig rig = MergeRig.strict();

    public ElementsAndCancel() {
      rig.main.request(2);
    }

    @Actor
    public void elements() {
      rig.source(1).onNext(2);
      rig.source(0).onNext(1);
      rig.source(1).onNext(3);
    }

    @Actor
    public void cancel() {
      rig.main.cancel();
    }

    @Arbiter
    public void arbiter(III_Result r) {
      r.r1 = rig.emitted.size() + rig.discarded.get();
      r.r2 = rig.completions;
      r.r3 = rig.errors;
    }
  }

  /** Results: elements emitted or discarded, completions, errors. */
  @JCStressTest
  @State
  @Outcome(id = "2, 0, 1", expect = ACCEPTABLE, desc = "one error, and each element had one fate")
  @Outcome(expect = FORBIDDEN, desc = "an element or the error vanished, or came twice")
  public static class ElementsAndError {
    private final MergeRig rig = MergeRig.strict();

    public ElementsAndError() {
      rig.main.request(1);
    }

    @Actor
    public void failing() {
      rig.source(0).onNext(1);
      rig.source(0).onError(new IllegalStateException());
    }

    @Actor
    public void other() {
      rig.source(1).onNext(2);
    }

    @Arbiter
    public void arbiter(III_Result r) {
      r.r1 = rig.emitted.size() + rig.discarded.get();
      r.r2 = rig.completions;
      r.r3 = rig.errors;
    }
  }

  /** Results: elements emitted, completions. */
  @JCStressTest
  @State
  @Outcome(id = "2, 1", expect = ACCEPTABLE, desc = "the new source was not forgotten")
  @Outcome(expect = FORBIDDEN, desc = "ended too early, or never")
  public static class NewSourceAndTheEndOfTheOthers {
    private final MergeRig rig = MergeRig.strict();

    public NewSourceAndTheEndOfTheOthers() {
      rig.main.request(Long.MAX_VALUE);
      rig.source(1).onComplete();
    }

    @Actor
    public void comes() {
      MergeRig.Source late = rig.add(1);
      rig.main.onComplete();
      late.signals().onNext(2);
      late.signals().onComplete();
    }

    @Actor
    public void ends() {
      rig.source(0).onNext(1);
      rig.source(0).onComplete();
    }

    @Arbiter
    public void arbiter(II_Result r) {
      r.r1 = rig.emitted.size();
      r.r2 = rig.completions;
    }
  }
}

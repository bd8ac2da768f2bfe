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

import java.util.Comparator;
import java.util.concurrent.atomic.AtomicInteger;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.publisher.Operators;
import reactor.util.context.Context;

/** A window of elements meets demand, cancel and its end. */
public final class PrioritizeStress {

  private PrioritizeStress() {}

  private static final class Downstream implements CoreSubscriber<Integer> {
    int emitted; // plain: it is the drain that must make it visible
    int ends;
    final AtomicInteger discarded = new AtomicInteger();

    @Override
    public Context currentContext() {
      return Operators.enableOnDiscard(Context.empty(), o -> discarded.incrementAndGet());
    }

    @Override
    public void onSubscribe(Subscription s) {}

    @Override
    public void onNext(Integer value) {
      emitted++;
    }

    @Override
    public void onError(Throwable t) {
      ends++;
    }

    @Override
    public void onComplete() {
      ends++;
    }
  }

  private static PrioritizeMain<Integer> main(Downstream downstream) {
    PrioritizeMain<Integer> main =
        new PrioritizeMain<>(
            downstream,
            Urgency.by(Comparator.<Integer>naturalOrder()),
            PrioritizeSpec.DEFAULTS.window(8));
    main.onSubscribe(Operators.emptySubscription());
    return main;
  }

  /** Results: elements emitted, ends. */
  @JCStressTest
  @State
  @Outcome(id = "2, 1", expect = ACCEPTABLE, desc = "everything went, and the end")
  @Outcome(expect = FORBIDDEN, desc = "an element, demand or the end was missed")
  public static class EndAndDemand {
    private final Downstream downstream = new Downstream();
    private final PrioritizeMain<Integer> main = main(downstream);

    @Actor
    public void source() {
      main.onNext(2);
      main.onNext(1);
      main.onComplete();
    }

    @Actor
    public void demand() {
      main.request(1);
      main.request(1);
    }

    @Arbiter
    public void arbiter(II_Result r) {
      r.r1 = downstream.emitted;
      r.r2 = downstream.ends;
    }
  }

  /** Results: elements emitted or discarded, ends. */
  @JCStressTest
  @State
  @Outcome(id = "2, 0", expect = ACCEPTABLE, desc = "each element had one fate")
  @Outcome(expect = FORBIDDEN, desc = "an element vanished or had two fates")
  public static class ElementsAndCancel {
    private final Downstream downstream = new Downstream();
    private final PrioritizeMain<Integer> main = main(downstream);

    public ElementsAndCancel() {
      main.request(1);
    }

    @Actor
    public void source() {
      main.onNext(2);
      main.onNext(1);
    }

    @Actor
    public void cancel() {
      main.cancel();
    }

    @Arbiter
    public void arbiter(II_Result r) {
      r.r1 = downstream.emitted + downstream.discarded.get();
      r.r2 = downstream.ends;
    }
  }
}

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

import dev.sluice.channel.Receipt;
import java.util.concurrent.atomic.AtomicInteger;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;
import org.openjdk.jcstress.infra.results.II_Result;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.publisher.Sinks;

/** Sends that stand in a line and end at the same time, on different threads. */
public final class LineStress {

  private static final Receipt RECEIPT = new Receipt("target", "id", "0");
  private static final TargetAway AWAY =
      new TargetAway(new RuntimeException("away", null, false, false) {});

  private LineStress() {}

  /** Two sends that have begun, one behind the other. */
  static class Two {
    final Line line = new Line();
    final AtomicInteger ends = new AtomicInteger();
    final Send first = new Send();
    final Send second = new Send();

    Two() {
      line.behind(first.sending.asMono()).subscribe(first);
      line.behind(second.sending.asMono()).subscribe(second);
    }

    /** A send, and the worker that waits for its end. */
    final class Send implements CoreSubscriber<Receipt> {
      final Sinks.One<Receipt> sending = Sinks.one();
      private Subscription worker;
      int ended; // as the so-manieth; 0: not yet
      int failures;
      int told; // how often

      void confirm() {
        sending.tryEmitValue(RECEIPT);
      }

      void fail() {
        sending.tryEmitError(AWAY);
      }

      void cancel() {
        worker.cancel();
      }

      @Override
      public void onSubscribe(Subscription s) {
        worker = s;
        s.request(1);
      }

      @Override
      public void onNext(Receipt receipt) {}

      @Override
      public void onError(Throwable t) {
        failures++;
        onComplete();
      }

      @Override
      public void onComplete() {
        told++;
        ended = ends.incrementAndGet();
      }
    }

    int left() {
      return line.isEmpty() ? 0 : 1;
    }
  }

  @JCStressTest
  @State
  @Outcome(id = "1, 2, 0", expect = ACCEPTABLE, desc = "in their order")
  @Outcome(expect = FORBIDDEN, desc = "one has overtaken the other, or was never told")
  public static class EndAndEnd extends Two {
    @Actor
    public void first() {
      first.confirm();
    }

    @Actor
    public void second() {
      second.confirm();
    }

    @Arbiter
    public void arbiter(III_Result r) {
      r.r1 = first.ended;
      r.r2 = second.ended;
      r.r3 = left();
    }
  }

  @JCStressTest
  @State
  @Outcome(id = "1, 1, 0", expect = ACCEPTABLE, desc = "both are sent again")
  @Outcome(expect = FORBIDDEN, desc = "one got through behind one that has failed")
  public static class FailureAndEnd extends Two {
    @Actor
    public void first() {
      first.fail();
    }

    @Actor
    public void second() {
      second.confirm();
    }

    @Arbiter
    public void arbiter(III_Result r) {
      r.r1 = first.failures;
      r.r2 = second.failures;
      r.r3 = left();
    }
  }

  /** The one behind has ended already, and waits. */
  static class Behind extends Two {
    Behind() {
      second.confirm();
    }
  }

  @JCStressTest
  @State
  @Outcome(id = "0, 1, 0", expect = ACCEPTABLE, desc = "the cancel was quicker")
  @Outcome(id = "1, 1, 0", expect = ACCEPTABLE, desc = "the end was quicker")
  @Outcome(expect = FORBIDDEN, desc = "told twice, or the one behind waits for ever")
  public static class EndAndCancel extends Behind {
    @Actor
    public void end() {
      first.confirm();
    }

    @Actor
    public void cancel() {
      first.cancel();
    }

    @Arbiter
    public void arbiter(III_Result r) {
      r.r1 = first.told;
      r.r2 = second.told;
      r.r3 = left();
    }
  }

  @JCStressTest
  @State
  @Outcome(
      id = {"0, 0", "0, 1", "1, 1"},
      expect = ACCEPTABLE,
      desc = "whoever sees it empty sees that it is broken")
  @Outcome(expect = FORBIDDEN, desc = "empty and whole: sends would begin before the gate closes")
  public static class EmptyAndBroken extends Behind {
    @Actor
    public void first() {
      first.fail();
    }

    @Actor
    public void gate(II_Result r) {
      r.r1 = line.isEmpty() ? 1 : 0;
      r.r2 = line.isBroken() ? 1 : 0;
    }
  }
}

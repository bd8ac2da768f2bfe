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
package dev.sluice.convoy;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import dev.sluice.delivery.Delivery;
import dev.sluice.delivery.Origin;
import dev.sluice.delivery.Outcome.Release.Why;
import dev.sluice.delivery.SettlementCore;
import dev.sluice.message.Message;
import java.time.Instant;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;
import org.openjdk.jcstress.infra.results.II_Result;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.publisher.BaseSubscriber;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Sinks;

/**
 * One run of a worker between its values and its delivery: decided once, and the group goes on once
 * and not before the delivery is done.
 */
public final class RunStress {

  private RunStress() {}

  private static final Message<String> MESSAGE = Message.of("payload");
  private static final Origin ORIGIN = new Origin("stress", "0", 1, Instant.EPOCH, 1);

  /** What the source keeps; its effect happens when an actor says so. */
  private static final class Effect extends SettlementCore {
    final AtomicInteger decisions = new AtomicInteger();
    volatile boolean done;

    @Override
    protected void onDecided(dev.sluice.delivery.Outcome outcome) {
      decisions.incrementAndGet();
    }

    void happen() {
      done = true;
      markDone();
    }

    void lose() {
      done = true;
      markLost();
    }
  }

  /**
   * Two deliveries of one group; the worker of the first has emitted a value and is still there.
   */
  private static final class Group {
    final Effect first = new Effect();
    final Effect second = new Effect();
    final AtomicInteger starts = new AtomicInteger();
    final AtomicInteger early = new AtomicInteger();
    volatile @Nullable CoreSubscriber<? super String> worker;
    volatile @Nullable Delivery<String> value;

    final BaseSubscriber<Delivery<String>> subscriber =
        new BaseSubscriber<>() {
          @Override
          protected void hookOnNext(Delivery<String> delivery) {
            value = delivery;
          }
        };

    Group() {
      Sinks.Many<Delivery<String>> source = Sinks.many().unicast().onBackpressureBuffer();
      source.tryEmitNext(new Delivery<>(MESSAGE, first, ORIGIN));
      source.tryEmitNext(new Delivery<>(MESSAGE, second, ORIGIN));
      source
          .asFlux()
          .transform(
              GroupedConvoy.<String, String>ofDeliveries(message -> "g", p -> start(), c -> c))
          .subscribe(subscriber);
      Objects.requireNonNull(worker).onNext("v");
    }

    private Flux<String> start() {
      if (starts.incrementAndGet() > 1 && !first.done) {
        early.incrementAndGet();
      }
      return new Flux<>() {
        @Override
        public void subscribe(CoreSubscriber<? super String> actual) {
          worker = actual;
          actual.onSubscribe(
              new Subscription() {
                @Override
                public void request(long n) {}

                @Override
                public void cancel() {}
              });
        }
      };
    }

    void workerEnds() {
      Objects.requireNonNull(worker).onComplete();
    }

    void valueIs(dev.sluice.delivery.Outcome outcome) {
      Objects.requireNonNull(value).settlement().settle(outcome);
    }

    void effectHappensOnceDecided() {
      if (first.isSettled()) {
        first.happen();
      }
    }
  }

  /** Results: decisions of the first delivery, starts in all, starts of the second too early. */
  @JCStressTest
  @State
  @Outcome(id = "1, 2, 0", expect = ACCEPTABLE, desc = "the next ran once, after the effect")
  @Outcome(expect = FORBIDDEN, desc = "the next ran before the effect, twice or never")
  public static class DecisionAndEffect {
    private final Group group = new Group();

    public DecisionAndEffect() {
      group.workerEnds();
    }

    @Actor
    public void valueIsAcknowledged() {
      group.valueIs(dev.sluice.delivery.Outcome.ack());
    }

    @Actor
    public void effect() {
      group.effectHappensOnceDecided();
    }

    @Arbiter
    public void arbiter(III_Result r) {
      if (!group.first.done) {
        group.first.happen();
      }
      r.r1 = group.first.decisions.get();
      r.r2 = group.starts.get();
      r.r3 = group.early.get();
    }
  }

  /** Results: decisions of the first delivery, starts before its effect. */
  @JCStressTest
  @State
  @Outcome(id = "1, 1", expect = ACCEPTABLE, desc = "decided once, when both had ended")
  @Outcome(expect = FORBIDDEN, desc = "decided too early, twice or never, or the next ran early")
  public static class WorkerEndAndValue {
    private final Group group = new Group();

    @Actor
    public void end() {
      group.workerEnds();
    }

    @Actor
    public void valueIsAcknowledged() {
      group.valueIs(dev.sluice.delivery.Outcome.ack());
    }

    @Arbiter
    public void arbiter(II_Result r) {
      r.r1 = group.first.decisions.get();
      r.r2 = group.starts.get();
    }
  }

  /** Results: decisions of the first delivery, of the second, starts. */
  @JCStressTest
  @State
  @Outcome(id = "1, 1, 1", expect = ACCEPTABLE, desc = "both given back, the worker not run again")
  @Outcome(id = "1, 1, 2", expect = ACCEPTABLE, desc = "run again, then both given back")
  @Outcome(expect = FORBIDDEN, desc = "a delivery was decided twice, or never")
  public static class ReleaseFromFurtherDownAndCancel {
    private final Group group = new Group();

    public ReleaseFromFurtherDownAndCancel() {
      group.workerEnds();
    }

    @Actor
    public void valueComesBack() {
      group.valueIs(dev.sluice.delivery.Outcome.release(Why.BUSY));
    }

    @Actor
    public void cancel() {
      group.subscriber.cancel();
    }

    @Arbiter
    public void arbiter(III_Result r) {
      r.r1 = group.first.decisions.get();
      r.r2 = group.second.decisions.get();
      r.r3 = group.starts.get();
    }
  }

  /** Results: whether the first is settled, how often it reached the source, starts. */
  @JCStressTest
  @State
  @Outcome(id = "1, 0, 2", expect = ACCEPTABLE, desc = "lost first: nothing reached the source")
  @Outcome(id = "1, 1, 2", expect = ACCEPTABLE, desc = "decided first")
  @Outcome(expect = FORBIDDEN, desc = "the group waits for ever, or went on twice")
  public static class DecisionAndLoss {
    private final Group group = new Group();

    public DecisionAndLoss() {
      group.workerEnds();
    }

    @Actor
    public void valueIsAcknowledged() {
      group.valueIs(dev.sluice.delivery.Outcome.ack());
    }

    @Actor
    public void lose() {
      group.first.lose();
    }

    @Arbiter
    public void arbiter(III_Result r) {
      r.r1 = group.first.isSettled() ? 1 : 0;
      r.r2 = group.first.decisions.get();
      r.r3 = group.starts.get();
    }
  }
}

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

import static dev.sluice.gather.ScatterGather.scatterGather;
import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import dev.sluice.channel.Recipient;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.LLL_Result;
import org.openjdk.jcstress.infra.results.LL_Result;
import org.reactivestreams.Publisher;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Operators;
import reactor.core.scheduler.Scheduler;
import reactor.util.context.Context;

/** What meets in a gather: answers, the deadline, cancel, request, a hedge, a place. */
public final class GatherStress {

  private GatherStress() {}

  private static final String ONE_FATE = "one end, and each answer has one fate";
  private static final String BROKEN = "two ends, or an answer that is lost or there twice";

  /** A recipient that an actor speaks for, and which does not hear that it was cancelled. */
  static final class Hand extends Flux<String> implements Recipient<String, String>, Subscription {
    private final String name;
    private final CoreSubscriber<?>[] asks = new CoreSubscriber<?>[2];
    private int asked;
    final AtomicInteger cancels = new AtomicInteger();

    Hand(String name) {
      this.name = name;
    }

    @Override
    public String name() {
      return name;
    }

    @Override
    public Publisher<String> ask(String request) {
      return this;
    }

    @Override
    public void subscribe(CoreSubscriber<? super String> actual) {
      asks[asked++] = actual;
      actual.onSubscribe(this);
    }

    @SuppressWarnings("unchecked")
    void answer(int ask) {
      ((CoreSubscriber<? super String>) asks[ask]).onNext(name + ask);
    }

    void fail(int ask) {
      asks[ask].onError(new IllegalStateException(name));
    }

    @Override
    public void request(long n) {}

    @Override
    public void cancel() {
      cancels.incrementAndGet();
    }
  }

  /** Rings when an actor says so. */
  static final class Bell implements Scheduler {
    final AtomicLong now = new AtomicLong();
    private volatile @Nullable Runnable task;

    void ring(Duration at) {
      now.set(at.toNanos());
      Runnable due = task;
      if (due != null) {
        due.run();
      }
    }

    @Override
    public Disposable schedule(Runnable task) {
      throw new UnsupportedOperationException();
    }

    @Override
    public Disposable schedule(Runnable task, long delay, TimeUnit unit) {
      this.task = task;
      return () -> {};
    }

    @Override
    public Worker createWorker() {
      throw new UnsupportedOperationException();
    }

    @Override
    public long now(TimeUnit unit) {
      return unit.convert(now.get(), TimeUnit.NANOSECONDS);
    }
  }

  /** One gather of two, and what became of it. */
  static class Gather implements CoreSubscriber<Object> {
    final Hand a = new Hand("a");
    final Hand b = new Hand("b");
    final Bell bell = new Bell();
    final AtomicInteger ends = new AtomicInteger();
    final AtomicInteger delivered = new AtomicInteger();
    final AtomicInteger discarded = new AtomicInteger();
    volatile String result = "none";

    @SuppressWarnings("NullAway.Init") // set in onSubscribe
    Subscription s;

    private final Context context =
        Operators.enableOnDiscard(Context.empty(), answer -> discarded.incrementAndGet())
            .put("reactor.onErrorDropped.local", (java.util.function.Consumer<Throwable>) e -> {});

    Gather(boolean streamed, UnaryOperator<ScatterSpec<String>> spec) {
      ScatterGather<String, String> scatter =
          scatterGather(
              Recipients.of(a, b),
              (ScatterSpec<String> all) ->
                  spec.apply(all.timer(bell).within(Duration.ofSeconds(1))));
      if (streamed) {
        scatter.stream("?").subscribe(this);
      } else {
        scatter.ask("?").subscribe(this);
      }
    }

    @Override
    public Context currentContext() {
      return context;
    }

    @Override
    public void onSubscribe(Subscription s) {
      this.s = s;
    }

    @Override
    public void onNext(Object value) {
      if (value instanceof Gathered<?> gathered) {
        delivered.addAndGet(gathered.answers().size());
        result = gathered.why().name();
      } else if (((Leg<?>) value).answer() != null) {
        delivered.incrementAndGet();
      }
    }

    @Override
    public void onError(Throwable t) {
      ends.incrementAndGet();
    }

    @Override
    public void onComplete() {
      ends.incrementAndGet();
    }

    private int fates() {
      return delivered.get() + discarded.get();
    }

    void report(LLL_Result r) {
      r.r1 = ends.get();
      r.r2 = fates();
      r.r3 = result;
    }

    void report(LL_Result r) {
      r.r1 = ends.get();
      r.r2 = fates();
    }
  }

  @JCStressTest
  @State
  @Outcome(id = "1, 2, FIRST", expect = ACCEPTABLE, desc = "one won, the other was discarded")
  @Outcome(expect = FORBIDDEN, desc = BROKEN)
  public static class TwoAnswersForOnePlace {
    private final Gather gather = new Gather(false, s -> s.first(1));

    public TwoAnswersForOnePlace() {
      gather.s.request(1);
    }

    @Actor
    public void a() {
      gather.a.answer(0);
    }

    @Actor
    public void b() {
      gather.b.answer(0);
    }

    @Arbiter
    public void arbiter(LLL_Result r) {
      gather.report(r);
    }
  }

  @JCStressTest
  @State
  @Outcome(id = "1, 2, ALL", expect = ACCEPTABLE, desc = "the last one ended it")
  @Outcome(expect = FORBIDDEN, desc = BROKEN)
  public static class TheLastTwoAnswers {
    private final Gather gather = new Gather(false, s -> s.all());

    public TheLastTwoAnswers() {
      gather.s.request(1);
    }

    @Actor
    public void a() {
      gather.a.answer(0);
    }

    @Actor
    public void b() {
      gather.b.answer(0);
    }

    @Arbiter
    public void arbiter(LLL_Result r) {
      gather.report(r);
    }
  }

  @JCStressTest
  @State
  @Outcome(id = "1, 2, ALL", expect = ACCEPTABLE, desc = "both in time")
  @Outcome(id = "1, 2, DEADLINE", expect = ACCEPTABLE, desc = "who was late was discarded")
  @Outcome(expect = FORBIDDEN, desc = BROKEN)
  public static class AnswersAndDeadline {
    private final Gather gather = new Gather(false, s -> s.all());

    public AnswersAndDeadline() {
      gather.s.request(1);
    }

    @Actor
    public void answers() {
      gather.a.answer(0);
      gather.b.answer(0);
    }

    @Actor
    public void deadline() {
      gather.bell.ring(Duration.ofSeconds(1));
    }

    @Arbiter
    public void arbiter(LLL_Result r) {
      gather.report(r);
    }
  }

  @JCStressTest
  @State
  @Outcome(id = "0, 2, none", expect = ACCEPTABLE, desc = "cancelled, the answers were discarded")
  @Outcome(id = "1, 2, ALL", expect = ACCEPTABLE, desc = "it had ended before")
  @Outcome(id = "0, 2, ALL", expect = ACCEPTABLE, desc = "cancelled between result and completion")
  @Outcome(expect = FORBIDDEN, desc = BROKEN)
  public static class AnswersAndCancel {
    private final Gather gather = new Gather(false, s -> s.all());

    public AnswersAndCancel() {
      gather.s.request(1);
    }

    @Actor
    public void answers() {
      gather.a.answer(0);
      gather.b.answer(0);
    }

    @Actor
    public void cancel() {
      gather.s.cancel();
    }

    @Arbiter
    public void arbiter(LLL_Result r) {
      gather.report(r);
    }
  }

  @JCStressTest
  @State
  @Outcome(id = "1, 2, ALL", expect = ACCEPTABLE, desc = "the request was seen")
  @Outcome(expect = FORBIDDEN, desc = BROKEN)
  public static class AnswersAndRequest {
    private final Gather gather = new Gather(false, s -> s.all());

    @Actor
    public void answers() {
      gather.a.answer(0);
      gather.b.answer(0);
    }

    @Actor
    public void request() {
      gather.s.request(1);
    }

    @Arbiter
    public void arbiter(LLL_Result r) {
      gather.report(r);
    }
  }

  @JCStressTest
  @State
  @Outcome(id = "0, 1, none", expect = ACCEPTABLE, desc = "cancelled, the answer was discarded")
  @Outcome(id = "1, 1, DEADLINE", expect = ACCEPTABLE, desc = "the deadline came first")
  @Outcome(id = "0, 1, DEADLINE", expect = ACCEPTABLE, desc = "cancelled before the completion")
  @Outcome(expect = FORBIDDEN, desc = BROKEN)
  public static class DeadlineAndCancel {
    private final Gather gather = new Gather(false, s -> s.all());

    public DeadlineAndCancel() {
      gather.s.request(1);
    }

    @Actor
    public void deadline() {
      gather.a.answer(0);
      gather.bell.ring(Duration.ofSeconds(1));
    }

    @Actor
    public void cancel() {
      gather.s.cancel();
    }

    @Arbiter
    public void arbiter(LLL_Result r) {
      gather.report(r);
    }
  }

  @JCStressTest
  @State
  @Outcome(id = "1, 2, FIRST", expect = ACCEPTABLE, desc = "the ask or its hedge, one vote")
  @Outcome(expect = FORBIDDEN, desc = BROKEN)
  public static class AskAndHedge {
    private final Gather gather = new Gather(false, s -> s.first(1).hedge(Duration.ofMillis(1), 1));

    public AskAndHedge() {
      gather.s.request(1);
      gather.bell.ring(Duration.ofMillis(1));
    }

    @Actor
    public void ask() {
      gather.a.answer(0);
    }

    @Actor
    public void hedge() {
      gather.a.answer(1);
    }

    @Arbiter
    public void arbiter(LLL_Result r) {
      gather.report(r);
    }
  }

  @JCStressTest
  @State
  @Outcome(id = "1, 0, EXHAUSTED", expect = ACCEPTABLE, desc = "failed when both had")
  @Outcome(expect = FORBIDDEN, desc = BROKEN)
  public static class AskAndHedgeFail {
    private final Gather gather = new Gather(false, s -> s.first(2).hedge(Duration.ofMillis(1), 1));

    public AskAndHedgeFail() {
      gather.s.request(1);
      gather.bell.ring(Duration.ofMillis(1));
    }

    @Actor
    public void ask() {
      gather.a.fail(0);
    }

    @Actor
    public void hedge() {
      gather.a.fail(1);
    }

    @Arbiter
    public void arbiter(LLL_Result r) {
      gather.report(r);
    }
  }

  @JCStressTest
  @State
  @Outcome(id = "1, 1", expect = ACCEPTABLE, desc = "in time, or late and discarded")
  @Outcome(expect = FORBIDDEN, desc = BROKEN)
  public static class AnswerAndTimeout {
    private final Gather gather = new Gather(false, s -> s.first(1).timeout(Duration.ofMillis(1)));

    public AnswerAndTimeout() {
      gather.s.request(1);
    }

    @Actor
    public void answer() {
      gather.a.answer(0);
    }

    @Actor
    public void timeout() {
      gather.bell.ring(Duration.ofMillis(1));
    }

    @Arbiter
    public void arbiter(LL_Result r) {
      gather.report(r);
    }
  }

  @JCStressTest
  @State
  @Outcome(id = "1, 2", expect = ACCEPTABLE, desc = ONE_FATE)
  @Outcome(id = "0, 2", expect = ACCEPTABLE, desc = "cancelled; each answer has one fate")
  @Outcome(expect = FORBIDDEN, desc = BROKEN)
  public static class StreamAndCancel {
    private final Gather gather = new Gather(true, s -> s.all());

    public StreamAndCancel() {
      gather.s.request(1);
    }

    @Actor
    public void answers() {
      gather.a.answer(0);
      gather.b.answer(0);
    }

    @Actor
    public void cancel() {
      gather.s.request(1);
      gather.s.cancel();
    }

    @Arbiter
    public void arbiter(LL_Result r) {
      gather.report(r);
    }
  }

  @JCStressTest
  @State
  @Outcome(id = "1, 2", expect = ACCEPTABLE, desc = ONE_FATE)
  @Outcome(expect = FORBIDDEN, desc = BROKEN)
  public static class StreamAndDeadline {
    private final Gather gather = new Gather(true, s -> s.all());

    @Actor
    public void answers() {
      gather.a.answer(0);
      gather.b.answer(0);
    }

    @Actor
    public void deadline() {
      gather.s.request(1);
      gather.bell.ring(Duration.ofSeconds(1));
      gather.s.request(1);
    }

    @Arbiter
    public void arbiter(LL_Result r) {
      gather.report(r);
    }
  }
}

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
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.channel.Recipient;
import dev.sluice.dispatch.Await;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.reactivestreams.Publisher;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Operators;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;
import reactor.test.util.RaceTestUtils;
import reactor.util.context.Context;

/** Every answer has one fate, and every gather one end, whoever comes at the same time. */
@Timeout(120)
class GatherRaceTest {

  private static final int ROUNDS = 3_000;

  /** A recipient that ignores cancellation, so that what it says races with everything. */
  private static final class Stubborn implements Recipient<String, Integer>, Subscription {
    private final String name;
    final List<CoreSubscriber<? super Integer>> asks =
        Collections.synchronizedList(new ArrayList<>());
    final AtomicInteger cancels = new AtomicInteger();

    Stubborn(String name) {
      this.name = name;
    }

    @Override
    public String name() {
      return name;
    }

    @Override
    public Publisher<Integer> ask(String request) {
      return new Flux<>() {
        @Override
        public void subscribe(CoreSubscriber<? super Integer> actual) {
          asks.add(actual);
          actual.onSubscribe(Stubborn.this);
        }
      };
    }

    void answer(int ask, Integer... answers) {
      CoreSubscriber<? super Integer> actual = asks.get(ask);
      for (Integer answer : answers) {
        actual.onNext(answer);
      }
      actual.onComplete();
    }

    @Override
    public void request(long n) {}

    @Override
    public void cancel() {
      cancels.incrementAndGet();
    }
  }

  /** A clock that a test sets, and a timer that it fires. */
  private static final class Clock implements Scheduler {
    final AtomicLong nanos = new AtomicLong();
    final AtomicReference<@Nullable Runnable> task = new AtomicReference<>();

    void ring(Duration at) {
      nanos.set(at.toNanos());
      Runnable due = task.get();
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
      this.task.set(task);
      return () -> {}; // too late: it fires although it was disposed
    }

    @Override
    public Worker createWorker() {
      throw new UnsupportedOperationException();
    }

    @Override
    public long now(TimeUnit unit) {
      return unit.convert(nanos.get(), TimeUnit.NANOSECONDS);
    }
  }

  /** Writes down what comes, and asks for what it is told to ask for. */
  private static final class Fates<E> implements CoreSubscriber<E> {
    final Queue<Integer> delivered = new ConcurrentLinkedQueue<>();
    final Queue<Integer> discarded = new ConcurrentLinkedQueue<>();
    final AtomicInteger ends = new AtomicInteger();
    final AtomicInteger values = new AtomicInteger();
    private final Context context =
        Operators.enableOnDiscard(
            Context.empty(),
            answer -> {
              assertThat(answer).isInstanceOf(Integer.class);
              discarded.add((Integer) answer);
            });

    @Nullable Subscription s;

    @Override
    public Context currentContext() {
      return context;
    }

    @Override
    public void onSubscribe(Subscription s) {
      this.s = s;
    }

    Subscription subscription() {
      return Objects.requireNonNull(s);
    }

    @Override
    public void onNext(E value) {
      assertThat(ends).hasValue(0);
      values.incrementAndGet();
      if (value instanceof Gathered<?> gathered) {
        gathered.answers().forEach(answer -> delivered.add((Integer) answer));
      } else if (((Leg<?>) value).answer() instanceof Integer answer) {
        delivered.add(answer);
      }
    }

    @Override
    public void onError(Throwable t) {
      assertThat(t).isInstanceOf(IncompleteGather.class);
      ends.incrementAndGet();
    }

    @Override
    public void onComplete() {
      ends.incrementAndGet();
    }

    void assertOneFateEach(Collection<Integer> answers) {
      List<Integer> all = new ArrayList<>(delivered);
      all.addAll(discarded);
      assertThat(all).containsExactlyInAnyOrderElementsOf(answers);
    }
  }

  /** What is asked of a gather while it races. */
  private enum Goals {
    ALL,
    FIRST,
    QUORUM,
    HEDGED,
    CAPPED;

    ScatterSpec<Integer> of(ScatterSpec<Integer> spec) {
      return switch (this) {
        case ALL -> spec.all();
        case FIRST -> spec.first(2);
        case QUORUM -> spec.quorum(2, (a, b) -> a % 2 == b % 2);
        case HEDGED -> spec.first(2).hedge(Duration.ofMillis(1), 3);
        case CAPPED -> spec.all().bulkhead(2, 2);
      };
    }
  }

  @ParameterizedTest
  @EnumSource(Goals.class)
  void answersAndDeadlineAndCancelAndRequest(Goals goal) {
    for (int round = 0; round < ROUNDS; round++) {
      race(goal, true, true, false);
    }
  }

  @ParameterizedTest
  @EnumSource(Goals.class)
  void answersAndDeadlineAndRequest(Goals goal) {
    for (int round = 0; round < ROUNDS; round++) {
      race(goal, true, false, false);
    }
  }

  @ParameterizedTest
  @EnumSource(Goals.class)
  void answersAndRequest(Goals goal) {
    for (int round = 0; round < ROUNDS; round++) {
      race(goal, false, false, false);
    }
  }

  @ParameterizedTest
  @EnumSource(Goals.class)
  void answersAndDeadlineAndCancelAndRequestOfAStream(Goals goal) {
    for (int round = 0; round < ROUNDS; round++) {
      race(goal, true, true, true);
      race(goal, true, false, true);
      race(goal, false, false, true);
    }
  }

  private static void race(Goals goal, boolean deadline, boolean cancel, boolean stream) {
    Clock clock = new Clock();
    List<Stubborn> recipients = IntStream.range(0, 3).mapToObj(i -> new Stubborn("" + i)).toList();
    ScatterGather<String, Integer> scatter =
        scatterGather(
            Recipients.ofAll(recipients),
            s -> goal.of(s.timer(clock).within(Duration.ofSeconds(1))));
    Fates<Object> fates = new Fates<>();
    if (stream) {
      scatter.stream("?").subscribe(fates);
    } else {
      scatter.ask("?").subscribe(fates);
    }
    clock.ring(Duration.ofMillis(2)); // hedges
    List<Integer> answers = new ArrayList<>();
    List<Runnable> racers = new ArrayList<>();
    for (int i = 0; i < recipients.size(); i++) {
      Stubborn recipient = recipients.get(i);
      for (int ask = 0; ask < recipient.asks.size(); ask++) {
        int which = ask;
        Integer[] some = {100 * i + 10 * ask, 100 * i + 10 * ask + 1};
        answers.addAll(List.of(some));
        racers.add(() -> recipient.answer(which, some));
      }
    }
    racers.add(
        () -> {
          fates.subscription().request(2);
          fates.subscription().request(1);
        });
    if (deadline) {
      racers.add(() -> clock.ring(Duration.ofSeconds(1)));
    }
    if (cancel) {
      racers.add(() -> fates.subscription().cancel());
    }
    Collections.shuffle(racers, ThreadLocalRandom.current());
    RaceTestUtils.race(racers.toArray(Runnable[]::new));

    fates.assertOneFateEach(answers);
    assertThat(fates.ends.get()).isLessThanOrEqualTo(1);
    if (!cancel) {
      assertThat(fates.ends).hasValue(1);
      assertThat(fates.values).hasValue(stream ? 3 : 1);
    }
    assertThat(scatter.running()).isZero();
    assertThat(scatter.late()).isLessThanOrEqualTo(fates.discarded.size());
    for (Stubborn recipient : recipients) {
      assertThat(recipient.cancels).hasValue(recipient.asks.size());
      assertThat(scatter.asking(recipient.name())).isZero();
    }
  }

  /** Gathers that share a bulkhead, each answered or cancelled from another thread. */
  @Test
  void placesAreNeitherLostNorGivenTwice() {
    AtomicInteger running = new AtomicInteger();
    AtomicInteger most = new AtomicInteger();
    Recipient<Integer, Integer> counted =
        Recipient.of(
            "a",
            i ->
                Flux.<Integer>create(
                        sink -> {
                          most.accumulateAndGet(running.incrementAndGet(), Math::max);
                          sink.onDispose(running::decrementAndGet);
                          if (i % 3 != 0) {
                            sink.next(i);
                            sink.complete();
                          }
                        })
                    .subscribeOn(Schedulers.parallel()));
    ScatterGather<Integer, Integer> scatter =
        scatterGather(Recipients.of(counted), s -> s.bulkhead(3, 100_000));
    AtomicInteger answers = new AtomicInteger();
    Flux.range(0, 60_000)
        .flatMap(
            i -> {
              Mono<Gathered<Integer>> gather =
                  scatter.ask(i).doOnNext(g -> answers.addAndGet(g.answers().size()));
              return i % 3 == 0
                  ? Mono.firstWithSignal(
                          gather,
                          Mono.<Gathered<Integer>>empty().subscribeOn(Schedulers.parallel()))
                      .subscribeOn(Schedulers.parallel())
                  : gather.subscribeOn(Schedulers.parallel());
            },
            64)
        .blockLast(Duration.ofSeconds(60));
    assertThat(answers).hasValue(40_000);
    assertThat(most.get()).isLessThanOrEqualTo(3);
    assertThat(scatter.asking("a")).isZero();
    assertThat(scatter.waiting("a")).isZero();
    assertThat(scatter.running()).isZero();
  }

  /** The same with real time everywhere: answers, timeouts, retries, hedges and the deadline. */
  @RepeatedTest(3)
  void everythingAtOnceComesToAnEnd() {
    Fates<Gathered<Integer>> accounts = new Fates<>();
    AtomicInteger made = new AtomicInteger();
    List<Recipient<Integer, Integer>> recipients =
        IntStream.range(0, 5)
            .mapToObj(
                n ->
                    Recipient.<Integer, Integer>of(
                        "r" + n,
                        i -> {
                          int luck = ThreadLocalRandom.current().nextInt(10);
                          return luck == 0
                              ? Mono.error(new IllegalStateException())
                              : luck == 1
                                  ? Mono.never()
                                  : Mono.delay(Duration.ofNanos(luck * 300_000L))
                                      .map(tick -> made.incrementAndGet());
                        }))
            .toList();
    ScatterGather<Integer, Integer> scatter =
        scatterGather(
            Recipients.ofAll(recipients),
            s ->
                s.first(3)
                    .within(Duration.ofMillis(6))
                    .timeout(Duration.ofMillis(3))
                    .retry(r -> r.retries(2).backoff(Duration.ZERO, Duration.ofMillis(1)))
                    .hedge(Duration.ofMillis(1), 3)
                    .bulkhead(40, 10));
    List<Gathered<Integer>> results =
        Flux.range(0, 4_000)
            .flatMap(scatter::ask, 32)
            .contextWrite(accounts.currentContext())
            .collectList()
            .block(Duration.ofSeconds(60));
    assertThat(results).hasSize(4_000);
    assertThat(results)
        .allSatisfy(
            g -> {
              assertThat(g.legs()).hasSize(5);
              assertThat(g.complete()).isEqualTo(g.why() == Completion.FIRST);
              assertThat(g.answers().size()).isLessThanOrEqualTo(3);
            });
    results.forEach(g -> accounts.delivered.addAll(g.answers()));
    Await.until( // an answer that lost the race may still be on its way
        () ->
            accounts.delivered.size() + accounts.discarded.size() == made.get()
                ? null
                : accounts.delivered.size()
                    + " delivered and "
                    + accounts.discarded.size()
                    + " discarded of "
                    + made.get());
    accounts.assertOneFateEach(IntStream.rangeClosed(1, made.get()).boxed().toList());
    assertThat(scatter.running()).isZero();
    for (Recipient<Integer, Integer> recipient : recipients) {
      assertThat(scatter.asking(recipient.name())).isZero();
      assertThat(scatter.waiting(recipient.name())).isZero();
    }
  }
}

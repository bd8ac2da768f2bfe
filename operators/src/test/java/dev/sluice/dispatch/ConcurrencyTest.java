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
package dev.sluice.dispatch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;

import dev.sluice.delivery.StaleDelivery;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.test.scheduler.VirtualTimeScheduler;

/** How many workers run at once, when that number moves. */
@Timeout(60)
class ConcurrencyTest {

  private final VirtualTimeScheduler time = VirtualTimeScheduler.create();
  private final ScriptedWork work = new ScriptedWork();
  private final AtomicReference<LaneGauges> gauges = new AtomicReference<>();

  private Disposable run(Flux<Integer> source, Concurrency concurrency) {
    work.key = element -> null;
    return FluxDispatch.create(
            source,
            () -> work,
            new DispatchOptions("engine", concurrency, 1_000, null, time, gauges::set))
        .subscribe();
  }

  private int running() {
    return gauges.get().running();
  }

  private int limit() {
    return gauges.get().concurrency();
  }

  @Nested
  class ByDepth {

    private final AtomicLong depth = new AtomicLong();
    private final AtomicInteger asked = new AtomicInteger();
    private final List<Sinks.Empty<Integer>> workers = new ArrayList<>();
    private final List<Integer> cancelled = new ArrayList<>();

    private Concurrency.ByDepth following(Supplier<Mono<Long>> probe) {
      return Concurrency.byDepth(probe, 100, 2, 8)
          .pollInterval(Duration.ofSeconds(1))
          .coolDown(Duration.ofSeconds(10));
    }

    private Mono<Long> depth() {
      asked.incrementAndGet();
      return Mono.just(depth.get());
    }

    /** Enough elements, whose workers end when a test says so. */
    private Disposable start(Concurrency concurrency) {
      work.start =
          lane -> {
            Sinks.Empty<Integer> worker = Sinks.empty();
            workers.add(worker);
            return worker.asMono().doOnCancel(() -> cancelled.add(lane.element()));
          };
      Disposable subscription = run(Flux.range(0, 1_000), concurrency);
      time.advanceTime();
      return subscription;
    }

    private void seconds(int seconds) {
      time.advanceTimeBy(Duration.ofSeconds(seconds));
    }

    private void end(int count) {
      for (int i = 0; i < count; i++) {
        workers.remove(0).tryEmitEmpty();
      }
    }

    @Test
    void startsAtTheMinimumAndMeetsABurstAtOnce() {
      start(following(this::depth));
      assertThat(running()).isEqualTo(2);
      depth.set(10_000);
      seconds(1);
      assertThat(running()).isEqualTo(8);
    }

    @Test
    void meetsWhatWaitsAlreadyWhenItBegins() {
      depth.set(500);
      start(following(this::depth));
      assertThat(running()).isEqualTo(5);
    }

    @ParameterizedTest
    @CsvSource({
      "-1,2",
      "0,2",
      "1,2",
      "200,2",
      "201,3",
      "300,3",
      "301,4",
      "800,8",
      "801,8",
      "9223372036854775807,8"
    })
    void aWorkerIsGoodForSoManyMessages(long waiting, int workers) {
      depth.set(waiting);
      start(following(this::depth));
      assertThat(running()).isEqualTo(workers);
    }

    @Test
    void fallsAfterTheCoolDownAndInterruptsNobody() {
      depth.set(800);
      start(following(this::depth));
      depth.set(0);
      seconds(10); // the first of them notices, the cool-down begins
      end(1);
      assertThat(running()).isEqualTo(8);
      seconds(1);
      assertThat(limit()).isEqualTo(2);
      assertThat(running()).isEqualTo(8);
      end(6);
      assertThat(running()).isEqualTo(2);
      end(1);
      assertThat(running()).isEqualTo(2);
      assertThat(cancelled).isEmpty();
    }

    @Test
    void fallsToTheMostThatWasEnoughInTheCoolDown() {
      depth.set(800);
      start(following(this::depth));
      depth.set(0);
      seconds(5);
      depth.set(450);
      seconds(1);
      depth.set(0);
      seconds(5);
      assertThat(limit()).isEqualTo(5);
      seconds(11);
      assertThat(limit()).isEqualTo(2);
    }

    @Test
    void aMomentOfDepthBeginsTheCoolDownAnew() {
      depth.set(800);
      start(following(this::depth));
      depth.set(0);
      seconds(9);
      depth.set(800);
      seconds(1);
      depth.set(0);
      seconds(10);
      assertThat(limit()).isEqualTo(8);
      seconds(1);
      assertThat(limit()).isEqualTo(2);
    }

    @Test
    void withoutACoolDownItFallsAtOnce() {
      depth.set(800);
      start(following(this::depth).coolDown(Duration.ZERO));
      depth.set(0);
      seconds(1);
      assertThat(limit()).isEqualTo(2);
    }

    @Test
    void aDepthThatCannotBeToldChangesNothing() {
      List<Supplier<Mono<Long>>> answers =
          List.of(
              () -> Mono.just(500L),
              Mono::empty,
              () -> Mono.error(new IllegalStateException("no broker")),
              () -> {
                throw new IllegalStateException("boom");
              },
              () -> null,
              Mono::never,
              () -> Mono.just(600L));
      start(
          following(
              () -> answers.get(Math.min(asked.getAndIncrement(), answers.size() - 1)).get()));
      for (int i = 0; i < 5; i++) {
        seconds(1);
        assertThat(running()).isEqualTo(5);
      }
      seconds(2);
      assertThat(running()).isEqualTo(6);
    }

    @Test
    void isAskedForEverySoOftenAndNoLongerAfterTheEnd() {
      Disposable subscription = start(following(this::depth));
      seconds(10);
      assertThat(asked).hasValue(11);
      subscription.dispose();
      long scheduled = time.getScheduledTaskCount(); // ever
      seconds(10);
      assertThat(asked).hasValue(11);
      assertThat(time.getScheduledTaskCount()).isEqualTo(scheduled);
    }

    @Test
    void isNotAskedForWhenTheSourceEndsBeforeItBegins() {
      run(Flux.empty(), following(this::depth));
      long scheduled = time.getScheduledTaskCount(); // ever
      seconds(10);
      assertThat(asked.get()).isLessThanOrEqualTo(1);
      assertThat(time.getScheduledTaskCount()).isEqualTo(scheduled);
    }

    @Test
    void everySubscriptionHasItsOwn() {
      Concurrency shared = following(this::depth);
      depth.set(800);
      start(shared);
      LaneGauges first = gauges.get();
      depth.set(300);
      start(shared);
      assertThat(first.concurrency()).isEqualTo(8);
      assertThat(gauges.get().concurrency()).isEqualTo(3);
    }

    @Test
    void mayFeedItselfFromInsideTheDrain() {
      // the answer comes from a worker's thread that is inside the drain
      Sinks.One<Long> answer = Sinks.one();
      work.start =
          lane -> {
            answer.tryEmitValue(800L);
            return Mono.never();
          };
      run(
          Flux.range(0, 1_000).delaySubscription(Duration.ofMillis(1), time),
          following(answer::asMono));
      time.advanceTimeBy(Duration.ofMillis(1));
      assertThat(running()).isEqualTo(8);
    }

    @Test
    void everyBadValueIsNamed() {
      Supplier<Mono<Long>> probe = Mono::empty;
      assertThatIllegalArgumentException()
          .isThrownBy(() -> Concurrency.byDepth(probe, 0, 1, 1))
          .withMessage("messagesPerWorker: 0 (expected: >= 1)");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> Concurrency.byDepth(probe, 1, 0, 1))
          .withMessage("min: 0 (expected: >= 1)");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> Concurrency.byDepth(probe, 1, 3, 2))
          .withMessage("max: 2 (expected: >= 3)");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> Concurrency.byDepth(probe, 1, 1, 2).pollInterval(Duration.ZERO))
          .withMessage("pollInterval: PT0S (expected: > PT0S, <= PT8760H)");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> Concurrency.byDepth(probe, 1, 1, 2).coolDown(Duration.ofSeconds(-1)))
          .withMessage("coolDown: PT-1S (expected: PT0S..PT8760H)");
      assertThatNullPointerException()
          .isThrownBy(() -> Concurrency.byDepth(null, 1, 1, 1))
          .withMessage("depth");
    }
  }

  @Nested
  class ByLatency {

    private static final long MILLI = 1_000_000;

    private final Concurrency.ByLatency recipe =
        Concurrency.byLatency(Duration.ofMillis(10), 1, 64);

    /** A service with so many servers: beyond them, everybody waits for everybody. */
    private final AtomicInteger servers = new AtomicInteger(32);

    private final AtomicInteger inService = new AtomicInteger();

    private Mono<Integer> serve() {
      int together = inService.incrementAndGet();
      double slower = Math.max(1.0, (double) together / servers.get());
      return Mono.delay(Duration.ofNanos((long) (slower * 10 * MILLI)), time)
          .doOnTerminate(inService::decrementAndGet)
          .thenReturn(1);
    }

    private double meanLimit(Duration duration) {
      long sum = 0;
      long steps = duration.toMillis();
      for (long i = 0; i < steps; i++) {
        time.advanceTimeBy(Duration.ofMillis(1));
        sum += limit();
      }
      return (double) sum / steps;
    }

    private void useService() {
      work.start = lane -> serve();
      run(Flux.range(0, Integer.MAX_VALUE), Concurrency.byLatency(Duration.ofMillis(11), 1, 200));
    }

    @Test
    void findsWhatAServiceCanTake() {
      useService();
      time.advanceTimeBy(Duration.ofSeconds(5));
      assertThat(meanLimit(Duration.ofSeconds(10))).isBetween(32 * 0.8, 32 * 1.2);
    }

    @Test
    void followsAServiceThatCanTakeLessAndThenMoreAgain() {
      useService();
      time.advanceTimeBy(Duration.ofSeconds(5));
      servers.set(10);
      time.advanceTimeBy(Duration.ofSeconds(5));
      assertThat(meanLimit(Duration.ofSeconds(5))).isBetween(10 * 0.8, 10 * 1.2);
      servers.set(100);
      time.advanceTimeBy(Duration.ofSeconds(10));
      assertThat(meanLimit(Duration.ofSeconds(5))).isBetween(100 * 0.8, 100 * 1.2);
    }

    private LatencyLimit at(int concurrency) {
      LatencyLimit limit = new LatencyLimit(recipe);
      while (limit.current() < concurrency) {
        round(limit, 5);
      }
      return limit;
    }

    /** As many workers as may, each taking so many milliseconds. */
    private static void round(LatencyLimit limit, int millis) {
      int workers = Math.max(8, limit.current());
      limit.began(limit.current());
      for (int i = 0; i < workers; i++) {
        limit.ended(millis * MILLI, 0, null);
      }
    }

    @Test
    void risesByOneInEachRoundInTime() {
      LatencyLimit limit = at(1);
      for (int expected = 2; expected <= 64; expected++) {
        round(limit, 10);
        assertThat(limit.current()).isEqualTo(expected);
      }
      round(limit, 10);
      assertThat(limit.current()).as("the maximum").isEqualTo(64);
    }

    @Test
    void fallsByATenthWhenMoreThanHalfOfARoundWasTooSlow() {
      LatencyLimit limit = at(40);
      limit.began(40);
      for (int i = 0; i < 20; i++) {
        limit.ended(11 * MILLI, 0, null);
        limit.ended(10 * MILLI, 0, null);
      }
      assertThat(limit.current()).as("half of them").isEqualTo(41);
      round(limit, 11);
      assertThat(limit.current()).isEqualTo(37);
    }

    @Test
    void fallsToTheMinimumAndNoFurther() {
      LatencyLimit limit = at(3);
      for (int i = 0; i < 5; i++) {
        round(limit, 11);
      }
      assertThat(limit.current()).isEqualTo(1);
    }

    @Test
    void doesNotRiseWhileItIsNotWhatKeepsWorkWaiting() {
      LatencyLimit limit = at(8);
      for (int i = 0; i < 100; i++) {
        limit.began(7);
        limit.ended(MILLI, 6, null);
      }
      assertThat(limit.current()).isEqualTo(8);
    }

    @Test
    void halvesOnceForEverythingThatRanUnderTheOverload() {
      LatencyLimit limit = at(40);
      limit.ended(MILLI, 39, new TimeoutException());
      assertThat(limit.current()).isEqualTo(20);
      for (int left = 38; left >= 0; left--) {
        limit.ended(MILLI, left, new TimeoutException());
      }
      assertThat(limit.current()).isEqualTo(20);
      limit.ended(MILLI, 19, new TimeoutException());
      assertThat(limit.current()).isEqualTo(10);
    }

    @Test
    void doesNotJudgeItselfByWorkFromBeforeItFell() {
      LatencyLimit limit = at(40);
      limit.ended(MILLI, 39, new TimeoutException());
      for (int i = 0; i < 39; i++) {
        limit.ended(100 * MILLI, 20, null);
      }
      assertThat(limit.current()).isEqualTo(20);
      round(limit, 5);
      assertThat(limit.current()).isEqualTo(21);
    }

    @Test
    void poisonAndLostDeliveriesAreNoOverload() {
      LatencyLimit limit = at(40);
      limit.ended(MILLI, 39, new IllegalArgumentException());
      limit.ended(MILLI, 39, new StaleDelivery("lost"));
      assertThat(limit.current()).isEqualTo(40);
    }

    @Test
    void whatIsAnOverloadMayBeTold() {
      Concurrency.ByLatency own =
          Concurrency.byLatency(Duration.ofSeconds(1), 8, 64)
              .overload(error -> error instanceof IllegalStateException);
      assertThat(own.overload.test(new TimeoutException())).isFalse();
      assertThat(own.overload.test(new IllegalStateException())).isTrue();
      assertThat(own.targetNanos).isEqualTo(1_000 * MILLI);
      assertThat(own.min).isEqualTo(8);
      assertThat(own.max()).isEqualTo(64);
    }

    @Test
    void aPredicateThatThrowsMeansOverload() {
      Concurrency.ByLatency own =
          recipe.overload(
              error -> {
                throw new IllegalStateException();
              });
      LatencyLimit limit = new LatencyLimit(own);
      while (limit.current() < 10) {
        round(limit, 1);
      }
      limit.ended(MILLI, 0, new IllegalArgumentException());
      assertThat(limit.current()).isEqualTo(5);
    }

    @Test
    void timeIsTheWorkersNotTheSubscribers() {
      work.start = lane -> Mono.delay(Duration.ofMillis(5), time).thenReturn(1);
      work.key = element -> null;
      // one value at a time, each long after it was there
      FluxDispatch.create(
              Flux.range(0, 10_000),
              () -> work,
              new DispatchOptions("engine", recipe, 64, null, time, gauges::set))
          .limitRate(1)
          .concatMap(value -> Mono.delay(Duration.ofMillis(50), time), 1)
          .subscribe();
      time.advanceTimeBy(Duration.ofSeconds(60));
      assertThat(limit()).isGreaterThan(10);
    }

    @Test
    void everyBadValueIsNamed() {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> Concurrency.byLatency(Duration.ZERO, 1, 1))
          .withMessage("target: PT0S (expected: > PT0S, <= PT8760H)");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> Concurrency.byLatency(Duration.ofSeconds(1), 2, 1))
          .withMessage("max: 1 (expected: >= 2)");
      assertThatNullPointerException()
          .isThrownBy(() -> recipe.overload(null))
          .withMessage("overload");
    }
  }

  @Test
  void aFixedOneIsWhatItIs() {
    work.start = lane -> Mono.never();
    run(Flux.range(0, 100), Concurrency.fixed(7));
    assertThat(running()).isEqualTo(7);
    assertThat(limit()).isEqualTo(7);
    assertThat(Concurrency.fixed(7)).hasToString("7");
  }
}

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
package dev.sluice.level;

import static dev.sluice.level.LoadLeveling.loadLevel;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;

import dev.sluice.channel.FlowHandle;
import dev.sluice.codec.StringCodec;
import dev.sluice.convoy.ConvoyListener;
import dev.sluice.convoy.GroupVerdict;
import dev.sluice.delivery.DeadLetterReason;
import dev.sluice.delivery.Outcome;
import dev.sluice.dispatch.LaneGauges;
import dev.sluice.flow.Flow;
import dev.sluice.message.Message;
import dev.sluice.test.LeakCheck;
import dev.sluice.test.TestChannel;
import io.github.resilience4j.circuitbreaker.CircuitBreaker;
import io.github.resilience4j.circuitbreaker.CircuitBreaker.State;
import io.github.resilience4j.circuitbreaker.CircuitBreakerConfig;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.reactivestreams.Publisher;
import reactor.core.Disposable;
import reactor.core.Scannable;
import reactor.core.Scannable.Attr;
import reactor.core.publisher.BaseSubscriber;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.test.StepVerifier;
import reactor.test.publisher.TestPublisher;
import reactor.test.scheduler.VirtualTimeScheduler;

/** Load leveling, beyond the {@linkplain LoadLevelingContractTest contract}. */
@Timeout(60)
@ExtendWith(LeakCheck.class)
class LoadLevelingTest {

  private final VirtualTimeScheduler time = VirtualTimeScheduler.create();
  private final List<String> got = new ArrayList<>();
  private final List<String> heard = new ArrayList<>();
  private final AtomicReference<LaneGauges> gauges = new AtomicReference<>();
  private final AtomicInteger taken = new AtomicInteger();

  private final class Listener implements ConvoyListener<Object> {
    @Override
    public void subscribed(LaneGauges lanes) {
      gauges.set(lanes);
    }

    @Override
    public void skipped(Object element, Throwable error) {
      heard.add("skipped " + element + ": " + error.getMessage());
    }

    @Override
    public void deadLettered(Object element, Throwable error) {
      heard.add("dead: " + error.getMessage());
    }
  }

  private Flux<Integer> numbers(int count) {
    return Flux.range(0, count).doOnNext(i -> taken.incrementAndGet());
  }

  private <T> Flux<T> leveled(Flux<T> source, UnaryOperator<LevelSpec<T>> spec) {
    return source.transform(
        loadLevel(
            c ->
                spec.apply(
                    c.rate(10, Duration.ofSeconds(1)).timer(time).listener(new Listener()))));
  }

  private void collect(Flux<?> flux) {
    flux.subscribe(e -> got.add(e + "@" + millis()), e -> got.add(e.getMessage()));
  }

  private long millis() {
    return time.now(TimeUnit.MILLISECONDS);
  }

  private void advance(long millis) {
    time.advanceTimeBy(Duration.ofMillis(millis));
  }

  @Nested
  class ByRate {

    @Test
    void elementsGoEvenlyAndInOrder() {
      collect(leveled(numbers(4), c -> c));
      advance(1_000);
      assertThat(got).containsExactly("0@0", "1@100", "2@200", "3@300");
    }

    @Test
    void aBurstGoesAtOnceAndAfterAPauseAnother() {
      Sinks.Many<Integer> source = Sinks.many().unicast().onBackpressureBuffer();
      collect(leveled(source.asFlux(), c -> c.rate(10, Duration.ofSeconds(1), 2)));
      for (int i = 0; i < 4; i++) {
        source.tryEmitNext(i);
      }
      advance(10_000);
      for (int i = 4; i < 7; i++) {
        source.tryEmitNext(i);
      }
      advance(1_000);
      assertThat(got)
          .containsExactly("0@0", "1@0", "2@100", "3@200", "4@10000", "5@10000", "6@10100");
    }

    @Test
    void noPermitIsUsedForWhatNobodyHasRequested() {
      BaseSubscriber<Integer> subscriber =
          new BaseSubscriber<>() {
            @Override
            protected void hookOnSubscribe(org.reactivestreams.Subscription s) {}

            @Override
            protected void hookOnNext(Integer i) {
              got.add(i + "@" + millis());
            }
          };
      leveled(numbers(10), c -> c).subscribe(subscriber);
      advance(5_000);
      subscriber.request(3); // what would have passed meanwhile was not kept
      advance(1_000);
      assertThat(got).containsExactly("0@5000", "1@5100", "2@5200");
      subscriber.cancel();
    }

    @Test
    void everySubscriptionHasItsOwnBucket() {
      Flux<Integer> shared = leveled(Flux.just(1, 2), c -> c);
      collect(shared);
      collect(shared);
      advance(100);
      assertThat(got).containsExactly("1@0", "1@0", "2@100", "2@100");
    }

    @Test
    void withoutARateItIsABuffer() {
      StepVerifier.create(Flux.range(0, 10_000).transform(loadLevel(c -> c)), 0)
          .thenRequest(5)
          .expectNext(0, 1, 2, 3, 4)
          .thenRequest(Long.MAX_VALUE)
          .expectNextCount(9_995)
          .verifyComplete();
    }

    @Test
    void oneTimerWaitsAtATime() {
      collect(leveled(numbers(100), c -> c));
      long before = time.getScheduledTaskCount();
      advance(1_000);
      assertThat(got).hasSize(11);
      assertThat(time.getScheduledTaskCount() - before).isEqualTo(10);
    }

    @Test
    void aRetryTakesAPermitToo() {
      Map<Integer, Integer> runs = new HashMap<>();
      collect(
          Flux.just(1, 2, 3)
              .<Integer>transform(
                  loadLevel(
                      i ->
                          runs.merge(i, 1, Integer::sum) == 1 && i == 1
                              ? Mono.error(new TimeoutException())
                              : Mono.just(i),
                      c ->
                          c.rate(10, Duration.ofSeconds(1))
                              .timer(time)
                              .onFailure(f -> f.retry(1, Duration.ofMillis(50)).jitter(0)))));
      advance(1_000);
      assertThat(got).containsExactly("1@100", "2@200", "3@300");
    }

    @Test
    void workersRunAtMostAsManyAtOnceAndAsOften() {
      List<Long> starts = new ArrayList<>();
      numbers(20)
          .transform(
              loadLevel(
                  i -> {
                    starts.add(millis());
                    return Mono.delay(Duration.ofMillis(250), time);
                  },
                  c -> c.rate(10, Duration.ofSeconds(1), 5).concurrency(3).timer(time)))
          .subscribe();
      advance(1_000);
      // three of the burst; three when they have ended; the rate alone would give more
      assertThat(starts.subList(0, 9))
          .containsExactly(0L, 0L, 0L, 250L, 250L, 250L, 500L, 500L, 500L);
    }
  }

  @Nested
  class AtCapacity {

    private final Sinks.Many<Integer> source = Sinks.many().unicast().onBackpressureBuffer();

    private void offer(int first, int last) {
      for (int i = first; i <= last; i++) {
        source.tryEmitNext(i);
      }
    }

    @Test
    void theSourceWaits() {
      collect(leveled(numbers(100), c -> c.capacity(3)));
      for (int i = 0; i < 50; i++) {
        assertThat(taken.get() - got.size()).as("three wait, one is next").isBetween(1, 4);
        assertThat(gauges.get().admitted()).isBetween(1, 4);
        advance(100);
      }
      assertThat(gauges.get().lookAhead()).isEqualTo(4);
    }

    @Test
    void theSequenceEndsIfItRejects() {
      StepVerifier.create(leveled(source.asFlux(), c -> c.capacity(3).onOverflow(Overflow.REJECT)))
          .then(() -> offer(0, 4))
          .expectNext(0)
          .then(() -> advance(100))
          .expectNext(1)
          .then(() -> offer(5, 6)) // room for one
          .expectErrorSatisfies(
              e ->
                  assertThat(e)
                      .isInstanceOf(Overloaded.class)
                      .hasMessage("loadLevel: no room, its capacity is 3"))
          .verifyThenAssertThat()
          .hasDiscardedExactly(2, 3, 4, 5, 6);
    }

    @Test
    void theNewestIsDroppedIfSo() {
      StepVerifier.create(
              leveled(source.asFlux(), c -> c.capacity(3).onOverflow(Overflow.DROP_NEWEST)))
          .then(() -> offer(0, 6))
          .expectNext(0)
          .then(() -> advance(100))
          .expectNext(1)
          .then(() -> offer(7, 8)) // room for one
          .then(() -> source.tryEmitComplete())
          .then(() -> advance(1_000))
          .expectNext(2, 3, 4, 7)
          .expectComplete()
          .verifyThenAssertThat()
          .hasDiscardedExactly(5, 6, 8);
      assertThat(heard)
          .containsExactly(
              "skipped 5: loadLevel: no room, its capacity is 3",
              "skipped 6: loadLevel: no room, its capacity is 3",
              "skipped 8: loadLevel: no room, its capacity is 3");
    }

    @Test
    void theOldestIsDroppedIfSo() {
      StepVerifier.create(
              leveled(source.asFlux(), c -> c.capacity(3).onOverflow(Overflow.DROP_OLDEST)))
          .then(() -> offer(0, 6)) // 0 goes, 1 is next, 2 to 6 wait in a place for three
          .expectNext(0)
          .then(() -> assertThat(gauges.get().buffered()).isEqualTo(3))
          .then(() -> assertThat(gauges.get().admitted()).isEqualTo(1))
          .then(() -> source.tryEmitComplete())
          .then(() -> advance(1_000))
          .expectNext(1, 4, 5, 6)
          .expectComplete()
          .verifyThenAssertThat()
          .hasDiscardedExactly(2, 3);
      assertThat(heard).hasSize(2);
    }

    @ParameterizedTest
    @EnumSource
    void aCancelDiscardsWhatWaits(Overflow overflow) {
      StepVerifier.create(leveled(source.asFlux(), c -> c.capacity(3).onOverflow(overflow)))
          .then(() -> offer(0, 3))
          .expectNext(0)
          .then(() -> assertThat(millis()).isZero()) // after the offers
          .thenCancel()
          .verifyThenAssertThat()
          .hasDiscardedExactly(1, 2, 3);
    }

    @Test
    void aListenerThatThrowsHurtsNobody() {
      ConvoyListener<Integer> hostile =
          new ConvoyListener<>() {
            @Override
            public void skipped(Integer element, Throwable error) {
              throw new IllegalStateException("boom");
            }
          };
      StepVerifier.create(
              leveled(
                  Flux.range(0, 10),
                  c -> c.capacity(3).onOverflow(Overflow.DROP_NEWEST).listener(hostile)))
          .expectNext(0)
          .then(() -> advance(1_000))
          .expectNext(1, 2, 3, 4)
          .verifyComplete();
    }
  }

  /** A service that a test breaks and mends. */
  @Nested
  class BehindABreaker {

    private final Clock clock =
        new Clock() {
          @Override
          public ZoneId getZone() {
            return ZoneOffset.UTC;
          }

          @Override
          public Clock withZone(ZoneId zone) {
            return this;
          }

          @Override
          public Instant instant() {
            return Instant.ofEpochMilli(LoadLevelingTest.this.millis());
          }
        };

    private final CircuitBreaker breaker =
        CircuitBreaker.of(
            "service",
            CircuitBreakerConfig.custom()
                .clock(clock)
                .slidingWindowSize(4)
                .minimumNumberOfCalls(4)
                .failureRateThreshold(50)
                .waitDurationInOpenState(Duration.ofSeconds(10))
                .permittedNumberOfCallsInHalfOpenState(2)
                .build());

    private final List<Integer> calls = new ArrayList<>();
    private final Map<Integer, TestPublisher<Integer>> workers = new HashMap<>();
    private boolean broken;

    private Mono<Integer> call(int element) {
      calls.add(element);
      return broken ? Mono.error(new TimeoutException("broken")) : Mono.just(element);
    }

    private Publisher<Integer> byHand(int element) {
      calls.add(element);
      TestPublisher<Integer> worker = TestPublisher.create();
      workers.put(element, worker);
      return worker.flux();
    }

    private LevelSpec<Integer> guarded(LevelSpec<Integer> c) {
      return c.breaker(breaker)
          .concurrency(1)
          .capacity(5)
          .timer(time)
          .listener(new Listener())
          .onFailure(f -> f.retry(5, Duration.ofMillis(100)).maxDelay(Duration.ofMillis(100)));
    }

    @Test
    void nothingIsCalledWhileItIsOpenAndNoAttemptIsUsedUp() {
      broken = true;
      collect(numbers(20).transform(loadLevel(this::call, this::guarded)));
      advance(200);
      assertThat(breaker.getState()).isEqualTo(State.OPEN);
      int before = calls.size();
      assertThat(before).isEqualTo(4);
      assertThat(taken).as("the source waits").hasValue(6);
      advance(9_000);
      assertThat(calls).hasSize(before);
      broken = false;
      advance(3_000);
      assertThat(breaker.getState()).isEqualTo(State.CLOSED);
      assertThat(got).hasSize(20); // none was given up
    }

    @Test
    void isProbedByAsManyAsItPermits() {
      breaker.transitionToOpenState();
      numbers(20).transform(loadLevel(this::byHand, c -> guarded(c).concurrency(8))).subscribe();
      advance(9_999);
      assertThat(calls).isEmpty();
      advance(1_002);
      assertThat(calls).containsExactly(0, 1);
      advance(30_000); // as long as they take: two minutes would be slow calls
      assertThat(calls).hasSize(2);
      workers.get(0).complete();
      workers.get(1).complete();
      assertThat(calls).containsExactly(0, 1, 2, 3, 4, 5, 6, 7, 8, 9);
    }

    @Test
    void whatIsCancelledGivesItsPermissionBack() {
      breaker.transitionToOpenState();
      breaker.transitionToHalfOpenState();
      Disposable subscription =
          numbers(20)
              .transform(loadLevel(this::byHand, c -> guarded(c).concurrency(8)))
              .subscribe();
      assertThat(calls).hasSize(2);
      assertThat(breaker.tryAcquirePermission()).isFalse();
      subscription.dispose();
      assertThat(breaker.tryAcquirePermission()).isTrue();
      assertThat(breaker.tryAcquirePermission()).isTrue();
      assertThat(breaker.getMetrics().getNumberOfBufferedCalls()).isZero();
    }

    @Test
    void mayBeSharedAndIsAskedAgainWithinASecond() {
      breaker.transitionToForcedOpenState();
      collect(numbers(3).transform(loadLevel(this::call, this::guarded)));
      advance(3_600_000);
      assertThat(calls).isEmpty();
      breaker.transitionToClosedState();
      advance(1_000);
      assertThat(got).hasSize(3);
    }

    @Test
    void hearsOfTimeouts() {
      numbers(4)
          .transform(
              loadLevel(
                  i -> Mono.<Integer>never(),
                  c ->
                      guarded(c)
                          .concurrency(4)
                          .timeout(Duration.ofMillis(10))
                          .onFailure(f -> f.then(GroupVerdict.SKIP))))
          .subscribe();
      advance(10);
      assertThat(breaker.getState()).isEqualTo(State.OPEN);
      assertThat(breaker.getMetrics().getNumberOfFailedCalls()).isEqualTo(4);
    }

    @Test
    void hearsHowLongCallsTake() {
      List<Duration> heard = new ArrayList<>();
      breaker.getEventPublisher().onSuccess(e -> heard.add(e.getElapsedDuration()));
      numbers(1)
          .transform(
              loadLevel(
                  i -> Mono.delay(Duration.ofMillis(70), time),
                  c -> c.breaker(breaker).timer(time)))
          .subscribe();
      advance(70);
      assertThat(heard).containsExactly(Duration.ofMillis(70));
    }

    @Test
    void hisListenersMayThrow() {
      breaker
          .getEventPublisher()
          .onError(
              e -> {
                throw new IllegalStateException("boom");
              })
          .onSuccess(
              e -> {
                throw new IllegalStateException("boom");
              });
      collect(numbers(3).transform(loadLevel(this::call, this::guarded)));
      assertThat(got).hasSize(3);
    }

    @Test
    void expiredMessagesAreNoCalls() {
      TestChannel source = TestChannel.create("orders");
      breaker.transitionToOpenState();
      FlowHandle handle =
          Flow.from(source)
              .clock(clock)
              .decode(StringCodec.utf8())
              .loadLevel(
                  text -> Mono.just(text),
                  c -> c.breaker(breaker).rate(1, Duration.ofSeconds(1)).timer(time))
              .deadLetter(TestChannel.create("dead letters"))
              .start();
      Message<byte[]> expiring =
          Message.of("late".getBytes(StandardCharsets.UTF_8))
              .expiringAt(clock.instant().plusSeconds(1));
      source.offer(expiring);
      source.offer("in time");
      advance(11_000);
      assertThat(source.outcomes("late"))
          .singleElement()
          .isInstanceOfSatisfying(
              Outcome.Reject.class,
              reject -> assertThat(reject.reason()).isEqualTo(DeadLetterReason.EXPIRED));
      assertThat(source.outcomes("in time"))
          .as("the expired one has used no permit")
          .singleElement()
          .isInstanceOf(Outcome.Ack.class);
      assertThat(breaker.getMetrics().getNumberOfSuccessfulCalls()).isEqualTo(1);
      handle.stop(Duration.ZERO).subscribe();
    }
  }

  @Nested
  class InAFlow {

    private final TestChannel source = TestChannel.create("orders");
    private final TestChannel deadLetters = TestChannel.create("dead letters");

    private Flow<String> orders() {
      return Flow.from(source).decode(StringCodec.utf8()).deadLetter(deadLetters);
    }

    @Test
    void messagesGoOnEvenlyAndAreSettledFurtherDown() {
      FlowHandle handle =
          orders()
              .loadLevel(c -> c.rate(10, Duration.ofSeconds(1)).timer(time))
              .map(text -> got.add(text + "@" + millis()))
              .start();
      source.offer("a", "b", "c");
      assertThat(got).containsExactly("a@0");
      assertThat(handle.stats().acknowledged()).isEqualTo(1);
      advance(200);
      assertThat(got).containsExactly("a@0", "b@100", "c@200");
      assertThat(handle.stats().acknowledged()).isEqualTo(3);
      handle.stop(Duration.ZERO).subscribe();
    }

    @Test
    void whatWaitsIsGivenBackWhenTheFlowStops() {
      FlowHandle handle =
          orders().loadLevel(c -> c.rate(10, Duration.ofSeconds(1)).timer(time)).start();
      source.offer("a", "b", "c");
      handle.stop(Duration.ZERO).subscribe();
      assertThat(source.outcomes("a")).singleElement().isInstanceOf(Outcome.Ack.class);
      assertThat(source.outcomes("b")).singleElement().isInstanceOf(Outcome.Release.class);
      assertThat(source.outcomes("c")).singleElement().isInstanceOf(Outcome.Release.class);
    }

    @Test
    void whatFindsNoRoomGoesToTheDeadLetters() {
      FlowHandle handle =
          orders()
              .loadLevel(
                  c ->
                      c.rate(10, Duration.ofSeconds(1))
                          .capacity(1)
                          .onOverflow(Overflow.REJECT)
                          .listener(new Listener())
                          .timer(time))
              .start();
      source.offer("a", "b", "c", "d", "e"); // a goes, b is next, c waits
      assertThat(heard).hasSize(2);
      for (String refused : List.of("d", "e")) {
        assertThat(source.outcomes(refused))
            .singleElement()
            .isInstanceOfSatisfying(
                Outcome.Reject.class,
                reject -> assertThat(reject.reason()).isEqualTo(DeadLetterReason.OVERLOADED));
      }
      assertThat(deadLetters.sentTexts()).containsExactly("d", "e");
      advance(200);
      assertThat(handle.stats().acknowledged()).isEqualTo(3);
      assertThat(handle.stats().rejected()).isEqualTo(2);
      handle.stop(Duration.ZERO).subscribe();
    }

    @Test
    void workersAreLeveledToo() {
      FlowHandle handle =
          orders()
              .loadLevel(
                  text -> Mono.just(text + "@" + millis()),
                  c -> c.rate(10, Duration.ofSeconds(1)).timer(time))
              .map(got::add)
              .start();
      source.offer("a", "b");
      advance(100);
      assertThat(got).containsExactly("a@0", "b@100");
      assertThat(handle.stats().acknowledged()).isEqualTo(2);
      handle.stop(Duration.ZERO).subscribe();
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.MATCH_ALL, names = "DROP_.*")
    void noMessageIsDropped(Overflow overflow) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> orders().loadLevel(c -> c.onOverflow(overflow)))
          .withMessage(
              "onOverflow: " + overflow + " (expected: BACKPRESSURE or REJECT for messages)");
    }
  }

  @Test
  void tellsItsName() {
    assertThat(Scannable.from(leveled(Flux.never(), c -> c)).scan(Attr.NAME))
        .isEqualTo("loadLevel");
    assertThat(Scannable.from(leveled(Flux.never(), c -> c.name("x"))).scan(Attr.NAME))
        .isEqualTo("x");
  }

  @Test
  void everyBadValueIsNamed() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> loadLevel(c -> c.capacity(0)))
        .withMessage("capacity: 0 (expected: >= 1)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> loadLevel(c -> c.concurrency(2)))
        .withMessage("concurrency: set (expected: only with a worker)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> loadLevel(c -> c.breaker(CircuitBreaker.ofDefaults("x"))))
        .withMessage("breaker: set (expected: only with a worker)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> loadLevel(c -> c.timeout(Duration.ofSeconds(1))))
        .withMessage("timeout: set (expected: only with a worker)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> loadLevel(i -> Mono.empty(), c -> c.concurrency(0)))
        .withMessage("concurrency: 0 (expected: >= 1)");
    assertThatNullPointerException().isThrownBy(() -> loadLevel(null)).withMessage("spec");
    assertThatNullPointerException().isThrownBy(() -> loadLevel(c -> null)).withMessage("spec");
    assertThatNullPointerException()
        .isThrownBy(() -> loadLevel(null, c -> c))
        .withMessage("worker");
  }
}

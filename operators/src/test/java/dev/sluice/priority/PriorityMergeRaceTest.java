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

import static dev.sluice.priority.PriorityMerge.priorityMerge;
import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.reactivestreams.Publisher;
import org.reactivestreams.Subscription;
import reactor.core.publisher.BaseSubscriber;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Operators;
import reactor.core.scheduler.Schedulers;
import reactor.test.StepVerifier;
import reactor.test.publisher.TestPublisher;
import reactor.test.publisher.TestPublisher.Violation;
import reactor.test.util.RaceTestUtils;
import reactor.util.context.Context;

/** Each element has one fate, no signal is missed and nothing overtakes, whoever races whom. */
@Timeout(120)
class PriorityMergeRaceTest {

  private static final int ROUNDS = 2_000;

  private static Stream<PrioritySpec<Integer>> policies() {
    PrioritySpec<Integer> spec = PrioritySpec.defaults();
    return Stream.of(
        spec.strict(),
        spec.weighted(2, 1),
        spec.aging(Duration.ofNanos(100)),
        spec.fairBy(i -> i % 3),
        spec.observer(gauges -> {}).prefetch(1));
  }

  /** Remembers every fate. */
  private static final class Fates extends BaseSubscriber<Integer> {
    final Queue<Integer> seen = new ConcurrentLinkedQueue<>();
    final AtomicInteger ends = new AtomicInteger();

    @Override
    protected void hookOnSubscribe(Subscription s) {}

    @Override
    protected void hookOnNext(Integer value) {
      seen.add(value);
    }

    @Override
    protected void hookOnComplete() {
      ends.incrementAndGet();
    }

    @Override
    protected void hookOnError(Throwable error) {
      ends.incrementAndGet();
    }

    @Override
    public Context currentContext() {
      return Operators.enableOnDiscard(Context.empty(), o -> seen.add((Integer) o));
    }
  }

  @ParameterizedTest
  @MethodSource("policies")
  void everyElementHasOneFateWhenTheSubscriberCancels(PrioritySpec<Integer> policy) {
    for (int round = 0; round < ROUNDS; round++) {
      TestPublisher<Integer> high = TestPublisher.createNoncompliant(Violation.DEFER_CANCELLATION);
      TestPublisher<Integer> low = TestPublisher.createNoncompliant(Violation.DEFER_CANCELLATION);
      Fates fates = new Fates();
      priorityMerge(List.of(high.flux(), low.flux()), p -> policy.prefetch(8)).subscribe(fates);

      RaceTestUtils.race(
          () -> IntStream.range(0, 4).forEach(high::next),
          () -> IntStream.range(4, 8).forEach(low::next),
          fates::cancel,
          () -> fates.request(3));

      assertThat(fates.seen).containsExactlyInAnyOrder(0, 1, 2, 3, 4, 5, 6, 7);
    }
  }

  @ParameterizedTest
  @MethodSource("policies")
  void everyElementHasOneFateWhenASourceFails(PrioritySpec<Integer> policy) {
    for (int round = 0; round < ROUNDS; round++) {
      TestPublisher<Integer> high = TestPublisher.createNoncompliant(Violation.DEFER_CANCELLATION);
      TestPublisher<Integer> low = TestPublisher.createNoncompliant(Violation.DEFER_CANCELLATION);
      Fates fates = new Fates();
      priorityMerge(List.of(high.flux(), low.flux()), p -> policy.prefetch(8)).subscribe(fates);

      RaceTestUtils.race(
          () -> {
            IntStream.range(0, 4).forEach(high::next);
            high.error(new IllegalStateException("boom"));
          },
          () -> IntStream.range(4, 8).forEach(low::next),
          () -> fates.request(3));

      assertThat(fates.seen).containsExactlyInAnyOrder(0, 1, 2, 3, 4, 5, 6, 7);
      assertThat(fates.ends).hasValue(1);
    }
  }

  /** The last element and the end race the drain's last look at the ring. */
  @ParameterizedTest
  @MethodSource("policies")
  void noElementAndNoEndIsMissed(PrioritySpec<Integer> policy) {
    for (int round = 0; round < ROUNDS; round++) {
      TestPublisher<Integer> high = TestPublisher.create();
      TestPublisher<Integer> low = TestPublisher.create();
      Fates fates = new Fates();
      priorityMerge(List.of(high.flux(), low.flux()), p -> policy.prefetch(8)).subscribe(fates);
      fates.request(Long.MAX_VALUE);

      RaceTestUtils.race(
          () -> IntStream.range(0, 4).forEach(high::next),
          () -> IntStream.range(4, 8).forEach(low::next));
      assertThat(fates.seen).containsExactlyInAnyOrder(0, 1, 2, 3, 4, 5, 6, 7);

      RaceTestUtils.race(() -> high.next(8).complete(), () -> low.next(9).complete());
      assertThat(fates.seen).hasSize(10);
      assertThat(fates.ends).hasValue(1);
    }
  }

  @RepeatedTest(20)
  void busySourcesOnThreadsOfTheirOwnAndASubscriberOnAnother() {
    List<Flux<Integer>> sources = new ArrayList<>();
    for (int source = 0; source < 4; source++) {
      sources.add(Flux.range(source * 10_000, 10_000).publishOn(Schedulers.parallel(), 7));
    }
    boolean[] seen = new boolean[40_000];
    StepVerifier.create(
            priorityMerge(
                    sources,
                    (PrioritySpec<Integer> p) -> p.weighted(i -> 1 + i % 3, 5, 3, 2, 1).prefetch(5))
                .publishOn(Schedulers.parallel(), 3)
                .doOnNext(
                    i -> {
                      assertThat(seen[i]).isFalse();
                      seen[i] = true;
                    }))
        .expectNextCount(40_000)
        .verifyComplete();
  }

  @RepeatedTest(20)
  void sourcesComeAndGoOnThreadsOfTheirOwn() {
    StepVerifier.create(
            priorityMerge(
                3,
                Flux.range(0, 2_000)
                    .publishOn(Schedulers.parallel())
                    .map(
                        i ->
                            new PrioritySource<>(
                                i % 3,
                                i % 2 == 0
                                    ? Flux.range(0, 5)
                                    : Flux.range(0, 5).publishOn(Schedulers.parallel()))),
                (PrioritySpec<Integer> p) -> p.maxSources(5).prefetch(2)))
        .expectNextCount(10_000)
        .verifyComplete();
  }

  /**
   * A low source that is always ready, a subscriber that asks for one at a time, and now and then
   * something urgent from another thread: once it has been delivered, only the element that was on
   * its way already goes before it.
   */
  @Test
  void atMostOneOvertakesWhatIsUrgent() {
    int urgent = 2_000;
    AtomicReference<org.reactivestreams.Subscriber<? super Integer>> high = new AtomicReference<>();
    Publisher<Integer> manual =
        subscriber -> {
          subscriber.onSubscribe(Operators.emptySubscription());
          high.set(subscriber);
        };
    AtomicInteger lows = new AtomicInteger();
    AtomicInteger highs = new AtomicInteger();
    int[] lowsBefore = new int[urgent];
    BaseSubscriber<Integer> subscriber =
        new BaseSubscriber<>() {
          @Override
          protected void hookOnSubscribe(Subscription s) {
            request(1);
          }

          @Override
          protected void hookOnNext(Integer value) {
            if (value < 0) {
              lows.incrementAndGet();
            } else {
              lowsBefore[value] = lows.get();
              highs.incrementAndGet();
            }
            request(1);
          }
        };
    Thread worker =
        new Thread(
            () ->
                priorityMerge(
                        List.of(manual, Flux.just(-1).repeat()),
                        (PrioritySpec<Integer> p) -> p.strict())
                    .subscribe(subscriber));
    worker.start();
    while (lows.get() == 0) {
      Thread.onSpinWait();
    }
    int most = 0;
    for (int i = 0; i < urgent; i++) {
      high.get().onNext(i);
      int delivered = lows.get();
      while (highs.get() == i) {
        Thread.onSpinWait();
      }
      most = Math.max(most, lowsBefore[i] - delivered);
      int next = lows.get() + 50;
      while (lows.get() - next < 0) {
        Thread.onSpinWait();
      }
    }
    subscriber.cancel();
    assertThat(most).isLessThanOrEqualTo(1);
  }
}

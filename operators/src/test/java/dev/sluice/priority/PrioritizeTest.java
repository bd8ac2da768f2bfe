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

import static dev.sluice.priority.PriorityMerge.prioritize;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.reactivestreams.Subscription;
import reactor.core.Exceptions;
import reactor.core.Scannable;
import reactor.core.Scannable.Attr;
import reactor.core.publisher.BaseSubscriber;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Operators;
import reactor.test.StepVerifier;
import reactor.test.publisher.TestPublisher;
import reactor.test.publisher.TestPublisher.Violation;
import reactor.test.scheduler.VirtualTimeScheduler;
import reactor.test.util.RaceTestUtils;
import reactor.util.context.Context;

/** One source reordered. Elements are words that begin with their level. */
@Timeout(120)
class PrioritizeTest {

  private static final Comparator<String> BY_LEVEL = Comparator.comparing(e -> e.charAt(0));

  private final TestPublisher<String> source = TestPublisher.create();
  private final VirtualTimeScheduler time = VirtualTimeScheduler.create();

  private static int level(String element) {
    return element.charAt(0) - '0';
  }

  @Nested
  class Values {

    @Test
    void theMostUrgentOfThoseThatWaitGoesFirstAndEqualOnesKeepTheirOrder() {
      StepVerifier.create(source.flux().transform(prioritize(BY_LEVEL)), 0)
          .then(() -> source.next("2a", "1a", "2b", "1b", "1c", "2c"))
          .thenRequest(2)
          .expectNext("1a", "1b")
          .then(() -> source.next("0a", "1d"))
          .thenRequest(10)
          .expectNext("0a", "1c", "1d", "2a", "2b", "2c")
          .then(() -> source.complete())
          .verifyComplete();
    }

    @Test
    void whatComesWhileAnotherIsEmittedHasASay() {
      List<String> seen = new ArrayList<>();
      source
          .flux()
          .transform(prioritize(BY_LEVEL))
          .subscribe(
              e -> {
                seen.add(e);
                if (e.equals("1a")) {
                  source.next("0a");
                }
              });
      source.next("1a");
      source.next("2a");
      assertThat(seen).containsExactly("1a", "0a", "2a");
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 16, 1_000})
    void withinAWindowItIsAStableSort(int window) {
      Random random = new Random(window);
      List<Integer> numbers = random.ints(2_000, 0, 50_000).boxed().toList();
      Comparator<Integer> byTens = Comparator.comparing(i -> i / 1_000);
      List<Integer> expected = new ArrayList<>();
      List<Integer> waiting = new ArrayList<>(); // a model of the window
      for (int next = 0; expected.size() < numbers.size(); ) {
        while (waiting.size() < window && next < numbers.size()) {
          waiting.add(numbers.get(next++));
        }
        Integer first = waiting.stream().min(byTens).orElseThrow(); // the first of equal ones
        waiting.remove(first);
        expected.add(first);
      }
      StepVerifier.create(
              Flux.fromIterable(numbers).transform(prioritize(byTens, p -> p.window(window))))
          .expectNextSequence(expected)
          .verifyComplete();
    }

    @Test
    void byLevelAndAgeAnElementRisesALevelWithEachStep() {
      StepVerifier.create(
              source
                  .flux()
                  .transform(
                      prioritize(
                          PrioritizeTest::level, Duration.ofSeconds(10), p -> p.timer(time))),
              0)
          .then(() -> source.next("2at0")) // due at 20
          .then(() -> time.advanceTimeBy(Duration.ofSeconds(9)))
          .then(() -> source.next("1at9")) // 19
          .then(() -> time.advanceTimeBy(Duration.ofSeconds(11)))
          .then(() -> source.next("0at20", "0at20'")) // 20
          .then(() -> time.advanceTimeBy(Duration.ofSeconds(1)))
          .then(() -> source.next("0at21"))
          .thenRequest(10)
          .expectNext("1at9", "2at0", "0at20", "0at20'", "0at21")
          .thenCancel()
          .verify();
    }

    @Test
    void emptySourcesJustComplete() {
      StepVerifier.create(Flux.<String>empty().transform(prioritize(BY_LEVEL))).verifyComplete();
    }
  }

  /** With a source that always has something more urgent. */
  @Test
  void agingLetsOnlyThoseOvertakeThatCameWithinTheStep() {
    record Element(int level, long came) {}
    Random random = new Random(42);
    Duration step = Duration.ofNanos(1_000_000);
    long[] latest = new long[3];
    int[] emitted = new int[3];
    long[] longest = {0};
    Flux<Element> flood =
        Flux.generate(
            sink -> {
              int level = random.nextInt(20) == 0 ? 1 + random.nextInt(2) : 0;
              sink.next(new Element(level, time.now(TimeUnit.NANOSECONDS)));
            });
    flood
        .transform(prioritize(Element::level, step, p -> p.timer(time)))
        .take(1_000_000)
        .subscribe(
            e -> {
              emitted[e.level()]++;
              for (int above = 0; above < e.level(); above++) {
                long lead = latest[above] - e.came();
                assertThat(lead).isLessThanOrEqualTo((e.level() - above) * step.toNanos());
                longest[0] = Math.max(longest[0], lead);
              }
              latest[e.level()] = Math.max(latest[e.level()], e.came());
              time.advanceTimeBy(Duration.ofNanos(1_000 + random.nextInt(1_000)));
            });
    assertThat(emitted[0] + emitted[1] + emitted[2]).isEqualTo(1_000_000);
    assertThat(emitted[2]).isPositive();
    assertThat(longest[0]).isGreaterThan(step.toNanos());
  }

  @Nested
  class Backpressure {

    @Test
    void asksForTheWindowAndThenForEachThatWent() {
      List<Long> asked = new ArrayList<>();
      StepVerifier.create(
              source
                  .flux()
                  .doOnRequest(asked::add)
                  .transform(prioritize(BY_LEVEL, p -> p.window(3))),
              0)
          .then(() -> assertThat(asked).containsExactly(3L))
          .then(() -> source.next("3", "2", "1"))
          .thenRequest(2)
          .expectNext("1", "2")
          .then(() -> assertThat(asked).containsExactly(3L, 1L, 1L))
          .thenCancel()
          .verify();
    }

    @Test
    void emitsNoMoreThanRequested() {
      StepVerifier.create(Flux.just("3", "2", "1").transform(prioritize(BY_LEVEL)), 0)
          .expectSubscription()
          .expectNoEvent(Duration.ofMillis(10))
          .thenRequest(1)
          .expectNext("1")
          .expectNoEvent(Duration.ofMillis(10))
          .thenRequest(Long.MAX_VALUE)
          .expectNext("2", "3")
          .verifyComplete();
    }

    @Test
    void aSourceThatIgnoresItFails() {
      TestPublisher<String> rude = TestPublisher.createNoncompliant(Violation.REQUEST_OVERFLOW);
      List<String> discarded = new ArrayList<>();
      AtomicReference<Throwable> error = new AtomicReference<>();
      AtomicReference<Subscription> subscription = new AtomicReference<>();
      rude.flux()
          .transform(prioritize(BY_LEVEL, p -> p.window(8)))
          .doOnDiscard(String.class, discarded::add)
          .subscribe(
              new BaseSubscriber<>() {
                @Override
                protected void hookOnSubscribe(Subscription s) {
                  subscription.set(s);
                }

                @Override
                protected void hookOnNext(String value) {
                  for (int i = 0; i < 9; i++) { // the drain is busy here, so nobody takes them
                    rude.next("2");
                  }
                }

                @Override
                protected void hookOnError(Throwable e) {
                  error.set(e);
                }
              });
      subscription.get().request(1);
      rude.next("1");
      assertThat(Exceptions.isOverflow(error.get())).isTrue();
      assertThat(discarded).hasSize(9);
      rude.assertCancelled();
    }
  }

  @Nested
  class Errors {

    @Test
    void endTheSequenceAtOnce() {
      StepVerifier.create(source.flux().transform(prioritize(BY_LEVEL)), 0)
          .then(() -> source.next("1", "2").error(new IllegalStateException("boom")))
          .expectErrorMessage("boom")
          .verifyThenAssertThat()
          .hasDiscardedExactly("1", "2");
    }

    @Test
    void mayWaitUntilEverythingIsEmitted() {
      StepVerifier.create(
              Flux.just("2", "1")
                  .concatWith(Mono.error(new IllegalStateException("boom")))
                  .transform(prioritize(BY_LEVEL, p -> p.delayError(true))))
          .expectNext("1", "2")
          .verifyErrorMessage("boom");
    }

    /** At its n-th comparison, for every n. */
    @Test
    void ofTheComparatorLoseNoElement() {
      List<Integer> elements = List.of(5, 3, 8, 1, 9, 2, 7, 4, 6);
      for (int limit = 0; ; limit++) {
        AtomicInteger comparisons = new AtomicInteger(limit);
        Comparator<Integer> throwing =
            (a, b) -> {
              if (comparisons.getAndDecrement() == 0) {
                throw new IllegalStateException("boom");
              }
              return Integer.compare(a, b);
            };
        Fates fates = new Fates(Long.MAX_VALUE);
        Flux.fromIterable(elements)
            .transform(prioritize(throwing, p -> p.window(6)))
            .subscribe(fates);
        assertThat(fates.ends).hasValue(1);
        assertThat(fates.seen).containsExactlyInAnyOrderElementsOf(elements);
        if (comparisons.get() >= 0) { // it never threw
          assertThat(limit).isGreaterThan(10);
          return;
        }
      }
    }

    @Test
    void ofTheLevelEndTheSequence() {
      for (String bad : new String[] {"/", "p"}) {
        StepVerifier.create(
                source
                    .flux()
                    .transform(prioritize(PrioritizeTest::level, Duration.ofSeconds(1), p -> p)),
                0)
            .then(() -> source.next("1", bad))
            .expectErrorMessage("level: " + level(bad) + " (expected: 0..63)")
            .verifyThenAssertThat()
            .hasDiscardedExactly("1", bad);
        source.assertCancelled();
      }
    }

    @Test
    void ofBadInputAreTold() {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> prioritize(BY_LEVEL, p -> p.window(0)))
          .withMessage("window: 0 (expected: 1..1048576)");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> prioritize(PrioritizeTest::level, Duration.ZERO, p -> p))
          .withMessage("agingStep: PT0S (expected: > PT0S, <= PT8760H)");
    }
  }

  /** Remembers every fate. */
  private static final class Fates extends BaseSubscriber<Integer> {
    final Queue<Integer> seen = new ConcurrentLinkedQueue<>();
    final AtomicInteger ends = new AtomicInteger();
    final long demand; // at the start

    Fates(long demand) {
      this.demand = demand;
    }

    @Override
    protected void hookOnSubscribe(Subscription s) {
      if (demand > 0) {
        s.request(demand);
      }
    }

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

  @Nested
  class Cancellation {

    @Test
    void discardsTheWindow() {
      StepVerifier.create(source.flux().transform(prioritize(BY_LEVEL)), 0)
          .then(() -> source.next("3", "2", "1"))
          .thenRequest(1)
          .expectNext("1")
          .thenCancel()
          .verifyThenAssertThat()
          .hasDiscardedExactly("3", "2");
      source.assertCancelled();
    }

    @Test
    void fromInsideOnNextDiscardsEachElementOnce() {
      List<String> seen = new ArrayList<>();
      List<String> discarded = new ArrayList<>();
      source
          .flux()
          .transform(prioritize(BY_LEVEL))
          .doOnDiscard(String.class, discarded::add)
          .subscribe(
              new BaseSubscriber<>() {
                @Override
                protected void hookOnSubscribe(Subscription s) {
                  s.request(1);
                }

                @Override
                protected void hookOnNext(String value) {
                  seen.add(value);
                  source.next("2", "0");
                  cancel();
                  assertThat(discarded).isEmpty(); // the drain is busy here
                }
              });
      source.next("1");
      assertThat(seen).containsExactly("1");
      assertThat(discarded).containsExactlyInAnyOrder("2", "0");
      source.assertCancelled();
    }

    @RepeatedTest(20)
    void everyElementHasOneFateWhoeverRacesWhom() {
      Function<Flux<Integer>, Flux<Integer>> operator =
          prioritize(Comparator.<Integer>naturalOrder(), p -> p.window(8));
      for (int round = 0; round < 200; round++) {
        TestPublisher<Integer> racing =
            TestPublisher.createNoncompliant(Violation.DEFER_CANCELLATION);
        Fates fates = new Fates(0);
        racing.flux().transform(operator).subscribe(fates);

        RaceTestUtils.race(
            () -> IntStream.range(0, 8).forEach(racing::next),
            fates::cancel,
            () -> fates.request(4));

        assertThat(fates.seen).containsExactlyInAnyOrder(0, 1, 2, 3, 4, 5, 6, 7);
      }
    }
  }

  @Test
  void contextReachesTheSource() {
    StepVerifier.create(
            Flux.deferContextual(ctx -> Flux.just(ctx.<String>get("key")))
                .transform(prioritize(BY_LEVEL))
                .contextWrite(Context.of("key", "value")))
        .expectNext("value")
        .verifyComplete();
  }

  @Test
  void scan() {
    AtomicReference<Subscription> subscription = new AtomicReference<>();
    Flux<String> flux =
        source.flux().transform(prioritize(BY_LEVEL, p -> p.window(4).name("desk")));
    assertThat(Scannable.from(flux).scan(Attr.NAME)).isEqualTo("desk");
    flux.doOnSubscribe(subscription::set)
        .subscribe(
            new BaseSubscriber<>() {
              @Override
              protected void hookOnSubscribe(Subscription s) {
                s.request(1);
              }
            });
    source.next("1", "2", "3");
    Scannable main = Scannable.from(subscription.get());
    assertThat(main.scan(Attr.NAME)).isEqualTo("desk");
    assertThat(main.scan(Attr.PREFETCH)).isEqualTo(4);
    assertThat(main.scan(Attr.BUFFERED)).isEqualTo(2);
    assertThat(main.scan(Attr.REQUESTED_FROM_DOWNSTREAM)).isZero();
    assertThat(main.scan(Attr.TERMINATED)).isFalse();
    subscription.get().cancel();
    assertThat(main.scan(Attr.CANCELLED)).isTrue();
    assertThat(main.scan(Attr.BUFFERED)).isZero();
  }
}

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
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;

import dev.sluice.test.MeterReadings;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.reactivestreams.Subscription;
import reactor.core.Exceptions;
import reactor.core.Scannable;
import reactor.core.Scannable.Attr;
import reactor.core.publisher.BaseSubscriber;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;
import reactor.test.StepVerifier;
import reactor.test.publisher.TestPublisher;
import reactor.test.publisher.TestPublisher.Violation;
import reactor.test.scheduler.VirtualTimeScheduler;
import reactor.util.context.Context;

/** The merge with a driven source for each of three levels. Elements are words. */
@Timeout(60)
class PriorityMergeTest {

  private final TestPublisher<String> high = TestPublisher.create();
  private final TestPublisher<String> mid = TestPublisher.create();
  private final TestPublisher<String> low = TestPublisher.create();
  private final VirtualTimeScheduler time = VirtualTimeScheduler.create();
  private final AtomicReference<PriorityGauges> gauges = new AtomicReference<>();

  private Flux<String> merge(UnaryOperator<PrioritySpec<String>> spec) {
    return priorityMerge(
        List.of(high.flux(), mid.flux(), low.flux()),
        p -> spec.apply(p.prefetch(8).timer(time).observer(gauges::set)));
  }

  private Flux<String> merge() {
    return merge(p -> p);
  }

  /** Elements of an always-ready source that are there at once. */
  private static Flux<String> ready(String name, int count) {
    return Flux.range(1, count).map(i -> name + i);
  }

  @Nested
  class Strict {

    @Test
    void theMostUrgentThatIsThereGoesFirst() {
      StepVerifier.create(merge(), 0)
          .then(() -> low.next("l1", "l2"))
          .then(() -> mid.next("m1"))
          .thenRequest(1)
          .expectNext("m1")
          .then(() -> high.next("h1", "h2"))
          .thenRequest(4)
          .expectNext("h1", "h2", "l1", "l2")
          .thenCancel()
          .verify();
    }

    @Test
    void allSourcesHaveASayInTheFirstElement() {
      StepVerifier.create(
              priorityMerge(List.of(ready("h", 20), ready("l", 20), Flux.never())).take(40))
          .expectNextSequence(ready("h", 20).concatWith(ready("l", 20)).toIterable())
          .verifyComplete();
    }

    /** Whoever is emitted when the urgent one comes is the only one that is ahead of it. */
    @Test
    void whatComesWhileAnotherIsEmittedGoesNext() {
      List<String> seen = new ArrayList<>();
      merge()
          .subscribe(
              element -> {
                seen.add(element);
                if (element.equals("l2")) {
                  high.next("h1");
                  mid.next("m1");
                }
              });
      low.next("l1", "l2", "l3", "l4");
      assertThat(seen).containsExactly("l1", "l2", "h1", "m1", "l3", "l4");
    }

    @Test
    void theOrderOfASourceIsKeptWhateverTheThreads() {
      List<Flux<Integer>> sources = new ArrayList<>();
      for (int source = 0; source < 5; source++) {
        int first = source * 100_000;
        sources.add(Flux.range(first, 20_000).publishOn(Schedulers.parallel()));
      }
      int[] next = new int[5];
      StepVerifier.create(
              priorityMerge(sources)
                  .doOnNext(i -> assertThat(i % 100_000).isEqualTo(next[i / 100_000]++)))
          .expectNextCount(100_000)
          .verifyComplete();
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 5, 16, 17, 100})
    void neverStallsWhateverThePrefetch(int prefetch) {
      StepVerifier.create(
              priorityMerge(
                      List.of(
                          Flux.range(0, 1_000),
                          Flux.range(0, 1_000).publishOn(Schedulers.parallel()),
                          Flux.range(0, 1_000).hide()),
                      (PrioritySpec<Integer> p) -> p.prefetch(prefetch))
                  .limitRate(3))
          .expectNextCount(3_000)
          .verifyComplete();
    }

    @Test
    void emptySourcesJustComplete() {
      StepVerifier.create(priorityMerge(List.<Flux<String>>of())).verifyComplete();
      StepVerifier.create(priorityMerge(List.of(Flux.empty(), Flux.<String>empty())))
          .verifyComplete();
      StepVerifier.create(priorityMerge(List.of(Mono.empty(), Mono.just("a"))), 1)
          .expectNext("a")
          .verifyComplete();
    }

    @Test
    void eachSubscriptionIsAMergeOfItsOwn() {
      Flux<String> merged = priorityMerge(List.of(ready("h", 2), ready("l", 2)));
      StepVerifier.create(merged).expectNext("h1", "h2", "l1", "l2").verifyComplete();
      StepVerifier.create(merged).expectNext("h1", "h2", "l1", "l2").verifyComplete();
    }
  }

  static Stream<UnaryOperator<PrioritySpec<String>>> policies() {
    return Stream.of(
        p -> p.strict(),
        p -> p.weighted(8, 4, 1),
        p -> p.weighted(e -> 20, 8, 4, 1),
        p -> p.aging(Duration.ofSeconds(1)),
        p -> p.fairBy(e -> e.length()));
  }

  @ParameterizedTest
  @MethodSource("policies")
  void aSilentSourceBlocksNobody(UnaryOperator<PrioritySpec<String>> policy) {
    StepVerifier.create(merge(policy), 0)
        .then(() -> low.next("l1", "l2"))
        .thenRequest(1)
        .expectNext("l1")
        .thenRequest(1)
        .expectNext("l2")
        .then(() -> mid.next("m1"))
        .thenRequest(2)
        .expectNext("m1")
        .then(() -> low.next("l3"))
        .expectNext("l3")
        .thenCancel()
        .verify();
  }

  @Nested
  class Weighted {

    @Test
    void levelsTakeTurnsByTheirQuanta() {
      StepVerifier.create(
              priorityMerge(
                  List.of(ready("h", 6), ready("m", 4), ready("l", 3)),
                  (PrioritySpec<String> p) -> p.weighted(3, 2, 1)))
          .expectNext("h1", "h2", "h3", "m1", "m2", "l1")
          .expectNext("h4", "h5", "h6", "m3", "m4", "l2")
          .expectNext("l3")
          .verifyComplete();
    }

    @Test
    void aLevelThatHasNothingIsPassedOverAndLosesWhatItHasNotUsed() {
      StepVerifier.create(merge(p -> p.weighted(3, 1, 1)), 0)
          .then(() -> high.next("h1"))
          .then(() -> low.next("l1", "l2", "l3"))
          .thenRequest(2)
          .expectNext("h1", "l1")
          .then(() -> high.next("h2", "h3", "h4", "h5"))
          .thenRequest(6)
          .expectNext("h2", "h3", "h4", "l2", "h5", "l3")
          .thenCancel()
          .verify();
    }

    @Test
    void whatCostsMoreThanTheQuantumIsSavedUpFor() {
      List<String> asked = new ArrayList<>();
      StepVerifier.create(
              priorityMerge(
                  List.of(Flux.just("h3", "h3", "h3"), Flux.just("l4", "l1")),
                  (PrioritySpec<String> p) ->
                      p.weighted(
                          e -> {
                            asked.add(e);
                            return e.charAt(1) - '0';
                          },
                          3,
                          2)))
          .expectNext("h3", "h3", "l4", "h3", "l1")
          .verifyComplete();
      assertThat(asked).containsExactlyInAnyOrder("h3", "h3", "h3", "l4", "l1"); // once each
    }

    /** Two thousand million turns in which nobody can pay are not taken one by one. */
    @Test
    void hugeCostsAndTinyQuantaCostNoTime() {
      StepVerifier.create(
              priorityMerge(
                  List.of(Flux.range(1, 1_000), Flux.range(1_001, 1_000)),
                  (PrioritySpec<Integer> p) -> p.weighted(i -> Integer.MAX_VALUE - i, 2, 1)))
          .expectNext(1, 1001, 2)
          .expectNextCount(1_997)
          .verifyComplete();
    }

    @Test
    void eachLevelNeedsAQuantumOfOneOrMore() {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> merge(p -> p.weighted(3, 0, 1)))
          .withMessage("quanta[1]: 0 (expected: >= 1)");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> merge(p -> p.weighted(3, -1, 1)))
          .withMessage("quanta[1]: -1 (expected: >= 1)");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> merge(p -> p.weighted(3, 1)))
          .withMessage("quanta: [3, 1] (expected: one for each of the 3 levels)");
    }

    @Test
    void theArrayOfQuantaIsTheCallers() {
      int[] quanta = {2, 1};
      Flux<String> merged =
          priorityMerge(
              List.of(ready("h", 4), ready("l", 2)),
              (PrioritySpec<String> p) -> p.weighted(quanta));
      quanta[0] = 0;
      StepVerifier.create(merged).expectNext("h1", "h2", "l1", "h3", "h4", "l2").verifyComplete();
    }
  }

  @Nested
  class Aging {

    @Test
    void anElementRisesALevelWithEachStep() {
      Duration step = Duration.ofSeconds(10);
      StepVerifier.create(merge(p -> p.aging(step)), 0)
          .then(() -> low.next("l0")) // due at 20
          .then(() -> time.advanceTimeBy(Duration.ofSeconds(5)))
          .then(() -> low.next("l5")) // 25
          .then(() -> mid.next("m5")) // 15
          .then(() -> time.advanceTimeBy(Duration.ofSeconds(9)))
          .then(() -> high.next("h14")) // 14
          .then(() -> time.advanceTimeBy(Duration.ofSeconds(8)))
          .then(() -> high.next("h22")) // 22
          .then(() -> mid.next("m22")) // 32
          .thenRequest(6)
          .expectNext("h14", "m5", "l0", "h22", "l5", "m22")
          .thenCancel()
          .verify();
    }

    @Test
    void atTheSameTimeTheMoreUrgentLevelGoes() {
      StepVerifier.create(merge(p -> p.aging(Duration.ofSeconds(1))), 0)
          .then(() -> mid.next("m0"))
          .then(() -> time.advanceTimeBy(Duration.ofSeconds(1)))
          .then(() -> high.next("h1"))
          .thenRequest(2)
          .expectNext("h1", "m0")
          .thenCancel()
          .verify();
    }

    @Test
    void manySourcesOfOneLevelGoByAge() {
      List<TestPublisher<String>> sources =
          IntStream.range(0, 20).mapToObj(i -> TestPublisher.<String>create()).toList();
      StepVerifier.create(
              priorityMerge(
                  1,
                  Flux.fromIterable(sources).map(s -> new PrioritySource<>(0, s)),
                  (PrioritySpec<String> p) -> p.aging(Duration.ofSeconds(1)).timer(time)),
              0)
          .then(
              () -> {
                for (int i = 0; i < 60; i++) {
                  sources.get(i * 7 % 20).next("e" + i);
                  time.advanceTimeBy(Duration.ofMillis(1));
                }
              })
          .thenRequest(60)
          .expectNextSequence(IntStream.range(0, 60).mapToObj(i -> "e" + i).toList())
          .thenCancel()
          .verify();
    }

    @Test
    void theStepHasARange() {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> merge(p -> p.aging(Duration.ZERO)))
          .withMessage("agingStep: PT0S (expected: > PT0S, <= PT8760H)");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> merge(p -> p.aging(Duration.ofDays(366))));
      assertThatCode(() -> merge(p -> p.aging(Duration.ofDays(365)))).doesNotThrowAnyException();
    }
  }

  @Nested
  class FairKeys {

    private Flux<String> fair(UnaryOperator<PrioritySpec<String>> spec) {
      return merge(p -> spec.apply(p.fairBy(e -> e.charAt(0))));
    }

    @Test
    void takeTurnsWithinALevelAndKeepTheirOrder() {
      StepVerifier.create(fair(p -> p), 0)
          .then(() -> mid.next("a1", "a2", "a3", "a4", "b1", "b2", "c1"))
          .then(() -> low.next("b9"))
          .thenRequest(8)
          .expectNext("a1", "b1", "c1", "a2", "b2", "a3", "a4", "b9")
          .thenCancel()
          .verify();
    }

    @Test
    void aKeyIsThatOfAllSourcesOfALevel() {
      TestPublisher<String> other = TestPublisher.create();
      StepVerifier.create(
              priorityMerge(
                  1,
                  Flux.just(new PrioritySource<>(0, low), new PrioritySource<>(0, other)),
                  (PrioritySpec<String> p) -> p.fairBy(e -> e.charAt(0))),
              0)
          .then(() -> low.next("a1", "a2"))
          .then(() -> other.next("a3", "b1"))
          .thenRequest(4)
          .expectNext("a1", "b1", "a2", "a3")
          .thenCancel()
          .verify();
    }

    @Test
    void withAgingTheOldestOfALevelSaysHowUrgentItIs() {
      StepVerifier.create(fair(p -> p.aging(Duration.ofSeconds(10))), 0)
          .then(() -> low.next("a1", "a2", "b1")) // due at 20
          .then(() -> time.advanceTimeBy(Duration.ofSeconds(15)))
          .then(() -> low.next("b2")) // 35
          .then(() -> time.advanceTimeBy(Duration.ofSeconds(8)))
          .then(() -> high.next("x")) // 23
          .thenRequest(5)
          .expectNext("a1", "b1", "a2", "x", "b2")
          .thenCancel()
          .verify();
    }

    @Test
    void noKeyIsAKey() {
      StepVerifier.create(merge(p -> p.fairBy(e -> e.startsWith("n") ? null : e.charAt(0))), 0)
          .then(() -> low.next("n1", "n2", "n3", "a1"))
          .thenRequest(4)
          .expectNext("n1", "a1", "n2", "n3")
          .thenCancel()
          .verify();
    }

    @Test
    void doNotTakeMoreThanThePrefetchFromASourceEither() {
      AtomicInteger taken = new AtomicInteger();
      StepVerifier.create(
              priorityMerge(
                  List.of(ready("a", 100).doOnNext(e -> taken.incrementAndGet())),
                  (PrioritySpec<String> p) -> p.fairBy(e -> e).prefetch(8)),
              0)
          .then(() -> assertThat(taken).hasValue(8))
          .thenRequest(5)
          .expectNextCount(5)
          .then(() -> assertThat(taken).hasValue(8))
          .thenRequest(1)
          .expectNextCount(1)
          .then(() -> assertThat(taken).hasValue(14))
          .thenRequest(Long.MAX_VALUE)
          .expectNextCount(94)
          .verifyComplete();
    }

    @Test
    void aSourceIsThereForAsLongAsItsElementsWait() {
      List<Long> asked = new ArrayList<>();
      StepVerifier.create(
              priorityMerge(
                  1,
                  Flux.range(0, 10)
                      .map(i -> new PrioritySource<>(0, Flux.just("a" + i, "b" + i)))
                      .doOnRequest(asked::add),
                  (PrioritySpec<String> p) -> p.fairBy(e -> e.charAt(0)).maxSources(2)),
              0)
          .then(() -> assertThat(asked).containsExactly(2L))
          .thenRequest(3)
          .expectNext("a0", "b0", "a1")
          .then(() -> assertThat(asked).containsExactly(2L, 1L))
          .thenRequest(100)
          .expectNextCount(17)
          .verifyComplete();
    }

    @Test
    void aKeyFunctionThatThrowsEndsTheSequence() {
      StepVerifier.create(
              merge(
                  p ->
                      p.fairBy(
                          e -> {
                            if (e.equals("bad")) {
                              throw new IllegalStateException("boom");
                            }
                            return e;
                          })),
              0)
          .then(() -> low.next("l1", "bad"))
          .expectErrorMessage("boom")
          .verifyThenAssertThat()
          .hasDiscardedExactly("bad", "l1");
      high.assertCancelled();
      low.assertCancelled();
    }
  }

  @Nested
  class Sources {

    private final TestPublisher<PrioritySource<String>> sources = TestPublisher.create();

    private Flux<String> merge(UnaryOperator<PrioritySpec<String>> spec) {
      return priorityMerge(3, sources.flux(), p -> spec.apply(p.timer(time).observer(gauges::set)));
    }

    @Test
    void comeAndGo() {
      TestPublisher<Boolean> gone = TestPublisher.create();
      StepVerifier.create(merge(p -> p), 0)
          .then(() -> sources.next(new PrioritySource<>(2, low)))
          .then(() -> low.next("l1", "l2"))
          .thenRequest(1)
          .expectNext("l1")
          .then(
              () -> sources.next(new PrioritySource<>(0, high.flux().takeUntilOther(gone.flux()))))
          .then(() -> high.next("h1", "h2"))
          .then(() -> assertThat(gauges.get().sources()).isEqualTo(2))
          .thenRequest(1)
          .expectNext("h1")
          .then(() -> gone.next(true)) // what it has delivered is still emitted
          .then(() -> high.assertCancelled())
          .then(() -> assertThat(gauges.get().sources()).isEqualTo(2))
          .thenRequest(2)
          .expectNext("h2", "l2")
          .then(() -> assertThat(gauges.get().sources()).isEqualTo(1))
          .then(() -> sources.complete())
          .then(() -> low.complete())
          .verifyComplete();
    }

    @Test
    void ofOneLevelTakeTurns() {
      StepVerifier.create(
              priorityMerge(
                  2,
                  Flux.just(
                      new PrioritySource<>(1, ready("a", 3)),
                      new PrioritySource<>(0, ready("x", 2)),
                      new PrioritySource<>(1, ready("b", 1)),
                      new PrioritySource<>(1, ready("c", 2))),
                  (PrioritySpec<String> p) -> p))
          .expectNext("x1", "x2", "a1", "b1", "c1", "a2", "c2", "a3")
          .verifyComplete();
    }

    @Test
    void areAskedForOneByOneWhenAsManyAreThereAsMayBe() {
      List<Long> asked = new ArrayList<>();
      StepVerifier.create(
              priorityMerge(
                  1,
                  sources.flux().doOnRequest(asked::add),
                  (PrioritySpec<String> p) -> p.maxSources(2)))
          .then(() -> sources.next(new PrioritySource<>(0, low), new PrioritySource<>(0, high)))
          .then(() -> assertThat(asked).containsExactly(2L))
          .then(() -> low.complete())
          .then(() -> assertThat(asked).containsExactly(2L, 1L))
          .thenCancel()
          .verify();
    }

    @Test
    void mayComeInThousandsAtOnce() {
      StepVerifier.create(
              priorityMerge(
                  3,
                  Flux.range(0, 100_000).map(i -> new PrioritySource<>(i % 3, Mono.just(i))),
                  (PrioritySpec<Integer> p) -> p.maxSources(4)))
          .expectNextCount(100_000)
          .verifyComplete();
    }

    @Test
    void mayAllBeEmpty() {
      StepVerifier.create(
              priorityMerge(
                  3,
                  Flux.range(0, 100_000).map(i -> new PrioritySource<Integer>(i % 3, Flux.empty())),
                  (PrioritySpec<Integer> p) -> p.maxSources(1)))
          .verifyComplete();
    }

    @Test
    void needALevelThatExists() {
      StepVerifier.create(merge(p -> p))
          .then(() -> sources.next(new PrioritySource<>(2, low), new PrioritySource<>(3, high)))
          .expectErrorMessage("level: 3 (expected: 0..2)")
          .verify();
      low.assertCancelled();
      sources.assertCancelled();
      high.assertWasNotSubscribed();
      assertThatIllegalArgumentException()
          .isThrownBy(() -> new PrioritySource<>(-1, low))
          .withMessage("level: -1 (expected: >= 0)");
      for (int levels : new int[] {0, 65}) {
        assertThatIllegalArgumentException()
            .isThrownBy(() -> priorityMerge(levels, sources.flux(), p -> p))
            .withMessage("levels: " + levels + " (expected: 1..64)");
      }
    }

    @Test
    void thereMayBeSixtyFourLevels() {
      List<Flux<Integer>> levels =
          IntStream.range(0, 64).mapToObj(i -> Flux.just(i, i + 100)).toList();
      StepVerifier.create(priorityMerge(levels, p -> p.weighted(quanta(64))))
          .expectNextSequence(IntStream.range(0, 64).boxed().toList())
          .expectNextSequence(IntStream.range(100, 164).boxed().toList())
          .verifyComplete();
      List<Flux<Integer>> more = new ArrayList<>(levels);
      more.add(Flux.empty());
      assertThatIllegalArgumentException()
          .isThrownBy(() -> priorityMerge(more))
          .withMessage("sources: 65 (expected: 0..64)");
    }

    private int[] quanta(int levels) {
      int[] quanta = new int[levels];
      Arrays.fill(quanta, 1);
      return quanta;
    }

    @Test
    void mayFailThemselvesAtOnceOrInTheEnd() {
      StepVerifier.create(merge(p -> p))
          .then(() -> sources.next(new PrioritySource<>(2, low)))
          .then(() -> sources.error(new IllegalStateException("boom")))
          .verifyErrorMessage("boom");
      low.assertCancelled();

      StepVerifier.create(
              priorityMerge(
                  1,
                  Flux.just(new PrioritySource<>(0, ready("a", 2)))
                      .concatWith(Mono.error(new IllegalStateException("boom"))),
                  (PrioritySpec<String> p) -> p.delayError(true)))
          .expectNext("a1", "a2")
          .verifyErrorMessage("boom");
    }
  }

  @Nested
  class Backpressure {

    @Test
    void asksForThePrefetchThenForThreeQuartersOfIt() {
      List<Long> asked = new ArrayList<>();
      StepVerifier.create(
              priorityMerge(
                  List.of(low.flux().doOnRequest(asked::add)),
                  (PrioritySpec<String> p) -> p.prefetch(8)),
              0)
          .then(() -> assertThat(asked).containsExactly(8L))
          .then(() -> low.next("1", "2", "3", "4", "5", "6", "7", "8"))
          .thenRequest(5)
          .expectNextCount(5)
          .then(() -> assertThat(asked).containsExactly(8L))
          .thenRequest(1)
          .expectNextCount(1)
          .then(() -> assertThat(asked).containsExactly(8L, 6L))
          .thenCancel()
          .verify();
    }

    @Test
    void emitsNoMoreThanRequested() {
      StepVerifier.create(priorityMerge(List.of(ready("h", 3), ready("l", 3))), 0)
          .expectSubscription()
          .expectNoEvent(Duration.ofMillis(10))
          .thenRequest(2)
          .expectNext("h1", "h2")
          .expectNoEvent(Duration.ofMillis(10))
          .thenRequest(Long.MAX_VALUE)
          .thenRequest(Long.MAX_VALUE)
          .expectNext("h3", "l1", "l2", "l3")
          .verifyComplete();
    }

    @Test
    void completesWithoutDemandWhenNothingWaits() {
      StepVerifier.create(priorityMerge(List.of(ready("h", 1), Flux.empty())), 1)
          .expectNext("h1")
          .verifyComplete();
    }

    @Test
    void aSourceThatIgnoresItFails() {
      TestPublisher<String> rude = TestPublisher.createNoncompliant(Violation.REQUEST_OVERFLOW);
      StepVerifier.create(
              priorityMerge(
                  List.of(rude.flux(), low.flux()), (PrioritySpec<String> p) -> p.prefetch(2)),
              0)
          .then(() -> rude.next("1", "2", "3"))
          .expectErrorMatches(Exceptions::isOverflow)
          .verifyThenAssertThat()
          .hasDiscardedExactly("3", "1", "2");
      low.assertCancelled();
      rude.assertCancelled();
    }
  }

  @Nested
  class Errors {

    @Test
    void ofASourceEndTheSequenceAtOnce() {
      StepVerifier.create(merge(), 0)
          .then(() -> high.next("h1"))
          .then(() -> low.next("l1"))
          .then(() -> mid.error(new IllegalStateException("boom")))
          .expectErrorMessage("boom")
          .verifyThenAssertThat()
          .hasDiscardedExactly("h1", "l1");
      high.assertCancelled();
      low.assertCancelled();
      mid.assertNotCancelled();
    }

    @Test
    void ofASourceWithElementsThatWaitDoNotWaitForThem() {
      StepVerifier.create(merge(), 0)
          .then(() -> high.next("h1", "h2").error(new IllegalStateException("boom")))
          .expectErrorMessage("boom")
          .verifyThenAssertThat()
          .hasDiscardedExactly("h1", "h2");
    }

    @Test
    void mayWaitUntilEverythingIsEmitted() {
      StepVerifier.create(merge(p -> p.delayError(true)), 0)
          .then(() -> high.next("h1").error(new IllegalStateException("boom")))
          .then(() -> low.next("l1"))
          .thenRequest(10)
          .expectNext("h1", "l1")
          .then(() -> mid.complete())
          .then(() -> low.next("l2").complete())
          .expectNext("l2")
          .verifyErrorMessage("boom");
    }

    @Test
    void thatWaitAreOneInTheEnd() {
      StepVerifier.create(merge(p -> p.delayError(true)))
          .then(() -> high.error(new IllegalStateException("first")))
          .then(() -> mid.complete())
          .then(() -> low.error(new IllegalStateException("second")))
          .verifyErrorSatisfies(
              e ->
                  assertThat(Exceptions.unwrapMultiple(e))
                      .extracting(Throwable::getMessage)
                      .containsExactly("first", "second"));
    }

    @Test
    void thatComeAfterTheEndAreDropped() {
      TestPublisher<String> late = TestPublisher.createNoncompliant(Violation.DEFER_CANCELLATION);
      StepVerifier.create(priorityMerge(List.of(high.flux(), late.flux())))
          .then(() -> high.error(new IllegalStateException("boom")))
          .then(() -> late.next("late"))
          .then(() -> late.error(new IllegalStateException("late")))
          .expectErrorMessage("boom")
          .verifyThenAssertThat()
          .hasDiscardedExactly("late")
          .hasDroppedErrorWithMessage("late");
    }

    @Test
    void signalsAfterASourcesOwnEndAreDropped() {
      TestPublisher<String> rude = TestPublisher.createNoncompliant(Violation.CLEANUP_ON_TERMINATE);
      StepVerifier.create(priorityMerge(List.of(high.flux(), rude.flux())))
          .then(() -> rude.complete())
          .then(() -> rude.next("late"))
          .then(() -> rude.error(new IllegalStateException("late")))
          .then(() -> high.complete())
          .expectComplete()
          .verifyThenAssertThat()
          .hasDropped("late")
          .hasDroppedErrorWithMessage("late");
    }

    @Test
    void ofTheCostFunctionEndTheSequence() {
      StepVerifier.create(
              merge(
                  p ->
                      p.weighted(
                          e -> {
                            throw new IllegalStateException("boom");
                          },
                          1,
                          1,
                          1)),
              0)
          .then(() -> low.next("l1"))
          .thenRequest(1)
          .expectErrorMessage("boom")
          .verifyThenAssertThat()
          .hasDiscardedExactly("l1");
      high.assertCancelled();
    }

    @Test
    void aCostOfNothingIsOne() {
      StepVerifier.create(merge(p -> p.weighted(e -> 0, 1, 1, 1)), 0)
          .then(() -> low.next("l1"))
          .thenRequest(1)
          .expectErrorMessage("cost: 0 (expected: >= 1)")
          .verifyThenAssertThat()
          .hasDiscardedExactly("l1");
    }

    @Test
    void ofASubscriberEndTheSequenceInsteadOfSilence() {
      AtomicReference<Throwable> seen = new AtomicReference<>();
      merge()
          .subscribe(
              new reactor.core.CoreSubscriber<>() {
                @Override
                public void onSubscribe(Subscription s) {
                  s.request(Long.MAX_VALUE);
                }

                @Override
                public void onNext(String value) {
                  throw new NoClassDefFoundError("boom"); // as if a fatal one bubbles up
                }

                @Override
                public void onError(Throwable error) {
                  seen.set(error);
                }

                @Override
                public void onComplete() {}
              });
      low.next("l1");

      assertThat(seen.get()).isInstanceOf(NoClassDefFoundError.class);
      low.assertCancelled();
      high.assertCancelled();
    }

    @Test
    void areNotSkippedByOnErrorContinue() {
      StepVerifier.create(
              priorityMerge(
                      List.of(
                          Flux.just(1, 0, 2).map(i -> 10 / i).onErrorResume(e -> Mono.just(-1))))
                  .onErrorContinue((e, o) -> {}))
          .expectNext(10, -1)
          .verifyComplete();
    }

    @Test
    void ofBadInputAreTold() {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> merge(p -> p.prefetch(0)))
          .withMessage("prefetch: 0 (expected: 1..65536)");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> merge(p -> p.prefetch(65_537)))
          .withMessage("prefetch: 65537 (expected: 1..65536)");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> merge(p -> p.maxSources(0)))
          .withMessage("maxSources: 0 (expected: >= 1)");
      assertThatNullPointerException()
          .isThrownBy(() -> priorityMerge(Arrays.asList(high.flux(), null)))
          .withMessage("sources[1]");
      assertThatNullPointerException().isThrownBy(() -> merge(p -> null)).withMessage("spec");
    }
  }

  @Nested
  class Cancellation {

    @Test
    void discardsWhatWaitsAndCancelsTheSources() {
      StepVerifier.create(merge(), 0)
          .then(() -> low.next("l1", "l2"))
          .then(() -> high.next("h1"))
          .thenCancel()
          .verifyThenAssertThat()
          .hasDiscardedExactly("h1", "l1", "l2");
      high.assertCancelled();
      mid.assertCancelled();
      low.assertCancelled();
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void fromInsideOnNextDiscardsEachElementOnce(boolean fair) {
      List<String> seen = new ArrayList<>();
      List<String> discarded = new ArrayList<>();
      merge(p -> fair ? p.fairBy(e -> e.charAt(0)) : p)
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
                  mid.next("m1");
                  low.next("l1", "l2");
                  cancel();
                  assertThat(discarded).isEmpty(); // the drain is busy here
                }
              });
      high.next("h1");
      assertThat(seen).containsExactly("h1");
      assertThat(discarded).containsExactly("m1", "l1", "l2");
      low.assertCancelled();
    }

    @Test
    void whileSubscribingCancelsAndDiscardsTheRest() {
      List<String> discarded = new ArrayList<>();
      AtomicBoolean third = new AtomicBoolean();
      AtomicReference<Subscription> subscription = new AtomicReference<>();
      priorityMerge(
              List.of(
                  ready("h", 2),
                  Flux.defer(
                      () -> {
                        subscription.get().cancel();
                        return ready("m", 2);
                      }),
                  Flux.defer(
                      () -> {
                        third.set(true);
                        return ready("l", 2);
                      })))
          .doOnDiscard(String.class, discarded::add)
          .subscribe(
              new BaseSubscriber<>() {
                @Override
                protected void hookOnSubscribe(Subscription s) {
                  subscription.set(s);
                }
              });
      assertThat(discarded).containsExactlyInAnyOrder("m1", "m2", "h1", "h2");
      assertThat(third).isFalse();
    }

    @Test
    void isForOneSubscription() {
      Flux<String> merged = merge();
      List<String> seen = new ArrayList<>();
      merged.subscribe().dispose();
      merged.subscribe(seen::add);
      low.next("l1");
      assertThat(seen).containsExactly("l1");
    }
  }

  @Test
  void contextReachesTheSources() {
    StepVerifier.create(
            priorityMerge(List.of(Flux.deferContextual(ctx -> Flux.just(ctx.<String>get("key")))))
                .contextWrite(Context.of("key", "value")))
        .expectNext("value")
        .verifyComplete();
  }

  @Nested
  class Observation {

    @Test
    void gaugesTellWhatWaitsForHowLong() {
      for (boolean fair : new boolean[] {false, true}) {
        StepVerifier.create(merge(p -> fair ? p.fairBy(e -> e.charAt(0)) : p), 0)
            .then(() -> assertThat(gauges.get().levels()).isEqualTo(3))
            .then(() -> assertThat(gauges.get().sources()).isEqualTo(3))
            .then(() -> low.next("l1"))
            .then(() -> time.advanceTimeBy(Duration.ofSeconds(2)))
            .then(() -> low.next("m2"))
            .then(() -> high.next("h1"))
            .then(() -> time.advanceTimeBy(Duration.ofSeconds(1)))
            .then(() -> assertGauges(0, 1, 1))
            .then(() -> assertGauges(1, 0, 0))
            .then(() -> assertGauges(2, 2, 3))
            .then(
                () ->
                    assertThat(MeterReadings.of(gauges.get()).read())
                        .hasSize(1 + 2 * 3)
                        .containsEntry("sluice.priority.sources{}", 3.0)
                        .containsEntry("sluice.priority.waiting{level=2}", 2.0)
                        .containsEntry("sluice.priority.wait{level=2}", 3.0))
            .thenRequest(2)
            .expectNext("h1", "l1")
            .then(() -> assertGauges(0, 0, 0))
            .then(() -> assertGauges(2, 1, 1))
            .thenCancel()
            .verify();
        assertGauges(2, 0, 0);
      }
    }

    private void assertGauges(int level, int waiting, int seconds) {
      assertThat(gauges.get().waiting(level)).isEqualTo(waiting);
      assertThat(gauges.get().oldestWait(level)).isEqualTo(Duration.ofSeconds(seconds));
    }

    @Test
    void anObserverThatThrowsHurtsNobody() {
      StepVerifier.create(
              priorityMerge(
                  List.of(ready("h", 1)),
                  (PrioritySpec<String> p) ->
                      p.observer(
                          g -> {
                            throw new IllegalStateException("boom");
                          })))
          .expectNext("h1")
          .verifyComplete();
    }

    @Test
    void scan() {
      AtomicReference<Subscription> subscription = new AtomicReference<>();
      Flux<String> merged = merge(p -> p.name("orders"));
      assertThat(Scannable.from(merged).scan(Attr.NAME)).isEqualTo("orders");
      assertThat(Scannable.from(merged).scan(Attr.PREFETCH)).isEqualTo(8);
      merged
          .doOnSubscribe(subscription::set)
          .subscribe(
              new BaseSubscriber<>() {
                @Override
                protected void hookOnSubscribe(Subscription s) {
                  s.request(3);
                }
              });
      Scannable main = Scannable.from(subscription.get());
      low.next("l1", "l2", "l3", "l4", "l5");
      high.next("h1");

      assertThat(main.scan(Attr.NAME)).isEqualTo("orders");
      assertThat(main.scan(Attr.PREFETCH)).isEqualTo(8);
      assertThat(main.scan(Attr.BUFFERED)).isEqualTo(3);
      assertThat(main.scan(Attr.REQUESTED_FROM_DOWNSTREAM)).isZero();
      assertThat(main.scan(Attr.TERMINATED)).isFalse();
      assertThat(main.scan(Attr.CANCELLED)).isFalse();
      assertThat(main.scan(Attr.DELAY_ERROR)).isFalse();
      assertThat(main.scan(Attr.ERROR)).isNull();
      assertThat(main.inners().map(inner -> inner.scan(Attr.BUFFERED))).containsExactly(1, 0, 2);
      assertThat(main.inners().map(inner -> inner.scan(Attr.ACTUAL))).containsOnly(main);
      mid.complete();
      assertThat(main.inners()).hasSize(2);

      subscription.get().request(7);
      assertThat(main.scan(Attr.REQUESTED_FROM_DOWNSTREAM)).isEqualTo(4);
      subscription.get().cancel();
      assertThat(main.scan(Attr.CANCELLED)).isTrue();
      assertThat(main.scan(Attr.BUFFERED)).isZero();
    }
  }
}

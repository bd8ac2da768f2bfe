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

import static dev.sluice.convoy.GroupedConvoy.groupedConvoy;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;

import dev.sluice.delivery.ErrorClassifier;
import dev.sluice.delivery.ErrorClassifier.Kind;
import dev.sluice.dispatch.LaneGauges;
import dev.sluice.dispatch.ReadyOrder;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.reactivestreams.Publisher;
import org.reactivestreams.Subscription;
import reactor.core.Scannable;
import reactor.core.Scannable.Attr;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Operators;
import reactor.test.StepVerifier;
import reactor.test.publisher.TestPublisher;
import reactor.test.scheduler.VirtualTimeScheduler;

/**
 * The convoy of plain elements, beyond the {@linkplain GroupedConvoyContractTest contract of
 * operators}. Elements are words; their group is their first letter.
 */
@Timeout(60)
class GroupedConvoyTest {

  /** A worker for each element, which a test drives. */
  private static final class Workers {
    final Map<String, TestPublisher<String>> started = new HashMap<>();
    final List<String> order = new ArrayList<>();

    Publisher<String> start(String element) {
      order.add(element);
      return started.computeIfAbsent(element, e -> TestPublisher.<String>create()).flux();
    }

    TestPublisher<String> of(String element) {
      return started.get(element);
    }
  }

  private static final class Listener implements ConvoyListener<String> {
    final List<String> log = new ArrayList<>();
    final AtomicReference<LaneGauges> gauges = new AtomicReference<>();

    @Override
    public void subscribed(LaneGauges gauges) {
      this.gauges.set(gauges);
    }

    @Override
    public void retrying(String element, int attempt, Duration delay, Throwable error) {
      log.add("retrying " + element + " after attempt " + attempt + " in " + delay);
    }

    @Override
    public void skipped(String element, Throwable error) {
      log.add("skipped " + element + ": " + error.getMessage());
    }
  }

  private final Workers workers = new Workers();
  private final Listener listener = new Listener();
  private final VirtualTimeScheduler time = VirtualTimeScheduler.create();

  private Flux<String> convoy(Flux<String> source, UnaryOperator<ConvoySpec<String>> spec) {
    return source.transform(
        groupedConvoy(
            e -> e.charAt(0),
            workers::start,
            c -> spec.apply(c.concurrency(2).lookAhead(8).timer(time).listener(listener))));
  }

  private Flux<String> convoy(Flux<String> source) {
    return convoy(source, c -> c);
  }

  @Test
  void aReadyOrderChoosesBetweenGroupsAndNotWithinOne() {
    StepVerifier.create(
            convoy(
                Flux.just("c5", "a7", "b3", "a1"),
                c ->
                    c.concurrency(1)
                        .readyOrder(
                            ReadyOrder.mostUrgentFirst(Comparator.comparing(e -> e.charAt(1))))))
        .then(() -> List.of("c5", "b3", "a7", "a1").forEach(e -> workers.of(e).complete()))
        .verifyComplete();
    assertThat(workers.order).containsExactly("c5", "b3", "a7", "a1");
  }

  @Nested
  class Values {

    @Test
    void ofOneGroupComeInItsOrderAndThoseOfOthersAsTheyArise() {
      TestPublisher<String> source = TestPublisher.create();
      StepVerifier.create(convoy(source.flux()))
          .then(() -> source.next("a1", "a2", "b1", "c1").complete())
          .then(() -> assertThat(workers.order).containsExactly("a1", "b1"))
          .then(() -> workers.of("b1").emit("B1"))
          .expectNext("B1")
          .then(() -> workers.of("c1").emit("C1"))
          .expectNext("C1")
          .then(() -> assertThat(workers.order).containsExactly("a1", "b1", "c1"))
          .then(() -> workers.of("a1").emit("A1", "A1'"))
          .expectNext("A1", "A1'")
          .then(() -> workers.of("a2").emit("A2"))
          .expectNext("A2")
          .verifyComplete();
    }

    @Test
    void theNextOfAGroupStartsOnlyWhenTheLastValueIsOut() {
      StepVerifier.create(convoy(Flux.just("a1", "a2")), 0)
          .then(() -> workers.of("a1").emit("A1"))
          .then(() -> assertThat(workers.order).containsExactly("a1"))
          .thenRequest(1)
          .expectNext("A1")
          .then(() -> assertThat(workers.order).containsExactly("a1", "a2"))
          .thenCancel()
          .verify();
    }

    @Test
    void emptyWorkersAndEmptySourcesJustComplete() {
      StepVerifier.create(
              Flux.range(0, 1_000).transform(groupedConvoy(i -> i % 3, i -> Mono.empty())))
          .verifyComplete();
      StepVerifier.create(convoy(Flux.empty())).verifyComplete();
    }

    @Test
    void elementsWithoutAGroupHaveNoOrder() {
      StepVerifier.create(
              Flux.just("1", "2")
                  .transform(groupedConvoy(e -> null, workers::start, c -> c.concurrency(2))))
          .then(() -> workers.of("2").emit("two"))
          .expectNext("two")
          .then(() -> workers.of("1").emit("one"))
          .expectNext("one")
          .verifyComplete();
    }

    @Test
    void arraysOfBytesAreOneGroupWhenTheirContentWasTheSameWhenTheyCame() {
      byte[][] keys = {{1}, {1}, {2}, {1}};
      StepVerifier.create(
              Flux.just("0", "1", "2", "3")
                  .transform(
                      groupedConvoy(
                          e -> keys[Integer.parseInt(e)],
                          e -> {
                            keys[Integer.parseInt(e)][0] = 9; // the owner may use it again
                            return workers.start(e);
                          })))
          .then(() -> assertThat(workers.order).containsExactly("0", "2"))
          .then(() -> workers.of("0").complete())
          .then(() -> workers.of("1").complete())
          .then(() -> workers.of("3").complete())
          .then(() -> workers.of("2").complete())
          .verifyComplete();
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 7, 8, 9, 100})
    void neverStallsWhateverTheLookAhead(int lookAhead) {
      int concurrency = Math.max(1, lookAhead / 2);
      StepVerifier.create(
              Flux.range(0, 5_000)
                  .transform(
                      groupedConvoy(
                          i -> i % 5,
                          i -> i % 3 == 0 ? Mono.just(i) : Flux.just(i).hide(),
                          c -> c.concurrency(concurrency).lookAhead(lookAhead))))
          .expectNextCount(5_000)
          .verifyComplete();
    }

    @Test
    void eachSubscriptionIsAConvoyOfItsOwn() {
      Flux<Integer> convoy =
          Flux.range(0, 100).transform(groupedConvoy(i -> i % 3, i -> Mono.just(i)));
      assertThat(convoy.collectList().block()).hasSize(100);
      assertThat(convoy.collectList().block()).hasSize(100);
    }
  }

  @Nested
  class Backpressure {

    @Test
    void takesTheLookAheadAtOnceAndThenWhatHasBeenFinished() {
      TestPublisher<String> source = TestPublisher.create();
      List<Long> requests = new ArrayList<>();
      StepVerifier.create(convoy(source.flux().doOnRequest(requests::add)))
          .then(() -> assertThat(requests).containsExactly(8L))
          .then(() -> source.next("a1", "b1", "c1", "d1", "e1", "f1", "g1", "h1"))
          .then(() -> workers.of("b1").complete())
          .then(() -> workers.of("c1").complete())
          .then(() -> assertThat(requests).containsExactly(8L)) // g1 and more still wait inside
          .then(() -> workers.of("d1").complete())
          .then(() -> assertThat(requests).containsExactly(8L, 3L))
          .thenCancel()
          .verify();
    }

    @Test
    void admitsNoMoreThanTheLookAheadWhileNothingEnds() {
      AtomicInteger taken = new AtomicInteger();
      StepVerifier.create(
              convoy(Flux.range(0, 100).map(i -> "a" + i).doOnNext(i -> taken.incrementAndGet())))
          .then(() -> assertThat(taken).hasValue(8))
          .then(() -> assertThat(listener.gauges.get().admitted()).isEqualTo(8))
          .then(() -> assertThat(listener.gauges.get().lookAhead()).isEqualTo(8))
          .thenCancel()
          .verify();
      assertThat(listener.gauges.get().admitted()).isZero();
    }

    @Test
    void runsNoMoreThanTheConcurrency() {
      StepVerifier.create(convoy(Flux.just("a1", "b1", "c1", "d1")))
          .then(() -> assertThat(workers.order).containsExactly("a1", "b1"))
          .then(() -> assertThat(listener.gauges.get().running()).isEqualTo(2))
          .then(() -> assertThat(listener.gauges.get().concurrency()).isEqualTo(2))
          .thenCancel()
          .verify();
    }

    @Test
    void emitsNoMoreThanRequestedAndAsksAWorkerForThirtyTwoThenTwentyFour() {
      AtomicInteger made = new AtomicInteger();
      List<Long> requests = new ArrayList<>();
      StepVerifier.create(
              Flux.just(1)
                  .transform(
                      groupedConvoy(
                          i -> i,
                          i ->
                              Flux.range(0, 1_000)
                                  .doOnNext(v -> made.incrementAndGet())
                                  .doOnRequest(requests::add))),
              0)
          .then(() -> assertThat(made).hasValue(32))
          .thenRequest(23)
          .expectNextCount(23)
          .then(() -> assertThat(made).hasValue(32))
          .thenRequest(1)
          .expectNextCount(1)
          .then(() -> assertThat(made).hasValue(56))
          .then(() -> assertThat(requests).containsExactly(32L, 24L))
          .thenCancel()
          .verify();
    }

    @Test
    void aSlowSubscriberKeepsNoKeyFromItsRetry() {
      StepVerifier.create(
              convoy(
                  Flux.just("a1", "b1"),
                  c -> c.onFailure(f -> f.retry(1, Duration.ofSeconds(1)).jitter(0))),
              0)
          .then(() -> workers.of("a1").next("A1")) // cannot go out
          .then(() -> workers.of("b1").error(new TimeoutException()))
          .then(() -> assertThat(listener.gauges.get().sleeping()).isEqualTo(1))
          .then(() -> workers.started.remove("b1"))
          .then(() -> time.advanceTimeBy(Duration.ofSeconds(1)))
          .then(() -> assertThat(workers.order).containsExactly("a1", "b1", "b1"))
          .thenCancel()
          .verify();
    }
  }

  @Nested
  class Errors {

    private final UnaryOperator<ConvoySpec<String>> threeRetries =
        c -> c.concurrency(1).onFailure(f -> f.retry(3, Duration.ofSeconds(1)).jitter(0));

    @Test
    void ofAWorkerEndTheSequenceByDefault() {
      TestPublisher<String> source = TestPublisher.create();
      StepVerifier.create(convoy(source.flux()))
          .then(() -> source.next("a1", "a2", "b1", "c1"))
          .then(() -> workers.of("a1").error(new TimeoutException("boom")))
          .expectErrorMessage("boom")
          .verifyThenAssertThat()
          .hasDiscardedExactly("a2", "c1");
      source.assertCancelled();
      workers.of("b1").assertCancelled();
      assertThat(listener.gauges.get().running()).isZero();
    }

    @Test
    void ofTheSourceEndTheSequenceAtOnce() {
      TestPublisher<String> source = TestPublisher.create();
      StepVerifier.create(convoy(source.flux()))
          .then(() -> source.next("a1", "a2").error(new IllegalStateException("boom")))
          .expectErrorMessage("boom")
          .verifyThenAssertThat()
          .hasDiscardedExactly("a2");
      workers.of("a1").assertCancelled();
    }

    /** One slot: what sleeps does not have it, and what runs meanwhile does not overtake. */
    @Test
    void aRetryKeepsTheGroupAndFreesTheSlot() {
      StepVerifier.create(convoy(Flux.just("a1", "a2", "b1", "c1", "c2"), threeRetries))
          .then(() -> workers.of("a1").error(new TimeoutException("first")))
          .then(() -> workers.of("b1").emit("B1"))
          .expectNext("B1")
          .then(() -> workers.of("c1").emit("C1"))
          .expectNext("C1")
          .then(() -> workers.of("c2").emit("C2"))
          .expectNext("C2")
          .then(() -> assertThat(listener.gauges.get().running()).isZero())
          .then(() -> assertThat(listener.gauges.get().sleeping()).isEqualTo(1))
          .then(() -> workers.started.remove("a1"))
          .then(() -> time.advanceTimeBy(Duration.ofMillis(999)))
          .then(() -> assertThat(workers.started).doesNotContainKey("a1"))
          .then(() -> time.advanceTimeBy(Duration.ofMillis(1)))
          .then(() -> workers.of("a1").emit("A1"))
          .expectNext("A1")
          .then(() -> workers.of("a2").emit("A2"))
          .expectNext("A2")
          .verifyComplete();
      assertThat(workers.order).containsExactly("a1", "b1", "c1", "c2", "a1", "a2");
      assertThat(listener.log).containsExactly("retrying a1 after attempt 1 in PT1S");
    }

    /** No attempt is counted, and nothing of its group overtakes it. */
    @Test
    void thatAreNotTheElementsCountForNothing() {
      StepVerifier.create(
              convoy(
                  Flux.just("a1", "a2"),
                  c -> c.onFailure(f -> f.uncounted(TimeoutException.class::isInstance))))
          .then(() -> workers.started.remove("a1").error(new TimeoutException("away")))
          .then(() -> workers.started.remove("a1").error(new TimeoutException("away")))
          .then(() -> workers.of("a1").emit("A1"))
          .expectNext("A1")
          .then(() -> workers.of("a2").error(new IllegalStateException("mine")))
          .verifyErrorMessage("mine");
      assertThat(workers.order).containsExactly("a1", "a1", "a1", "a2");
      assertThat(listener.log).isEmpty();
    }

    @Test
    void aPredicateThatThrowsLetsThemCount() {
      StepVerifier.create(
              convoy(
                  Flux.just("a1"),
                  c ->
                      c.onFailure(
                          f ->
                              f.uncounted(
                                  e -> {
                                    throw new IllegalStateException("predicate");
                                  }))))
          .then(() -> workers.of("a1").error(new TimeoutException("boom")))
          .verifyErrorMessage("boom");
    }

    @Test
    void theWaitDoublesUpToItsLongest() {
      StepVerifier.create(
              Flux.just("a1")
                  .transform(
                      groupedConvoy(
                          e -> e,
                          e -> Mono.<String>error(new TimeoutException("boom")),
                          c ->
                              c.timer(time)
                                  .listener(listener)
                                  .onFailure(
                                      f ->
                                          f.retry(4, Duration.ofSeconds(1))
                                              .maxDelay(Duration.ofSeconds(3))
                                              .jitter(0)))))
          .then(() -> time.advanceTimeBy(Duration.ofSeconds(1 + 2 + 3 + 3)))
          .verifyErrorMessage("boom");
      assertThat(listener.log)
          .containsExactly(
              "retrying a1 after attempt 1 in PT1S",
              "retrying a1 after attempt 2 in PT2S",
              "retrying a1 after attempt 3 in PT3S",
              "retrying a1 after attempt 4 in PT3S");
    }

    @Test
    void skipReportsTheElementAndGoesOn() {
      StepVerifier.create(
              convoy(Flux.just("a1", "a2"), c -> c.onFailure(f -> f.then(GroupVerdict.SKIP))))
          .then(() -> workers.of("a1").error(new IllegalStateException("boom")))
          .then(() -> workers.of("a2").emit("A2"))
          .expectNext("A2")
          .verifyComplete();
      assertThat(listener.log).containsExactly("skipped a1: boom");
    }

    @Test
    void aWorkerThatHasEmittedIsNeverRunAgain() {
      StepVerifier.create(convoy(Flux.just("a1", "b1"), threeRetries))
          .then(() -> workers.of("a1").next("A1"))
          .expectNext("A1")
          .then(() -> workers.of("a1").error(new TimeoutException("boom")))
          .verifyErrorMessage("boom");
      assertThat(workers.order).containsExactly("a1");
      assertThat(listener.log).isEmpty();
    }

    @Test
    void aWorkerWhoseValuesNobodyHasSeenMayRunAgain() {
      // the values of the failed run wait for demand: they come before its error, and then it is
      // too late; without values there is nothing to repeat
      StepVerifier.create(convoy(Flux.just("a1"), threeRetries), 0)
          .then(() -> workers.of("a1").next("A1").error(new TimeoutException("boom")))
          .thenRequest(1)
          .expectNext("A1")
          .verifyErrorMessage("boom");
    }

    @Test
    void whatTheSameElementWillAlwaysProvokeIsNotRetried() {
      StepVerifier.create(
              Flux.just("a1")
                  .transform(
                      groupedConvoy(
                          e -> e,
                          e -> Mono.error(new IllegalArgumentException("bad")),
                          threeRetries)))
          .verifyErrorMessage("bad");
    }

    @Test
    void theClassifierDecides() {
      AtomicInteger runs = new AtomicInteger();
      UnaryOperator<ConvoySpec<String>> spec =
          c ->
              c.onFailure(
                  f ->
                      f.retry(3, Duration.ZERO)
                          .classifier(
                              e ->
                                  e instanceof IllegalArgumentException
                                      ? Kind.TRANSIENT
                                      : Kind.FATAL)
                          .then(GroupVerdict.SKIP));
      StepVerifier.create(
              Flux.just("a1")
                  .transform(
                      groupedConvoy(
                          e -> e,
                          e -> {
                            runs.incrementAndGet();
                            throw new IllegalArgumentException("bad");
                          },
                          spec)))
          .verifyComplete();
      assertThat(runs).hasValue(4);
      StepVerifier.create(
              Flux.just("a1")
                  .transform(groupedConvoy(e -> e, e -> Mono.error(new Exception("fatal")), spec)))
          .verifyErrorMessage("fatal");
    }

    @Test
    void aClassifierThatThrowsEndsTheSequenceWithBothErrors() {
      ErrorClassifier throwing =
          e -> {
            throw new IllegalStateException("classifier");
          };
      ErrorClassifier rethrowing =
          e -> {
            throw (RuntimeException) e;
          };
      for (ErrorClassifier classifier : List.of(throwing, rethrowing)) {
        StepVerifier.create(
                Flux.just("a1")
                    .transform(
                        groupedConvoy(
                            e -> e,
                            e -> Mono.error(new IllegalArgumentException("worker")),
                            (ConvoySpec<String> c) -> c.onFailure(f -> f.classifier(classifier)))))
            .expectErrorSatisfies(
                e -> {
                  assertThat(e).hasMessage("worker");
                  assertThat(e.getSuppressed().length).isEqualTo(classifier == throwing ? 1 : 0);
                })
            .verify();
      }
    }

    @Test
    void aThrowingFunctionIsAFailureOfItsElement() {
      UnaryOperator<ConvoySpec<Integer>> skip =
          c -> c.onFailure(f -> f.retry(2, Duration.ZERO).then(GroupVerdict.SKIP));
      AtomicInteger runs = new AtomicInteger();
      StepVerifier.create(
              Flux.range(1, 4)
                  .transform(
                      groupedConvoy(
                          i -> 12 / (i - 1), // 1 has no group
                          i -> {
                            runs.incrementAndGet();
                            if (i == 2) {
                              throw new java.io.UncheckedIOException(new java.io.IOException());
                            }
                            return i == 3 ? null : Mono.just(i);
                          },
                          skip)))
          .expectNext(4)
          .verifyComplete();
      assertThat(runs).hasValue(3 + 1 + 1); // an IOException may pass, a null does not
    }

    @Test
    void aGroupFunctionThatThrowsEndsTheSequenceByDefault() {
      StepVerifier.create(
              Flux.just(1, 2)
                  .transform(
                      groupedConvoy(
                          i -> {
                            throw new IllegalStateException("no group");
                          },
                          i -> Mono.just(i))))
          .verifyErrorMessage("no group");
    }

    @Test
    void anErrorOfACallableWorkerIsSeenAsItWasThrown() {
      AtomicReference<Throwable> seen = new AtomicReference<>();
      StepVerifier.create(
              Flux.just("a1")
                  .transform(
                      groupedConvoy(
                          e -> e,
                          e -> Mono.<String>error(new AssertionError("checked in vain")),
                          c ->
                              c.onFailure(f -> f.then(GroupVerdict.SKIP))
                                  .listener(
                                      new ConvoyListener<>() {
                                        @Override
                                        public void skipped(String element, Throwable error) {
                                          seen.set(error);
                                        }
                                      }))))
          .verifyComplete();
      assertThat(seen.get()).isInstanceOf(AssertionError.class);
    }

    @Test
    void aTimeoutCancelsTheWorkerAndIsAFailure() {
      StepVerifier.create(
              convoy(
                  Flux.just("a1", "a2"),
                  c ->
                      c.timeout(Duration.ofSeconds(2))
                          .onFailure(
                              f -> f.retry(1, Duration.ofSeconds(1)).then(GroupVerdict.SKIP))))
          .then(() -> time.advanceTimeBy(Duration.ofMillis(1_999)))
          .then(() -> workers.of("a1").assertNotCancelled())
          .then(() -> time.advanceTimeBy(Duration.ofMillis(1)))
          .then(() -> workers.of("a1").assertCancelled())
          .then(() -> workers.started.remove("a1"))
          .then(() -> time.advanceTimeBy(Duration.ofSeconds(2)))
          .then(() -> time.advanceTimeBy(Duration.ofSeconds(2)))
          .then(() -> workers.of("a1").assertCancelled())
          .then(() -> workers.of("a2").emit("A2"))
          .expectNext("A2")
          .verifyComplete();
      assertThat(listener.log.get(1))
          .isEqualTo("skipped a1: groupedConvoy: the worker took longer than PT2S");
    }

    @Test
    void aWorkerInTimeIsNotDisturbedByTheTimerOfAnEarlierOne() {
      StepVerifier.create(
              convoy(Flux.just("a1", "a2"), c -> c.timeout(Duration.ofSeconds(2)).name("bags")))
          .then(() -> time.advanceTimeBy(Duration.ofSeconds(1)))
          .then(() -> workers.of("a1").emit("A1"))
          .expectNext("A1")
          .then(() -> time.advanceTimeBy(Duration.ofMillis(1_500)))
          .then(() -> workers.of("a2").assertNotCancelled())
          .then(() -> time.advanceTimeBy(Duration.ofMillis(500)))
          .verifyErrorMessage("bags: the worker took longer than PT2S");
    }

    @Test
    void aListenerThatThrowsHurtsNobody() {
      StepVerifier.create(
              Flux.just("a1", "a2")
                  .transform(
                      groupedConvoy(
                          e -> 'a',
                          e -> e.equals("a1") ? Mono.error(new Exception()) : Mono.just(e),
                          c ->
                              c.onFailure(f -> f.then(GroupVerdict.SKIP))
                                  .listener(
                                      new ConvoyListener<>() {
                                        @Override
                                        public void subscribed(LaneGauges gauges) {
                                          throw new IllegalStateException("listener");
                                        }

                                        @Override
                                        public void skipped(String element, Throwable error) {
                                          throw new IllegalStateException("listener");
                                        }
                                      }))))
          .expectNext("a2")
          .verifyComplete();
    }
  }

  @Nested
  class Cancellation {

    @Test
    void cancelsTheSourceAndTheWorkersAndDiscardsWhatNobodyHad() {
      TestPublisher<String> source = TestPublisher.create();
      StepVerifier.create(
              convoy(source.flux(), c -> c.onFailure(f -> f.retry(1, Duration.ofDays(1)))), 0)
          .then(() -> source.next("a1", "a2", "b1", "c1", "d1", "d2"))
          .then(() -> workers.of("b1").error(new TimeoutException())) // sleeps; c1 has its slot
          .then(() -> workers.of("a1").next("A1")) // not asked for
          .thenCancel()
          .verifyThenAssertThat()
          .hasDiscardedExactly("A1", "a2", "b1", "d1", "d2");
      source.assertCancelled();
      workers.of("a1").assertCancelled();
      workers.of("c1").assertCancelled();
      time.advanceTimeBy(Duration.ofDays(2));
      assertThat(workers.order).containsExactly("a1", "b1", "c1");
      assertThat(listener.gauges.get().lanes()).isZero();
    }
  }

  @Nested
  class Contexts {

    @Test
    void onErrorContinueFurtherDownDoesNotReachIntoTheWorkers() {
      List<Object> continued = Collections.synchronizedList(new ArrayList<>());
      List<Integer> rescued = new ArrayList<>();
      Flux.just(1, 2, 3)
          .transform(
              groupedConvoy(
                  i -> i,
                  i ->
                      Flux.just(i)
                          .hide()
                          .<Integer>map(
                              n -> {
                                throw new IllegalStateException("boom");
                              })
                          .onErrorResume(
                              e -> {
                                rescued.add(i);
                                return Mono.just(-i);
                              })))
          .onErrorContinue((error, value) -> continued.add(value))
          .as(StepVerifier::create)
          .expectNext(-1, -2, -3)
          .verifyComplete();
      assertThat(rescued).containsExactly(1, 2, 3);
      assertThat(continued).isEmpty();
    }
  }

  @Nested
  class Scan {

    @Test
    void ofTheAssemblyTellsItsNameAndPrefetch() {
      Scannable assembly =
          Scannable.from(convoy(Flux.just("a1"), c -> c.name("bags").lookAhead(9)));
      assertThat(assembly.name()).isEqualTo("bags");
      assertThat(assembly.scan(Attr.PREFETCH)).isEqualTo(9);
      assertThat(assembly.scan(Attr.RUN_STYLE)).isEqualTo(Attr.RunStyle.SYNC);
      assertThat(assembly.parents()).isNotEmpty();
    }

    @Test
    void ofASubscriptionTellsWhatItIsDoing() {
      AtomicReference<Subscription> subscription = new AtomicReference<>();
      TestPublisher<String> source = TestPublisher.create();
      StepVerifier.create(
              convoy(source.flux(), c -> c.name("bags")).doOnSubscribe(subscription::set), 3)
          .then(() -> source.next("a1", "a2"))
          .then(
              () -> {
                Scannable main = Scannable.from(subscription.get());
                assertThat(main.scan(Attr.NAME)).isEqualTo("bags");
                assertThat(main.scan(Attr.BUFFERED)).isEqualTo(2);
                assertThat(main.scan(Attr.CAPACITY)).isEqualTo(8);
                assertThat(main.scan(Attr.PREFETCH)).isEqualTo(8);
                assertThat(main.scan(Attr.REQUESTED_FROM_DOWNSTREAM)).isEqualTo(3);
                assertThat(main.scan(Attr.TERMINATED)).isFalse();
                assertThat(main.scan(Attr.CANCELLED)).isFalse();
                assertThat(main.scan(Attr.ERROR)).isNull();
                assertThat(main.scan(Attr.RUN_STYLE)).isEqualTo(Attr.RunStyle.SYNC);
                assertThat(main.scan(Attr.ACTUAL)).isNotNull();
                assertThat(main.scan(Attr.PARENT)).isNotNull();
                assertThat(main.scan(Attr.LARGE_BUFFERED)).isNull();
                assertThat(main.inners()).isEmpty();
              })
          .then(() -> source.error(new IllegalStateException("boom")))
          .verifyError();
      Scannable main = Scannable.from(subscription.get());
      assertThat(main.scan(Attr.TERMINATED)).isTrue();
      assertThat(main.scan(Attr.ERROR)).hasMessage("boom");
    }

    @Test
    void ofAWorkerIsWalkableUpAndDown() {
      AtomicReference<Scannable> seen = new AtomicReference<>();
      Flux.just("a1")
          .transform(
              groupedConvoy(
                  e -> e,
                  e ->
                      subscriber -> {
                        Scannable inner = Scannable.from(subscriber);
                        subscriber.onSubscribe(Operators.emptySubscription());
                        subscriber.onNext("A1");
                        seen.set(inner);
                      }))
          .subscribe()
          .dispose();
      assertThat(seen.get().isScanAvailable()).isTrue();
    }
  }

  @Nested
  class Options {

    private void refused(UnaryOperator<ConvoySpec<String>> spec, String message) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> groupedConvoy((String e) -> e, e -> Mono.just(e), spec))
          .withMessage(message);
    }

    @Test
    void nameTheOffendingValue() {
      refused(c -> c.concurrency(0), "concurrency: 0 (expected: >= 1)");
      refused(c -> c.concurrency(-7), "concurrency: -7 (expected: >= 1)");
      refused(c -> c.lookAhead(0), "lookAhead: 0 (expected: >= 1)");
      refused(c -> c.concurrency(8).lookAhead(7), "lookAhead: 7 (expected: >= concurrency, 8)");
      refused(c -> c.timeout(Duration.ZERO), "timeout: PT0S (expected: > PT0S, <= PT8760H)");
      refused(
          c -> c.timeout(Duration.ofSeconds(-1)), "timeout: PT-1S (expected: > PT0S, <= PT8760H)");
      refused(
          c -> c.lossGrace(Duration.ofNanos(-1)),
          "lossGrace: PT-0.000000001S (expected: PT0S..PT8760H)");
      refused(c -> c.onFailure(f -> f.retry(-1, Duration.ZERO)), "retries: -1 (expected: >= 0)");
      refused(
          c -> c.onFailure(f -> f.retry(1, Duration.ofSeconds(-1))),
          "first: PT-1S (expected: PT0S..PT8760H)");
      refused(
          c -> c.onFailure(f -> f.retry(1, Duration.ofSeconds(2)).maxDelay(Duration.ofSeconds(1))),
          "max: PT1S (expected: PT2S..PT8760H)");
      refused(
          c -> c.onFailure(f -> f.maxDelay(Duration.ofDays(366))),
          "max: PT8784H (expected: PT0.2S..PT8760H)");
      refused(c -> c.onFailure(f -> f.jitter(1.5)), "jitter: 1.5 (expected: 0..1)");
      refused(
          c -> c.onFailure(f -> f.then(GroupVerdict.DEAD_LETTER)),
          "verdict: DEAD_LETTER (expected: SKIP or FAIL_FLOW; only a Flow has the others)");
    }

    @Test
    void nameWhatIsMissing() {
      assertThatNullPointerException()
          .isThrownBy(() -> groupedConvoy(null, e -> Mono.empty()))
          .withMessage("group");
      assertThatNullPointerException()
          .isThrownBy(() -> groupedConvoy(e -> e, null))
          .withMessage("worker");
      assertThatNullPointerException()
          .isThrownBy(() -> groupedConvoy(e -> e, e -> Mono.empty(), c -> null))
          .withMessage("spec");
    }

    @Test
    void defaultToSixtyFourWorkersAndALookAheadOfAtLeastAThousand() {
      Scannable small = Scannable.from(convoyWith(c -> c.concurrency(1)));
      Scannable large = Scannable.from(convoyWith(c -> c.concurrency(100)));
      Scannable standard =
          Scannable.from(Flux.just("a").transform(groupedConvoy(e -> e, e -> Mono.just(e))));
      assertThat(small.scan(Attr.PREFETCH)).isEqualTo(1024);
      assertThat(large.scan(Attr.PREFETCH)).isEqualTo(1600);
      assertThat(standard.scan(Attr.PREFETCH)).isEqualTo(1024);
      assertThat(standard.name()).isEqualTo("groupedConvoy");
    }

    @Test
    void leaveTheLargestNumbersAlone() {
      assertThat(
              Flux.range(0, 10)
                  .transform(
                      groupedConvoy(
                          i -> i, i -> Mono.just(i), c -> c.concurrency(Integer.MAX_VALUE)))
                  .collectList()
                  .block())
          .hasSize(10);
    }

    private Flux<String> convoyWith(UnaryOperator<ConvoySpec<String>> spec) {
      return Flux.just("a").transform(groupedConvoy(e -> e, e -> Mono.just(e), spec));
    }
  }
}

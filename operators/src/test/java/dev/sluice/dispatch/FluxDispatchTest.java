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
import static org.assertj.core.api.Assertions.entry;

import dev.sluice.test.MeterReadings;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.reactivestreams.Publisher;
import org.reactivestreams.Subscription;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;
import reactor.test.StepVerifier;
import reactor.test.publisher.TestPublisher;
import reactor.test.scheduler.VirtualTimeScheduler;
import reactor.test.util.RaceTestUtils;

/**
 * The engine by itself, with a behaviour that a test scripts: holds, verdicts, reuse, fatal ends.
 */
@Timeout(60)
class FluxDispatchTest {

  private static final int ROUNDS = 4_000; // the windows of these races are narrow

  private final ScriptedWork work = new ScriptedWork();
  private final AtomicReference<LaneGauges> gauges = new AtomicReference<>();
  private final VirtualTimeScheduler time = VirtualTimeScheduler.create();

  private Flux<String> dispatch(Flux<Integer> source, int concurrency, int lookAhead) {
    return dispatch(source, concurrency, lookAhead, null, time);
  }

  private Flux<String> dispatch(
      Flux<Integer> source, int concurrency, int lookAhead, Duration timeout, Scheduler timer) {
    return FluxDispatch.create(
        source,
        () -> work,
        new DispatchOptions(
            "engine", Concurrency.fixed(concurrency), lookAhead, timeout, timer, gauges::set));
  }

  @Nested
  class Holds {

    private final List<Lane<Integer>> held = new ArrayList<>();

    private void holdEverything() {
      work.completed =
          lane -> {
            held.add(lane);
            return Verdict.HOLD;
          };
    }

    @Test
    void aHeldLaneLocksItsKeyAndFreesItsSlot() {
      holdEverything();
      StepVerifier.create(dispatch(Flux.just(1, 11, 2), 1, 8))
          .expectNext("1:1", "2:2") // 11 waits for 1, though nothing runs
          .then(() -> assertThat(gauges.get().running()).isZero())
          .then(() -> assertThat(gauges.get().lanes()).isEqualTo(2))
          .then(() -> held.get(0).finish(Verdict.NEXT))
          .expectNext("11:11")
          .then(() -> held.get(1).finish(Verdict.NEXT))
          .then(() -> held.get(2).finish(Verdict.NEXT))
          .verifyComplete();
    }

    @Test
    void aHoldMayBeFinishedBeforeItIsReturned() {
      work.completed =
          lane -> {
            lane.finish(Verdict.NEXT);
            return Verdict.HOLD;
          };
      StepVerifier.create(dispatch(Flux.range(0, 1_000), 1, 1))
          .expectNextCount(1_000)
          .verifyComplete();
    }

    @Test
    void aHoldCanEndInAnotherRunAndInTheEndOfEverything() {
      holdEverything();
      StepVerifier.create(dispatch(Flux.just(1), 1, 1))
          .expectNext("1:1")
          .then(() -> held.get(0).finish(Verdict.retry(Duration.ofSeconds(1))))
          .then(() -> assertThat(gauges.get().sleeping()).isEqualTo(1))
          .then(() -> time.advanceTimeBy(Duration.ofSeconds(1)))
          .expectNext("1:1")
          .then(() -> held.get(1).finish(Verdict.rerun(Duration.ZERO)))
          .expectNext("1:1")
          .then(() -> held.get(2).finish(Verdict.fail(new IllegalStateException("boom"))))
          .verifyErrorMessage("boom");
      assertThat(work.log)
          .containsExactly(
              "start 1 attempt 1",
              "completed 1",
              "start 1 attempt 2", // a retry counts
              "completed 1",
              "start 1 attempt 2", // a rerun does not
              "completed 1",
              "abandoned 1");
    }

    @Test
    void finishingALaneThatIsNotHeldEndsTheSequenceInsteadOfBreakingAnotherOne() {
      AtomicReference<Lane<Integer>> lane = new AtomicReference<>();
      work.start =
          started -> {
            lane.set(started);
            return Mono.never();
          };
      StepVerifier.create(dispatch(Flux.just(1), 1, 1))
          .then(() -> lane.get().finish(Verdict.NEXT))
          .verifyErrorMessage("finish of a lane that is RUNNING, not held");
    }

    @RepeatedTest(200)
    void finishRacesTheHoldAndCancel() {
      AtomicReference<Lane<Integer>> lane = new AtomicReference<>();
      Sinks.One<Integer> worker = Sinks.one();
      work.start =
          started -> {
            lane.set(started);
            return worker.asMono();
          };
      // the lane is finished by whoever settles, which may be before the hold is returned
      work.completed =
          completed -> {
            Schedulers.parallel().schedule(() -> completed.finish(Verdict.NEXT));
            return Verdict.HOLD;
          };
      AtomicInteger ends = new AtomicInteger();
      Queue<Integer> discarded = new ConcurrentLinkedQueue<>(); // two threads discard
      var subscription =
          dispatch(Flux.just(1, 11).concatWith(Flux.never()), 1, 4)
              .doOnDiscard(Integer.class, discarded::add)
              .doFinally(signal -> ends.incrementAndGet())
              .subscribe();

      RaceTestUtils.race(() -> worker.tryEmitValue(100), subscription::dispose);

      assertThat(ends).hasValue(1);
      Await.until(() -> gauges.get().admitted() == 0 ? null : "admitted");
      for (int element : new int[] {1, 11}) {
        int ended = work.log.contains("abandoned " + element) ? 1 : 0;
        ended += discarded.contains(element) ? 1 : 0;
        assertThat(ended > 0 ? ended : work.log.contains("completed " + element) ? 1 : 0)
            .as("fates of %d: %s, discarded %s", element, work.log, discarded)
            .isEqualTo(1);
      }
    }
  }

  @Nested
  class Interruptions {

    private final List<Lane<Integer>> lanes = new ArrayList<>();
    private final List<Integer> runs = new ArrayList<>();
    private final TestPublisher<Integer> worker = TestPublisher.create();

    private void interrupt(int start) {
      lanes.get(start).interrupt(runs.get(start), new IllegalStateException("not ours"));
    }

    private Flux<String> dispatch(Integer... elements) {
      work.start =
          lane -> {
            lanes.add(lane);
            runs.add(lane.run());
            return lanes.size() == 1 ? worker : Mono.just(lane.element());
          };
      return FluxDispatchTest.this.dispatch(Flux.just(elements).concatWith(Flux.never()), 1, 8);
    }

    @Test
    void cancelTheWorkerAndLetTheBehaviourDecide() {
      work.failed = (lane, error) -> Verdict.retry(Duration.ZERO);
      StepVerifier.create(dispatch(1))
          .then(() -> interrupt(0))
          .expectNext("1:1") // the second run
          .then(() -> worker.assertCancelled())
          .thenCancel()
          .verify();
      assertThat(work.log)
          .containsExactly("start 1 attempt 1", "failed 1", "start 1 attempt 2", "completed 1");
    }

    @Test
    void discardValuesThatWaitForDemandAlsoOfAWorkerThatHasEnded() {
      work.failed = (lane, error) -> Verdict.NEXT;
      StepVerifier.create(dispatch(1, 11), 0)
          .then(() -> worker.next(7, 8).complete())
          .then(() -> interrupt(0))
          .thenRequest(5)
          .expectNext("11:11")
          .thenCancel()
          .verifyThenAssertThat()
          .hasDiscardedExactly(7, 8);
    }

    @Test
    void endAHold() {
      work.completed = lane -> lane.element() == 1 ? Verdict.HOLD : Verdict.NEXT;
      work.failed = (lane, error) -> Verdict.NEXT;
      StepVerifier.create(dispatch(1, 11))
          .then(worker::complete)
          .then(() -> interrupt(0))
          .expectNext("11:11")
          .thenCancel()
          .verify();
      assertThat(work.log).contains("failed 1 once");
    }

    @Test
    void thatComeTooLateFindNothing() {
      TestPublisher<Integer> again = TestPublisher.create();
      work.completed =
          lane -> lane.attempt() == 1 ? Verdict.retry(Duration.ofSeconds(1)) : Verdict.HOLD;
      Flux<String> all = dispatch(1);
      Function<Lane<Integer>, Publisher<Integer>> first = work.start;
      work.start = lane -> first.apply(lane) == worker ? worker : again;
      StepVerifier.create(all)
          .then(worker::complete)
          .then(() -> interrupt(0)) // asleep
          .then(() -> time.advanceTimeBy(Duration.ofSeconds(1)))
          .then(() -> interrupt(0)) // runs again
          .then(() -> again.emit(1))
          .expectNext("1:1")
          .then(() -> interrupt(0)) // held
          .then(() -> lanes.get(1).finish(Verdict.NEXT))
          .then(() -> interrupt(1)) // gone
          .thenCancel()
          .verify();
      assertThat(work.log).isNotEmpty().noneMatch(what -> what.startsWith("failed"));
    }

    @Test
    void afterTheEndAreNothing() {
      StepVerifier.create(dispatch(1)).then(worker::assertSubscribers).thenCancel().verify();
      interrupt(0);
      assertThat(work.log).containsExactly("start 1 attempt 1", "abandoned 1");
    }
  }

  @Nested
  class Abandonment {

    @Test
    void runningAndHeldLanesAreAbandonedAndEverythingElseIsDiscarded() {
      work.start =
          lane ->
              switch (lane.element()) {
                case 1 -> Mono.never(); // runs
                case 2 -> Mono.empty(); // is held
                case 3 -> Mono.error(new IllegalStateException()); // sleeps
                default -> Mono.never();
              };
      work.completed = lane -> Verdict.HOLD;
      work.failed = (lane, error) -> Verdict.retry(Duration.ofDays(1));
      TestPublisher<Integer> source = TestPublisher.create();
      StepVerifier.create(dispatch(source.flux(), 2, 16))
          .then(() -> source.next(1, 2, 3, 4, 11, 12, 13, 5, 6))
          .thenCancel()
          .verifyThenAssertThat()
          .hasDiscardedExactly(3, 13, 11, 12, 5, 6);
      assertThat(work.log)
          .contains("abandoned 1", "abandoned 2", "abandoned 4")
          .doesNotContain("abandoned 3");
      source.assertCancelled();
    }

    @Test
    void whatWaitsBehindAKeyIsGivenBackInItsOrder() {
      work.start = lane -> Mono.never();
      List<Integer> discarded = new ArrayList<>();
      dispatch(Flux.just(1, 11, 2, 21, 31, 41, 51).concatWith(Flux.never()), 2, 16)
          .doOnDiscard(Integer.class, discarded::add)
          .subscribe()
          .dispose();

      assertThat(discarded).containsExactly(11, 21, 31, 41, 51);
    }
  }

  @Nested
  class Retries {

    @Test
    void aKeyThatRetriesAtOnceLetsThoseGoFirstThatAreReady() {
      AtomicReference<Lane<Integer>> held = new AtomicReference<>();
      Sinks.One<Integer> worker = Sinks.one();
      work.start =
          lane ->
              lane.element() == 3 && lane.attempt() == 1
                  ? worker.asMono()
                  : Mono.just(lane.element());
      work.completed =
          lane -> held.compareAndSet(null, lane) ? Verdict.HOLD : Verdict.NEXT; // 2, once
      work.failed = (lane, error) -> Verdict.retry(Duration.ZERO);
      StepVerifier.create(dispatch(Flux.just(2, 3), 1, 4))
          .expectNext("2:2")
          .then(() -> held.get().finish(Verdict.rerun(Duration.ZERO))) // 3 has the slot
          .then(() -> worker.tryEmitError(new TimeoutException()))
          .expectNext("2:2", "3:3")
          .verifyComplete();
    }

    @Test
    void thousandsOfRetriesAtOnceNeedNoStack() {
      TimeoutException failure = new TimeoutException();
      work.start =
          lane -> lane.attempt() < 20_000 ? Mono.error(failure) : Mono.just(lane.element());
      work.failed = (lane, error) -> Verdict.retry(Duration.ZERO);
      StepVerifier.create(dispatch(Flux.just(1), 1, 1)).expectNext("1:1").verifyComplete();
    }

    @Test
    void endlessRetriesAtOnceCanBeCancelled() {
      AtomicInteger runs = new AtomicInteger();
      AtomicReference<Subscription> subscription = new AtomicReference<>();
      work.start =
          lane -> {
            if (runs.incrementAndGet() == 1_000) {
              subscription.get().cancel();
            }
            return Mono.error(new TimeoutException());
          };
      work.failed = (lane, error) -> Verdict.retry(Duration.ZERO);
      dispatch(Flux.just(1), 1, 1).doOnSubscribe(subscription::set).subscribe();

      assertThat(runs).hasValue(1_000);
    }

    @Test
    void aDelayLongerThanALongOfNanosecondsIsTheLongest() {
      work.start = lane -> Mono.error(new TimeoutException());
      work.failed = (lane, error) -> Verdict.retry(Duration.ofSeconds(Long.MAX_VALUE));
      StepVerifier.create(dispatch(Flux.just(1), 1, 1))
          .then(() -> assertThat(gauges.get().sleeping()).isEqualTo(1))
          .thenCancel()
          .verify();
    }

    @Test
    void aTimerThatRefusesEndsTheSequence() {
      Scheduler disposed = Schedulers.newSingle("disposed");
      disposed.dispose();
      Sinks.One<Integer> worker = Sinks.one();
      work.start = lane -> worker.asMono();
      work.failed = (lane, error) -> Verdict.retry(Duration.ofSeconds(1));
      TestPublisher<Integer> source = TestPublisher.create();
      StepVerifier.create(dispatch(source.flux(), 1, 4, null, disposed))
          .then(() -> source.next(1, 11))
          .then(() -> worker.tryEmitError(new TimeoutException()))
          .expectError(RejectedExecutionException.class)
          .verifyThenAssertThat()
          .hasDiscardedExactly(1, 11);
      source.assertCancelled();
    }

    @Test
    void aTimerThatRefusesATimeoutEndsTheSequenceBeforeTheWorkerIsSubscribedTo() {
      AtomicInteger subscriptions = new AtomicInteger();
      work.start =
          lane -> Flux.<Integer>never().doOnSubscribe(s -> subscriptions.incrementAndGet());
      StepVerifier.create(
              dispatch(Flux.just(1), 1, 1, Duration.ofSeconds(1), Schedulers.immediate()))
          .verifyError(RejectedExecutionException.class);
      assertThat(subscriptions).hasValue(0);
    }
  }

  @Nested
  class Fatal {

    @Test
    void aWorkerFunctionThatThrowsWhatReactorCallsFatalEndsTheSequence() {
      work.start =
          lane -> {
            throw new NoClassDefFoundError("boom");
          };
      TestPublisher<Integer> source = TestPublisher.create();
      StepVerifier.create(dispatch(source.flux(), 1, 4))
          .then(() -> source.next(1))
          .expectErrorMatches(e -> e instanceof NoClassDefFoundError)
          .verify();
      source.assertCancelled();
    }

    @Test
    void aWorkerThatSignalsWhatReactorCallsFatalEndsTheSequence() {
      Sinks.One<Integer> worker = Sinks.one();
      work.start = lane -> worker.asMono();
      TestPublisher<Integer> source = TestPublisher.create();
      StepVerifier.create(dispatch(source.flux(), 1, 4))
          .then(() -> source.next(1, 2))
          .then(() -> worker.tryEmitError(new StackOverflowError("boom")))
          .expectErrorMatches(e -> e instanceof StackOverflowError)
          .verifyThenAssertThat()
          .hasDiscardedExactly(2);
      source.assertCancelled();
    }

    @Test
    void aSubscriberThatThrowsGetsTheErrorInsteadOfSilence() {
      TestPublisher<Integer> source = TestPublisher.create();
      AtomicReference<Throwable> seen = new AtomicReference<>();
      List<String> logged = new ArrayList<>();
      dispatch(source.flux(), 1, 4)
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
                  logged.addAll(work.log); // by then everything has its fate
                }

                @Override
                public void onComplete() {}
              });
      source.next(1);

      assertThat(seen.get()).isInstanceOf(NoClassDefFoundError.class);
      source.assertCancelled();
      assertThat(logged).contains("abandoned 1");
    }

    @Test
    void theKeysOwnMethodsMayThrow() {
      record Touchy(int number) {
        @Override
        public int hashCode() {
          if (number == 3) {
            throw new IllegalStateException("hash");
          }
          return 1;
        }

        @Override
        public boolean equals(Object other) {
          if (number == 4 || ((Touchy) other).number == 4) {
            throw new IllegalStateException("equals");
          }
          return ((Touchy) other).number == number;
        }
      }

      work.key = Touchy::new;
      List<String> failures = new ArrayList<>();
      work.failed =
          (lane, error) -> {
            failures.add(lane.element() + " " + error.getMessage());
            return Verdict.NEXT;
          };
      Sinks.One<Integer> one = Sinks.one();
      work.start = lane -> lane.element() == 1 ? one.asMono() : Mono.just(lane.element());
      StepVerifier.create(dispatch(Flux.just(1, 2, 3, 4, 5), 2, 8))
          .expectNext("2:2", "5:5")
          .then(() -> one.tryEmitValue(0))
          .expectNext("1:0")
          .verifyComplete();
      assertThat(failures).containsExactly("3 hash", "4 equals");
    }
  }

  @Nested
  class Workers {

    @Test
    void oneThatThrowsInSubscribeFailsAndFreesItsSlot() {
      Publisher<Integer> throwing =
          subscriber -> {
            throw new IllegalStateException("boom");
          };
      work.start = lane -> lane.element() < 5 ? throwing : Mono.just(lane.element());
      work.failed = (lane, error) -> Verdict.NEXT;
      StepVerifier.create(dispatch(Flux.range(0, 10), 1, 4))
          .expectNext("5:5", "6:6", "7:7", "8:8", "9:9")
          .verifyComplete();
      assertThat(work.log).contains("failed 0", "failed 4");
      assertThat(gauges.get().running()).isZero();
    }

    @Test
    void oneThatThrowsAfterItHasSubscribedIsCancelled() {
      TestPublisher<Integer> inner = TestPublisher.create();
      Publisher<Integer> throwing =
          subscriber -> {
            inner.flux().subscribe(subscriber);
            throw new NoClassDefFoundError("boom");
          };
      work.start = lane -> throwing;
      work.failed = (lane, error) -> Verdict.NEXT;
      StepVerifier.create(dispatch(Flux.just(1), 1, 1)).verifyComplete();
      inner.assertCancelled();
      assertThat(work.log).contains("failed 1");
    }

    @Test
    void synchronousOnesMayEmitThousandsOfValuesToASlowSubscriber() {
      work.start = lane -> Flux.range(0, 10_000);
      StepVerifier.create(dispatch(Flux.just(1, 2, 11), 2, 8), 0)
          .thenRequest(7)
          .expectNextCount(7)
          .thenRequest(9_993)
          .expectNextCount(9_993)
          .thenRequest(Long.MAX_VALUE)
          .expectNextCount(20_000)
          .verifyComplete();
    }

    @Test
    void oneThatIgnoresBackpressureFails() {
      TestPublisher<Integer> rude =
          TestPublisher.createNoncompliant(TestPublisher.Violation.REQUEST_OVERFLOW);
      work.start = lane -> rude.flux();
      StepVerifier.create(dispatch(Flux.just(1), 1, 1), 0)
          .then(
              () -> {
                for (int i = 0; i <= WorkerInner.PREFETCH; i++) {
                  rude.next(i);
                }
              })
          .thenRequest(Long.MAX_VALUE)
          .expectNextCount(WorkerInner.PREFETCH)
          .expectErrorMessage("the worker emitted more than the 32 values asked for")
          .verifyThenAssertThat()
          .hasDiscardedExactly(WorkerInner.PREFETCH);
      rude.assertCancelled();
    }

    @Test
    void oneThatEndsTwiceEndsNoOthersWork() {
      TestPublisher<Integer> first =
          TestPublisher.createNoncompliant(TestPublisher.Violation.CLEANUP_ON_TERMINATE);
      TestPublisher<Integer> second = TestPublisher.create();
      work.start = lane -> lane.element() == 1 ? first : second;
      StepVerifier.create(dispatch(Flux.just(1, 2), 1, 8))
          .then(first::complete)
          .then(() -> first.next(7))
          .then(first::complete)
          .then(() -> first.error(new IllegalStateException("late")))
          .then(() -> assertThat(gauges.get().running()).isEqualTo(1))
          .then(() -> second.emit(2))
          .expectNext("2:2")
          .expectComplete()
          .verifyThenAssertThat()
          .hasDropped(7)
          .hasDroppedErrorWithMessage("late");
    }

    @Test
    void oneThatTimesOutIsCancelledAndItsLateSignalsAreNobodys() {
      TestPublisher<Integer> slow =
          TestPublisher.createNoncompliant(TestPublisher.Violation.DEFER_CANCELLATION);
      work.start = lane -> lane.attempt() == 1 ? slow.flux() : Mono.just(lane.element());
      work.failed = (lane, error) -> Verdict.retry(Duration.ZERO);
      StepVerifier.create(dispatch(Flux.just(1), 1, 1, Duration.ofSeconds(1), time), 0)
          .then(() -> slow.next(100))
          .then(() -> time.advanceTimeBy(Duration.ofSeconds(1)))
          .then(() -> slow.next(101))
          .then(() -> slow.error(new IllegalStateException("late")))
          .thenRequest(10)
          .expectNext("1:1")
          .expectComplete()
          .verifyThenAssertThat()
          .hasDiscardedExactly(100, 101)
          .hasDroppedErrorWithMessage("late");
      slow.assertWasCancelled();
    }

    @Test
    void oneThatHasEndedInTimeIsNotTimedOutByASlowSubscriber() {
      work.start = lane -> Flux.just(7, 8).hide();
      work.failed = (lane, error) -> Verdict.fail(error);
      StepVerifier.create(dispatch(Flux.just(1), 1, 1, Duration.ofSeconds(1), time), 0)
          .thenRequest(1)
          .expectNext("1:7")
          .then(() -> time.advanceTimeBy(Duration.ofSeconds(2)))
          .thenRequest(1)
          .expectNext("1:8")
          .verifyComplete();
    }

    @RepeatedTest(5)
    void valuesHaveOneFateWhenTheTimeoutRacesThem() {
      for (int round = 0; round < ROUNDS; round++) {
        work.log.clear();
        VirtualTimeScheduler clock = VirtualTimeScheduler.create();
        TestPublisher<Integer> worker =
            TestPublisher.createNoncompliant(TestPublisher.Violation.DEFER_CANCELLATION);
        work.start = lane -> worker.flux();
        work.failed = (lane, error) -> Verdict.NEXT;
        Queue<Integer> seen = new ConcurrentLinkedQueue<>();
        dispatch(Flux.just(1).concatWith(Flux.never()), 1, 4, Duration.ofSeconds(1), clock)
            .doOnDiscard(Integer.class, seen::add)
            .subscribe(value -> seen.add(Integer.valueOf(value.substring(2))));

        RaceTestUtils.race(
            () -> {
              for (int i = 0; i < 8; i++) {
                worker.next(i);
              }
            },
            () -> clock.advanceTimeBy(Duration.ofSeconds(1)));

        assertThat(seen).containsExactlyInAnyOrder(0, 1, 2, 3, 4, 5, 6, 7);
        assertThat(gauges.get().running()).isZero();
      }
    }

    @RepeatedTest(5)
    void valuesHaveOneFateWhenAnotherWorkerFailsMeanwhile() {
      for (int round = 0; round < ROUNDS; round++) {
        work.log.clear();
        List<TestPublisher<Integer>> talking = new ArrayList<>();
        Sinks.One<Integer> failing = Sinks.one();
        work.start =
            lane -> {
              if (lane.element() == 3) {
                return failing.asMono();
              }
              TestPublisher<Integer> worker =
                  TestPublisher.createNoncompliant(TestPublisher.Violation.DEFER_CANCELLATION);
              talking.add(worker);
              return worker.flux();
            };
        Queue<Integer> seen = new ConcurrentLinkedQueue<>();
        dispatch(Flux.just(1, 2, 3), 3, 4)
            .doOnDiscard(Integer.class, seen::add)
            .subscribe(value -> seen.add(Integer.valueOf(value.substring(2))), e -> {});

        RaceTestUtils.race(
            () -> IntStream.range(100, 110).forEach(talking.get(0)::next),
            () -> IntStream.range(110, 120).forEach(talking.get(1)::next),
            () -> failing.tryEmitError(new IllegalStateException("boom")));

        assertThat(seen)
            .containsExactlyInAnyOrderElementsOf(IntStream.range(100, 120).boxed().toList());
      }
    }

    @Test
    void theSecondErrorGoesToTheDroppedHook() {
      TestPublisher<Integer> first = TestPublisher.create();
      TestPublisher<Integer> second = TestPublisher.create();
      work.start = lane -> lane.element() == 1 ? first.flux() : second.flux();
      StepVerifier.create(dispatch(Flux.just(1, 2), 2, 4), 0)
          .then(() -> first.next(1)) // keeps its end waiting for demand
          .then(() -> first.error(new IllegalStateException("first")))
          .then(() -> second.error(new IllegalStateException("second")))
          .expectErrorMessage("second")
          .verifyThenAssertThat()
          .hasDiscarded(1)
          .hasDroppedErrorWithMessage("first");
    }
  }

  @Nested
  class Source {

    @Test
    void anErrorAfterTheEndGoesToTheDroppedHook() {
      TestPublisher<Integer> source =
          TestPublisher.createNoncompliant(TestPublisher.Violation.DEFER_CANCELLATION);
      work.start = lane -> Mono.error(new IllegalStateException("boom"));
      StepVerifier.create(dispatch(source.flux(), 1, 4))
          .then(() -> source.next(1))
          .then(() -> source.error(new IllegalStateException("late")))
          .expectErrorMessage("boom")
          .verifyThenAssertThat()
          .hasDroppedErrorWithMessage("late");
    }

    @Test
    void anOverflowIsAnErrorAndTheElementIsDiscarded() {
      TestPublisher<Integer> source =
          TestPublisher.createNoncompliant(TestPublisher.Violation.REQUEST_OVERFLOW);
      work.start = lane -> Mono.never();
      StepVerifier.create(dispatch(source.flux(), 1, 1))
          .then(() -> source.next(1, 11, 21, 31))
          .expectErrorMatches(reactor.core.Exceptions::isOverflow)
          .verifyThenAssertThat()
          .hasDiscardedExactly(21, 11); // 31 came after the end
    }

    @Test
    void whatComesAfterTheEndIsDropped() {
      TestPublisher<Integer> source =
          TestPublisher.createNoncompliant(TestPublisher.Violation.CLEANUP_ON_TERMINATE);
      StepVerifier.create(dispatch(source.flux(), 1, 4))
          .then(source::complete)
          .then(() -> source.next(1))
          .then(() -> source.error(new IllegalStateException("late")))
          .expectComplete()
          .verifyThenAssertThat()
          .hasDropped(1)
          .hasDroppedErrorWithMessage("late");
    }

    @Test
    void isAskedForOneByOneWhenTheLookAheadIsOne() {
      List<Long> requests = new ArrayList<>();
      StepVerifier.create(dispatch(Flux.range(0, 50).doOnRequest(requests::add), 1, 1))
          .expectNextCount(50)
          .verifyComplete();
      assertThat(requests).containsOnly(1L).hasSize(51); // it learns of the end by asking once more
    }
  }

  @Nested
  class AtOnce {

    private final List<String> seen = new ArrayList<>();

    @Test
    void whatComesWhileTheLimitRisesDoesNotOvertakeItsKey() {
      for (int round = 0; round < ROUNDS; round++) {
        VirtualTimeScheduler clock = VirtualTimeScheduler.create();
        AtomicLong depth = new AtomicLong(1);
        Concurrency byDepth =
            Concurrency.byDepth(() -> Mono.just(depth.get()), 1, 1, 2)
                .pollInterval(Duration.ofSeconds(1));
        work.start = lane -> lane.element() == 1 ? Mono.never() : Mono.just(lane.element());
        TestPublisher<Integer> source = TestPublisher.create();
        Queue<String> seen = new ConcurrentLinkedQueue<>();
        FluxDispatch.create(
                source.flux(),
                () -> work,
                new DispatchOptions("engine", byDepth, 8, null, clock, gauges::set))
            .subscribe(seen::add);
        clock.advanceTime();
        source.next(1, 2); // 2 waits for a slot
        depth.set(2);

        RaceTestUtils.race(() -> clock.advanceTimeBy(Duration.ofSeconds(1)), () -> source.next(12));

        assertThat(seen).containsExactly("2:2", "12:12");
      }
    }

    @Test
    void nothingIsEmittedUnaskedAndTheSlotIsHeldUntilThen() {
      TestPublisher<Integer> source = TestPublisher.create();
      StepVerifier.create(dispatch(source.flux(), 2, 8), 1)
          .then(() -> source.next(1, 2, 3, 4))
          .expectNext("1:1")
          .then(() -> assertThat(gauges.get().running()).isEqualTo(2))
          .then(() -> assertThat(gauges.get().admitted()).isEqualTo(3))
          .thenRequest(3)
          .expectNext("2:2", "3:3", "4:4")
          .then(source::complete)
          .verifyComplete();
    }

    @Test
    void anElementLeavesNothingBehindForTheNextOne() {
      List<Object> attachments = new ArrayList<>();
      List<Integer> runs = new ArrayList<>();
      work.key = element -> element == 2 ? null : element;
      work.start =
          lane -> {
            runs.add(lane.run());
            if (lane.attachment() != null) {
              attachments.add(lane.attachment());
            }
            lane.attach(lane.element());
            return lane.element() == 1 && lane.attempt() == 1
                ? Mono.error(new TimeoutException())
                : Mono.just(lane.element());
          };
      work.failed = (lane, error) -> Verdict.retry(Duration.ZERO);
      TestPublisher<Integer> source = TestPublisher.create();
      StepVerifier.create(dispatch(source.flux(), 1, 8))
          .then(() -> source.next(1, 2, 3))
          .expectNext("1:1", "2:2", "3:3")
          .then(() -> assertThat(gauges.get().admitted()).isZero())
          .then(source::complete)
          .verifyComplete();
      assertThat(attachments).isEmpty();
      assertThat(runs).doesNotHaveDuplicates();
      assertThat(work.log)
          .containsExactly(
              "start 1 attempt 1",
              "failed 1",
              "start 1 attempt 2",
              "completed 1",
              "start 2 attempt 1",
              "completed 2",
              "start 3 attempt 1",
              "completed 3");
    }

    @Test
    void anElementWithoutAKeyIsNotTakenForOneOfTheKeyBefore() {
      work.key = element -> element == 2 ? null : "key";
      work.start = lane -> lane.element() == 2 ? Mono.never() : Mono.just(lane.element());
      TestPublisher<Integer> source = TestPublisher.create();
      StepVerifier.create(dispatch(source.flux(), 2, 8))
          .then(() -> source.next(1, 2, 3))
          .expectNext("1:1", "3:3")
          .thenCancel()
          .verify();
    }

    @Test
    void noFunctionIsCalledForWhatComesAfterACancel() {
      AtomicInteger calls = new AtomicInteger();
      work.key =
          element -> {
            calls.incrementAndGet();
            return element;
          };
      List<Integer> discarded = new ArrayList<>();
      TestPublisher<Integer> source =
          TestPublisher.createNoncompliant(TestPublisher.Violation.DEFER_CANCELLATION);
      dispatch(source.flux(), 1, 8)
          .doOnDiscard(Integer.class, discarded::add)
          .subscribe()
          .dispose();
      source.next(1, 2);

      assertThat(calls).hasValue(0);
      assertThat(discarded).containsExactly(1, 2);
    }

    @Test
    void anElementWhoseKeyFunctionCancelsIsDiscardedAndHasNoWorker() {
      AtomicReference<Subscription> subscription = new AtomicReference<>();
      work.key =
          element -> {
            subscription.get().cancel();
            return element;
          };
      List<Integer> discarded = new ArrayList<>();
      TestPublisher<Integer> source = TestPublisher.create();
      dispatch(source.flux(), 1, 8)
          .doOnDiscard(Integer.class, discarded::add)
          .doOnSubscribe(subscription::set)
          .subscribe(seen::add);
      source.next(1);

      assertThat(discarded).containsExactly(1);
      assertThat(work.log).isEmpty();
      assertThat(seen).isEmpty();
      source.assertCancelled();
    }

    @Test
    void anElementWhoseValueIsCancelledUponIsAbandonedOnce() {
      AtomicReference<Subscription> subscription = new AtomicReference<>();
      List<Integer> discarded = new ArrayList<>();
      TestPublisher<Integer> source = TestPublisher.create();
      dispatch(source.flux(), 1, 8)
          .doOnDiscard(Integer.class, discarded::add)
          .doOnSubscribe(subscription::set)
          .subscribe(
              value -> {
                seen.add(value);
                subscription.get().cancel();
              });
      source.next(1);

      assertThat(seen).containsExactly("1:1");
      assertThat(work.log).containsExactly("start 1 attempt 1", "abandoned 1");
      assertThat(discarded).isEmpty();
      source.assertCancelled();
    }

    @Test
    void theSourceIsAskedForExactlyWhatWasFinished() {
      List<Long> requests = new ArrayList<>();
      TestPublisher<Integer> source = TestPublisher.create();
      StepVerifier.create(dispatch(source.flux().doOnRequest(requests::add), 2, 4))
          .then(() -> source.next(1, 2, 3, 4, 5, 6, 7, 8))
          .expectNextCount(8)
          .then(source::complete)
          .verifyComplete();
      // whenever as much is finished as is still owed
      assertThat(requests).containsExactly(4L, 2L, 2L, 2L, 2L);
    }

    @Test
    void thereIsOneTimeForEachWorkerAndThatIsHowLongItTook() {
      List<Long> took = new ArrayList<>();
      Concurrency byLatency =
          Concurrency.byLatency(Duration.ofMillis(10), 1, 4)
              .overload(
                  error -> {
                    took.add(1L);
                    return false;
                  });
      work.start = lane -> Mono.error(new TimeoutException());
      work.failed = (lane, error) -> Verdict.NEXT;
      TestPublisher<Integer> source = TestPublisher.create();
      StepVerifier.create(
              FluxDispatch.create(
                  source.flux(),
                  () -> work,
                  new DispatchOptions("engine", byLatency, 8, null, time, gauges::set)))
          .then(() -> source.next(1, 2, 3))
          .then(() -> assertThat(took).hasSize(3))
          .then(source::complete)
          .verifyComplete();
    }
  }

  @Test
  void gaugesHaveNames() {
    work.start = lane -> Mono.never();
    StepVerifier.create(dispatch(Flux.just(1, 11, 2).concatWith(Flux.never()), 1, 8))
        .then(
            () ->
                assertThat(MeterReadings.of(gauges.get()).read())
                    .containsOnly(
                        entry("sluice.convoy.lanes{}", 1.0),
                        entry("sluice.convoy.active{}", 1.0),
                        entry("sluice.convoy.sleeping{}", 0.0),
                        entry("sluice.convoy.buffered{}", 3.0),
                        entry("sluice.convoy.lookahead{}", 8.0),
                        entry("sluice.compete.concurrency{}", 1.0),
                        entry("sluice.level.buffered{}", 0.0)))
        .thenCancel()
        .verify();
  }

  @Nested
  class Options {

    @Test
    void everyBadValueIsNamed() {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> Concurrency.fixed(0))
          .withMessage("concurrency: 0 (expected: >= 1)");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> new DispatchOptions("x", Concurrency.fixed(4), 3, null, null, g -> {}))
          .withMessage("lookAhead: 3 (expected: >= concurrency, 4)");
      assertThatIllegalArgumentException()
          .isThrownBy(
              () -> new DispatchOptions("x", Concurrency.fixed(1), 1, Duration.ZERO, null, g -> {}))
          .withMessage("timeout: PT0S (expected: > PT0S, <= PT8760H)");
    }
  }
}

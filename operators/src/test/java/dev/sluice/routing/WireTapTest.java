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
package dev.sluice.routing;

import static dev.sluice.routing.WireTap.wireTap;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.reactivestreams.Publisher;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;
import reactor.test.StepVerifier;
import reactor.test.publisher.TestPublisher;
import reactor.test.scheduler.VirtualTimeScheduler;
import reactor.test.util.RaceTestUtils;

@Timeout(60)
class WireTapTest {

  private final VirtualTimeScheduler time = VirtualTimeScheduler.getOrSet();
  private final List<Object> tapped = new ArrayList<>();
  private final List<Object> missed = new ArrayList<>();
  private final List<Object> failed = new ArrayList<>();
  private final List<Throwable> failures = new ArrayList<>();
  private final WireTapListener listener =
      new WireTapListener() {
        @Override
        public void missed(Object element) {
          missed.add(element);
        }

        @Override
        public void failed(Object element, Throwable error) {
          failed.add(element);
          failures.add(error);
        }
      };

  @AfterEach
  void resetTime() {
    VirtualTimeScheduler.reset();
  }

  /** Takes a second. */
  private Mono<Void> slowly(Object element) {
    return Mono.delay(Duration.ofSeconds(1)).doOnNext(t -> tapped.add(element)).then();
  }

  @Nested
  class Values {

    @Test
    void everyElementGoesOnAtOnceAndIsTapped() {
      StepVerifier.create(Flux.range(1, 100).transform(wireTap(WireTapTest.this::slowly, c -> c)))
          .expectNextCount(100)
          .verifyComplete();
      assertThat(tapped).isEmpty();
      time.advanceTimeBy(Duration.ofSeconds(1));
      assertThat(tapped).hasSize(100).startsWith(1, 2, 3);
    }

    @Test
    void whatFindsNoRoomGoesOnUntapped() {
      StepVerifier.create(
              Flux.range(1, 10)
                  .transform(
                      wireTap(WireTapTest.this::slowly, c -> c.capacity(3).listener(listener))))
          .expectNext(1, 2, 3, 4, 5, 6, 7, 8, 9, 10)
          .verifyComplete();
      time.advanceTimeBy(Duration.ofSeconds(1));
      assertThat(tapped).containsExactly(1, 2, 3);
      assertThat(missed).containsExactly(4, 5, 6, 7, 8, 9, 10);
    }

    @Test
    void roomComesBackWhenATapHasEnded() {
      TestPublisher<Integer> source = TestPublisher.create();
      Disposable subscription =
          source
              .flux()
              .transform(wireTap(WireTapTest.this::slowly, c -> c.capacity(1).listener(listener)))
              .subscribe();
      source.next(1, 2);
      time.advanceTimeBy(Duration.ofSeconds(1));
      source.next(3);
      time.advanceTimeBy(Duration.ofSeconds(1));
      assertThat(tapped).containsExactly(1, 3);
      assertThat(missed).containsExactly(2);
      subscription.dispose();
    }
  }

  @Nested
  class Backpressure {

    @Test
    void demandReachesTheSourceUnchanged() {
      TestPublisher<Integer> source = TestPublisher.create();
      StepVerifier.create(source.flux().transform(wireTap(e -> Mono.never(), c -> c)), 0)
          .then(() -> source.assertMinRequested(0))
          .thenRequest(2)
          .then(() -> source.next(1, 2))
          .expectNext(1, 2)
          .then(source::complete)
          .verifyComplete();
      source.assertMaxRequested(2);
    }
  }

  @Nested
  class Errors {

    private void survives(java.util.function.Function<Integer, Publisher<?>> tap) {
      StepVerifier.create(Flux.just(1, 2).transform(wireTap(tap, c -> c.listener(listener))))
          .expectNext(1, 2)
          .verifyComplete();
      assertThat(failed).containsExactly(1, 2);
    }

    @Test
    void aTapThatFailsIsNotFelt() {
      survives(e -> Mono.error(new IllegalStateException("broken")));
      assertThat(failures).allSatisfy(e -> assertThat(e).hasMessage("broken"));
    }

    @Test
    void aTapThatThrowsIsNotFelt() {
      survives(
          e -> {
            throw new IllegalStateException("broken");
          });
    }

    @Test
    void aTapThatThrowsWhatIsFatalIsNotFelt() {
      survives(
          e -> {
            throw new LinkageError("simulated");
          });
    }

    @Test
    void aTapThatGivesNullIsNotFelt() {
      survives(e -> null);
    }

    @Test
    void aTapThatThrowsWhenItIsSubscribedToIsNotFelt() {
      survives(
          e ->
              subscriber -> {
                throw new IllegalStateException("broken");
              });
    }

    @Test
    void aTapThatNeverEndsIsCancelledAfterItsTimeout() {
      TestPublisher<Integer> stuck = TestPublisher.create();
      StepVerifier.create(
              Flux.just(1)
                  .transform(
                      wireTap(
                          e -> stuck.flux(),
                          c -> c.timeout(Duration.ofSeconds(3)).listener(listener))))
          .expectNext(1)
          .verifyComplete();
      time.advanceTimeBy(Duration.ofSeconds(3));
      stuck.assertCancelled();
      assertThat(failures).singleElement().isInstanceOf(TimeoutException.class);
    }

    @Test
    void aListenerThatThrowsIsNotFelt() {
      WireTapListener broken =
          new WireTapListener() {
            @Override
            public void missed(Object element) {
              throw new IllegalStateException("broken");
            }

            @Override
            public void failed(Object element, Throwable error) {
              throw new IllegalStateException("broken");
            }
          };
      AtomicInteger taps = new AtomicInteger();
      StepVerifier.create(
              Flux.range(1, 5)
                  .transform(
                      wireTap(
                          e -> taps.incrementAndGet() == 1 ? Mono.never() : Mono.error(new Error()),
                          c -> c.capacity(2).listener(broken))))
          .expectNextCount(5)
          .verifyComplete();
    }

    @Test
    void anErrorOfTheSourcePasses() {
      StepVerifier.create(
              Flux.error(new IllegalStateException("source"))
                  .transform(wireTap(e -> Mono.empty(), c -> c)))
          .verifyErrorMessage("source");
    }

    @Test
    void aSchedulerThatIsGoneIsNotFelt() {
      VirtualTimeScheduler.reset();
      for (Scheduler gone :
          List.of(Schedulers.newSingle("gone"), Schedulers.newBoundedElastic(1, 1, "gone"))) {
        gone.dispose();
        failed.clear();
        StepVerifier.create(
                Flux.just(1, 2)
                    .transform(
                        wireTap(e -> Mono.empty(), c -> c.scheduler(gone).listener(listener))))
            .expectNext(1, 2)
            .verifyComplete();
        assertThat(failed).containsExactly(1, 2);
      }
    }
  }

  @Nested
  class Options {

    @Test
    void refuseASchedulerThatCannotTimeATap() {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> wireTap(e -> Mono.empty(), c -> c.scheduler(Schedulers.immediate())))
          .withMessageStartingWith("scheduler: ")
          .withMessageContaining("expected: a scheduler that can do something later");
    }
  }

  @Nested
  class Cancellation {

    @Test
    void cancelsTheSourceAndFinishesWhatHasPassed() {
      TestPublisher<Integer> source = TestPublisher.create();
      Disposable subscription =
          source.flux().transform(wireTap(WireTapTest.this::slowly, c -> c)).subscribe();
      source.next(1);
      subscription.dispose();
      source.assertCancelled();
      time.advanceTimeBy(Duration.ofSeconds(1));
      assertThat(tapped).containsExactly(1);
    }

    /** Whoever is first, an element is tapped, or told to be missed, and not both. */
    @Test
    void mayRaceWithAnElement() {
      VirtualTimeScheduler.reset();
      AtomicInteger told = new AtomicInteger();
      WireTapListener counting =
          new WireTapListener() {
            @Override
            public void missed(Object element) {
              told.incrementAndGet();
            }
          };
      VirtualTimeScheduler atOnce = VirtualTimeScheduler.create();
      for (int i = 0; i < 500; i++) {
        AtomicInteger taps = new AtomicInteger();
        told.set(0);
        TestPublisher<Integer> source =
            TestPublisher.createNoncompliant(TestPublisher.Violation.DEFER_CANCELLATION);
        Disposable subscription =
            source
                .flux()
                .transform(
                    wireTap(
                        e -> Mono.fromRunnable(taps::incrementAndGet),
                        c -> c.scheduler(atOnce).listener(counting)))
                .subscribe();
        RaceTestUtils.race(() -> source.next(1), subscription::dispose);
        assertThat(taps.get() + told.get()).isLessThanOrEqualTo(1);
      }
    }
  }

  @Nested
  class Isolation {

    /** A tap that blocks its thread: the source does not wait for it. */
    @Test
    void theSourceDoesNotWaitForATapThatBlocks() throws InterruptedException {
      VirtualTimeScheduler.reset();
      Scheduler blocking = Schedulers.newBoundedElastic(1, 10, "tap");
      CountDownLatch release = new CountDownLatch(1);
      ConcurrentLinkedQueue<Integer> seen = new ConcurrentLinkedQueue<>();
      CountDownLatch all = new CountDownLatch(2);
      StepVerifier.create(
              Flux.range(1, 10)
                  .transform(
                      wireTap(
                          e ->
                              Mono.fromCallable(
                                  () -> {
                                    release.await();
                                    seen.add(e);
                                    all.countDown();
                                    return e;
                                  }),
                          c -> c.capacity(2).scheduler(blocking).listener(listener))))
          .expectNextCount(10)
          .expectComplete()
          .verify(Duration.ofSeconds(30));
      assertThat(missed).hasSize(8);
      release.countDown();
      assertThat(all.await(30, TimeUnit.SECONDS)).isTrue();
      assertThat(seen).containsExactly(1, 2);
      blocking.dispose();
    }

    @Test
    void workersOfTheSchedulerAreGivenBack() {
      AtomicInteger open = new AtomicInteger();
      Scheduler counting = new CountingScheduler(time, open);
      StepVerifier.create(
              Flux.just(1, 2)
                  .transform(wireTap(WireTapTest.this::slowly, c -> c.scheduler(counting))))
          .expectNextCount(2)
          .verifyComplete();
      assertThat(open).hasValue(1);
      time.advanceTimeBy(Duration.ofSeconds(1));
      assertThat(open).hasValue(0);
      StepVerifier.create(
              Flux.empty().transform(wireTap(e -> Mono.empty(), c -> c.scheduler(counting))))
          .verifyComplete();
      assertThat(open).hasValue(0);
    }
  }

  @Test
  void theTapSeesTheContextOfTheSubscriber() {
    List<String> seen = new ArrayList<>();
    StepVerifier.create(
            Flux.just(1)
                .transform(
                    wireTap(
                        e ->
                            Mono.deferContextual(
                                c -> Mono.fromRunnable(() -> seen.add(c.get("k")))),
                        c -> c))
                .contextWrite(c -> c.put("k", "v")))
        .expectNext(1)
        .verifyComplete();
    time.advanceTimeBy(Duration.ofMillis(1));
    assertThat(seen).containsExactly("v");
  }

  @Test
  void refusesOptionsThatAreOutOfRange() {
    assertThatThrownBy(() -> wireTap(e -> Mono.empty(), c -> c.capacity(0)))
        .hasMessage("capacity: 0 (expected: 1..65536)");
    assertThatThrownBy(() -> wireTap(e -> Mono.empty(), c -> c.timeout(Duration.ZERO)))
        .hasMessage("timeout: PT0S (expected: > PT0S, <= PT8760H)");
  }

  /** Counts the workers that were not given back. */
  private record CountingScheduler(Scheduler actual, AtomicInteger open) implements Scheduler {

    @Override
    public Disposable schedule(Runnable task) {
      return actual.schedule(task);
    }

    @Override
    public Disposable schedule(Runnable task, long delay, TimeUnit unit) {
      return actual.schedule(task, delay, unit);
    }

    @Override
    public Worker createWorker() {
      open.incrementAndGet();
      Worker worker = actual.createWorker();
      return new Worker() {
        @Override
        public Disposable schedule(Runnable task) {
          return worker.schedule(task);
        }

        @Override
        public void dispose() {
          open.decrementAndGet();
          worker.dispose();
        }
      };
    }
  }
}

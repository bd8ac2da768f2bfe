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
package dev.sluice.saga;

import static dev.sluice.saga.Sagas.saga;
import static dev.sluice.saga.Sagas.sagaStep;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.delivery.DeadLetterReason;
import dev.sluice.delivery.ErrorClassifier;
import dev.sluice.dispatch.Await;
import dev.sluice.saga.SagaResult.Compensated;
import dev.sluice.saga.SagaResult.Completed;
import dev.sluice.saga.SagaResult.Parked;
import java.lang.ref.WeakReference;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CancellationException;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.core.scheduler.Schedulers;
import reactor.test.StepVerifier;
import reactor.test.publisher.TestPublisher;
import reactor.test.scheduler.VirtualTimeScheduler;
import reactor.test.util.RaceTestUtils;
import reactor.util.retry.Retry;

class SagasTest {

  /** A failure of which it is known that nothing has happened. */
  private static final class Declined extends RuntimeException
      implements ErrorClassifier.Classified {
    private static final long serialVersionUID = 1L;

    Declined() {
      super("declined");
    }

    @Override
    public ErrorClassifier.Kind kind() {
      return ErrorClassifier.Kind.POISON;
    }

    @Override
    public DeadLetterReason reason() {
      return DeadLetterReason.POISON;
    }
  }

  private static final Declined DECLINED = new Declined();
  private static final IllegalStateException LOST = new IllegalStateException("answer lost");

  private final Desk desk = new Desk();
  private VirtualTimeScheduler time = VirtualTimeScheduler.create();

  @BeforeEach
  void virtual() {
    time = VirtualTimeScheduler.getOrSet();
  }

  @AfterEach
  void real() {
    VirtualTimeScheduler.reset();
  }

  /** Subscribes, lets all of the time pass and returns the one result. */
  private <R> SagaResult<R> run(Mono<SagaResult<R>> saga) {
    AtomicReference<@Nullable SagaResult<R>> result = new AtomicReference<>();
    AtomicReference<@Nullable Throwable> error = new AtomicReference<>();
    saga.subscribe(result::set, error::set);
    time.advanceTimeBy(Duration.ofDays(1));
    assertThat(error.get()).isNull();
    SagaResult<R> r = result.get();
    assertThat(r).as("the result").isNotNull();
    return Objects.requireNonNull(r);
  }

  private <R> SagaResult<R> run(Mono<R> body, UnaryOperator<SagaSpec<R>> spec) {
    return run(body.as(saga("trip", spec)));
  }

  private static Compensated<?> compensated(SagaResult<?> result) {
    assertThat(result).isInstanceOf(Compensated.class);
    return (Compensated<?>) result;
  }

  private static Parked<?> parked(SagaResult<?> result) {
    assertThat(result).isInstanceOf(Parked.class);
    return (Parked<?>) result;
  }

  /** Writes down what it hears. */
  private static final class Hearing implements SagaListener {
    final List<String> heard = new ArrayList<>();

    @Override
    public void ended(String saga, String id, SagaResult<?> result) {
      heard.add(saga + " " + result.getClass().getSimpleName());
    }

    @Override
    public void stepEnded(
        String saga, String id, String step, Duration took, @Nullable Throwable error) {
      assertThat(took).isPositive();
      heard.add(saga + " " + step + (error == null ? "" : " " + error.getMessage()));
    }

    @Override
    public void undone(
        String saga, String id, String step, Duration took, @Nullable Throwable error) {
      assertThat(took).isPositive();
      heard.add(saga + " undo " + step + (error == null ? "" : " " + error.getMessage()));
    }
  }

  @Test
  void aListenerHearsOfSteps() {
    Hearing hearing = new Hearing();
    run(
        Mono.just("o")
            .transform(desk.step("a"))
            .transform(desk.step("b", s -> s.compensate((in, out) -> Mono.error(new Declined()))))
            .transform(desk.failing("c", DECLINED, s -> s)),
        s -> s.listener(hearing));
    assertThat(hearing.heard)
        .containsExactly(
            "trip a", "trip b", "trip c declined", "trip undo b declined", "trip Parked");
  }

  @Nested
  class Forward {

    @Test
    void stepsStandWhenTheBodyCompletes() {
      Mono<String> body =
          Mono.just("o").transform(desk.step("a")).map(s -> s + "!").transform(desk.step("b"));
      assertThat(run(body, s -> s)).isEqualTo(new Completed<>("o>a!>b"));
      assertThat(desk.log).containsExactly("+a", "+b");
    }

    @Test
    void anEmptyBodyGivesOneResult() {
      assertThat(run(Mono.<String>empty(), s -> s)).isEqualTo(new Completed<String>(null));
    }

    @Test
    void anEmptyActionIsDoneAndItsStepEmpty() {
      Mono<String> body =
          Mono.just("o")
              .transform(
                  sagaStep("a", in -> Mono.<String>empty(), s -> s.compensate(desk.undo("a"))))
              .switchIfEmpty(Mono.just("nothing").transform(desk.step("b")))
              .transform(desk.failing("c", DECLINED, s -> s));
      compensated(run(body, s -> s));
      assertThat(desk.log).containsExactly("+b", "!c", "-b(nothing>b)", "-a(null)");
    }

    @Test
    void aStepWithoutInputIsNotCalled() {
      assertThat(run(Mono.<String>empty().transform(desk.step("a")), s -> s))
          .isEqualTo(new Completed<String>(null));
      assertThat(desk.log).isEmpty();
    }

    @Test
    void branchesAreToldApartByTheirKeys() {
      Mono<List<String>> body =
          Flux.just("x", "y", "z")
              .flatMap(e -> Mono.just(e).transform(desk.step("a", s -> s.key(in -> in))))
              .collectList();
      assertThat(run(body, s -> s)).isEqualTo(new Completed<>(List.of("x>a", "y>a", "z>a")));
    }

    @Test
    void aStepThatComesAgainGivesWhatItGave() {
      Mono<String> body =
          Mono.just("o").transform(desk.step("a")).then(Mono.just("o").transform(desk.step("a")));
      assertThat(run(body, s -> s)).isEqualTo(new Completed<>("o>a"));
      assertThat(desk.log).containsExactly("+a");
    }

    @Test
    void aStepThatComesAgainWhileItRunsIsWaitedFor() {
      Mono<String> step = Mono.just("o").transform(desk.slow("a", Duration.ofSeconds(1), s -> s));
      assertThat(run(Mono.zip(step, step, String::concat), s -> s))
          .isEqualTo(new Completed<>("o>ao>a"));
      assertThat(desk.log).containsExactly("+a");
    }

    @Test
    void aStepThatComesAgainStandsThoughWhoAskedFirstHasGone() {
      Mono<String> step = Mono.just("o").transform(desk.slow("a", Duration.ofSeconds(5), s -> s));
      Mono<String> body =
          step.timeout(Duration.ofSeconds(1))
              .onErrorResume(e -> step.timeout(Duration.ofSeconds(1)))
              .onErrorResume(e -> step);
      assertThat(run(body, s -> s)).isEqualTo(new Completed<>("o>a"));
      assertThat(desk.log).containsExactly("+a");
    }

    /** One that asks again and again must not fill the memory while the action runs. */
    @Test
    void whoHasGoneIsNotKept() {
      List<WeakReference<Object>> asked = new ArrayList<>();
      Mono<String> step = Mono.just("o").transform(desk.slow("a", Duration.ofHours(1), s -> s));
      Mono<String> body =
          Flux.range(0, 10)
              .concatMap(
                  i -> {
                    Object who = new Object();
                    asked.add(new WeakReference<>(who));
                    return step.contextWrite(context -> context.put("who", who))
                        .timeout(Duration.ofSeconds(1), Mono.just("not yet"));
                  })
              .then(step);
      Disposable saga = body.as(saga("trip", s -> s)).subscribe();
      time.advanceTimeBy(Duration.ofSeconds(20)); // the action runs
      assertThat(asked).hasSize(10);
      Await.until(
          () -> {
            System.gc();
            long kept = asked.stream().filter(who -> who.get() != null).count();
            return kept <= 2 ? null : kept + " of those who have gone are kept"; // first and last
          });
      saga.dispose();
    }

    @Test
    void anActionMayBeThereAlready() {
      AtomicInteger calls = new AtomicInteger();
      Mono<String> body =
          Mono.just("o")
              .transform(sagaStep("a", (String in) -> Mono.just(in + ">a")))
              .transform(
                  Sagas.<String, String>sagaStep(
                      "b",
                      in -> calls.incrementAndGet() < 3 ? Mono.error(LOST) : Mono.just(in + ">b"),
                      s -> s.retry(r -> r.retries(2))))
              .flatMap(
                  in -> Mono.just(in).transform(sagaStep("c", i -> Mono.empty())).thenReturn(in));
      assertThat(run(body, s -> s)).isEqualTo(new Completed<>("o>a>b"));
      assertThat(calls).hasValue(3);
    }

    @Test
    void anInputThatComesAfterTheCancelIsDiscarded() {
      TestPublisher<String> inputs =
          TestPublisher.createNoncompliant(TestPublisher.Violation.DEFER_CANCELLATION);
      List<Object> discarded = new ArrayList<>();
      Mono<Integer> body =
          Mono.firstWithValue(
              inputs.mono().transform(desk.step("a")).map(String::length),
              Mono.delay(Duration.ofSeconds(1)).thenReturn(7));
      Mono<SagaResult<Integer>> saga =
          body.as(Sagas.<Integer>saga("trip", s -> s))
              .doOnNext(result -> inputs.next("late"))
              .doOnDiscard(String.class, discarded::add);
      assertThat(run(saga)).isEqualTo(new Completed<>(7));
      assertThat(discarded).containsExactly("late");
      assertThat(desk.log).isEmpty();
    }

    @Test
    void anotherInputUnderTheSameKeyFails() {
      Mono<String> body =
          Flux.just("x", "y")
              .concatMap(e -> Mono.just(e).transform(desk.step("a")))
              .then(Mono.just("never"));
      assertThat(compensated(run(body, s -> s)).cause())
          .hasMessage(
              "step a of saga trip comes again with the input y (expected: x, as before; or a"
                  + " StepSpec.key that tells them apart)");
      assertThat(desk.log).containsExactly("+a", "-a(x>a)");
    }

    @Test
    void aRetryAroundStepsRunsOnlyWhatHadFailed() {
      AtomicInteger calls = new AtomicInteger();
      Mono<String> body =
          Mono.just("o")
              .transform(desk.step("a"))
              .transform(
                  sagaStep(
                      "b",
                      in ->
                          calls.incrementAndGet() < 3
                              ? Mono.<String>error(DECLINED)
                              : desk.work("b", in),
                      s -> s.compensate(desk.undo("b"))))
              .retryWhen(Retry.max(2));
      assertThat(run(body, s -> s)).isEqualTo(new Completed<>("o>a>b"));
      assertThat(desk.log).containsExactly("+a", "+b");
    }

    @Test
    void exhaustedRetriesAroundStepsCompensateOnce() {
      Mono<String> body =
          Mono.just("o")
              .transform(desk.step("a"))
              .transform(desk.failing("b", LOST, s -> s))
              .retryWhen(Retry.max(2));
      assertThat(compensated(run(body, s -> s)).failedStep()).isEqualTo("b");
      assertThat(desk.log).containsExactly("+a", "!b", "!b", "!b", "-b(null)", "-a(o>a)");
    }

    @Test
    void failedActionsAreRetriedAfterTheirBackoff() {
      AtomicInteger calls = new AtomicInteger();
      List<String> keys = new ArrayList<>();
      Mono<String> body =
          Mono.just("o")
              .transform(
                  sagaStep(
                      "a",
                      in ->
                          StepContext.current()
                              .flatMap(
                                  step -> {
                                    keys.add(step.idempotencyKey() + "#" + step.attempt());
                                    return calls.incrementAndGet() < 3
                                        ? Mono.<String>error(LOST)
                                        : Mono.just("done");
                                  }),
                      s ->
                          s.retry(
                              r ->
                                  r.retries(2)
                                      .backoff(Duration.ofSeconds(1), Duration.ofSeconds(9))
                                      .jitter(0))));
      AtomicReference<@Nullable SagaResult<String>> result = new AtomicReference<>();
      body.as(saga("trip", (SagaSpec<String> s) -> s)).subscribe(result::set);
      time.advanceTimeBy(Duration.ofMillis(2999));
      assertThat(calls).hasValue(2);
      assertThat(result.get()).isNull();
      time.advanceTimeBy(Duration.ofMillis(1));
      assertThat(result.get()).isEqualTo(new Completed<>("done"));
      String first = keys.get(0).substring(0, keys.get(0).indexOf('#'));
      assertThat(first).endsWith("/a");
      assertThat(keys).containsExactly(first + "#1", first + "#2", first + "#3");
    }

    @Test
    void aStepTooManyFails() {
      Mono<String> body = Mono.just("o").transform(desk.step("a")).transform(desk.step("b"));
      assertThat(compensated(run(body, s -> s.maxSteps(1))).cause())
          .hasMessage("step b of saga trip is one more than maxSteps: 1 (expected: fewer steps)");
      assertThat(desk.standing()).isEmpty();
    }

    @Test
    void eachSubscriptionIsASagaOfItsOwn() {
      Mono<SagaResult<String>> saga =
          Mono.just("o").transform(desk.step("a")).as(saga("trip", s -> s));
      run(saga);
      run(saga);
      assertThat(desk.log).containsExactly("+a", "+a");
    }

    @Test
    void theResultWaitsForItsRequest() {
      StepVerifier.create(Mono.just("o").transform(desk.step("a")).as(saga("trip", s -> s)), 0)
          .expectSubscription()
          .expectNoEvent(Duration.ofSeconds(1))
          .thenRequest(1)
          .expectNext(new Completed<>("o>a"))
          .verifyComplete();
    }
  }

  @Nested
  class Backward {

    @Test
    void compensatesInReverseOrder() {
      Mono<String> body =
          Mono.just("o")
              .transform(desk.step("a"))
              .transform(desk.step("b"))
              .transform(desk.failing("c", DECLINED, s -> s));
      assertThat(run(body, s -> s)).isEqualTo(new Compensated<String>("c", DECLINED));
      assertThat(desk.log).containsExactly("+a", "+b", "!c", "-b(o>a>b)", "-a(o>a)");
    }

    @Test
    void aFailureThatLeavesOpenWhatHappenedIsCompensated() {
      Mono<String> body =
          Mono.just("o").transform(desk.step("a")).transform(desk.failing("b", LOST, s -> s));
      assertThat(run(body, s -> s)).isEqualTo(new Compensated<String>("b", LOST));
      assertThat(desk.log).containsExactly("+a", "!b", "-b(null)", "-a(o>a)");
    }

    @Test
    void aTimeoutIsCompensatedAndItsActionCancelled() {
      AtomicBoolean cancelled = new AtomicBoolean();
      Mono<String> body =
          Mono.just("o")
              .transform(
                  sagaStep(
                      "a",
                      in -> Mono.<String>never().doOnCancel(() -> cancelled.set(true)),
                      s -> s.timeout(Duration.ofSeconds(3)).compensate(desk.undo("a"))));
      Compensated<?> result = compensated(run(body, s -> s));
      assertThat(result.failedStep()).isEqualTo("a");
      assertThat(result.cause())
          .isInstanceOf(TimeoutException.class)
          .hasMessage("step a of saga trip: no end within PT3S");
      assertThat(desk.log).containsExactly("-a(null)");
      assertThat(cancelled).isTrue();
    }

    @Test
    void aDefiniteFailureAfterAnOpenOneLeavesOpenWhatHappened() {
      AtomicInteger calls = new AtomicInteger();
      Mono<String> body =
          Mono.just("o")
              .transform(
                  sagaStep(
                      "a",
                      in -> Mono.<String>error(calls.getAndIncrement() == 0 ? LOST : DECLINED),
                      s -> s.retry(r -> r.retries(3)).compensate(desk.undo("a"))));
      assertThat(compensated(run(body, s -> s)).cause()).isSameAs(DECLINED);
      assertThat(calls).hasValue(2);
      assertThat(desk.log).containsExactly("-a(null)");
    }

    @Test
    void anOpenFailureIsNotForgottenWhenTheBodyRunsTheStepAgain() {
      AtomicInteger calls = new AtomicInteger();
      Mono<String> body =
          Mono.just("o")
              .transform(
                  sagaStep(
                      "a",
                      in -> Mono.<String>error(calls.getAndIncrement() == 0 ? LOST : DECLINED),
                      s -> s.compensate(desk.undo("a"))))
              .retry(1);
      assertThat(compensated(run(body, s -> s)).cause()).isSameAs(DECLINED);
      assertThat(calls).hasValue(2);
      assertThat(desk.log).containsExactly("-a(null)");
    }

    @Test
    void aStepThatFailedOpenlyAndThenSucceededIsCompensatedWithItsOutput() {
      AtomicInteger calls = new AtomicInteger();
      Mono<String> body =
          Mono.just("o")
              .transform(
                  sagaStep(
                      "a",
                      in ->
                          calls.getAndIncrement() == 0
                              ? Mono.<String>error(LOST)
                              : desk.work("a", in),
                      s -> s.retry(r -> r.retries(3)).compensate(desk.undo("a"))))
              .transform(desk.failing("b", DECLINED, s -> s));
      compensated(run(body, s -> s));
      assertThat(desk.log).containsExactly("+a", "!b", "-a(o>a)");
    }

    @Test
    void anErrorBetweenTheStepsCompensates() {
      Mono<String> body =
          Mono.just("o")
              .transform(desk.step("a"))
              .map(
                  s -> {
                    throw LOST;
                  });
      assertThat(run(body, s -> s)).isEqualTo(new Compensated<String>(null, LOST));
      assertThat(desk.standing()).isEmpty();
    }

    @Test
    void functionsThatThrowOrReturnNullFailTheirStep() {
      Mono<String> throwing =
          Mono.just("o")
              .transform(desk.step("a"))
              .transform(
                  sagaStep(
                      "b",
                      in -> {
                        throw LOST;
                      },
                      s -> s.compensate(desk.undo("b"))));
      assertThat(run(throwing, s -> s)).isEqualTo(new Compensated<String>("b", LOST));
      assertThat(desk.log).containsExactly("+a", "-b(null)", "-a(o>a)");
      Mono<String> returning =
          Mono.just("o").transform(sagaStep("c", in -> SagasTest.<Mono<String>>nothing(), s -> s));
      assertThat(compensated(run(returning, s -> s)).cause())
          .hasMessage("step c of saga trip returned null");
      Mono<String> keyless =
          Mono.just("o").transform(desk.step("d", s -> s.key(in -> SagasTest.<String>nothing())));
      assertThat(compensated(run(keyless, s -> s)).cause()).hasMessage("key returned null");
    }

    @Test
    void aSiblingThatStillRunsIsWaitedForAndUndone() {
      Mono<String> body =
          Mono.zip(
              Mono.just("o").transform(desk.slow("a", Duration.ofSeconds(5), s -> s)),
              Mono.just("o").transform(desk.failing("b", DECLINED, s -> s)),
              String::concat);
      assertThat(run(body, s -> s)).isEqualTo(new Compensated<String>("b", DECLINED));
      assertThat(desk.log).containsExactly("!b", "+a", "-a(o>a)");
    }

    @Test
    void aSiblingThatDoesNotEndIsGivenUp() {
      Mono<String> body =
          Mono.zip(
              Mono.just("o")
                  .transform(
                      desk.slow("a", Duration.ofHours(2), s -> s.timeout(Duration.ofHours(3)))),
              Mono.just("o").transform(desk.failing("b", DECLINED, s -> s)),
              String::concat);
      assertThat(run(body, s -> s.awaitRunning(Duration.ofSeconds(7))))
          .isEqualTo(new Compensated<String>("b", DECLINED));
      assertThat(desk.log).containsExactly("!b", "-a(null)");
    }

    /** Its function had not returned yet. */
    @Test
    void whatAnActionReturnsAfterItWasGivenUpIsNotRun() {
      Sinks.One<SagaResult<String>> heard = Sinks.one();
      Sinks.One<String> input = Sinks.one();
      AtomicReference<@Nullable Disposable> caller = new AtomicReference<>();
      caller.set(
          input
              .asMono()
              .transform(
                  Sagas.<String, String>sagaStep(
                      "a",
                      in -> {
                        Objects.requireNonNull(caller.get()).dispose();
                        time.advanceTimeBy(Duration.ofMinutes(1));
                        return desk.work("a", in);
                      },
                      s -> s.compensate(desk.undo("a"))))
              .as(Sagas.<String>saga("trip", s -> s.listener(hearing(heard))))
              .subscribe());
      input.tryEmitValue("o");
      time.advanceTimeBy(Duration.ofMinutes(2));
      SagaResult<?> result = Objects.requireNonNull(heard.asMono().block(Duration.ZERO));
      assertThat(compensated(result).cause()).isInstanceOf(CancellationException.class);
      assertThat(desk.log).containsExactly("-a(null)");
    }

    @SuppressWarnings("unchecked") // the sagas here give text
    private SagaListener hearing(Sinks.One<SagaResult<String>> heard) {
      return (saga, id, result) ->
          heard.emitValue((SagaResult<String>) result, Sinks.EmitFailureHandler.FAIL_FAST);
    }

    @Test
    void aSiblingThatWaitsForItsRetryIsNotCalledAgain() {
      Mono<String> body =
          Mono.zip(
              Mono.just("o")
                  .transform(
                      desk.failing(
                          "a",
                          LOST,
                          s -> s.retry(r -> r.backoff(Duration.ofHours(1), Duration.ofHours(1))))),
              Mono.just("o")
                  .delayElement(Duration.ofSeconds(1))
                  .transform(desk.failing("b", DECLINED, s -> s)),
              String::concat);
      assertThat(run(body, s -> s)).isEqualTo(new Compensated<String>("b", DECLINED));
      assertThat(desk.log).containsExactly("!a", "!b", "-a(null)");
    }

    @Test
    void noStepBeginsWhenTheSagaIsEnding() {
      Mono<String> body =
          Mono.zip(
              Mono.just("o")
                  .transform(desk.slow("a", Duration.ofSeconds(5), s -> s))
                  .transform(desk.step("late")),
              Mono.just("o").transform(desk.failing("b", DECLINED, s -> s)),
              String::concat);
      compensated(run(body, s -> s));
      assertThat(desk.log).doesNotContain("+late");
    }

    @Test
    void aBodyWhoseTimeIsUpIsCompensated() {
      Mono<String> body =
          Mono.just("o")
              .transform(desk.step("a"))
              .transform(desk.slow("b", Duration.ofSeconds(20), s -> s))
              .transform(desk.step("c"));
      Compensated<?> result = compensated(run(body, s -> s.timeout(Duration.ofSeconds(10))));
      assertThat(result.cause()).hasMessage("saga trip: no end within PT10S");
      assertThat(result.failedStep()).isNull();
      assertThat(desk.log).containsExactly("+a", "+b", "-b(o>a>b)", "-a(o>a)");
    }

    @Test
    void manyCompensationsDoNotRecurse() {
      Mono<Long> body =
          Flux.range(0, 60_000)
              .concatMap(
                  i ->
                      Mono.just(i)
                          .transform(
                              Sagas.<Integer, Integer>sagaStep(
                                  "s",
                                  Mono::just,
                                  s ->
                                      s.key(String::valueOf)
                                          .compensate((in, out) -> Mono.empty()))))
              .take(3_000)
              .count()
              .map(
                  n -> {
                    throw LOST;
                  });
      compensated(run(body, s -> s.maxSteps(3_000)));
    }
  }

  @Nested
  class WhatTheBodyDoesNotUse {

    @Test
    void aCancelledStepIsUndoneBeforeTheSagaCompletes() {
      Mono<String> body =
          Mono.firstWithValue(
              Mono.just("o").transform(desk.slow("a", Duration.ofSeconds(1), s -> s)),
              Mono.just("o").transform(desk.slow("b", Duration.ofSeconds(5), s -> s)));
      assertThat(run(body, s -> s)).isEqualTo(new Completed<>("o>a"));
      assertThat(desk.log).containsExactly("+a", "+b", "-b(o>b)");
    }

    @Test
    void anOpenFailureThatTheBodyRecoversFromIsUndone() {
      Mono<String> body =
          Mono.just("o")
              .transform(desk.failing("a", LOST, s -> s))
              .onErrorResume(e -> Mono.just("o").transform(desk.step("b")));
      assertThat(run(body, s -> s)).isEqualTo(new Completed<>("o>b"));
      assertThat(desk.log).containsExactly("!a", "+b", "-a(null)");
    }

    @Test
    void whatCannotBeUndoneParksTheSaga() {
      Mono<String> body =
          Mono.just("o")
              .transform(
                  Sagas.<String, String>sagaStep(
                      "a",
                      in -> Mono.error(LOST),
                      s -> s.compensate((in, out) -> Mono.error(DECLINED))))
              .onErrorReturn("instead");
      Parked<?> result = parked(run(body, s -> s));
      assertThat(result.cause()).isSameAs(LOST);
      assertThat(result.stuckCompensation()).isEqualTo("a");
      assertThat(result.stuckCause()).isSameAs(DECLINED);
    }
  }

  @Nested
  class Compensations {

    private final AtomicInteger calls = new AtomicInteger();

    private Mono<String> failingSoOften(int failures) {
      return Mono.just("o")
          .transform(desk.step("a"))
          .transform(
              Sagas.<String, String>sagaStep(
                  "b",
                  in -> desk.work("b", in),
                  s ->
                      s.compensate(
                          (in, out) ->
                              calls.incrementAndGet() <= failures
                                  ? Mono.error(LOST)
                                  : desk.undo("b").compensate(in, out))))
          .transform(desk.failing("c", DECLINED, s -> s));
    }

    @Test
    void oneThatFailsFiveTimesIsTriedASixthTime() {
      compensated(run(failingSoOften(5), s -> s));
      assertThat(calls).hasValue(6);
      assertThat(desk.standing()).isEmpty();
    }

    @Test
    void oneThatAlwaysFailsParksTheSagaAndLeavesTheOthersStanding() {
      List<SagaResult<?>> heard = new ArrayList<>();
      Parked<?> result =
          parked(
              run(
                  failingSoOften(Integer.MAX_VALUE),
                  s -> s.listener((name, id, how) -> heard.add(how))));
      assertThat(calls).hasValue(11);
      assertThat(result.failedStep()).isEqualTo("c");
      assertThat(result.cause()).isSameAs(DECLINED);
      assertThat(result.stuckCompensation()).isEqualTo("b");
      assertThat(result.stuckCause()).isSameAs(LOST);
      assertThat(result.standing()).containsExactly("b", "a");
      assertThat(heard).containsExactly(result);
      assertThat(desk.standing()).containsExactly("a", "b");
    }

    @Test
    void allOfThemAreBoundedTogether() {
      Mono<String> body =
          Mono.just("o")
              .transform(
                  Sagas.<String, String>sagaStep(
                      "a",
                      in -> desk.work("a", in),
                      s -> s.timeout(Duration.ofHours(1)).compensate((in, out) -> Mono.never())))
              .transform(desk.failing("b", DECLINED, s -> s));
      Parked<?> result = parked(run(body, s -> s.compensateWithin(Duration.ofSeconds(9))));
      assertThat(result.stuckCause())
          .hasMessage(
              "compensation of step a of saga trip: no end of all compensations within PT9S");
    }

    @Test
    void theyHaveAKeyOfTheirOwnAndTheContextOfTheSubscriber() {
      List<String> seen = new ArrayList<>();
      Mono<String> body =
          Mono.just("o")
              .transform(
                  Sagas.<String, String>sagaStep(
                      "a",
                      in -> desk.work("a", in),
                      s ->
                          s.key(in -> "7")
                              .compensate(
                                  (in, out) ->
                                      Mono.deferContextual(
                                          context ->
                                              StepContext.current()
                                                  .doOnNext(
                                                      step ->
                                                          seen.add(
                                                              context.get("tenant")
                                                                  + step.idempotencyKey()
                                                                      .replace(
                                                                          step.sagaId(), "")))))))
              .transform(desk.failing("b", DECLINED, s -> s));
      compensated(
          run(
              body.as(saga("trip", (SagaSpec<String> s) -> s))
                  .contextWrite(c -> c.put("tenant", "t"))));
      assertThat(seen).containsExactly("t/a/7/compensate");
    }
  }

  @Nested
  class Pivot {

    @Test
    void afterItStepsAreRetriedForward() {
      AtomicInteger calls = new AtomicInteger();
      Mono<String> body =
          Mono.just("o")
              .transform(desk.step("pay", StepSpec::pivot))
              .transform(
                  sagaStep(
                      "issue",
                      in ->
                          calls.incrementAndGet() <= 7
                              ? Mono.<String>error(LOST)
                              : desk.work("issue", in)));
      assertThat(run(body, s -> s)).isEqualTo(new Completed<>("o>pay>issue"));
      assertThat(calls).hasValue(8);
    }

    @Test
    void afterItTheSagaIsParkedAndNothingUndone() {
      Mono<String> body =
          Mono.just("o")
              .transform(desk.step("hold"))
              .transform(desk.step("pay", StepSpec::pivot))
              .transform(desk.failing("issue", DECLINED, s -> s));
      Parked<?> result = parked(run(body, s -> s));
      assertThat(result.failedStep()).isEqualTo("issue");
      assertThat(result.stuckCompensation()).isNull();
      assertThat(result.standing()).containsExactly("pay", "hold");
      assertThat(desk.log).containsExactly("+hold", "+pay", "!issue");
    }

    @Test
    void aStepAfterItMayBeDoneWithout() {
      Mono<String> body =
          Mono.just("o")
              .transform(desk.step("pay", StepSpec::pivot))
              .transform(desk.failing("mail", DECLINED, s -> s))
              .onErrorReturn("without mail");
      assertThat(run(body, s -> s)).isEqualTo(new Completed<>("without mail"));
    }

    @Test
    void onePivotThatFailsGoesBackward() {
      Mono<String> body =
          Mono.just("o")
              .transform(desk.step("hold"))
              .transform(desk.failing("pay", LOST, StepSpec::pivot));
      compensated(run(body, s -> s));
      assertThat(desk.log).containsExactly("+hold", "!pay", "-pay(null)", "-hold(o>hold)");
    }

    @Test
    void withoutACompensationItIsResolvedForward() {
      AtomicInteger calls = new AtomicInteger();
      Mono<String> body =
          Mono.just("o")
              .transform(desk.step("hold"))
              .transform(
                  sagaStep(
                      "pay",
                      in ->
                          calls.incrementAndGet() <= 4
                              ? Mono.<String>error(LOST)
                              : desk.work("pay", in),
                      StepSpec::pivot));
      assertThat(run(body, s -> s)).isEqualTo(new Completed<>("o>hold>pay"));
    }

    @Test
    void withoutACompensationAndAnEndTheSagaIsParked() {
      Mono<String> body =
          Mono.just("o")
              .transform(desk.step("hold"))
              .transform(sagaStep("pay", in -> Mono.<String>error(LOST), StepSpec::pivot));
      Parked<?> result = parked(run(body, s -> s));
      assertThat(result.failedStep()).isEqualTo("pay");
      assertThat(result.standing()).containsExactly("hold");
      assertThat(desk.log).containsExactly("+hold");
    }

    @Test
    void besideAnotherStepItIsRefused() {
      Mono<String> body =
          Mono.zip(
              Mono.just("o").transform(desk.slow("a", Duration.ofSeconds(1), s -> s)),
              Mono.just("o").transform(desk.step("pay", StepSpec::pivot)),
              String::concat);
      assertThat(compensated(run(body, s -> s)).cause())
          .hasMessage(
              "step pay of saga trip is a pivot and runs beside another step (expected: alone)");
      assertThat(desk.standing()).isEmpty();
      Mono<String> other =
          Mono.zip(
              Mono.just("o").transform(desk.slow("pay", Duration.ofSeconds(1), StepSpec::pivot)),
              Mono.just("o").transform(desk.step("b")),
              String::concat);
      // the pivot has passed by the time that the body has failed
      assertThat(parked(run(other, s -> s)).standing()).containsExactly("pay");
    }

    @Test
    void aTimeoutOfTheSagaWaitsForItAndIsForgottenWhenItPasses() {
      Mono<String> body =
          Mono.just("o")
              .transform(desk.slow("pay", Duration.ofSeconds(20), StepSpec::pivot))
              .transform(desk.slow("issue", Duration.ofSeconds(20), s -> s));
      assertThat(run(body, s -> s.timeout(Duration.ofSeconds(10))))
          .isEqualTo(new Completed<>("o>pay>issue"));
    }

    @Test
    void aTimeoutOfTheSagaHoldsWhenItFails() {
      Mono<String> body =
          Mono.just("o")
              .transform(desk.step("hold"))
              .transform(
                  sagaStep(
                      "pay",
                      in -> Mono.delay(Duration.ofSeconds(20)).then(Mono.<String>error(DECLINED)),
                      StepSpec::pivot))
              .onErrorReturn("instead");
      assertThat(compensated(run(body, s -> s.timeout(Duration.ofSeconds(10)))).cause())
          .hasMessage("saga trip: no end within PT10S");
      assertThat(desk.standing()).isEmpty();
    }
  }

  @Nested
  class Cancellation {

    private final List<SagaResult<?>> heard = Collections.synchronizedList(new ArrayList<>());

    private Mono<String> fiveSteps() {
      Mono<String> body = Mono.just("o");
      for (String name : List.of("a", "b", "c", "d", "e")) {
        body = body.transform(desk.slow(name, Duration.ofSeconds(2), s -> s));
      }
      return body;
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11})
    void wheneverItComesEverythingStandsOrNothing(int seconds) {
      Disposable saga =
          fiveSteps()
              .as(saga("trip", (SagaSpec<String> s) -> s.listener((n, i, r) -> heard.add(r))))
              .subscribe();
      time.advanceTimeBy(Duration.ofSeconds(seconds));
      saga.dispose();
      time.advanceTimeBy(Duration.ofDays(1));
      assertThat(heard).hasSize(1);
      if (seconds >= 10) {
        assertThat(heard.get(0)).isEqualTo(new Completed<>("o>a>b>c>d>e"));
        assertThat(desk.standing()).hasSize(5);
      } else {
        assertThat(compensated(heard.get(0)).cause()).isInstanceOf(CancellationException.class);
        assertThat(desk.standing()).isEmpty();
        // the step that ran has ended, and no other has begun
        assertThat(desk.log.stream().filter(e -> e.startsWith("+"))).hasSize(seconds / 2 + 1);
      }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9})
    void orTheSagaContinues(int seconds) {
      Disposable saga =
          fiveSteps()
              .as(
                  saga(
                      "trip",
                      (SagaSpec<String> s) ->
                          s.onCancel(OnCancel.CONTINUE).listener((n, i, r) -> heard.add(r))))
              .subscribe();
      time.advanceTimeBy(Duration.ofSeconds(seconds));
      saga.dispose();
      time.advanceTimeBy(Duration.ofDays(1));
      assertThat(heard).containsExactly(new Completed<>("o>a>b>c>d>e"));
      assertThat(desk.standing()).hasSize(5);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15})
    void fromInsideAnySignal(int moment) {
      AtomicInteger moments = new AtomicInteger();
      AtomicReference<Disposable> saga = new AtomicReference<>();
      Runnable cancelNow =
          () -> {
            Disposable s = saga.get();
            if (moments.getAndIncrement() == moment && s != null) {
              s.dispose();
            }
          };
      Mono<String> body = Mono.just("o").delayElement(Duration.ofSeconds(1));
      for (String name : List.of("a", "b", "c")) {
        body =
            body.doOnNext(any -> cancelNow.run())
                .transform(
                    Sagas.<String, String>sagaStep(
                        name,
                        in -> {
                          cancelNow.run();
                          return desk.work(name, in)
                              .doOnSubscribe(any -> cancelNow.run())
                              .doOnNext(any -> cancelNow.run());
                        },
                        s -> s.compensate(desk.undo(name))))
                .doOnSuccess(any -> cancelNow.run());
      }
      saga.set(
          body.as(saga("trip", (SagaSpec<String> s) -> s.listener((n, i, r) -> heard.add(r))))
              .subscribe());
      time.advanceTimeBy(Duration.ofDays(1));
      assertThat(heard).hasSize(1);
      assertThat(desk.standing()).hasSize(heard.get(0) instanceof Completed ? 3 : 0);
      assertThat(moments.get() > moment || heard.get(0) instanceof Completed).isTrue();
    }

    @Test
    void duringTheCompensationsItChangesNothing() {
      Disposable saga =
          Mono.just("o")
              .transform(
                  Sagas.<String, String>sagaStep(
                      "a",
                      in -> desk.work("a", in),
                      s ->
                          s.compensate(
                              (in, out) ->
                                  Mono.delay(Duration.ofSeconds(5))
                                      .then(Mono.from(desk.undo("a").compensate(in, out))))))
              .transform(desk.failing("b", DECLINED, s -> s))
              .as(saga("trip", (SagaSpec<String> s) -> s.listener((n, i, r) -> heard.add(r))))
              .subscribe();
      time.advanceTimeBy(Duration.ofSeconds(2));
      saga.dispose();
      time.advanceTimeBy(Duration.ofDays(1));
      assertThat(heard).containsExactly(new Compensated<>("b", DECLINED));
      assertThat(desk.standing()).isEmpty();
    }

    @Test
    void afterThePivotTheSagaGoesOn() {
      Disposable saga =
          Mono.just("o")
              .transform(desk.slow("pay", Duration.ofSeconds(2), StepSpec::pivot))
              .transform(desk.slow("issue", Duration.ofSeconds(2), s -> s))
              .as(saga("trip", (SagaSpec<String> s) -> s.listener((n, i, r) -> heard.add(r))))
              .subscribe();
      time.advanceTimeBy(Duration.ofSeconds(1)); // while it runs
      saga.dispose();
      time.advanceTimeBy(Duration.ofDays(1));
      assertThat(heard).containsExactly(new Completed<>("o>pay>issue"));
    }

    @Test
    void ofABodyThatNeverEndsReachesIt() {
      AtomicBoolean cancelled = new AtomicBoolean();
      Mono.never()
          .doOnCancel(() -> cancelled.set(true))
          .as(saga("trip", s -> s.listener((n, i, r) -> heard.add(r))))
          .subscribe()
          .dispose();
      assertThat(cancelled).isTrue();
      assertThat(heard).hasSize(1);
    }
  }

  @Nested
  class Races {

    /** Steps on real threads, a cancel on another: everything stands or nothing. */
    @RepeatedTest(50)
    void cancelAgainstParallelSteps() {
      VirtualTimeScheduler.reset();
      Sinks.One<SagaResult<?>> heard = Sinks.one();
      Sinks.One<String> a = Sinks.one();
      Sinks.One<String> b = Sinks.one();
      Mono<String> body =
          Mono.zip(racing("a", a.asMono()), racing("b", b.asMono()), String::concat)
              .transform(desk.step("c"));
      Disposable saga =
          body.as(
                  saga(
                      "trip",
                      (SagaSpec<String> s) ->
                          s.listener(
                              (n, i, r) -> heard.emitValue(r, Sinks.EmitFailureHandler.FAIL_FAST))))
              .subscribe();
      RaceTestUtils.race(
          () -> a.emitValue("1", Sinks.EmitFailureHandler.FAIL_FAST),
          () -> b.emitValue("2", Sinks.EmitFailureHandler.FAIL_FAST),
          saga::dispose);
      SagaResult<?> result = heard.asMono().block(Duration.ofSeconds(10));
      assertThat(desk.standing().size()).isEqualTo(result instanceof Completed ? 3 : 0);
    }

    /** A failure of one branch against the success of the other. */
    @RepeatedTest(50)
    void failureAgainstSuccess() {
      VirtualTimeScheduler.reset();
      Sinks.One<String> a = Sinks.one();
      Sinks.One<String> b = Sinks.one();
      Mono<String> body =
          Mono.zip(racing("a", a.asMono()), racing("b", b.asMono()), String::concat);
      AtomicReference<@Nullable SagaResult<String>> result = new AtomicReference<>();
      body.as(saga("trip", (SagaSpec<String> s) -> s)).subscribe(result::set);
      RaceTestUtils.race(
          () -> a.emitValue("1", Sinks.EmitFailureHandler.FAIL_FAST),
          () -> b.emitError(LOST, Sinks.EmitFailureHandler.FAIL_FAST));
      assertThat(result.get()).isEqualTo(new Compensated<String>("b", LOST));
      assertThat(desk.standing()).isEmpty();
      assertThat(desk.log.stream().filter(e -> e.startsWith("-"))).hasSize(2);
    }

    /** An answer against the timeout of its step: compensated once, whoever wins. */
    @RepeatedTest(50)
    void answerAgainstTimeout() {
      VirtualTimeScheduler.reset();
      VirtualTimeScheduler clock = VirtualTimeScheduler.create();
      Sinks.One<String> a = Sinks.one();
      AtomicReference<@Nullable SagaResult<String>> result = new AtomicReference<>();
      racing("a", a.asMono())
          .transform(desk.failing("b", DECLINED, s -> s))
          .as(saga("trip", (SagaSpec<String> s) -> s.timer(clock)))
          .subscribe(result::set);
      RaceTestUtils.race(
          () -> a.emitValue("1", Sinks.EmitFailureHandler.FAIL_FAST),
          () -> clock.advanceTimeBy(Duration.ofMinutes(1)));
      assertThat(result.get()).isInstanceOf(Compensated.class);
      assertThat(desk.log.stream().filter(e -> e.startsWith("-a"))).hasSize(1);
    }

    private Mono<String> racing(String name, Mono<String> when) {
      return Mono.just("o")
          .transform(
              Sagas.<String, String>sagaStep(
                  name,
                  in -> when.flatMap(any -> desk.work(name, in)),
                  s -> s.compensate(desk.undo(name))));
    }

    @Test
    void theStepsOfManyBranchesOnManyThreads() {
      VirtualTimeScheduler.reset();
      Mono<Long> body =
          Flux.range(0, 500)
              .map(String::valueOf)
              .flatMap(
                  i ->
                      Mono.just(i)
                          .transform(
                              Sagas.<String, String>sagaStep(
                                  "s",
                                  in -> desk.work(in, in).subscribeOn(Schedulers.parallel()),
                                  s ->
                                      s.key(in -> in)
                                          .compensate(
                                              (in, out) -> desk.undo(in).compensate(in, out)))))
              .count()
              .map(
                  n -> {
                    throw LOST;
                  });
      SagaResult<Long> result =
          body.as(saga("trip", (SagaSpec<Long> s) -> s)).block(Duration.ofSeconds(30));
      assertThat(result).isEqualTo(new Compensated<Long>(null, LOST));
      assertThat(desk.standing()).isEmpty();
      assertThat(desk.log).hasSize(1000);
    }
  }

  @Nested
  class Scope {

    @Test
    void aStepOutsideASagaIsAnError() {
      StepVerifier.create(Mono.just("o").transform(desk.step("a")))
          .expectErrorMessage("step a is in: none (expected: a saga, or StepSpec.standalone())")
          .verify();
    }

    @Test
    void aStepInsideAnActionIsOutsideTheSaga() {
      Mono<String> body =
          Mono.just("o")
              .transform(
                  sagaStep("outer", in -> Mono.just(in).transform(desk.step("inner")), s -> s));
      assertThat(compensated(run(body, s -> s)).cause())
          .hasMessage(
              "step inner is in: step outer of saga trip (expected: a saga, or"
                  + " StepSpec.standalone())");
    }

    @Test
    void aSagaInsideASagaHasStepsOfItsOwn() {
      Mono<SagaResult<String>> inner =
          Mono.just("o").transform(desk.step("a")).as(saga("inner", s -> s));
      Mono<String> body = inner.then(Mono.just("o").transform(desk.failing("a", DECLINED, s -> s)));
      compensated(run(body, s -> s));
      assertThat(desk.log).containsExactly("+a", "!a");
    }

    @Test
    void aStandaloneStepIsASagaOfItsOwn() {
      StepVerifier.create(Mono.just("o").transform(desk.step("a", StepSpec::standalone)))
          .expectNext("o>a")
          .verifyComplete();
      StepVerifier.create(Mono.just("o").transform(desk.failing("b", LOST, StepSpec::standalone)))
          .expectErrorSatisfies(e -> assertThat(e).isSameAs(LOST))
          .verify();
      StepVerifier.create(Mono.<String>empty().transform(desk.step("c", StepSpec::standalone)))
          .verifyComplete();
      assertThat(desk.log).containsExactly("+a", "!b", "-b(null)");
    }

    @Test
    void theContextOfTheSubscriberIsSeenByActions() {
      Mono<String> body =
          Mono.just("o")
              .transform(
                  sagaStep(
                      "a", in -> Mono.deferContextual(c -> Mono.just(c.<String>get("tenant")))));
      assertThat(
              run(
                  body.as(saga("trip", (SagaSpec<String> s) -> s))
                      .contextWrite(c -> c.put("tenant", "t"))))
          .isEqualTo(new Completed<>("t"));
    }

    @Test
    void noStepNoContext() {
      StepVerifier.create(StepContext.current())
          .expectErrorMessage(
              "step: none (expected: within the action or the compensation of a step)")
          .verify();
    }
  }

  @Nested
  class Options {

    @Test
    void areCheckedAtAssembly() {
      assertThatThrownBy(() -> sagaStep(" ", Mono::just))
          .hasMessage("step: \" \" (expected: a name)");
      assertThatThrownBy(() -> saga("", s -> s)).hasMessage("saga: \"\" (expected: a name)");
      assertThatThrownBy(() -> desk.step("a", s -> s.timeout(Duration.ZERO)))
          .hasMessage("timeout: PT0S (expected: > PT0S, <= PT8760H)");
      assertThatThrownBy(() -> saga("a", s -> s.maxSteps(0)))
          .hasMessage("maxSteps: 0 (expected: 1..65536)");
      assertThatThrownBy(() -> saga("a", s -> s.awaitRunning(Duration.ofDays(366))))
          .hasMessage("awaitRunning: PT8784H (expected: > PT0S, <= PT8760H)");
    }

    @ParameterizedTest
    @EnumSource(OnCancel.class)
    void aListenerThatThrowsHurtsNobody(OnCancel onCancel) {
      assertThat(
              run(
                  Mono.just("o").transform(desk.step("a")),
                  s ->
                      s.onCancel(onCancel)
                          .listener(
                              (n, i, r) -> {
                                throw LOST;
                              })))
          .isEqualTo(new Completed<>("o>a"));
    }
  }

  @SuppressWarnings("NullAway") // what a user should not do
  private static <T> T nothing() {
    return null;
  }
}

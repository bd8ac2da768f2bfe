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
package dev.sluice.memory;

import static dev.sluice.saga.Sagas.sagaStep;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.sluice.saga.SagaAdmin;
import dev.sluice.saga.SagaBusy;
import dev.sluice.saga.SagaDefinition;
import dev.sluice.saga.SagaRecovery;
import dev.sluice.saga.SagaResult;
import dev.sluice.saga.SagaResult.Compensated;
import dev.sluice.saga.SagaResult.Completed;
import dev.sluice.saga.SagaResult.Parked;
import dev.sluice.saga.Sagas;
import dev.sluice.store.SagaEvent;
import dev.sluice.store.SagaEvent.Kind;
import dev.sluice.store.SagaFenced;
import dev.sluice.store.SagaKey;
import dev.sluice.store.SagaLog;
import dev.sluice.store.SagaLog.Entry;
import dev.sluice.store.SagaLog.Query;
import dev.sluice.store.SagaState;
import dev.sluice.test.MeterReadings;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CancellationException;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.test.StepVerifier;
import reactor.test.scheduler.VirtualTimeScheduler;

/** Sagas with a journal, in one process and in the next. */
class DurableSagasTest {

  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final SagaKey KEY = new SagaKey("trip", "7");

  private final SetClock clock = new SetClock();
  private final MemorySagaLog log = MemorySagaLog.create(1000, clock);
  private final SagaProcess process = SagaProcess.immortal(log);
  private final SagaBank bank = new SagaBank();

  private static SagaDefinition<String, String> trip(
      int version, Function<String, Mono<String>> body) {
    return SagaDefinition.of("trip", version, String.class, String.class, body);
  }

  private static SagaDefinition<String, String> quick(SagaDefinition<String, String> definition) {
    return definition.with(
        s ->
            s.compensationRetry(
                    r -> r.retries(5).backoff(Duration.ofMillis(1), Duration.ofMillis(2)))
                .forwardRetry(
                    r -> r.retries(1).backoff(Duration.ofMillis(1), Duration.ofMillis(2))));
  }

  private Sagas sagas(SagaDefinition<?, ?>... definitions) {
    return sagas(process, definitions);
  }

  private static Sagas sagas(SagaLog log, SagaDefinition<?, ?>... definitions) {
    return Sagas.over(
        log,
        SagaBank.TEXTS,
        d -> {
          for (SagaDefinition<?, ?> definition : definitions) {
            d = d.definition(definition);
          }
          return d.replayWithin(Duration.ofMillis(200));
        });
  }

  private SagaResult<String> run(SagaDefinition<String, String> definition) {
    return Objects.requireNonNull(sagas(definition).run(definition, "7", "in").block(PATIENCE));
  }

  private List<Entry> journal() {
    return Objects.requireNonNull(log.read(KEY).collectList().block(PATIENCE));
  }

  private List<Kind> kinds() {
    return journal().stream().map(entry -> entry.event().kind()).toList();
  }

  /** On this thread, which may block. */
  private static void await(String what, BooleanSupplier condition) {
    long end = System.nanoTime() + PATIENCE.toNanos();
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() - end > 0) {
        throw new AssertionError("not within " + PATIENCE + ": " + what);
      }
      LockSupport.parkNanos(2_000_000);
    }
  }

  /** Lets a saga die with its process when its body comes to a point that it does not pass. */
  private void dies(SagaDefinition<String, String> definition) {
    sagas(definition).run(definition, "7", "in").subscribe();
    clock.pass(Duration.ofHours(1));
  }

  @Nested
  class Forward {

    /**
     * What a step gave goes with the intent of the next one, which is called when that is there.
     */
    @Test
    void aStepCostsOneAppend() {
      List<List<SagaEvent>> appends = new ArrayList<>();
      List<Sinks.Empty<Void>> answers = new ArrayList<>();
      SagaProcess slow =
          new SagaProcess(log, Integer.MAX_VALUE, boundary -> {}) {
            @Override
            public Mono<Void> append(Hold hold, long revision, List<SagaEvent> events) {
              appends.add(events);
              answers.add(Sinks.empty());
              return answers
                  .get(answers.size() - 1)
                  .asMono()
                  .then(super.append(hold, revision, events));
            }
          };
      SagaDefinition<String, String> trip =
          trip(
              1,
              in ->
                  Mono.just(in)
                      .transform(bank.step(process, "a"))
                      .transform(bank.step(process, "b")));
      AtomicReference<@Nullable SagaResult<String>> result = new AtomicReference<>();
      sagas(slow, trip).run(trip, "7", "in").subscribe(result::set);
      assertThat(bank.log).isEmpty();
      answers.get(0).tryEmitEmpty();
      assertThat(bank.log).containsExactly("+trip/7/a");
      answers.get(1).tryEmitEmpty();
      assertThat(bank.log).containsExactly("+trip/7/a", "+trip/7/b");
      assertThat(result.get()).isNull();
      answers.get(2).tryEmitEmpty();
      assertThat(result.get()).isEqualTo(new Completed<>("in>a>b"));
      assertThat(appends.stream().map(all -> all.stream().map(SagaEvent::kind).toList()))
          .containsExactly(
              List.of(Kind.INTENT),
              List.of(Kind.DONE, Kind.INTENT),
              List.of(Kind.DONE, Kind.COMPLETED));
    }

    @Test
    void whatHasEndedIsTold() {
      SagaDefinition<String, String> trip =
          trip(1, in -> Mono.just(in).transform(bank.step(process, "a")));
      run(trip);
      assertThat(run(trip)).isEqualTo(new Completed<>("in>a"));
      assertThat(bank.calls.values()).containsExactly(1);
    }

    @Test
    void anEmptyBodyAndAnEmptyStepAreKept() {
      SagaDefinition<String, String> trip =
          trip(
              1,
              in ->
                  Mono.just(in)
                      .transform(
                          sagaStep("a", x -> Mono.<String>empty(), s -> s.gives(String.class))));
      assertThat(run(trip)).isEqualTo(new Completed<String>(null));
      assertThat(run(trip)).isEqualTo(new Completed<String>(null));
    }

    @Test
    void anIdIsForOneInput() {
      SagaDefinition<String, String> trip = trip(1, Mono::just);
      run(trip);
      StepVerifier.create(sagas(trip).run(trip, "7", "other"))
          .expectErrorMessage("saga trip/7: has another input (expected: an id of its own)")
          .verify(PATIENCE);
    }

    @Test
    void aSagaThatSomebodyHasIsBusy() {
      SagaDefinition<String, String> trip = trip(1, in -> Mono.never());
      sagas(trip).run(trip, "7", "in").subscribe();
      StepVerifier.create(sagas(trip).run(trip, "7", "in"))
          .expectErrorSatisfies(
              error ->
                  assertThat(error)
                      .isInstanceOfSatisfying(
                          SagaBusy.class, busy -> assertThat(busy.left()).isPositive()))
          .verify(PATIENCE);
    }

    @Test
    void aStepSaysWhatItGives() {
      SagaDefinition<String, String> trip =
          trip(1, in -> Mono.just(in).transform(sagaStep("a", x -> Mono.just(x))));
      assertThat(((Compensated<String>) run(trip)).cause())
          .hasMessage(
              "step a of saga trip gives: unknown (expected: StepSpec.gives, in a durable saga)");
    }

    @Test
    void definitionsAreRegisteredOnce() {
      SagaDefinition<String, String> trip = trip(1, Mono::just);
      assertThatIllegalArgumentException()
          .isThrownBy(() -> sagas(trip, trip(1, Mono::just)))
          .withMessage(
              "definition: another trip version 1 (expected: one of each name and version)");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> sagas().run(trip, "7", "in"))
          .withMessage("definition: trip version 1 (expected: one of DurableSpec.definition)");
    }

    /** The action is called in one process, and again in the next one. */
    @Test
    void theTimeoutCountsFromTheBeginning() {
      AtomicInteger calls = new AtomicInteger();
      SagaDefinition<String, String> trip =
          trip(
                  1,
                  in ->
                      Mono.just(in)
                          .transform(bank.step(process, "a"))
                          .transform(
                              sagaStep(
                                  "b",
                                  x -> {
                                    calls.incrementAndGet();
                                    return Mono.<String>never();
                                  },
                                  s -> s.gives(String.class))))
              .with(s -> s.timeout(Duration.ofMinutes(30)).awaitRunning(Duration.ofMillis(1)));
      dies(trip);
      SagaResult<String> result = run(trip);
      assertThat(((Compensated<String>) result).cause()).isInstanceOf(TimeoutException.class);
      assertThat(bank.standing()).isEmpty();
      assertThat(calls.get()).isBetween(1, 2);
    }
  }

  @Nested
  class Drift {

    private void parks(
        Function<String, Mono<String>> before, Function<String, Mono<String>> after, String why) {
      dies(trip(1, before));
      List<String> log = List.copyOf(bank.log);
      SagaResult<String> result = run(trip(1, after));
      assertThat(result).isInstanceOf(Parked.class);
      assertThat(((Parked<String>) result).cause()).hasMessage(why);
      assertThat(bank.log).isEqualTo(log);
      assertThat(run(trip(1, after))).isInstanceOf(Parked.class);
      assertThat(kinds()).endsWith(Kind.PARKED).doesNotContain(Kind.TURNED, Kind.UNDOING);
    }

    @Test
    void aReorderedSagaIsParked() {
      parks(
          in -> Mono.just(in).transform(bank.step(process, "a")).then(Mono.never()),
          in -> Mono.just(in).transform(bank.step(process, "b")).transform(bank.step(process, "a")),
          "saga trip/7: step b of saga trip comes before step a, which the journal has (expected:"
              + " the steps of the version it was begun with)");
    }

    @Test
    void aSagaWithoutOneOfItsStepsIsParked() {
      parks(
          in -> Mono.just(in).transform(bank.step(process, "a")).then(Mono.never()),
          Mono::just,
          "saga trip/7: step a is in the journal, and the body ends without it (expected: the steps"
              + " of the version it was begun with)");
    }

    @Test
    void aStepWithAnotherInputIsParked() {
      parks(
          in -> Mono.just(in).transform(bank.step(process, "a")).then(Mono.never()),
          in -> Mono.just(in + "!").transform(bank.step(process, "a")),
          "saga trip/7: step a of saga trip comes with another input than the journal has (expected:"
              + " the same)");
    }

    @Test
    void aVersionThatIsNotThereIsParked() {
      dies(trip(1, in -> Mono.just(in).transform(bank.step(process, "a")).then(Mono.never())));
      SagaResult<String> result =
          run(trip(2, in -> Mono.just(in).transform(bank.step(process, "b"))));
      assertThat(((Parked<String>) result).cause())
          .hasMessage("saga trip/7: version 1 (expected: one of [2], which are registered here)");
      assertThat(bank.log).containsExactly("+trip/7/a");
    }

    @Test
    void aSagaGoesOnWithItsVersion() {
      AtomicInteger lives = new AtomicInteger();
      SagaDefinition<String, String> old =
          trip(
              1,
              in ->
                  Mono.just(in)
                      .transform(bank.step(process, "a"))
                      .flatMap(
                          x -> lives.getAndIncrement() == 0 ? Mono.<String>never() : Mono.just(x))
                      .transform(bank.step(process, "b")));
      SagaDefinition<String, String> latest = trip(2, Mono::just);
      dies(old);
      Sagas both = sagas(old, latest);
      assertThat(both.run(latest, "7", "in").block(PATIENCE)).isEqualTo(new Completed<>("in>a>b"));
    }

    @Test
    void whatWasParkedGoesOnWithTheRightDefinition() {
      AtomicInteger lives = new AtomicInteger();
      Function<String, Mono<String>> right =
          in ->
              Mono.just(in)
                  .transform(bank.step(process, "a"))
                  .flatMap(x -> lives.getAndIncrement() == 0 ? Mono.<String>never() : Mono.just(x))
                  .transform(bank.step(process, "b"));
      dies(trip(1, right));
      assertThat(run(trip(1, Mono::just))).isInstanceOf(Parked.class);
      sagas().admin().resume(KEY, "deployed what it was begun with").block(PATIENCE);
      assertThat(run(trip(1, right))).isEqualTo(new Completed<>("in>a>b"));
      assertThat(bank.calls.values()).containsOnly(1);
    }

    @Test
    void whatItsProcessesDieOfIsParked() {
      SagaDefinition<String, String> trip = trip(1, in -> Mono.never());
      for (int i = 0; i <= 20; i++) {
        dies(trip);
      }
      assertThat(((Parked<String>) run(trip)).cause())
          .hasMessage("saga trip/7: taken over 21 times, and nothing came of it (expected: <= 20)");
    }
  }

  @Nested
  class Backward {

    private final AtomicInteger failures = new AtomicInteger();

    private Function<Mono<String>, Mono<String>> stubborn(String name, int times) {
      return sagaStep(
          name,
          in -> Mono.just(in + ">" + name),
          s ->
              s.gives(String.class)
                  .compensate(
                      (in, out) ->
                          failures.incrementAndGet() <= times
                              ? Mono.error(new IllegalStateException("not now"))
                              : Mono.empty()));
    }

    private Mono<String> fail(String in) {
      return Mono.error(new IllegalStateException("no"));
    }

    private SagaDefinition<String, String> stuck(int times) {
      return quick(
          trip(
              1,
              in ->
                  Mono.just(in)
                      .transform(bank.step(process, "a"))
                      .transform(stubborn("b", times))
                      .transform(bank.step(process, "c"))
                      .flatMap(this::fail)));
    }

    @Test
    void aCompensationThatFailsFiveTimesAndThenSucceeds() {
      SagaResult<String> result = run(stuck(5));
      assertThat(result).isInstanceOf(Compensated.class);
      assertThat(bank.standing()).isEmpty();
      assertThat(failures.get()).isEqualTo(6);
      assertThat(kinds())
          .endsWith(
              Kind.TURNED,
              Kind.UNDOING,
              Kind.UNDONE,
              Kind.UNDOING,
              Kind.UNDONE,
              Kind.UNDOING,
              Kind.UNDONE,
              Kind.COMPENSATED);
      SagaResult<String> told = run(stuck(5));
      assertThat(((Compensated<String>) told).cause()).hasMessage("no");
    }

    @Test
    void oneThatAlwaysFailsIsParkedAndResumedByHand() {
      SagaDefinition<String, String> trip = stuck(6);
      Parked<String> parked = (Parked<String>) run(trip);
      assertThat(parked.stuckCompensation()).isEqualTo("b");
      assertThat(parked.standing()).containsExactly("b", "a");
      assertThat(bank.standing()).containsExactly("trip/7/a");
      Parked<String> told = (Parked<String>) run(trip);
      assertThat(told.stuckCompensation()).isEqualTo("b");
      assertThat(Objects.requireNonNull(told.stuckCause())).hasMessage("not now");
      assertThat(told.standing()).containsExactly("b", "a");

      SagaAdmin admin = sagas(trip).admin();
      assertThat(admin.list(Query.all().state(SagaState.PARKED)).collectList().block())
          .extracting(one -> one.key())
          .containsExactly(KEY);
      assertThat(Objects.requireNonNull(admin.stats().block()).parked()).isEqualTo(1);
      admin.resume(KEY, "the service is back").block(PATIENCE);
      assertThat(run(trip)).isInstanceOf(Compensated.class);
      assertThat(bank.standing()).isEmpty();
      assertThat(bank.log).filteredOn(e -> e.equals("-trip/7/c")).hasSize(1);
      assertThat(failures.get()).isEqualTo(7);
    }

    @Test
    void oneThatAlwaysFailsIsSkippedByHand() {
      SagaDefinition<String, String> trip = stuck(Integer.MAX_VALUE);
      assertThat(run(trip)).isInstanceOf(Parked.class);
      SagaAdmin admin = sagas(trip).admin();
      StepVerifier.create(admin.skipCompensation(KEY, "a", "by mistake"))
          .expectErrorMessage("saga trip/7: stuck in the compensation of: b (expected: a)")
          .verify(PATIENCE);
      admin.skipCompensation(KEY, "b", "refunded by hand").block(PATIENCE);
      assertThat(run(trip)).isInstanceOf(Compensated.class);
      assertThat(bank.standing()).isEmpty();
      assertThat(failures.get()).isEqualTo(6);
      assertThat(admin.timeline(KEY).map(e -> e.event().kind()).collectList().block())
          .contains(Kind.SKIPPED);
    }

    @Test
    void aSagaIsAbandonedByHand() {
      SagaDefinition<String, String> trip = stuck(Integer.MAX_VALUE);
      run(trip);
      SagaAdmin admin = sagas(trip).admin();
      admin.abandon(KEY, "settled on the phone").block(PATIENCE);
      assertThat(((Parked<String>) run(trip)).cause())
          .hasMessage("saga trip/7 was abandoned: settled on the phone");
      StepVerifier.create(admin.resume(KEY, ""))
          .expectErrorMessage("saga trip/7: ABANDONED (expected: PARKED)")
          .verify(PATIENCE);
      StepVerifier.create(admin.abandon(new SagaKey("trip", "none"), ""))
          .expectErrorMessage("saga trip/none: none (expected: RUNNING or PARKED)")
          .verify(PATIENCE);
    }

    @Test
    void behindThePivotASagaIsParkedAndResumedForward() {
      AtomicInteger calls = new AtomicInteger();
      SagaDefinition<String, String> trip =
          quick(
              trip(
                  1,
                  in ->
                      Mono.just(in)
                          .transform(bank.step(process, "a", s -> s.pivot()))
                          .transform(
                              sagaStep(
                                  "b",
                                  x ->
                                      calls.incrementAndGet() <= 2
                                          ? Mono.<String>error(new IllegalStateException("down"))
                                          : Mono.just(x + ">b"),
                                  s -> s.gives(String.class)))));
      Parked<String> parked = (Parked<String>) run(trip);
      assertThat(parked.failedStep()).isEqualTo("b");
      sagas(trip).admin().resume(KEY, "it is up").block(PATIENCE);
      assertThat(run(trip)).isEqualTo(new Completed<>("in>a>b"));
      assertThat(calls.get()).isEqualTo(3);
      assertThat(bank.calls.values()).containsExactly(1);
    }

    /** What the body has done without cannot be undone; when it is, the body sees what it saw. */
    @Test
    void whatTheBodyDidWithoutIsResumedBackward() {
      AtomicInteger calls = new AtomicInteger();
      SagaDefinition<String, String> trip =
          quick(
              trip(
                  1,
                  in ->
                      Mono.just(in)
                          .transform(
                              sagaStep(
                                  "b",
                                  x -> {
                                    calls.incrementAndGet();
                                    return Mono.<String>error(new IllegalStateException("lost"));
                                  },
                                  s ->
                                      s.gives(String.class)
                                          .compensate(
                                              (i, o) ->
                                                  failures.incrementAndGet() <= 6
                                                      ? Mono.error(
                                                          new IllegalStateException("not now"))
                                                      : Mono.empty())))
                          .onErrorResume(
                              e -> Mono.just(in).transform(bank.step(process, "instead")))));
      Parked<String> parked = (Parked<String>) run(trip);
      assertThat(parked.stuckCompensation()).isEqualTo("b");
      sagas(trip).admin().resume(KEY, "it is up").block(PATIENCE);
      assertThat(run(trip)).isEqualTo(new Completed<>("in>instead"));
      assertThat(calls.get()).isEqualTo(1);
      assertThat(bank.calls).containsOnlyKeys("trip/7/instead");
    }

    @Test
    void aCancelCompensates() {
      AtomicReference<@Nullable SagaResult<?>> heard = new AtomicReference<>();
      Sinks.One<String> answer = Sinks.one();
      SagaDefinition<String, String> trip =
          trip(
                  1,
                  in ->
                      Mono.just(in)
                          .transform(bank.step(process, "a"))
                          .transform(
                              sagaStep("b", x -> answer.asMono(), s -> s.gives(String.class))))
              .with(s -> s.listener((saga, id, result) -> heard.set(result)));
      sagas(trip).run(trip, "7", "in").subscribe().dispose();
      assertThat(kinds()).endsWith(Kind.TURNED);
      assertThat(heard.get()).isNull();
      answer.tryEmitValue("late");
      assertThat(((Compensated<?>) Objects.requireNonNull(heard.get())).cause())
          .isInstanceOf(CancellationException.class);
      assertThat(bank.standing()).isEmpty();
    }
  }

  @Nested
  class Recovery {

    /** Its process has died behind step a. */
    private SagaDefinition<String, String> orphan(int sagas) {
      AtomicInteger lives = new AtomicInteger();
      SagaDefinition<String, String> trip =
          trip(
              1,
              in ->
                  Mono.just(in)
                      .transform(bank.step(process, "a"))
                      .flatMap(
                          x ->
                              lives.getAndIncrement() < sagas ? Mono.<String>never() : Mono.just(x))
                      .transform(bank.step(process, "b")));
      for (int i = 0; i < sagas; i++) {
        sagas(trip).run(trip, "" + i, "in").subscribe();
      }
      clock.pass(Duration.ofHours(1));
      return trip;
    }

    @Test
    void goesOnWithWhatNobodyHas() {
      SagaDefinition<String, String> trip = orphan(20);
      SagaRecovery recovery =
          sagas(trip).recover(r -> r.pollInterval(Duration.ofMillis(5)).concurrency(3));
      await(
          "the end of all",
          () -> {
            SagaLog.Stats stats = Objects.requireNonNull(log.stats().block());
            return stats.running() == 0;
          });
      recovery.stop().block(PATIENCE);
      assertThat(recovery.running()).isZero();
      assertThat(bank.calls).hasSize(40);
      assertThat(bank.calls.values()).containsOnly(1);
    }

    @Test
    void forgetsWhatHasEndedForLong() {
      SagaDefinition<String, String> trip = trip(1, Mono::just);
      run(trip);
      clock.pass(Duration.ofHours(1));
      SagaRecovery recovery =
          sagas(trip)
              .recover(r -> r.pollInterval(Duration.ofMillis(5)).retention(Duration.ofMinutes(30)));
      await("it to be forgotten", () -> journal().isEmpty());
      recovery.stop().block(PATIENCE);
    }

    @Test
    void isCounted() {
      SagaDefinition<String, String> trip = orphan(2);
      Sagas sagas = sagas(trip);
      SagaRecovery recovery = sagas.recover(r -> r.pollInterval(Duration.ofMillis(5)));
      await("the end of all", () -> Objects.requireNonNull(log.stats().block()).running() == 0);
      await(
          "another look",
          () -> MeterReadings.of(recovery).read().get("sluice.saga.running{}") == 0.0);
      recovery.stop().block(PATIENCE);
      assertThat(MeterReadings.of(recovery).read())
          .containsEntry("sluice.saga.parked{}", 0.0)
          .containsKey("sluice.saga.overdue{}");
      assertThat(MeterReadings.of(sagas).read())
          .containsEntry("sluice.saga{name=trip, result=completed}", 2.0)
          .containsEntry("sluice.saga{name=trip, result=compensated}", 0.0)
          .containsEntry("sluice.saga{name=trip, result=parked}", 0.0)
          .containsEntry("sluice.saga.compensations{name=trip}", 0.0)
          .containsEntry("sluice.saga.lost{name=trip}", 0.0)
          .containsEntry("sluice.saga.active{}", 0.0);
    }

    /** Five of them look for the same sagas. */
    @Test
    void isDoneByOneOfMany() {
      SagaDefinition<String, String> trip = orphan(50);
      List<SagaRecovery> recoveries = new ArrayList<>();
      for (int i = 0; i < 5; i++) {
        recoveries.add(
            sagas(trip).recover(r -> r.pollInterval(Duration.ofMillis(2)).concurrency(7)));
      }
      await("the end of all", () -> Objects.requireNonNull(log.stats().block()).running() == 0);
      recoveries.forEach(recovery -> recovery.stop().block(PATIENCE));
      assertThat(bank.calls).hasSize(100);
      assertThat(bank.calls.values()).containsOnly(1);
    }

    /** The holder hears of its intent when its lease has ended and others have gone on. */
    @Test
    void leavesAHolderBehindThatWasPaused() {
      Sinks.Empty<Void> pause = Sinks.empty();
      SagaProcess paused =
          new SagaProcess(log, Integer.MAX_VALUE, boundary -> {}) {
            @Override
            public Mono<Void> append(Hold hold, long revision, List<SagaEvent> events) {
              Mono<Void> append = super.append(hold, revision, events);
              SagaEvent last = events.get(events.size() - 1);
              return last.kind() == Kind.INTENT && last.step().equals("b")
                  ? append.then(pause.asMono())
                  : append;
            }
          };
      SagaDefinition<String, String> zombie =
          trip(
              1,
              in ->
                  Mono.just(in)
                      .transform(bank.step(paused, "a"))
                      .transform(bank.step(paused, "b"))
                      .transform(bank.step(paused, "c")));
      AtomicReference<@Nullable Throwable> error = new AtomicReference<>();
      VirtualTimeScheduler zombieTime = VirtualTimeScheduler.create();
      Sagas.over(paused, SagaBank.TEXTS, d -> d.definition(zombie).timer(zombieTime))
          .run(zombie, "7", "in")
          .subscribe(r -> {}, error::set);
      clock.pass(Duration.ofHours(1));
      SagaDefinition<String, String> heir =
          trip(
              1,
              in ->
                  Mono.just(in)
                      .transform(bank.step(process, "a"))
                      .transform(bank.step(process, "b"))
                      .transform(bank.step(process, "c")));
      List<SagaRecovery> recoveries = new ArrayList<>();
      for (int i = 0; i < 5; i++) {
        recoveries.add(sagas(heir).recover(r -> r.pollInterval(Duration.ofMillis(2))));
      }
      await("the end", () -> Objects.requireNonNull(log.stats().block()).running() == 0);
      recoveries.forEach(recovery -> recovery.stop().block(PATIENCE));
      assertThat(bank.calls.get("trip/7/b")).isEqualTo(1);
      zombieTime.advanceTimeBy(Duration.ofHours(1));
      pause.tryEmitEmpty(); // the zombie hears that its intent of b is durable
      await("the zombie's end", () -> error.get() != null || bank.calls.size() > 3);
      assertThat(error.get()).isInstanceOf(SagaFenced.class);
      assertThat(bank.calls.values()).containsOnly(1);
    }
  }
}

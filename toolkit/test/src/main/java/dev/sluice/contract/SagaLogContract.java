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
package dev.sluice.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.sluice.store.SagaEvent;
import dev.sluice.store.SagaEvent.Kind;
import dev.sluice.store.SagaFenced;
import dev.sluice.store.SagaKey;
import dev.sluice.store.SagaLog;
import dev.sluice.store.SagaLog.Busy;
import dev.sluice.store.SagaLog.Ended;
import dev.sluice.store.SagaLog.Entry;
import dev.sluice.store.SagaLog.Hold;
import dev.sluice.store.SagaLog.Opening;
import dev.sluice.store.SagaLog.Query;
import dev.sluice.store.SagaLog.Summary;
import dev.sluice.store.SagaLog.Taken;
import dev.sluice.store.SagaState;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.UUID;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;
import reactor.test.StepVerifier;

/**
 * What every {@link SagaLog} must do. A test of a log extends it and says how the log is made and
 * how its time passes.
 */
public abstract class SagaLogContract {

  private static final Duration LONG = Duration.ofMinutes(10);
  private static final Duration SHORT = Duration.ofMillis(20);
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  private final String saga = "contract-" + UUID.randomUUID();
  private final SagaKey key = new SagaKey(saga, "1");

  /** The log. What is in it does not matter: every test uses sagas of its own. */
  protected abstract SagaLog log();

  /** Lets the time of the log pass until the lease of a saga has ended. */
  protected abstract void awaitEnd(SagaKey key);

  /** Lets the time of the log pass until the last event of a saga is as old as that. */
  protected abstract void awaitAge(SagaKey key, Duration age);

  // == who has it ==

  @Test
  void makesASagaThatIsNotThere() {
    Taken taken = open(key, "a", LONG);
    assertThat(taken.hold().key()).isEqualTo(key);
    assertThat(taken.version()).isEqualTo(3);
    assertThat(taken.revision()).isZero();
    assertThat(taken.takeovers()).isZero();
    assertThat(journal(key)).containsExactly(SagaEvent.of(Kind.OPENED, "", bytes("input")));
  }

  @Test
  void makesNothingUntilSomebodySubscribes() {
    Mono<Opening> never = log().open(key, 1, bytes("x"), "a", LONG);
    assertThat(journal(key)).isEmpty();
    assertThat(never.block(PATIENCE)).isInstanceOf(Taken.class);
  }

  @Test
  void isBusyWhileSomebodyHasIt() {
    open(key, "a", LONG);
    assertThat(log().open(key, 9, bytes("other"), "b", LONG).block(PATIENCE))
        .isInstanceOfSatisfying(
            Busy.class, busy -> assertThat(busy.left()).isBetween(Duration.ofMillis(1), LONG));
    assertThat(journal(key)).hasSize(1);
  }

  @Test
  void givesTheSameOwnerWhatItHas() {
    Taken first = open(key, "a", LONG);
    append(first, 0, intent("s"));
    Taken again = open(key, "a", LONG);
    assertThat(again.hold()).isEqualTo(first.hold());
    assertThat(again.revision()).isEqualTo(1);
  }

  @Test
  void givesASagaWhoseLeaseHasEndedToTheNext() {
    Taken first = open(key, "a", SHORT);
    append(first, 0, intent("s"));
    awaitEnd(key);
    Taken second = open(key, "b", LONG);
    assertThat(second.hold().fence()).isGreaterThan(first.hold().fence());
    assertThat(second.version()).isEqualTo(3);
    assertThat(second.revision()).isEqualTo(1);
    assertThat(second.takeovers()).isEqualTo(1);
  }

  @Test
  void countsTheTakeoversSinceTheLastEvent() {
    open(key, "a", SHORT);
    awaitEnd(key);
    open(key, "b", SHORT);
    awaitEnd(key);
    Taken third = open(key, "c", SHORT);
    assertThat(third.takeovers()).isEqualTo(2);
    append(third, 0, intent("s"));
    awaitEnd(key);
    assertThat(open(key, "d", LONG).takeovers()).isEqualTo(1);
  }

  @Test
  void givesASagaToOneOfManyWhoAskAtOnce() {
    for (int round = 0; round < 10; round++) {
      SagaKey one = new SagaKey(saga, "race-" + round);
      List<Opening> openings =
          Flux.range(0, 16)
              .flatMap(
                  i ->
                      Mono.defer(() -> log().open(one, 1, bytes("x"), "owner-" + i, LONG))
                          .subscribeOn(Schedulers.parallel()),
                  16)
              .collectList()
              .block(PATIENCE);
      assertThat(openings).hasSize(16);
      assertThat(openings).filteredOn(Taken.class::isInstance).hasSize(1);
      assertThat(openings).filteredOn(Busy.class::isInstance).hasSize(15);
      assertThat(journal(one)).hasSize(1);
    }
  }

  // == the journal ==

  @Test
  void keepsWhatIsAppended() {
    Taken taken = open(key, "a", LONG);
    List<SagaEvent> events =
        List.of(
            new SagaEvent(Kind.INTENT, "charge", "k/1", "", bytes("print")),
            new SagaEvent(Kind.DONE, "charge", "k/1", "näte 😀", new byte[0]),
            new SagaEvent(Kind.FAILED, "ship", "", "because\nof that", null));
    append(taken, 0, events.toArray(new SagaEvent[0]));
    append(taken, 3, intent("last"));
    List<Entry> entries = Objects.requireNonNull(log().read(key).collectList().block(PATIENCE));
    assertThat(entries).extracting(Entry::revision).containsExactly(0L, 1L, 2L, 3L, 4L);
    assertThat(entries).extracting(Entry::event).startsWith(opened()).containsAll(events);
    assertThat(entries).extracting(Entry::at).isSorted();
  }

  @Test
  void appendsNothingAtAnotherRevision() {
    Taken taken = open(key, "a", LONG);
    append(taken, 0, intent("s"));
    fenced(taken, 0, intent("t"), intent("u"));
    fenced(taken, 2, intent("t"));
    fenced(taken, -1, intent("t"));
    assertThat(journal(key)).hasSize(2);
  }

  @Test
  void answersAnAppendAgain() {
    Taken taken = open(key, "a", LONG);
    append(taken, 0, intent("s"), intent("t"));
    append(taken, 0, intent("s"), intent("t"));
    assertThat(journal(key)).hasSize(3);
  }

  @Test
  void answersTheLastAppendAgain() {
    Taken taken = open(key, "a", LONG);
    append(taken, 0, SagaEvent.of(Kind.COMPLETED, "", null));
    append(taken, 0, SagaEvent.of(Kind.COMPLETED, "", null));
    assertThat(journal(key)).hasSize(2);
  }

  /** One that was paused for longer than its lease. */
  @Test
  void appendsNothingForWhoHasLostIt() {
    Taken zombie = open(key, "a", SHORT);
    awaitEnd(key);
    Taken heir = open(key, "b", LONG);
    fenced(zombie, 0, intent("late"));
    append(heir, 0, intent("s"));
    fenced(zombie, 0, intent("late"));
    fenced(zombie, 1, intent("late"));
    assertThat(journal(key)).containsExactly(opened(), intent("s"));
  }

  /** Nobody has noticed, so nothing has happened. */
  @Test
  void appendsForWhoseLeaseHasEndedAndNobodyElseHas() {
    Taken late = open(key, "a", SHORT);
    awaitEnd(key);
    append(late, 0, intent("s"));
  }

  @Test
  void appendsNothingBehindTheEnd() {
    Taken taken = open(key, "a", LONG);
    append(taken, 0, SagaEvent.of(Kind.COMPLETED, "", null));
    fenced(taken, 1, intent("s"));
  }

  @Test
  void appendsNothingToASagaThatIsNotThere() {
    fenced(new Taken(new Hold(key, 1), 1, 0, 0, Duration.ZERO), 0, intent("s"));
    assertThat(journal(key)).isEmpty();
  }

  @Test
  void letsOneOfManyAppendAtARevision() {
    Taken taken = open(key, "a", LONG);
    List<Boolean> won =
        Flux.range(0, 16)
            .flatMap(
                i -> {
                  // Each is longer than the one before, so that none is another's repetition.
                  SagaEvent[] events =
                      IntStream.rangeClosed(0, i)
                          .mapToObj(n -> intent("s" + i))
                          .toArray(SagaEvent[]::new);
                  return Mono.defer(() -> log().append(taken.hold(), 0, List.of(events)))
                      .subscribeOn(Schedulers.parallel())
                      .thenReturn(true)
                      .onErrorResume(SagaFenced.class, e -> Mono.just(false));
                },
                16)
            .collectList()
            .block(PATIENCE);
    assertThat(won).filteredOn(w -> w).hasSize(1);
    List<SagaEvent> events = journal(key);
    assertThat(new HashSet<>(events.subList(1, events.size()))).hasSize(1);
  }

  @Test
  void keepsManySagasApartThatAppendAtOnce() {
    int sagas = 40;
    int rounds = 5;
    Flux.range(0, sagas)
        .flatMap(
            i -> {
              SagaKey one = new SagaKey(saga, "many-" + i);
              return log()
                  .open(one, 1, bytes("in" + i), "o", LONG)
                  .cast(Taken.class)
                  .flatMapMany(
                      taken ->
                          Flux.range(0, rounds)
                              .concatMap(
                                  r ->
                                      log()
                                          .append(
                                              taken.hold(),
                                              2L * r,
                                              List.of(
                                                  intent("s" + i + "-" + r),
                                                  done("s" + i + "-" + r, "out" + i)))));
            },
            sagas)
        .blockLast(PATIENCE);
    for (int i = 0; i < sagas; i++) {
      List<SagaEvent> expected = new ArrayList<>();
      expected.add(SagaEvent.of(Kind.OPENED, "", bytes("in" + i)));
      for (int r = 0; r < rounds; r++) {
        expected.add(intent("s" + i + "-" + r));
        expected.add(done("s" + i + "-" + r, "out" + i));
      }
      assertThat(journal(new SagaKey(saga, "many-" + i))).isEqualTo(expected);
    }
  }

  /** One that is refused does not spoil the others that go with it. */
  @Test
  void fencesOneOfManyThatAppendAtOnce() {
    List<Taken> taken = new ArrayList<>();
    for (int i = 0; i < 10; i++) {
      taken.add(open(new SagaKey(saga, "some-" + i), "a", LONG));
    }
    List<Boolean> won =
        Flux.range(0, 10)
            .flatMapSequential(
                i ->
                    log()
                        .append(taken.get(i).hold(), i % 2 == 0 ? 0 : 7, List.of(intent("s")))
                        .thenReturn(true)
                        .onErrorResume(SagaFenced.class, e -> Mono.just(false)),
                10)
            .collectList()
            .block(PATIENCE);
    for (int i = 0; i < 10; i++) {
      assertThat(Objects.requireNonNull(won).get(i)).isEqualTo(i % 2 == 0);
      assertThat(journal(new SagaKey(saga, "some-" + i))).hasSize(i % 2 == 0 ? 2 : 1);
    }
  }

  @Test
  void keepsWhatIsAsLargeAsItMayBe() {
    byte[] large = new byte[SagaEvent.MAX_DATA];
    large[large.length - 1] = 7;
    Taken taken = open(key, "a", LONG);
    SagaEvent event = new SagaEvent(Kind.DONE, "s", "", "n".repeat(SagaEvent.MAX_NOTE), large);
    append(taken, 0, event);
    assertThat(journal(key)).endsWith(event);
  }

  @Test
  void goesOnWhenTheCallerIsGone() {
    Taken taken = open(key, "a", LONG);
    log().append(taken.hold(), 0, List.of(intent("s"))).subscribe().dispose();
    // Whether it is there or not, to ask again is the way to find out.
    append(taken, 0, intent("s"));
    assertThat(journal(key)).hasSize(2);
  }

  // == leases ==

  @Test
  void renewsWhatIsHeld() {
    Taken held = open(key, "a", SHORT);
    Taken lost = open(new SagaKey(saga, "2"), "a", SHORT);
    awaitEnd(lost.hold().key());
    open(lost.hold().key(), "b", LONG);
    Taken over = open(new SagaKey(saga, "3"), "a", LONG);
    append(over, 0, SagaEvent.of(Kind.COMPLETED, "", null));
    StepVerifier.create(log().renew(List.of(held.hold(), lost.hold(), over.hold()), LONG))
        .expectNext(held.hold())
        .expectComplete()
        .verify(PATIENCE);
    assertThat(log().open(key, 1, bytes("x"), "b", LONG).block(PATIENCE)).isInstanceOf(Busy.class);
  }

  @Test
  void canShortenALease() {
    Taken held = open(key, "a", LONG);
    StepVerifier.create(log().renew(List.of(held.hold()), SHORT))
        .expectNext(held.hold())
        .expectComplete()
        .verify(PATIENCE);
    awaitEnd(key);
    open(key, "b", LONG);
  }

  @Test
  void renewsWhatIsJustBeingAppendedTo() {
    Taken held = open(key, "a", LONG);
    for (int i = 0; i < 10; i++) {
      int revision = i;
      Mono<Void> append =
          Mono.defer(() -> log().append(held.hold(), revision, List.of(intent("s"))))
              .subscribeOn(Schedulers.parallel());
      Mono<List<Hold>> renew =
          Flux.defer(() -> log().renew(List.of(held.hold()), LONG))
              .subscribeOn(Schedulers.parallel())
              .collectList();
      StepVerifier.create(Mono.when(append, renew.doOnNext(r -> assertThat(r).hasSize(1))))
          .expectComplete()
          .verify(PATIENCE);
    }
  }

  // == recovery ==

  @Test
  void takesWhatRunsAndNobodyHas() {
    Taken due = open(new SagaKey(saga, "due"), "a", SHORT);
    append(due, 0, intent("s"));
    awaitEnd(due.hold().key());
    open(new SagaKey(saga, "held"), "a", LONG);
    Taken parked = open(new SagaKey(saga, "parked"), "a", LONG);
    append(parked, 0, SagaEvent.of(Kind.PARKED, "why", null));
    Taken over = open(new SagaKey(saga, "over"), "a", LONG);
    append(over, 0, SagaEvent.of(Kind.COMPENSATED, "why", null));
    List<Taken> taken = take("b", 10);
    assertThat(taken).hasSize(1);
    assertThat(taken.get(0).hold().key()).isEqualTo(due.hold().key());
    assertThat(taken.get(0).revision()).isEqualTo(1);
    assertThat(taken.get(0).version()).isEqualTo(3);
    assertThat(taken.get(0).takeovers()).isEqualTo(1);
    fenced(due, 1, intent("late"));
    assertThat(take("c", 10)).isEmpty();
  }

  @Test
  void takesOnlyDefinitionsThatAreMeant() {
    open(key, "a", SHORT);
    awaitEnd(key);
    assertThat(log().take(Map.of(saga, 2), "b", LONG, 10).collectList().block(PATIENCE)).isEmpty();
    assertThat(log().take(Map.of("other", 9), "b", LONG, 10).collectList().block(PATIENCE))
        .isEmpty();
    assertThat(take("b", 10)).hasSize(1);
  }

  @Test
  void takesNoMoreThanItIsAskedFor() {
    for (int i = 0; i < 5; i++) {
      open(new SagaKey(saga, "due-" + i), "a", SHORT);
    }
    for (int i = 0; i < 5; i++) {
      awaitEnd(new SagaKey(saga, "due-" + i));
    }
    assertThat(take("b", 3)).hasSize(3);
    assertThat(take("c", 3)).hasSize(2);
  }

  @Test
  void givesEachToOneOfManyWhoTakeAtOnce() {
    Set<SagaKey> all = new HashSet<>();
    for (int i = 0; i < 40; i++) {
      SagaKey one = new SagaKey(saga, "due-" + i);
      open(one, "a", SHORT);
      all.add(one);
    }
    all.forEach(this::awaitEnd);
    List<SagaKey> taken = new ArrayList<>();
    while (taken.size() < all.size()) { // what one has locked another one may not see
      Flux.range(0, 8)
          .flatMap(
              i ->
                  Flux.defer(() -> log().take(Map.of(saga, 9), "taker-" + i, LONG, 10))
                      .subscribeOn(Schedulers.parallel()),
              8)
          .map(one -> one.hold().key())
          .collectList()
          .doOnNext(taken::addAll)
          .block(PATIENCE);
    }
    assertThat(taken).containsExactlyInAnyOrderElementsOf(all);
  }

  // == by hand ==

  @ParameterizedTest
  @EnumSource(
      value = Kind.class,
      names = {"PARKED", "COMPLETED", "COMPENSATED", "ABANDONED"})
  void saysHowASagaHasEnded(Kind kind) {
    append(open(key, "a", LONG), 0, SagaEvent.of(kind, "why", null));
    assertThat(log().open(key, 1, bytes("x"), "b", LONG).block(PATIENCE))
        .isEqualTo(new Ended(Objects.requireNonNull(kind.state())));
    assertThat(log().open(key, 1, bytes("x"), "a", LONG).block(PATIENCE))
        .isEqualTo(new Ended(Objects.requireNonNull(kind.state())));
  }

  @Test
  void resumesWhatIsParked() {
    Taken parked = open(key, "a", LONG);
    append(parked, 0, SagaEvent.of(Kind.PARKED, "why", null));
    SagaEvent skipped = new SagaEvent(Kind.SKIPPED, "s", "", "by hand", null);
    amend(1, true, skipped, SagaEvent.of(Kind.RESUMED, "by hand", null));
    assertThat(journal(key)).hasSize(4).endsWith(SagaEvent.of(Kind.RESUMED, "by hand", null));
    fenced(parked, 3, intent("late"));
    assertThat(take("b", 10)).extracting(one -> one.revision()).containsExactly(3L);
  }

  @Test
  void takesASagaFromItsHolderByHand() {
    Taken held = open(key, "a", LONG);
    amend(0, true, SagaEvent.of(Kind.ABANDONED, "by hand", null));
    fenced(held, 0, intent("late"));
    fenced(held, 1, intent("late"));
    assertThat(take("b", 10)).isEmpty();
  }

  @Test
  void amendsNothingElse() {
    amend(0, false, SagaEvent.of(Kind.RESUMED, "", null));
    Taken taken = open(key, "a", LONG);
    amend(1, false, SagaEvent.of(Kind.RESUMED, "", null));
    append(taken, 0, SagaEvent.of(Kind.COMPLETED, "", null));
    amend(1, false, SagaEvent.of(Kind.RESUMED, "", null));
    assertThat(journal(key)).hasSize(2);
  }

  // == questions ==

  @Test
  void findsSagas() {
    for (int i = 0; i < 5; i++) {
      Taken taken = open(new SagaKey(saga, "q" + i), "a", LONG);
      if (i % 2 == 1) {
        append(taken, 0, SagaEvent.of(Kind.PARKED, "why", null));
      }
    }
    assertThat(ids(Query.all().saga(saga))).containsExactly("q0", "q1", "q2", "q3", "q4");
    assertThat(ids(Query.all().saga(saga).state(SagaState.PARKED))).containsExactly("q1", "q3");
    assertThat(ids(Query.all().saga(saga).after(new SagaKey(saga, "q1")).limit(2)))
        .containsExactly("q2", "q3");
    assertThat(ids(Query.all().saga(saga + "x"))).isEmpty();
    Summary first =
        Objects.requireNonNull(log().query(Query.all().saga(saga).limit(1)).blockFirst(PATIENCE));
    assertThat(first.version()).isEqualTo(3);
    assertThat(first.state()).isEqualTo(SagaState.RUNNING);
    assertThat(first.left()).isPositive();
    assertThat(first.changedAt()).isAfterOrEqualTo(first.openedAt());
  }

  @Test
  void countsWhatRunsAndWhatIsParked() {
    SagaLog.Stats before = Objects.requireNonNull(log().stats().block(PATIENCE));
    open(key, "a", LONG);
    append(open(new SagaKey(saga, "2"), "a", LONG), 0, SagaEvent.of(Kind.PARKED, "why", null));
    append(open(new SagaKey(saga, "3"), "a", LONG), 0, SagaEvent.of(Kind.COMPLETED, "", null));
    SagaLog.Stats after = Objects.requireNonNull(log().stats().block(PATIENCE));
    assertThat(after.running() - before.running()).isEqualTo(1);
    assertThat(after.parked() - before.parked()).isEqualTo(1);
  }

  @Test
  void saysForHowLongASagaHasBeenWithoutAHolder() {
    open(key, "a", SHORT);
    awaitEnd(key);
    awaitAge(key, Duration.ofMillis(50));
    assertThat(Objects.requireNonNull(log().stats().block(PATIENCE)).overdue()).isPositive();
  }

  @Test
  void forgetsWhatHasEndedForLong() {
    append(open(key, "a", LONG), 0, SagaEvent.of(Kind.COMPLETED, "", null));
    append(open(new SagaKey(saga, "2"), "a", LONG), 0, SagaEvent.of(Kind.PARKED, "why", null));
    open(new SagaKey(saga, "3"), "a", LONG);
    awaitAge(key, Duration.ofMillis(50));
    assertThat(log().purge(Duration.ofDays(1), 1000).block(PATIENCE)).isZero();
    while (Objects.requireNonNull(log().purge(Duration.ofMillis(50), 1000).block(PATIENCE)) > 0) {
      // as many as there are
    }
    assertThat(journal(key)).isEmpty();
    assertThat(ids(Query.all().saga(saga))).containsExactly("2", "3");
    assertThat(open(key, "b", LONG).revision()).isZero();
  }

  @Test
  void refusesWhatIsOutOfRange() {
    SagaLog log = log();
    byte[] input = bytes("x");
    Hold hold = new Hold(key, 1);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> log.open(key, 1, input, "", LONG))
        .withMessage("owner: 0 characters (expected: 1..200)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> log.open(key, 1, input, "a", Duration.ZERO))
        .withMessage("lease: PT0S (expected: > PT0S)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> log.open(key, 1, new byte[SagaEvent.MAX_DATA + 1], "a", LONG))
        .withMessage("data of OPENED: 1048577 bytes (expected: <= 1048576)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> log.append(hold, 0, List.of()))
        .withMessage("events: 0 (expected: 1..1024)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> log.renew(List.of(hold), Duration.ZERO))
        .withMessage("lease: PT0S (expected: > PT0S)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> log.take(Map.of(saga, 1), "a", LONG, 0))
        .withMessage("limit: 0 (expected: 1..1000)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> log.amend(key, 0, List.of()))
        .withMessage("events: 0 (expected: 1..1024)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> log.purge(Duration.ZERO, 1001))
        .withMessage("limit: 1001 (expected: 1..1000)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new SagaKey("s", "a\0b"))
        .withMessageStartingWith("id: ");
  }

  // == words ==

  private Taken open(SagaKey key, String owner, Duration lease) {
    Opening opening = log().open(key, 3, bytes("input"), owner, lease).block(PATIENCE);
    assertThat(opening).isInstanceOf(Taken.class);
    return (Taken) Objects.requireNonNull(opening);
  }

  private void append(Taken taken, long revision, SagaEvent... events) {
    log().append(taken.hold(), revision, List.of(events)).block(PATIENCE);
  }

  private void fenced(Taken taken, long revision, SagaEvent... events) {
    StepVerifier.create(log().append(taken.hold(), revision, List.of(events)))
        .expectError(SagaFenced.class)
        .verify(PATIENCE);
  }

  private void amend(long revision, boolean done, SagaEvent... events) {
    assertThat(log().amend(key, revision, List.of(events)).block(PATIENCE)).isEqualTo(done);
  }

  private List<Taken> take(String owner, int limit) {
    return Objects.requireNonNull(
        log().take(Map.of(saga, 9), owner, LONG, limit).collectList().block(PATIENCE));
  }

  private List<SagaEvent> journal(SagaKey of) {
    return Objects.requireNonNull(log().read(of).map(Entry::event).collectList().block(PATIENCE));
  }

  private List<String> ids(Query query) {
    return Objects.requireNonNull(
        log().query(query).map(one -> one.key().id()).collectList().block(PATIENCE));
  }

  private static SagaEvent opened() {
    return SagaEvent.of(Kind.OPENED, "", bytes("input"));
  }

  private static SagaEvent intent(String step) {
    return new SagaEvent(Kind.INTENT, step, "", "", null);
  }

  private static SagaEvent done(String step, @Nullable String output) {
    return new SagaEvent(Kind.DONE, step, "", "", output == null ? null : bytes(output));
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}

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
package dev.sluice.http;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import dev.sluice.memory.MemoryOperationStore;
import dev.sluice.store.Content;
import dev.sluice.store.Operation;
import dev.sluice.store.Operation.Ending;
import dev.sluice.store.Operation.Phase;
import dev.sluice.store.OperationStore;
import dev.sluice.store.OperationStore.NewOperation;
import dev.sluice.store.OperationStore.Renewal;
import dev.sluice.store.OperationStore.Run;
import dev.sluice.store.StoreFailed;
import dev.sluice.test.MeterReadings;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.test.scheduler.VirtualTimeScheduler;

/** Work, leases and time, without a server and on virtual time. */
class AsyncOperationsTest {

  private static final Duration SECOND = Duration.ofSeconds(1);

  private final SetClock clock = new SetClock();
  private final VirtualTimeScheduler time = VirtualTimeScheduler.create();
  private final MemoryOperationStore memory = MemoryOperationStore.create(100, clock);
  private final Set<String> down = ConcurrentHashMap.newKeySet();
  private final OperationStore store = breakable(memory);
  private final List<OperationRun> runs = new ArrayList<>();
  private final List<String> cancelled = new ArrayList<>();

  /** Fails in the methods that are down. */
  private OperationStore breakable(OperationStore store) {
    return (OperationStore)
        Proxy.newProxyInstance(
            getClass().getClassLoader(),
            new Class<?>[] {OperationStore.class},
            (proxy, method, arguments) -> {
              Object answer;
              try {
                answer = method.invoke(store, arguments);
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
              Mono<Void> up =
                  Mono.defer(
                      () ->
                          down.contains(method.getName())
                              ? Mono.error(StoreFailed.temporary("memory", "down", null))
                              : Mono.empty());
              return answer instanceof Flux<?> many ? up.thenMany(many) : up.then((Mono<?>) answer);
            });
  }

  private void pass(Duration time) {
    Duration step = Duration.ofMillis(50);
    for (Duration left = time; !left.isNegative() && !left.isZero(); left = left.minus(step)) {
      clock.pass(step);
      this.time.advanceTimeBy(step);
    }
  }

  private AsyncOperations operations(
      Function<OperationRun, Mono<OperationResult>> work, UnaryOperator<OperationsSpec> spec) {
    return AsyncOperations.create(
        "claims",
        store,
        run -> {
          runs.add(run);
          return work.apply(run).doOnCancel(() -> cancelled.add(run.id()));
        },
        s -> spec.apply(s.timer(time).lease(SECOND.multipliedBy(8))));
  }

  private String accepted(String id) {
    Content request = Content.of("", id.getBytes(UTF_8));
    Duration day = Duration.ofDays(1);
    memory.accept(new NewOperation(id, "claims", "alice", null, request, null, day, day)).block();
    return id;
  }

  private Operation operation(String id) {
    return memory.find(id).block();
  }

  // == admission ==

  private OperationReply submitted(AsyncOperations operations, String what, String key) {
    return operations.answer(submission(what, key)).block();
  }

  private static OperationCall submission(String what, String key) {
    return new OperationCall(
        "POST",
        "/claims",
        "",
        name -> name.equals("Idempotency-Key") ? List.of(key) : List.of(),
        "alice",
        null,
        Flux.just(what.getBytes(UTF_8)));
  }

  private List<Operation> stored() {
    return memory
        .claim("claims", 100, SECOND)
        .flatMap(run -> memory.release(run).then(memory.find(run.id())))
        .collectList()
        .block();
  }

  @Test
  void showsAdmissionWhoAsksAndForWhat() {
    List<OperationRequest> seen = new ArrayList<>();
    AsyncOperations operations =
        operations(
            run -> Mono.never(), s -> s.admission(ask -> Mono.fromRunnable(() -> seen.add(ask))));
    assertThat(submitted(operations, "bag", "k").status()).isEqualTo(202);
    assertThat(seen)
        .containsExactly(new OperationRequest("alice", Content.of("", "bag".getBytes(UTF_8))));
    assertThat(stored()).hasSize(1);
  }

  @Test
  void doesNotSpendTheKeyOfWhatItRefuses() {
    AtomicBoolean open = new AtomicBoolean();
    OperationFailed full = new OperationFailed(Problem.of(503, "full", "There is too much to do"));
    AsyncOperations operations =
        operations(
            run -> Mono.never(),
            s -> s.admission(request -> open.get() ? Mono.empty() : Mono.error(full)));
    OperationReply refusal = submitted(operations, "bag", "k");
    assertThat(refusal.status()).isEqualTo(503);
    assertThat(refusal.headers()).containsEntry("Retry-After", "1");
    assertThat(stored()).isEmpty();
    open.set(true);
    assertThat(submitted(operations, "another bag", "k").status()).isEqualTo(202);
    assertThat(operations.stats().refused()).isEqualTo(1);
    assertThat(operations.stats().accepted()).isEqualTo(1);
  }

  /** The answer to the first request may have been lost. */
  @Test
  void doesNotRefuseLaterWhatItHasAccepted() {
    AtomicInteger shown = new AtomicInteger();
    OperationFailed twice = new OperationFailed(Problem.of(422, "claimed", "It is claimed"));
    AsyncOperations operations =
        operations(
            run -> Mono.never(),
            s ->
                s.admission(
                    request -> shown.getAndIncrement() == 0 ? Mono.empty() : Mono.error(twice)));
    String location = submitted(operations, "bag", "k").headers().get("Location");
    OperationReply again = submitted(operations, "bag", "k");
    assertThat(again.status()).isEqualTo(202);
    assertThat(again.headers()).containsEntry("Location", location);
    assertThat(operations.stats().repeated()).isEqualTo(1);
    assertThat(new String(submitted(operations, "box", "k").body(), UTF_8)).contains("key-reused");
    assertThat(new String(submitted(operations, "bag", "l").body(), UTF_8)).contains("claimed");
    down.add("known");
    assertThat(submitted(operations, "bag", "k").status()).isEqualTo(503);
  }

  @Test
  void tellsNothingOfAnAdmissionThatIsBroken() {
    List<Function<OperationRequest, Mono<Void>>> broken =
        List.of(
            request -> {
              throw new IllegalStateException("the password is secret");
            },
            request -> Mono.error(new IllegalStateException("the password is secret")),
            request -> null);
    for (Function<OperationRequest, Mono<Void>> admission : broken) {
      AsyncOperations operations = operations(run -> Mono.never(), s -> s.admission(admission));
      OperationReply reply = submitted(operations, "bag", "k");
      assertThat(reply.status()).isEqualTo(500);
      assertThat(new String(reply.body(), UTF_8)).doesNotContain("password");
      assertThat(stored()).isEmpty();
    }
  }

  @Test
  void asksNobodyForAdmissionAnyMoreWhenTheClientIsGone() {
    AtomicBoolean asked = new AtomicBoolean();
    AtomicBoolean ended = new AtomicBoolean();
    AsyncOperations operations =
        operations(
            run -> Mono.never(),
            s ->
                s.admission(
                    request ->
                        Mono.<Void>never()
                            .doOnSubscribe(nothing -> asked.set(true))
                            .doOnCancel(() -> ended.set(true))));
    operations.answer(submission("bag", "k")).subscribe().dispose();
    assertThat(asked).isTrue();
    assertThat(ended).isTrue();
    assertThat(stored()).isEmpty();
  }

  @Test
  void doesNotTellToAskAgainInThePast() {
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                OperationFailed.retryAfter(
                    Problem.of(429, "too-many", "Too many"), Duration.ofSeconds(-1)))
        .withMessage("retryAfter: PT-1S (expected: PT0S..PT8760H)");
  }

  // == leases ==

  @Test
  void keepsTheLeaseWhileItWorks() {
    AsyncOperations operations = operations(run -> Mono.never(), s -> s);
    accepted("a");
    operations.start();
    pass(SECOND.multipliedBy(60));
    assertThat(runs).hasSize(1);
    assertThat(memory.claim("claims", 1, SECOND).blockFirst()).isNull();
  }

  @Test
  void stopsTheWorkBeforeTheLeaseEndsThatItCannotRenew() {
    AsyncOperations operations = operations(run -> Mono.never(), s -> s);
    accepted("a");
    operations.start();
    pass(SECOND);
    down.add("renew");
    pass(SECOND.multipliedBy(6));
    assertThat(cancelled).containsExactly("a");
    assertThat(memory.claim("claims", 1, SECOND).blockFirst()).isNull();
    assertThat(operation("a").phase()).isEqualTo(Phase.RUNNING);
  }

  @Test
  void goesOnThroughAShortOutageHoweverOftenItSaysSomething() {
    AsyncOperations operations = operations(run -> Mono.never(), s -> s);
    accepted("a");
    operations.start();
    pass(SECOND);
    down.add("renew");
    for (int i = 0; i < 30; i++) {
      runs.get(0).progress(i, "");
      pass(Duration.ofMillis(100));
    }
    down.remove("renew");
    pass(SECOND.multipliedBy(30));
    assertThat(cancelled).isEmpty();
    assertThat(operation("a").progress().percent()).isEqualTo(29);
  }

  @Test
  void goesOnWhenOneRenewalHasFailed() {
    AsyncOperations operations = operations(run -> Mono.never(), s -> s);
    accepted("a");
    operations.start();
    pass(Duration.ofMillis(1_950));
    down.add("renew");
    pass(Duration.ofMillis(200));
    down.remove("renew");
    pass(SECOND.multipliedBy(30));
    assertThat(cancelled).isEmpty();
    assertThat(runs).hasSize(1);
  }

  @Test
  void stopsTheWorkThatSomebodyElseHas() {
    AsyncOperations operations = operations(run -> Mono.never(), s -> s);
    accepted("a");
    operations.start();
    pass(SECOND);
    clock.pass(SECOND.multipliedBy(8)); // as if this process had been stopped
    Run other = memory.claim("claims", 1, SECOND.multipliedBy(100)).blockFirst();
    pass(SECOND.multipliedBy(2));
    assertThat(cancelled).containsExactly("a");
    assertThat(memory.renew(other, null, SECOND).block()).isEqualTo(Renewal.HELD);
    assertThat(operations.stats().lost()).isOne();
  }

  @Test
  void takesOverWhatADeadInstanceHasBegun() {
    accepted("a");
    memory.claim("claims", 1, SECOND.multipliedBy(8)).blockFirst(); // and dies
    AsyncOperations operations = operations(run -> Mono.just(OperationResult.nothing()), s -> s);
    operations.start();
    pass(SECOND.multipliedBy(7));
    assertThat(runs).isEmpty();
    pass(SECOND.multipliedBy(3));
    assertThat(runs).extracting(OperationRun::attempt).containsExactly(2);
    assertThat(operation("a").ending()).isInstanceOf(Ending.Result.class);
  }

  @Test
  void givesUpWhatHasKilledTooManyInstances() {
    accepted("a");
    for (int i = 0; i < 2; i++) {
      memory.claim("claims", 1, SECOND).blockFirst();
      clock.pass(SECOND);
    }
    AsyncOperations operations = operations(run -> Mono.never(), s -> s.maxAttempts(2));
    operations.start();
    pass(SECOND);
    assertThat(runs).isEmpty();
    assertThat(operation("a").ending())
        .isInstanceOfSatisfying(
            Ending.Failure.class,
            failure ->
                assertThat(new String(failure.problem().bytes(), UTF_8))
                    .contains("attempts-exhausted"));
  }

  // == endings ==

  @Test
  void endsWorkThatTakesTooLong() {
    AsyncOperations operations =
        operations(run -> Mono.never(), s -> s.timeout(SECOND.multipliedBy(20)));
    accepted("a");
    operations.start();
    pass(SECOND.multipliedBy(21));
    assertThat(cancelled).containsExactly("a");
    assertThat(operation("a").ending())
        .isInstanceOfSatisfying(
            Ending.Failure.class, failure -> assertThat(failure.status()).isEqualTo(504));
  }

  @Test
  void recordsTheEndWhenTheStoreIsBack() {
    AsyncOperations operations =
        operations(run -> Mono.delay(SECOND, time).thenReturn(OperationResult.nothing()), s -> s);
    accepted("a");
    operations.start();
    down.add("finish");
    pass(SECOND.multipliedBy(4));
    down.remove("finish");
    pass(SECOND.multipliedBy(2));
    assertThat(operation("a").ending()).isInstanceOf(Ending.Result.class);
    assertThat(runs).hasSize(1);
  }

  @Test
  void isBegunAgainWhenItsEndCouldNotBeRecorded() {
    AsyncOperations operations = operations(run -> Mono.just(OperationResult.nothing()), s -> s);
    accepted("a");
    down.add("finish");
    operations.start();
    pass(SECOND.multipliedBy(9));
    down.remove("finish");
    pass(SECOND.multipliedBy(9));
    assertThat(runs.size()).isEqualTo(2);
    assertThat(operation("a").ending()).isInstanceOf(Ending.Result.class);
  }

  @Test
  void workThatThrowsOrReturnsNullHasFailed() {
    AsyncOperations operations =
        operations(
            run -> {
              if (run.id().equals("a")) {
                throw new IllegalStateException("a");
              }
              return Mono.just(run.id()).map(id -> (OperationResult) null);
            },
            s ->
                s.failures(
                    error -> {
                      throw new IllegalStateException("and so does this");
                    }));
    accepted("a");
    accepted("b");
    operations.start();
    pass(SECOND);
    for (String id : List.of("a", "b")) {
      assertThat(operation(id).ending())
          .isInstanceOfSatisfying(
              Ending.Failure.class, failure -> assertThat(failure.status()).isEqualTo(500));
    }
    assertThat(operations.stats().failed()).isEqualTo(2);
  }

  // == claims ==

  @Test
  void worksOnNoMoreThanItMay() {
    AsyncOperations operations =
        operations(
            run -> Mono.delay(SECOND, time).thenReturn(OperationResult.nothing()),
            s -> s.concurrency(3));
    for (int i = 0; i < 8; i++) {
      accepted("r" + i);
    }
    operations.start();
    pass(Duration.ofMillis(500));
    assertThat(runs).hasSize(3);
    assertThat(operations.stats().running()).isEqualTo(3);
    pass(SECOND);
    assertThat(runs).hasSize(6);
    pass(SECOND.multipliedBy(3));
    assertThat(operations.stats().succeeded()).isEqualTo(8);
    assertThat(operations.stats().running()).isZero();
  }

  @Test
  void outlivesAnOutageOfTheStore() {
    AsyncOperations operations = operations(run -> Mono.just(OperationResult.nothing()), s -> s);
    down.addAll(Set.of("claim", "purge"));
    operations.start();
    pass(SECOND.multipliedBy(60));
    accepted("a");
    down.clear();
    pass(SECOND.multipliedBy(10));
    assertThat(operation("a").isOver()).isTrue();
  }

  @Test
  void purges() {
    AsyncOperations operations = operations(run -> Mono.just(OperationResult.nothing()), s -> s);
    accepted("a");
    operations.start();
    pass(SECOND);
    clock.pass(Duration.ofDays(2));
    pass(Duration.ofMinutes(2));
    assertThat(memory.find("a").block()).isNull();
  }

  // == progress ==

  @Test
  void tellsTheLatestProgressTwiceASecond() {
    AsyncOperations operations = operations(run -> Mono.never(), s -> s);
    accepted("a");
    operations.start();
    pass(Duration.ofMillis(100));
    long revision = operation("a").revision();
    for (int i = 1; i <= 50; i++) {
      runs.get(0).progress(i, "");
    }
    pass(SECOND);
    assertThat(operation("a").progress().percent()).isEqualTo(50);
    assertThat(operation("a").revision()).isEqualTo(revision + 1);
  }

  @Test
  void keepsProgressThatDidNotReachTheStore() {
    AsyncOperations operations = operations(run -> Mono.never(), s -> s);
    accepted("a");
    operations.start();
    pass(Duration.ofMillis(100));
    runs.get(0).progress(10, "");
    down.add("renew");
    pass(Duration.ofMillis(500));
    down.remove("renew");
    pass(SECOND);
    assertThat(operation("a").progress().percent()).isEqualTo(10);
  }

  // == numbers ==

  @Test
  void namesItsNumbers() {
    AsyncOperations operations =
        operations(
            run -> run.id().equals("a") ? Mono.just(OperationResult.nothing()) : Mono.never(),
            s -> s);
    accepted("a");
    accepted("b");
    operations.start();
    pass(SECOND);
    assertThat(MeterReadings.of(operations).read())
        .containsEntry("sluice.operations.running{kind=claims}", 1.0)
        .containsEntry("sluice.operations.waiting{kind=claims}", 0.0)
        .containsEntry("sluice.operations.ended{kind=claims, outcome=succeeded}", 1.0)
        .containsEntry("sluice.operations.ended{kind=claims, outcome=failed}", 0.0)
        .containsKeys("sluice.operations.accepted{kind=claims}");
  }

  // == stop ==

  @Test
  void letsWorkEndThenStops() {
    AsyncOperations operations =
        operations(run -> Mono.delay(SECOND, time).thenReturn(OperationResult.nothing()), s -> s);
    accepted("a");
    AsyncOperations.Working working = operations.start();
    pass(Duration.ofMillis(500));
    List<String> stopped = new ArrayList<>();
    working.stop(SECOND.multipliedBy(5)).subscribe(v -> {}, e -> {}, () -> stopped.add("stopped"));
    accepted("b");
    pass(SECOND.multipliedBy(2));
    assertThat(stopped).containsExactly("stopped");
    assertThat(operation("a").isOver()).isTrue();
    assertThat(operation("b").phase()).isEqualTo(Phase.PENDING);
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 2})
  void givesBackWhatDoesNotEnd(int patience) {
    AsyncOperations operations = operations(run -> Mono.never(), s -> s);
    accepted("a");
    AsyncOperations.Working working = operations.start();
    pass(SECOND);
    List<String> stopped = new ArrayList<>();
    working
        .stop(SECOND.multipliedBy(patience))
        .subscribe(v -> {}, e -> {}, () -> stopped.add("stopped"));
    pass(SECOND.multipliedBy(patience).plus(SECOND));
    assertThat(stopped).containsExactly("stopped");
    assertThat(cancelled).containsExactly("a");
    assertThat(operation("a").phase()).isEqualTo(Phase.PENDING);
    assertThat(operation("a").attempts()).isZero();
  }

  // == assembly ==

  @Test
  void refusesWhatIsOutOfRange() {
    refused(s -> s.submitAt("claims"), "submitAt: claims (expected: a path");
    refused(s -> s.statusAt("/claims/"), "statusAt: /claims/ (expected: a path");
    refused(s -> s.resultsBelow("/bags"), "resultsBelow: /bags (expected: a path that ends");
    refused(s -> s.trustedProxies("proxy"), "trustedProxies: proxy (expected: an address");
    refused(s -> s.trustedProxies("10.0.0.0/33"), "trustedProxies: 10.0.0.0/33 (expected");
    refused(s -> s.maxBody(-1), "maxBody: -1 (expected: 0..1048576)");
    refused(s -> s.maxWait(SECOND.negated()), "maxWait: PT-1S (expected: PT0S..PT1H)");
    refused(s -> s.maxWatching(0), "maxWatching: 0 (expected: >= 1)");
    refused(s -> s.retryAfter(Duration.ZERO, SECOND), "retryAfter: PT0S, PT1S (expected");
    refused(s -> s.retention(Duration.ZERO, SECOND), "retention: PT0S (expected: > PT0S");
    refused(s -> s.concurrency(1001), "concurrency: 1001 (expected: 1..1000)");
    refused(s -> s.lease(Duration.ofMillis(99)), "lease: PT0.099S (expected: PT0.1S..PT8760H)");
    refused(s -> s.timeout(Duration.ZERO), "timeout: PT0S (expected: > PT0S");
    refused(s -> s.maxAttempts(0), "maxAttempts: 0 (expected: >= 1)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> AsyncOperations.create("Claims", memory, run -> Mono.empty(), s -> s))
        .withMessage("kind: Claims (expected: [a-z0-9-]{1,100})");
  }

  private void refused(UnaryOperator<OperationsSpec> spec, String message) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> AsyncOperations.create("claims", memory, run -> Mono.empty(), spec))
        .withMessageStartingWith(message);
  }

  @Test
  void startsOnce() {
    AsyncOperations operations = operations(run -> Mono.never(), s -> s);
    operations.start();
    assertThatIllegalStateException().isThrownBy(operations::start);
  }
}

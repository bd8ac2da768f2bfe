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

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.sluice.store.IdempotencyKey;
import dev.sluice.store.IdempotencyStore;
import dev.sluice.store.IdempotencyStore.Attempt;
import dev.sluice.store.IdempotencyStore.Attempt.Completed;
import dev.sluice.store.IdempotencyStore.Attempt.InProgress;
import dev.sluice.store.IdempotencyStore.Attempt.Started;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;
import reactor.test.StepVerifier;

/**
 * What every {@link IdempotencyStore} must do. A test of a store extends it and says how the store
 * is made and how its time passes.
 */
public abstract class IdempotencyContract {

  private static final Duration LONG = Duration.ofMinutes(10);
  private static final Duration SHORT = Duration.ofMillis(20);
  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final int RIVALS = 16;
  private static final int ROUNDS = 20;

  private final String scope = "contract-" + UUID.randomUUID();
  private final IdempotencyKey key = new IdempotencyKey(scope, "order-1");

  /**
   * The store, with room for a hundred keys. What is in it does not matter: every test uses a scope
   * of its own.
   */
  protected abstract IdempotencyStore store();

  /** Lets the time of the store pass until the lease or the retention of the key has ended. */
  protected abstract void awaitEnd(IdempotencyKey key);

  // == three states ==

  @Test
  void startsWhatNobodyHasBegun() {
    assertThat(started(key).key()).isEqualTo(key);
  }

  @Test
  void beginsNothingUntilSomebodySubscribes() {
    Mono<Attempt> later = store().begin(key, LONG);
    Started first = started(key);
    assertThat(later.block(PATIENCE)).isInstanceOf(InProgress.class);
    Mono<Boolean> release = store().release(first);
    Mono<Boolean> complete = store().complete(first, null, LONG);
    Mono<Boolean> renew = store().renew(first, LONG);
    assertThat(attempt(key)).isInstanceOf(InProgress.class);
    is(true, renew);
    is(true, complete);
    is(false, release);
  }

  @Test
  void saysHowLongSomebodyIsAtIt() {
    started(key);
    InProgress inProgress = (InProgress) attempt(key);
    assertThat(inProgress.left()).isPositive().isLessThanOrEqualTo(LONG);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "the result", "\u0000 and anything else"})
  void replaysTheResult(String result) {
    is(true, store().complete(started(key), result.getBytes(UTF_8), LONG));
    assertThat(attempt(key)).isEqualTo(new Completed(result.getBytes(UTF_8)));
    assertThat(attempt(key)).isEqualTo(new Completed(result.getBytes(UTF_8)));
  }

  @Test
  void replaysThatThereWasNoResult() {
    is(true, store().complete(started(key), null, LONG));
    assertThat(attempt(key)).isEqualTo(new Completed(null));
  }

  @Test
  void keepsAResultOfTheLargestSize() {
    byte[] result = new byte[IdempotencyStore.MAX_RESULT];
    result[result.length - 1] = 1;
    is(true, store().complete(started(key), result, LONG));
    assertThat(attempt(key)).isEqualTo(new Completed(result));
  }

  @Test
  void keepsItsOwnCopyOfTheResult() {
    byte[] result = {1};
    Mono<Boolean> completion = store().complete(started(key), result, LONG);
    result[0] = 2;
    is(true, completion);
    assertThat(attempt(key)).isEqualTo(new Completed(new byte[] {1}));
  }

  @Test
  void mayBeginAgainAfterARelease() {
    Started first = started(key);
    is(true, store().release(first));
    assertThat(started(key).token()).isNotEqualTo(first.token());
  }

  @Test
  void mayBeginAgainWhenTheResultIsNoLongerRetained() {
    is(true, store().complete(started(key), new byte[] {1}, SHORT));
    awaitEnd(key);
    is(true, store().complete(started(key), null, LONG));
    assertThat(attempt(key)).isEqualTo(new Completed(null));
  }

  @Test
  void keepsKeysAndScopesApart() {
    is(true, store().complete(started(key), null, LONG));
    started(new IdempotencyKey(scope, "order-2"));
    started(new IdempotencyKey(scope, "ORDER-1"));
    started(new IdempotencyKey(scope, "order-1 "));
    started(new IdempotencyKey(scope + "-other", "order-1"));
  }

  @Test
  void takesAnyText() {
    for (String text : List.of("' or 1=1 --", "\n\t\"\\", "\u00e5\ud83d\ude80", "{schema}", "$1")) {
      IdempotencyKey odd = new IdempotencyKey(scope, text);
      is(true, store().complete(started(odd), null, LONG));
      assertThat(attempt(odd)).as(text).isEqualTo(new Completed(null));
    }
    started(new IdempotencyKey("s".repeat(100), UUID.randomUUID() + "k".repeat(364)));
  }

  // == leases ==

  @Test
  void isTakenOverWhenTheLeaseHasEnded() {
    Started first = started(key, SHORT);
    awaitEnd(key);
    Started second = started(key);
    gone(first);
    is(true, store().complete(second, new byte[] {2}, LONG));
    gone(first);
    assertThat(attempt(key)).isEqualTo(new Completed(new byte[] {2}));
  }

  @Test
  void isNotTakenOverBeforeTheLeaseHasEnded() {
    Started first = started(key, SHORT);
    is(true, store().renew(first, LONG));
    assertThat(((InProgress) attempt(key)).left()).isGreaterThan(Duration.ofMinutes(1));
  }

  @Test
  void canBeCompletedLateIfNobodyTookOver() {
    Started first = started(key, SHORT);
    awaitEnd(key);
    is(true, store().complete(first, null, LONG));
    assertThat(attempt(key)).isEqualTo(new Completed(null));
  }

  @Test
  void canBeRenewedAndReleasedLateIfNobodyTookOver() {
    Started first = started(key, SHORT);
    awaitEnd(key);
    is(true, store().renew(first, LONG));
    assertThat(attempt(key)).isInstanceOf(InProgress.class);
    is(true, store().renew(first, SHORT));
    awaitEnd(key);
    is(true, store().release(first));
    started(key);
  }

  @Test
  void isNobodysAnyMoreAfterARelease() {
    Started first = started(key);
    is(true, store().release(first));
    gone(first);
    Started second = started(key);
    gone(first);
    is(true, store().complete(second, null, LONG));
  }

  @Test
  void isCompletedOnceAndForAll() {
    Started first = started(key);
    is(true, store().complete(first, new byte[] {1}, LONG));
    is(true, store().complete(first, new byte[] {2}, SHORT)); // the first answer may have been lost
    is(false, store().release(first));
    is(false, store().renew(first, SHORT));
    assertThat(attempt(key)).isEqualTo(new Completed(new byte[] {1}));
  }

  // == purging ==

  @Test
  void forgetsOnlyWhatHasEnded() {
    IdempotencyKey abandoned = new IdempotencyKey(scope, "abandoned");
    IdempotencyKey old = new IdempotencyKey(scope, "old");
    IdempotencyKey kept = new IdempotencyKey(scope, "kept");
    Started first = started(abandoned, SHORT);
    is(true, store().complete(started(old), null, SHORT));
    is(true, store().complete(started(kept), null, LONG));
    Started running = started(key);
    awaitEnd(abandoned);
    awaitEnd(old);
    assertThat(store().purge(100_000).block(PATIENCE)).isGreaterThanOrEqualTo(2);
    gone(first);
    started(old);
    assertThat(attempt(kept)).isEqualTo(new Completed(null));
    is(true, store().renew(running, LONG));
  }

  @Test
  void forgetsNoMoreThanItWasAskedTo() {
    store().purge(100_000).block(PATIENCE);
    for (int i = 0; i < 3; i++) {
      IdempotencyKey old = new IdempotencyKey(scope, "old-" + i);
      started(old, SHORT);
      awaitEnd(old);
    }
    assertThat(store().purge(2).block(PATIENCE)).isEqualTo(2);
    assertThat(store().purge(2).block(PATIENCE)).isEqualTo(1);
    assertThat(store().purge(2).block(PATIENCE)).isZero();
  }

  // == races ==

  @ParameterizedTest
  @ValueSource(ints = {2, RIVALS})
  void startsOneOfManyWhoBeginAtOnce(int many) {
    for (int round = 0; round < ROUNDS; round++) {
      IdempotencyKey fresh = new IdempotencyKey(scope, "race-" + round % 4);
      List<Attempt> attempts = race(many, i -> store().begin(fresh, LONG));
      List<Started> started = started(attempts);
      assertThat(started).as("round %s: %s", round, attempts).hasSize(1);
      is(true, store().release(started.get(0)));
    }
  }

  @Test
  void isTakenOverByOneOfManyWhoComeAtOnce() {
    for (int round = 0; round < ROUNDS; round++) {
      IdempotencyKey ended = new IdempotencyKey(scope, "over-" + round);
      Started first = started(ended, SHORT);
      awaitEnd(ended);
      List<Attempt> attempts = race(RIVALS, i -> store().begin(ended, LONG));
      assertThat(started(attempts)).as("round %s: %s", round, attempts).hasSize(1);
      gone(first);
    }
  }

  /** Whoever comes late either has it or is refused, and so is whoever takes over. */
  @Test
  void isEitherCompletedLateOrTakenOver() {
    for (int round = 0; round < ROUNDS; round++) {
      IdempotencyKey ended = new IdempotencyKey(scope, "late-" + round);
      Started first = started(ended, SHORT);
      awaitEnd(ended);
      AtomicInteger completed = new AtomicInteger();
      List<Attempt> attempts =
          race(
              RIVALS,
              i ->
                  i != 7
                      ? store().begin(ended, LONG)
                      : store()
                          .complete(first, null, LONG)
                          .doOnNext(mine -> completed.addAndGet(mine ? 1 : 0))
                          .then(store().begin(ended, LONG)));
      assertThat(started(attempts).size() + completed.get())
          .as("round %s: completed %s, %s", round, completed, attempts)
          .isEqualTo(1);
    }
  }

  /** Each asks until it is done, some give up: one does it, everybody sees its result. */
  @Test
  void letsOneDoItAndAllSeeTheResult() {
    for (int round = 0; round < ROUNDS; round++) {
      IdempotencyKey once = new IdempotencyKey(scope, "once-" + round);
      AtomicInteger effects = new AtomicInteger();
      AtomicInteger failures = new AtomicInteger();
      List<Attempt> attempts =
          race(
              RIVALS,
              i ->
                  Mono.defer(() -> store().begin(once, LONG))
                      .flatMap(
                          attempt -> {
                            if (!(attempt instanceof Started started)) {
                              return attempt instanceof Completed
                                  ? Mono.just(attempt)
                                  : Mono.empty();
                            }
                            return failures.incrementAndGet() <= 3
                                ? store().release(started).then(Mono.empty())
                                : store()
                                    .complete(started, new byte[] {(byte) i}, LONG)
                                    .doOnNext(mine -> effects.addAndGet(mine ? 1 : 0))
                                    .then(Mono.empty());
                          })
                      .repeatWhenEmpty(again -> again));
      assertThat(effects).as("round %s", round).hasValue(1);
      assertThat(attempts).as("round %s", round).containsOnly(attempts.get(0));
    }
  }

  // == arguments ==

  @Test
  void refusesWhatIsOutOfRange() {
    IdempotencyStore store = store();
    Started started = started(key);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> store.begin(key, Duration.ZERO))
        .withMessage("lease: PT0S (expected: > PT0S)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> store.renew(started, Duration.ofSeconds(-1)))
        .withMessage("lease: PT-1S (expected: > PT0S)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> store.complete(started, null, Duration.ZERO))
        .withMessage("retention: PT0S (expected: > PT0S)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> store.complete(started, new byte[(1 << 20) + 1], LONG))
        .withMessage("result: 1048577 bytes (expected: <= 1048576)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> store.purge(0))
        .withMessage("limit: 0 (expected: 1..100000)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> store.purge(100_001))
        .withMessage("limit: 100001 (expected: 1..100000)");
  }

  @Test
  void takesTimesOfAnyLength() {
    Duration forever = Duration.ofSeconds(Long.MAX_VALUE);
    Started started = started(key, forever);
    assertThat(attempt(key)).isInstanceOf(InProgress.class);
    is(true, store().renew(started, forever));
    is(true, store().complete(started, null, forever));
    assertThat(attempt(key)).isEqualTo(new Completed(null));
  }

  // == how ==

  private Started started(IdempotencyKey key) {
    return started(key, LONG);
  }

  private Started started(IdempotencyKey key, Duration lease) {
    Attempt attempt = store().begin(key, lease).block(PATIENCE);
    assertThat(attempt).isInstanceOf(Started.class);
    return (Started) Objects.requireNonNull(attempt);
  }

  private static List<Started> started(List<Attempt> attempts) {
    return attempts.stream().filter(Started.class::isInstance).map(Started.class::cast).toList();
  }

  private Attempt attempt(IdempotencyKey key) {
    return Objects.requireNonNull(store().begin(key, LONG).block(PATIENCE));
  }

  /** It is not the caller's any more. */
  private void gone(Started started) {
    is(false, store().renew(started, LONG));
    is(false, store().complete(started, null, LONG));
    is(false, store().release(started));
  }

  private static void is(boolean expected, Mono<Boolean> answer) {
    StepVerifier.create(answer).expectNext(expected).expectComplete().verify(PATIENCE);
  }

  private static List<Attempt> race(int many, IntFunction<Mono<Attempt>> rival) {
    @Nullable List<Attempt> attempts =
        Flux.range(0, many)
            .flatMap(i -> Mono.defer(() -> rival.apply(i)).subscribeOn(Schedulers.parallel()), many)
            .collectList()
            .block(PATIENCE);
    return Objects.requireNonNull(attempts);
  }
}

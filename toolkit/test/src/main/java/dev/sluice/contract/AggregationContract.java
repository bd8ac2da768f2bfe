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

import dev.sluice.message.Message;
import dev.sluice.store.Aggregation;
import dev.sluice.store.Aggregation.State;
import dev.sluice.store.AggregationKey;
import dev.sluice.store.AggregationStore;
import dev.sluice.store.AggregationStore.Added;
import dev.sluice.store.AggregationStore.Claimed;
import dev.sluice.store.AggregationStore.Verdict;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.UUID;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;
import reactor.test.StepVerifier;

/**
 * What every {@link AggregationStore} must do. A test of a store extends it and says how the store
 * is made and how its time passes.
 */
public abstract class AggregationContract {

  private static final Duration LONG = Duration.ofMinutes(10);
  private static final Duration SHORT = Duration.ofMillis(20);
  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final int RIVALS = 16;
  private static final int ROUNDS = 8;

  private final String scope = "contract-" + UUID.randomUUID();
  private final AggregationKey key = new AggregationKey(scope, "trip-1");
  private final List<String> legs = List.of("north", "south", "west");

  /**
   * The store, with room for a hundred aggregations. What is in it does not matter: every test uses
   * a scope of its own.
   */
  protected abstract AggregationStore store();

  /**
   * Lets the time of the store pass until somebody has to look at the aggregation: until its
   * deadline if it is open, the end of the lease if it is closed, and that of the retention if it
   * is completed.
   */
  protected abstract void awaitEnd(AggregationKey key);

  // == opening ==

  @Test
  void opensWithWhatIsExpected() {
    Message<byte[]> request =
        message("a question").toBuilder().header("tenant", "t1").correlationId("c1").build();
    Aggregation opened = value(store().open(key, request, legs, LONG));
    assertThat(opened.key()).isEqualTo(key);
    assertThat(opened.state()).isEqualTo(State.OPEN);
    assertThat(opened.legs()).containsExactlyElementsOf(legs);
    assertThat(opened.missing()).containsExactlyElementsOf(legs);
    assertThat(opened.replies()).isEmpty();
    assertThat(opened.result()).isNull();
    assertThat(opened.left()).isPositive().isLessThanOrEqualTo(LONG);
    for (Aggregation found : List.of(opened, value(store().find(key)))) {
      same(found.request(), request);
      assertThat(found.request().headers().get("tenant")).isEqualTo("t1");
      assertThat(found.request().correlationId()).isEqualTo("c1");
    }
  }

  @Test
  void opensNothingUntilSomebodySubscribes() {
    Mono<Aggregation> later = store().open(key, message("q"), legs, LONG);
    none(store().find(key));
    value(later);
    Mono<Added> add = store().add(key, "north", message("r"));
    Mono<Claimed> close = store().close(key, LONG);
    assertThat(value(store().find(key)).replies()).isEmpty();
    assertThat(value(add).verdict()).isEqualTo(Verdict.COUNTED);
    Claimed claimed = value(close);
    Mono<Boolean> complete = store().complete(claimed, null, LONG);
    Mono<Boolean> release = store().release(claimed);
    assertThat(value(store().find(key)).state()).isEqualTo(State.CLOSED);
    is(true, complete);
    is(false, release);
  }

  @Test
  void findsWhatWasOpenedFirst() {
    Message<byte[]> request = message("first");
    value(store().open(key, request, legs, LONG));
    verdict(Verdict.COUNTED, "south", "s");
    Aggregation again =
        value(store().open(key, message("second"), List.of("other"), Duration.ofDays(1)));
    same(again.request(), request);
    assertThat(again.legs()).containsExactlyElementsOf(legs);
    assertThat(again.left()).isLessThanOrEqualTo(LONG);
    assertThat(texts(again)).containsExactly("south=s");
    Claimed claimed = value(store().close(key, LONG));
    assertThat(opened().state()).isEqualTo(State.CLOSED);
    is(true, store().complete(claimed, message("the result"), LONG));
    Aggregation completed = opened();
    assertThat(completed.state()).isEqualTo(State.COMPLETED);
    assertThat(text(completed.result())).isEqualTo("the result");
  }

  @Test
  void mayExpectNobody() {
    assertThat(value(store().open(key, message("q"), List.of(), LONG)).legs()).isEmpty();
    assertThat(value(store().close(key, LONG)).aggregation().missing()).isEmpty();
  }

  @Test
  void knowsNothingOfOtherKeys() {
    opened();
    for (AggregationKey other :
        List.of(
            new AggregationKey(scope, "trip-2"),
            new AggregationKey(scope, "TRIP-1"),
            new AggregationKey(scope, "trip-1 "),
            new AggregationKey(scope + "-other", "trip-1"))) {
      none(store().find(other));
      none(store().add(other, "north", message("r")));
      none(store().close(other, LONG));
    }
  }

  @Test
  void takesAnyText() {
    for (String text : List.of("' or 1=1 --", "\n\t\"\\", "\u00e5\ud83d\ude80", "{schema}", "$1")) {
      AggregationKey odd = new AggregationKey(scope, text);
      value(store().open(odd, message(text), List.of(text, "{" + text + ",}"), LONG));
      Added added = value(store().add(odd, text, message(text)));
      assertThat(added.verdict()).as(text).isEqualTo(Verdict.COUNTED);
      assertThat(texts(added.aggregation())).containsExactly(text + "=" + text);
      assertThat(added.aggregation().missing()).containsExactly("{" + text + ",}");
    }
  }

  @Test
  void keepsTheLargest() {
    List<String> many =
        IntStream.range(0, Aggregation.MAX_LEGS)
            .mapToObj(i -> "l".repeat(Aggregation.MAX_LEG - 3) + (100 + i))
            .toList();
    byte[] payload = new byte[Aggregation.MAX_PAYLOAD];
    payload[payload.length - 1] = 1;
    Message<byte[]> large = Message.of(payload);
    value(store().open(key, large, many, LONG));
    value(store().add(key, many.get(255), large));
    Claimed claimed = value(store().close(key, LONG));
    assertThat(claimed.aggregation().legs()).isEqualTo(many);
    same(claimed.aggregation().request(), large);
    same(claimed.aggregation().replies().get(0).message(), large);
    is(true, store().complete(claimed, large, LONG));
    same(Objects.requireNonNull(value(store().find(key)).result()), large);
  }

  // == replies ==

  @Test
  void countsOneReplyOfEachLegInTheirOrder() {
    opened();
    verdict(Verdict.COUNTED, "west", "w");
    verdict(Verdict.COUNTED, "north", "n");
    verdict(Verdict.DUPLICATE, "west", "another");
    Aggregation now = verdict(Verdict.COUNTED, "south", "");
    assertThat(texts(now)).containsExactly("west=w", "north=n", "south=");
    assertThat(now.missing()).isEmpty();
    assertThat(texts(value(store().find(key)))).isEqualTo(texts(now));
  }

  /** Whoever added it first may have died before it closed the aggregation. */
  @Test
  void tellsOneThatComesAgainWhatHasCome() {
    opened();
    verdict(Verdict.COUNTED, "north", "n");
    assertThat(texts(verdict(Verdict.DUPLICATE, "north", "n"))).containsExactly("north=n");
  }

  @Test
  void countsNoReplyThatNobodyExpects() {
    opened();
    assertThat(verdict(Verdict.UNEXPECTED, "east", "e").replies()).isEmpty();
    assertThat(verdict(Verdict.UNEXPECTED, "NORTH", "n").replies()).isEmpty();
  }

  @Test
  void countsAReplyThatComesAfterTheDeadlineButBeforeTheClose() {
    value(store().open(key, message("q"), legs, SHORT));
    awaitEnd(key);
    assertThat(verdict(Verdict.COUNTED, "north", "n").left()).isZero();
  }

  @Test
  void countsNoReplyAfterTheClose() {
    opened();
    verdict(Verdict.COUNTED, "north", "n");
    Claimed claimed = value(store().close(key, LONG));
    assertThat(texts(verdict(Verdict.LATE, "south", "s"))).containsExactly("north=n");
    is(true, store().complete(claimed, message("the result"), LONG));
    Aggregation completed = verdict(Verdict.LATE, "south", "s");
    assertThat(completed.state()).isEqualTo(State.COMPLETED);
    assertThat(completed.replies()).isEmpty();
    assertThat(text(completed.result())).isEqualTo("the result");
  }

  // == completing ==

  @Test
  void isClosedByOne() {
    opened();
    verdict(Verdict.COUNTED, "north", "n");
    Claimed claimed = value(store().close(key, LONG));
    assertThat(claimed.aggregation().state()).isEqualTo(State.CLOSED);
    assertThat(texts(claimed.aggregation())).containsExactly("north=n");
    none(store().close(key, LONG));
    assertThat(store().overdue(scope, LONG, 100).collectList().block(PATIENCE)).isEmpty();
    is(true, store().complete(claimed, null, LONG));
    none(store().close(key, LONG));
  }

  @Test
  void isCompletedOnceAndForAll() {
    opened();
    Claimed claimed = value(store().close(key, LONG));
    is(true, store().complete(claimed, message("first"), LONG));
    is(true, store().complete(claimed, message("second"), SHORT)); // its answer may have been lost
    is(false, store().release(claimed));
    assertThat(text(value(store().find(key)).result())).isEqualTo("first");
  }

  @Test
  void isTakenOverWithTheSameReplies() {
    opened();
    verdict(Verdict.COUNTED, "west", "w");
    verdict(Verdict.COUNTED, "north", "n");
    Claimed first = value(store().close(key, SHORT));
    awaitEnd(key);
    verdict(Verdict.LATE, "south", "s");
    Claimed second = value(store().close(key, LONG));
    assertThat(texts(second.aggregation())).isEqualTo(texts(first.aggregation()));
    is(false, store().complete(first, message("first"), LONG));
    is(false, store().release(first));
    is(true, store().complete(second, message("second"), LONG));
    is(false, store().complete(first, message("first"), LONG));
    assertThat(text(value(store().find(key)).result())).isEqualTo("second");
  }

  @Test
  void canBeCompletedLateIfNobodyTookOver() {
    opened();
    Claimed claimed = value(store().close(key, SHORT));
    awaitEnd(key);
    is(true, store().complete(claimed, null, LONG));
    assertThat(value(store().find(key)).state()).isEqualTo(State.COMPLETED);
  }

  @Test
  void staysClosedWhenItIsGivenBack() {
    opened();
    Claimed first = value(store().close(key, LONG));
    is(true, store().release(first));
    is(false, store().release(first));
    is(false, store().complete(first, null, LONG));
    verdict(Verdict.LATE, "north", "n");
    Claimed second = value(store().close(key, LONG));
    is(true, store().release(second));
    assertThat(keys(overdue(100))).containsExactly(key);
  }

  // == overdue ==

  @Test
  void findsWhatIsOverdueTheLongestFirst() {
    for (int i = 0; i < 3; i++) {
      AggregationKey soon = new AggregationKey(scope, "soon-" + i);
      value(store().open(soon, message("q" + i), legs, SHORT));
      value(store().add(soon, "west", message("w" + i)));
      value(store().add(soon, "north", message("n" + i)));
      awaitEnd(soon);
    }
    opened();
    List<Claimed> claimed = overdue(2);
    assertThat(keys(claimed))
        .containsExactly(new AggregationKey(scope, "soon-0"), new AggregationKey(scope, "soon-1"));
    for (int i = 0; i < 2; i++) {
      Aggregation aggregation = claimed.get(i).aggregation();
      assertThat(aggregation.state()).isEqualTo(State.CLOSED);
      assertThat(aggregation.left()).isZero();
      assertThat(text(aggregation.request())).isEqualTo("q" + i);
      assertThat(texts(aggregation)).containsExactly("west=w" + i, "north=n" + i);
    }
    assertThat(keys(overdue(2))).containsExactly(new AggregationKey(scope, "soon-2"));
    assertThat(overdue(2)).isEmpty();
  }

  @Test
  void takesOverWhatWasNotCompletedInTime() {
    opened();
    Claimed first = value(store().close(key, SHORT));
    awaitEnd(key);
    List<Claimed> claimed = overdue(100);
    assertThat(keys(claimed)).containsExactly(key);
    is(false, store().complete(first, null, LONG));
    is(true, store().complete(claimed.get(0), null, SHORT));
    awaitEnd(key);
    assertThat(overdue(100)).isEmpty();
  }

  @Test
  void leavesOtherScopesAlone() {
    AggregationKey other = new AggregationKey(scope + "-other", "trip-1");
    value(store().open(other, message("q"), legs, SHORT));
    awaitEnd(other);
    assertThat(overdue(100)).isEmpty();
    assertThat(value(store().find(other)).state()).isEqualTo(State.OPEN);
  }

  // == purging ==

  @Test
  void forgetsOnlyWhatIsCompletedAndNoLongerRetained() {
    store().purge(100_000).block(PATIENCE);
    AggregationKey old = completed("old", SHORT);
    AggregationKey kept = completed("kept", LONG);
    AggregationKey abandoned = new AggregationKey(scope, "abandoned");
    value(store().open(abandoned, message("q"), legs, SHORT));
    AggregationKey stuck = new AggregationKey(scope, "stuck");
    value(store().open(stuck, message("q"), legs, LONG));
    value(store().close(stuck, SHORT));
    awaitEnd(old);
    awaitEnd(abandoned);
    awaitEnd(stuck);
    assertThat(store().purge(100_000).block(PATIENCE)).isEqualTo(1);
    none(store().find(old));
    none(store().add(old, "north", message("n")));
    assertThat(value(store().find(kept)).state()).isEqualTo(State.COMPLETED);
    assertThat(value(store().find(abandoned)).state()).isEqualTo(State.OPEN);
    assertThat(value(store().find(stuck)).state()).isEqualTo(State.CLOSED);
    assertThat(value(store().open(old, message("q"), legs, LONG)).state()).isEqualTo(State.OPEN);
  }

  @Test
  void forgetsNoMoreThanItWasAskedTo() {
    store().purge(100_000).block(PATIENCE);
    for (int i = 0; i < 3; i++) {
      awaitEnd(completed("old-" + i, SHORT));
    }
    assertThat(store().purge(2).block(PATIENCE)).isEqualTo(2);
    assertThat(store().purge(2).block(PATIENCE)).isEqualTo(1);
    assertThat(store().purge(2).block(PATIENCE)).isZero();
  }

  // == races ==

  @Test
  void showsAllToTheReplyThatCountsLast() {
    List<String> many = IntStream.range(0, RIVALS).mapToObj(i -> "leg-" + i).toList();
    for (int round = 0; round < ROUNDS; round++) {
      AggregationKey raced = new AggregationKey(scope, "replies-" + round % 4);
      value(store().open(raced, message("q"), many, LONG));
      List<Added> all =
          race(RIVALS * 2, i -> store().add(raced, many.get(i % RIVALS), message("" + i)));
      assertThat(all).filteredOn(a -> a.verdict() == Verdict.COUNTED).hasSize(RIVALS);
      List<Integer> sizes = new ArrayList<>();
      for (Added added : all) {
        if (added.verdict() == Verdict.COUNTED) {
          sizes.add(added.aggregation().replies().size());
        }
      }
      Collections.sort(sizes);
      assertThat(sizes)
          .as("round %s: what each saw that counted", round)
          .containsExactlyElementsOf(IntStream.rangeClosed(1, RIVALS).boxed().toList());
      awaitEnd(finished(raced));
      store().purge(100_000).block(PATIENCE);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {2, RIVALS})
  void isClosedByOneOfManyWhoComeAtOnce(int many) {
    for (int round = 0; round < ROUNDS; round++) {
      AggregationKey raced = new AggregationKey(scope, "close-" + round % 4);
      value(store().open(raced, message("q"), legs, round % 2 == 0 ? LONG : SHORT));
      if (round % 2 == 1) {
        awaitEnd(raced);
      }
      List<Claimed> claimed =
          race(
              many,
              i ->
                  i % 2 == 0
                      ? store().close(raced, LONG)
                      : store().overdue(scope, LONG, 1).singleOrEmpty());
      assertThat(claimed).as("round %s", round).hasSize(1);
      is(true, store().complete(claimed.get(0), null, SHORT));
      awaitEnd(raced);
      store().purge(100_000).block(PATIENCE);
    }
  }

  /** A reply is in the aggregation that is closed, or it is told that it came late. */
  @Test
  void losesNoReplyThatComesWhileItIsClosed() {
    for (int round = 0; round < ROUNDS; round++) {
      AggregationKey raced = new AggregationKey(scope, "closing-" + round % 4);
      value(store().open(raced, message("q"), legs, LONG));
      List<String> counted = Collections.synchronizedList(new ArrayList<>());
      List<Claimed> claimed =
          race(
              4,
              i ->
                  i == 2
                      ? store().close(raced, LONG)
                      : store()
                          .add(raced, legs.get(Math.min(i, 2)), message(""))
                          .doOnNext(
                              added -> {
                                if (added.verdict() == Verdict.COUNTED) {
                                  counted.add(legs.get(Math.min(i, 2)));
                                }
                              })
                          .then(Mono.empty()));
      assertThat(claimed.get(0).aggregation().replies())
          .as("round %s", round)
          .extracting(Aggregation.Reply::leg)
          .containsExactlyInAnyOrderElementsOf(counted);
      is(true, store().complete(claimed.get(0), null, SHORT));
      awaitEnd(raced);
      store().purge(100_000).block(PATIENCE);
    }
  }

  /** Whoever was taken over may still be at it: one of the two is accepted. */
  @Test
  void isEitherCompletedLateOrTakenOver() {
    for (int round = 0; round < ROUNDS; round++) {
      AggregationKey raced = new AggregationKey(scope, "late-" + round);
      value(store().open(raced, message("q"), legs, LONG));
      Claimed first = value(store().close(raced, SHORT));
      awaitEnd(raced);
      List<String> won =
          race(
              RIVALS,
              i ->
                  i == 7
                      ? store()
                          .complete(first, null, LONG)
                          .flatMap(mine -> mine ? Mono.just("first") : Mono.empty())
                      : store().close(raced, LONG).map(claimed -> "second"));
      assertThat(won).as("round %s", round).hasSize(1);
    }
  }

  // == arguments ==

  @Test
  void refusesWhatIsOutOfRange() {
    AggregationStore store = store();
    opened();
    Message<byte[]> tooLarge = Message.of(new byte[(1 << 18) + 1]);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> store.open(key, tooLarge, legs, LONG))
        .withMessage("request: 262145 bytes (expected: <= 262144)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> store.open(key, message("q"), legs, Duration.ZERO))
        .withMessage("within: PT0S (expected: > PT0S)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> store.open(key, message("q"), List.of("a", "b", "a"), LONG))
        .withMessage("legs: \"a\" twice (expected: once)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> store.open(key, message("q"), List.of(""), LONG))
        .withMessage("leg: 0 characters (expected: 1..200)");
    List<String> tooMany = IntStream.range(0, 257).mapToObj(Integer::toString).toList();
    assertThatIllegalArgumentException()
        .isThrownBy(() -> store.open(key, message("q"), tooMany, LONG))
        .withMessage("legs: 257 (expected: 0..256)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> store.add(key, "north", tooLarge))
        .withMessage("reply: 262145 bytes (expected: <= 262144)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> store.close(key, Duration.ofSeconds(-1)))
        .withMessage("lease: PT-1S (expected: > PT0S)");
    Claimed claimed = value(store.close(key, LONG));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> store.complete(claimed, tooLarge, LONG))
        .withMessage("result: 262145 bytes (expected: <= 262144)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> store.complete(claimed, null, Duration.ZERO))
        .withMessage("retention: PT0S (expected: > PT0S)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> store.overdue(scope, Duration.ZERO, 1))
        .withMessage("lease: PT0S (expected: > PT0S)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> store.overdue("", LONG, 1))
        .withMessage("scope: 0 characters (expected: 1..100)");
    for (int limit : new int[] {0, 101}) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> store.overdue(scope, LONG, limit))
          .withMessage("limit: " + limit + " (expected: 1..100)");
    }
    for (int limit : new int[] {0, 100_001}) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> store.purge(limit))
          .withMessage("limit: " + limit + " (expected: 1..100000)");
    }
  }

  @Test
  void takesTimesOfAnyLength() {
    Duration forever = Duration.ofSeconds(Long.MAX_VALUE);
    value(store().open(key, message("q"), legs, forever));
    is(true, store().complete(value(store().close(key, forever)), null, forever));
    assertThat(value(store().find(key)).state()).isEqualTo(State.COMPLETED);
  }

  // == how ==

  private Aggregation opened() {
    return value(store().open(key, message("a question"), legs, LONG));
  }

  private AggregationKey completed(String name, Duration retention) {
    AggregationKey named = new AggregationKey(scope, name);
    value(store().open(named, message("q"), legs, LONG));
    is(true, store().complete(value(store().close(named, LONG)), null, retention));
    return named;
  }

  private AggregationKey finished(AggregationKey open) {
    is(true, store().complete(value(store().close(open, LONG)), null, SHORT));
    return open;
  }

  private Aggregation verdict(Verdict expected, String leg, String text) {
    Added added = value(store().add(key, leg, message(text)));
    assertThat(added.verdict()).as("%s=%s", leg, text).isEqualTo(expected);
    return added.aggregation();
  }

  private List<Claimed> overdue(int limit) {
    return Objects.requireNonNull(
        store().overdue(scope, LONG, limit).collectList().block(PATIENCE));
  }

  private static List<AggregationKey> keys(List<Claimed> claimed) {
    return claimed.stream().map(c -> c.aggregation().key()).toList();
  }

  private static Message<byte[]> message(String text) {
    return Message.of(text.getBytes(UTF_8));
  }

  private static void same(Message<byte[]> message, Message<byte[]> expected) {
    assertThat(message.id()).isEqualTo(expected.id());
    assertThat(message.payload()).isEqualTo(expected.payload());
  }

  private static List<String> texts(Aggregation aggregation) {
    return aggregation.replies().stream()
        .map(reply -> reply.leg() + "=" + text(reply.message()))
        .toList();
  }

  private static String text(@Nullable Message<byte[]> message) {
    return new String(Objects.requireNonNull(message).payload(), UTF_8);
  }

  private static <V> V value(Mono<V> answer) {
    V value = answer.block(PATIENCE);
    assertThat(value).isNotNull();
    return Objects.requireNonNull(value);
  }

  private static void none(Mono<?> answer) {
    StepVerifier.create(answer).expectComplete().verify(PATIENCE);
  }

  private static void is(boolean expected, Mono<Boolean> answer) {
    StepVerifier.create(answer).expectNext(expected).expectComplete().verify(PATIENCE);
  }

  private static <V> List<V> race(int many, IntFunction<Mono<V>> rival) {
    @Nullable List<V> answers =
        Flux.range(0, many)
            .flatMap(i -> Mono.defer(() -> rival.apply(i)).subscribeOn(Schedulers.parallel()), many)
            .collectList()
            .block(PATIENCE);
    return Objects.requireNonNull(answers);
  }
}

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
import static org.assertj.core.groups.Tuple.tuple;

import dev.sluice.channel.DeadLetterHeaders;
import dev.sluice.delivery.DeadLetterReason;
import dev.sluice.message.Headers;
import dev.sluice.message.Message;
import dev.sluice.store.DeadLetter;
import dev.sluice.store.DeadLetterQuery;
import dev.sluice.store.DeadLetters;
import dev.sluice.store.DeadLetters.Claimed;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;
import reactor.test.StepVerifier;

/**
 * What every {@link DeadLetters} must do. A test of a store extends it and says how the store is
 * made and how its time passes.
 */
public abstract class DeadLettersContract {

  private static final Duration LONG = Duration.ofMinutes(10);
  private static final Duration SHORT = Duration.ofMillis(20);
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  private final String channel = "contract-" + UUID.randomUUID();
  private final DeadLetterQuery ours = DeadLetterQuery.all().channel(channel);

  /**
   * The store, with room for a thousand letters. What is in it does not matter: every test uses a
   * channel of its own.
   */
  protected abstract DeadLetters store();

  /** Lets the time of the store pass until the letter is older than that. */
  protected abstract void awaitAge(String id, Duration age);

  /** Lets the time of the store pass until the claim has ended. */
  protected abstract void awaitEnd(Claimed claimed);

  private Message<byte[]> letter(
      String text, DeadLetterReason reason, @Nullable String error, int redrives) {
    Headers headers =
        Headers.empty()
            .with("tenant", "\u00e5 \"quoted\" \\")
            .withReserved(DeadLetterHeaders.CHANNEL, channel)
            .withReserved(DeadLetterHeaders.REASON, reason.name())
            .withReserved(DeadLetterHeaders.ATTEMPT, "3")
            .withReserved(DeadLetterHeaders.REDRIVES, Integer.toString(redrives));
    return Message.of(text.getBytes(UTF_8))
        .withGroup("group")
        .withPriority(7)
        .withHeaders(
            error == null ? headers : headers.withReserved(DeadLetterHeaders.ERROR, error));
  }

  private String add(Message<byte[]> letter) {
    return Objects.requireNonNull(store().add(letter).block(PATIENCE));
  }

  private String add(String text) {
    return add(letter(text, DeadLetterReason.POISON, "java.lang.Exception: " + text, 0));
  }

  private List<String> texts(DeadLetterQuery query) {
    return letters(query).stream().map(DeadLettersContract::text).toList();
  }

  private List<DeadLetter> letters(DeadLetterQuery query) {
    return Objects.requireNonNull(store().query(query).collectList().block(PATIENCE));
  }

  private static String text(DeadLetter letter) {
    return new String(letter.message().payload(), UTF_8);
  }

  private List<Claimed> claim(DeadLetterQuery query, Duration lease) {
    return Objects.requireNonNull(store().claim(query, lease).collectList().block(PATIENCE));
  }

  private static void is(boolean expected, Mono<Boolean> answer) {
    StepVerifier.create(answer).expectNext(expected).expectComplete().verify(PATIENCE);
  }

  // == looking ==

  @Test
  void keepsTheMessageAsItWasWithTheFacts() {
    Message<byte[]> message =
        letter("\u0000 text", DeadLetterReason.ATTEMPTS_EXHAUSTED, "java.io.IOException: no: 1", 2);
    String id = add(message);
    DeadLetter letter = letters(ours).get(0);
    assertThat(letter.id()).isEqualTo(id);
    assertThat(letter.message().payload()).isEqualTo(message.payload());
    assertThat(letter.message().withPayload("")).isEqualTo(message.withPayload(""));
    assertThat(letter.channel()).isEqualTo(channel);
    assertThat(letter.reason()).isEqualTo(DeadLetterReason.ATTEMPTS_EXHAUSTED);
    assertThat(letter.error()).isEqualTo("java.io.IOException: no: 1");
    assertThat(letter.attempts()).isEqualTo(3);
    assertThat(letter.redrives()).isEqualTo(2);
    assertThat(letter.fingerprint()).isEqualTo("ATTEMPTS_EXHAUSTED java.io.IOException");
  }

  @Test
  void keepsAMessageThatSaysNothingOfItsRejection() {
    String id = add(Message.of(new byte[] {1}).withHeaders(Headers.empty()));
    DeadLetter letter =
        letters(DeadLetterQuery.all().channel("unknown").limit(1_000)).stream()
            .filter(l -> l.id().equals(id))
            .findFirst()
            .orElseThrow();
    assertThat(letter.reason()).isEqualTo(DeadLetterReason.MANUAL);
    assertThat(letter.fingerprint()).isEqualTo("MANUAL");
    assertThat(letter.attempts()).isZero();
    assertThat(letter.error()).isNull();
  }

  @Test
  void addsNothingUntilSomebodySubscribes() {
    Mono<String> never = store().add(letter("never", DeadLetterReason.POISON, null, 0));
    assertThat(texts(ours)).isEmpty();
    never.block(PATIENCE);
    assertThat(texts(ours)).containsExactly("never");
  }

  @Test
  void findsWhatIsMeant() {
    add(letter("a", DeadLetterReason.POISON, "A: 1", 0));
    add(letter("b", DeadLetterReason.EXPIRED, null, 0));
    add(letter("c", DeadLetterReason.POISON, "A: 2", 3));
    String last = add(letter("d", DeadLetterReason.POISON, "B: 1", 1));
    assertThat(texts(ours)).containsExactly("a", "b", "c", "d");
    assertThat(texts(ours.reason(DeadLetterReason.POISON))).containsExactly("a", "c", "d");
    assertThat(texts(ours.fingerprint("POISON A"))).containsExactly("a", "c");
    assertThat(texts(ours.maxRedrives(1))).containsExactly("a", "b", "d");
    assertThat(texts(ours.fingerprint("POISON A").maxRedrives(0))).containsExactly("a");
    assertThat(texts(ours.channel(channel + "-other"))).isEmpty();
    DeadLetter d =
        letters(ours).stream().filter(l -> l.id().equals(last)).findFirst().orElseThrow();
    assertThat(texts(ours.messageId(d.message().id()))).containsExactly("d");
  }

  @Test
  void givesPages() {
    for (int i = 0; i < 5; i++) {
      add("letter-" + i);
    }
    List<String> seen = new ArrayList<>();
    DeadLetterQuery page = ours.limit(2);
    for (List<DeadLetter> letters = letters(page);
        !letters.isEmpty();
        letters = letters(page.after(letters.get(letters.size() - 1).id()))) {
      assertThat(letters).hasSizeLessThanOrEqualTo(2);
      letters.forEach(letter -> seen.add(text(letter)));
    }
    assertThat(seen).containsExactly("letter-0", "letter-1", "letter-2", "letter-3", "letter-4");
  }

  @Test
  void findsALetterByItsId() {
    add("a");
    String id = add("b");
    add("c");
    assertThat(texts(ours.id(id))).containsExactly("b");
    assertThat(texts(ours.id(id).newestFirst())).containsExactly("b");
    assertThat(texts(ours.id(id).reason(DeadLetterReason.EXPIRED))).isEmpty();
    assertThat(texts(ours.id(id).after(id))).isEmpty();
    assertThat(texts(ours.id("0"))).isEmpty();
    assertThat(texts(ours.id("999999999999999999"))).isEmpty();
    assertThat(claim(ours.id(id), LONG)).extracting(c -> text(c.letter())).containsExactly("b");
    StepVerifier.create(store().groups(ours.id(id)).map(DeadLetters.Group::letters))
        .expectNext(1L)
        .expectComplete()
        .verify(PATIENCE);
  }

  @Test
  void givesTheNewestFirstIfAskedTo() {
    for (int i = 0; i < 5; i++) {
      add("letter-" + i);
    }
    DeadLetterQuery newest = ours.newestFirst().limit(2);
    List<DeadLetter> first = letters(newest);
    assertThat(first).extracting(DeadLettersContract::text).containsExactly("letter-4", "letter-3");
    List<DeadLetter> second = letters(newest.after(first.get(1).id()));
    assertThat(second)
        .extracting(DeadLettersContract::text)
        .containsExactly("letter-2", "letter-1");
    assertThat(texts(newest.after(second.get(1).id()))).containsExactly("letter-0");
    StepVerifier.create(
            store().groups(newest.after(second.get(1).id())).map(DeadLetters.Group::letters))
        .expectNext(1L)
        .expectComplete()
        .verify(PATIENCE);
    assertThat(claim(newest, LONG))
        .extracting(c -> text(c.letter()))
        .containsExactly("letter-4", "letter-3");
    StepVerifier.create(store().purge(newest)).expectNext(2L).expectComplete().verify(PATIENCE);
    assertThat(texts(ours)).containsExactly("letter-0", "letter-3", "letter-4");
  }

  @Test
  void groupsByCause() {
    add(letter("a", DeadLetterReason.POISON, "A: 1", 0));
    add(letter("b", DeadLetterReason.POISON, "A: 2", 0));
    add(letter("c", DeadLetterReason.EXPIRED, null, 0));
    List<DeadLetters.Group> groups =
        Objects.requireNonNull(store().groups(ours).collectList().block(PATIENCE));
    assertThat(groups)
        .extracting(DeadLetters.Group::fingerprint, DeadLetters.Group::letters)
        .containsExactly(tuple("POISON A", 2L), tuple("EXPIRED", 1L));
    assertThat(store().groups(ours.limit(1)).collectList().block(PATIENCE)).hasSize(1);
  }

  @Test
  void tellsTheAgeOfTheOldest() {
    String id = add("a");
    awaitAge(id, SHORT);
    DeadLetters.Stats stats = Objects.requireNonNull(store().stats().block(PATIENCE));
    assertThat(stats.letters()).isPositive();
    assertThat(stats.oldest()).isGreaterThanOrEqualTo(SHORT);
    assertThat(texts(ours.minAge(SHORT))).containsExactly("a");
    assertThat(texts(ours.minAge(Duration.ofDays(400_000_000)))).isEmpty();
  }

  // == claiming ==

  @Test
  void claimsALetterForOne() {
    add("a");
    add("b");
    List<Claimed> first = claim(ours.limit(1), LONG);
    assertThat(first).hasSize(1);
    assertThat(text(first.get(0).letter())).isEqualTo("a");
    List<Claimed> second = claim(ours, LONG);
    assertThat(second).extracting(c -> text(c.letter())).containsExactly("b");
    assertThat(claim(ours, LONG)).isEmpty();
    assertThat(texts(ours)).containsExactly("a", "b");
  }

  @Test
  void removesWhatWasClaimed() {
    add("a");
    Claimed claimed = claim(ours, LONG).get(0);
    is(true, store().remove(claimed));
    is(false, store().remove(claimed));
    is(false, store().release(claimed));
    assertThat(texts(ours)).isEmpty();
  }

  @Test
  void mayBeClaimedAgainAfterARelease() {
    add("a");
    Claimed claimed = claim(ours, LONG).get(0);
    is(true, store().release(claimed));
    is(false, store().release(claimed));
    is(false, store().remove(claimed));
    assertThat(claim(ours, LONG)).hasSize(1);
  }

  @Test
  void mayBeClaimedAgainWhenTheLeaseHasEnded() {
    add("a");
    Claimed first = claim(ours, SHORT).get(0);
    awaitEnd(first);
    Claimed second = claim(ours, LONG).get(0);
    is(false, store().remove(first));
    is(false, store().release(first));
    is(true, store().remove(second));
  }

  @Test
  void canBeRemovedLateIfNobodyElseHasIt() {
    add("a");
    Claimed claimed = claim(ours, SHORT).get(0);
    awaitEnd(claimed);
    is(true, store().remove(claimed));
  }

  @Test
  void givesEachLetterToOneOfManyWhoClaimAtOnce() {
    for (int i = 0; i < 64; i++) {
      add("letter-" + i);
    }
    List<Claimed> claimed =
        Objects.requireNonNull(
            Flux.range(0, 16)
                .flatMap(
                    i ->
                        Flux.defer(() -> store().claim(ours.limit(3), LONG))
                            .repeatWhen(counts -> counts.takeWhile(n -> n > 0))
                            .subscribeOn(Schedulers.parallel()),
                    16)
                .collectList()
                .block(PATIENCE));
    assertThat(claimed).extracting(c -> c.letter().id()).doesNotHaveDuplicates().hasSize(64);
  }

  // == forgetting ==

  @Test
  void forgetsWhatIsMeantUnlessItIsClaimed() {
    String first = add("a");
    add("b");
    add(letter("c", DeadLetterReason.EXPIRED, null, 0));
    claim(ours.limit(1), LONG);
    awaitAge(first, SHORT);
    StepVerifier.create(store().purge(ours.reason(DeadLetterReason.POISON)))
        .expectNext(1L)
        .expectComplete()
        .verify(PATIENCE);
    assertThat(texts(ours)).containsExactly("a", "c");
    StepVerifier.create(store().purge(ours.minAge(Duration.ofDays(1))))
        .expectNext(0L)
        .expectComplete()
        .verify(PATIENCE);
  }

  @Test
  void forgetsNoMoreThanItWasAskedTo() {
    add("a");
    add("b");
    add("c");
    StepVerifier.create(store().purge(ours.limit(2)))
        .expectNext(2L)
        .expectComplete()
        .verify(PATIENCE);
    assertThat(texts(ours)).containsExactly("c");
  }

  // == arguments ==

  @Test
  void refusesWhatIsOutOfRange() {
    DeadLetters store = store();
    assertThatIllegalArgumentException()
        .isThrownBy(() -> store.claim(ours, Duration.ZERO))
        .withMessage("lease: PT0S (expected: > PT0S)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> ours.limit(0))
        .withMessage("limit: 0 (expected: 1..1000)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> ours.limit(1_001))
        .withMessage("limit: 1001 (expected: 1..1000)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> ours.minAge(Duration.ofSeconds(-1)))
        .withMessage("minAge: PT-1S (expected: >= PT0S)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> ours.maxRedrives(-1))
        .withMessage("maxRedrives: -1 (expected: >= 0)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> ours.after("1; drop table"))
        .withMessage("after: \"1; drop table\" (expected: the id of a dead letter)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> ours.id("first"))
        .withMessage("id: \"first\" (expected: the id of a dead letter)");
  }
}

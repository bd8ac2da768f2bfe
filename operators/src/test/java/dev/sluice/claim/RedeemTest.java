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
package dev.sluice.claim;

import static dev.sluice.claim.ClaimCheck.redeem;
import static dev.sluice.claim.ClaimCheck.redeemLazily;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.claim.ClaimRefused.Reason;
import dev.sluice.delivery.DeadLetterReason;
import dev.sluice.message.Message;
import dev.sluice.store.PayloadMissing;
import dev.sluice.store.StoreFailed;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.HexFormat;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.test.StepVerifier;

class RedeemTest extends ClaimFixture {

  private void assertRefused(Redeemer redeemer, Message<byte[]> message, Reason reason) {
    int asked = shelf.asked.get();
    heard.clear();
    StepVerifier.create(redeemer.redeem(message))
        .verifyErrorSatisfies(
            error ->
                assertThat(error)
                    .isInstanceOfSatisfying(
                        ClaimRefused.class,
                        refused -> assertThat(refused.why()).isEqualTo(reason)));
    assertThatThrownBy(() -> redeemer.open(message)).isInstanceOf(ClaimRefused.class);
    assertThat(shelf.asked).hasValue(asked); // the store was never asked
    assertThat(heard).containsExactly("refused " + reason, "refused " + reason);
  }

  // == refused before the store is asked ==

  @Test
  void aClaimForSomebodyElse() {
    Message<byte[]> theirs =
        checker(spec -> spec.audience("customs")).check(Message.of(content(2000))).block();
    assertRefused(redeemer(), Objects.requireNonNull(theirs), Reason.FOREIGN_AUDIENCE);
    StepVerifier.create(redeemer(spec -> spec.audience("customs")).redeem(theirs))
        .expectNextCount(1)
        .verifyComplete();
  }

  @Test
  void anExpiredClaimToTheSecond() {
    Message<byte[]> message = checkedIn(content(10));
    clock.now = START.plus(Duration.ofDays(14)).minusSeconds(1);
    StepVerifier.create(redeemer().redeem(message)).expectNextCount(1).verifyComplete();
    clock.now = START.plus(Duration.ofDays(14));
    assertRefused(redeemer(), message, Reason.EXPIRED);
    assertThat(shelf.payloads).hasSize(1); // although it is still there
  }

  @Test
  void aClaimThatExpiresBeforeItIsRead() {
    Claimed claimed = redeemer().open(checkedIn(content(10))).payload();
    clock.now = START.plus(Duration.ofDays(14));
    StepVerifier.create(claimed.content()).verifyErrorMessage("EXPIRED: at 2026-12-05T12:00:00Z");
    assertThat(shelf.gets).hasValue(0);
  }

  @Test
  void theSignatureOfARetiredSecret() {
    Message<byte[]> old = checkedIn(content(10));
    keys.rotate("k2", secret(2));
    StepVerifier.create(redeemer().redeem(old)).expectNextCount(1).verifyComplete();
    keys.retire("k1", START.plusSeconds(60));
    StepVerifier.create(redeemer().redeem(old)).expectNextCount(1).verifyComplete();
    clock.now = START.plusSeconds(60);
    assertRefused(redeemer(), old, Reason.RETIRED_KEY);
    StepVerifier.create(redeemer().redeem(checkedIn(content(10))))
        .expectNextCount(1)
        .verifyComplete();
  }

  @Test
  void theSignatureOfASecretThatIsNotKnown() {
    Message<byte[]> message = checkedIn(content(10));
    Redeemer stranger = ClaimCheck.redeemer(shelf, Keyring.of("other", secret(1)), this::redeems);
    assertRefused(stranger, message, Reason.UNKNOWN_KEY);
    Redeemer impostor = ClaimCheck.redeemer(shelf, Keyring.of("k1", secret(2)), this::redeems);
    assertRefused(impostor, message, Reason.FORGED);
  }

  /** Even one who has the secret cannot name what is not a key. */
  @Test
  void aPathThatLeadsElsewhere() {
    String key = "2026-12-05/120000-0123456789abcdef0123456789abcdef01234567";
    assertThat(redeemer().open(carrying(sign(key))).payload().size()).isEqualTo(10);
    String[] elsewhere = {
      "../../../../../../../../../../../../../../etc/passwd//////",
      "2026-12-05/../../../../../../../../../../../../../../../..",
      "2026-12-05/120000-../..abcdef0123456789abcdef0123456/../..",
      "2026-13-05/120000-0123456789abcdef0123456789abcdef01234567",
      "http://169.254.169.254/latest/meta-data/iam/security-crede"
    };
    for (String text : elsewhere) {
      assertRefused(redeemer(), carrying(sign(text)), Reason.MALFORMED);
    }
  }

  private String sign(String key) {
    String text = "1;k1;images;" + key + ";10;" + "0".repeat(64) + ";default";
    return text + ';' + HexFormat.of().formatHex(keys.signing().sign(text));
  }

  @Test
  void aStoreThatIsNotKnownHere() {
    Shelf archive = new Shelf("archive");
    Message<byte[]> message =
        ClaimCheck.checker(archive, keys, this::claims).check(Message.of(content(2000))).block();
    assertRefused(redeemer(), Objects.requireNonNull(message), Reason.UNKNOWN_STORE);
  }

  @Test
  void aPayloadThatIsTooLargeForUsOrForMemory() {
    Message<byte[]> message = checkedIn(content(5000));
    assertRefused(redeemer(spec -> spec.maxSize(4999)), message, Reason.TOO_LARGE);
    heard.clear();
    int asked = shelf.asked.get();
    Redeemer small = redeemer(spec -> spec.maxInMemory(4999));
    StepVerifier.create(small.redeem(message))
        .verifyErrorMessage("TOO_LARGE: 5000 bytes (expected: <= 4999)");
    assertThat(shelf.asked).hasValue(asked);
    assertThat(heard).containsExactly("refused TOO_LARGE");
    StepVerifier.create(small.open(message).payload().content())
        .expectNextCount(50)
        .verifyComplete();
  }

  @Test
  void aClaimBesideAPayload() {
    assertRefused(
        redeemer(), checkedIn(content(10)).withPayload(utf8("smuggled")), Reason.MALFORMED);
  }

  // == the wrong bytes ==

  @Test
  void aFlippedLastByteIsAnErrorAndNoCompletion() {
    Message<byte[]> message = checkedIn(content(1000));
    shelf.payloads.values().forEach(bytes -> bytes[999] ^= 1);
    assertCorrupted(message, 10, "the digest of its 1000 bytes is another one");
  }

  @Test
  void bytesThatAreMissingOrTooManyAreAnError() {
    Message<byte[]> message = checkedIn(content(1000));
    shelf.onGet = get -> get.take(9);
    assertCorrupted(message, 9, "900 bytes of 1000");
    shelf.onGet = get -> get.concatWith(Flux.just(ByteBuffer.allocate(1)));
    assertCorrupted(message, 10, "more than 1000 bytes");
  }

  private void assertCorrupted(Message<byte[]> message, int buffers, String what) {
    Claimed claimed = redeemer().open(message).payload();
    heard.clear();
    StepVerifier.create(claimed.content())
        .expectNextCount(buffers)
        .verifyErrorSatisfies(
            error ->
                assertThat(error)
                    .hasMessage(
                        "CORRUPTED: " + shelf.payloads.keySet().iterator().next() + ": " + what));
    assertThat(heard).containsExactly("refused CORRUPTED");
    assertThat(claimed.flaw()).isNotNull();
    StepVerifier.create(redeemer().redeem(message)).verifyError(ClaimRefused.class);
  }

  @Test
  void aMissingPayloadIsALostClaimAndNoRetryHelps() {
    Message<byte[]> message = checkedIn(content(10));
    heard.clear();
    shelf.payloads.clear();
    StepVerifier.create(redeemer().redeem(message))
        .verifyErrorSatisfies(
            error ->
                assertThat(error)
                    .isInstanceOfSatisfying(
                        PayloadMissing.class,
                        missing ->
                            assertThat(missing.reason()).isEqualTo(DeadLetterReason.CLAIM_LOST)));
    assertThat(heard).containsExactly("lost");
  }

  // == lazily ==

  @Test
  void nothingIsReadUntilSomebodyWantsIt() {
    byte[] content = content(1000);
    Message<byte[]> message = checkedIn(content);
    Claimed claimed =
        Objects.requireNonNull(
                Flux.just(message).transform(redeemLazily(shelf, keys, this::redeems)).blockFirst())
            .payload();
    assertThat(claimed.size()).isEqualTo(1000);
    assertThat(claimed.flaw()).isNull();
    assertThat(shelf.gets).hasValue(0);
    StepVerifier.create(claimed.bytes(1000))
        .assertNext(bytes -> assertThat(bytes).isEqualTo(content))
        .verifyComplete();
    assertThat(claimed.flaw()).isNull();
    StepVerifier.create(claimed.content()).expectNextCount(10).verifyComplete();
    assertThat(shelf.gets).hasValue(2); // each subscription reads anew
  }

  @Test
  void readsOnDemand() {
    Claimed claimed = redeemer().open(checkedIn(content(1000))).payload();
    StepVerifier.create(claimed.content(), 0)
        .expectSubscription()
        .thenRequest(1)
        .expectNextCount(1)
        .thenRequest(9)
        .expectNextCount(9)
        .expectComplete()
        .verify();
  }

  @Test
  void whatIsReadInPartIsNotVerified() {
    Claimed claimed = redeemer().open(checkedIn(content(1000))).payload();
    StepVerifier.create(claimed.content().take(3)).expectNextCount(3).verifyComplete();
    assertThat(claimed.flaw()).isNotNull();
    StepVerifier.create(claimed.content().then()).verifyComplete();
    assertThat(claimed.flaw()).isNull();
  }

  @Test
  void inlinePayloadsAreReadTheSameWay() {
    Claimed claimed = redeemer().open(Message.of(utf8("small"))).payload();
    assertThat(claimed.claim()).isNull();
    assertThat(claimed.size()).isEqualTo(5);
    StepVerifier.create(claimed.bytes(10))
        .assertNext(bytes -> assertThat(bytes).isEqualTo(utf8("small")))
        .verifyComplete();
    StepVerifier.create(claimed.bytes(4)).verifyError(ClaimRefused.class);
    StepVerifier.create(claimed.content().then()).verifyComplete();
    assertThat(claimed.flaw()).isNull();
  }

  // == on a plain Flux ==

  @Test
  void oneForgedClaimEndsAPlainFluxUnlessItIsToBeSkipped() {
    Message<byte[]> forged = carrying(signed(checkedIn(content(10))).replace(";10;", ";11;"));
    Flux<Message<byte[]>> messages =
        Flux.just(Message.of(utf8("a")), forged, Message.of(utf8("b")));
    StepVerifier.create(messages.transform(redeem(shelf, keys, this::redeems)))
        .expectNextCount(1)
        .verifyError(ClaimRefused.class);
    StepVerifier.create(messages.transform(redeem(shelf, keys, s -> redeems(s).skipFailures())))
        .expectNextCount(2)
        .expectComplete()
        .verifyThenAssertThat()
        .hasDiscardedExactly(forged);
    StepVerifier.create(
            messages.transform(redeemLazily(shelf, keys, s -> redeems(s).skipFailures())))
        .expectNextCount(2)
        .expectComplete()
        .verifyThenAssertThat()
        .hasDiscardedExactly(forged);
  }

  @Test
  void keepsTheOrderHoweverLongAGetTakes() {
    Message<byte[]> large = checkedIn(content(1000));
    StepVerifier.withVirtualTime(
            () -> {
              shelf.getsTake(Duration.ofSeconds(5));
              return Flux.just(large, Message.of(utf8("b")), large)
                  .transform(redeem(shelf, keys, this::redeems))
                  .map(message -> message.payload().length);
            })
        .expectSubscription()
        .expectNoEvent(Duration.ofSeconds(5))
        .expectNext(1000, 1, 1000)
        .verifyComplete();
  }

  @Test
  void theStoreInTroubleIsItsError() {
    Message<byte[]> message = checkedIn(content(10));
    StoreFailed failure = StoreFailed.temporary("images", "down", null);
    shelf.onGet = get -> Flux.error(failure);
    StepVerifier.create(redeemer().redeem(message)).verifyErrorMatches(e -> e == failure);
    shelf.onGet = get -> Flux.never();
    StepVerifier.create(redeemer().redeem(message)).expectSubscription().thenCancel().verify();
    shelf.onGet = get -> get.concatWith(Mono.error(failure));
    StepVerifier.create(redeemer().redeem(message)).verifyErrorMatches(e -> e == failure);
  }

  @Test
  void refusesWhatIsOutOfRange() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> redeemer(spec -> spec.maxInMemory(0)))
        .withMessage("maxInMemory: 0 (expected: >= 1)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> redeemer(spec -> spec.concurrency(0)))
        .withMessage("concurrency: 0 (expected: >= 1)");
    StepVerifier.create(redeemer().redeem(Message.of("text")))
        .verifyErrorMessage("payload: java.lang.String (expected: byte[] to redeem)");
  }
}

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
package dev.sluice.flow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.sluice.channel.FlowHandle;
import dev.sluice.channel.Outbound;
import dev.sluice.channel.Receipt;
import dev.sluice.channel.SendFailed;
import dev.sluice.claim.ClaimCheck;
import dev.sluice.claim.Keyring;
import dev.sluice.claim.RedeemSpec;
import dev.sluice.claim.TestShelf;
import dev.sluice.codec.BytesCodec;
import dev.sluice.delivery.DeadLetterReason;
import dev.sluice.delivery.Outcome;
import dev.sluice.message.Message;
import dev.sluice.store.StoreFailed;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** Payloads that take the other way, and come back. */
class ClaimFlowTest extends FlowFixture {

  private static final String LARGE = "large".repeat(100);

  private final TestShelf shelf = new TestShelf("payloads");
  private final Keyring keys = Keyring.of("k1", new byte[32]);

  private Flow<byte[]> bytes() {
    return Flow.from(source).clock(clock).onError(policy).deadLetter(deadLetters);
  }

  private Flow<byte[]> checking() {
    return bytes().claimCheck(shelf, keys, c -> c.threshold(100));
  }

  private Flow<byte[]> redeeming() {
    return bytes().redeem(shelf, keys, r -> r);
  }

  /** Messages as they are behind a claim check. */
  private Message<byte[]> checkedIn(String payload) {
    Message<byte[]> checked =
        ClaimCheck.checker(shelf, keys, c -> c.threshold(100)).check(message(payload)).block();
    assertThat(checked).isNotNull();
    return Objects.requireNonNull(checked);
  }

  // == claimCheck ==

  /** A channel that says for how long it keeps what it is sent. */
  private Outbound<byte[]> keeping(Mono<Duration> retention) {
    return new Outbound<>() {
      @Override
      public String name() {
        return "kept";
      }

      @Override
      public Mono<Duration> retention() {
        return retention;
      }

      @Override
      public Mono<Receipt> send(Message<byte[]> message) {
        return shipments.send(message);
      }
    };
  }

  @Test
  void aFlowFailsAtItsStartIfItsTargetKeepsMessagesForLonger() {
    Outbound<byte[]> forLong = keeping(Mono.just(Duration.ofDays(15)));
    FlowHandle handle = checking().to(forLong).start();
    source.offer(LARGE);
    assertThat(handle.stats().failure())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("ttl: PT336H (expected: >= PT360H, the retention of kept)");
    assertThat(shelf.payloads()).isEmpty();
    assertThat(shipments.sent()).isEmpty();
  }

  @Test
  void aFlowStartsWhosePayloadsAreKeptForAsLongAsItsMessages() {
    Duration month = Duration.ofDays(30);
    assertSends(checking().to(keeping(Mono.just(Duration.ofDays(14)))));
    assertSends(
        bytes()
            .claimCheck(shelf, keys, c -> c.ttl(month).threshold(100))
            .to(keeping(Mono.just(month))));
    Duration none = Duration.ZERO;
    assertSends(
        bytes()
            .claimCheck(shelf, keys, c -> c.outlives(none, none, none).threshold(100))
            .to(keeping(Mono.just(month))));
  }

  @Test
  void aTargetThatDoesNotAnswerHoldsNothingUp() {
    assertSends(checking().to(keeping(Mono.error(new IllegalStateException("away")))));
  }

  private void assertSends(RunnableFlow flow) {
    int before = shipments.sent().size();
    FlowHandle handle = flow.start();
    source.offer("sent anyway, because it can be redeemed for as long as it can be received");
    assertThat(shipments.sent()).hasSize(before + 1);
    handle.stop(Duration.ZERO).block();
  }

  @Test
  void whatIsCheckedInAndSentIsRedeemedByWhoReceivesIt() {
    FlowHandle sending = checking().to(shipments).start();
    source.offer(LARGE, "small");
    assertThat(shipments.sentTexts()).containsExactly("", "small");
    assertThat(source.outcomes(LARGE)).containsExactly(ACK);
    sending.stop(Duration.ZERO).block();

    List<String> got = new ArrayList<>();
    FlowHandle receiving =
        Flow.from(shipments)
            .redeem(shelf, keys, r -> r)
            .map(payload -> got.add(new String(payload, StandardCharsets.UTF_8)))
            .start();
    assertThat(got).containsExactly(LARGE, "small");
    assertThat(shelf.payloads()).hasSize(1);
    receiving.stop(Duration.ZERO).block();
  }

  @Test
  void aStoreInTroubleIsTriedAgainByThePolicyAndNothingIsSentMeanwhile() {
    shelf.failPuts(2, StoreFailed.temporary("payloads", "down", null));
    FlowHandle handle = checking().to(shipments).start();
    source.offer(LARGE);
    assertThat(shipments.sent()).isEmpty();
    time.advanceTimeBy(Duration.ofSeconds(5));
    assertThat(shipments.sent()).hasSize(1);
    assertThat(source.outcomes(LARGE)).last().isEqualTo(ACK);
    handle.stop(Duration.ZERO).block();
  }

  @Test
  void thePayloadOfAMessageThatWasCertainlyNotSentIsDeleted() {
    AtomicInteger sends = new AtomicInteger();
    shipments.onSend(
        (message, send) ->
            sends.getAndIncrement() == 0
                ? Mono.<Receipt>error(SendFailed.notSent("shipments", "full", null))
                : send);
    FlowHandle handle = checking().to(shipments).start();
    source.offer(LARGE);
    assertThat(shelf.payloads()).isEmpty();
    time.advanceTimeBy(Duration.ofSeconds(1));
    assertThat(shelf.payloads()).hasSize(1); // that of the second attempt
    assertThat(shipments.sent()).hasSize(1);
    assertRedeemable(shipments.sent());
    handle.stop(Duration.ZERO).block();
  }

  @Test
  void thePayloadOfAMessageThatMayHaveBeenSentIsKept() {
    AtomicInteger sends = new AtomicInteger();
    shipments.onSend(
        (message, send) ->
            sends.getAndIncrement() == 0
                ? send.then(Mono.<Receipt>error(SendFailed.unknown("shipments", "no answer", null)))
                : send);
    FlowHandle handle = checking().to(shipments).start();
    source.offer(LARGE);
    time.advanceTimeBy(Duration.ofSeconds(1));
    assertThat(shipments.sent()).hasSize(2);
    assertThat(shelf.payloads()).hasSize(2);
    assertRedeemable(shipments.sent());
    handle.stop(Duration.ZERO).block();
  }

  /** A worker that runs again sends the same claim again: what failed now may have arrived then. */
  @Test
  void aPayloadIsKeptWhereItsClaimMayHaveBeenSentBefore() {
    AtomicInteger sends = new AtomicInteger();
    shipments.onSend(
        (message, send) ->
            sends.getAndIncrement() == 0
                ? send.then(Mono.<Receipt>error(SendFailed.unknown("shipments", "no answer", null)))
                : Mono.<Receipt>error(SendFailed.permanent("shipments", "gone", null)));
    FlowHandle handle = checking().groupedConvoy(Message::group, Mono::just).to(shipments).start();
    source.offer(LARGE);
    time.advanceTimeBy(Duration.ofSeconds(60));
    assertThat(shipments.sent()).hasSize(1);
    assertThat(deadLetters.sent()).hasSize(1);
    assertRedeemable(shipments.sent());
    handle.stop(Duration.ZERO).block();
  }

  private void assertRedeemable(List<Message<byte[]>> sent) {
    var redeemer = ClaimCheck.redeemer(shelf, keys, r -> r);
    for (Message<byte[]> message : sent) {
      Message<byte[]> redeemed = redeemer.redeem(message).block();
      assertThat(text(Objects.requireNonNull(redeemed))).isEqualTo(LARGE);
    }
  }

  @Test
  void whatIsBeingStoredWhenTheFlowStopsIsGivenBack() {
    shelf.hangPuts();
    FlowHandle handle = checking().to(shipments).start();
    source.offer(LARGE, "small");
    assertThat(shipments.sent()).isEmpty(); // in order
    handle.stop(Duration.ZERO).block();
    assertThat(source.outcomes(LARGE)).last().isInstanceOf(Outcome.Release.class);
    assertThat(source.outcomes("small")).last().isInstanceOf(Outcome.Release.class);
    assertThat(shelf.payloads()).isEmpty();
  }

  // == redeem ==

  @Test
  void aLostPayloadIsADeadLetterAtOnceThatKeepsItsClaim() {
    Message<byte[]> checked = checkedIn(LARGE);
    shelf.payloads().clear();
    FlowHandle handle = redeeming().start();
    source.offer(checked);
    assertThat(deadLetters.sent()).hasSize(1); // no time has passed
    Message<byte[]> letter = deadLetters.sent().get(0);
    assertThat(letter.headers().get("sl-dl-reason")).isEqualTo(DeadLetterReason.CLAIM_LOST.name());
    assertThat(letter.headers().get(ClaimCheck.HEADER))
        .isEqualTo(checked.headers().get(ClaimCheck.HEADER));
    assertThat(shelf.gets()).isEqualTo(1);
    handle.stop(Duration.ZERO).block();
  }

  @Test
  void aForgedClaimIsADeadLetterAndTheStoreIsNotAsked() {
    Message<byte[]> checked = checkedIn(LARGE);
    String claim = Objects.requireNonNull(checked.headers().get(ClaimCheck.HEADER));
    FlowHandle handle = redeeming().start();
    source.offer(
        checked.withHeaders(
            checked.headers().withReserved(ClaimCheck.HEADER, claim.replace(";500;", ";501;"))));
    source.offer("small");
    assertThat(letters()).containsExactly(" POISON");
    assertThat(shelf.gets()).isZero();
    assertThat(source.outcomes("small")).containsExactly(ACK);
    handle.stop(Duration.ZERO).block();
  }

  @Test
  void aStoreThatCannotBeReadIsTriedAgainByThePolicy() {
    Message<byte[]> checked = checkedIn(LARGE);
    shelf.failGets(2, StoreFailed.temporary("payloads", "down", null));
    List<Integer> got = new ArrayList<>();
    FlowHandle handle = redeeming().map(payload -> got.add(payload.length)).start();
    source.offer(checked);
    time.advanceTimeBy(Duration.ofSeconds(5));
    assertThat(shelf.gets()).isEqualTo(3);
    assertThat(got).hasSize(1);
    assertThat(deadLetters.sent()).isEmpty();
    handle.stop(Duration.ZERO).block();
  }

  // == redeemLazily ==

  @Test
  void aWorkerStreamsThePayload() {
    List<Long> sizes = new ArrayList<>();
    FlowHandle handle =
        bytes()
            .redeemLazily(shelf, keys, r -> r)
            .groupedConvoy(
                Message::group,
                claimed ->
                    claimed
                        .content()
                        .reduce(0L, (sum, buffer) -> sum + buffer.remaining())
                        .doOnNext(sizes::add))
            .start();
    Message<byte[]> checked = checkedIn(LARGE);
    source.offer(checked);
    source.offer("small");
    assertThat(sizes).containsExactlyInAnyOrder(500L, 5L);
    assertThat(deadLetters.sent()).isEmpty();
    assertThat(source.unsettled()).isEmpty();
    handle.stop(Duration.ZERO).block();
  }

  @Test
  void aPayloadThatChangedIsNeverAcknowledged() {
    Message<byte[]> checked = checkedIn(LARGE);
    shelf.payloads().values().forEach(payload -> payload[499] ^= 1);
    FlowHandle handle =
        bytes()
            .redeemLazily(shelf, keys, r -> r)
            .groupedConvoy(Message::group, claimed -> claimed.content().then().onErrorComplete())
            .start();
    source.offer(checked);
    assertThat(letters()).containsExactly(" POISON");
    handle.stop(Duration.ZERO).block();
  }

  @Test
  void aWorkerThatFindsItsPayloadGoneIsNotRunAgain() {
    Message<byte[]> checked = checkedIn(LARGE);
    shelf.payloads().clear();
    FlowHandle handle =
        bytes()
            .redeemLazily(shelf, keys, r -> r)
            .groupedConvoy(Message::group, claimed -> claimed.content().then())
            .start();
    source.offer(checked);
    assertThat(letters()).containsExactly(" CLAIM_LOST");
    assertThat(shelf.gets()).isEqualTo(1);
    handle.stop(Duration.ZERO).block();
  }

  // == deleteOnAck ==

  @Test
  void payloadsAreDeletedWhenTheirMessagesAreDone() {
    FlowHandle handle = bytes().redeem(shelf, keys, RedeemSpec::deleteOnAck).start();
    source.offer(checkedIn(LARGE));
    assertThat(shelf.payloads()).isEmpty();
    handle.stop(Duration.ZERO).block();
  }

  @Test
  void payloadsAreNotDeletedByAPart() {
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                bytes()
                    .split(Flux::just)
                    .decode(BytesCodec.bytes())
                    .redeem(shelf, keys, RedeemSpec::deleteOnAck))
        .withMessage(
            "deleteOnAck: behind a step that divides messages (expected: before it, because the"
                + " message may come back when a part was acknowledged)");
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                bytes()
                    .groupedConvoy(Message::group, Mono::just)
                    .redeemLazily(shelf, keys, RedeemSpec::deleteOnAck));
  }
}

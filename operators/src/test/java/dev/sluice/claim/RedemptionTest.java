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

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.channel.ReceiveOptions;
import dev.sluice.delivery.DeadLetterReason;
import dev.sluice.delivery.Delivery;
import dev.sluice.delivery.Outcome;
import dev.sluice.delivery.SplitSettlement;
import dev.sluice.message.Message;
import dev.sluice.test.LeakCheck;
import dev.sluice.test.TestChannel;
import dev.sluice.test.TestDelivery;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import reactor.core.Disposable;
import reactor.core.publisher.Mono;
import reactor.test.StepVerifier;
import reactor.test.scheduler.VirtualTimeScheduler;

/** What an Ack is worth while the payload is being read, and when the payload may go. */
@ExtendWith(LeakCheck.class)
class RedemptionTest extends ClaimFixture {

  private final VirtualTimeScheduler time = VirtualTimeScheduler.getOrSet();
  private final TestChannel source = TestChannel.create("bags").settlesAfter(Duration.ofSeconds(1));
  private final List<Delivery<byte[]>> received = new ArrayList<>();
  private final Disposable receiving =
      source
          .receive(ReceiveOptions.defaults().deadLetters(TestChannel.create("dead")))
          .subscribe(received::add);

  @AfterEach
  void stop() {
    receiving.dispose();
    VirtualTimeScheduler.reset();
  }

  private Delivery<byte[]> deliver(Message<byte[]> message) {
    source.offer(message);
    return received.remove(0);
  }

  private TestDelivery atSource() {
    return source.deliveries().get(0);
  }

  // == lazily ==

  @Test
  void anAckCountsWhenThePayloadWasVerified() {
    Delivery<Claimed> opened = redeemer().open(deliver(checkedIn(content(1000))));
    StepVerifier.create(opened.message().payload().content().then()).verifyComplete();
    assertThat(opened.settlement().settle(Outcome.ack())).isTrue();
    assertThat(atSource().outcome()).isEqualTo(Outcome.ack());
    assertThat(opened.settlement().isDone()).isFalse(); // the source takes its time
    time.advanceTimeBy(Duration.ofSeconds(1));
    assertThat(opened.settlement().isDone()).isTrue();
  }

  @Test
  void anAckCountsWhenNobodyWantedThePayload() {
    Delivery<Claimed> opened = redeemer().open(deliver(checkedIn(content(1000))));
    opened.settlement().settle(Outcome.ack());
    assertThat(atSource().outcome()).isEqualTo(Outcome.ack());
  }

  @Test
  void anAckDoesNotCountBeforeThePayloadWasVerified() {
    Delivery<Claimed> opened = redeemer().open(deliver(checkedIn(content(1000))));
    StepVerifier.create(opened.message().payload().content().take(3))
        .expectNextCount(3)
        .verifyComplete();
    opened.settlement().settle(Outcome.ack());
    assertPoisoned();
  }

  @Test
  void anAckDoesNotCountWhenTheLastByteWasWrong() {
    Delivery<Claimed> opened = redeemer().open(deliver(checkedIn(content(1000))));
    shelf.payloads.values().forEach(bytes -> bytes[999] ^= 1);
    StepVerifier.create(opened.message().payload().content().onErrorComplete()) // a careless worker
        .expectNextCount(10)
        .verifyComplete();
    opened.settlement().settle(Outcome.ack());
    assertPoisoned();
  }

  private void assertPoisoned() {
    assertThat(atSource().outcome())
        .isInstanceOfSatisfying(
            Outcome.Reject.class,
            reject -> {
              assertThat(reject.reason()).isEqualTo(DeadLetterReason.POISON);
              assertThat(reject.cause()).isInstanceOf(ClaimRefused.class);
            });
  }

  @Test
  void everyOtherOutcomePassesAsItIs() {
    for (Outcome outcome :
        List.of(
            Outcome.retry(Duration.ofSeconds(1), null),
            Outcome.release(Outcome.Release.Why.STOPPED),
            Outcome.reject(DeadLetterReason.MANUAL, null))) {
      Delivery<Claimed> opened = redeemer().open(deliver(checkedIn(content(1000))));
      opened.message().payload().content().take(1).blockLast();
      opened.settlement().settle(outcome);
      assertThat(source.deliveries().get(source.deliveries().size() - 1).outcome())
          .isEqualTo(outcome);
    }
  }

  @Test
  void followsADeliveryThatIsLostOrTakenBack() {
    Delivery<Claimed> lost = redeemer().open(deliver(checkedIn(content(10))));
    List<Outcome> ends = new ArrayList<>();
    lost.settlement().onDone(ends::add);
    atSource().lose();
    assertThat(lost.settlement().isLost()).isTrue();
    lost.settlement().settle(Outcome.ack());
    assertThat(ends).containsExactly(Outcome.release(Outcome.Release.Why.LOST));

    Delivery<Claimed> takenBack = redeemer().open(deliver(checkedIn(content(10))));
    source.deliveries().get(1).settle(Outcome.release(Outcome.Release.Why.STOPPED));
    time.advanceTimeBy(Duration.ofSeconds(1));
    assertThat(takenBack.settlement().isSettled()).isTrue();
    assertThat(takenBack.settlement().settle(Outcome.ack())).isFalse();
  }

  // == deleteOnAck ==

  private Delivery<byte[]> redeemAndDelete() {
    return Objects.requireNonNull(
        redeemer(RedeemSpec::deleteOnAck).redeem(deliver(checkedIn(content(1000)))).block());
  }

  @Test
  void aPayloadIsDeletedWhenTheAckIsDurableAndNotBefore() {
    source.durableAfter(Duration.ofSeconds(5));
    Delivery<byte[]> delivery = redeemAndDelete();
    delivery.settlement().settle(Outcome.ack());
    time.advanceTimeBy(Duration.ofSeconds(1));
    assertThat(delivery.settlement().isDone()).isTrue();
    assertThat(shelf.payloads).hasSize(1); // after a crash the message would come again
    time.advanceTimeBy(Duration.ofMillis(4999));
    assertThat(shelf.payloads).hasSize(1);
    time.advanceTimeBy(Duration.ofMillis(1));
    assertThat(shelf.payloads).isEmpty();
    assertThat(heard).contains("deleted");
  }

  /** A process dies, or a partition is taken away, between the effect and its commit. */
  @Test
  void aPayloadIsStillThereForADeliveryThatWasDoneInVain() {
    source.durableAfter(Duration.ofSeconds(5));
    Message<byte[]> message = checkedIn(content(1000));
    Redeemer redeemer = redeemer(RedeemSpec::deleteOnAck);
    Objects.requireNonNull(redeemer.redeem(deliver(message)).block())
        .settlement()
        .settle(Outcome.ack());
    time.advanceTimeBy(Duration.ofSeconds(2));
    atSource().lose();
    time.advanceTimeBy(Duration.ofSeconds(10));
    StepVerifier.create(redeemer.redeem(deliver(message)).map(again -> again.message().payload()))
        .assertNext(payload -> assertThat(payload).isEqualTo(content(1000)))
        .verifyComplete();
    received.forEach(
        again -> again.settlement().settle(Outcome.release(Outcome.Release.Why.STOPPED)));
  }

  @Test
  void aPayloadIsDeletedAfterALazyRedeemToo() {
    Delivery<Claimed> opened =
        redeemer(RedeemSpec::deleteOnAck).open(deliver(checkedIn(content(1000))));
    opened.message().payload().content().blockLast();
    opened.settlement().settle(Outcome.ack());
    time.advanceTimeBy(Duration.ofSeconds(1));
    assertThat(shelf.payloads).isEmpty();
  }

  @Test
  void aPayloadStaysWhenItsMessageMayComeBackOrIsADeadLetter() {
    redeemAndDelete().settlement().settle(Outcome.retry(Duration.ZERO, null));
    redeemAndDelete().settlement().settle(Outcome.release(Outcome.Release.Why.STOPPED));
    redeemAndDelete().settlement().settle(Outcome.reject(DeadLetterReason.MANUAL, null));
    time.advanceTimeBy(Duration.ofSeconds(5));
    received.forEach(
        again -> again.settlement().settle(Outcome.release(Outcome.Release.Why.STOPPED)));
    assertThat(shelf.payloads).hasSize(3);
  }

  @Test
  void aPayloadStaysWhenOthersShareItsMessage() {
    Delivery<byte[]> delivery = deliver(checkedIn(content(1000)));
    SplitSettlement split = new SplitSettlement(delivery.settlement());
    Delivery<byte[]> part = delivery.with(Objects.requireNonNull(split.child()));
    split.producerDone(Outcome.ack());
    Delivery<byte[]> redeemed = redeemer(RedeemSpec::deleteOnAck).redeem(part).block();
    Objects.requireNonNull(redeemed).settlement().settle(Outcome.ack());
    time.advanceTimeBy(Duration.ofSeconds(5));
    assertThat(atSource().outcome()).isEqualTo(Outcome.ack());
    assertThat(shelf.payloads).hasSize(1);
  }

  @Test
  void aPayloadStaysWhenTheAckCameTooLate() {
    Delivery<byte[]> delivery = redeemAndDelete();
    delivery.settlement().settle(Outcome.ack());
    atSource().lose();
    time.advanceTimeBy(Duration.ofSeconds(5));
    assertThat(shelf.payloads).hasSize(1);
    assertThat(heard).doesNotContain("deleted");
  }

  @Test
  void aPayloadThatCannotBeDeletedIsLeftToTheSweeper() {
    shelf.onDelete = delete -> Mono.error(new IllegalStateException("down"));
    redeemAndDelete().settlement().settle(Outcome.ack());
    time.advanceTimeBy(Duration.ofSeconds(1));
    assertThat(heard).contains("left down");
  }
}

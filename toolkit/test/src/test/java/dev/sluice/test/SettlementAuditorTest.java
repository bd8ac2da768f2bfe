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
package dev.sluice.test;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.sluice.channel.Capability;
import dev.sluice.channel.ChannelInfo;
import dev.sluice.channel.Inbound;
import dev.sluice.channel.Outbound;
import dev.sluice.channel.ReceiveOptions;
import dev.sluice.delivery.DeadLetterReason;
import dev.sluice.delivery.Delivery;
import dev.sluice.delivery.Origin;
import dev.sluice.delivery.Outcome;
import dev.sluice.delivery.Outcome.Release.Why;
import dev.sluice.delivery.SettlementCore;
import dev.sluice.delivery.SplitSettlement;
import dev.sluice.message.Message;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.test.StepVerifier;
import reactor.test.scheduler.VirtualTimeScheduler;

/** Each rule is kept by what is right, and broken by what is wrong. */
@Timeout(60)
@ExtendWith(LeakCheck.class)
class SettlementAuditorTest {

  private static final Outcome ACK = Outcome.ack();
  private static final Outcome RETRY = Outcome.retry(Duration.ZERO, new TimeoutException("late"));
  private static final Outcome POISON = Outcome.reject(DeadLetterReason.POISON, null);

  private final VirtualTimeScheduler time = VirtualTimeScheduler.create();
  private final SettlementAuditor auditor = SettlementAuditor.create();
  private final TestChannel orders =
      TestChannel.create("orders", time).groupBy(text -> text.substring(0, 1));
  private final TestChannel deadLetters = TestChannel.create("dead", time);
  private final TestChannel shipments = TestChannel.create("shipments", time);
  private final Outbound<byte[]> target = auditor.target(shipments);
  private final List<Delivery<byte[]>> received = new ArrayList<>();
  private Disposable consumer = () -> {};

  @AfterEach
  void end() {
    consumer.dispose();
  }

  private void receive() {
    consumer =
        auditor
            .source(orders)
            .receive(ReceiveOptions.defaults().deadLetters(deadLetters))
            .subscribe(received::add);
  }

  private Delivery<byte[]> receive(String text) {
    if (consumer.isDisposed() || received.isEmpty()) {
      receive();
    }
    orders.offer(text);
    return received.get(received.size() - 1);
  }

  private void broken(String... parts) {
    assertThatExceptionOfType(AssertionError.class)
        .isThrownBy(auditor::verify)
        .satisfies(error -> assertThat(error.getMessage()).contains(parts));
  }

  private void kept() {
    assertThatCode(auditor::verify).doesNotThrowAnyException();
  }

  @Nested
  class OneDecision {

    @Test
    void isKeptByOneAndByTheSameOnceMore() {
      Delivery<byte[]> a1 = receive("a1");
      assertThat(a1.settlement().settle(ACK)).isTrue();
      assertThat(a1.settlement().settle(ACK)).isFalse();
      kept();
      assertThat(orders.outcomes("a1")).containsExactly(ACK);
    }

    @Test
    void isBrokenByAnAckBeforeTheWorkHasFailed() {
      Delivery<byte[]> a1 = receive("a1");
      a1.settlement().settle(ACK);
      a1.settlement().settle(RETRY);
      broken(
          "S1: \"a1\" of group a: to be retried (java.util.concurrent.TimeoutException: late)"
              + " after it was acknowledged (PROCESSED)",
          "delivered by orders 0, attempt 1");
    }

    @Test
    void isKeptByWhoIsTooLateBecauseTheSourceTookItBack() {
      Delivery<byte[]> a1 = receive("a1");
      orders.deliveries().get(0).settle(Outcome.release(Why.STOPPED));
      assertThat(a1.settlement().isSettled()).isTrue();
      assertThat(a1.settlement().settle(ACK)).isFalse();
      received.get(1).settlement().settle(ACK); // it comes again
      kept();
    }

    @Test
    void isKeptByWhoDecidesAfterALoss() {
      Delivery<byte[]> a1 = receive("a1");
      orders.lose(delivery -> true);
      a1.settlement().settle(RETRY);
      a1.settlement().settle(ACK);
      StepVerifier.create(a1.settlement().lost()).verifyComplete();
      assertThat(a1.settlement().isLost()).isTrue();
      kept();
    }
  }

  @Nested
  class NoSilentLoss {

    @Test
    void isBrokenByADeliveryLeftUndecided() {
      receive("a1");
      Delivery<byte[]> a2 = receive("a2");
      a2.settlement().settle(ACK);
      broken("S2: \"a1\" of group a: left undecided");
      received.get(0).settlement().settle(ACK);
    }

    @Test
    void isKeptWhenTheSourceTakesBackWhatIsLeft() {
      receive("a1");
      consumer.dispose();
      kept();
      assertThat(auditor.story()).contains("released (CANCELLED), but the source had decided");
    }
  }

  @Nested
  class NoPrematureDecision {

    @Test
    void isKeptByAnAckAfterTheSend() {
      Delivery<byte[]> a1 = receive("a1");
      target.send(a1.message()).subscribe(receipt -> a1.settlement().settle(ACK));
      kept();
      assertThat(auditor.story()).contains("to shipments begins", "to shipments confirmed", "done");
    }

    @Test
    void isBrokenByAnAckBeforeTheSendIsConfirmed() {
      shipments.onSend((message, accepted) -> Mono.never());
      Delivery<byte[]> a1 = receive("a1");
      target.send(a1.message()).subscribe();
      a1.settlement().settle(ACK);
      broken("S3: \"a1\" of group a: acknowledged (PROCESSED) before its send of");
    }

    @Test
    void isBrokenByASendOfAChildAfterTheAck() {
      Delivery<byte[]> a1 = receive("a1");
      a1.settlement().settle(ACK);
      target.send(a1.message().child("0", new byte[] {'x'})).subscribe();
      broken("S3", "begins after it was acknowledged (PROCESSED)");
    }

    @Test
    void isKeptByARetryAfterAFailedSendAndByTheReleaseOfOneThatIsUnderWay() {
      Delivery<byte[]> a1 = receive("a1");
      shipments.onSend((message, accepted) -> Mono.error(new TimeoutException()));
      target.send(a1.message()).subscribe(receipt -> {}, error -> a1.settlement().settle(RETRY));
      shipments.onSend((message, accepted) -> Mono.never());
      Delivery<byte[]> again = received.get(1);
      target
          .send(again.message())
          .doOnCancel(() -> again.settlement().settle(Outcome.release(Why.CANCELLED)))
          .subscribe()
          .dispose();
      received.get(2).settlement().settle(ACK);
      kept();
    }

    @Test
    void isBrokenByAParentThatIsDecidedBeforeItsChild() {
      Delivery<byte[]> a1 = receive("a1");
      SplitSettlement split = new SplitSettlement(a1.settlement());
      Delivery<byte[]> child = child(a1, split, 0);
      auditor.derived(child);
      a1.settlement().settle(ACK); // without waiting for the split
      split.producerDone(ACK);
      child.settlement().settle(ACK);
      broken("S3", "acknowledged (PROCESSED) before its delivery of");
    }

    @Test
    void isKeptByAParentThatWaitsForItsChildren() {
      Delivery<byte[]> a1 = receive("a1");
      SplitSettlement split = new SplitSettlement(a1.settlement());
      List<Delivery<byte[]>> children = List.of(child(a1, split, 0), child(a1, split, 1));
      children.forEach(auditor::derived);
      split.producerDone(ACK);
      children.forEach(child -> child.settlement().settle(ACK));
      kept();
      assertThat(orders.outcomes("a1")).containsExactly(ACK);
    }

    @Test
    void isBrokenByTheAckOfASplitThatWasCutShort() {
      shipments.onSend((message, accepted) -> Mono.never());
      Delivery<byte[]> a1 = receive("a1");
      Disposable send = target.send(a1.message().child("0", new byte[] {'x'})).subscribe();
      send.dispose();
      a1.settlement().settle(ACK);
      broken("S3", "though its send of", "was cut short");
    }

    @Test
    void isKeptByAnAckWhenSomethingElseWasDoneInItsPlace() {
      Delivery<byte[]> a1 = receive("a1");
      shipments.onSend((message, accepted) -> Mono.never());
      target.send(a1.message()).subscribe().dispose();
      shipments.onSend((message, accepted) -> accepted);
      target.send(a1.message()).subscribe();
      a1.settlement().settle(ACK);
      kept();
    }

    private Delivery<byte[]> child(Delivery<byte[]> parent, SplitSettlement split, int n) {
      return new Delivery<>(
          parent.message().child(Integer.toString(n), new byte[] {(byte) n}),
          Objects.requireNonNull(split.child()),
          parent.origin());
    }
  }

  @Nested
  class EffectsFirst {

    @Test
    void isKeptByALetterThatIsConfirmed() {
      receive("a1").settlement().settle(POISON);
      kept();
      assertThat(auditor.story()).contains("dead letter to dead confirmed");
    }

    @Test
    void isBrokenByASourceThatForgetsWithoutALetter() {
      consume(new Forgetful(false, "a1"), POISON);
      broken("S4: \"a1\" of group a: done before its dead letter was confirmed");
    }
  }

  @Nested
  class Bounds {

    @Test
    void areBrokenByASourceThatHandsOutMore() {
      List<Delivery<byte[]>> out = new ArrayList<>();
      auditor
          .source(new Forgetful(false, "a1", "b1", "c1"))
          .receive(ReceiveOptions.defaults().maxUnsettled(2))
          .subscribe(out::add);
      out.forEach(delivery -> delivery.settlement().settle(ACK));
      broken("S11: \"c1\" of group c: 3 are out at once (expected: <= 2)");
    }

    @Test
    void areKeptByOneThatDoesNot() {
      auditor
          .source(new Forgetful(false, "a1", "b1", "c1"))
          .receive(ReceiveOptions.defaults().maxUnsettled(1))
          .subscribe(delivery -> delivery.settlement().settle(ACK));
      kept();
    }
  }

  @Nested
  class Groups {

    @Test
    void areExclusiveOnlyWhereTheSourceSaysSo() {
      receive("a1");
      receive("a2");
      received.forEach(delivery -> delivery.settlement().settle(ACK));
      kept();
    }

    @Test
    void areKeptByASourceThatIsExclusive() {
      orders.exclusiveGroups();
      orders.offer("a1", "a2", "b1");
      receive();
      received.get(0).settlement().settle(RETRY);
      for (int i = 1; i < received.size(); i++) {
        received.get(i).settlement().settle(ACK);
      }
      kept();
      assertThat(received).hasSize(4);
    }

    @Test
    void areBrokenByTwoThatAreOutAtOnce() {
      List<Delivery<byte[]>> out = new ArrayList<>();
      auditor
          .source(new Forgetful(true, "a1", "b1", "a2"))
          .receive(ReceiveOptions.defaults())
          .subscribe(out::add);
      out.forEach(delivery -> delivery.settlement().settle(ACK));
      broken("exclusive: \"a2\" of group a: delivered while \"a1\" of group a is out");
    }

    @Test
    void areBrokenByOneThatComesAgainAfterALaterOne() {
      Message<byte[]> first = Forgetful.message("a1");
      auditor
          .source(new Forgetful(true, List.of(first, Forgetful.message("a2"), first)))
          .receive(ReceiveOptions.defaults())
          .subscribe(delivery -> delivery.settlement().settle(ACK));
      broken("order: \"a1\" of group a: delivered again after \"a2\" of group a");
    }

    @Test
    void areInOrderToTheirEndWhenTheyAreDoneWithInOrder() {
      Delivery<byte[]> a1 = receive("a1");
      Delivery<byte[]> a2 = receive("a2");
      receive("b1").settlement().settle(ACK);
      a1.settlement().settle(ACK);
      a2.settlement().settle(ACK);
      auditor.verifyOrderPerGroup();
    }

    @Test
    void areOutOfOrderWhenALaterOneIsDoneWithOrSentFirst() {
      Delivery<byte[]> a1 = receive("a1");
      Delivery<byte[]> a2 = receive("a2");
      target.send(a2.message()).subscribe();
      target.send(a1.message()).subscribe();
      a1.settlement().settle(ACK);
      a2.settlement().settle(ACK);
      assertThatExceptionOfType(AssertionError.class)
          .isThrownBy(auditor::verifyOrderPerGroup)
          .withMessageContaining(
              "order: \"a1\" of group a: sent to shipments after \"a2\" of group a, which came"
                  + " later");
    }
  }

  private void consume(Inbound source, Outcome outcome) {
    auditor
        .source(source)
        .receive(ReceiveOptions.defaults().deadLetters(deadLetters))
        .subscribe(delivery -> delivery.settlement().settle(outcome));
  }

  /** A source that knows neither bounds nor groups nor dead letters. */
  private static final class Forgetful implements Inbound {

    private final boolean promisesExclusiveGroups;
    private final List<Message<byte[]>> messages;

    Forgetful(boolean promisesExclusiveGroups, String... texts) {
      this(promisesExclusiveGroups, List.of(texts).stream().map(Forgetful::message).toList());
    }

    Forgetful(boolean promisesExclusiveGroups, List<Message<byte[]>> messages) {
      this.promisesExclusiveGroups = promisesExclusiveGroups;
      this.messages = messages;
    }

    static Message<byte[]> message(String text) {
      return Message.of(text.getBytes(StandardCharsets.UTF_8)).withGroup(text.substring(0, 1));
    }

    @Override
    public Flux<Delivery<byte[]>> receive(ReceiveOptions options) {
      return Flux.fromIterable(messages)
          .map(
              message ->
                  new Delivery<>(
                      message,
                      new SettlementCore() {
                        @Override
                        protected void onDecided(Outcome outcome) {
                          markDurable();
                        }
                      },
                      new Origin("forgetful", message.id(), 1, Instant.EPOCH, 1)));
    }

    @Override
    public Mono<Long> depth() {
      return Mono.empty();
    }

    @Override
    public ChannelInfo info() {
      return new ChannelInfo(
          "forgetful", promisesExclusiveGroups ? Set.of(Capability.EXCLUSIVE_GROUPS) : Set.of());
    }
  }
}

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
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;

import dev.sluice.channel.Capability;
import dev.sluice.channel.NoDeadLetterTarget;
import dev.sluice.channel.Receipt;
import dev.sluice.channel.ReceiveOptions;
import dev.sluice.channel.SendFailed;
import dev.sluice.delivery.DeadLetterReason;
import dev.sluice.delivery.Delivery;
import dev.sluice.delivery.Outcome;
import dev.sluice.delivery.Outcome.Release.Why;
import dev.sluice.delivery.StaleDelivery;
import dev.sluice.message.Message;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import reactor.core.publisher.BaseSubscriber;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.test.StepVerifier;
import reactor.test.scheduler.VirtualTimeScheduler;

@Timeout(60)
@ExtendWith(LeakCheck.class)
class TestChannelTest {

  private static final Outcome ACK = Outcome.ack();
  private static final Outcome POISON = Outcome.reject(DeadLetterReason.POISON, null);

  private final VirtualTimeScheduler time = VirtualTimeScheduler.getOrSet();
  private final TestChannel channel =
      TestChannel.create("orders").groupBy(text -> text.substring(0, 1));
  private final TestChannel deadLetters = TestChannel.create("dead");

  /** A consumer that keeps what it receives until a test decides about it. */
  private static final class Keeper extends BaseSubscriber<Delivery<byte[]>> {
    final List<Delivery<byte[]>> kept = new ArrayList<>();
    @Nullable Throwable error;
    boolean completed;

    @Override
    protected void hookOnNext(Delivery<byte[]> delivery) {
      kept.add(delivery);
    }

    @Override
    protected void hookOnComplete() {
      completed = true;
    }

    @Override
    protected void hookOnError(Throwable throwable) {
      error = throwable;
    }

    List<String> texts() {
      return kept.stream().map(delivery -> TestChannel.text(delivery.message())).toList();
    }

    /** Decides about the oldest delivery of this text that is not decided. */
    void decide(String text, Outcome outcome) {
      kept.stream()
          .filter(d -> !d.settlement().isSettled() && TestChannel.text(d.message()).equals(text))
          .findFirst()
          .orElseThrow()
          .settlement()
          .settle(outcome);
    }
  }

  private Keeper receive(ReceiveOptions options) {
    Keeper keeper = new Keeper();
    channel.receive(options).subscribe(keeper);
    return keeper;
  }

  private Keeper receive() {
    return receive(ReceiveOptions.defaults().deadLetters(deadLetters));
  }

  @AfterEach
  void settleTheRest() {
    channel.deliveries().forEach(delivery -> delivery.settle(Outcome.release(Why.STOPPED)));
    VirtualTimeScheduler.reset();
  }

  @Nested
  class Deliveries {

    @Test
    void comeInTheOrderOfTheOffersWithGroupAndOrigin() {
      channel.offer("a1", "b1");
      Keeper keeper = receive();
      channel.offer("a2");

      assertThat(keeper.texts()).containsExactly("a1", "b1", "a2");
      Delivery<byte[]> first = keeper.kept.get(0);
      assertThat(first.message().group()).isEqualTo("a");
      assertThat(first.message().contentType()).startsWith("text/plain");
      assertThat(first.origin().channel()).isEqualTo("orders");
      assertThat(first.origin().attempt()).isEqualTo(1);
      assertThat(channel.waiting()).isEmpty();
      assertThat(channel.unsettled()).hasSize(3);
    }

    @Test
    void areNoMoreThanAskedForAndNoMoreThanMayBeUnsettled() {
      Keeper keeper = new Keeper();
      channel
          .receive(ReceiveOptions.defaults().maxUnsettled(2))
          .subscribe(
              new BaseSubscriber<>() {
                @Override
                protected void hookOnSubscribe(org.reactivestreams.Subscription s) {
                  s.request(1);
                }

                @Override
                protected void hookOnNext(Delivery<byte[]> delivery) {
                  keeper.kept.add(delivery);
                  request(keeper.kept.size() == 1 ? 5 : 0);
                }
              });
      channel.offer("a1", "a2", "a3");
      assertThat(keeper.texts()).containsExactly("a1", "a2");
      keeper.decide("a2", ACK);
      assertThat(keeper.texts()).containsExactly("a1", "a2", "a3");
      assertThat(channel.mostUnsettled()).isEqualTo(2);
      assertThat(channel.depth().block()).isZero();
    }

    @Test
    void ofAnExclusiveGroupComeOneAtATimeAlsoWhileOneSleeps() {
      channel.exclusiveGroups().offer("a1", "a2", "b1");
      Keeper keeper = receive();
      assertThat(keeper.texts()).containsExactly("a1", "b1");
      keeper.decide("a1", Outcome.retry(Duration.ofSeconds(1), null));
      assertThat(keeper.texts()).containsExactly("a1", "b1");
      time.advanceTimeBy(Duration.ofSeconds(1));
      assertThat(keeper.texts()).containsExactly("a1", "b1", "a1");
      keeper.decide("a1", ACK);
      assertThat(keeper.texts()).containsExactly("a1", "b1", "a1", "a2");
      assertThat(channel.info().can(Capability.EXCLUSIVE_GROUPS)).isTrue();
    }

    @Test
    void goToOneConsumerAtATime() {
      Keeper first = receive();
      Keeper second = receive();
      assertThat(second.error).hasMessage("orders: there is a consumer (expected: one)");
      first.cancel();
      Keeper third = receive();
      channel.offer("a1");
      assertThat(third.texts()).containsExactly("a1");
    }
  }

  @Nested
  class Outcomes {

    @Test
    void ackForgetsTheMessage() {
      channel.offer("a1");
      Keeper keeper = receive();
      keeper.decide("a1", ACK);
      assertThat(channel.outcomes("a1")).containsExactly(ACK);
      assertThat(channel.unsettled()).isEmpty();
      StepVerifier.create(channel.deliveries().get(0).durable()).verifyComplete();
    }

    @Test
    void releaseBringsItBackToItsPlaceUncounted() {
      channel.offer("a1", "a2");
      Keeper keeper = receive(ReceiveOptions.defaults().maxUnsettled(1));
      keeper.decide("a1", Outcome.release(Why.BUSY));
      assertThat(keeper.texts()).containsExactly("a1", "a1");
      assertThat(keeper.kept.get(1).origin().attempt()).isEqualTo(1);
      assertThat(keeper.kept.get(1).message()).isEqualTo(keeper.kept.get(0).message());
      assertThat(channel.waitingTexts()).containsExactly("a2");
    }

    @Test
    void retryBringsItBackCountedAfterItsDelay() {
      channel.offer("a1");
      Keeper keeper = receive();
      keeper.decide("a1", Outcome.retry(Duration.ofSeconds(5), null));
      assertThat(channel.waitingTexts()).containsExactly("a1");
      time.advanceTimeBy(Duration.ofMillis(4_999));
      assertThat(keeper.kept).hasSize(1);
      time.advanceTimeBy(Duration.ofMillis(1));
      assertThat(keeper.kept.get(1).origin().attempt()).isEqualTo(2);
    }

    @Test
    void rejectForgetsItWhenItsDeadLetterIsConfirmed() {
      Sinks.One<Receipt> receipt = Sinks.one();
      deadLetters.onSend((letter, accepted) -> receipt.asMono().then(accepted));
      channel.offer("a1");
      Keeper keeper = receive();
      keeper.decide("a1", POISON);
      assertThat(channel.unsettled()).hasSize(1);
      receipt.tryEmitEmpty();
      assertThat(channel.unsettled()).isEmpty();
      assertThat(deadLetters.sentTexts()).containsExactly("a1");
    }

    @Test
    void rejectWithoutATargetEndsTheConsumerAndKeepsTheMessage() {
      channel.offer("a1");
      Keeper keeper = receive(ReceiveOptions.defaults());
      keeper.decide("a1", POISON);
      assertThat(keeper.error).isInstanceOf(NoDeadLetterTarget.class);
      assertThat(channel.waitingTexts()).containsExactly("a1");
    }

    @Test
    void takeTheirTimeWhenTheyAreToldTo() {
      channel.settlesAfter(Duration.ofSeconds(3)).offer("a1");
      Keeper keeper = receive();
      keeper.decide("a1", ACK);
      assertThat(channel.unsettled()).hasSize(1);
      time.advanceTimeBy(Duration.ofSeconds(3));
      assertThat(channel.unsettled()).isEmpty();
    }

    @Test
    void areDurableLaterWhenTheyAreToldTo() {
      channel.durableAfter(Duration.ofSeconds(3)).offer("a1", "b1");
      Keeper keeper = receive();
      keeper.decide("a1", ACK);
      keeper.decide("b1", ACK);
      assertThat(channel.unsettled()).isEmpty();
      channel.deliveries().get(1).lose();
      List<String> durable = new ArrayList<>();
      keeper.kept.get(0).settlement().durable().doOnSuccess(n -> durable.add("a1")).subscribe();
      time.advanceTimeBy(Duration.ofMillis(2999));
      assertThat(durable).isEmpty();
      time.advanceTimeBy(Duration.ofMillis(1));
      assertThat(durable).containsExactly("a1");
      StepVerifier.create(keeper.kept.get(1).settlement().durable())
          .verifyError(StaleDelivery.class);
    }
  }

  @Nested
  class Loss {

    @Test
    void takesWhatIsOutAndOpensANewEpoch() {
      channel.offer("a1", "b1");
      Keeper keeper = receive();
      assertThat(channel.lose(delivery -> delivery.text().equals("a1"))).isEqualTo(1);
      keeper.decide("a1", ACK);

      assertThat(channel.unsettled()).singleElement().hasToString("orders 1 b1");
      StepVerifier.create(keeper.kept.get(0).settlement().lost()).verifyComplete();
      StepVerifier.create(keeper.kept.get(0).settlement().durable())
          .verifyError(StaleDelivery.class);
      assertThat(channel.waiting()).isEmpty();
      channel.offer("c1");
      assertThat(keeper.kept.get(2).origin().epoch()).isEqualTo(2);
    }

    @Test
    void stopsAnEffectThatIsUnderWay() {
      channel.settlesAfter(Duration.ofSeconds(3)).offer("a1");
      Keeper keeper = receive();
      keeper.decide("a1", Outcome.retry(Duration.ZERO, null));
      channel.lose(delivery -> true);
      time.advanceTimeBy(Duration.ofSeconds(3));
      assertThat(channel.waiting()).isEmpty();
      assertThat(keeper.kept).hasSize(1);
    }

    @Test
    void comesTooLateForWhatIsDurable() {
      channel.offer("a1");
      receive().decide("a1", ACK);
      TestDelivery delivery = channel.deliveries().get(0);
      delivery.lose();
      assertThat(delivery.isLost()).isFalse();
    }
  }

  @Nested
  class End {

    private Keeper stopping(Sinks.One<Duration> stop) {
      return receive(ReceiveOptions.defaults().deadLetters(deadLetters).stop(stop.asMono()));
    }

    @Test
    void ofAStopComesWhenEverythingIsSettled() {
      Sinks.One<Duration> stop = Sinks.one();
      channel.offer("a1");
      Keeper keeper = stopping(stop);
      stop.tryEmitValue(Duration.ofMinutes(1));
      channel.offer("a2");
      assertThat(keeper.completed).isFalse();
      keeper.decide("a1", ACK);
      assertThat(keeper.completed).isTrue();
      assertThat(keeper.texts()).containsExactly("a1");
      assertThat(channel.waitingTexts()).containsExactly("a2");
    }

    @Test
    void ofAStopComesWhenItsTimeIsOverAndTheRestIsGivenBack() {
      Sinks.One<Duration> stop = Sinks.one();
      channel.offer("a1");
      Keeper keeper = stopping(stop);
      stop.tryEmitValue(Duration.ofMinutes(1));
      time.advanceTimeBy(Duration.ofMinutes(1));
      assertThat(keeper.completed).isTrue();
      assertThat(channel.outcomes("a1")).containsExactly(Outcome.release(Why.STOPPED));
      assertThat(channel.waitingTexts()).containsExactly("a1");
    }

    @Test
    void ofAStopWaitsTenSecondsForADeadLetterThatHangs() {
      Sinks.One<Duration> stop = Sinks.one();
      deadLetters.onSend((letter, accepted) -> Mono.never());
      channel.offer("a1");
      Keeper keeper = stopping(stop);
      keeper.decide("a1", POISON);
      stop.tryEmitValue(Duration.ZERO);
      time.advanceTimeBy(Duration.ofMillis(9_999));
      assertThat(keeper.completed).isFalse();
      time.advanceTimeBy(Duration.ofMillis(1));
      assertThat(keeper.completed).isTrue();
      assertThat(channel.waitingTexts()).containsExactly("a1");
    }

    @Test
    void byCancelGivesBackAtOnce() {
      channel.offer("a1");
      receive().cancel();
      assertThat(channel.isCancelled()).isTrue();
      assertThat(channel.outcomes("a1")).containsExactly(Outcome.release(Why.CANCELLED));
      assertThat(channel.waitingTexts()).containsExactly("a1");
    }

    @Test
    void byAFailureGivesBackAtOnce() {
      channel.offer("a1");
      Keeper keeper = receive();
      channel.fail(new IllegalStateException("connection lost"));
      assertThat(keeper.error).hasMessage("connection lost");
      assertThat(channel.waitingTexts()).containsExactly("a1");
    }

    @Test
    void isALossOfNothing() {
      channel.fail(new IllegalStateException("nobody is there"));
      channel.offer("a1");
      assertThat(receive().texts()).containsExactly("a1");
    }
  }

  @Nested
  class Sends {

    private final Message<byte[]> message =
        Message.of("a1".getBytes(StandardCharsets.UTF_8)).withGroup("a");

    @Test
    void areAcceptedAndWaitInTheChannel() {
      StepVerifier.create(channel.send(message))
          .expectNext(new Receipt("orders", message.id(), "0"))
          .verifyComplete();
      assertThat(channel.sentTexts()).containsExactly("a1");
      assertThat(receive().texts()).containsExactly("a1");
    }

    @Test
    void doWhatTheScriptSays() {
      SendFailed lost = SendFailed.unknown("orders", "no answer", null);
      channel.onSend((m, accepted) -> accepted.then(Mono.error(lost)));
      StepVerifier.create(channel.send(message)).verifyErrorMatches(e -> e == lost);
      channel.onSend((m, accepted) -> Mono.never());
      channel.send(message).subscribe().dispose();
      assertThat(channel.attempted()).hasSize(2);
      assertThat(channel.sent()).hasSize(1);
    }

    @Test
    void haveNoEffectBeforeTheyAreSubscribedTo() {
      channel.send(message);
      assertThat(channel.attempted()).isEmpty();
      assertThat(channel.waiting()).isEmpty();
    }
  }

  @Test
  void refusesWhatCannotBe() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> TestChannel.create(" "))
        .withMessage("name: \" \" (expected: not blank)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> channel.settlesAfter(Duration.ofSeconds(-1)))
        .withMessage("delay: PT-1S (expected: >= PT0S)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> channel.offer(Message.of(new byte[0]), 0))
        .withMessage("attempt: 0 (expected: >= 1)");
    assertThatNullPointerException().isThrownBy(() -> channel.onSend(null)).withMessage("script");
    assertThatNullPointerException().isThrownBy(() -> channel.groupBy(null)).withMessage("group");
    assertThatNullPointerException().isThrownBy(() -> channel.fail(null)).withMessage("error");
  }
}

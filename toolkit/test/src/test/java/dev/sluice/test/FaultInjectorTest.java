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
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import dev.sluice.channel.ChannelInfo;
import dev.sluice.channel.Inbound;
import dev.sluice.channel.Receipt;
import dev.sluice.channel.ReceiveOptions;
import dev.sluice.channel.SendFailed;
import dev.sluice.channel.SendFailed.Certainty;
import dev.sluice.delivery.DeadLetterReason;
import dev.sluice.delivery.Delivery;
import dev.sluice.delivery.Outcome;
import dev.sluice.delivery.Settlement;
import dev.sluice.delivery.StaleDelivery;
import dev.sluice.message.Message;
import dev.sluice.test.FaultInjector.Fault;
import dev.sluice.test.FaultInjector.InjectedFailure;
import dev.sluice.test.FaultInjector.Interaction;
import dev.sluice.test.FaultInjector.Kind;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.publisher.BaseSubscriber;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Operators;
import reactor.test.StepVerifier;

@ExtendWith(LeakCheck.class)
class FaultInjectorTest {

  private static final Outcome ACK = Outcome.ack();
  private static final Duration NOW = Duration.ZERO;

  private final TestChannel source = TestChannel.create("source");
  private final TestChannel target = TestChannel.create("target");
  private FaultInjector injector = FaultInjector.none();
  private final Consumer consumer = new Consumer();

  /** Asks for what a test says, and keeps what it gets. */
  private static final class Consumer extends BaseSubscriber<Delivery<byte[]>> {

    final List<Delivery<byte[]>> taken = new ArrayList<>();
    boolean completed;
    Throwable error;

    @Override
    protected void hookOnSubscribe(Subscription subscription) {
      // demand comes from the test
    }

    @Override
    protected void hookOnNext(Delivery<byte[]> delivery) {
      taken.add(delivery);
    }

    @Override
    protected void hookOnComplete() {
      completed = true;
    }

    @Override
    protected void hookOnError(Throwable throwable) {
      error = throwable;
    }

    Settlement settlement(int i) {
      return taken.get(i).settlement();
    }
  }

  @AfterEach
  void letGo() {
    consumer.cancel();
    injector.kill();
    injector.bury();
  }

  private void at(Kind kind, int number, Fault fault) {
    injector = FaultInjector.at(new Interaction(kind, number), fault);
  }

  private void receive() {
    receive(ReceiveOptions.defaults());
  }

  private void receive(ReceiveOptions options) {
    injector.inbound(source).receive(options).subscribe(consumer);
  }

  private static Message<byte[]> message(String text) {
    return Message.of(text.getBytes(StandardCharsets.UTF_8));
  }

  @Nested
  class Counting {

    @Test
    void numbersEachKindByItselfInTheOrderOfWhatHappens() {
      source.offer("a", "b");
      receive(ReceiveOptions.defaults().deadLetters(target));
      consumer.request(2);
      injector.inbound(source).depth().block();
      injector.outbound(target).send(message("c")).block();
      consumer.settlement(1).settle(Outcome.reject(DeadLetterReason.POISON, null));
      consumer.settlement(0).settle(ACK);
      consumer.settlement(0).durable().block();

      assertThat(injector.interactions())
          .extracting(Interaction::toString)
          .containsExactly(
              "RECEIVE 1",
              "REQUEST 1",
              "DELIVER 1",
              "DELIVER 2",
              "DEPTH 1",
              "SEND 1",
              "SETTLE 1",
              "DEAD_LETTER 1",
              "SETTLE 2",
              "DURABLE 1");
      assertThat(target.sentTexts()).containsExactly("c", "b");
      assertThat(source.outcomes("a")).containsExactly(ACK);
    }

    @Test
    void changesNothing() {
      injector.channel(target).send(message("a")).block();
      assertThat(target.sentTexts()).containsExactly("a");
      assertThat(injector.channel(target).name()).isEqualTo("target");
      assertThat(injector.channel(target).info()).isEqualTo(target.info());
      StepVerifier.create(injector.struck()).expectSubscription().expectNoEvent(NOW).thenCancel();
    }

    @Test
    void beginsAtOne() {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> FaultInjector.at(0, Fault.FAIL_AFTER))
          .withMessage("k: 0 (expected: >= 1)");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> new Interaction(Kind.SEND, 0))
          .withMessage("number: 0 (expected: >= 1)");
    }

    @Test
    void canBeOverAllKinds() {
      injector = FaultInjector.at(3, Fault.FAIL_BEFORE);
      source.offer("a");
      receive();
      consumer.request(1);
      StepVerifier.create(injector.struck())
          .expectNext(new Interaction(Kind.DELIVER, 1))
          .verifyComplete();
      assertThat(consumer.error).isInstanceOf(InjectedFailure.class);
    }
  }

  @Nested
  class Sends {

    @Test
    void thatFailBeforeAreCertainlyNotSent() {
      at(Kind.SEND, 1, Fault.FAIL_BEFORE);
      assertThat(fails(Certainty.NOT_SENT)).hasRootCauseMessage("SEND 1: FAIL_BEFORE");
      assertThat(target.sent()).isEmpty();
      assertThat(injector.outbound(target).send(message("b")).block()).isNotNull(); // only once
    }

    @Test
    void thatFailAfterAreSentAndUnknown() {
      at(Kind.SEND, 1, Fault.FAIL_AFTER);
      fails(Certainty.UNKNOWN);
      assertThat(target.sentTexts()).containsExactly("a");
    }

    @Test
    void withoutAnAnswerAreSent() {
      at(Kind.SEND, 1, Fault.NO_ANSWER);
      assertThat(answered()).hasValue(0);
      assertThat(target.sentTexts()).containsExactly("a");
      assertThat(injector.isDead()).isFalse();
    }

    @Test
    void thatKillBeforeAreNotSent() {
      at(Kind.SEND, 1, Fault.KILL_BEFORE);
      assertThat(answered()).hasValue(0);
      assertThat(target.sent()).isEmpty();
      assertThat(injector.isDead()).isTrue();
    }

    @Test
    void thatKillAfterAreSent() {
      at(Kind.SEND, 1, Fault.KILL_AFTER);
      assertThat(answered()).hasValue(0);
      assertThat(target.sentTexts()).containsExactly("a");
      assertThat(injector.isDead()).isTrue();
    }

    @Test
    void onTheirWayWhenTheProcessDiesArriveWithoutAnAnswer() {
      target.onSend((message, accepted) -> accepted.delaySubscription(injector.struck().then()));
      at(Kind.SEND, 2, Fault.KILL_BEFORE);
      AtomicInteger answers = answered();
      injector.outbound(target).send(message("b")).subscribe(r -> answers.incrementAndGet());
      assertThat(target.sentTexts()).containsExactly("a");
      assertThat(answers).hasValue(0);
    }

    private SendFailed fails(Certainty certainty) {
      List<Throwable> errors = new ArrayList<>();
      injector.outbound(target).send(message("a")).subscribe(receipt -> {}, errors::add);
      assertThat(errors).hasSize(1);
      SendFailed failure = (SendFailed) errors.get(0);
      assertThat(failure.certainty()).isEqualTo(certainty);
      return failure;
    }

    private AtomicInteger answered() {
      AtomicInteger answers = new AtomicInteger();
      Mono<Receipt> send = injector.outbound(target).send(message("a"));
      send.subscribe(
          receipt -> answers.incrementAndGet(),
          error -> answers.incrementAndGet(),
          answers::incrementAndGet);
      return answers;
    }
  }

  @Nested
  class Subscriptions {

    @Test
    void thatFailBeforeDoNotReachTheChannel() {
      at(Kind.RECEIVE, 1, Fault.FAIL_BEFORE);
      receive();
      assertThat(consumer.error).hasMessage("RECEIVE 1: FAIL_BEFORE");
      assertThat(source.options()).isNull();
    }

    @Test
    void thatFailAfterAreCancelled() {
      at(Kind.RECEIVE, 1, Fault.FAIL_AFTER);
      receive();
      assertThat(consumer.error).hasMessage("RECEIVE 1: FAIL_AFTER");
      assertThat(source.isCancelled()).isTrue();
    }

    @ParameterizedTest
    @EnumSource(
        value = Fault.class,
        names = {"KILL_BEFORE", "KILL_AFTER", "NO_ANSWER"})
    void thatAreNotAnsweredAreSilent(Fault fault) {
      source.offer("a");
      at(Kind.RECEIVE, 1, fault);
      receive();
      consumer.request(1);
      assertThat(consumer.taken).isEmpty();
      assertThat(consumer.error).isNull();
      assertThat(source.options() == null).isEqualTo(fault == Fault.KILL_BEFORE);
      assertThat(source.deliveries()).isEmpty();
    }
  }

  @Nested
  class Requests {

    @ParameterizedTest
    @EnumSource
    void goWrong(Fault fault) {
      source.offer("a");
      at(Kind.REQUEST, 1, fault);
      receive();
      consumer.request(1);
      boolean arrives = fault == Fault.FAIL_AFTER || fault == Fault.KILL_AFTER;
      boolean fails = fault == Fault.FAIL_BEFORE || fault == Fault.FAIL_AFTER;
      assertThat(source.deliveries()).hasSize(arrives ? 1 : 0);
      assertThat(consumer.taken).hasSize(fault == Fault.FAIL_AFTER ? 1 : 0);
      assertThat(consumer.error != null).isEqualTo(fails);
      assertThat(source.isCancelled()).isEqualTo(fails);
    }
  }

  @Nested
  class Deliveries {

    @ParameterizedTest
    @EnumSource
    void goWrong(Fault fault) {
      source.offer("a", "b", "c");
      at(Kind.DELIVER, 2, fault);
      receive();
      consumer.request(3);
      assertThat(consumer.taken)
          .extracting(delivery -> TestChannel.text(delivery.message()))
          .containsExactlyElementsOf(
              switch (fault) {
                case FAIL_BEFORE, KILL_BEFORE -> List.of("a");
                case FAIL_AFTER, KILL_AFTER -> List.of("a", "b");
                case NO_ANSWER -> List.of("a", "c");
              });
      boolean fails = fault == Fault.FAIL_BEFORE || fault == Fault.FAIL_AFTER;
      assertThat(consumer.error != null).isEqualTo(fails);
      assertThat(source.isCancelled()).isEqualTo(fails);
    }

    @Test
    void thatDoNotArriveAreLetGoOfWhenTheirSourceTakesThemBack() {
      source.offer("a");
      at(Kind.DELIVER, 1, Fault.NO_ANSWER);
      receive();
      consumer.request(1);
      assertThat(consumer.taken).isEmpty();
      Settlement swallowed = source.deliveries().get(0);
      assertThat(swallowed.isSettled()).isFalse();
      source.lose(delivery -> true);
      assertThat(swallowed.isSettled()).isTrue();
    }
  }

  @Nested
  class Decisions {

    private final AtomicInteger done = new AtomicInteger();

    private Settlement settle(Fault fault) {
      source.offer("a");
      at(Kind.SETTLE, 1, fault);
      receive();
      consumer.request(1);
      Settlement settlement = consumer.settlement(0);
      settlement.onDone(outcome -> done.incrementAndGet());
      assertThat(settlement.settle(ACK)).isTrue();
      return settlement;
    }

    @Test
    void thatFailBeforeAreLostAndTheMessageComesAgain() {
      Settlement settlement = settle(Fault.FAIL_BEFORE);
      assertThat(settlement.isLost()).isTrue();
      assertThat(done).hasValue(1);
      StepVerifier.create(settlement.durable()).verifyError(StaleDelivery.class);
      StepVerifier.create(settlement.lost()).verifyComplete();
      consumer.request(1);
      assertThat(consumer.taken).hasSize(2);
      assertThat(consumer.taken.get(1).origin().attempt()).isEqualTo(1);
    }

    @Test
    void thatFailAfterTakeEffectAndLookLost() {
      Settlement settlement = settle(Fault.FAIL_AFTER);
      assertThat(source.outcomes("a")).containsExactly(ACK);
      assertThat(settlement.isLost()).isTrue();
      StepVerifier.create(settlement.durable()).verifyError(StaleDelivery.class);
    }

    @Test
    void withoutAnAnswerTakeEffectAndAreNeverDone() {
      Settlement settlement = settle(Fault.NO_ANSWER);
      assertThat(source.outcomes("a")).containsExactly(ACK);
      assertThat(done).hasValue(0);
      assertThat(settlement.isLost()).isFalse();
      StepVerifier.create(settlement.durable())
          .expectSubscription()
          .expectNoEvent(Duration.ofMillis(50))
          .thenCancel()
          .verify();
    }

    @Test
    void thatKillBeforeHaveNoEffect() {
      settle(Fault.KILL_BEFORE);
      assertThat(source.unsettled()).hasSize(1);
      assertThat(done).hasValue(0);
      assertThat(injector.isDead()).isTrue();
    }

    @Test
    void thatKillAfterTakeEffectForNobody() {
      settle(Fault.KILL_AFTER);
      assertThat(source.outcomes("a")).containsExactly(ACK);
      assertThat(done).hasValue(0);
      assertThat(injector.isDead()).isTrue();
    }

    @Test
    void thatGoWellAreDoneAndDurableAsTheChannelSays() {
      source.settlesAfter(Duration.ofMillis(30));
      source.offer("a");
      receive();
      consumer.request(1);
      Settlement settlement = consumer.settlement(0);
      settlement.onDone(outcome -> done.incrementAndGet());
      settlement.settle(ACK);
      assertThat(done).hasValue(0);
      StepVerifier.create(settlement.durable()).expectComplete().verify(Duration.ofSeconds(20));
      assertThat(done).hasValue(1);
    }

    @Test
    void hearOfALoss() {
      source.offer("a");
      receive();
      consumer.request(1);
      source.lose(delivery -> true);
      assertThat(consumer.settlement(0).isLost()).isTrue();
      assertThat(consumer.settlement(0).settle(ACK)).isTrue();
      StepVerifier.create(consumer.settlement(0).durable()).verifyError(StaleDelivery.class);
    }
  }

  @Nested
  class Durability {

    @Test
    void goesWrongWithoutTouchingTheDecision() {
      for (Fault fault : Fault.values()) {
        FaultInjector faulty = FaultInjector.at(new Interaction(Kind.DURABLE, 1), fault);
        TestChannel channel = TestChannel.create("channel");
        channel.offer("a");
        List<Settlement> taken = new ArrayList<>();
        faulty
            .inbound(channel)
            .receive(ReceiveOptions.defaults())
            .subscribe(delivery -> taken.add(delivery.settlement()));
        taken.get(0).settle(ACK);
        List<Object> signals = new ArrayList<>();
        taken.get(0).durable().subscribe(v -> {}, signals::add, () -> signals.add("durable"));
        assertThat(channel.outcomes("a")).containsExactly(ACK);
        if (fault == Fault.FAIL_BEFORE || fault == Fault.FAIL_AFTER) {
          assertThat(signals).singleElement().isInstanceOf(StaleDelivery.class);
        } else {
          assertThat(signals).isEmpty();
        }
      }
    }
  }

  @Nested
  class DeadLetters {

    @Test
    void areTriedAgainByTheChannelWhenTheyFail() {
      at(Kind.DEAD_LETTER, 1, Fault.FAIL_BEFORE);
      source.offer("a");
      receive(ReceiveOptions.defaults().deadLetters(target));
      consumer.request(1);
      Settlement settlement = consumer.settlement(0);
      settlement.settle(Outcome.reject(DeadLetterReason.POISON, null));
      StepVerifier.create(settlement.durable()).expectComplete().verify(Duration.ofSeconds(20));
      assertThat(target.sentTexts()).containsExactly("a");
      assertThat(injector.interactions()).contains(new Interaction(Kind.DEAD_LETTER, 2));
    }
  }

  @Nested
  class Death {

    @Test
    void silencesEverythingInBothDirections() {
      source.offer("a", "b");
      receive();
      consumer.request(1);
      Settlement held = consumer.settlement(0);
      injector.kill();

      consumer.request(5);
      held.settle(ACK);
      consumer.cancel();
      List<Object> signals = new ArrayList<>();
      injector.outbound(target).send(message("x")).subscribe(signals::add, signals::add);
      injector.inbound(source).depth().subscribe(signals::add, signals::add);
      injector
          .inbound(source)
          .receive(ReceiveOptions.defaults())
          .subscribe(signals::add, signals::add);
      source.fail(new IllegalStateException("source"));

      assertThat(signals).isEmpty();
      assertThat(consumer.taken).hasSize(1);
      assertThat(consumer.error).isNull();
      assertThat(source.deliveries()).hasSize(1);
      assertThat(target.sent()).isEmpty();
    }

    @Test
    void leavesRemainsThatAreBuriedWhenTheTimeHasCome() {
      source.offer("a");
      receive();
      consumer.request(1);
      assertThatIllegalStateException()
          .isThrownBy(injector::bury)
          .withMessage("alive (expected: killed)");
      injector.kill();
      assertThat(source.unsettled()).hasSize(1);
      assertThat(source.isCancelled()).isFalse();
      injector.bury();
      assertThat(source.unsettled()).isEmpty();
      assertThat(source.isCancelled()).isTrue();
    }

    @Test
    void letsGoOfWhatAThreadOfTheChannelBringsAfterTheBurial() {
      AtomicReference<CoreSubscriber<? super Delivery<byte[]>>> late = new AtomicReference<>();
      Inbound busy =
          new Inbound() {
            @Override
            public Flux<Delivery<byte[]>> receive(ReceiveOptions options) {
              return Flux.from(
                  subscriber -> {
                    late.set(Operators.toCoreSubscriber(subscriber));
                    subscriber.onSubscribe(Operators.emptySubscription());
                  });
            }

            @Override
            public Mono<Long> depth() {
              return source.depth();
            }

            @Override
            public ChannelInfo info() {
              return source.info();
            }
          };
      injector.inbound(busy).receive(ReceiveOptions.defaults()).subscribe(consumer);
      injector.kill();
      injector.bury();
      source.offer("a");
      source.receive(ReceiveOptions.defaults()).take(1).subscribe(late.get()::onNext);
      assertThat(source.deliveries()).hasSize(1);
      assertThat(source.unsettled()).isEmpty();
      assertThat(consumer.taken).isEmpty();
    }
  }
}

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
import static org.assertj.core.api.Assertions.assertThatNullPointerException;

import dev.sluice.channel.FlowHandle;
import dev.sluice.channel.FlowHandle.State;
import dev.sluice.channel.NoDeadLetterTarget;
import dev.sluice.channel.Receipt;
import dev.sluice.channel.SendFailed;
import dev.sluice.codec.StringCodec;
import dev.sluice.convoy.ConvoyListener;
import dev.sluice.convoy.ConvoySpec;
import dev.sluice.convoy.GroupVerdict;
import dev.sluice.delivery.DeadLetterReason;
import dev.sluice.delivery.ErrorClassifier.Kind;
import dev.sluice.delivery.Outcome;
import dev.sluice.delivery.Outcome.Release.Why;
import dev.sluice.delivery.StaleDelivery;
import dev.sluice.dispatch.LaneGauges;
import dev.sluice.message.Message;
import dev.sluice.test.TestChannel;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.test.StepVerifier;

/** What a flow does with deliveries: every verb, every outcome, the contract, stop and failure. */
class FlowTest extends FlowFixture {

  private final AtomicReference<LaneGauges> gauges = new AtomicReference<>();

  private <T> UnaryOperator<ConvoySpec<Message<T>>> convoy(
      UnaryOperator<ConvoySpec<Message<T>>> more) {
    return c ->
        more.apply(
            c.concurrency(2)
                .lookAhead(16)
                .timer(time)
                .listener(
                    new ConvoyListener<>() {
                      @Override
                      public void subscribed(LaneGauges lanes) {
                        gauges.set(lanes);
                      }
                    }));
  }

  private void assertDeadLetter(String payload, DeadLetterReason reason) {
    assertThat(deadLetters.sent())
        .singleElement()
        .satisfies(
            letter -> {
              assertThat(text(letter)).isEqualTo(payload);
              assertThat(letter.headers().get("sl-dl-reason")).isEqualTo(reason.name());
            });
  }

  @Nested
  class Decode {

    @Test
    void givesThePayload() {
      FlowHandle handle = flow().to(target).start();
      source.offer("a1");
      assertThat(shipments.sentTexts()).containsExactly("a1");
      assertThat(source.outcomes("a1")).containsExactly(ACK);
      assertSettled(handle);
    }

    @Test
    void sendsWhatIsUnreadableToTheDeadLettersWithItsBytes() {
      byte[] bytes = {(byte) 0xff, 1};
      FlowHandle handle = flow().to(target).start();
      source.offer(Message.of(bytes));
      assertThat(deadLetters.sent())
          .singleElement()
          .satisfies(
              letter -> {
                assertThat(letter.payload()).isEqualTo(bytes);
                assertThat(letter.headers().get("sl-dl-reason")).isEqualTo("UNREADABLE");
              });
      assertThat(shipments.attempted()).isEmpty();
      assertSettled(handle);
      assertThat(handle.stats().rejected()).isEqualTo(1);
    }

    @Test
    void ofWhatAreNoBytesIsPoison() {
      flow().map(String::length).decode(StringCodec.utf8()).to(target).start();
      source.offer("a1");
      assertDeadLetter("a1", DeadLetterReason.POISON);
      assertThat(deadLetters.sent().get(0).headers().get("sl-dl-error"))
          .contains("payload: java.lang.Integer (expected: byte[] to decode)");
    }
  }

  @Nested
  class MapVerb {

    @Test
    void changesThePayloadAndNothingElse() {
      Message<byte[]> message = message("a1").withHeader("trace", "t").withPriority(9);
      flow().map(text -> text.toUpperCase(Locale.ROOT)).to(target).start();
      source.offer(message);
      assertThat(shipments.sent())
          .singleElement()
          .isEqualTo(
              message.withPayload(
                  "A1".getBytes(StandardCharsets.UTF_8), StringCodec.utf8().contentType()));
    }

    @Test
    void retriesWhatMayPassAndCountsIt() {
      AtomicInteger runs = new AtomicInteger();
      FlowHandle handle =
          flow()
              .<String>map(
                  text -> {
                    if (runs.incrementAndGet() < 3) {
                      throw new java.io.UncheckedIOException(new java.io.IOException());
                    }
                    return text;
                  })
              .to(target)
              .start();
      source.offer("a1");
      time.advanceTimeBy(Duration.ofMillis(999));
      assertThat(runs).hasValue(1);
      time.advanceTimeBy(Duration.ofMillis(1));
      assertThat(runs).hasValue(2);
      time.advanceTimeBy(Duration.ofSeconds(2)); // twice as long
      assertThat(runs).hasValue(3);
      assertThat(shipments.sentTexts()).containsExactly("a1");
      assertThat(handle.stats().retried()).isEqualTo(2);
      assertThat(handle.stats().acknowledged()).isEqualTo(1);
      assertSettled(handle);
    }

    @Test
    void rejectsWhenNoAttemptIsLeft() {
      flow()
          .map(
              text -> {
                throw new IllegalStateException("never");
              })
          .start();
      source.offer("a1");
      time.advanceTimeBy(Duration.ofMinutes(1));
      assertThat(source.outcomes("a1")).hasSize(3);
      assertDeadLetter("a1", DeadLetterReason.ATTEMPTS_EXHAUSTED);
    }

    @Test
    void rejectsPoisonAtOnceAndGoesOn() {
      flow().map(text -> 6 / (text.charAt(1) - '1')).start();
      source.offer("a1", "a2");
      assertDeadLetter("a1", DeadLetterReason.POISON);
      assertThat(source.outcomes("a2")).containsExactly(ACK);
    }

    @Test
    void rejectsANull() {
      flow().map(text -> (String) null).start();
      source.offer("a1");
      assertDeadLetter("a1", DeadLetterReason.POISON);
      assertThat(deadLetters.sent().get(0).headers().get("sl-dl-error"))
          .contains("the function gave null");
    }
  }

  @Nested
  class Filter {

    @Test
    void acknowledgesWhatItDoesNotLetThrough() {
      FlowHandle handle = flow().filter(text -> text.startsWith("a")).to(target).start();
      source.offer("a1", "b1", "a2");
      assertThat(shipments.sentTexts()).containsExactly("a1", "a2");
      assertThat(source.outcomes("b1")).containsExactly(Outcome.filtered());
      assertThat(handle.stats().acknowledged()).isEqualTo(3);
      assertSettled(handle);
    }

    @Test
    void settlesAnExceptionByThePolicy() {
      flow()
          .filter(
              text -> {
                throw new IllegalArgumentException("no");
              })
          .start();
      source.offer("a1");
      assertDeadLetter("a1", DeadLetterReason.POISON);
    }
  }

  @Nested
  class Convoy {

    private final Map<String, Sinks.One<String>> workers = new HashMap<>();
    private final List<String> started = new ArrayList<>();

    private Mono<String> work(String payload) {
      started.add(payload);
      Sinks.One<String> worker = Sinks.one();
      workers.put(payload, worker);
      return worker.asMono();
    }

    @Test
    void worksInTheOrderOfEachGroup() {
      FlowHandle handle =
          flow().groupedConvoy(Message::group, this::work, convoy(c -> c)).to(target).start();
      source.offer("a1", "a2", "b1");
      assertThat(started).containsExactly("a1", "b1");
      workers.get("a1").tryEmitValue("A1");
      assertThat(started).containsExactly("a1", "b1", "a2");
      workers.get("a2").tryEmitValue("A2");
      workers.get("b1").tryEmitEmpty();
      assertThat(shipments.sentTexts()).containsExactly("A1", "A2");
      assertThat(handle.stats().acknowledged()).isEqualTo(3);
      assertSettled(handle);
    }

    @Test
    void retriesInPlaceAndTheSourceNeverSeesIt() {
      FlowHandle handle =
          flow().groupedConvoy(Message::group, this::work, convoy(c -> c)).to(target).start();
      source.offer("a1", "a2");
      workers.get("a1").tryEmitError(new TimeoutException());
      time.advanceTimeBy(Duration.ofSeconds(1));
      workers.get("a1").tryEmitValue("A1");
      workers.get("a2").tryEmitValue("A2");
      assertThat(shipments.sentTexts()).containsExactly("A1", "A2");
      assertThat(handle.stats().retried()).isZero();
      assertThat(source.deliveries()).hasSize(2);
      assertSettled(handle);
    }

    @Test
    void keepsTheOrderWhenTheSendFailsAndIsRetried() {
      AtomicInteger sends = new AtomicInteger();
      shipments.onSend(
          (message, accepted) ->
              text(message).equals("a1") && sends.incrementAndGet() < 3
                  ? Mono.error(SendFailed.notSent("shipments", "busy", null))
                  : accepted);
      FlowHandle handle =
          flow().groupedConvoy(Message::group, Mono::just, convoy(c -> c)).to(target).start();
      source.offer("a1", "a2", "b1");
      assertThat(shipments.sentTexts()).containsExactly("b1");
      time.advanceTimeBy(Duration.ofSeconds(1));
      assertThat(shipments.sentTexts()).containsExactly("b1"); // the second attempt failed too
      time.advanceTimeBy(Duration.ofMillis(1_999)); // and its wait is twice as long
      assertThat(shipments.sentTexts()).containsExactly("b1");
      time.advanceTimeBy(Duration.ofMillis(1));
      assertThat(shipments.sentTexts()).containsExactly("b1", "a1", "a2");
      assertThat(source.deliveries()).hasSize(3);
      assertSettled(handle);
    }

    @Test
    void deadLettersAMessageWhoseSendsFailForGoodAndGoesOnWithItsGroup() {
      shipments.onSend(
          (message, accepted) ->
              text(message).equals("a1")
                  ? Mono.error(SendFailed.unknown("shipments", "no answer", null))
                  : accepted);
      FlowHandle handle =
          flow().groupedConvoy(Message::group, Mono::just, convoy(c -> c)).to(target).start();
      source.offer("a1", "a2");
      time.advanceTimeBy(Duration.ofSeconds(3));
      assertDeadLetter("a1", DeadLetterReason.ATTEMPTS_EXHAUSTED);
      assertThat(shipments.attempted()).hasSize(4);
      assertThat(shipments.sentTexts()).containsExactly("a2");
      assertSettled(handle);
    }

    @Test
    void sendsTheGroupOnlyOnWhenItsDeadLetterIsConfirmed() {
      Sinks.One<Receipt> confirmation = Sinks.one();
      deadLetters.onSend((letter, accepted) -> confirmation.asMono());
      flow().groupedConvoy(Message::group, this::work, convoy(c -> c)).start();
      source.offer("a1", "a2");
      workers.get("a1").tryEmitError(new IllegalArgumentException("poison"));
      assertThat(started).containsExactly("a1");
      confirmation.tryEmitValue(new Receipt("dead", "1", "0"));
      assertThat(started).containsExactly("a1", "a2");
    }

    @Test
    void acknowledgesAMessageWhenAllThatFollowsFromItIsSent() {
      List<Sinks.One<Receipt>> receipts = new ArrayList<>();
      shipments.onSend(
          (message, accepted) -> {
            Sinks.One<Receipt> receipt = Sinks.one();
            receipts.add(receipt);
            return receipt.asMono();
          });
      FlowHandle handle =
          flow()
              .groupedConvoy(Message::group, p -> Flux.just(p, p).hide(), convoy(c -> c))
              .to(target)
              .start();
      source.offer("a1", "a2");
      assertThat(receipts).hasSize(2);
      receipts.get(1).tryEmitValue(new Receipt("shipments", "2", "0"));
      assertThat(handle.stats().unsettled()).isEqualTo(2);
      receipts.get(0).tryEmitValue(new Receipt("shipments", "1", "0"));
      assertThat(source.outcomes("a1")).containsExactly(ACK);
      assertThat(receipts).hasSize(4); // and now the next of the group
      assertThat(shipments.attempted().stream().map(Message::id)).doesNotHaveDuplicates();
    }

    @Test
    void skipsWhatItIsToldToSkip() {
      FlowHandle handle =
          flow()
              .groupedConvoy(
                  Message::group,
                  p -> Mono.<String>error(new IllegalArgumentException("bad")),
                  convoy(c -> c.onFailure(f -> f.then(GroupVerdict.SKIP))))
              .to(target)
              .start();
      source.offer("a1", "a2");
      assertThat(handle.stats().acknowledged()).isEqualTo(2);
      assertThat(deadLetters.sent()).isEmpty();
    }

    @Test
    void failsTheFlowWhenItIsToldTo() {
      FlowHandle handle =
          flow()
              .groupedConvoy(
                  Message::group,
                  this::work,
                  convoy(c -> c.onFailure(f -> f.then(GroupVerdict.FAIL_FLOW))))
              .to(target)
              .start();
      source.offer("a1", "a2", "b1", "c1");
      workers.get("b1").tryEmitError(new IllegalArgumentException("bad"));
      assertThat(handle.stats().state()).isEqualTo(State.FAILED);
      assertThat(handle.stats().failure()).hasMessage("bad");
      assertThat(source.isCancelled()).isTrue();
      assertThat(source.waitingTexts()).containsExactly("a1", "a2", "b1", "c1");
      assertThat(handle.stats().released()).isEqualTo(4);
      assertSettled(handle);
    }

    @Test
    void takesThePolicyOfTheFlowWhereverItStands() {
      Flow.from(source)
          .decode(StringCodec.utf8())
          .groupedConvoy(
              Message::group, p -> Mono.<String>error(new TimeoutException()), convoy(c -> c))
          .deadLetter(deadLetters)
          .onError(policy.retries(0))
          .start();
      source.offer("a1");
      assertDeadLetter("a1", DeadLetterReason.ATTEMPTS_EXHAUSTED);
    }

    @Test
    void mayFollowAnother() {
      List<String> order = new ArrayList<>();
      AtomicInteger failures = new AtomicInteger(2);
      FlowHandle handle =
          flow()
              .groupedConvoy(Message::group, Mono::just, convoy(c -> c))
              .groupedConvoy(
                  Message::group,
                  p -> {
                    order.add(p);
                    return p.equals("a1") && failures.getAndDecrement() > 0
                        ? Mono.error(new TimeoutException())
                        : Mono.just(p);
                  },
                  convoy(c -> c))
              .to(target)
              .start();
      source.offer("a1", "a2", "b1");
      time.advanceTimeBy(Duration.ofSeconds(3));
      assertThat(order).containsExactly("a1", "b1", "a1", "a1", "a2");
      assertThat(shipments.sentTexts()).containsExactly("b1", "a1", "a2");
      assertSettled(handle);
    }

    @Test
    void cancelsTheWorkerOfALostDelivery() {
      flow()
          .groupedConvoy(
              Message::group, this::work, convoy(c -> c.lossGrace(Duration.ofSeconds(1))))
          .to(target)
          .start();
      source.offer("a1", "a2");
      source.deliveries().get(0).lose();
      time.advanceTimeBy(Duration.ofSeconds(1));
      assertThat(workers.get("a1").currentSubscriberCount()).isZero();
      assertThat(started).containsExactly("a1", "a2");
      StepVerifier.create(source.deliveries().get(0).durable()).verifyError(StaleDelivery.class);
    }
  }

  @Nested
  class To {

    @Test
    void acknowledgesAfterTheReceiptNotBefore() {
      Sinks.One<Receipt> receipt = Sinks.one();
      shipments.onSend((message, accepted) -> receipt.asMono());
      FlowHandle handle = flow().to(target).start();
      source.offer("a1");
      assertThat(handle.stats().unsettled()).isEqualTo(1);
      receipt.tryEmitValue(new Receipt("shipments", "1", "0"));
      assertThat(source.outcomes("a1")).containsExactly(ACK);
    }

    @Test
    void beginsTheSendsInOrderAndHasManyOnTheWay() {
      List<Sinks.One<Receipt>> receipts = new ArrayList<>();
      shipments.onSend(
          (message, accepted) -> {
            Sinks.One<Receipt> receipt = Sinks.one();
            receipts.add(receipt);
            return receipt.asMono();
          });
      FlowHandle handle = flow().maxUnsettled(3).to(target).start();
      source.offer("a1", "a2", "a3", "a4");
      assertThat(shipments.attempted().stream().map(TestChannel::text))
          .containsExactly("a1", "a2", "a3");
      receipts.get(1).tryEmitValue(new Receipt("shipments", "2", "0"));
      assertThat(shipments.attempted()).hasSize(4);
      assertThat(handle.stats().maxUnsettled()).isEqualTo(3);
    }

    @Test
    void retriesWhatWasNotSent() {
      failsOnce(Mono.error(SendFailed.notSent("shipments", "busy", null)));
    }

    @Test
    void sendsAgainWhatMayHaveArrivedUnderTheSameId() {
      failsOnce(Mono.error(SendFailed.unknown("shipments", "no answer", null)));
      assertThat(shipments.attempted().stream().map(Message::id).distinct()).hasSize(1);
    }

    @Test
    void takesASendWithoutAReceiptForUnknown() {
      failsOnce(Mono.empty());
    }

    private void failsOnce(Mono<Receipt> failure) {
      AtomicInteger sends = new AtomicInteger();
      shipments.onSend((message, accepted) -> sends.incrementAndGet() == 1 ? failure : accepted);
      FlowHandle handle = flow().to(target).start();
      source.offer("a1");
      assertThat(source.outcomes("a1"))
          .singleElement()
          .isInstanceOfSatisfying(
              Outcome.Retry.class,
              retry -> assertThat(retry.cause()).isInstanceOf(SendFailed.class));
      time.advanceTimeBy(Duration.ofSeconds(1));
      assertThat(shipments.sentTexts()).containsExactly("a1");
      assertThat(handle.stats().retried()).isEqualTo(1);
      assertSettled(handle);
    }

    @Test
    void deadLettersWhatCanNeverBeSent() {
      shipments.onSend(
          (message, accepted) -> Mono.error(SendFailed.permanent("shipments", "too large", null)));
      flow().to(target).start();
      source.offer("a1");
      assertDeadLetter("a1", DeadLetterReason.POISON);
    }

    @Test
    void settlesASendThatThrows() {
      AtomicInteger sends = new AtomicInteger();
      shipments.onSend(
          (message, accepted) -> {
            if (sends.incrementAndGet() == 1) {
              throw new IllegalStateException("closed");
            }
            return accepted;
          });
      flow().to(target).start();
      source.offer("a1");
      time.advanceTimeBy(Duration.ofSeconds(1));
      assertThat(shipments.sentTexts()).containsExactly("a1");
    }

    @Test
    void failsTheFlowOnAnErrorOfTheVirtualMachine() {
      shipments.onSend(
          (message, accepted) -> {
            throw new NoClassDefFoundError("boom");
          });
      FlowHandle handle = flow().to(target).start();
      source.offer("a1", "a2");
      assertThat(handle.stats().failure()).isInstanceOf(NoClassDefFoundError.class);
      assertThat(source.waitingTexts()).containsExactly("a1", "a2");
      assertSettled(handle);
    }

    @Test
    void rejectsWhatHasExpiredOnTheWay() {
      Sinks.One<String> worker = Sinks.one();
      flow().groupedConvoy(Message::group, p -> worker.asMono(), convoy(c -> c)).to(target).start();
      source.offer(message("a1").expiringAt(clock.instant().plusSeconds(1)));
      time.advanceTimeBy(Duration.ofSeconds(1));
      worker.tryEmitValue("A1");
      assertThat(shipments.attempted()).isEmpty();
      assertDeadLetter("a1", DeadLetterReason.EXPIRED);
    }

    @Test
    void sendsNothingThatBelongsToSomebodyElse() {
      Sinks.One<String> worker = Sinks.one();
      FlowHandle handle =
          flow()
              .groupedConvoy(Message::group, p -> worker.asMono(), convoy(c -> c))
              .to(target)
              .start();
      source.offer("a1");
      source.deliveries().get(0).lose();
      worker.tryEmitValue("A1");
      assertThat(shipments.attempted()).isEmpty();
      assertThat(handle.stats().released()).isEqualTo(1);
      assertSettled(handle);
    }

    @Test
    void givesBackWhatIsOnTheWayWhenTheFlowFails() {
      AtomicBoolean cancelled = new AtomicBoolean();
      shipments.onSend(
          (message, accepted) -> Mono.<Receipt>never().doOnCancel(() -> cancelled.set(true)));
      FlowHandle handle = flow().to(target).start();
      source.offer("a1");
      source.fail(new IllegalStateException("connection lost"));
      assertThat(cancelled).isTrue();
      assertThat(handle.stats().failure()).hasMessage("connection lost");
      assertThat(source.waitingTexts()).containsExactly("a1");
      assertSettled(handle);
    }
  }

  @Nested
  class Admission {

    @Test
    void rejectsWhatHasExpired() {
      AtomicInteger mapped = new AtomicInteger();
      flow().map(text -> mapped.incrementAndGet()).start();
      source.offer(message("a1").expiringAt(clock.instant()));
      assertThat(mapped).hasValue(0);
      assertDeadLetter("a1", DeadLetterReason.EXPIRED);
    }

    @Test
    void rejectsWhatHasHadItsAttempts() {
      flow().to(target).start();
      source.offer(message("a1"), 3);
      source.offer(message("a2"), 4);
      assertThat(shipments.sentTexts()).containsExactly("a1");
      assertDeadLetter("a2", DeadLetterReason.ATTEMPTS_EXHAUSTED);
    }

    @Test
    void allowsAsManyAttemptsAsTheMostPatientStep() {
      flow()
          .groupedConvoy(
              Message::group,
              Mono::just,
              convoy(c -> c.onFailure(f -> f.retry(9, Duration.ofSeconds(1)))))
          .to(target)
          .start();
      source.offer(message("a1"), 10);
      source.offer(message("a2"), 11);
      assertThat(shipments.sentTexts()).containsExactly("a1");
      assertDeadLetter("a2", DeadLetterReason.ATTEMPTS_EXHAUSTED);
    }
  }

  @Nested
  class Fatal {

    private void endsTheFlow(Function<Flow<String>, RunnableFlow> steps, Class<?> failure) {
      FlowHandle handle = steps.apply(flow()).start();
      source.offer("a1", "a2");
      assertThat(handle.stats().state()).isEqualTo(State.FAILED);
      assertThat(handle.stats().failure()).isInstanceOf(failure);
      assertThat(source.isCancelled()).isTrue();
      assertThat(source.outcomes("a1"))
          .containsExactly(Outcome.release(Why.STOPPED)); // not counted: it is not to blame
      assertThat(source.waitingTexts()).containsExactly("a1", "a2");
      assertThat(deadLetters.sent()).isEmpty();
      assertThat(shipments.sent()).isEmpty();
      StepVerifier.create(handle.terminated()).verifyError();
      StepVerifier.create(handle.stop(Duration.ZERO)).verifyComplete();
      assertSettled(handle);
    }

    @Test
    void exceptionsOfAMapperEndTheFlow() {
      endsTheFlow(
          f ->
              f.onError(policy.classifier(e -> Kind.FATAL))
                  .<String>map(
                      text -> {
                        throw new IllegalStateException("disk full");
                      })
                  .to(target),
          IllegalStateException.class);
    }

    @Test
    void errorsOfTheVirtualMachineInAMapperEndTheFlow() {
      endsTheFlow(
          f ->
              f.<String>map(
                      text -> {
                        throw new StackOverflowError();
                      })
                  .to(target),
          StackOverflowError.class);
    }

    @Test
    void errorsOfTheVirtualMachineInAPredicateEndTheFlow() {
      endsTheFlow(
          f ->
              f.filter(
                      text -> {
                        throw new NoClassDefFoundError();
                      })
                  .to(target),
          NoClassDefFoundError.class);
    }

    @Test
    void inAMapperBehindAConvoyEndsTheFlowAndGivesBackTheGroup() {
      FlowHandle handle =
          flow()
              .groupedConvoy(Message::group, Mono::just, convoy(c -> c))
              .<String>map(
                  text -> {
                    throw new NoClassDefFoundError();
                  })
              .to(target)
              .start();
      source.offer("a1", "a2", "b1");
      assertThat(handle.stats().state()).isEqualTo(State.FAILED);
      assertThat(source.waitingTexts()).containsExactly("a1", "a2", "b1");
      assertSettled(handle);
    }

    @Test
    void aClassifierThatThrowsMakesTheMessagePoison() {
      flow()
          .onError(
              policy.classifier(
                  e -> {
                    throw (RuntimeException) e;
                  }))
          .map(
              text -> {
                throw new IllegalStateException("same");
              })
          .start();
      source.offer("a1");
      assertDeadLetter("a1", DeadLetterReason.POISON);
    }
  }

  @Nested
  class Contract {

    @Test
    void s1EachDeliveryIsDecidedOnceThoughManyWouldDecide() {
      Sinks.One<Receipt> receipt = Sinks.one();
      shipments.onSend((message, accepted) -> receipt.asMono());
      FlowHandle handle = flow().to(target).start();
      source.offer("a1");
      source.deliveries().get(0).settle(Outcome.release(Why.STOPPED)); // the source, first
      receipt.tryEmitValue(new Receipt("shipments", "1", "0"));
      assertThat(source.outcomes("a1").get(0)).isEqualTo(Outcome.release(Why.STOPPED));
      assertThat(handle.stats().released()).isEqualTo(1);
    }

    /** Every way out at once: nothing is left open, and every message is accounted for. */
    @Test
    void s2NothingIsLost() {
      shipments.onSend(
          (message, accepted) ->
              switch (text(message).charAt(1)) {
                case '5' -> Mono.error(SendFailed.permanent("shipments", "no", null));
                case '6' -> Mono.error(SendFailed.notSent("shipments", "later", null));
                default -> accepted;
              });
      FlowHandle handle =
          flow()
              .filter(p -> p.charAt(1) != '1')
              .map(p -> p + 12 / (p.charAt(1) - '2')) // a2 is poison
              .groupedConvoy(
                  Message::group,
                  p ->
                      switch (p.charAt(1)) {
                        case '3' -> Mono.<String>error(new TimeoutException());
                        case '4' -> Mono.<String>empty();
                        default -> Mono.just(p);
                      },
                  convoy(c -> c))
              .to(target)
              .start();
      for (int i = 0; i < 100; i++) {
        source.offer("a" + i % 10, "b" + i % 10, "c" + i % 10);
      }
      for (int i = 0; i < 100_000 && handle.stats().unsettled() > 0; i++) {
        time.advanceTimeBy(Duration.ofSeconds(1));
      }
      FlowHandle.Stats stats = handle.stats();
      assertThat(stats.received()).isEqualTo(300);
      assertThat(stats.acknowledged()).isEqualTo(180); // 0 1 4 7 8 9
      assertThat(stats.rejected()).isEqualTo(120); // 2 3 5 6
      assertThat(deadLetters.sent()).hasSize(120);
      assertThat(shipments.sent()).hasSize(120); // 0 7 8 9
      assertSettled(handle);
    }

    @Test
    void s4ARejectIsAcceptedByTheDeadLettersBeforeTheMessageIsForgotten() {
      Sinks.One<Receipt> confirmation = Sinks.one();
      deadLetters.onSend((letter, accepted) -> confirmation.asMono());
      FlowHandle handle =
          flow()
              .maxUnsettled(1)
              .filter(
                  p -> {
                    throw new IllegalArgumentException();
                  })
              .start();
      source.offer("a1", "a2");
      assertThat(handle.stats().unsettled()).isEqualTo(1);
      assertThat(source.waitingTexts()).containsExactly("a2"); // it stalls, it does not drop
      confirmation.tryEmitValue(new Receipt("dead", "1", "0"));
      assertThat(source.waitingTexts()).isEmpty();
    }

    @Test
    void s5ARejectWithoutATargetStopsTheFlowAndConsumesNothing() {
      FlowHandle handle =
          Flow.from(source)
              .map(
                  bytes -> {
                    throw new IllegalArgumentException("poison");
                  })
              .start();
      source.offer("a1", "a2");
      assertThat(handle.stats().state()).isEqualTo(State.FAILED);
      assertThat(handle.stats().failure()).isInstanceOf(NoDeadLetterTarget.class);
      assertThat(source.waitingTexts()).containsExactly("a1", "a2");
    }

    @Test
    void s9WhatIsInsideWhenTheFlowFailsGoesBack() {
      FlowHandle handle =
          flow()
              .groupedConvoy(Message::group, p -> Mono.<String>never(), convoy(c -> c))
              .to(target)
              .start();
      source.offer("a1", "a2", "a3", "b1", "c1", "d1");
      source.fail(new IllegalStateException("connection lost"));
      assertThat(source.waitingTexts()).containsExactly("a1", "a2", "a3", "b1", "c1", "d1");
      assertThat(handle.stats().released()).isEqualTo(6);
      assertSettled(handle);
    }

    @Test
    void s11NoMoreThanMaxUnsettledAreOut() {
      FlowHandle handle =
          flow()
              .maxUnsettled(16)
              .groupedConvoy(Message::group, p -> Mono.<String>never(), convoy(c -> c))
              .start();
      for (int i = 0; i < 100; i++) {
        source.offer("a" + i);
      }
      assertThat(source.mostUnsettled()).isEqualTo(16);
      assertThat(handle.stats().unsettled()).isEqualTo(16);
      assertThat(handle.stats().maxUnsettled()).isEqualTo(16);
      assertThat(source.waitingTexts()).hasSize(84);
      handle.stop(Duration.ZERO).subscribe();
      time.advanceTime();
      assertSettled(handle);
    }

    @Test
    void s11TheBoundGrowsWithTheLargestLookAhead() {
      FlowHandle handle =
          flow()
              .groupedConvoy(
                  Message::group, Mono::just, convoy(c -> c.concurrency(64).lookAhead(4_096)))
              .start();
      assertThat(handle.stats().maxUnsettled()).isEqualTo(4_096);
      assertThat(source.options().maxUnsettled()).isEqualTo(4_096);
    }

    @Test
    void s11ABoundBelowTheLookAheadIsRefusedAtTheStart() {
      RunnableFlow runnable =
          flow()
              .named("shipping")
              .maxUnsettled(100)
              .groupedConvoy(Message::group, Mono::just, convoy(c -> c.lookAhead(101)))
              .to(target);
      assertThatIllegalArgumentException()
          .isThrownBy(runnable::start)
          .withMessage(
              "maxUnsettled: 100 (expected: >= 101, the largest look-ahead in flow shipping)");
    }

    @Test
    void s12AStopLetsWhatIsOutFinishThenGivesBackTheRest() {
      Map<String, Sinks.One<String>> workers = new HashMap<>();
      FlowHandle handle =
          flow()
              .groupedConvoy(
                  Message::group,
                  p -> {
                    Sinks.One<String> worker = Sinks.one();
                    workers.put(p, worker);
                    return worker.asMono();
                  },
                  convoy(c -> c))
              .to(target)
              .start();
      source.offer("a1", "a2", "b1", "c1");
      AtomicBoolean stopped = new AtomicBoolean();
      handle.stop(Duration.ofSeconds(10)).doOnSuccess(v -> stopped.set(true)).subscribe();
      source.offer("d1");
      assertThat(handle.stats().state()).isEqualTo(State.STOPPING);
      workers.get("a1").tryEmitValue("A1");
      time.advanceTimeBy(Duration.ofMillis(9_999));
      assertThat(stopped).isFalse();
      time.advanceTimeBy(Duration.ofMillis(1));

      assertThat(stopped).isTrue();
      assertThat(handle.stats().state()).isEqualTo(State.STOPPED);
      assertThat(shipments.sentTexts()).containsExactly("A1");
      assertThat(source.outcomes("a1")).containsExactly(ACK);
      assertThat(source.waitingTexts()).containsExactly("a2", "b1", "c1", "d1");
      assertThat(workers.get("b1").currentSubscriberCount()).isZero();
      assertThat(handle.stats().received()).isEqualTo(4);
      assertSettled(handle);
    }
  }

  @Nested
  class Stop {

    private void endsAt(FlowHandle handle, Duration grace, Duration end) {
      AtomicBoolean stopped = new AtomicBoolean();
      handle.stop(grace).doOnSuccess(v -> stopped.set(true)).subscribe();
      if (!end.isZero()) {
        time.advanceTimeBy(end.minusMillis(1));
        assertThat(stopped).isFalse();
        time.advanceTimeBy(Duration.ofMillis(1));
      } else {
        time.advanceTime();
      }
      assertThat(stopped).isTrue();
      assertThat(handle.stats().state()).isEqualTo(State.STOPPED);
      StepVerifier.create(handle.terminated()).verifyComplete();
      assertSettled(handle);
    }

    @Test
    void ofAnIdleFlowIsImmediate() {
      FlowHandle handle = flow().to(target).start();
      source.offer("a1");
      endsAt(handle, Duration.ofDays(1), Duration.ZERO);
    }

    @Test
    void endsAsSoonAsEverythingIsSettled() {
      Sinks.One<Receipt> receipt = Sinks.one();
      shipments.onSend((message, accepted) -> receipt.asMono());
      FlowHandle handle = flow().to(target).start();
      source.offer("a1");
      time.schedule(
          () -> receipt.tryEmitValue(new Receipt("shipments", "1", "0")), 3, TimeUnit.SECONDS);
      endsAt(handle, Duration.ofDays(1), Duration.ofSeconds(3));
      assertThat(source.outcomes("a1")).containsExactly(ACK);
    }

    @Test
    void doesNotWaitLongerThanItsTimeForALaneThatSleeps() {
      FlowHandle handle =
          flow()
              .groupedConvoy(
                  Message::group,
                  p -> Mono.<String>error(new TimeoutException()),
                  convoy(c -> c.onFailure(f -> f.retry(5, Duration.ofHours(1)).jitter(0))))
              .start();
      source.offer("a1", "a2");
      assertThat(gauges.get().sleeping()).isEqualTo(1);
      endsAt(handle, Duration.ofSeconds(5), Duration.ofSeconds(5));
      assertThat(gauges.get().lanes()).isZero();
      assertThat(source.waitingTexts()).containsExactly("a1", "a2");
    }

    @Test
    void doesNotWaitLongerThanItsTimeForAWorkerThatHangs() {
      AtomicInteger cancelled = new AtomicInteger();
      FlowHandle handle =
          flow()
              .groupedConvoy(
                  Message::group,
                  p -> Mono.<String>never().doOnCancel(cancelled::incrementAndGet),
                  convoy(c -> c))
              .start();
      source.offer("a1", "b1", "c1");
      endsAt(handle, Duration.ofSeconds(5), Duration.ofSeconds(5));
      assertThat(cancelled).hasValue(2);
      assertThat(gauges.get().running()).isZero();
    }

    @Test
    void doesNotWaitLongerThanItsTimeForASendThatHangs() {
      AtomicInteger cancelled = new AtomicInteger();
      shipments.onSend(
          (message, accepted) -> Mono.<Receipt>never().doOnCancel(cancelled::incrementAndGet));
      FlowHandle handle = flow().to(target).start();
      source.offer("a1");
      endsAt(handle, Duration.ofSeconds(5), Duration.ofSeconds(5));
      assertThat(cancelled).hasValue(1);
      assertThat(source.waitingTexts()).containsExactly("a1");
    }

    /**
     * The value of the worker is a delivery too; the leak check sees whether somebody decides it.
     */
    @Test
    void settlesAlsoTheValuesThatAreOnTheWayBehindAConvoy() {
      shipments.onSend((message, accepted) -> Mono.never());
      FlowHandle handle =
          flow()
              .groupedConvoy(Message::group, p -> Flux.just(p, p).hide(), convoy(c -> c))
              .to(target)
              .start();
      source.offer("a1", "b1");
      assertThat(shipments.attempted()).hasSize(4);
      endsAt(handle, Duration.ofSeconds(5), Duration.ofSeconds(5));
      assertThat(source.waitingTexts()).containsExactly("a1", "b1");
    }

    @Test
    void withoutTimeGivesEverythingBackAtOnce() {
      FlowHandle handle =
          flow().groupedConvoy(Message::group, p -> Mono.<String>never(), convoy(c -> c)).start();
      source.offer("a1", "a2", "b1");
      endsAt(handle, Duration.ZERO, Duration.ZERO);
      assertThat(source.waitingTexts()).containsExactly("a1", "a2", "b1");
    }

    @Test
    void countsTheFirstTimeGivenAndIsHot() {
      FlowHandle handle =
          flow().groupedConvoy(Message::group, p -> Mono.<String>never(), convoy(c -> c)).start();
      source.offer("a1");
      Mono<Void> nobodySubscribed = handle.stop(Duration.ofSeconds(5));
      handle.stop(Duration.ofDays(1));
      time.advanceTimeBy(Duration.ofSeconds(5));
      assertThat(handle.stats().state()).isEqualTo(State.STOPPED);
      StepVerifier.create(nobodySubscribed).verifyComplete();
    }

    @Test
    void thatFailsIsAFailureButTheStopCompletes() {
      FlowHandle handle =
          flow().groupedConvoy(Message::group, p -> Mono.<String>never(), convoy(c -> c)).start();
      source.offer("a1");
      Mono<Void> stop = handle.stop(Duration.ofSeconds(5));
      source.fail(new IllegalStateException("cannot flush"));
      assertThat(handle.stats().state()).isEqualTo(State.FAILED);
      StepVerifier.create(stop).verifyComplete();
      StepVerifier.create(handle.terminated()).verifyErrorMessage("cannot flush");
      assertSettled(handle);
    }

    @Test
    void doesNotHideAFatalErrorMeanwhile() {
      Sinks.One<String> worker = Sinks.one();
      FlowHandle handle =
          flow().groupedConvoy(Message::group, p -> worker.asMono(), convoy(c -> c)).start();
      source.offer("a1");
      handle.stop(Duration.ofSeconds(5));
      worker.tryEmitError(new NoClassDefFoundError("boom"));
      assertThat(handle.stats().state()).isEqualTo(State.FAILED);
      assertSettled(handle);
    }

    @Test
    void refusesANegativeTime() {
      FlowHandle handle = flow().to(target).start();
      assertThatIllegalArgumentException()
          .isThrownBy(() -> handle.stop(Duration.ofSeconds(-1)))
          .withMessage("grace: PT-1S (expected: PT0S..PT8760H)");
    }
  }

  @Nested
  class Recipe {

    @Test
    void mayBeStartedTwice() {
      RunnableFlow runnable = flow().to(target);
      runnable.start().stop(Duration.ZERO).subscribe();
      time.advanceTime();
      FlowHandle second = runnable.start();
      source.offer("a1");
      assertThat(shipments.sentTexts()).containsExactly("a1");
      assertThat(second.stats().received()).isEqualTo(1);
    }

    @Test
    void isImmutable() {
      Flow<String> base = flow();
      base.named("other").filter(p -> false);
      base.to(target).start();
      source.offer("a1");
      assertThat(shipments.sentTexts()).containsExactly("a1");
    }

    @Test
    void isNamedAfterItsChannelUnlessItIsGivenAName() {
      FlowHandle plain = flow().to(target).start();
      assertThat(plain.name()).isEqualTo("orders");
      plain.stop(Duration.ZERO).subscribe();
      time.advanceTime();
      FlowHandle named = flow().named("shipping").to(target).start();
      assertThat(named.name()).isEqualTo("shipping");
      assertThat(named).asString().startsWith("flow shipping Stats[state=RUNNING");
    }

    @Test
    void hasNoEffectBeforeItIsStarted() {
      flow().to(target);
      assertThat(source.options()).isNull();
    }

    @Test
    void passesItsOptionsToTheSource() {
      flow().maxUnsettled(2_000).to(target).start();
      assertThat(source.options().maxUnsettled()).isEqualTo(2_000);
      assertThat(source.options().clock()).isSameAs(clock);
      assertThat(source.options().deadLetters()).isSameAs(deadLetters);
    }

    @Test
    void refusesWhatCannotBe() {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> flow().named("  "))
          .withMessage("name: \"  \" (expected: not blank)");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> flow().maxUnsettled(0))
          .withMessage("maxUnsettled: 0 (expected: >= 1)");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> flow().groupedConvoy(Message::group, Mono::just, c -> c.concurrency(0)))
          .withMessage("concurrency: 0 (expected: >= 1)");
      assertThatNullPointerException().isThrownBy(() -> Flow.from(null)).withMessage("source");
      assertThatNullPointerException().isThrownBy(() -> flow().named(null)).withMessage("name");
      assertThatNullPointerException().isThrownBy(() -> flow().onError(null)).withMessage("policy");
      assertThatNullPointerException()
          .isThrownBy(() -> flow().deadLetter(null))
          .withMessage("target");
      assertThatNullPointerException().isThrownBy(() -> flow().clock(null)).withMessage("clock");
      assertThatNullPointerException().isThrownBy(() -> flow().decode(null)).withMessage("codec");
      assertThatNullPointerException().isThrownBy(() -> flow().map(null)).withMessage("mapper");
      assertThatNullPointerException()
          .isThrownBy(() -> flow().filter(null))
          .withMessage("predicate");
      assertThatNullPointerException().isThrownBy(() -> flow().to(null)).withMessage("target");
    }
  }
}

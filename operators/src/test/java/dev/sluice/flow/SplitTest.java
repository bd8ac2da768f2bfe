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
import static org.assertj.core.api.Assertions.assertThatNullPointerException;

import dev.sluice.channel.FlowHandle;
import dev.sluice.channel.FlowHandle.State;
import dev.sluice.channel.Receipt;
import dev.sluice.channel.SendFailed;
import dev.sluice.delivery.DeadLetterReason;
import dev.sluice.delivery.Outcome;
import dev.sluice.delivery.Outcome.Release.Why;
import dev.sluice.message.Message;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.test.publisher.TestPublisher;

/** What a split does with its message and with the parts. Payloads are words: "a x y" has two. */
class SplitTest extends FlowFixture {

  private static List<String> words(String text) {
    return Arrays.asList(text.split(" ")).subList(1, text.split(" ").length);
  }

  private final Map<String, Sinks.One<Receipt>> receipts = new HashMap<>();

  /** Sends wait until the test says how they end. */
  private void hold() {
    shipments.onSend(
        (message, accepted) ->
            receipts
                .computeIfAbsent(text(message), text -> Sinks.one())
                .asMono()
                .flatMap(receipt -> accepted));
  }

  private void confirm(String part) {
    receipts.get(part).tryEmitValue(new Receipt("shipments", part, "0")).orThrow();
  }

  private void refuse(String part, RuntimeException error) {
    receipts.get(part).tryEmitError(error).orThrow();
  }

  private static RuntimeException poison() {
    return SendFailed.permanent("shipments", "no", null);
  }

  @Nested
  class Values {

    @Test
    void arePartsInTheirOrder() {
      FlowHandle handle = flow().splitIterable(SplitTest::words).to(target).start();
      source.offer("a 1 2 3", "b 4", "c", "a 5 6");
      assertThat(shipments.sentTexts()).containsExactly("1", "2", "3", "4", "5", "6");
      assertThat(source.outcomes("a 1 2 3")).containsExactly(ACK);
      assertThat(source.outcomes("c")).containsExactly(ACK);
      assertSettled(handle);
    }

    @Test
    void haveIdsThatAreTheSameWhenTheMessageIsSplitAgain() {
      AtomicInteger sends = new AtomicInteger();
      shipments.onSend(
          (message, accepted) ->
              sends.incrementAndGet() == 2 ? Mono.error(transientError()) : accepted);
      Message<byte[]> order = message("a 1 2").withHeader("trace", "t").withPriority(9);
      flow().splitIterable(SplitTest::words).to(target).start();
      source.offer(order);
      time.advanceTimeBy(Duration.ofSeconds(1));

      assertThat(shipments.attempted()).hasSize(4);
      assertThat(shipments.attempted().get(2)).isEqualTo(shipments.attempted().get(0));
      assertThat(shipments.attempted().get(3)).isEqualTo(shipments.attempted().get(1));
      Message<byte[]> first = shipments.attempted().get(0);
      assertThat(first.id()).isEqualTo(order.child("0", "1").id());
      assertThat(shipments.attempted().get(1).id()).isEqualTo(order.child("1", "2").id());
      assertThat(first.causationId()).isEqualTo(order.id());
      assertThat(first.group()).isEqualTo("a");
      assertThat(first.priority()).isEqualTo(9);
      assertThat(first.headers().get("trace")).isEqualTo("t");
    }

    @Test
    void mayBeMessagesOfTheirOwnKind() {
      flow()
          .<String>splitMessages(
              message ->
                  Flux.fromIterable(words(message.payload()))
                      .map(word -> message.child(word, word).withGroup(word).withType("line")))
          .to(target)
          .start();
      Message<byte[]> order = message("a 1 2");
      source.offer(order);
      assertThat(shipments.sent()).extracting(Message::group).containsExactly("1", "2");
      assertThat(shipments.sent()).extracting(Message::type).containsOnly("line");
      assertThat(shipments.sent().get(0).id()).isEqualTo(order.child("1", "1").id());
    }

    @Test
    void mayBeSplitAgain() {
      hold();
      FlowHandle handle =
          flow()
              .splitIterable(SplitTest::words)
              .splitIterable(word -> List.of(word + "x", word + "y"))
              .to(target)
              .start();
      source.offer("a 1 2");
      confirm("1x");
      confirm("2x");
      confirm("1y");
      assertThat(handle.stats().unsettled()).isEqualTo(1);
      refuse("2y", poison());
      assertDeadLetters(DeadLetterReason.POISON, "a 1 2");
      Message<byte[]> part = shipments.attempted().get(3);
      assertThat(deadLetters.sent().get(0).headers().get("sl-failed-children"))
          .isEqualTo(part.causationId()); // the part, not the part of the part
      assertSettled(handle);
    }
  }

  @Nested
  class Outcomes {

    @Test
    void theMessageWaitsForItsLastPart() {
      hold();
      FlowHandle handle = flow().splitIterable(SplitTest::words).to(target).start();
      source.offer("a 1 2");
      confirm("2");
      assertThat(handle.stats().acknowledged()).isZero();
      confirm("1");
      assertThat(source.outcomes("a 1 2")).containsExactly(ACK);
      assertSettled(handle);
    }

    @Test
    void theMessageWaitsForItsProducer() {
      TestPublisher<String> parts = TestPublisher.create();
      FlowHandle handle = flow().split(order -> parts.flux()).to(target).start();
      source.offer("a");
      parts.next("1");
      assertThat(shipments.sentTexts()).containsExactly("1");
      assertThat(handle.stats().acknowledged()).isZero();
      parts.complete();
      assertThat(source.outcomes("a")).containsExactly(ACK);
    }

    @Test
    void aPartThatFailsIsNamedInTheDeadLetterOfTheMessageOnceAllAreDecided() {
      hold();
      FlowHandle handle = flow().splitIterable(SplitTest::words).to(target).start();
      source.offer("a 1 2 3");
      refuse("2", poison());
      confirm("3");
      assertThat(deadLetters.attempted()).isEmpty();
      confirm("1");
      assertDeadLetters(DeadLetterReason.POISON, "a 1 2 3");
      assertThat(deadLetters.sent().get(0).headers().get("sl-failed-children"))
          .isEqualTo(shipments.attempted().get(1).id());
      assertSettled(handle);
    }

    @Test
    void aPartThatMayPassBringsTheMessageBack() {
      hold();
      FlowHandle handle = flow().splitIterable(SplitTest::words).to(target).start();
      source.offer("a 1 2");
      refuse("1", transientError());
      confirm("2");
      receipts.clear();
      time.advanceTimeBy(Duration.ofSeconds(1));
      confirm("1");
      confirm("2");
      assertThat(source.outcomes("a 1 2")).hasSize(2).last().isEqualTo(ACK);
      assertThat(handle.stats().retried()).isEqualTo(1);
      assertSettled(handle);
    }

    @Test
    void aPartThatIsFilteredIsFine() {
      flow().splitIterable(SplitTest::words).filter(part -> part.equals("2")).to(target).start();
      source.offer("a 1 2 3");
      assertThat(shipments.sentTexts()).containsExactly("2");
      assertThat(source.outcomes("a 1 2 3")).containsExactly(ACK);
    }

    @Test
    void partsKnowThatTheirMessageIsDoomed() {
      hold();
      List<Boolean> doomed = new ArrayList<>();
      flow()
          .splitIterable(SplitTest::words)
          .<String>transformDeliveries(
              parts -> parts.doOnNext(part -> doomed.add(part.settlement().isDoomed())))
          .filter(
              part -> {
                if (part.equals("2")) {
                  throw new IllegalArgumentException("2");
                }
                return true;
              })
          .to(target)
          .start();
      source.offer("a 1 2 3");
      assertThat(doomed).containsExactly(false, false, true);
      confirm("1");
      confirm("3");
      assertDeadLetters(DeadLetterReason.POISON, "a 1 2 3");
    }
  }

  @Nested
  class Failures {

    @Test
    void aFunctionThatThrowsSettlesItsMessageAndNoOther() {
      flow()
          .splitIterable(
              order -> {
                if (order.startsWith("a")) {
                  throw new IllegalArgumentException("bad");
                }
                return words(order);
              })
          .to(target)
          .start();
      source.offer("a 1", "b 2");
      assertDeadLetters(DeadLetterReason.POISON, "a 1");
      assertThat(shipments.sentTexts()).containsExactly("2");
    }

    @Test
    void aNullIsPoison() {
      flow().<String>split(order -> null).to(target).start();
      source.offer("a 1");
      assertDeadLetters(DeadLetterReason.POISON, "a 1");
    }

    @Test
    void aProducerThatFailsWaitsForTheParts() {
      hold();
      FlowHandle handle =
          flow()
              .split(order -> Flux.just("1", "2").concatWith(Flux.error(transientError())))
              .to(target)
              .start();
      source.offer("a");
      confirm("1");
      assertThat(handle.stats().unsettled()).isEqualTo(1);
      confirm("2");
      assertThat(source.outcomes("a")).first().isInstanceOf(Outcome.Retry.class);
    }

    @Test
    void aProducerThatIsPoisonNamesNoPartsBecauseNobodyKnowsAllOfThem() {
      flow()
          .split(order -> Flux.just("1").concatWith(Flux.error(new ArithmeticException())))
          .to(target)
          .start();
      source.offer("a");
      assertDeadLetters(DeadLetterReason.POISON, "a");
      assertThat(deadLetters.sent().get(0).headers().contains("sl-failed-children")).isFalse();
    }

    @Test
    void aFatalErrorEndsTheFlowAndGivesTheMessageBack() {
      FlowHandle handle =
          flow()
              .<String>split(
                  order -> {
                    throw new NoClassDefFoundError("boom");
                  })
              .to(target)
              .start();
      source.offer("a 1", "b 2");
      assertThat(handle.stats().state()).isEqualTo(State.FAILED);
      assertThat(handle.stats().failure()).isInstanceOf(NoClassDefFoundError.class);
      assertThat(source.waitingTexts()).containsExactly("a 1", "b 2");
      assertSettled(handle);
    }

    /** What Reactor would throw to the thread of the source. */
    @Test
    void aFatalErrorOfTheSubscriptionIsNoDifferent() {
      FlowHandle handle =
          flow()
              .<String>split(
                  order ->
                      Flux.defer(
                          () -> {
                            throw new NoClassDefFoundError("boom");
                          }))
              .to(target)
              .start();
      source.offer("a 1");
      assertThat(handle.stats().state()).isEqualTo(State.FAILED);
      assertThat(source.waitingTexts()).containsExactly("a 1");
      assertSettled(handle);
    }

    @Test
    void anExpiredMessageIsNotSplit() {
      AtomicInteger splits = new AtomicInteger();
      TestPublisher<String> first = TestPublisher.create();
      flow()
          .split(order -> splits.incrementAndGet() == 1 ? first.flux() : Flux.just("never"))
          .to(target)
          .start();
      source.offer(message("a"));
      source.offer(message("b").expiringAt(clock.instant().plusSeconds(1)));
      time.advanceTimeBy(Duration.ofSeconds(1));
      first.complete();
      assertDeadLetters(DeadLetterReason.EXPIRED, "b");
      assertThat(splits).hasValue(1);
    }
  }

  @Nested
  class Backpressure {

    @Test
    void reachesThePublisherOfTheParts() {
      hold();
      AtomicLong produced = new AtomicLong();
      FlowHandle handle =
          flow()
              .maxUnsettled(2)
              .split(
                  order ->
                      Flux.range(0, 1_000_000)
                          .map(i -> Integer.toString(i))
                          .doOnNext(i -> produced.incrementAndGet()))
              .to(target)
              .start();
      source.offer("a");
      assertThat(shipments.attempted()).hasSize(2);
      assertThat(produced.get()).isLessThanOrEqualTo(3);
      confirm("0");
      confirm("1");
      assertThat(shipments.attempted()).hasSize(4);
      handle.stop(Duration.ZERO).subscribe();
      time.advanceTime();
      assertSettled(handle);
    }

    @Test
    void manyPartsAndManyMessagesNeedNoStack() {
      AtomicInteger parts = new AtomicInteger();
      FlowHandle handle =
          flow()
              .split(order -> Flux.range(0, order.equals("a") ? 100_000 : 1))
              .map(i -> parts.incrementAndGet())
              .start();
      source.offer("a");
      source.offer(Collections.nCopies(5_000, "b").toArray(String[]::new));
      assertThat(parts).hasValue(105_000);
      assertSettled(handle);
    }
  }

  @Nested
  class Cancellation {

    @Test
    void ofASplitThatIsUnderWayGivesTheMessageBack() {
      TestPublisher<String> parts = TestPublisher.create();
      FlowHandle handle = flow().split(order -> parts.flux()).to(target).start();
      source.offer("a");
      parts.next("1");
      handle.stop(Duration.ofSeconds(5)).subscribe();
      time.advanceTimeBy(Duration.ofSeconds(5));
      assertThat(handle.stats().state()).isEqualTo(State.STOPPED);
      parts.assertCancelled();
      assertThat(source.waitingTexts()).containsExactly("a");
      assertThat(source.outcomes("a")).containsExactly(Outcome.release(Why.STOPPED));
      assertSettled(handle);
    }

    @Test
    void byALossStopsTheProducer() {
      TestPublisher<String> parts = TestPublisher.create();
      flow().split(order -> order.equals("a") ? parts.flux() : Flux.just("2")).to(target).start();
      source.offer("a", "b");
      parts.next("1");
      source.deliveries().get(0).lose();
      parts.assertCancelled();
      assertThat(source.outcomes("a")).containsExactly(Outcome.release(Why.LOST));
      assertThat(shipments.sentTexts()).containsExactly("1", "2");
    }

    @Test
    void byAnErrorOfTheSourceGivesTheMessageBack() {
      TestPublisher<String> parts = TestPublisher.create();
      FlowHandle handle = flow().split(order -> parts.flux()).to(target).start();
      source.offer("a");
      parts.next("1");
      source.fail(new IllegalStateException("gone"));
      parts.assertCancelled();
      assertThat(handle.stats().state()).isEqualTo(State.FAILED);
      assertThat(source.outcomes("a")).hasOnlyElementsOfType(Outcome.Release.class);
      assertSettled(handle);
    }
  }

  @Test
  void refusesNull() {
    assertThatNullPointerException().isThrownBy(() -> flow().split(null)).withMessage("parts");
    assertThatNullPointerException()
        .isThrownBy(() -> flow().splitIterable(null))
        .withMessage("parts");
    assertThatNullPointerException()
        .isThrownBy(() -> flow().splitMessages(null))
        .withMessage("parts");
  }
}

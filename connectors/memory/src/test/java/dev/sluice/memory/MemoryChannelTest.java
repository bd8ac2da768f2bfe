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
package dev.sluice.memory;

import static dev.sluice.memory.TestConsumer.body;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.channel.Capability;
import dev.sluice.channel.Channel;
import dev.sluice.channel.NoDeadLetterTarget;
import dev.sluice.channel.Outbound;
import dev.sluice.channel.Receipt;
import dev.sluice.channel.ReceiveOptions;
import dev.sluice.delivery.DeadLetterReason;
import dev.sluice.delivery.Delivery;
import dev.sluice.delivery.Outcome;
import dev.sluice.delivery.Outcome.Release.Why;
import dev.sluice.delivery.StaleDelivery;
import dev.sluice.message.Message;
import dev.sluice.test.LeakCheck;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.core.scheduler.Schedulers;
import reactor.test.StepVerifier;
import reactor.test.publisher.TestPublisher;
import reactor.test.scheduler.VirtualTimeScheduler;

/**
 * What a channel promises, in virtual time. Everything here goes through the SPI, except the hooks
 * at the end: making the channel, letting time pass, ending leases.
 */
@ExtendWith(LeakCheck.class)
class MemoryChannelTest {

  private static final Duration TIMEOUT = Duration.ofSeconds(10);
  private static final Outcome ACK = Outcome.ack();
  private static final Outcome RELEASE = Outcome.release(Why.BUSY);
  private static final Outcome RETRY = Outcome.retry(Duration.ZERO, null);
  private static final Outcome REJECT = Outcome.reject(DeadLetterReason.POISON, null);

  private final List<TestConsumer> consumers = new ArrayList<>();

  @AfterEach
  void cancelConsumers() {
    consumers.forEach(TestConsumer::cancel);
  }

  @Nested
  class Sending {

    @Test
    void isConfirmedWithNameIdAndPosition() {
      Message<byte[]> message = message("a");
      Receipt first = channel.send(message).block();
      Receipt second = channel.send(message("b")).block();
      assertThat(first.channel()).isEqualTo("bags");
      assertThat(first.messageId()).isEqualTo(message.id());
      assertThat(second.position()).isNotEqualTo(first.position());
    }

    @Test
    void happensOncePerSubscription() {
      Mono<Receipt> send = channel.send(message("a"));
      assertThat(depth()).isZero();
      send.block();
      send.block();
      assertThat(depth()).isEqualTo(2);
    }

    @Test
    void deliversTheMessageAsItWas() {
      Message<byte[]> message =
          Message.builder("body".getBytes(StandardCharsets.UTF_8))
              .type("bag.checked-in")
              .group("LH1")
              .priority(7)
              .header("weight", "23")
              .build();
      channel.send(message).block();
      Delivery<byte[]> delivery = consumer().unbounded().next();
      assertThat(delivery.message()).isEqualTo(message);
      delivery.settlement().settle(ACK);
    }

    @Test
    void ofManyKeepsTheirOrder() {
      List<Message<byte[]>> messages =
          IntStream.range(0, 1_000).mapToObj(i -> message(Integer.toString(i))).toList();
      channel
          .sendAll(Flux.fromIterable(messages))
          .map(Receipt::messageId)
          .as(StepVerifier::create)
          .expectNextSequence(messages.stream().map(Message::id).toList())
          .expectComplete()
          .verify(TIMEOUT);
      TestConsumer consumer = consumer().unbounded();
      for (int i = 0; i < 1_000; i++) {
        Delivery<byte[]> delivery = consumer.next();
        assertThat(body(delivery)).isEqualTo(Integer.toString(i));
        delivery.settlement().settle(ACK);
      }
    }
  }

  @Nested
  class Demand {

    @Test
    void withoutDemandNothingIsTaken() {
      send("a");
      TestConsumer consumer = consumer();
      consumer.nothing();
      assertThat(depth()).isEqualTo(1);
    }

    @Test
    void isNeverExceeded() {
      send("a", "b", "c", "d");
      TestConsumer consumer = consumer().requesting(2);
      assertThat(consumer.bodies(2)).containsExactly("a", "b");
      consumer.nothing();
      assertThat(depth()).isEqualTo(2);

      consumer.requesting(1);
      assertThat(consumer.bodies(1)).containsExactly("c");
      consumer.nothing();
    }

    @Test
    void waitsForMessages() {
      TestConsumer consumer = consumer().requesting(2);
      consumer.nothing();
      send("a", "b", "c");
      assertThat(consumer.bodies(2)).containsExactly("a", "b");
      consumer.nothing();
    }

    @Test
    void isBoundedByTheUnsettled() {
      send("a", "b", "c");
      TestConsumer consumer = consumer(options().maxUnsettled(2)).unbounded();
      Delivery<byte[]> first = consumer.next();
      consumer.next();
      consumer.nothing();

      first.settlement().settle(ACK);
      assertThat(consumer.bodies(1)).containsExactly("c");
    }

    @ParameterizedTest
    @EnumSource
    void isGivenBackByEveryOutcome(How how) {
      send("a", "b");
      TestConsumer consumer =
          consumer(options().maxUnsettled(1).deadLetters(new DeadLetters())).unbounded();
      Delivery<byte[]> first = consumer.next();
      consumer.nothing();
      first.settlement().settle(how.outcome);
      assertThat(consumer.bodies(1)).containsExactly("b");
    }

    @Test
    void leavesToOthersWhatItDoesNotCover() {
      TestConsumer idle = consumer().requesting(1);
      TestConsumer eager = consumer().unbounded();
      send("a", "b", "c");
      List<String> all = new ArrayList<>(List.of(idle.bodies(1)));
      idle.nothing();
      all.addAll(List.of(eager.bodies(2)));
      assertThat(all).containsExactlyInAnyOrder("a", "b", "c");
    }

    @Test
    void ofAConsumerThatLeftIsPassedOn() {
      TestConsumer leaving = consumer().unbounded();
      TestConsumer staying = consumer().unbounded();
      leaving.cancel();
      send("a");
      assertThat(staying.bodies(1)).containsExactly("a");
    }
  }

  /** Outcomes that leave the head of the queue to the next message. */
  enum How {
    ACKNOWLEDGED(ACK),
    RELEASED(new Outcome.Release(Why.BUSY, Duration.ofHours(1))),
    RETRIED(Outcome.retry(Duration.ofHours(1), null)),
    REJECTED(REJECT);

    final Outcome outcome;

    How(Outcome outcome) {
      this.outcome = outcome;
    }
  }

  @Nested
  class Settling {

    @Test
    void anAckConsumesTheMessage() {
      send("a");
      Delivery<byte[]> delivery = consumer().unbounded().next();
      assertThat(depth()).isZero();
      assertThat(delivery.settlement().settle(ACK)).isTrue();
      StepVerifier.create(delivery.settlement().durable()).expectComplete().verify(TIMEOUT);
      consumers.get(0).cancel();
      consumer().unbounded().nothing();
    }

    @Test
    void aReleasedMessageComesBackUncounted() {
      send("a");
      TestConsumer consumer = consumer().unbounded();
      for (int i = 0; i < 3; i++) {
        Delivery<byte[]> delivery = consumer.next();
        assertThat(delivery.origin().attempt()).isEqualTo(1);
        delivery.settlement().settle(RELEASE);
        StepVerifier.create(delivery.settlement().durable()).expectComplete().verify(TIMEOUT);
      }
    }

    @Test
    void aRetriedMessageComesBackCounted() {
      send("a");
      TestConsumer consumer = consumer().unbounded();
      for (int attempt = 1; attempt <= 3; attempt++) {
        Delivery<byte[]> delivery = consumer.next();
        assertThat(delivery.origin().attempt()).isEqualTo(attempt);
        delivery.settlement().settle(RETRY);
        StepVerifier.create(delivery.settlement().durable()).expectComplete().verify(TIMEOUT);
      }
    }

    @Test
    void aReleaseGivesBackOnlyItsOwnAttempt() {
      send("a");
      TestConsumer consumer = consumer().unbounded();
      consumer.next().settlement().settle(RETRY);
      consumer.next().settlement().settle(RELEASE);
      assertThat(consumer.next().origin().attempt()).isEqualTo(2);
    }

    @Test
    void aLaterDecisionHasNoEffect() {
      send("a");
      TestConsumer consumer = consumer().unbounded();
      Delivery<byte[]> delivery = consumer.next();
      delivery.settlement().settle(ACK);
      assertThat(delivery.settlement().settle(RETRY)).isFalse();
      consumer.nothing();
      assertThat(depth()).isZero();
    }

    @Test
    void everyDeliveryNamesWhereItComesFrom() {
      Receipt receipt = channel.send(message("a")).block();
      Delivery<byte[]> delivery = consumer(options().clock(clock)).unbounded().next();
      assertThat(delivery.origin().channel()).isEqualTo("bags");
      assertThat(delivery.origin().position()).isEqualTo(receipt.position());
      assertThat(delivery.origin().receivedAt()).isEqualTo(clock.instant());
    }
  }

  @Nested
  class Groups {

    @Test
    void keepTheirOrderAndHaveOneMessageOutAtATime() {
      sendToGroup("x", "a", "b", "c");
      TestConsumer consumer = consumer().unbounded();
      for (String expected : List.of("a", "b", "c")) {
        Delivery<byte[]> delivery = consumer.next();
        assertThat(body(delivery)).isEqualTo(expected);
        consumer.nothing();
        delivery.settlement().settle(ACK);
      }
    }

    @Test
    void areExclusiveOverAllConsumers() {
      sendToGroup("x", "a", "b");
      TestConsumer one = consumer().unbounded();
      TestConsumer other = consumer().unbounded();
      Delivery<byte[]> first = one.next();
      other.nothing();
      first.settlement().settle(ACK);
      assertThat(all(one, other)).containsExactly("b");
    }

    @Test
    void doNotHoldUpEachOther() {
      sendToGroup("x", "x1", "x2");
      sendToGroup("y", "y1", "y2");
      send("none");
      TestConsumer consumer = consumer().unbounded();
      assertThat(consumer.bodies(3)).containsExactly("x1", "y1", "none");
      consumer.nothing();
    }

    @Test
    void keepTheirOrderAcrossReleases() {
      keepsOrderAfter(RELEASE);
    }

    @Test
    void keepTheirOrderAcrossRetries() {
      keepsOrderAfter(RETRY);
    }

    @Test
    void waitForARetryWithADelay() {
      sendToGroup("x", "a", "b");
      TestConsumer consumer = consumer().unbounded();
      consumer.next().settlement().settle(Outcome.retry(Duration.ofSeconds(5), null));
      consumer.nothing();
      pass(Duration.ofSeconds(5));
      assertThat(consumer.bodies(1)).containsExactly("a");
      consumer.nothing();
    }

    @Test
    void keepTheirOrderWhenALeaseEnds() {
      sendToGroup("x", "a", "b");
      TestConsumer consumer = consumer().unbounded();
      assertThat(consumer.bodies(1)).containsExactly("a");
      expireLeases();
      Delivery<byte[]> again = consumer.next();
      assertThat(body(again)).isEqualTo("a");
      consumer.nothing();
      again.settlement().settle(ACK);
      assertThat(consumer.bodies(1)).containsExactly("b");
    }

    @Test
    void goOnAfterAReject() {
      sendToGroup("x", "a", "b");
      DeadLetters target = new DeadLetters();
      TestConsumer consumer = consumer(options().deadLetters(target)).unbounded();
      consumer.next().settlement().settle(REJECT);
      assertThat(consumer.bodies(1)).containsExactly("b");
      assertThat(target.letters).hasSize(1);
    }

    private void keepsOrderAfter(Outcome outcome) {
      sendToGroup("x", "a", "b");
      TestConsumer consumer = consumer().unbounded();
      for (int i = 0; i < 3; i++) {
        Delivery<byte[]> delivery = consumer.next();
        assertThat(body(delivery)).isEqualTo("a");
        consumer.nothing();
        delivery.settlement().settle(outcome);
      }
      consumer.next().settlement().settle(ACK);
      assertThat(consumer.bodies(1)).containsExactly("b");
    }
  }

  @Nested
  class Priorities {

    @Test
    void theMostUrgentComesFirstAndOfEqualsTheFirst() {
      channel.send(message("low").withPriority(0)).block();
      send("usual 1", "usual 2");
      channel.send(message("high").withPriority(9)).block();
      assertThat(consumer().unbounded().bodies(4))
          .containsExactly("high", "usual 1", "usual 2", "low");
    }

    @Test
    void nothingIsTakenAheadThatAMoreUrgentOneCouldOvertake() {
      send("a", "b");
      TestConsumer consumer = consumer().requesting(1);
      assertThat(consumer.bodies(1)).containsExactly("a");
      channel.send(message("urgent").withPriority(9)).block();
      consumer.requesting(2);
      assertThat(consumer.bodies(2)).containsExactly("urgent", "b");
    }

    @Test
    void orderWithinAGroupWins() {
      channel.send(message("first").withGroup("x").withPriority(0)).block();
      channel.send(message("second").withGroup("x").withPriority(9)).block();
      send("usual");
      TestConsumer consumer = consumer().requesting(1);
      assertThat(consumer.bodies(1)).containsExactly("usual");
      consumer.requesting(1);
      Delivery<byte[]> first = consumer.next();
      assertThat(body(first)).isEqualTo("first");
      send("usual again");
      first.settlement().settle(ACK);
      consumer.requesting(2);
      assertThat(consumer.bodies(2)).containsExactly("second", "usual again");
    }
  }

  @Nested
  class Delays {

    @Test
    void aRetryIsNotDeliveredBeforeItsDelay() {
      isNotDeliveredBefore(Outcome.retry(Duration.ofSeconds(5), null), Duration.ofSeconds(5));
    }

    @Test
    void aReleaseIsNotDeliveredBeforeItsDelay() {
      isNotDeliveredBefore(
          new Outcome.Release(Why.BUSY, Duration.ofSeconds(5)), Duration.ofSeconds(5));
    }

    @Test
    void othersAreNotHeldUp() {
      send("a", "b");
      TestConsumer consumer = consumer().requesting(1);
      consumer.next().settlement().settle(Outcome.retry(Duration.ofSeconds(5), null));
      consumer.requesting(2);
      assertThat(consumer.bodies(1)).containsExactly("b");
      pass(Duration.ofSeconds(5));
      assertThat(consumer.bodies(1)).containsExactly("a");
    }

    @Test
    void aShorterDelayThatBeginsLaterEndsFirst() {
      send("long", "short");
      TestConsumer consumer = consumer().unbounded();
      Delivery<byte[]> first = consumer.next();
      Delivery<byte[]> second = consumer.next();
      first.settlement().settle(Outcome.retry(Duration.ofSeconds(60), null));
      second.settlement().settle(Outcome.retry(Duration.ofSeconds(1), null));
      pass(Duration.ofSeconds(1));
      assertThat(consumer.bodies(1)).containsExactly("short");
      consumer.nothing();
      pass(Duration.ofSeconds(59));
      assertThat(consumer.bodies(1)).containsExactly("long");
    }

    @Test
    void aDelayOfAgesIsADelay() {
      send("a");
      TestConsumer consumer = consumer().unbounded();
      Duration ages = Duration.ofSeconds(Long.MAX_VALUE);
      consumer.next().settlement().settle(Outcome.retry(ages, null));
      pass(Duration.ofDays(365));
      consumer.nothing();
      assertThat(depth()).isEqualTo(1);
    }

    private void isNotDeliveredBefore(Outcome outcome, Duration delay) {
      send("a");
      TestConsumer consumer = consumer().unbounded();
      consumer.next().settlement().settle(outcome);
      assertThat(depth()).isEqualTo(1);
      pass(delay.minusMillis(1));
      consumer.nothing();
      pass(Duration.ofMillis(1));
      assertThat(consumer.bodies(1)).containsExactly("a");
    }
  }

  @Nested
  class Expiry {

    @Test
    void anExpiredMessageIsRejectedAndNotDelivered() {
      channel.send(message("old").expiringAt(clock.instant())).block();
      channel.send(message("fresh").expiringAt(clock.instant().plusMillis(1))).block();
      DeadLetters target = new DeadLetters();
      TestConsumer consumer = consumer(options().clock(clock).deadLetters(target)).requesting(1);
      assertThat(consumer.bodies(1)).containsExactly("fresh");
      assertThat(target.letters)
          .singleElement()
          .satisfies(
              letter -> {
                assertThat(letter.payload()).isEqualTo("old".getBytes(StandardCharsets.UTF_8));
                assertThat(letter.headers().get("sl-dl-reason")).isEqualTo("EXPIRED");
              });
      assertThat(depth()).isZero();
    }

    @Test
    void countsAsUnsettledUntilTheDeadLetterIsConfirmed() {
      channel.send(message("old").expiringAt(clock.instant())).block();
      send("a");
      DeadLetters target = new DeadLetters().down();
      TestConsumer consumer =
          consumer(options().clock(clock).maxUnsettled(1).deadLetters(target)).unbounded();
      consumer.nothing();
      target.up();
      assertThat(consumer.bodies(1)).containsExactly("a");
    }

    @Test
    void withoutATargetTheConsumerStopsAndNothingIsConsumed() {
      channel.send(message("old").expiringAt(clock.instant())).block();
      TestConsumer consumer = consumer(options().clock(clock)).unbounded();
      assertThat(consumer.failure())
          .isInstanceOf(NoDeadLetterTarget.class)
          .hasMessageContaining("EXPIRED");
      assertThat(depth()).isEqualTo(1);

      DeadLetters target = new DeadLetters();
      consumer(options().clock(clock).deadLetters(target)).unbounded();
      assertThat(target.letters)
          .singleElement()
          .satisfies(letter -> assertThat(letter.headers().get("sl-dl-attempt")).isEqualTo("1"));
      assertThat(depth()).isZero();
    }

    @Test
    void isJudgedWhenTheTurnComes() {
      channel.send(message("a").expiringAt(clock.instant().plusMillis(1))).block();
      TestConsumer consumer = consumer(options().clock(clock)).unbounded();
      consumer.next().settlement().settle(Outcome.retry(Duration.ofHours(1), null));
      Instant later = clock.instant().plusSeconds(3600);
      DeadLetters target = new DeadLetters();
      consumer.cancel();
      consumer(options().clock(Clock.fixed(later, ZoneOffset.UTC)).deadLetters(target)).unbounded();
      pass(Duration.ofHours(1));
      assertThat(target.letters).hasSize(1);
    }
  }

  @Nested
  class Leases {

    @Test
    void aDeliveryThatIsNotSettledInTimeGoesToAnotherConsumerCounted() {
      send("a");
      TestConsumer one = consumer(options().maxUnsettled(1)).unbounded();
      Delivery<byte[]> lost = one.next();
      TestConsumer other = consumer().unbounded();

      pass(maxLease().minusNanos(1));
      other.nothing();
      pass(Duration.ofNanos(1));

      Delivery<byte[]> again = other.next();
      assertThat(again.origin().attempt()).isEqualTo(2);
      assertThat(again.origin().epoch()).isGreaterThan(lost.origin().epoch());
      assertThat(lost.settlement().isLost()).isTrue();
      lost.settlement().settle(Outcome.release(Why.LOST));
    }

    @Test
    void theHolderIsToldOfTheLoss() {
      send("a");
      Delivery<byte[]> lost = consumer().requesting(1).next();
      StepVerifier told =
          StepVerifier.create(lost.settlement().lost()).expectComplete().verifyLater();
      expireLeases();
      told.verify(TIMEOUT);
      assertThat(lost.settlement().settle(Outcome.release(Why.LOST))).isTrue();
    }

    @Test
    void aSettlementAfterTheLossHasNoEffect() {
      for (Outcome outcome : List.of(ACK, RELEASE, RETRY, REJECT)) {
        Channel fresh = channel();
        fresh.send(message("a")).block();
        DeadLetters target = new DeadLetters();
        TestConsumer one = consumer(fresh, options().deadLetters(target)).requesting(1);
        Delivery<byte[]> stale = one.next();
        expireLeases(fresh);
        Delivery<byte[]> current = consumer(fresh, options()).requesting(1).next();

        assertThat(stale.settlement().settle(outcome)).isTrue();

        StepVerifier.create(stale.settlement().durable())
            .expectError(StaleDelivery.class)
            .verify(TIMEOUT);
        assertThat(target.letters).isEmpty();
        assertThat(depth(fresh)).isZero();
        assertThat(current.settlement().isLost()).isFalse();
        current.settlement().settle(ACK);
        StepVerifier.create(current.settlement().durable()).expectComplete().verify(TIMEOUT);
      }
    }

    @Test
    void aLostDeliveryCountsAsUnsettledUntilItsHolderLetsGo() {
      send("a");
      TestConsumer consumer = consumer(options().maxUnsettled(1)).unbounded();
      Delivery<byte[]> lost = consumer.next();
      expireLeases();
      consumer.nothing();
      lost.settlement().settle(Outcome.release(Why.LOST));
      assertThat(consumer.next().origin().attempt()).isEqualTo(2);
    }

    @Test
    void thatIsDecidedDoesNotEndWhileItsDeadLetterIsOnTheWay() {
      send("a");
      DeadLetters target = new DeadLetters().down();
      TestConsumer consumer = consumer(options().deadLetters(target)).requesting(1);
      Delivery<byte[]> rejected = consumer.next();
      rejected.settlement().settle(REJECT);
      TestConsumer other = consumer().unbounded();

      pass(maxLease().multipliedBy(3));
      expireLeases();
      other.nothing();
      assertThat(rejected.settlement().isLost()).isFalse();

      target.up();
      assertThat(target.letters).hasSize(1);
      other.nothing();
      assertThat(depth()).isZero();
    }

    @Test
    void beginsAnewWithEachHandOut() {
      send("a");
      TestConsumer consumer = consumer().unbounded();
      pass(maxLease().dividedBy(2));
      consumer.next().settlement().settle(RELEASE);
      Delivery<byte[]> again = consumer.next();
      pass(maxLease().minusMillis(1));
      consumer.nothing();
      assertThat(again.settlement().isLost()).isFalse();
    }

    @Test
    void thatCouldNotBeSettledAnyMoreEndsOnlyOnce() {
      send("a");
      TestConsumer consumer = consumer().unbounded();
      Delivery<byte[]> first = consumer.next();
      expireLeases();
      Delivery<byte[]> second = consumer.next();
      first.settlement().settle(ACK);
      expireLeases();
      Delivery<byte[]> third = consumer.next();
      assertThat(third.origin().attempt()).isEqualTo(3);
      assertThat(List.of(first, second, third))
          .extracting(delivery -> delivery.origin().epoch())
          .isSorted()
          .doesNotHaveDuplicates();
    }
  }

  @Nested
  class Rejecting {

    @Test
    void consumesTheMessageOnlyWhenTheDeadLetterIsConfirmed() {
      send("a");
      DeadLetters target = new DeadLetters().down();
      Delivery<byte[]> rejected = consumer(options().deadLetters(target)).unbounded().next();
      AtomicInteger done = new AtomicInteger();
      rejected.settlement().onDone(outcome -> done.incrementAndGet());
      rejected.settlement().settle(REJECT);
      assertThat(target.attempts).isEqualTo(1);
      assertThat(done).hasValue(0);

      target.up();
      assertThat(done).hasValue(1);
      StepVerifier.create(rejected.settlement().durable()).expectComplete().verify(TIMEOUT);
      assertThat(depth()).isZero();
    }

    @Test
    void keepsTheWindowFullWhileTheTargetIsDown() {
      send("a", "b", "c");
      DeadLetters target = new DeadLetters().down();
      TestConsumer consumer = consumer(options().maxUnsettled(2).deadLetters(target)).unbounded();
      consumer.next().settlement().settle(REJECT);
      consumer.next().settlement().settle(REJECT);
      consumer.nothing();
      assertThat(depth()).isEqualTo(1);

      target.up();
      assertThat(consumer.bodies(1)).containsExactly("c");
      assertThat(target.letters).hasSize(2);
    }

    @Test
    void withoutATargetStopsTheConsumerAndConsumesNothing() {
      send("a", "b");
      TestConsumer consumer = consumer().unbounded();
      Delivery<byte[]> rejected = consumer.next();
      Delivery<byte[]> other = consumer.next();

      rejected.settlement().settle(REJECT);

      assertThat(consumer.failure())
          .isInstanceOf(NoDeadLetterTarget.class)
          .hasMessageContaining("bags 1")
          .hasMessageContaining("POISON");
      consumer.nothing();
      StepVerifier.create(rejected.settlement().durable())
          .expectError(StaleDelivery.class)
          .verify(TIMEOUT);
      assertThat(other.settlement().outcome()).isEqualTo(Outcome.release(Why.STOPPED));
      assertThat(depth()).isEqualTo(2);
      TestConsumer next = consumer().unbounded();
      assertThat(next.next().origin().attempt()).isEqualTo(2);
      assertThat(next.next().origin().attempt()).isEqualTo(1);
    }

    @Test
    void aDeadLetterIsTheMessageWithTheFactsOfItsRejection() {
      send("a");
      DeadLetters target = new DeadLetters();
      TestConsumer consumer = consumer(options().deadLetters(target)).unbounded();
      consumer.next().settlement().settle(RETRY);
      consumer.next().settlement().settle(REJECT);
      Message<byte[]> letter = target.letters.get(0);
      assertThat(letter.payload()).isEqualTo("a".getBytes(StandardCharsets.UTF_8));
      assertThat(letter.headers().get("sl-dl-reason")).isEqualTo("POISON");
      assertThat(letter.headers().get("sl-dl-channel")).isEqualTo("bags");
      assertThat(letter.headers().get("sl-dl-position")).isEqualTo("1");
      assertThat(letter.headers().get("sl-dl-attempt")).isEqualTo("2");
    }

    @Test
    void canGoToAnotherChannelOfTheSameKind() {
      Channel dead = channel();
      channel.send(message("a").expiringAt(clock.instant())).block();
      consumer(options().clock(clock).deadLetters(dead)).unbounded();
      assertThat(consumer(dead, options().clock(clock)).unbounded().bodies(1)).containsExactly("a");
    }
  }

  @Nested
  class Stopping {

    private final Sinks.One<Duration> stop = Sinks.one();

    @Test
    void completesAtOnceWhenNothingIsOut() {
      TestConsumer consumer = consumer(options().stop(stop.asMono())).unbounded();
      consumer.notEnded();
      stop.tryEmitValue(Duration.ofSeconds(10));
      consumer.completed();
    }

    @Test
    void takesNoNewMessagesAndWaitsForThoseThatAreOut() {
      send("a");
      TestConsumer consumer = consumer(options().stop(stop.asMono())).unbounded();
      Delivery<byte[]> out = consumer.next();
      stop.tryEmitValue(Duration.ofSeconds(10));
      send("b");
      consumer.nothing();
      consumer.notEnded();

      pass(Duration.ofSeconds(9));
      consumer.notEnded();
      out.settlement().settle(ACK);

      consumer.completed();
      assertThat(depth()).isEqualTo(1);
    }

    @Test
    void takesBackWhatIsUndecidedWhenTheTimeIsOver() {
      send("a");
      TestConsumer consumer = consumer(options().stop(stop.asMono())).unbounded();
      Delivery<byte[]> out = consumer.next();
      StepVerifier lost =
          StepVerifier.create(out.settlement().lost()).expectComplete().verifyLater();
      stop.tryEmitValue(Duration.ofSeconds(10));

      pass(Duration.ofSeconds(10));

      consumer.completed();
      lost.verify(TIMEOUT);
      assertThat(out.settlement().settle(ACK)).isFalse();
      assertThat(out.settlement().outcome()).isEqualTo(Outcome.release(Why.STOPPED));
      assertThat(depth()).isEqualTo(1);
      assertThat(consumer().unbounded().next().origin().attempt()).isEqualTo(1);
    }

    @Test
    void aRetryDuringTheStopGoesBackAndIsNotTakenAgain() {
      send("a");
      TestConsumer consumer = consumer(options().stop(stop.asMono())).unbounded();
      Delivery<byte[]> out = consumer.next();
      stop.tryEmitValue(Duration.ofSeconds(10));
      out.settlement().settle(RETRY);
      consumer.completed();
      consumer.nothing();
      assertThat(depth()).isEqualTo(1);
    }

    @Test
    void waitsForADeadLetterAndThenGivesUp() {
      send("a");
      DeadLetters target = new DeadLetters().down();
      TestConsumer consumer =
          consumer(options().stop(stop.asMono()).deadLetters(target)).unbounded();
      Delivery<byte[]> out = consumer.next();
      out.settlement().settle(REJECT);
      stop.tryEmitValue(Duration.ofSeconds(5));

      pass(Duration.ofSeconds(5).plus(MemoryConsumer.FLUSH).minusMillis(1));
      consumer.notEnded();
      pass(Duration.ofMillis(1));

      consumer.completed();
      target.up();
      assertThat(target.letters).isEmpty();
      StepVerifier.create(out.settlement().durable())
          .expectError(StaleDelivery.class)
          .verify(TIMEOUT);
      assertThat(consumer().unbounded().next().origin().attempt()).isEqualTo(2);
    }

    @Test
    void letsADeadLetterThatIsConfirmedInTimeTakeEffect() {
      send("a");
      DeadLetters target = new DeadLetters().down();
      TestConsumer consumer =
          consumer(options().stop(stop.asMono()).deadLetters(target)).unbounded();
      consumer.next().settlement().settle(REJECT);
      stop.tryEmitValue(Duration.ZERO);
      consumer.notEnded();
      target.up();
      consumer.completed();
      assertThat(depth()).isZero();
    }

    @Test
    void anEmptyOrFailedSignalIsAStopWithoutTime() {
      for (Mono<Duration> signal :
          List.<Mono<Duration>>of(Mono.empty(), Mono.error(new IllegalStateException()))) {
        TestConsumer consumer = consumer(options().stop(signal)).unbounded();
        consumer.completed();
      }
    }

    @Test
    void aNegativeTimeIsNone() {
      send("a");
      TestConsumer consumer = consumer(options().stop(stop.asMono())).unbounded();
      consumer.next();
      stop.tryEmitValue(Duration.ofSeconds(-1));
      consumer.completed();
      assertThat(depth()).isEqualTo(1);
    }

    @Test
    void aLostDeliveryDoesNotKeepTheConsumerFromEnding() {
      send("a");
      TestConsumer consumer = consumer(options().stop(stop.asMono())).requesting(1);
      consumer.next();
      expireLeases();
      stop.tryEmitValue(Duration.ofSeconds(1));
      consumer.notEnded();
      pass(Duration.ofSeconds(1));
      consumer.completed();
    }

    @Test
    void canBeFollowedByACancel() {
      send("a");
      TestConsumer consumer = consumer(options().stop(stop.asMono())).unbounded();
      Delivery<byte[]> out = consumer.next();
      stop.tryEmitValue(Duration.ofSeconds(10));
      consumer.cancel();
      assertThat(out.settlement().outcome()).isEqualTo(Outcome.release(Why.CANCELLED));
      assertThat(depth()).isEqualTo(1);
    }
  }

  @Nested
  class Cancelling {

    @Test
    void takesBackWhatIsUndecidedUncounted() {
      send("a", "b");
      TestConsumer consumer = consumer().unbounded();
      Delivery<byte[]> first = consumer.next();
      Delivery<byte[]> second = consumer.next();

      consumer.cancel();

      for (Delivery<byte[]> delivery : List.of(first, second)) {
        assertThat(delivery.settlement().settle(ACK)).isFalse();
        assertThat(delivery.settlement().outcome()).isEqualTo(Outcome.release(Why.CANCELLED));
        assertThat(delivery.settlement().isLost()).isTrue();
      }
      TestConsumer next = consumer().unbounded();
      assertThat(next.next().origin().attempt()).isEqualTo(1);
      assertThat(next.next().origin().attempt()).isEqualTo(1);
    }

    @Test
    void fromInsideOnNextWorksToo() {
      send("a", "b");
      List<Delivery<byte[]>> taken = new ArrayList<>();
      channel
          .receive(options())
          .take(1)
          .doOnNext(taken::add)
          .as(StepVerifier::create)
          .expectNextCount(1)
          .expectComplete()
          .verify(TIMEOUT);
      assertThat(taken)
          .singleElement()
          .satisfies(
              delivery ->
                  assertThat(delivery.settlement().outcome())
                      .isEqualTo(Outcome.release(Why.CANCELLED)));
      assertThat(depth()).isEqualTo(2);
    }

    @Test
    void takesBackWhatWaitsInAQueueOnItsWay() {
      send("a", "b", "c");
      List<Object> discarded = new ArrayList<>();
      channel
          .receive(options())
          .publishOn(Schedulers.immediate())
          .doOnDiscard(Delivery.class, discarded::add)
          .as(deliveries -> StepVerifier.create(deliveries, 0))
          .then(() -> assertThat(depth()).isZero())
          .thenCancel()
          .verify(TIMEOUT);
      assertThat(discarded).hasSize(3);
      assertThat(depth()).isEqualTo(3);
    }

    @Test
    void letsADeadLetterOnItsWayTakeEffect() {
      send("a");
      DeadLetters target = new DeadLetters().down();
      TestConsumer consumer = consumer(options().deadLetters(target)).unbounded();
      Delivery<byte[]> rejected = consumer.next();
      rejected.settlement().settle(REJECT);
      consumer.cancel();
      assertThat(rejected.settlement().isLost()).isFalse();

      pass(MemoryConsumer.FLUSH.minusMillis(1));
      target.up();

      assertThat(target.letters).hasSize(1);
      StepVerifier.create(rejected.settlement().durable()).expectComplete().verify(TIMEOUT);
      assertThat(depth()).isZero();
    }

    @Test
    void takesBackWhatIsDecidedAfterAWhile() {
      send("a");
      DeadLetters target = new DeadLetters().down();
      TestConsumer consumer = consumer(options().deadLetters(target)).unbounded();
      Delivery<byte[]> rejected = consumer.next();
      rejected.settlement().settle(REJECT);
      consumer.cancel();

      pass(MemoryConsumer.FLUSH);

      assertThat(target.cancelled).isEqualTo(1);
      assertThat(rejected.settlement().isLost()).isTrue();
      assertThat(depth()).isEqualTo(1);
    }

    @Test
    void stopsListeningToTheStop() {
      TestPublisher<Duration> stop = TestPublisher.create();
      TestConsumer consumer = consumer(options().stop(stop.mono())).unbounded();
      stop.assertSubscribers(1);
      consumer.cancel();
      stop.assertCancelled();
    }

    @Test
    void passesTheMessagesToAWaitingConsumer() {
      sendToGroup("x", "a");
      TestConsumer leaving = consumer().unbounded();
      leaving.next();
      TestConsumer waiting = consumer().unbounded();
      waiting.nothing();
      leaving.cancel();
      assertThat(waiting.bodies(1)).containsExactly("a");
    }
  }

  @Nested
  class Crashing {

    @Test
    void cutsOffEveryConsumerAndCountsWhatItHeld() {
      send("a");
      TestConsumer one = consumer().requesting(1);
      TestConsumer other = consumer().unbounded();
      Delivery<byte[]> held = one.next();

      assertThat(((MemoryChannel) channel).crashConsumers()).isEqualTo(2);

      assertThat(held.settlement().isLost()).isTrue();
      assertThat(((MemoryChannel) channel).stats().consumers()).isZero();
      send("b");
      one.nothing();
      one.notEnded();
      other.nothing();
      other.notEnded();
      TestConsumer next = consumer().unbounded();
      assertThat(next.next().origin().attempt()).isEqualTo(2);
      assertThat(next.bodies(1)).containsExactly("b");
      assertThat(((MemoryChannel) channel).crashConsumers()).isEqualTo(1); // the dead die once
    }

    @Test
    void forgetsADeadLetterThatIsNotConfirmed() {
      send("a");
      DeadLetters target = new DeadLetters().down();
      Delivery<byte[]> rejected = consumer(options().deadLetters(target)).unbounded().next();
      rejected.settlement().settle(REJECT);
      ((MemoryChannel) channel).crashConsumers();
      assertThat(target.cancelled).isEqualTo(1);
      assertThat(rejected.settlement().isLost()).isTrue();
      assertThat(consumer().unbounded().next().origin().attempt()).isEqualTo(2);
    }

    @Test
    void catchesWhoIsAboutToEnd() {
      send("a", "b");
      DeadLetters target = new DeadLetters().down();
      Sinks.One<Duration> stop = Sinks.one();
      TestConsumer stopping =
          consumer(options().deadLetters(target).stop(stop.asMono())).requesting(1);
      TestConsumer cancelled = consumer(options().deadLetters(target)).requesting(1);
      stopping.next().settlement().settle(REJECT);
      cancelled.next().settlement().settle(REJECT);
      stop.tryEmitValue(Duration.ofMinutes(1));
      cancelled.cancel();
      assertThat(((MemoryChannel) channel).crashConsumers()).isEqualTo(2);
      stopping.notEnded();
      assertThat(depth()).isEqualTo(2);
      target.up();
      assertThat(target.letters).isEmpty();
    }
  }

  @Nested
  class Depth {

    @Test
    void countsWhatWaitsAndWhatIsDelayedButNotWhatIsOut() {
      send("a", "b");
      sendToGroup("x", "x1", "x2");
      assertThat(depth()).isEqualTo(4);

      TestConsumer consumer = consumer().requesting(2);
      Delivery<byte[]> a = consumer.next();
      consumer.next();
      assertThat(depth()).isEqualTo(2);

      a.settlement().settle(Outcome.retry(Duration.ofSeconds(1), null));
      assertThat(depth()).isEqualTo(3);
    }

    @Test
    void isReadWhenSubscribedTo() {
      Mono<Long> depth = channel.depth();
      send("a");
      StepVerifier.create(depth).expectNext(1L).expectComplete().verify(TIMEOUT);
    }
  }

  @Test
  void declaresWhatItCanDo() {
    assertThat(channel.name()).isEqualTo("bags");
    assertThat(channel.info().capabilities())
        .containsExactlyInAnyOrder(
            Capability.ORDERED_GROUPS,
            Capability.EXCLUSIVE_GROUPS,
            Capability.PRIORITY,
            Capability.DELAY,
            Capability.EXPIRY,
            Capability.LEASES,
            Capability.DEPTH,
            Capability.BROWSE,
            Capability.REDELIVERY_COUNT);
  }

  // == hooks: what another channel would do differently ==

  private final VirtualTimeScheduler time = VirtualTimeScheduler.create();
  private final Clock clock = Clock.fixed(Instant.parse("2026-01-01T00:00:00Z"), ZoneOffset.UTC);
  private final Channel channel = channel();

  private Channel channel() {
    return MemoryChannel.create("bags", spec -> spec.scheduler(time).maxLease(maxLease()));
  }

  private Duration maxLease() {
    return Duration.ofMinutes(5);
  }

  private void pass(Duration duration) {
    time.advanceTimeBy(duration);
  }

  private void expireLeases() {
    expireLeases(channel);
  }

  private void expireLeases(Channel of) {
    ((MemoryChannel) of).expireLeases();
  }

  // == helpers ==

  private static ReceiveOptions options() {
    return ReceiveOptions.defaults();
  }

  private TestConsumer consumer() {
    return consumer(options());
  }

  private TestConsumer consumer(ReceiveOptions options) {
    return consumer(channel, options);
  }

  private TestConsumer consumer(Channel of, ReceiveOptions options) {
    TestConsumer consumer = TestConsumer.of(of, options);
    consumers.add(consumer);
    return consumer;
  }

  private void send(String... bodies) {
    for (String body : bodies) {
      channel.send(message(body)).block();
    }
  }

  private void sendToGroup(String group, String... bodies) {
    for (String body : bodies) {
      channel.send(message(body).withGroup(group)).block();
    }
  }

  private long depth() {
    return depth(channel);
  }

  private static long depth(Channel of) {
    return of.depth().block();
  }

  private static List<String> all(TestConsumer... from) {
    List<String> bodies = new ArrayList<>();
    for (TestConsumer consumer : from) {
      consumer.drain().forEach(delivery -> bodies.add(body(delivery)));
    }
    return bodies;
  }

  static Message<byte[]> message(String body) {
    return Message.of(body.getBytes(StandardCharsets.UTF_8));
  }

  /** A target for dead letters that can be down: then it takes the call and does not answer. */
  private static final class DeadLetters implements Outbound<byte[]> {

    final List<Message<byte[]>> letters = new ArrayList<>();
    int attempts;
    int cancelled;
    private Sinks.Empty<Void> gate = Sinks.empty();

    DeadLetters() {
      up();
    }

    DeadLetters down() {
      gate = Sinks.empty();
      return this;
    }

    void up() {
      gate.tryEmitEmpty();
    }

    @Override
    public String name() {
      return "dead";
    }

    @Override
    public Mono<Receipt> send(Message<byte[]> message) {
      return Mono.defer(
          () -> {
            attempts++;
            return gate.asMono()
                .then(Mono.fromSupplier(() -> accept(message)))
                .doOnCancel(() -> cancelled++);
          });
    }

    private Receipt accept(Message<byte[]> message) {
      letters.add(message);
      return new Receipt("dead", message.id(), Integer.toString(letters.size()));
    }
  }
}

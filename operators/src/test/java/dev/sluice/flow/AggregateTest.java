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

import dev.sluice.channel.Capability;
import dev.sluice.channel.ChannelInfo;
import dev.sluice.channel.FlowHandle;
import dev.sluice.channel.FlowHandle.State;
import dev.sluice.channel.Inbound;
import dev.sluice.channel.Receipt;
import dev.sluice.channel.ReceiveOptions;
import dev.sluice.channel.SendFailed;
import dev.sluice.delivery.DeadLetterReason;
import dev.sluice.delivery.Delivery;
import dev.sluice.delivery.Outcome;
import dev.sluice.delivery.Outcome.Release.Why;
import dev.sluice.message.Message;
import dev.sluice.message.MessageIds;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.core.scheduler.Scheduler;

/** What an aggregate does with its members. Lists are sent as words: "a1 a2". */
class AggregateTest extends FlowFixture {

  private static final Duration SECOND = Duration.ofSeconds(1);

  private final Map<String, Sinks.One<Receipt>> receipts = new HashMap<>();

  private static String words(List<String> payloads) {
    return String.join(" ", payloads);
  }

  private RunnableFlow pairs() {
    return flow().aggregate(2, SECOND).map(AggregateTest::words).to(target);
  }

  /** Sends wait until the test says how they end. */
  private void hold() {
    shipments.onSend(
        (message, accepted) ->
            receipts
                .computeIfAbsent(text(message), text -> Sinks.one())
                .asMono()
                .flatMap(receipt -> accepted));
  }

  private void confirm(String list) {
    receipts.get(list).tryEmitValue(new Receipt("shipments", list, "0")).orThrow();
  }

  private void refuse(String list, RuntimeException error) {
    receipts.get(list).tryEmitError(error).orThrow();
  }

  private static RuntimeException poison() {
    return SendFailed.permanent("shipments", "no", null);
  }

  @Nested
  class Lists {

    @Test
    void areClosedWhenTheyAreFull() {
      FlowHandle handle = pairs().start();
      source.offer("a1", "b1", "a2");
      assertThat(shipments.sentTexts()).containsExactly("a1 b1");
      assertThat(source.outcomes("a1")).containsExactly(ACK);
      assertThat(source.outcomes("b1")).containsExactly(ACK);
      assertThat(source.outcomes("a2")).containsOnlyNulls();
      source.offer("b2");
      assertThat(shipments.sentTexts()).containsExactly("a1 b1", "a2 b2");
      assertSettled(handle);
    }

    @Test
    void areClosedWhenTheFirstMemberHasWaitedLongEnough() {
      pairs().start();
      source.offer("a1");
      time.advanceTimeBy(Duration.ofMillis(999));
      assertThat(shipments.sentTexts()).isEmpty();
      time.advanceTimeBy(Duration.ofMillis(1));
      assertThat(shipments.sentTexts()).containsExactly("a1");

      source.offer("a2");
      time.advanceTimeBy(Duration.ofMillis(999));
      assertThat(shipments.sentTexts()).hasSize(1);
      source.offer("a3");
      assertThat(shipments.sentTexts()).containsExactly("a1", "a2 a3");
    }

    @Test
    void haveATimeOfTheirOwn() {
      flow()
          .aggregate(9, SECOND, spec -> spec.by(Message::group, 9))
          .map(AggregateTest::words)
          .to(target)
          .start();
      source.offer("a1");
      time.advanceTimeBy(Duration.ofMillis(600));
      source.offer("b1", "a2");
      time.advanceTimeBy(Duration.ofMillis(400));
      assertThat(shipments.sentTexts()).containsExactly("a1 a2");
      time.advanceTimeBy(Duration.ofMillis(599));
      assertThat(shipments.sentTexts()).hasSize(1);
      time.advanceTimeBy(Duration.ofMillis(1));
      assertThat(shipments.sentTexts()).containsExactly("a1 a2", "b1");
    }

    @Test
    void ofOneMemberNeedNoTime() {
      flow().aggregate(1, SECOND).map(AggregateTest::words).to(target).start();
      source.offer("a1", "a2");
      assertThat(shipments.sentTexts()).containsExactly("a1", "a2");
    }

    @Test
    void areMadeForEachKeyAndTheOldestIsClosedForOneTooMany() {
      flow()
          .aggregate(3, SECOND, spec -> spec.by(m -> m.payload().charAt(0), 2))
          .map(AggregateTest::words)
          .to(target)
          .start();
      source.offer("a1", "b1", "a2");
      assertThat(shipments.sentTexts()).isEmpty();
      source.offer("c1");
      assertThat(shipments.sentTexts()).containsExactly("a1 a2");
      source.offer("b2", "b3");
      assertThat(shipments.sentTexts()).containsExactly("a1 a2", "b1 b2 b3");
      time.advanceTimeBy(SECOND);
      assertThat(shipments.sentTexts()).containsExactly("a1 a2", "b1 b2 b3", "c1");
    }

    @Test
    void mayHaveNoKeyAndKeysOfBytes() {
      flow()
          .aggregate(
              2,
              SECOND,
              spec ->
                  spec.by(
                      m ->
                          m.payload().startsWith("n")
                              ? null
                              : new byte[] {(byte) m.payload().charAt(0)},
                      3))
          .map(AggregateTest::words)
          .to(target)
          .start();
      source.offer("a1", "n1", "a2", "n2");
      assertThat(shipments.sentTexts()).containsExactly("a1 a2", "n1 n2");
    }

    @Test
    void areMessages() {
      List<Message<List<Message<String>>>> lists = new ArrayList<>();
      flow()
          .aggregateMessages(2, SECOND, spec -> spec)
          .<List<Message<String>>>transformDeliveries(
              all -> all.doOnNext(delivery -> lists.add(delivery.message())))
          .start();
      Message<byte[]> one = message("a1").withPriority(3).expiring(Duration.ofDays(9));
      Message<byte[]> other = message("a2").withPriority(8);
      source.offer(one);
      source.offer(other);
      Message<List<Message<String>>> list = lists.get(0);
      assertThat(list.payload()).extracting(Message::id).containsExactly(one.id(), other.id());
      assertThat(list.id()).isEqualTo(MessageIds.derived(one.id(), one.id() + "," + other.id()));
      assertThat(list.group()).isEqualTo("a");
      assertThat(list.priority()).isEqualTo(8);
      assertThat(list.expiresAt()).isEqualTo(one.expiresAt());
    }
  }

  @Nested
  class Outcomes {

    @Test
    void membersWaitForTheWorkOnTheirList() {
      hold();
      FlowHandle handle = pairs().start();
      source.offer("a1", "a2");
      assertThat(handle.stats().unsettled()).isEqualTo(2);
      confirm("a1 a2");
      assertThat(handle.stats().acknowledged()).isEqualTo(2);
    }

    @Test
    void whatMayPassIsRetriedByAllAndTheyAreCollectedAnew() {
      hold();
      FlowHandle handle = pairs().start();
      source.offer("a1", "a2");
      refuse("a1 a2", transientError());
      receipts.clear();
      time.advanceTimeBy(SECOND);
      confirm("a1 a2");
      assertThat(handle.stats().retried()).isEqualTo(2);
      assertThat(handle.stats().acknowledged()).isEqualTo(2);
      assertThat(shipments.attempted().get(1).id()).isEqualTo(shipments.attempted().get(0).id());
      assertSettled(handle);
    }

    @Test
    void poisonRejectsAll() {
      hold();
      FlowHandle handle = pairs().start();
      source.offer("a1", "a2");
      refuse("a1 a2", poison());
      assertDeadLetters(DeadLetterReason.POISON, "a1", "a2");
      assertSettled(handle);
    }

    @Test
    void whatMayPassRejectsAllWhereMembersMustNotBeCollectedAnew() {
      hold();
      flow()
          .aggregate(2, SECOND, spec -> spec.rejectAll())
          .map(AggregateTest::words)
          .to(target)
          .start();
      source.offer("a1", "a2");
      refuse("a1 a2", transientError());
      assertDeadLetters(DeadLetterReason.ATTEMPTS_EXHAUSTED, "a1", "a2");
    }

    /** It is the member's attempts that are used up, not those of whom it met. */
    @Test
    void aMemberWithoutAttemptsLeftIsRejectedAloneWhenItComesBack() {
      hold();
      pairs().start();
      source.offer(message("a1"), 3); // its last attempt
      source.offer("a2");
      refuse("a1 a2", transientError());
      time.advanceTimeBy(SECOND);
      assertDeadLetters(DeadLetterReason.ATTEMPTS_EXHAUSTED, "a1");
      time.advanceTimeBy(SECOND);
      confirm("a2");
      assertThat(source.outcomes("a2")).last().isEqualTo(ACK);
    }

    @Test
    void failedChildrenOfTheListAreNotChildrenOfAMember() {
      flow()
          .aggregate(2, SECOND)
          .splitIterable(list -> list)
          .map(text -> text.equals("a1") ? text : Integer.toString(Integer.parseInt(text)))
          .to(target)
          .start();
      source.offer("a1", "a2");
      assertThat(shipments.sentTexts()).containsExactly("a1");
      assertDeadLetters(DeadLetterReason.POISON, "a1", "a2");
      assertThat(deadLetters.sent())
          .noneMatch(letter -> letter.headers().contains("sl-failed-children"));
    }

    @Test
    void partsMayBeCollected() {
      flow()
          .splitIterable(text -> List.of(text + "x", text + "y"))
          .aggregate(3, SECOND)
          .map(AggregateTest::words)
          .to(target)
          .start();
      source.offer("a1", "a2");
      assertThat(source.outcomes("a1")).containsExactly(ACK);
      assertThat(source.outcomes("a2")).containsOnlyNulls();
      time.advanceTimeBy(SECOND);
      assertThat(shipments.sentTexts()).containsExactly("a1x a1y a2x", "a2y");
      assertThat(source.outcomes("a2")).containsExactly(ACK);
    }

    @Test
    void aKeyThatCannotBeToldIsTheFateOfOneMessage() {
      flow()
          .aggregate(2, SECOND, spec -> spec.by(m -> 6 / (m.payload().charAt(1) - '1'), 9))
          .map(AggregateTest::words)
          .to(target)
          .start();
      source.offer("a1", "a2", "b2");
      assertDeadLetters(DeadLetterReason.POISON, "a1");
      assertThat(shipments.sentTexts()).containsExactly("a2 b2");
    }

    @Test
    void aFatalErrorEndsTheFlowAndGivesAllBack() {
      FlowHandle handle =
          flow()
              .aggregate(2, SECOND)
              .<String>map(
                  list -> {
                    throw new NoClassDefFoundError("boom");
                  })
              .to(target)
              .start();
      source.offer("a1", "a2", "a3");
      assertThat(handle.stats().state()).isEqualTo(State.FAILED);
      assertThat(source.waitingTexts()).containsExactly("a1", "a2", "a3");
      assertSettled(handle);
    }
  }

  @Nested
  class Waiting {

    @Test
    void doesNotKeepAMemberFromExpiringAlone() {
      FlowHandle handle = pairs().start();
      source.offer(message("a1").expiringAt(clock.instant().plusMillis(500)));
      time.advanceTimeBy(Duration.ofMillis(500));
      source.offer("a2");
      assertThat(shipments.sentTexts()).containsExactly("a2");
      assertDeadLetters(DeadLetterReason.EXPIRED, "a1");
      assertSettled(handle);
    }

    @Test
    void ofMembersThatAreAllGoneGivesNoList() {
      FlowHandle handle = pairs().start();
      source.offer(message("a1").expiringAt(clock.instant().plusMillis(500)));
      time.advanceTimeBy(SECOND);
      assertThat(shipments.attempted()).isEmpty();
      assertDeadLetters(DeadLetterReason.EXPIRED, "a1");
      source.offer("a2", "a3");
      assertThat(shipments.sentTexts()).containsExactly("a2 a3");
      assertSettled(handle);
    }

    @Test
    void doesNotKeepAMemberFromBeingLost() {
      pairs().start();
      source.offer("a1");
      source.deliveries().get(0).lose();
      source.offer("a2");
      assertThat(shipments.sentTexts()).containsExactly("a2");
      assertThat(source.outcomes("a1")).first().isEqualTo(Outcome.release(Why.LOST));
    }

    /** The list expires with its first member; the others come again. */
    @Test
    void behindTheAggregateExpiresOnlyWhatHasExpired() {
      List<String> lists = new ArrayList<>();
      FlowHandle handle =
          flow()
              .aggregate(2, SECOND)
              .<String>groupedConvoy(
                  Message::group,
                  list -> {
                    lists.add(words(list));
                    return Mono.just(words(list)).delayElement(SECOND);
                  },
                  c -> c.concurrency(1))
              .to(target)
              .start();
      source.offer("b1", "b2");
      source.offer(message("a1").expiringAt(clock.instant().plusMillis(500)));
      source.offer("a2");
      time.advanceTimeBy(SECOND); // the worker is free again
      assertDeadLetters(DeadLetterReason.EXPIRED, "a1");
      assertThat(source.outcomes("a2")).first().isEqualTo(Outcome.release(Why.BUSY));
      time.advanceTimeBy(Duration.ofSeconds(2));
      assertThat(lists).containsExactly("b1 b2", "a2");
      assertThat(source.outcomes("a2")).last().isEqualTo(ACK);
      assertSettled(handle);
    }
  }

  @Nested
  class Window {

    @Test
    void isAsLargeAsTheAggregatesNeed() {
      flow().aggregate(1_000, SECOND, spec -> spec.by(Message::group, 3)).start();
      assertThat(source.options().maxUnsettled()).isEqualTo(3_000);
    }

    @Test
    void ofAggregatesOfAggregatesCountsTheMessages() {
      flow().aggregate(100, SECOND).aggregate(20, SECOND).start();
      assertThat(source.options().maxUnsettled()).isEqualTo(2_100);
    }

    /** Nothing comes any more, because a convoy lets through one message of a group at a time. */
    @Test
    void thatIsFullClosesTheOldestWithoutWaiting() {
      FlowHandle handle =
          flow()
              .maxUnsettled(4)
              .<String>groupedConvoy(Message::group, Mono::just, c -> c.concurrency(2).lookAhead(4))
              .aggregate(4, Duration.ofSeconds(29))
              .map(AggregateTest::words)
              .to(target)
              .start();
      source.offer("a1", "a2", "b1");
      assertThat(shipments.sentTexts()).isEmpty();
      source.offer("a3");
      assertThat(shipments.sentTexts()).startsWith("a1 b1");
      source.offer("a4", "a5", "a6", "a7");
      assertThat(source.outcomes("a2")).containsExactly(ACK);
      time.advanceTimeBy(Duration.ofMinutes(2));
      assertSettled(handle);
    }

    @Test
    void thatIsFullOfWorkWaitsForTheWork() {
      hold();
      flow()
          .maxUnsettled(5)
          .<String>groupedConvoy(
              m -> m.payload().startsWith("s") ? "s" : null,
              Mono::just,
              c -> c.concurrency(2).lookAhead(5))
          .aggregate(2, Duration.ofSeconds(29))
          .map(AggregateTest::words)
          .to(target)
          .start();
      source.offer("a1", "a2", "s1", "s2", "s3"); // full: s2 and s3 wait behind s1
      assertThat(shipments.attempted()).hasSize(1);
      confirm("a1 a2");
      source.offer("a3");
      assertThat(shipments.attempted()).extracting(FlowFixture::text).contains("s1 a3");
      confirm("s1 a3");
    }

    /** Nobody asks for anything when the work is done, so it is only its end that is heard. */
    @Test
    void thatIsFullAgainWhenTheWorkIsDoneClosesTheOldest() {
      List<Delivery<List<String>>> lists = new ArrayList<>();
      FlowHandle handle =
          flow()
              .maxUnsettled(5)
              .<String>groupedConvoy(
                  m -> m.payload().startsWith("s") ? "s" : null,
                  Mono::just,
                  c -> c.concurrency(2).lookAhead(5))
              .aggregate(2, Duration.ofSeconds(29))
              .<String>transformDeliveries(all -> all.handle((list, sink) -> lists.add(list)))
              .start();
      source.offer("a1", "a2", "s1", "s2", "s3", "s4", "s5"); // the last two wait for room
      assertThat(lists).hasSize(1);
      lists.get(0).settlement().settle(ACK);
      assertThat(lists).hasSize(2);
      for (int i = 1; i <= 5; i++) {
        assertThat(lists.get(i).message().payload()).containsExactly("s" + i);
        lists.get(i).settlement().settle(ACK);
        time.advanceTimeBy(Duration.ofSeconds(29)); // the next alone does not fill the window
      }
      assertSettled(handle);
    }

    @Test
    void thatAnotherSourceAllowsMustBeLargeEnough() {
      Inbound narrow = with(Set.of());
      FlowHandle handle = Flow.from(narrow).aggregate(2_000, SECOND).start();
      source.offer("a1");
      assertThat(handle.stats().state()).isEqualTo(State.FAILED);
      assertThat(handle.stats().failure())
          .hasMessage(
              "window of orders: 5 deliveries (expected: >= 2000, the members of all aggregates in"
                  + " flow orders)");
      assertThat(source.waitingTexts()).containsExactly("a1");
    }

    @Test
    void boundsWhatIsTaken() {
      hold();
      flow().maxUnsettled(1_000).aggregate(10, SECOND).map(AggregateTest::words).to(target).start();
      for (int i = 0; i < 2_000; i++) {
        source.offer("a" + i);
      }
      assertThat(source.mostUnsettled()).isEqualTo(1_000);
      assertThat(shipments.attempted()).hasSize(100);
    }
  }

  /** The source with other capabilities, and a window of 5 whatever is asked for. */
  private Inbound with(Set<Capability> capabilities) {
    return new Inbound() {
      @Override
      public Flux<Delivery<byte[]>> receive(ReceiveOptions options) {
        return source.receive(options.maxUnsettled(5));
      }

      @Override
      public Mono<Long> depth() {
        return source.depth();
      }

      @Override
      public ChannelInfo info() {
        return new ChannelInfo("orders", capabilities);
      }
    };
  }

  @Nested
  class Ends {

    @Test
    void aStopClosesWhatIsOpen() {
      hold();
      FlowHandle handle = pairs().start();
      source.offer("a1");
      handle.stop(Duration.ofSeconds(30)).subscribe();
      assertThat(shipments.attempted()).extracting(FlowFixture::text).containsExactly("a1");
      confirm("a1");
      assertThat(handle.stats().state()).isEqualTo(State.STOPPED);
      assertThat(source.outcomes("a1")).containsExactly(ACK);
      assertSettled(handle);
    }

    @Test
    void aStopClosesWhatComesLater() {
      Sinks.One<String> worker = Sinks.one();
      FlowHandle handle =
          flow()
              .groupedConvoy(Message::group, text -> worker.asMono())
              .aggregate(9, SECOND)
              .map(AggregateTest::words)
              .to(target)
              .start();
      source.offer("a1");
      handle.stop(Duration.ofSeconds(30)).subscribe();
      worker.tryEmitValue("A1").orThrow();
      assertThat(shipments.sentTexts()).containsExactly("A1");
      assertThat(handle.stats().state()).isEqualTo(State.STOPPED);
    }

    @Test
    void aStopWithoutTimeGivesTheMembersBack() {
      hold();
      FlowHandle handle = pairs().start();
      source.offer("a1", "a2", "a3");
      handle.stop(Duration.ZERO).subscribe();
      time.advanceTime();
      assertThat(handle.stats().state()).isEqualTo(State.STOPPED);
      assertThat(source.waitingTexts()).containsExactly("a1", "a2", "a3");
      assertSettled(handle);
    }

    @Test
    void aFailureOfTheSourceGivesTheMembersBack() {
      FlowHandle handle = pairs().start();
      source.offer("a1");
      source.fail(new IllegalStateException("gone"));
      assertThat(handle.stats().state()).isEqualTo(State.FAILED);
      assertThat(source.waitingTexts()).containsExactly("a1");
      time.advanceTimeBy(SECOND);
      assertThat(shipments.attempted()).isEmpty();
      assertSettled(handle);
    }

    @Test
    void noTimerIsLeft() {
      Timers timers = new Timers();
      flow()
          .aggregate(2, Duration.ofDays(365), spec -> spec.by(Message::group, 2).timer(timers))
          .start();
      source.offer("a1", "b1", "a2", "c1", "d1"); // full, one key too many, and two left
      assertThat(timers.left()).isEqualTo(2);
      source.fail(new IllegalStateException("gone"));
      assertThat(timers.left()).isZero();
    }

    /** It never collects for longer than it can measure. */
    @Test
    void withoutATimerNothingWaits() {
      Timers timers = new Timers();
      flow()
          .aggregate(3, SECOND, spec -> spec.timer(timers))
          .map(AggregateTest::words)
          .to(target)
          .start();
      source.offer("a1");
      timers.dispose();
      source.offer("a2");
      assertThat(shipments.sentTexts()).isEmpty(); // who is in a list needs no timer
      source.offer("a3", "a4");
      assertThat(shipments.sentTexts()).containsExactly("a1 a2 a3", "a4");
    }
  }

  @Nested
  class Assembly {

    @Test
    void refusesWhatIsOutOfRange() {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> flow().aggregate(0, SECOND))
          .withMessage("maxSize: 0 (expected: 1..65536)");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> flow().aggregate(65_537, SECOND))
          .withMessage("maxSize: 65537 (expected: 1..65536)");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> flow().aggregate(1, Duration.ZERO))
          .withMessage("maxTime: PT0S (expected: > PT0S, <= PT8760H)");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> flow().aggregate(1, SECOND, spec -> spec.by(m -> 1, 0)))
          .withMessage("maxOpen: 0 (expected: 1..65536)");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> flow().aggregate(65_536, SECOND, spec -> spec.by(m -> 1, 65_536)))
          .withMessageStartingWith("maxSize * maxOpen: 4294967296 deliveries");
      assertThatNullPointerException()
          .isThrownBy(() -> flow().aggregate(1, SECOND, spec -> null))
          .withMessage("spec");
    }

    @Test
    void refusesAWindowThatIsTooSmall() {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> flow().maxUnsettled(99).aggregate(100, SECOND).start())
          .withMessage(
              "maxUnsettled: 99 (expected: >= 100, the members of all aggregates in flow orders)");
    }

    @Test
    void refusesToWaitLongerThanALease() {
      Flow<byte[]> leased = Flow.from(with(Set.of(Capability.LEASES)));
      assertThatIllegalArgumentException()
          .isThrownBy(() -> leased.aggregate(2, Duration.ofSeconds(30)).start())
          .withMessage(
              "maxTime: PT30S in all aggregates of flow orders (expected: < PT30S, the lease of"
                  + " deliveries from orders; see Flow.lease)");
      assertThatIllegalArgumentException()
          .isThrownBy(
              () ->
                  leased
                      .aggregate(2, Duration.ofSeconds(20))
                      .aggregate(2, Duration.ofSeconds(15))
                      .start())
          .withMessageStartingWith("maxTime: PT35S in all aggregates of flow orders");
      leased.aggregate(2, Duration.ofSeconds(30)).lease(Duration.ofSeconds(31)).start();
    }

    @Test
    void refusesToCollectGroupsOfWhichOneMessageComesAtATime() {
      source.exclusiveGroups();
      assertThatIllegalArgumentException()
          .isThrownBy(() -> flow().aggregate(2, SECOND, spec -> spec.byGroup(9)))
          .withMessageStartingWith("byGroup: orders has EXCLUSIVE_GROUPS (expected: a channel")
          .withMessageContaining("when the one before is settled");
    }

    @Test
    void collectsGroupsOfOtherChannels() {
      flow()
          .aggregate(2, SECOND, spec -> spec.byGroup(9))
          .map(AggregateTest::words)
          .to(target)
          .start();
      source.offer("a1", "b1", "a2");
      assertThat(shipments.sentTexts()).containsExactly("a1 a2");
    }
  }

  @Test
  void manyMessagesNeedNoStack() {
    AtomicInteger lists = new AtomicInteger();
    FlowHandle handle = flow().aggregate(10, SECOND).map(list -> lists.incrementAndGet()).start();
    source.offer(Collections.nCopies(20_000, "a").toArray(String[]::new));
    assertThat(lists).hasValue(2_000);
    assertSettled(handle);
  }

  /** A timer that never fires. */
  private static final class Timers implements Scheduler {

    private final List<Disposable> tasks = new ArrayList<>();
    private boolean disposed;

    @Override
    public Disposable schedule(Runnable task) {
      throw new UnsupportedOperationException();
    }

    @Override
    public Disposable schedule(Runnable task, long delay, TimeUnit unit) {
      if (disposed) {
        throw new RejectedExecutionException("disposed");
      }
      Disposable timer = Disposables.single();
      tasks.add(timer);
      return timer;
    }

    long left() {
      return tasks.stream().filter(timer -> !timer.isDisposed()).count();
    }

    @Override
    public void dispose() {
      disposed = true;
    }

    @Override
    public Worker createWorker() {
      throw new UnsupportedOperationException();
    }
  }
}

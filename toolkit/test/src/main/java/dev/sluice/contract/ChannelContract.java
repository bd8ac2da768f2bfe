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
package dev.sluice.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.junit.jupiter.api.Assumptions.assumeTrue;
import static reactor.test.util.RaceTestUtils.race;

import dev.sluice.Experimental;
import dev.sluice.channel.BrowseQuery;
import dev.sluice.channel.Capability;
import dev.sluice.channel.Channel;
import dev.sluice.channel.NoDeadLetterTarget;
import dev.sluice.channel.Receipt;
import dev.sluice.channel.ReceiveOptions;
import dev.sluice.channel.Waiting;
import dev.sluice.delivery.DeadLetterReason;
import dev.sluice.delivery.Delivery;
import dev.sluice.delivery.JoinSettlement;
import dev.sluice.delivery.LeakDetector;
import dev.sluice.delivery.LeakedDelivery;
import dev.sluice.delivery.Origin;
import dev.sluice.delivery.Outcome;
import dev.sluice.delivery.Outcome.Release.Why;
import dev.sluice.delivery.Settlement;
import dev.sluice.delivery.SplitSettlement;
import dev.sluice.delivery.StaleDelivery;
import dev.sluice.message.Message;
import dev.sluice.test.LeakCheck;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.core.scheduler.Schedulers;

/**
 * What every channel promises, whatever it is made of. To hold a channel to it, extend this class
 * and say in a {@link ChannelRig} how the channel is made:
 *
 * <pre>{@code
 * class MyChannelContractTest extends ChannelContract {
 *   @Override
 *   protected ChannelRig rig() {
 *     return new MyRig();
 *   }
 * }
 * }</pre>
 *
 * <p>A test that needs a {@link Capability} which the channel does not have is skipped, and the
 * report says which one is lacking. Waits are for conditions; the tests pass at any speed. They run
 * with {@code -Dsluice.leak=paranoid} only, so that no delivery can be dropped unseen, and one
 * after the other.
 */
@Experimental
public abstract class ChannelContract extends ChannelBench {

  private static final Outcome ACK = Outcome.ack();
  private static final Outcome RELEASE = Outcome.release(Why.BUSY);
  private static final Outcome RETRY = Outcome.retry(Duration.ZERO, null);
  private static final Outcome REJECT = Outcome.reject(DeadLetterReason.POISON, null);

  @Nested
  @ExtendWith(LeakCheck.class)
  class Declaring {

    @Test
    void isTrue() {
      assertThat(channel.info().capabilities())
          .as("the capabilities that the rig declares")
          .isEqualTo(rig.capabilities());
      assertThat(channel.name()).isEqualTo(channel.info().name());
    }

    @Test
    void aDepthOrNone() {
      assertThat(get(channel.depth().hasElement())).isEqualTo(can(Capability.DEPTH));
    }

    @Test
    void aLookAtWhatWaitsOrNone() {
      Watched<List<Waiting>> answer = Watched.of(channel.browse(BrowseQuery.all()).collectList());
      rig.await("an answer", answer::isOver);
      if (can(Capability.BROWSE)) {
        assertThat(answer.value()).isEmpty();
      } else {
        assertThat(answer.error())
            .isInstanceOf(UnsupportedOperationException.class)
            .hasMessageContaining(channel.name());
      }
    }
  }

  @Nested
  @ExtendWith(LeakCheck.class)
  class Sending {

    @Test
    void isConfirmedWithNameIdAndPosition() {
      Message<byte[]> message = message("a").withGroup("x");
      Receipt first = get(channel.send(message));
      Receipt second = get(channel.send(message("b").withGroup("x")));
      assertThat(first.channel()).isEqualTo(channel.name());
      assertThat(first.messageId()).isEqualTo(message.id());
      assertThat(second.position()).isNotEqualTo(first.position());
    }

    @Test
    void happensOncePerSubscription() {
      Mono<Receipt> send = channel.send(message("a").withGroup("x"));
      Taker taker = take();
      taker.nothing();
      get(send);
      get(send);
      taker.next("a").settlement().settle(ACK);
      taker.next("a").settlement().settle(ACK);
      taker.nothing();
    }

    @Test
    void deliversTheMessageAsItWas() {
      Message<byte[]> message =
          Message.builder("body".getBytes(StandardCharsets.UTF_8))
              .type("bag.checked-in")
              .contentType("text/plain")
              .group("LH 1")
              .priority(7)
              .header("note", "zerbrechlich, fragile: żółw")
              .build();
      get(channel.send(message));
      assertThat(take().next().message()).isEqualTo(message);
    }

    @Test
    void deliversAnEmptyBodyToo() {
      get(channel.send(Message.of(new byte[0])));
      assertThat(take().next().message().payload()).isEmpty();
    }

    @Test
    void ofManyIsConfirmedInTheirOrder() {
      List<Message<byte[]>> messages =
          IntStream.range(0, 500).mapToObj(i -> message("" + i).withGroup("g" + i % 7)).toList();
      List<String> ids =
          get(channel.sendAll(Flux.fromIterable(messages)).map(Receipt::messageId).collectList());
      assertThat(ids).isEqualTo(messages.stream().map(Message::id).toList());
    }
  }

  @Nested
  @ExtendWith(LeakCheck.class)
  class Demand {

    @Test
    void comesBeforeAnything() {
      send("x", "a");
      Taker taker = without(options());
      taker.nothing();
      taker.requesting(1).next("a");
    }

    @Test
    void isNeverExceeded() {
      spread("a", "b", "c", "d", "e", "f");
      Taker taker = without(options()).requesting(1);
      taker.next();
      taker.nothing();
      taker.requesting(2).next();
      taker.next();
      taker.nothing();
      taker.unbounded().next();
      taker.next();
      taker.next();
      assertThat(taker.bodies()).containsExactlyInAnyOrder("a", "b", "c", "d", "e", "f");
    }

    @Test
    void waitsForMessages() {
      Taker taker = without(options()).requesting(2);
      taker.nothing();
      spread("a", "b", "c");
      taker.next();
      taker.next();
      taker.nothing();
    }

    @Test
    void ofManyThreadsAddsUp() {
      spread(100);
      Taker taker = without(options());
      Runnable ten = () -> IntStream.range(0, 10).forEach(i -> taker.request(1));
      race(ten, ten, ten, ten);
      for (int i = 0; i < 40; i++) {
        taker.next();
      }
      taker.nothing();
    }

    @Test
    void mayComeFromInsideADelivery() {
      spread(200);
      Taker taker =
          without(
              options(),
              (self, delivery) -> {
                delivery.settlement().settle(ACK);
                self.request(1);
              });
      taker.request(1);
      for (int i = 0; i < 200; i++) {
        taker.next();
      }
      taker.nothing();
    }

    @Test
    void isBoundedByTheUnsettled() {
      spread("a", "b", "c");
      Taker taker = take(options().maxUnsettled(2));
      Delivery<byte[]> first = taker.next();
      taker.next();
      taker.nothing();
      first.settlement().settle(ACK);
      taker.next();
    }

    @ParameterizedTest
    @EnumSource
    void isGivenBackByEveryOutcome(Decision decision) {
      spread("a", "b");
      Taker taker = take(options().maxUnsettled(1).deadLetters(new Letters()));
      Delivery<byte[]> first = taker.next();
      taker.nothing();
      first.settlement().settle(decision.outcome());
      taker.next();
    }

    @Test
    void isNotGivenBackByARejectBeforeItsLetterIsConfirmed() {
      spread("a", "b");
      Letters letters = new Letters().down();
      Taker taker = take(options().maxUnsettled(1).deadLetters(letters));
      taker.next().settlement().settle(REJECT);
      taker.nothing();
      letters.up();
      taker.next();
    }
  }

  enum Decision {
    ACKNOWLEDGED,
    RELEASED,
    RETRIED,
    REJECTED;

    Outcome outcome() {
      return switch (this) {
        case ACKNOWLEDGED -> ACK;
        case RELEASED -> RELEASE;
        case RETRIED -> RETRY;
        case REJECTED -> REJECT;
      };
    }
  }

  @Nested
  @ExtendWith(LeakCheck.class)
  class Settling {

    @Test
    void byAnAckConsumesTheMessage() {
      send("x", "a");
      Settlement settlement = take().next("a").settlement();
      assertThat(settlement.settle(ACK)).isTrue();
      assertDurable(settlement);
      crash();
      assertNothingLeft("x");
    }

    @Test
    void byAReleaseBringsTheMessageBackUncounted() {
      send("x", "a");
      Taker taker = take(options().maxUnsettled(1));
      for (int i = 0; i < 3; i++) {
        Delivery<byte[]> delivery = taker.next("a");
        assertThat(delivery.origin().attempt()).isEqualTo(1);
        delivery.settlement().settle(RELEASE);
        assertDurable(delivery.settlement());
      }
    }

    @Test
    void byARetryBringsTheMessageBackCounted() {
      send("x", "a");
      Taker taker = take();
      for (int attempt = 1; attempt <= 3; attempt++) {
        Delivery<byte[]> delivery = taker.next("a");
        assertThat(delivery.origin().attempt()).isEqualTo(attempt);
        delivery.settlement().settle(RETRY);
        assertDurable(delivery.settlement());
      }
    }

    @Test
    void byAReleaseGivesBackOnlyItsOwnAttempt() {
      send("x", "a");
      Taker taker = take();
      taker.next("a").settlement().settle(RETRY);
      taker.next("a").settlement().settle(RELEASE);
      assertThat(taker.next("a").origin().attempt()).isEqualTo(2);
    }

    @Test
    void byARetryWithADelayWaitsForIt() {
      send("x", "a");
      Duration delay = Duration.ofMillis(300);
      Taker taker = take();
      Delivery<byte[]> first = taker.next("a");
      Instant before = rig.clock().instant();
      first.settlement().settle(Outcome.retry(delay, null));
      taker.next("a");
      assertThat(rig.clock().instant()).isAfterOrEqualTo(before.plus(delay));
    }

    @Test
    void countsOnce() {
      for (Outcome late : List.of(ACK, RELEASE, RETRY, REJECT)) {
        send("x", "a");
        Letters letters = new Letters();
        Taker taker = take(options().deadLetters(letters));
        Settlement settlement = taker.next("a").settlement();
        assertThat(settlement.settle(ACK)).isTrue();
        assertThat(settlement.settle(late)).isFalse();
        assertThat(settlement.outcome()).isEqualTo(ACK);
        assertDurable(settlement);
        assertThat(letters.taken()).isEmpty();
        taker.cancel();
        assertNothingLeft("x");
      }
    }

    @Test
    void byManyAtOnceCountsOnce() {
      Taker taker = take();
      for (int round = 0; round < 20; round++) {
        String body = "round " + round;
        send("x", body);
        Settlement settlement = taker.next(body).settlement();
        AtomicInteger decided = new AtomicInteger();
        Runnable ack = () -> decided.addAndGet(settlement.settle(ACK) ? 1 : 0);
        Runnable retry = () -> decided.addAndGet(settlement.settle(RETRY) ? 1 : 0);
        race(ack, retry, ack, retry);
        assertThat(decided).hasValue(1);
        assertDurable(settlement);
        if (RETRY.equals(settlement.outcome())) {
          Delivery<byte[]> again = taker.next(body);
          assertThat(again.origin().attempt()).isEqualTo(2);
          again.settlement().settle(ACK);
        }
      }
      taker.nothing();
    }

    @Test
    void isDurableOnlyWhenItIsDecided() {
      send("x", "a");
      Settlement settlement = take().next("a").settlement();
      Watched<Void> end = Watched.of(settlement.durable());
      waitAWhile();
      assertThat(end.isOver()).isFalse();
      settlement.settle(ACK);
      rig.await("durability", end::isOver);
      end.hasCompleted();
    }

    @ParameterizedTest
    @EnumSource
    void isDoneOnce(Decision decision) {
      send("x", "a");
      Taker taker = take(options().deadLetters(new Letters()));
      Settlement settlement = taker.next("a").settlement();
      List<Outcome> done = new CopyOnWriteArrayList<>();
      settlement.onDone(done::add);
      settlement.settle(decision.outcome());
      rig.await("the settlement to be done", () -> !done.isEmpty());
      assertDurable(settlement);
      assertThat(done).containsExactly(decision.outcome());
    }

    @Test
    void isOfADeliveryThatNamesItsOrigin() {
      Clock clock = Clock.fixed(Instant.parse("2026-01-01T00:00:00Z"), ZoneOffset.UTC);
      Receipt receipt = get(channel.send(message("a")));
      Origin origin = take(options().clock(clock)).next().origin();
      assertThat(origin.channel()).isEqualTo(channel.name());
      assertThat(origin.position()).isEqualTo(receipt.position());
      assertThat(origin.receivedAt()).isEqualTo(clock.instant());
      assertThat(origin.attempt()).isEqualTo(1);
    }
  }

  /** The settlements of this channel as parents and members: derived ones lead to the same end. */
  @Nested
  @ExtendWith(LeakCheck.class)
  class Deriving {

    @Test
    void aSplitIsConsumedWhenItsLastPartIs() {
      send("x", "a");
      Settlement parent = take().next("a").settlement();
      SplitSettlement split = new SplitSettlement(parent);
      Settlement one = Objects.requireNonNull(split.child());
      Settlement other = Objects.requireNonNull(split.child());
      one.settle(ACK);
      split.producerDone(ACK);
      assertThat(parent.isSettled()).isFalse();
      other.settle(ACK);
      assertDurable(parent);
      crash();
      assertNothingLeft("x");
    }

    @Test
    void aSplitOfWhichAPartIsOpenComesAgainAfterACrash() {
      send("x", "a");
      SplitSettlement split = new SplitSettlement(take().next("a").settlement());
      Settlement one = Objects.requireNonNull(split.child());
      Settlement other = Objects.requireNonNull(split.child());
      one.settle(ACK);
      split.producerDone(ACK);
      crash();
      take().next("a");
      other.settle(ACK);
    }

    @Test
    void aSplitThatWasCutShortComesAgain() {
      send("x", "a");
      Taker taker = take();
      SplitSettlement split = new SplitSettlement(taker.next("a").settlement());
      Objects.requireNonNull(split.child()).settle(ACK);
      split.producerDone(Outcome.release(Why.CANCELLED));
      taker.next("a");
    }

    @Test
    void anAggregateIsOneDecisionForAllItsMembers() {
      spread("a", "b", "c");
      Taker taker = take();
      JoinSettlement aggregate =
          new JoinSettlement(Stream.generate(() -> taker.next().settlement()).limit(3).toList());
      aggregate.settle(RETRY);
      List<Delivery<byte[]>> again = Stream.generate(taker::next).limit(3).toList();
      assertThat(again).extracting(Taker::body).containsExactlyInAnyOrder("a", "b", "c");
      JoinSettlement second = new JoinSettlement(again.stream().map(Delivery::settlement).toList());
      second.settle(ACK);
      assertDurable(second);
      crash();
      assertEmpty();
    }
  }

  @Nested
  @ExtendWith(LeakCheck.class)
  class Groups {

    @BeforeEach
    void haveAnOrder() {
      needs(Capability.ORDERED_GROUPS);
    }

    @Test
    void keepTheirOrder() {
      int n = 600;
      get(
          channel
              .sendAll(Flux.range(0, n).map(i -> message("" + i).withGroup("g" + i % 11)))
              .then(Mono.just(true)));
      Taker taker = taking(options(), (self, delivery) -> delivery.settlement().settle(ACK));
      rig.await("all deliveries", () -> taker.taken().size() >= n);
      assertThat(taker.taken()).hasSize(n);
      Map<String, List<Integer>> byGroup = new ConcurrentHashMap<>();
      taker
          .taken()
          .forEach(
              d ->
                  byGroup
                      .computeIfAbsent("" + d.message().group(), g -> new ArrayList<>())
                      .add(Integer.valueOf(Taker.body(d))));
      assertThat(byGroup).hasSize(11);
      assertThat(byGroup.values()).allSatisfy(numbers -> assertThat(numbers).isSorted());
    }

    @Test
    void keepTheirOrderWithManyProducersAndFourConsumers() {
      Ledger ledger = new Ledger();
      int producers = 4;
      int each = 100;
      for (int i = 0; i < 4; i++) {
        taking(
            options(),
            (self, delivery) -> {
              ledger.delivered(delivery);
              Schedulers.parallel()
                  .schedule(
                      () -> {
                        ledger.deciding(delivery, ACK);
                        delivery.settlement().settle(ACK);
                      });
            });
      }
      get(
          Flux.range(0, producers)
              .flatMap(
                  producer ->
                      channel
                          .sendAll(
                              Flux.range(0, each)
                                  .map(
                                      i ->
                                          ledger.sent(
                                              message("" + i).withGroup("g" + i % 8), producer)))
                          .subscribeOn(Schedulers.parallel()))
              .then(Mono.just(true)));
      rig.await("all messages", () -> ledger.delivered() == producers * each);
      ledger.assertOrder(can(Capability.EXCLUSIVE_GROUPS));
    }

    @Test
    void keepTheirOrderAcrossReleases() {
      keepsOrderAfter(RELEASE);
    }

    @Test
    void keepTheirOrderAcrossRetries() {
      keepsOrderAfter(RETRY);
    }

    /** The room that a delivery makes by coming back is its own. */
    private void keepsOrderAfter(Outcome outcome) {
      int times = 200;
      send("x", "a", "b");
      AtomicInteger left = new AtomicInteger(times);
      Taker taker =
          taking(
              options().maxUnsettled(1),
              (self, delivery) ->
                  Schedulers.parallel()
                      .schedule(
                          () ->
                              delivery
                                  .settlement()
                                  .settle(left.getAndDecrement() > 0 ? outcome : ACK)));
      rig.await("all deliveries", () -> taker.taken().size() > times + 1);
      assertThat(taker.bodies().subList(0, times + 1)).containsOnly("a");
      assertThat(taker.bodies().get(times + 1)).isEqualTo("b");
    }

    @Test
    void keepTheirOrderWhenTheOwnershipIsLost() {
      send("x", "a", "b", "c", "d", "e");
      Taker taker = without(options()).requesting(1);
      Delivery<byte[]> first = taker.next("a");
      rig.loseOwnership(channel);
      awaitLoss(first.settlement());
      first.settlement().settle(Outcome.release(Why.LOST));
      // What had been taken ahead of demand is not ours any more either.
      for (String body : List.of("a", "b", "c", "d", "e")) {
        Delivery<byte[]> delivery = taker.requesting(1).next(body);
        delivery.settlement().settle(ACK);
        assertDurable(delivery.settlement());
      }
      crash();
      assertNothingLeft("x");
    }

    @Test
    void keepTheirOrderAcrossACrash() {
      send("x", "a", "b", "c");
      Delivery<byte[]> first = take().next("a");
      first.settlement().settle(ACK);
      assertDurable(first.settlement());
      crash();
      Taker taker = take(options().maxUnsettled(1));
      taker.next("b").settlement().settle(ACK);
      taker.next("c");
    }

    @Test
    void goOnAfterAReject() {
      send("x", "a", "b");
      Letters letters = new Letters();
      Taker taker = take(options().deadLetters(letters));
      taker.next("a").settlement().settle(REJECT);
      taker.next("b");
      rig.await("the letter", () -> letters.taken().size() == 1);
    }

    @Test
    void doNotHoldUpEachOther() {
      send("x", "x1", "x2");
      send("y", "y1", "y2", "y3");
      Taker taker = take();
      List<String> others = new ArrayList<>();
      while (others.size() < 3) {
        Delivery<byte[]> delivery = taker.next();
        if (Taker.body(delivery).startsWith("y")) {
          others.add(Taker.body(delivery));
          delivery.settlement().settle(ACK);
        }
      }
      assertThat(others).containsExactly("y1", "y2", "y3");
    }
  }

  @Nested
  @ExtendWith(LeakCheck.class)
  class ExclusiveGroups {

    @BeforeEach
    void exist() {
      needs(Capability.EXCLUSIVE_GROUPS);
    }

    @Test
    void haveOneMessageOutAtATime() {
      send("x", "a", "b", "c");
      Taker taker = take();
      for (String body : List.of("a", "b", "c")) {
        Delivery<byte[]> delivery = taker.next(body);
        taker.nothing();
        delivery.settlement().settle(ACK);
      }
    }

    @Test
    void areExclusiveOverAllConsumers() {
      Taker one = take();
      Taker other = take();
      send("x", "a", "b");
      rig.await("one delivery", () -> one.taken().size() + other.taken().size() > 0);
      waitAWhile();
      assertThat(Stream.concat(one.bodies().stream(), other.bodies().stream()))
          .containsExactly("a");
      Stream.concat(one.taken().stream(), other.taken().stream())
          .forEach(delivery -> delivery.settlement().settle(ACK));
      rig.await("the next", () -> one.taken().size() + other.taken().size() == 2);
    }

    @ParameterizedTest
    @EnumSource
    void keepTheirOrderAcrossEveryOutcome(Decision decision) {
      send("x", "a", "b");
      Taker taker = take(options().deadLetters(new Letters()));
      taker.next("a").settlement().settle(decision.outcome());
      boolean again = decision == Decision.RELEASED || decision == Decision.RETRIED;
      Delivery<byte[]> second = taker.next(again ? "a" : "b");
      taker.nothing();
      second.settlement().settle(ACK);
    }

    @Test
    void waitForARetryWithADelay() {
      needs(Capability.DELAY);
      send("x", "a", "b");
      Taker taker = take();
      taker.next("a").settlement().settle(Outcome.retry(Duration.ofMillis(500), null));
      taker.next("a");
      taker.nothing();
    }
  }

  /** Any consumer may take any message. */
  @Nested
  @ExtendWith(LeakCheck.class)
  class Competing {

    private static final Duration LONG = Duration.ofSeconds(20);

    private final Set<Thread> threads = ConcurrentHashMap.newKeySet();
    private final AtomicInteger inside = new AtomicInteger(Integer.MIN_VALUE);
    private final AtomicInteger heldUp = new AtomicInteger();

    @BeforeEach
    void isPossible() {
      needs(Capability.LEASES);
    }

    /** Two messages become free together: who gets the first does not keep the other to itself. */
    @Test
    void goesOnWhileOneConsumerIsAtWork() {
      Taker one = without(options(), this::work);
      Taker other = without(options(), this::work);
      for (Taker taker : List.of(one, other)) {
        spread("for its thread");
        taker.requesting(1).next().settlement().settle(ACK);
      }
      assumeTrue(threads.size() == 2, "the consumers have a thread each");
      spread("a", "b");
      Taker holder = without(options()).requesting(2);
      holder.next();
      holder.next();
      one.request(1);
      other.request(1);
      waitAWhile();

      inside.set(0);
      rig.loseOwnership(channel);
      one.next();
      other.next();
      assertThat(heldUp).as("consumers that waited for a message in vain").hasValue(0);
    }

    /** Takes until the other one is at work, too. */
    private void work(Taker self, Delivery<byte[]> delivery) {
      threads.add(Thread.currentThread());
      if (inside.incrementAndGet() > 0) {
        long end = System.nanoTime() + LONG.toNanos();
        while (inside.get() < 2 && System.nanoTime() - end < 0) {
          // Busy, and not parked: this is a thread that must not block.
        }
        if (inside.get() < 2) {
          heldUp.incrementAndGet();
        }
      }
    }
  }

  @Nested
  @ExtendWith(LeakCheck.class)
  class Priorities {

    @BeforeEach
    void exist() {
      needs(Capability.PRIORITY);
    }

    @Test
    void theMostUrgentComesFirstAndOfEqualsTheFirst() {
      get(channel.send(message("low").withPriority(0)));
      spread("usual 1", "usual 2");
      get(channel.send(message("high").withPriority(9)));
      Taker taker = without(options());
      for (String body : List.of("high", "usual 1", "usual 2", "low")) {
        taker.requesting(1).next(body);
      }
    }

    @Test
    void nothingIsTakenAheadThatAMoreUrgentOneCouldOvertake() {
      spread("a", "b");
      Taker taker = without(options()).requesting(1);
      taker.next("a");
      get(channel.send(message("urgent").withPriority(9)));
      taker.requesting(1).next("urgent");
      taker.requesting(1).next("b");
    }

    @Test
    void orderWithinAGroupWins() {
      needs(Capability.ORDERED_GROUPS);
      get(channel.send(message("first").withGroup("x").withPriority(0)));
      get(channel.send(message("second").withGroup("x").withPriority(9)));
      Taker taker = without(options()).requesting(1);
      taker.next("first").settlement().settle(ACK);
      taker.requesting(1).next("second");
    }
  }

  @Nested
  @ExtendWith(LeakCheck.class)
  class Delays {

    private static final Duration DELAY = Duration.ofMillis(400);

    @BeforeEach
    void exist() {
      needs(Capability.DELAY);
    }

    @Test
    void areKeptForARelease() {
      areKept(new Outcome.Release(Why.BUSY, DELAY), () -> {});
    }

    @Test
    void areKeptForARetry() {
      areKept(Outcome.retry(DELAY, null), () -> {});
    }

    @Test
    void areKeptAcrossACrash() {
      areKept(Outcome.retry(DELAY, null), ChannelContract.this::crash);
    }

    private void areKept(Outcome outcome, Runnable meanwhile) {
      send("x", "a");
      Taker taker = take();
      Settlement settlement = taker.next("a").settlement();
      Instant before = rig.clock().instant();
      settlement.settle(outcome);
      assertDurable(settlement);
      meanwhile.run();
      take();
      rig.await("the second delivery", () -> deliveries() == 2);
      assertThat(rig.clock().instant()).isAfterOrEqualTo(before.plus(DELAY));
    }

    @Test
    void doNotHoldUpOthers() {
      spread("a", "b");
      Taker taker = without(options()).requesting(1);
      Delivery<byte[]> first = taker.next();
      first.settlement().settle(Outcome.retry(Duration.ofHours(1), null));
      Delivery<byte[]> second = taker.requesting(1).next();
      assertThat(Taker.body(second)).isNotEqualTo(Taker.body(first));
    }

    @Test
    void thatAreShorterEndFirst() {
      spread("a", "b");
      Taker taker = take();
      Delivery<byte[]> longer = taker.next();
      Delivery<byte[]> shorter = taker.next();
      longer.settlement().settle(Outcome.retry(Duration.ofHours(1), null));
      shorter.settlement().settle(Outcome.retry(DELAY, null));
      taker.next(Taker.body(shorter));
      taker.nothing();
    }

    @Test
    void mayBeEndless() {
      send("x", "a");
      Taker taker = take();
      Settlement settlement = taker.next("a").settlement();
      settlement.settle(Outcome.retry(Duration.ofSeconds(Long.MAX_VALUE), null));
      assertDurable(settlement);
      taker.nothing();
    }
  }

  @Nested
  @ExtendWith(LeakCheck.class)
  class Expiry {

    @BeforeEach
    void isSeenToByTheChannel() {
      needs(Capability.EXPIRY);
    }

    @Test
    void anExpiredMessageIsRejectedAndNotDelivered() {
      expired("old");
      Instant later = rig.clock().instant().plusSeconds(3600);
      get(channel.send(message("fresh").expiringAt(later).withGroup("x")));
      Letters letters = new Letters();
      Taker taker = take(options().deadLetters(letters));
      taker.next("fresh").settlement().settle(ACK);
      rig.await("the letter", () -> letters.taken().size() == 1);
      assertThat(letters.taken().get(0).payload()).asString().isEqualTo("old");
      assertThat(letters.taken().get(0).headers().get("sl-dl-reason")).isEqualTo("EXPIRED");
      taker.nothing();
      crash();
      assertNothingLeft("x");
    }

    @Test
    void countsAsUnsettledUntilTheLetterIsConfirmed() {
      expired("old");
      Letters letters = new Letters().down();
      Taker taker = take(options().maxUnsettled(1).deadLetters(letters));
      rig.await("an attempt", () -> letters.attempts() > 0);
      spread("a");
      taker.nothing();
      letters.up();
      taker.next("a");
    }

    @Test
    void withoutATargetEndsTheConsumerAndNothingIsConsumed() {
      expired("old");
      assertThat(take().fails())
          .isInstanceOf(NoDeadLetterTarget.class)
          .hasMessageContaining("EXPIRED");
      Letters letters = new Letters();
      take(options().deadLetters(letters));
      rig.await("the letter", () -> letters.taken().size() == 1);
    }

    @Test
    void isJudgedWhenTheTurnComes() {
      Instant soon = rig.clock().instant().plusMillis(500);
      get(channel.send(message("a").expiringAt(soon)));
      rig.pass(Duration.ofMillis(600));
      Letters letters = new Letters();
      Taker taker = take(options().deadLetters(letters));
      rig.await("the letter", () -> letters.taken().size() == 1);
      taker.nothing();
    }

    private void expired(String body) {
      Instant past = rig.clock().instant().minusSeconds(1);
      get(channel.send(message(body).expiringAt(past).withGroup("x")));
    }
  }

  @Nested
  @ExtendWith(LeakCheck.class)
  class Ownership {

    @Test
    void thatEndsIsToldToTheHolder() {
      send("x", "a");
      Settlement settlement = without(options()).requesting(1).next("a").settlement();
      Watched<Void> lost = Watched.of(settlement.lost());
      Watched<Void> durable = Watched.of(settlement.durable());
      assertThat(settlement.isLost()).isFalse();
      rig.loseOwnership(channel);
      rig.await("both signals", () -> lost.isOver() && durable.isOver());
      assertThat(settlement.isLost()).isTrue();
      lost.hasCompleted();
      assertThat(durable.error()).isInstanceOf(StaleDelivery.class);
    }

    @Test
    void thatEndsBringsTheMessageAgainInALaterEpoch() {
      send("x", "a");
      Taker taker = take();
      Delivery<byte[]> lost = taker.next("a");
      rig.loseOwnership(channel);
      Delivery<byte[]> again = taker.next("a");
      assertThat(again.message()).isEqualTo(lost.message());
      assertThat(again.origin().epoch()).isGreaterThan(lost.origin().epoch());
      if (can(Capability.REDELIVERY_COUNT)) {
        assertThat(again.origin().attempt()).isEqualTo(2);
      }
    }

    @ParameterizedTest
    @EnumSource
    void onceEndedLeavesADecisionWithoutEffect(Decision decision) {
      send("x", "a");
      Letters letters = new Letters();
      Taker taker = take(options().deadLetters(letters));
      Delivery<byte[]> stale = taker.next("a");
      rig.loseOwnership(channel);
      Delivery<byte[]> current = taker.next("a");

      assertThat(stale.settlement().settle(decision.outcome())).isTrue();

      assertStale(stale.settlement());
      taker.nothing();
      assertThat(letters.taken()).isEmpty();
      assertThat(current.settlement().isLost()).isFalse();
      current.settlement().settle(ACK);
      assertDurable(current.settlement());
      crash();
      assertNothingLeft("x");
    }

    @Test
    void onceEndedLeavesAnAckThatDoesNotConsumeForTheNextOwner() {
      send("x", "a");
      Taker taker = take();
      Delivery<byte[]> stale = taker.next("a");
      rig.loseOwnership(channel);
      taker.next("a");
      stale.settlement().settle(ACK);
      taker.nothing(); // the next owner has decided nothing
      crash();
      take().next("a");
    }

    @Test
    void canEndManyTimes() {
      send("x", "a");
      Taker taker = take();
      List<Long> epochs = new ArrayList<>();
      for (int i = 0; i < 3; i++) {
        epochs.add(taker.next("a").origin().epoch());
        rig.loseOwnership(channel);
      }
      Delivery<byte[]> last = taker.next("a");
      epochs.add(last.origin().epoch());
      assertThat(epochs).isSorted().doesNotHaveDuplicates();
      if (can(Capability.REDELIVERY_COUNT)) {
        assertThat(last.origin().attempt()).isEqualTo(4);
      }
      last.settlement().settle(ACK);
      assertDurable(last.settlement());
    }

    @Test
    void isRenewedForALiveConsumer() {
      needs(Capability.LEASES);
      send("x", "a");
      Duration lease = Duration.ofSeconds(1); // a busy machine may be late with a renewal
      Settlement settlement = take(options().lease(lease)).next("a").settlement();
      rig.pass(lease.multipliedBy(2));
      assertThat(settlement.isLost()).isFalse();
      settlement.settle(ACK);
      assertDurable(settlement);
    }
  }

  @Nested
  @ExtendWith(LeakCheck.class)
  class Crashing {

    @Test
    void bringsAgainWhatWasNotDecided() {
      send("x", "a");
      Origin before = take().next("a").origin();
      crash();
      Origin after = take().next("a").origin();
      if (can(Capability.REDELIVERY_COUNT)) {
        assertThat(after.attempt()).isEqualTo(2);
        assertThat(after.epoch()).isGreaterThan(before.epoch());
      }
    }

    @Test
    void keepsTheCountOfAttempts() {
      needs(Capability.REDELIVERY_COUNT);
      send("x", "a");
      Taker taker = take();
      taker.next("a").settlement().settle(RETRY);
      assertThat(taker.next("a").origin().attempt()).isEqualTo(2);
      crash();
      assertThat(take().next("a").origin().attempt()).isEqualTo(3);
    }

    @Test
    void bringsAgainNothingThatWasDurable() {
      spread(40);
      Taker taker = take();
      List<Delivery<byte[]>> deliveries = Stream.generate(taker::next).limit(40).toList();
      Set<String> durable = ConcurrentHashMap.newKeySet();
      Set<String> undecided = new HashSet<>();
      for (int i = 39; i >= 0; i--) { // the last first, and some never
        Delivery<byte[]> delivery = deliveries.get(i);
        if (i % 3 == 2) {
          undecided.add(Taker.body(delivery));
        } else {
          Mono<Void> effect = delivery.settlement().durable();
          effect.subscribe(v -> {}, e -> {}, () -> durable.add(Taker.body(delivery)));
          delivery.settlement().settle(ACK);
        }
      }
      waitAWhile();
      crash();
      Set<String> gone = Set.copyOf(durable);
      Taker next = take();
      rig.await("what was undecided", () -> next.bodies().containsAll(undecided));
      waitAWhile();
      assertThat(next.bodies()).doesNotContainAnyElementsOf(gone).doesNotHaveDuplicates();
    }

    @Test
    void losesNoMessageWhoseSendWasConfirmed() {
      send("x", "a", "b");
      crash();
      Taker taker = take(options().maxUnsettled(1));
      taker.next("a").settlement().settle(ACK);
      taker.next("b");
    }

    @ParameterizedTest
    @EnumSource
    void leavesADecisionOfTheFormerLifeWithoutEffect(Decision decision) {
      send("x", "a");
      Letters letters = new Letters();
      Delivery<byte[]> stale = take(options().deadLetters(letters)).next("a");
      crash();
      if (decision == Decision.REJECTED) { // who does not know of the end yet may send the letter
        awaitLoss(stale.settlement());
      }
      stale.settlement().settle(decision.outcome());
      Taker taker = take();
      taker.next("a");
      taker.nothing();
      assertThat(letters.taken()).isEmpty();
      crash();
      take().next("a");
    }

    @Test
    void beforeALetterIsConfirmedConsumesNothing() {
      send("x", "a");
      Letters letters = new Letters().down();
      take(options().deadLetters(letters)).next("a").settlement().settle(REJECT);
      rig.await("an attempt", () -> letters.attempts() > 0);
      crash();
      take().next("a");
    }
  }

  @Nested
  @ExtendWith(LeakCheck.class)
  class Rejecting {

    @Test
    void isDoneWhenTheLetterIsConfirmed() {
      send("x", "a");
      Letters letters = new Letters().down();
      Settlement rejected = take(options().deadLetters(letters)).next("a").settlement();
      AtomicInteger done = new AtomicInteger();
      rejected.onDone(outcome -> done.incrementAndGet());
      rejected.settle(REJECT);
      rig.await("an attempt", () -> letters.attempts() > 0);
      waitAWhile();
      assertThat(done).hasValue(0);

      letters.up();
      rig.await("the settlement to be done", () -> done.get() == 1);
      assertDurable(rejected);
      assertThat(letters.taken()).hasSize(1);
      crash();
      assertNothingLeft("x");
    }

    @Test
    void triesUntilTheTargetTakesTheLetter() {
      send("x", "a");
      Letters letters = new Letters().refusing(3);
      Settlement rejected = take(options().deadLetters(letters)).next("a").settlement();
      rejected.settle(REJECT);
      assertDurable(rejected);
      assertThat(letters.taken()).hasSize(1);
      assertThat(letters.attempts()).isEqualTo(4);
    }

    @Test
    void fillsTheWindowWhileTheTargetIsDown() {
      spread("a", "b", "c", "d");
      Letters letters = new Letters().down();
      Taker taker = take(options().maxUnsettled(3).deadLetters(letters));
      for (int i = 0; i < 3; i++) {
        taker.next().settlement().settle(REJECT);
      }
      taker.nothing();
      assertThat(letters.taken()).isEmpty();
      letters.up();
      taker.next();
      rig.await("the letters", () -> letters.taken().size() == 3);
    }

    @Test
    void withoutATargetEndsTheConsumerAndConsumesNothing() {
      Receipt receipt = get(channel.send(message("a").withGroup("x")));
      Taker taker = take();
      Settlement rejected = taker.next("a").settlement();
      rejected.settle(REJECT);
      assertThat(taker.fails())
          .isInstanceOf(NoDeadLetterTarget.class)
          .hasMessageContaining(channel.name())
          .hasMessageContaining(receipt.position())
          .hasMessageContaining("POISON");
      assertStale(rejected);
      take().next("a");
    }

    @ParameterizedTest
    @EnumSource(DeadLetterReason.class)
    void sendsTheMessageAsItCameWithTheFactsOfItsRejection(DeadLetterReason reason) {
      byte[] unreadable = {(byte) 0xFF, 0, (byte) 0xC3, '"', '{'};
      Message<byte[]> message =
          Message.builder(unreadable).type("bag").group("x").header("tenant", "north").build();
      Receipt receipt = get(channel.send(message));
      Letters letters = new Letters();
      Taker taker = take(options().deadLetters(letters));
      taker.next().settlement().settle(RETRY);
      taker
          .next()
          .settlement()
          .settle(Outcome.reject(reason, new IllegalStateException("no such bag")));
      rig.await("the letter", () -> letters.taken().size() == 1);
      Message<byte[]> letter = letters.taken().get(0);
      assertThat(letter.id()).isEqualTo(message.id());
      assertThat(letter.payload()).isEqualTo(unreadable);
      assertThat(letter.type()).isEqualTo("bag");
      assertThat(letter.group()).isEqualTo("x");
      assertThat(letter.headers().get("tenant")).isEqualTo("north");
      assertThat(letter.headers().get("sl-dl-reason")).isEqualTo(reason.name());
      assertThat(letter.headers().get("sl-dl-error")).contains("no such bag");
      assertThat(letter.headers().get("sl-dl-channel")).isEqualTo(channel.name());
      assertThat(letter.headers().get("sl-dl-position")).isEqualTo(receipt.position());
      assertThat(letter.headers().get("sl-dl-attempt")).isEqualTo("2");
    }

    @Test
    void mayGoToAChannelOfTheSameKind() {
      Channel dead = rig.create();
      send("x", "a");
      Settlement rejected = take(options().deadLetters(dead)).next("a").settlement();
      rejected.settle(REJECT);
      assertDurable(rejected);
      Taker reader = taker(dead, options(), (self, delivery) -> {}).unbounded();
      reader.next("a");
    }
  }

  @Nested
  @ExtendWith(LeakCheck.class)
  class Stopping {

    private final Sinks.One<Duration> stop = Sinks.one();

    @Test
    void endsAtOnceWhenNothingIsOut() {
      Taker taker = take(stoppable());
      taker.goesOn();
      stop.tryEmitValue(Duration.ofDays(1));
      taker.completes();
    }

    @Test
    void takesNoMoreAndWaitsForWhatIsOut() {
      send("x", "a");
      Taker taker = take(stoppable());
      Delivery<byte[]> out = taker.next("a");
      stop.tryEmitValue(Duration.ofDays(1));
      waitAWhile();
      send("x", "b");
      taker.nothing();
      taker.goesOn();
      out.settlement().settle(ACK);
      taker.completes();
      assertThat(out.settlement().isLost()).isFalse();
      crash();
      take().next("b"); // and not a: what was settled has been flushed
    }

    @Test
    void makesDurableWhatWasDecided() {
      spread(30);
      Taker taker = take(stoppable());
      List<Delivery<byte[]>> deliveries = Stream.generate(taker::next).limit(30).toList();
      stop.tryEmitValue(Duration.ofDays(1));
      deliveries.forEach(delivery -> delivery.settlement().settle(ACK));
      taker.completes();
      deliveries.forEach(delivery -> assertDurable(delivery.settlement()));
      crash();
      assertEmpty();
    }

    @Test
    void takesBackWhatIsUndecidedWhenTheTimeIsOver() {
      send("x", "a");
      Taker taker = take(stoppable());
      Settlement out = taker.next("a").settlement();
      Watched<Void> lost = Watched.of(out.lost());
      stop.tryEmitValue(Duration.ofMillis(300));
      taker.completes();
      rig.await("the loss", lost::isOver);
      out.settle(ACK);
      assertStale(out);
      Delivery<byte[]> again = take().next("a");
      if (can(Capability.REDELIVERY_COUNT)) {
        assertThat(again.origin().attempt()).isEqualTo(1);
      }
    }

    @Test
    void doesNotTakeAgainWhatIsGivenBack() {
      send("x", "a");
      Taker taker = take(stoppable());
      Delivery<byte[]> out = taker.next("a");
      stop.tryEmitValue(Duration.ofDays(1));
      waitAWhile();
      out.settlement().settle(RETRY);
      taker.completes();
      taker.nothing();
      take().next("a");
    }

    @Test
    void waitsForALetterOnItsWay() {
      send("x", "a");
      Letters letters = new Letters().down();
      Taker taker = take(stoppable().deadLetters(letters));
      Settlement rejected = taker.next("a").settlement();
      rejected.settle(REJECT);
      stop.tryEmitValue(Duration.ZERO);
      taker.goesOn();
      letters.up();
      taker.completes();
      assertDurable(rejected);
      crash();
      assertNothingLeft("x");
    }

    @Test
    void doesNotWaitForEverForALetter() {
      send("x", "a");
      Letters letters = new Letters().down();
      Taker taker = take(stoppable().deadLetters(letters));
      Settlement rejected = taker.next("a").settlement();
      rejected.settle(REJECT);
      rig.await("an attempt", () -> letters.attempts() > 0);
      stop.tryEmitValue(Duration.ZERO);
      taker.completes();
      assertStale(rejected);
      letters.up();
      assertThat(letters.taken()).isEmpty();
      take().next("a");
    }

    @Test
    void withoutASignalOrWithAFailedOneAllowsNoTime() {
      for (Mono<Duration> signal :
          List.<Mono<Duration>>of(Mono.empty(), Mono.error(new IllegalStateException("signal")))) {
        send("x", "a");
        take(options().stop(signal)).completes();
      }
    }

    @Test
    void withNegativeTimeAllowsNone() {
      send("x", "a");
      Taker taker = take(stoppable());
      taker.next("a");
      stop.tryEmitValue(Duration.ofSeconds(-1));
      taker.completes();
      take().next("a");
    }

    @Test
    void mayBeFollowedByACancel() {
      send("x", "a");
      Taker taker = take(stoppable());
      Delivery<byte[]> out = taker.next("a");
      stop.tryEmitValue(Duration.ofDays(1));
      taker.cancel();
      awaitLoss(out.settlement());
      take().next("a");
    }

    @Test
    void isNotKeptFromEndingByALostDelivery() {
      send("x", "a");
      Taker taker = without(stoppable()).requesting(1);
      Delivery<byte[]> out = taker.next("a");
      rig.loseOwnership(channel);
      awaitLoss(out.settlement());
      stop.tryEmitValue(Duration.ofMillis(100));
      taker.completes();
    }

    private ReceiveOptions stoppable() {
      return options().stop(stop.asMono());
    }
  }

  @Nested
  @ExtendWith(LeakCheck.class)
  class Cancelling {

    @Test
    void takesBackWhatIsUndecided() {
      send("x", "a");
      Taker taker = take();
      Settlement out = taker.next("a").settlement();
      taker.cancel();
      awaitLoss(out);
      out.settle(ACK);
      assertStale(out);
      Delivery<byte[]> again = take().next("a");
      if (can(Capability.REDELIVERY_COUNT)) {
        assertThat(again.origin().attempt()).isEqualTo(1);
      }
    }

    @Test
    void letsTakeEffectWhatWasDecided() {
      send("x", "a");
      Taker taker = take();
      Settlement decided = taker.next("a").settlement();
      decided.settle(ACK);
      taker.cancel();
      assertDurable(decided);
      crash();
      assertNothingLeft("x");
    }

    @Test
    void letsALetterOnItsWayTakeEffect() {
      send("x", "a");
      Letters letters = new Letters().down();
      Taker taker = take(options().deadLetters(letters));
      Settlement rejected = taker.next("a").settlement();
      rejected.settle(REJECT);
      rig.await("an attempt", () -> letters.attempts() > 0);
      taker.cancel();
      letters.up();
      assertDurable(rejected);
      assertThat(letters.taken()).hasSize(1);
      crash();
      assertNothingLeft("x");
    }

    @Test
    void doesNotWaitForEverForALetter() {
      send("x", "a");
      Letters letters = new Letters().down();
      Taker taker = take(options().deadLetters(letters));
      Settlement rejected = taker.next("a").settlement();
      rejected.settle(REJECT);
      taker.cancel();
      awaitLoss(rejected);
      letters.up();
      assertThat(letters.taken()).isEmpty();
      take().next("a");
    }

    @Test
    void fromInsideADeliveryWorksToo() {
      send("x", "a");
      Taker taker = without(options(), (self, delivery) -> self.cancel());
      Settlement out = taker.unbounded().next("a").settlement();
      awaitLoss(out);
      taker.nothing();
      take().next("a");
    }

    @Test
    void takesBackWhatWaitsInAQueueOnItsWay() {
      spread("a", "b", "c");
      AtomicInteger onTheWay = new AtomicInteger();
      Flux<Delivery<byte[]>> queue =
          channel
              .receive(options())
              .doOnNext(delivery -> onTheWay.incrementAndGet())
              .publishOn(Schedulers.immediate())
              .doOnDiscard(
                  Delivery.class,
                  delivery -> delivery.settlement().settle(Outcome.release(Why.CANCELLED)));
      Taker queued = Taker.of(queue, rig, (self, delivery) -> {});
      rig.await("three in the queue", () -> onTheWay.get() == 3);
      queued.cancel();
      Taker taker = take();
      List<Delivery<byte[]>> again = Stream.generate(taker::next).limit(3).toList();
      assertThat(again).extracting(Taker::body).containsExactlyInAnyOrder("a", "b", "c");
    }

    @Test
    void passesTheMessagesOn() {
      send("x", "a");
      Taker leaving = take();
      leaving.next("a");
      Taker staying = take();
      leaving.cancel();
      staying.next("a");
    }

    /** Who waited for a message and has gone is not told of it instead of another one. */
    @Test
    void leavesWhatComesLaterToTheOthers() {
      Taker leaving = take();
      leaving.goesOn();
      Taker staying = take();
      staying.goesOn();
      leaving.cancel();
      waitAWhile();
      send("x", "a");
      staying.next("a");
    }

    @Test
    void rightAfterTheBeginningIsAnEndToo() {
      send("x", "a");
      for (int i = 0; i < 10; i++) {
        take().cancel();
      }
      take().next("a");
    }
  }

  /** Not under {@link LeakCheck}: here the leak is meant. */
  @Nested
  class Leaking {

    @Test
    void bringsTheMessageAgainCounted() {
      assumeTrue(
          LeakDetector.level() == LeakDetector.Level.PARANOID,
          "the leak detector watches every delivery (-Dsluice.leak=paranoid)");
      send("x", "a");
      AtomicReference<Outcome> outcome = new AtomicReference<>();
      List<Delivery<byte[]>> again = new CopyOnWriteArrayList<>();
      Disposable forgetful =
          channel
              .receive(options())
              .subscribe(
                  delivery -> {
                    if (delivery.origin().attempt() == 1) {
                      delivery.settlement().onDone(outcome::set); // and that was that
                    } else {
                      again.add(delivery);
                    }
                  });
      rig.await(
          "the message again",
          () -> {
            System.gc();
            return !again.isEmpty();
          });
      assertThat(again.get(0).origin().attempt()).isEqualTo(2);
      assertThat(outcome.get())
          .isInstanceOfSatisfying(
              Outcome.Retry.class,
              retry -> assertThat(retry.cause()).isInstanceOf(LeakedDelivery.class));
      again.get(0).settlement().settle(ACK);
      assertDurable(again.get(0).settlement());
      forgetful.dispose();
    }
  }

  @Nested
  @ExtendWith(LeakCheck.class)
  class Depth {

    @BeforeEach
    void isKnown() {
      needs(Capability.DEPTH);
    }

    @Test
    void countsWhatWaits() {
      assertThat(get(channel.depth())).isZero();
      spread(7);
      assertThat(get(channel.depth())).isEqualTo(7);
      Taker taker = take();
      Stream.generate(taker::next).limit(7).forEach(d -> d.settlement().settle(ACK));
      rig.await("depth 0", () -> get(channel.depth()) == 0);
    }

    @Test
    void isReadWhenSubscribedTo() {
      Mono<Long> depth = channel.depth();
      spread(2);
      assertThat(get(depth)).isEqualTo(2);
    }

    @Test
    void countsAgainWhatAnEndedConsumerDidNotSettle() {
      spread(3);
      Taker taker = take();
      Stream.generate(taker::next).limit(3).forEach(out -> {});
      taker.cancel();
      rig.await("depth 3", () -> get(channel.depth()) == 3);
    }
  }

  /** Looking at what waits, which changes nothing. */
  @Nested
  @ExtendWith(LeakCheck.class)
  class Browsing {

    @BeforeEach
    void isPossible() {
      needs(Capability.BROWSE);
    }

    @Test
    void showsWhatWaitsByItsPosition() {
      Message<byte[]> message =
          message("a").withGroup("x").withHeader("note", "fragile").withPriority(7);
      Receipt first = get(channel.send(message));
      spread("b");
      send("x", "c");
      List<Waiting> waiting = browse(BrowseQuery.all());
      assertThat(waiting.get(0).message()).isEqualTo(message);
      assertThat(waiting.get(0).position()).isEqualTo(first.position());
      assertThat(bodies(waiting)).containsExactly("a", "b", "c");
      assertThat(waiting).allMatch(w -> w.attempts() == 0 && w.rest().isZero());
      if (can(Capability.DEPTH)) {
        assertThat(get(channel.depth())).isEqualTo(3);
      }
    }

    @Test
    void takesNothing() {
      send("x", "a");
      browse(BrowseQuery.all());
      Delivery<byte[]> delivery = take().next("a");
      assertThat(delivery.origin().attempt()).isEqualTo(1);
      delivery.settlement().settle(ACK);
      assertDurable(delivery.settlement());
      assertThat(browse(BrowseQuery.all())).isEmpty();
    }

    @Test
    void looksWhenSubscribedTo() {
      Flux<Waiting> later = channel.browse(BrowseQuery.all());
      spread("a");
      assertThat(bodies(get(later.collectList()))).containsExactly("a");
    }

    @Test
    void doesNotShowWhatIsOut() {
      send("x", "a", "b");
      spread("c");
      Taker taker = without(options()).requesting(2);
      taker.next();
      taker.next();
      if (can(Capability.EXCLUSIVE_GROUPS)) {
        assertThat(bodies(browse(BrowseQuery.all()))).containsExactly("b");
      }
      taker.cancel();
      rig.await("all of them again", () -> browse(BrowseQuery.all()).size() == 3);
    }

    @Test
    void showsHowOftenAndHowLong() {
      needs(Capability.EXCLUSIVE_GROUPS);
      needs(Capability.DELAY);
      needs(Capability.REDELIVERY_COUNT);
      send("x", "a", "b");
      spread("c");
      Taker taker = without(options()).requesting(2);
      Duration rest = Duration.ofHours(1);
      List<Delivery<byte[]>> both = List.of(taker.next(), taker.next());
      both.forEach(delivery -> delivery.settlement().settle(Outcome.retry(rest, null)));
      both.forEach(delivery -> assertDurable(delivery.settlement()));
      List<Waiting> waiting = browse(BrowseQuery.all());
      assertThat(bodies(waiting)).containsExactly("a", "b", "c");
      assertThat(waiting).extracting(Waiting::attempts).containsExactly(1, 0, 1);
      assertThat(waiting)
          .allSatisfy(
              w -> assertThat(w.rest()).isBetween(rest.minusMinutes(5), rest.plusMinutes(5)));
    }

    @Test
    void showsNoMoreThanIsAskedForAndGoesOnBehindIt() {
      for (int i = 0; i < 7; i++) {
        send(i % 2 == 0 ? "x" : "y", "" + i);
      }
      List<String> seen = new ArrayList<>();
      BrowseQuery page = BrowseQuery.all().limit(3);
      List<Waiting> found = browse(page);
      while (!found.isEmpty()) {
        assertThat(found).hasSizeLessThanOrEqualTo(3);
        seen.addAll(bodies(found));
        page = page.after(found.get(found.size() - 1).position());
        found = browse(page);
      }
      assertThat(seen).containsExactly("0", "1", "2", "3", "4", "5", "6");
    }

    @Test
    void showsWhatIsMeant() {
      Message<byte[]> wanted = message("a").withType("bag.lost").withGroup("x");
      get(channel.send(wanted));
      get(channel.send(message("b").withType("bag.lost")));
      get(channel.send(message("c").withType("bag.found").withGroup("x")));
      get(channel.send(message("d").withType("bag.lost").withGroup("y")));
      BrowseQuery all = BrowseQuery.all();
      assertThat(bodies(browse(all.group("x")))).containsExactly("a", "c");
      assertThat(bodies(browse(all.type("bag.lost")))).containsExactly("a", "b", "d");
      assertThat(bodies(browse(all.type("bag.lost").group("x")))).containsExactly("a");
      assertThat(bodies(browse(all.messageId(wanted.id())))).containsExactly("a");
      assertThat(browse(all.messageId("' or 1=1 --"))).isEmpty();
      assertThat(browse(all.group("z"))).isEmpty();
    }

    @Test
    void refusesAPositionOfAnotherKind() {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> channel.browse(BrowseQuery.all().after("here")))
          .withMessageContaining("after: \"here\"");
    }

    private List<Waiting> browse(BrowseQuery query) {
      return get(channel.browse(query).collectList());
    }

    private List<String> bodies(List<Waiting> waiting) {
      return waiting.stream()
          .map(w -> new String(w.message().payload(), StandardCharsets.UTF_8))
          .toList();
    }
  }

  /**
   * Many messages, four consumers, random outcomes, random cancels, random losses. Every message
   * ends as acknowledged, as a dead letter, or is still there; nothing is consumed twice, and no
   * group is out of order.
   */
  @Nested
  @ExtendWith(LeakCheck.class)
  class Soaking {

    @Test
    void losesNothingAndKeepsTheOrder() {
      soak(10_000);
    }

    /** As many messages as {@code -Dsluice.soak=100000} says. */
    @Test
    @Tag("soak")
    void losesNothingAndKeepsTheOrderInTheLongRun() {
      soak(Integer.getInteger("sluice.soak", 100_000));
    }

    private void soak(int messages) {
      long seed = Long.getLong("sluice.seed", ThreadLocalRandom.current().nextLong());
      new Soak(rig, channel, rig.create(), messages, seed).run();
    }
  }
}

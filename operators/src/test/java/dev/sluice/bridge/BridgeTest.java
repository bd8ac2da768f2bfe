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
package dev.sluice.bridge;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;

import dev.sluice.channel.FlowHandle;
import dev.sluice.channel.Outbound;
import dev.sluice.channel.Receipt;
import dev.sluice.channel.SendFailed;
import dev.sluice.codec.StringCodec;
import dev.sluice.delivery.DeadLetterReason;
import dev.sluice.delivery.ErrorPolicy;
import dev.sluice.delivery.Outcome;
import dev.sluice.delivery.Outcome.Release.Why;
import dev.sluice.message.Message;
import dev.sluice.test.MeterReadings;
import dev.sluice.test.TestChannel;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.test.scheduler.VirtualTimeScheduler;

/** What crosses a bridge, when it is acknowledged, and what happens when it cannot cross. */
class BridgeTest extends BridgeFixture {

  @Nested
  class Crossings {

    @Test
    void aMessageArrivesAsItWasUnderItsId() {
      Message<byte[]> message =
          message("bag 7").withType("bag.scanned").withGroup("B6 1").withHeader("tenant", "jfk");
      FlowHandle handle = bridge(b -> b).start();
      source.offer(message);
      Message<byte[]> arrived = target.sent().get(0);
      assertThat(arrived.withHeaders(arrived.headers().without("sl-via"))).isEqualTo(message);
      assertThat(arrived.headers().get("sl-via")).isEqualTo("legacy");
      stop(handle);
    }

    @Test
    void itIsAcknowledgedWhenTheTargetHasConfirmedIt() {
      Sinks.One<Receipt> confirmation = Sinks.one();
      target.onSend((message, accepted) -> confirmation.asMono().flatMap(r -> accepted));
      FlowHandle handle = bridge(b -> b).start();
      source.offer("a1");
      assertThat(texts(target.attempted())).containsExactly("a1");
      assertThat(source.outcomes("a1")).containsOnlyNulls();
      confirmation.tryEmitValue(new Receipt("bags", "a1", "0")).orThrow();
      assertThat(source.outcomes("a1")).containsExactly(ACK);
      stop(handle);
    }

    @Test
    void aSendWithoutAReceiptIsNotAConfirmation() {
      target.onSend((message, accepted) -> Mono.empty());
      FlowHandle handle = bridge(b -> b).start();
      source.offer("a1");
      assertThat(source.outcomes("a1")).containsOnlyNulls();
      back();
      pass(FIRST);
      assertThat(target.sentTexts()).containsExactly("a1");
      assertThat(source.outcomes("a1")).containsExactly(ACK);
      stop(handle);
    }

    @Test
    void aStoppedBridgeGivesBackWhatHasNotCrossed() {
      target.onSend((message, accepted) -> Mono.never());
      FlowHandle handle = bridge(b -> b.window(1)).start();
      source.offer("a1", "a2", "b1");
      stop(handle);
      for (String text : List.of("a1", "a2", "b1")) {
        assertThat(source.outcomes(text)).containsExactly(Outcome.release(Why.STOPPED));
      }
      assertThat(source.waitingTexts()).containsExactly("a1", "a2", "b1");
      assertThat(target.sent()).isEmpty();
      assertThat(handle.stats().state()).isEqualTo(FlowHandle.State.STOPPED);
    }

    @Test
    void anExpiredMessageDoesNotCross() {
      away();
      FlowHandle handle = bridge(b -> b).start();
      source.offer(message("a1"));
      source.offer(message("b1").expiringAt(clock.instant().plusMillis(1)));
      back();
      pass(LAST);
      assertThat(target.sentTexts()).containsExactly("a1");
      assertThat(letters()).containsExactly("b1 EXPIRED");
      stop(handle);
    }
  }

  @Nested
  class Orders {

    @Test
    void messagesOfAGroupWaitForEachOtherAndGroupsDoNot() {
      target.onSend((message, accepted) -> later(accepted, Duration.ofSeconds(1)));
      FlowHandle handle = bridge(b -> b).start();
      source.offer("a1", "a2", "b1", "a3");
      assertThat(texts(target.attempted())).containsExactly("a1", "b1");
      pass(Duration.ofSeconds(3));
      assertThat(target.sentTexts()).containsExactly("a1", "b1", "a2", "a3");
      stop(handle);
    }

    @Test
    void noMoreAreOnTheirWayThanTheWindowIsWide() {
      target.onSend((message, accepted) -> later(accepted, Duration.ofSeconds(1)));
      FlowHandle handle = bridge(b -> b.window(2)).start();
      source.offer("a1", "b1", "c1");
      assertThat(target.attempted()).hasSize(2);
      pass(Duration.ofSeconds(2));
      assertThat(target.sentTexts()).containsExactly("a1", "b1", "c1");
      stop(handle);
    }

    @Test
    void inTotalOrderGroupsWaitToo() {
      target.onSend(
          (message, accepted) ->
              later(accepted, Duration.ofSeconds(TestChannel.text(message).equals("a1") ? 5 : 1)));
      FlowHandle handle = bridge(b -> b.order(Order.TOTAL)).start();
      source.offer("a1", "b1", "c1");
      pass(Duration.ofSeconds(7));
      assertThat(target.sentTexts()).containsExactly("a1", "b1", "c1");
      stop(handle);
    }

    @Test
    void withoutOrderNobodyWaits() {
      target.onSend(
          (message, accepted) ->
              later(accepted, Duration.ofSeconds(TestChannel.text(message).equals("a1") ? 5 : 1)));
      FlowHandle handle = bridge(b -> b.order(Order.NONE)).start();
      source.offer("a1", "a2", "a3");
      pass(Duration.ofSeconds(7));
      assertThat(target.sentTexts()).containsExactly("a2", "a3", "a1");
      stop(handle);
    }

    @Test
    void theGroupIsThatUnderWhichAMessageIsSent() {
      target.onSend((message, accepted) -> later(accepted, Duration.ofSeconds(1)));
      FlowHandle handle =
          bridge(
                  b ->
                      b.translateMessages(
                          StringCodec.utf8(), m -> m.withGroup("flight"), StringCodec.utf8()))
              .start();
      source.offer("a1", "b1");
      assertThat(texts(target.attempted())).containsExactly("a1");
      pass(Duration.ofSeconds(2));
      assertThat(target.sentTexts()).containsExactly("a1", "b1");
      stop(handle);
    }

    @Test
    void aMessageThatWaitsForItsNextAttemptIsNotOvertakenByItsGroup() {
      List<String> failing = new ArrayList<>(List.of("a1", "a1"));
      target.onSend(
          (message, accepted) ->
              failing.remove(TestChannel.text(message)) ? Mono.error(notSent()) : accepted);
      FlowHandle handle = bridge(b -> b).start();
      source.offer("a1", "a2", "b1");
      pass(Duration.ofMinutes(1));
      assertThat(target.sentTexts()).containsExactly("b1", "a1", "a2");
      stop(handle);
    }
  }

  @Nested
  class Pipelines {

    /** Sends that a test ends itself, the last one of each text. */
    private final Map<String, Sinks.One<Boolean>> sends = new HashMap<>();

    private void byHand() {
      target.onSend(
          (message, accepted) -> {
            Sinks.One<Boolean> end = Sinks.one();
            sends.put(TestChannel.text(message), end);
            return end.asMono().then(accepted);
          });
    }

    private void confirm(String text) {
      sends.get(text).tryEmitValue(true).orThrow();
    }

    private void fail(String text) {
      sends.get(text).tryEmitError(notSent()).orThrow();
    }

    private Bridge pipelined(int window) {
      return bridge(b -> b.order(Order.PIPELINED).window(window));
    }

    @Test
    void manyAreOnTheirWayAndAcknowledgedInTheirOrder() {
      byHand();
      FlowHandle handle = pipelined(3).start();
      source.offer("a1", "b1", "a2", "b2");
      assertThat(texts(target.attempted())).containsExactly("a1", "b1", "a2");
      confirm("b1");
      confirm("a2");
      assertThat(source.outcomes("b1")).containsOnlyNulls();
      assertThat(source.outcomes("a2")).containsOnlyNulls();
      confirm("a1");
      for (String text : List.of("a1", "b1", "a2")) {
        assertThat(source.outcomes(text)).containsExactly(ACK);
      }
      confirm("b2");
      assertThat(source.outcomes("b2")).containsExactly(ACK);
      stop(handle);
    }

    @Test
    void whatWasSentAheadOfAFailedOneIsSentAgainBehindIt() {
      byHand();
      Bridge bridge = pipelined(8);
      FlowHandle handle = bridge.start();
      source.offer("a1", "b1", "a2", "b2");
      confirm("a1");
      confirm("a2"); // ahead of b1
      fail("b1");
      pass(LAST); // b2 has not ended
      assertThat(target.attempted()).hasSize(4);
      fail("b2");
      assertThat(bridge.health().state()).isEqualTo(BridgeHealth.State.TARGET_AWAY);
      back();
      source.offer("c1");
      pass(LAST);
      assertThat(target.sentTexts()).containsExactly("a1", "a2", "b1", "a2", "b2", "c1");
      assertThat(source.deliveries()).hasSize(5).allMatch(d -> ACK.equals(d.outcome()));
      assertThat(bridge.health().outages()).isEqualTo(1);
      stop(handle);
    }

    @Test
    void whileItIsAwayTheFirstOneProbes() {
      byHand();
      FlowHandle handle = pipelined(8).start();
      source.offer("a1", "b1");
      fail("b1");
      fail("a1");
      away();
      pass(Duration.ofMinutes(1));
      assertThat(texts(target.attempted()).subList(2, 6)).containsExactly("a1", "a1", "a1", "a1");
      back();
      pass(LAST);
      assertThat(target.sentTexts()).containsExactly("a1", "b1");
      stop(handle);
    }

    @Test
    void whatIsRefusedForGoodHoldsNothingUp() {
      byHand();
      FlowHandle handle = pipelined(8).start();
      source.offer("a1", "b1");
      sends.get("a1").tryEmitError(SendFailed.permanent("bags", "too large", null)).orThrow();
      confirm("b1");
      assertThat(letters()).containsExactly("a1 POISON");
      assertThat(source.outcomes("b1")).containsExactly(ACK);
      assertThat(target.sentTexts()).containsExactly("b1");
      stop(handle);
    }

    @Test
    void aStopGivesBackWhatHasNotCrossedAndTheNextRunBeginsAnew() {
      byHand();
      Bridge bridge = pipelined(8);
      FlowHandle handle = bridge.start();
      source.offer("a1", "b1", "a2");
      confirm("b1"); // nobody knows: it comes again
      fail("a1");
      stop(handle);
      assertThat(source.waitingTexts()).containsExactly("a1", "b1", "a2");
      back();
      FlowHandle again = bridge.start();
      pass(LAST);
      assertThat(target.sentTexts()).containsExactly("b1", "a1", "b1", "a2");
      assertThat(source.waitingTexts()).isEmpty();
      stop(again);
    }

    @Test
    void aDeliveryThatIsLostMakesWay() {
      byHand();
      FlowHandle handle = pipelined(8).start();
      source.offer("a1", "b1");
      confirm("b1");
      assertThat(source.lose(d -> d.text().equals("a1"))).isEqualTo(1);
      pass(Duration.ofSeconds(10)); // the grace
      assertThat(source.outcomes("b1")).containsExactly(ACK);
      stop(handle);
    }

    /** Whatever fails, and in whatever order answers come back: the last copies are in order. */
    @Test
    void randomlyFailingSendsKeepTheOrderOfLastCopies() {
      for (int seed = 0; seed < 20; seed++) {
        Random random = new Random(seed);
        TestChannel from = TestChannel.create("from " + seed);
        TestChannel to = TestChannel.create("to " + seed);
        to.onSend(
            (message, accepted) -> {
              Duration delay = Duration.ofMillis(random.nextInt(20));
              int fate = random.nextInt(20);
              Mono<Receipt> sent = fate == 0 ? Mono.empty() : accepted; // in the order of sends
              Mono<Receipt> answered = random.nextBoolean() ? sent.delayElement(delay) : sent;
              return fate > 1
                  ? answered
                  : answered.then(Mono.delay(delay)).then(Mono.error(notSent()));
            });
        FlowHandle handle =
            Bridge.between("b", from, to, spec(b -> b.order(Order.PIPELINED).window(5))).start();
        List<String> all = new ArrayList<>();
        for (int i = 0; i < 50; i++) {
          all.add("m" + i);
          from.offer("m" + i);
          pass(Duration.ofMillis(random.nextInt(10)));
        }
        pass(Duration.ofHours(1));
        Set<String> last = new LinkedHashSet<>();
        to.sentTexts()
            .forEach(
                text -> {
                  last.remove(text);
                  last.add(text);
                });
        assertThat(last).as("seed " + seed).containsExactlyElementsOf(all);
        assertThat(from.deliveries()).hasSize(50).allMatch(d -> ACK.equals(d.outcome()));
        stop(handle);
      }
    }
  }

  @Nested
  class Outages {

    @Test
    void nothingIsSentButProbesAndTheirWaitsGrow() {
      away();
      FlowHandle handle = bridge(b -> b).start();
      source.offer("a1", "b1", "a2", "c1");
      assertThat(texts(target.attempted())).containsExactly("a1"); // which has told
      pass(FIRST.minusMillis(1));
      assertThat(target.attempted()).hasSize(1);
      pass(Duration.ofMillis(1));
      assertThat(target.attempted()).hasSize(2);
      pass(Duration.ofSeconds(2));
      assertThat(target.attempted()).hasSize(3);
      pass(LAST);
      pass(LAST);
      assertThat(target.attempted()).hasSize(5);
      assertThat(source.unsettled()).hasSize(4);
      stop(handle);
    }

    @Test
    void everyMessageIsAProbeBeforeOneIsItAgain() {
      away();
      FlowHandle handle = bridge(b -> b).start();
      source.offer("a1", "a2", "b1", "c1", "d1");
      pass(FIRST.plusSeconds(2).plus(LAST).plus(LAST)); // a1 had failed when the others came
      assertThat(texts(target.attempted())).containsExactly("a1", "a1", "b1", "c1", "d1");
      pass(LAST);
      assertThat(texts(target.attempted())).last().isEqualTo("a1");
      stop(handle);
    }

    @Test
    void whenItIsBackEverythingCrossesInOrderAndNoAttemptWasCounted() {
      FlowHandle handle = bridge(b -> b).start();
      for (int outage = 0; outage < 10; outage++) {
        away();
        source.offer("a" + outage, "b" + outage);
        pass(Duration.ofMinutes(1));
        back();
        pass(LAST);
      }
      assertThat(target.sentTexts())
          .filteredOn(text -> text.startsWith("a"))
          .containsExactly("a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7", "a8", "a9");
      assertThat(target.sentTexts()).hasSize(20).doesNotHaveDuplicates();
      assertThat(dead.sent()).isEmpty();
      assertThat(source.deliveries()).hasSize(20).allMatch(d -> ACK.equals(d.outcome()));
      assertThat(handle.stats().retried()).isZero();
      assertThat(handle.stats().released()).isZero();
      stop(handle);
    }

    @Test
    void anOutageInTheMiddleOfManySendsCountsForNoneOfThem() {
      target.onSend((message, accepted) -> Mono.delay(FIRST).flatMap(t -> Mono.error(notSent())));
      Bridge bridge = bridge(b -> b);
      FlowHandle handle = bridge.start();
      source.offer("a1", "b1", "c1", "d1");
      assertThat(target.attempted()).hasSize(4);
      pass(FIRST);
      BridgeHealth health = bridge.health();
      assertThat(health.state()).isEqualTo(BridgeHealth.State.TARGET_AWAY);
      assertThat(health.consecutiveFailures()).isEqualTo(4);
      assertThat(health.outages()).isEqualTo(1);
      back();
      pass(FIRST);
      assertThat(target.sentTexts()).containsExactly("a1", "b1", "c1", "d1");
      assertThat(bridge.health().isUp()).isTrue();
      stop(handle);
    }

    @Test
    void whatWasOnItsWayWhenItWentAwayProvesNothing() {
      target.onSend(
          (message, accepted) ->
              TestChannel.text(message).equals("a1")
                  ? Mono.delay(Duration.ofMillis(500)).then(Mono.error(notSent()))
                  : later(accepted, Duration.ofMillis(1200)));
      Bridge bridge =
          bridge(b -> b.flow(f -> f.deadLetter(dead).onError(ErrorPolicy.defaults().retries(0))));
      FlowHandle handle = bridge.start();
      source.offer("a1", "b1");
      pass(Duration.ofMillis(600));
      away();
      pass(Duration.ofMillis(800));
      assertThat(source.outcomes("b1")).containsExactly(ACK);
      assertThat(bridge.health().state()).isEqualTo(BridgeHealth.State.TARGET_AWAY);
      assertThat(target.attempted()).hasSize(2);
      pass(Duration.ofMinutes(1));
      assertThat(target.attempted()).hasSizeGreaterThan(10);
      back();
      pass(LAST);
      assertThat(target.sentTexts()).containsExactly("b1", "a1");
      assertThat(dead.sent()).isEmpty();
      assertThat(bridge.health().outages()).isEqualTo(1);
      stop(handle);
    }

    @Test
    void aSendWhoseOutcomeIsNotKnownIsRepeatedUnderItsId() {
      target.onSend(
          (message, accepted) ->
              accepted.then(Mono.error(SendFailed.unknown("bags", "no answer", null))));
      FlowHandle handle = bridge(b -> b).start();
      source.offer("a1");
      back();
      pass(FIRST);
      assertThat(target.sentTexts()).containsExactly("a1", "a1");
      assertThat(target.sent()).extracting(Message::id).containsOnly(target.sent().get(0).id());
      assertThat(source.outcomes("a1")).containsExactly(ACK);
      stop(handle);
    }

    @Test
    void aMessageThatFailsWhileOthersGetThroughIsADeadLetterInTheEnd() {
      target.onSend(
          (message, accepted) ->
              TestChannel.text(message).equals("a1") ? Mono.error(notSent()) : accepted);
      FlowHandle handle =
          bridge(
                  b ->
                      b.flow(
                          flow ->
                              flow.deadLetter(dead)
                                  .onError(
                                      ErrorPolicy.defaults()
                                          .retries(2)
                                          .backoff(Duration.ofSeconds(1), Duration.ofSeconds(1))
                                          .jitter(0))))
              .start();
      source.offer("a1", "a2");
      for (int i = 1; i <= 9; i++) {
        source.offer("b" + i);
        pass(LAST);
      }
      assertThat(letters()).containsExactly("a1 ATTEMPTS_EXHAUSTED");
      assertThat(dead.sent().get(0).headers().get("sl-dl-attempt")).isEqualTo("3");
      assertThat(target.sentTexts()).contains("a2").filteredOn("a1"::equals).isEmpty();
      assertThat(target.sentTexts()).hasSize(10);
      stop(handle);
    }

    @Test
    void anOnlyMessageThatFailsIsProbedWithForEver() {
      away();
      Bridge bridge = bridge(b -> b);
      FlowHandle handle = bridge.start();
      source.offer("a1");
      pass(Duration.ofHours(1));
      assertThat(dead.sent()).isEmpty();
      assertThat(source.unsettled()).hasSize(1);
      assertThat(target.attempted()).hasSizeGreaterThan(800);
      assertThat(bridge.health().oldest()).isEqualTo(Duration.ofHours(1));
      stop(handle);
    }

    @Test
    void whatTheTargetRefusesForGoodIsADeadLetterAndNoOutage() {
      target.onSend(
          (message, accepted) ->
              TestChannel.text(message).equals("a1")
                  ? Mono.error(SendFailed.permanent("bags", "too large", null))
                  : accepted);
      Bridge bridge = bridge(b -> b);
      FlowHandle handle = bridge.start();
      source.offer("a1", "a2");
      assertThat(letters()).containsExactly("a1 POISON");
      assertThat(target.sentTexts()).containsExactly("a2");
      assertThat(bridge.health().outages()).isZero();
      stop(handle);
    }

    @Test
    void aProbeThatIsRefusedForGoodMakesWayForTheNext() {
      away();
      FlowHandle handle = bridge(b -> b).start();
      source.offer("a1", "b1");
      target.onSend(
          (message, accepted) ->
              TestChannel.text(message).equals("b1")
                  ? Mono.error(SendFailed.permanent("bags", "too large", null))
                  : accepted);
      pass(FIRST);
      assertThat(letters()).containsExactly("b1 POISON");
      assertThat(target.sentTexts()).containsExactly("a1");
      stop(handle);
    }

    @Test
    void aProbeThatHasExpiredMakesWayForTheNext() {
      away();
      FlowHandle handle = bridge(b -> b).start();
      source.offer(message("a1"));
      source.offer(message("b1").expiringAt(clock.instant().plusMillis(1)));
      pass(FIRST.plusSeconds(2));
      assertThat(letters()).containsExactly("b1 EXPIRED");
      assertThat(texts(target.attempted())).containsExactly("a1", "a1", "a1");
      stop(handle);
    }

    @Test
    void aTargetThatThrowsIsAwayToo() {
      target.onSend(
          (message, accepted) -> {
            throw new IllegalStateException("no connection");
          });
      FlowHandle handle = bridge(b -> b).start();
      source.offer("a1");
      assertThat(source.outcomes("a1")).containsOnlyNulls();
      back();
      pass(FIRST);
      assertThat(target.sentTexts()).containsExactly("a1");
      stop(handle);
    }

    @Test
    void aStopInAnOutageGivesEverythingBackUncounted() {
      away();
      FlowHandle handle = bridge(b -> b).start();
      source.offer("a1", "b1", "a2");
      pass(Duration.ofMinutes(1));
      stop(handle);
      assertThat(source.waitingTexts()).containsExactly("a1", "b1", "a2");
      assertThat(source.deliveries())
          .allMatch(d -> Outcome.release(Why.STOPPED).equals(d.outcome()));
      FlowHandle again = bridge(b -> b).start();
      back();
      pass(LAST);
      assertThat(source.deliveries().get(3).origin().attempt()).isEqualTo(1);
      stop(again);
    }

    @Test
    void aDeliveryThatIsLostInAnOutageIsNotSentAnyMore() {
      away();
      FlowHandle handle = bridge(b -> b).start();
      source.offer("a1", "b1");
      assertThat(source.lose(d -> d.text().equals("a1"))).isEqualTo(1);
      back();
      pass(LAST);
      assertThat(target.sentTexts()).containsExactly("b1");
      stop(handle);
    }
  }

  @Nested
  class Pauses {

    @Test
    void nothingIsSentUntilItIsResumed() {
      Bridge bridge = bridge(b -> b);
      FlowHandle handle = bridge.start();
      bridge.pause();
      source.offer("a1", "b1");
      pass(Duration.ofMinutes(1));
      assertThat(target.attempted()).isEmpty();
      assertThat(source.unsettled()).hasSize(2);
      assertThat(bridge.health().state()).isEqualTo(BridgeHealth.State.PAUSED);
      bridge.resume();
      pass(Duration.ofMillis(100));
      assertThat(target.sentTexts()).containsExactly("a1", "b1");
      assertThat(bridge.health().isUp()).isTrue();
      stop(handle);
    }

    @Test
    void whatIsOnItsWayComesToItsEnd() {
      target.onSend((message, accepted) -> later(accepted, FIRST));
      Bridge bridge = bridge(b -> b);
      FlowHandle handle = bridge.start();
      source.offer("a1", "a2");
      bridge.pause();
      pass(FIRST);
      assertThat(source.outcomes("a1")).containsExactly(ACK);
      assertThat(source.outcomes("a2")).containsOnlyNulls();
      bridge.resume();
      pass(FIRST.multipliedBy(2));
      assertThat(source.outcomes("a2")).containsExactly(ACK);
      stop(handle);
    }
  }

  @Nested
  class Translations {

    private Bridge shouting() {
      return bridge(
          b ->
              b.translate(
                  StringCodec.utf8(),
                  (String text) -> {
                    if (text.endsWith("!")) {
                      throw new IllegalStateException("shouted already");
                    }
                    return text.endsWith("?") ? nothing() : text + '!';
                  },
                  StringCodec.utf8()));
    }

    @SuppressWarnings("NullAway") // a mapper of a user who does not check
    private String nothing() {
      return null;
    }

    @Test
    void thePayloadIsMappedAndItsContentTypeSaid() {
      FlowHandle handle = shouting().start();
      source.offer("a1");
      assertThat(target.sentTexts()).containsExactly("a1!");
      assertThat(target.sent().get(0).contentType()).isEqualTo("text/plain;charset=utf-8");
      stop(handle);
    }

    @Test
    void whatCannotBeTranslatedIsADeadLetterAsItCameAndTheOthersGoOn() {
      Bridge bridge = shouting();
      FlowHandle handle = bridge.start();
      source.offer("a1!", "a2?");
      source.offer(Message.of(new byte[] {(byte) 0xC3, 0x28}).withGroup("a"));
      source.offer("a3");
      assertThat(letters().subList(0, 2)).containsExactly("a1! POISON", "a2? POISON");
      assertThat(dead.sent().get(2).headers().get("sl-dl-reason")).isEqualTo("UNREADABLE");
      assertThat(dead.sent().get(2).payload()).containsExactly(0xC3, 0x28);
      assertThat(dead.sent().get(0).headers().get("sl-dl-error")).contains("shouted already");
      assertThat(dead.sent()).noneMatch(letter -> letter.headers().contains("sl-via"));
      assertThat(target.sentTexts()).containsExactly("a3!");
      assertThat(bridge.health().rejected()).isEqualTo(3);
      stop(handle);
    }

    @Test
    void theIdStaysWhateverTheMapperMakes() {
      FlowHandle handle =
          bridge(
                  b ->
                      b.translateMessages(
                          StringCodec.utf8(),
                          message -> Message.of(message.payload() + '!').withType("bag.shouted"),
                          StringCodec.utf8()))
              .start();
      Message<byte[]> message = message("a1");
      source.offer(message);
      Message<byte[]> arrived = target.sent().get(0);
      assertThat(arrived.id()).isEqualTo(message.id());
      assertThat(arrived.type()).isEqualTo("bag.shouted");
      assertThat(arrived.headers().get("sl-via")).isEqualTo("legacy");
      stop(handle);
    }
  }

  @Nested
  class Loops {

    private final TestChannel third = TestChannel.create("third");

    /** A message that goes round does so a few times and not for ever. */
    @BeforeEach
    void boundRounds() {
      for (TestChannel side : List.of(source, target, third)) {
        side.onSend((message, accepted) -> side.sent().size() < 5 ? accepted : Mono.never());
      }
    }

    @Test
    void nothingComesBackOverTwoBridges() {
      Bridge.Pair pair =
          Bridge.bothWays(
              "bags",
              new Bridge.Side("old", source, source),
              new Bridge.Side("new", target, target),
              spec(b -> b),
              spec(b -> b));
      FlowHandle there = pair.there().start();
      FlowHandle back = pair.back().start();
      source.offer("a1");
      target.offer("b1");
      pass(LAST);
      assertThat(target.sentTexts()).containsExactly("a1");
      assertThat(source.sentTexts()).containsExactly("b1");
      assertThat(target.outcomes("a1")).containsExactly(Outcome.filtered());
      assertThat(pair.there().health().echoes()).isEqualTo(1);
      assertThat(pair.back().health().echoes()).isEqualTo(1);
      assertThat(pair.there().name()).isEqualTo("bags there");
      assertThat(pair.back().name()).isEqualTo("bags back");
      stop(there);
      stop(back);
    }

    @Test
    void norOverARingOfThree() {
      List<FlowHandle> ring =
          List.of(
              Bridge.between("1", source, target, spec(b -> b)).start(),
              Bridge.between("2", target, third, spec(b -> b)).start(),
              Bridge.between("3", third, source, spec(b -> b)).start());
      source.offer("a1");
      pass(LAST);
      assertThat(target.sentTexts()).containsExactly("a1");
      assertThat(third.sentTexts()).containsExactly("a1");
      assertThat(source.sentTexts()).isEmpty();
      assertThat(third.sent().get(0).headers().get("sl-via")).isEqualTo("legacy,bags");
      ring.forEach(handle -> stop(handle));
    }

    @Test
    void sidesWithAChannelForEachDirectionAreNamed() {
      FlowHandle there = bridge(b -> b.sides("old", "new")).start();
      FlowHandle back =
          Bridge.between("back", target, third, spec(b -> b.sides("new", "old"))).start();
      source.offer("a1");
      pass(LAST);
      assertThat(target.sentTexts()).containsExactly("a1");
      assertThat(third.sent()).isEmpty();
      stop(there);
      stop(back);
    }

    @Test
    void aMessageThatFollowsFromOneIsANewOne() {
      FlowHandle there = bridge(b -> b).start();
      source.offer("a1");
      Message<byte[]> arrived = target.sent().get(0);
      FlowHandle back = Bridge.between("back", target, source, spec(b -> b)).start();
      target.offer(arrived.reply(new byte[] {'r'}));
      pass(LAST);
      assertThat(source.sentTexts()).containsExactly("r");
      stop(there);
      stop(back);
    }

    @Test
    void aMessageThatComesAgainFromTheSameSideIsMarkedOnce() {
      FlowHandle handle = bridge(b -> b).start();
      Message<byte[]> message = message("a1");
      source.offer(message.withHeaders(message.headers().withReserved("sl-via", "far,legacy")));
      assertThat(target.sent().get(0).headers().get("sl-via")).isEqualTo("far,legacy");
      stop(handle);
    }

    @Test
    void aMessageThatHasCrossedTooManyBridgesIsADeadLetter() {
      FlowHandle handle = bridge(b -> b).start();
      Message<byte[]> message = message("a1");
      source.offer(
          message.withHeaders(
              message.headers().withReserved("sl-via", "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16")));
      assertThat(letters()).containsExactly("a1 " + DeadLetterReason.UNROUTABLE);
      assertThat(target.sent()).isEmpty();
      stop(handle);
    }
  }

  @Nested
  class Health {

    @Test
    void itIsDownUntilItIsStartedAndWhenItHasEnded() {
      Bridge bridge = bridge(b -> b);
      assertThat(bridge.health().state()).isEqualTo(BridgeHealth.State.DOWN);
      FlowHandle handle = bridge.start();
      assertThat(bridge.health().state()).isEqualTo(BridgeHealth.State.UP);
      source.fail(new TimeoutException("gone"));
      assertThat(bridge.health().state()).isEqualTo(BridgeHealth.State.DOWN);
      assertThat(bridge.health().lastError()).hasMessage("gone");
      assertThat(handle.stats().state()).isEqualTo(FlowHandle.State.FAILED);
    }

    @Test
    void itShowsWhatIsOutHowOldItIsAndWhyItDoesNotCross() {
      Bridge bridge = bridge(b -> b.window(1).flow(f -> f.deadLetter(dead).maxUnsettled(1024)));
      FlowHandle handle = bridge.start();
      away();
      source.offer("a1", "b1");
      pass(Duration.ofMillis(500));
      bridge.health(); // looks
      BridgeHealth health = bridge.health();
      assertThat(health.unacknowledged()).isEqualTo(2);
      assertThat(health.oldest()).isEqualTo(Duration.ofMillis(500));
      assertThat(health.lag()).isEqualTo(OptionalLong.of(2));
      assertThat(health.lastError()).isInstanceOf(SendFailed.class);
      assertThat(health.lastErrorAt()).isEqualTo(clock.instant().minusMillis(500));
      assertThat(health.since()).isEqualTo(health.lastErrorAt());
      assertThat(health.isUp()).isFalse();
      assertThat(bridge.toString()).contains("TARGET_AWAY").doesNotContain("a1");
      assertThat(bridge.warning())
          .isEqualTo(
              "the target of bridge bsm in has been away since "
                  + health.since()
                  + ": 1 sends have failed");
      back();
      pass(Duration.ofSeconds(3));
      health = bridge.health();
      assertThat(health.isUp()).isTrue();
      assertThat(bridge.warning()).isNull();
      assertThat(health.crossed()).isEqualTo(2);
      assertThat(health.unacknowledged()).isZero();
      assertThat(health.oldest()).isZero();
      assertThat(health.consecutiveFailures()).isZero();
      assertThat(health.rate()).isEqualTo(0.2);
      pass(Duration.ofSeconds(20));
      assertThat(bridge.health().rate()).isZero();
      stop(handle);
    }

    @Test
    void deadLettersThatAreRefusedStallIt() {
      Bridge bridge = bridge(b -> b.translate(StringCodec.utf8(), nobody(), StringCodec.utf8()));
      FlowHandle handle = bridge.start();
      dead.onSend((message, accepted) -> Mono.error(new TimeoutException("dead too")));
      source.offer("a1");
      assertThat(bridge.health().state()).isEqualTo(BridgeHealth.State.STALLED);
      assertThat(bridge.health().lastError()).hasMessageContaining("dead too");
      dead.onSend((message, accepted) -> accepted);
      pass(Duration.ofMinutes(1));
      assertThat(bridge.health().isUp()).isTrue();
      stop(handle);
    }

    private java.util.function.Function<String, String> nobody() {
      return text -> {
        throw new IllegalArgumentException(text);
      };
    }

    @Test
    void itsNumbersAreMeters() {
      Bridge bridge = bridge(b -> b);
      FlowHandle handle = bridge.start();
      source.offer("a1");
      away();
      source.offer("b1");
      pass(Duration.ofMillis(500));
      MeterReadings readings = MeterReadings.of(bridge);
      readings.read(); // looks
      Map<String, Double> read = readings.read();
      assertThat(read)
          .containsEntry("sluice.bridge.up{bridge=bsm in}", 0.0)
          .containsEntry("sluice.bridge.crossed{bridge=bsm in}", 1.0)
          .containsEntry("sluice.bridge.echoes{bridge=bsm in}", 0.0)
          .containsEntry("sluice.bridge.rejected{bridge=bsm in}", 0.0)
          .containsEntry("sluice.bridge.outages{bridge=bsm in}", 1.0)
          .containsEntry("sluice.bridge.unacknowledged{bridge=bsm in}", 1.0)
          .containsEntry("sluice.bridge.oldest.age{bridge=bsm in}", 0.5)
          .containsEntry("sluice.bridge.lag{bridge=bsm in}", 1.0)
          .containsEntry("sluice.bridge.rate{bridge=bsm in}", 0.0)
          .containsEntry("sluice.bridge.failures{bridge=bsm in}", 1.0);
      stop(handle);
    }
  }

  @Nested
  class Options {

    @Test
    void whatIsOutOfRangeIsRefusedWithItsValue() {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> Bridge.between(" ", source, target))
          .withMessage("name: \" \" (expected: not blank)");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> bridge(b -> b.window(0)))
          .withMessage("window: 0 (expected: 1..65536)");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> bridge(b -> b.probe(Duration.ZERO, FIRST)))
          .withMessage("first: PT0S (expected: > PT0S, <= PT8760H)");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> bridge(b -> b.probe(LAST, FIRST)))
          .withMessage("max: PT1S (expected: PT4S..PT8760H)");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> bridge(b -> b.jitter(2)))
          .withMessage("jitter: 2.0 (expected: 0..1)");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> bridge(b -> b.sides("old", "a,b")))
          .withMessageStartingWith("to: \"a,b\" (expected: 1..256 characters, no comma");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> Bridge.between("loop", source, source))
          .withMessage(
              "sides: \"legacy\" and \"legacy\" (expected: two names, see BridgeSpec.sides)");
      assertThatNullPointerException()
          .isThrownBy(() -> bridge(b -> nothing()))
          .withMessage("the function gave null");
    }

    @SuppressWarnings("NullAway") // a user who does not check
    private BridgeSpec nothing() {
      return null;
    }

    @Test
    void theFlowHasTheStepsThatAreAskedFor() {
      VirtualTimeScheduler time = VirtualTimeScheduler.create();
      Outbound<byte[]> tap = TestChannel.create("tap");
      FlowHandle handle = bridge(b -> b.flow(f -> f.wireTap(tap, c -> c.scheduler(time)))).start();
      source.offer("a1");
      time.advanceTimeBy(Duration.ofMillis(1));
      assertThat(((TestChannel) tap).sentTexts()).containsExactly("a1");
      assertThat(target.sentTexts()).containsExactly("a1");
      stop(handle);
    }
  }
}

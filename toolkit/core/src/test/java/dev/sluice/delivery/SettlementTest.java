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
package dev.sluice.delivery;

import static dev.sluice.delivery.Races.race;
import static dev.sluice.delivery.Races.rounds;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;

import dev.sluice.delivery.Outcome.Release.Why;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import reactor.core.Disposable;
import reactor.core.publisher.Mono;
import reactor.test.StepVerifier;

class SettlementTest {

  private static final Duration TIMEOUT = Duration.ofSeconds(10);

  private final ProbeSettlement settlement = new ProbeSettlement();

  @Nested
  class Decision {

    @Test
    void theFirstDecisionStandsAndTheSourceIsTold() {
      assertThat(settlement.isSettled()).isFalse();
      assertThat(settlement.outcome()).isNull();

      assertThat(settlement.settle(Outcome.ack())).isTrue();
      assertThat(settlement.settle(Outcome.release(Why.CANCELLED))).isFalse();

      assertThat(settlement.isSettled()).isTrue();
      assertThat(settlement.outcome()).isEqualTo(Outcome.ack());
      assertThat(settlement.decided).containsExactly(Outcome.ack());
      assertThat(settlement.redundant).containsExactly(Outcome.release(Why.CANCELLED));
    }

    @Test
    void racedDecisionsOfEightThreadsDecideOnce() {
      rounds(
          round -> {
            ProbeSettlement raced = new ProbeSettlement();
            AtomicInteger winners = new AtomicInteger();
            Runnable[] deciders =
                IntStream.range(0, 8)
                    .<Runnable>mapToObj(
                        i ->
                            () -> {
                              Outcome mine = Outcome.retry(Duration.ofMillis(i), null);
                              if (raced.settle(mine)) {
                                winners.incrementAndGet();
                                assertThat(raced.outcome()).isSameAs(mine);
                              }
                            })
                    .toArray(Runnable[]::new);
            race(deciders);
            assertThat(winners).hasValue(1);
            assertThat(raced.decided).hasSize(1).containsExactly(raced.outcome());
            assertThat(raced.redundant).hasSize(7);
          });
    }

    @Test
    void nullIsNoOutcome() {
      assertThatNullPointerException().isThrownBy(() -> settlement.settle(nullOutcome()));
      assertThat(settlement.isSettled()).isFalse();
    }

    @Test
    void aSourceThatFailsToTakeTheDecisionLosesTheSettlementAndSettleDoesNotThrow() {
      ProbeSettlement failing =
          new ProbeSettlement(
              () -> {
                throw new IllegalStateException("broken source");
              });
      AtomicInteger done = new AtomicInteger();
      failing.onDone(outcome -> done.incrementAndGet());

      assertThat(failing.settle(Outcome.ack())).isTrue();

      assertThat(failing.isLost()).isTrue();
      assertThat(done).hasValue(1);
      failing.durable().as(StepVerifier::create).expectError(StaleDelivery.class).verify(TIMEOUT);
    }

    @Test
    void aDecisionAfterTheLossIsTakenButHasNoEffect() {
      settlement.lose();

      assertThat(settlement.settle(Outcome.ack())).isTrue();
      assertThat(settlement.settle(Outcome.ack())).isFalse();

      assertThat(settlement.outcome()).isEqualTo(Outcome.ack());
      assertThat(settlement.decided).isEmpty();
    }

    private Outcome nullOutcome() {
      return null;
    }
  }

  @Nested
  class Durable {

    @Test
    void isNotTheSameAsDone() {
      Signals durable = new Signals();
      durable.of(settlement.durable());

      settlement.settle(Outcome.ack());
      settlement.done();
      assertThat(durable.completed).hasValue(0);

      settlement.makeDurable();
      assertThat(durable.completed).hasValue(1);
    }

    @Test
    void reachesEverySubscriberEarlyAndLate() {
      Mono<Void> durable = settlement.durable();
      StepVerifier early = StepVerifier.create(durable).expectComplete().verifyLater();
      StepVerifier second =
          StepVerifier.create(settlement.durable()).expectComplete().verifyLater();

      settlement.settle(Outcome.ack());
      settlement.makeDurable();

      early.verify(TIMEOUT);
      second.verify(TIMEOUT);
      StepVerifier.create(durable).expectComplete().verify(TIMEOUT);
      StepVerifier.create(settlement.durable()).expectComplete().verify(TIMEOUT);
    }

    @Test
    void failsAsStaleWhenTheOwnershipEndsFirstAlsoForWhoAsksLater() {
      StepVerifier early =
          StepVerifier.create(settlement.durable())
              .expectErrorSatisfies(
                  error ->
                      assertThat(error)
                          .isInstanceOf(StaleDelivery.class)
                          .hasMessageContaining("probe"))
              .verifyLater();

      settlement.lose();

      early.verify(TIMEOUT);
      StepVerifier.create(settlement.durable()).expectError(StaleDelivery.class).verify(TIMEOUT);
    }

    @Test
    void staysDurableWhenTheOwnershipEndsAfterwards() {
      settlement.settle(Outcome.ack());
      settlement.makeDurable();
      settlement.lose();

      assertThat(settlement.isLost()).isFalse();
      StepVerifier.create(settlement.durable()).expectComplete().verify(TIMEOUT);
      isStillOpen(settlement.lost());
    }

    @Test
    void isAskedOfTheSourceOnlyWhenSomebodyWaits() {
      Mono<Void> durable = settlement.durable();
      assertThat(settlement.durableAwaited).hasValue(0);

      durable.subscribe();
      durable.subscribe();
      settlement.durable().subscribe();

      assertThat(settlement.durableAwaited).hasValue(1);
    }

    @Test
    void aCancelledWaitChangesNothing() {
      Disposable waiting = settlement.durable().subscribe();
      waiting.dispose();

      settlement.settle(Outcome.ack());
      settlement.makeDurable();

      StepVerifier.create(settlement.durable()).expectComplete().verify(TIMEOUT);
    }

    @Test
    void racedWithLossExactlyOneOfThemHolds() {
      rounds(
          round -> {
            ProbeSettlement raced = new ProbeSettlement();
            raced.settle(Outcome.ack());
            Signals durable = new Signals();
            Signals lost = new Signals();
            race(
                raced::makeDurable,
                raced::lose,
                () -> durable.of(raced.durable()),
                () -> lost.of(raced.lost()));
            assertThat(durable.completed.get() + durable.failed.get()).isEqualTo(1);
            assertThat(lost.completed.get()).isEqualTo(durable.failed.get());
            assertThat(raced.isLost()).isEqualTo(lost.completed.get() == 1);
          });
    }

    @Test
    void racedSubscribersAllHearOfIt() {
      rounds(
          round -> {
            ProbeSettlement raced = new ProbeSettlement();
            raced.settle(Outcome.ack());
            Signals signals = new Signals();
            race(
                raced::makeDurable,
                () -> signals.of(raced.durable()),
                () -> signals.of(raced.durable()),
                () -> signals.of(raced.durable()));
            assertThat(signals.completed).hasValue(3);
          });
    }
  }

  @Nested
  class Loss {

    @Test
    void isToldToEverySubscriberEarlyAndLate() {
      StepVerifier early = StepVerifier.create(settlement.lost()).expectComplete().verifyLater();
      StepVerifier second = StepVerifier.create(settlement.lost()).expectComplete().verifyLater();
      assertThat(settlement.isLost()).isFalse();

      settlement.lose();
      settlement.lose();

      assertThat(settlement.isLost()).isTrue();
      early.verify(TIMEOUT);
      second.verify(TIMEOUT);
      StepVerifier.create(settlement.lost()).expectComplete().verify(TIMEOUT);
    }

    @Test
    void isNeverToldWhenItDoesNotHappen() {
      settlement.settle(Outcome.ack());
      settlement.done();
      isStillOpen(settlement.lost());
    }

    @Test
    void canStillHappenBetweenDoneAndDurable() {
      settlement.settle(Outcome.ack());
      settlement.done();
      settlement.lose();
      settlement.makeDurable();

      StepVerifier.create(settlement.lost()).expectComplete().verify(TIMEOUT);
      StepVerifier.create(settlement.durable()).expectError(StaleDelivery.class).verify(TIMEOUT);
    }
  }

  @Nested
  class OnDone {

    private final AtomicInteger calls = new AtomicInteger();

    @Test
    void waitsForDecisionAndEffect() {
      settlement.onDone(outcome -> calls.incrementAndGet());
      settlement.settle(Outcome.ack());
      assertThat(calls).hasValue(0);
      assertThat(settlement.isDone()).isFalse();

      settlement.done();
      settlement.makeDurable();
      settlement.lose();

      assertThat(calls).hasValue(1);
      assertThat(settlement.isDone()).isTrue();
    }

    @Test
    void durableIsDoneToo() {
      settlement.onDone(outcome -> calls.incrementAndGet());
      settlement.settle(Outcome.ack());
      settlement.makeDurable();
      assertThat(calls).hasValue(1);
    }

    @Test
    void aLossAloneIsNotDone() {
      settlement.onDone(outcome -> calls.incrementAndGet());
      settlement.lose();
      assertThat(calls).hasValue(0);
      assertThat(settlement.isDone()).isFalse();

      settlement.settle(Outcome.ack());
      assertThat(calls).hasValue(1);
      assertThat(settlement.isDone()).isTrue();
    }

    @Test
    void callsEveryListenerInTheOrderOfTheirComing() {
      List<Integer> called = new ArrayList<>();
      IntStream.range(0, 5).forEach(i -> settlement.onDone(outcome -> called.add(i)));
      settlement.settle(Outcome.ack());
      settlement.done();
      assertThat(called).containsExactly(0, 1, 2, 3, 4);
    }

    @Test
    void tellsTheDecision() {
      List<Outcome> told = new ArrayList<>();
      settlement.onDone(told::add);
      settlement.settle(Outcome.filtered());
      settlement.done();
      settlement.onDone(told::add);
      assertThat(told).containsExactly(Outcome.filtered(), Outcome.filtered());
    }

    @Test
    void tellsOfALossThatCameBeforeTheEffect() {
      List<Outcome> told = new ArrayList<>();
      settlement.onDone(told::add);
      settlement.settle(Outcome.ack());
      settlement.lose();
      settlement.onDone(told::add);
      Outcome lost = Outcome.release(Outcome.Release.Why.LOST);
      assertThat(told).containsExactly(lost, lost);
      assertThat(settlement.outcome()).isEqualTo(Outcome.ack());
    }

    @Test
    void tellsTheDecisionWhenTheLossCameAfterTheEffect() {
      List<Outcome> told = new ArrayList<>();
      settlement.settle(Outcome.ack());
      settlement.done();
      settlement.lose();
      settlement.onDone(told::add);
      assertThat(told).containsExactly(Outcome.ack());
    }

    @Test
    void callsALateListenerAtOnce() {
      settlement.settle(Outcome.ack());
      settlement.done();
      settlement.onDone(outcome -> calls.incrementAndGet());
      settlement.onDone(outcome -> calls.incrementAndGet());
      assertThat(calls).hasValue(2);
    }

    @Test
    void aListenerMayAddAnother() {
      settlement.onDone(outer -> settlement.onDone(inner -> calls.incrementAndGet()));
      settlement.settle(Outcome.ack());
      settlement.done();
      assertThat(calls).hasValue(1);
    }

    @Test
    void racedWithDecisionEffectAndLossEachListenerIsCalledOnce() {
      rounds(
          round -> {
            ProbeSettlement raced = new ProbeSettlement();
            AtomicInteger first = new AtomicInteger();
            AtomicInteger second = new AtomicInteger();
            AtomicInteger third = new AtomicInteger();
            raced.onDone(outcome -> first.incrementAndGet());
            race(
                () -> raced.onDone(outcome -> second.incrementAndGet()),
                () -> raced.onDone(outcome -> third.incrementAndGet()),
                () -> {
                  raced.settle(Outcome.ack());
                  raced.done();
                },
                raced::lose);
            assertThat(List.of(first.get(), second.get(), third.get())).containsOnly(1);
          });
    }

    @Test
    void isCalledWhenTheDecisionRacesTheLoss() {
      rounds(
          round -> {
            ProbeSettlement raced = new ProbeSettlement();
            AtomicInteger called = new AtomicInteger();
            raced.onDone(outcome -> called.incrementAndGet());
            race(() -> raced.settle(Outcome.ack()), raced::lose);
            assertThat(called).hasValue(1);
          });
    }
  }

  /** Nothing here is asynchronous, so what has not ended by now will not end. */
  private static void isStillOpen(Mono<Void> mono) {
    Signals signals = new Signals();
    signals.of(mono);
    assertThat(signals.completed.get() + signals.failed.get()).isZero();
  }

  /** Counts how publishers end. */
  private static final class Signals {
    final AtomicInteger completed = new AtomicInteger();
    final AtomicInteger failed = new AtomicInteger();

    void of(Mono<Void> mono) {
      mono.subscribe(v -> {}, error -> failed.incrementAndGet(), completed::incrementAndGet);
    }
  }
}

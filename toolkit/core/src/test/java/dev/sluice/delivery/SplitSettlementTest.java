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

import dev.sluice.delivery.Outcome.Release.Why;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import reactor.test.StepVerifier;

class SplitSettlementTest {

  private static final Duration TIMEOUT = Duration.ofSeconds(10);
  private static final Outcome ACK = Outcome.ack();
  private static final Outcome BUSY = Outcome.release(Why.BUSY);
  private static final Outcome STOPPED = Outcome.release(Why.STOPPED);
  private static final Outcome CANCELLED = Outcome.release(Why.CANCELLED);
  private static final Outcome RETRY = Outcome.retry(Duration.ofSeconds(1), null);
  private static final Outcome RETRY_LATER = Outcome.retry(Duration.ofSeconds(5), null);
  private static final Outcome REJECT = Outcome.reject(DeadLetterReason.POISON, null);

  private final ProbeSettlement parent = new ProbeSettlement();
  private final SplitSettlement split = new SplitSettlement(parent);

  @Nested
  class Parent {

    @Test
    void withoutChildrenIsAcknowledgedWhenTheProducerCompletes() {
      assertThat(parent.isSettled()).isFalse();
      split.producerDone(ACK);
      assertThat(parent.decided).containsExactly(ACK);
    }

    @Test
    void waitsForTheLastChild() {
      Settlement first = child();
      Settlement second = child();
      split.producerDone(ACK);
      first.settle(ACK);
      assertThat(parent.isSettled()).isFalse();
      second.settle(ACK);
      assertThat(parent.decided).containsExactly(ACK);
    }

    @Test
    void waitsForTheProducer() {
      child().settle(ACK);
      assertThat(parent.isSettled()).isFalse();
      split.producerDone(ACK);
      assertThat(parent.decided).containsExactly(ACK);
    }

    @Test
    void waitsForTheSiblingsOfAChildThatFailed() {
      Settlement failed = child();
      Settlement running = child();
      split.producerDone(ACK);
      failed.settle(REJECT);
      assertThat(parent.isSettled()).isFalse();
      running.settle(ACK);
      assertThat(parent.decided).containsExactly(REJECT);
    }

    @ParameterizedTest
    @MethodSource("dev.sluice.delivery.SplitSettlementTest#joined")
    void getsTheWorstOutcomeWhicheverChildIsFirst(Outcome one, Outcome other, Outcome joined) {
      for (List<Outcome> order : List.of(List.of(one, other), List.of(other, one))) {
        ProbeSettlement fresh = new ProbeSettlement();
        SplitSettlement children = new SplitSettlement(fresh);
        List<Settlement> settlements = List.of(child(children), child(children));
        children.producerDone(ACK);
        IntStream.range(0, 2).forEach(i -> settlements.get(i).settle(order.get(i)));
        assertThat(fresh.decided).containsExactly(joined);
      }
    }

    @Test
    void ofATruncatedSplitIsNeverAcknowledged() {
      Settlement child = child();
      split.producerDone(CANCELLED);
      child.settle(ACK);
      assertThat(parent.decided).containsExactly(CANCELLED);
    }

    @Test
    void isDecidedOnceAlthoughTheProducerEndsTwice() {
      Settlement child = child();
      split.producerDone(ACK);
      split.producerDone(CANCELLED);
      assertThat(parent.isSettled()).isFalse();
      child.settle(ACK);
      assertThat(parent.decided).containsExactly(ACK);
      assertThat(parent.redundant).isEmpty();
    }
  }

  static List<Arguments> joined() {
    return List.of(
        Arguments.of(ACK, ACK, ACK),
        Arguments.of(ACK, BUSY, BUSY),
        Arguments.of(ACK, STOPPED, STOPPED),
        Arguments.of(ACK, RETRY, RETRY),
        Arguments.of(ACK, REJECT, REJECT),
        Arguments.of(BUSY, RETRY, RETRY),
        Arguments.of(BUSY, REJECT, REJECT),
        Arguments.of(BUSY, STOPPED, STOPPED),
        Arguments.of(RETRY, RETRY_LATER, RETRY_LATER),
        Arguments.of(RETRY, REJECT, REJECT),
        Arguments.of(RETRY, CANCELLED, CANCELLED),
        Arguments.of(REJECT, STOPPED, STOPPED),
        Arguments.of(REJECT, CANCELLED, CANCELLED));
  }

  @Nested
  class Children {

    @Test
    void areRefusedOnceTheProducerIsDone() {
      Settlement open = child();
      split.producerDone(ACK);
      assertThat(split.child()).isNull();
      open.settle(ACK);
      assertThat(split.child()).isNull();
      assertThat(parent.decided).containsExactly(ACK);
    }

    @Test
    void areDoneWhenDecidedBecauseSiblingsMayBeQueuedBehindThem() {
      Settlement first = child();
      AtomicInteger done = new AtomicInteger();
      first.onDone(outcome -> done.incrementAndGet());
      first.settle(ACK);
      assertThat(done).hasValue(1);
      assertThat(parent.isSettled()).isFalse();
    }

    @Test
    void mayDecideTheNextFromTheirDoneListener() {
      Settlement first = child();
      Settlement second = child();
      first.onDone(outcome -> second.settle(ACK));
      second.onDone(outcome -> split.producerDone(ACK));
      first.settle(ACK);
      assertThat(parent.decided).containsExactly(ACK);
    }

    @Test
    void areDurableWhenTheParentIs() {
      Settlement child = child();
      split.producerDone(ACK);
      StepVerifier durable = StepVerifier.create(child.durable()).expectComplete().verifyLater();
      child.settle(ACK);
      parent.makeDurable();
      durable.verify(TIMEOUT);
      StepVerifier.create(child.durable()).expectComplete().verify(TIMEOUT);
    }

    @Test
    void areLostWithTheParent() {
      Settlement child = child();
      StepVerifier lost = StepVerifier.create(child.lost()).expectComplete().verifyLater();
      assertThat(child.isLost()).isFalse();

      parent.lose();

      lost.verify(TIMEOUT);
      assertThat(child.isLost()).isTrue();
      StepVerifier.create(child.durable()).expectError(StaleDelivery.class).verify(TIMEOUT);
    }

    @Test
    void canBeDecidedAfterTheLossAndAreDoneThen() {
      Settlement child = child();
      AtomicInteger done = new AtomicInteger();
      child.onDone(outcome -> done.incrementAndGet());
      parent.lose();

      assertThat(child.settle(Outcome.release(Why.LOST))).isTrue();
      split.producerDone(CANCELLED);

      assertThat(done).hasValue(1);
      assertThat(parent.isSettled()).isTrue();
      assertThat(parent.decided).isEmpty();
    }

    @Test
    void canBeSplitAgain() {
      SplitSettlement grandchildren = new SplitSettlement(child());
      Settlement leaf = child(grandchildren);
      split.producerDone(ACK);
      grandchildren.producerDone(ACK);
      leaf.settle(RETRY);
      assertThat(parent.decided).containsExactly(RETRY);
    }
  }

  @Nested
  class Doom {

    @Test
    void beginsWithTheFirstChildThatEndsBadly() {
      assertThat(split.doomed()).isFalse();
      child().settle(ACK);
      child().settle(Outcome.filtered());
      assertThat(split.doomed()).isFalse();
      Settlement other = child();
      assertThat(other.isDoomed()).isFalse();
      child().settle(BUSY);
      assertThat(split.doomed()).isTrue();
      assertThat(other.isDoomed()).isTrue();
    }

    @Test
    void reachesChildrenOfChildren() {
      SplitSettlement inner = new SplitSettlement(child());
      Settlement grandchild = Objects.requireNonNull(inner.child());
      child().settle(REJECT);
      assertThat(inner.doomed()).isFalse();
      assertThat(grandchild.isDoomed()).isTrue();
    }
  }

  @Nested
  class FailedChildren {

    private final Outcome.Reject poison =
        new Outcome.Reject(DeadLetterReason.POISON, new IllegalArgumentException("3"));

    private Settlement child(String id) {
      return Objects.requireNonNull(split.child(id));
    }

    private List<String> named() {
      assertThat(parent.outcome()).isInstanceOf(Outcome.Reject.class);
      return ((Outcome.Reject) parent.outcome()).failedChildren();
    }

    @Test
    void areNamedInTheOrderOfTheirFailure() {
      Settlement a = child("a");
      Settlement b = child("b");
      Settlement c = child("c");
      split.producerDone(ACK);
      c.settle(poison);
      b.settle(ACK);
      a.settle(Outcome.retry(Duration.ZERO, null)); // has not succeeded either
      assertThat(parent.outcome()).isEqualTo(poison.withFailedChildren(List.of("c", "a")));
    }

    @Test
    void areAllThatThereAreUnlessTheProducerWasCutShort() {
      Settlement a = child("a");
      split.producerDone(Outcome.reject(DeadLetterReason.POISON, null));
      a.settle(poison);
      assertThat(named()).containsExactly("a", "*");
    }

    @Test
    void areNotNamedWhenNobodyKnowsThem() {
      child("a").settle(ACK);
      split.producerDone(poison);
      assertThat(parent.outcome()).isEqualTo(poison);
    }

    @Test
    void areNamedUpToABound() {
      int bound = SplitSettlement.MAX_NAMED;
      List<Settlement> children =
          IntStream.range(0, bound + 1).mapToObj(i -> child("c" + i)).toList();
      split.producerDone(ACK);
      children.forEach(child -> child.settle(poison));
      assertThat(named()).hasSize(bound + 1).startsWith("c0", "c1").endsWith("c63", "*");
    }

    @Test
    void atTheBoundAreStillAll() {
      int bound = SplitSettlement.MAX_NAMED;
      List<Settlement> children = IntStream.range(0, bound).mapToObj(i -> child("c" + i)).toList();
      split.producerDone(ACK);
      children.forEach(child -> child.settle(poison));
      assertThat(named()).hasSize(bound).endsWith("c63");
    }

    @Test
    void areNotNamedInOutcomesThatBringTheParentBack() {
      Settlement a = child("a");
      split.producerDone(ACK);
      Outcome retry = Outcome.retry(Duration.ZERO, null);
      a.settle(retry);
      assertThat(parent.outcome()).isEqualTo(retry);
    }

    @Test
    void ofAChildWithoutANameComeFromItself() {
      Settlement only = Objects.requireNonNull(split.child());
      split.producerDone(ACK);
      only.settle(poison.withFailedChildren(List.of("x")));
      assertThat(named()).containsExactly("x");
    }

    @Test
    void ofAChildWithANameAreTheirParentsMatter() {
      Settlement a = child("a");
      split.producerDone(ACK);
      a.settle(poison.withFailedChildren(List.of("x")));
      assertThat(named()).containsExactly("a");
    }
  }

  @Nested
  class Concurrency {

    @Test
    void childrenRacedWithTheProducerDecideTheParentExactlyOnce() {
      rounds(
          round -> {
            ProbeSettlement raced = new ProbeSettlement();
            SplitSettlement children = new SplitSettlement(raced);
            Settlement first = child(children);
            Settlement second = child(children);
            Settlement third = child(children);
            race(
                () -> children.producerDone(ACK),
                () -> first.settle(ACK),
                () -> second.settle(RETRY),
                () -> third.settle(RETRY_LATER));
            assertThat(raced.decided).containsExactly(RETRY_LATER);
            assertThat(raced.redundant).isEmpty();
          });
    }

    @Test
    void theOutcomeDoesNotDependOnWhoComesFirst() {
      rounds(
          round -> {
            ProbeSettlement raced = new ProbeSettlement();
            SplitSettlement children = new SplitSettlement(raced);
            Settlement first = child(children);
            Settlement second = child(children);
            race(
                () -> first.settle(REJECT),
                () -> second.settle(RETRY),
                () -> children.producerDone(CANCELLED));
            assertThat(raced.decided).containsExactly(CANCELLED);
          });
    }

    @Test
    void aChildThatRacesTheEndOfTheProducerIsEitherRefusedOrAwaited() {
      rounds(
          round -> {
            ProbeSettlement raced = new ProbeSettlement();
            SplitSettlement children = new SplitSettlement(raced);
            AtomicBoolean born = new AtomicBoolean();
            AtomicBoolean premature = new AtomicBoolean();
            race(
                () -> children.producerDone(ACK),
                () -> {
                  Settlement child = children.child();
                  if (child != null) {
                    born.set(true);
                    premature.set(raced.isSettled());
                    child.settle(RETRY);
                  }
                });
            assertThat(premature).isFalse();
            assertThat(raced.decided).containsExactly(born.get() ? RETRY : ACK);
          });
    }

    @Test
    void racedEndsOfTheProducerCountOnce() {
      rounds(
          round -> {
            ProbeSettlement raced = new ProbeSettlement();
            SplitSettlement children = new SplitSettlement(raced);
            Settlement child = child(children);
            race(4, () -> children.producerDone(ACK));
            assertThat(raced.isSettled()).isFalse();
            child.settle(ACK);
            assertThat(raced.decided).containsExactly(ACK);
            assertThat(raced.redundant).isEmpty();
          });
    }
  }

  private Settlement child() {
    return child(split);
  }

  private static Settlement child(SplitSettlement split) {
    return Objects.requireNonNull(split.child());
  }
}

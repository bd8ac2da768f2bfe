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
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.sluice.delivery.Outcome.Release.Why;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import reactor.test.StepVerifier;

class JoinSettlementTest {

  private static final Duration TIMEOUT = Duration.ofSeconds(10);

  private final ProbeSettlement first = new ProbeSettlement();
  private final ProbeSettlement second = new ProbeSettlement();
  private final JoinSettlement join = new JoinSettlement(List.of(first, second));

  @Test
  void decidesEveryMember() {
    Outcome retry = Outcome.retry(Duration.ofSeconds(1), null);
    assertThat(join.settle(retry)).isTrue();
    assertThat(join.settle(Outcome.ack())).isFalse();
    assertThat(first.decided).containsExactly(retry);
    assertThat(second.decided).containsExactly(retry);
  }

  @Test
  void leavesAMemberThatWasDecidedBeforeAsItIsAndDoesNotClaimOtherwise() {
    List<Outcome> became = new ArrayList<>();
    join.onDone(became::add);
    first.settle(Outcome.release(Why.STOPPED));
    first.done();

    join.settle(Outcome.ack());
    assertThat(became).isEmpty();
    second.done();

    assertThat(first.decided).containsExactly(Outcome.release(Why.STOPPED));
    assertThat(first.redundant).containsExactly(Outcome.ack());
    assertThat(second.decided).containsExactly(Outcome.ack());
    assertThat(join.outcome()).isEqualTo(Outcome.ack());
    assertThat(became).containsExactly(Outcome.release(Why.STOPPED));
    join.onDone(became::add);
    assertThat(became).hasSize(2).containsOnly(Outcome.release(Why.STOPPED));
  }

  @Test
  void tellsOfAMemberThatWasLostBeforeItWasDone() {
    List<Outcome> became = new ArrayList<>();
    join.onDone(became::add);
    join.settle(Outcome.ack());
    first.done();
    second.lose();
    assertThat(became).containsExactly(Outcome.release(Why.LOST));
  }

  @Test
  void tellsTheDecisionWhenItHoldsForAll() {
    List<Outcome> became = new ArrayList<>();
    join.onDone(became::add);
    join.settle(Outcome.filtered());
    first.done();
    second.done();
    assertThat(became).containsExactly(Outcome.filtered());
  }

  @Test
  void mayMeanSomethingElseForEachMember() {
    Outcome retry = Outcome.retry(Duration.ZERO, null);
    JoinSettlement divided =
        new JoinSettlement(
            List.of(first, second), (member, decision) -> member == 0 ? retry : decision);
    List<Outcome> became = new ArrayList<>();
    divided.onDone(became::add);

    divided.settle(Outcome.ack());
    first.done();
    second.done();

    assertThat(first.decided).containsExactly(retry);
    assertThat(second.decided).containsExactly(Outcome.ack());
    assertThat(became).containsExactly(retry);
  }

  @Test
  void isDoomedWithAMember() {
    SplitSettlement split = new SplitSettlement(first);
    JoinSettlement ofChildren =
        new JoinSettlement(List.of(Objects.requireNonNull(split.child()), second));
    assertThat(ofChildren.isDoomed()).isFalse();
    Objects.requireNonNull(split.child()).settle(Outcome.retry(Duration.ZERO, null));
    assertThat(ofChildren.isDoomed()).isTrue();
  }

  @Test
  void isDoneWhenEveryMemberIs() {
    AtomicInteger done = new AtomicInteger();
    join.onDone(outcome -> done.incrementAndGet());
    join.settle(Outcome.ack());
    first.done();
    assertThat(done).hasValue(0);
    second.makeDurable();
    assertThat(done).hasValue(1);
  }

  @Test
  void isDurableWhenEveryMemberIs() {
    AtomicInteger durable = new AtomicInteger();
    join.durable().subscribe(v -> {}, error -> {}, durable::incrementAndGet);
    join.settle(Outcome.ack());
    first.makeDurable();
    assertThat(durable).hasValue(0);
    second.makeDurable();
    assertThat(durable).hasValue(1);
    StepVerifier.create(join.durable()).expectComplete().verify(TIMEOUT);
  }

  @Test
  void isLostWithTheFirstMemberThatIs() {
    StepVerifier lost = StepVerifier.create(join.lost()).expectComplete().verifyLater();
    assertThat(join.isLost()).isFalse();

    second.lose();

    lost.verify(TIMEOUT);
    assertThat(join.isLost()).isTrue();
    StepVerifier.create(join.durable()).expectError(StaleDelivery.class).verify(TIMEOUT);
  }

  @Test
  void stillDecidesTheOthersWhenOneMemberIsLost() {
    first.lose();
    AtomicInteger done = new AtomicInteger();
    join.onDone(outcome -> done.incrementAndGet());

    join.settle(Outcome.ack());
    assertThat(second.decided).containsExactly(Outcome.ack());
    assertThat(done).hasValue(0);

    second.done();
    assertThat(done).hasValue(1);
  }

  @Test
  void membersThatAreDoneAtTheSameTimeMakeItDoneOnce() {
    rounds(
        round -> {
          ProbeSettlement one = new ProbeSettlement();
          ProbeSettlement other = new ProbeSettlement();
          JoinSettlement raced = new JoinSettlement(List.of(one, other));
          AtomicInteger done = new AtomicInteger();
          raced.onDone(outcome -> done.incrementAndGet());
          race(
              () -> {
                raced.settle(Outcome.ack());
                one.done();
              },
              other::lose);
          assertThat(done).hasValue(1);
        });
  }

  @Test
  void needsAMember() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new JoinSettlement(List.of()))
        .withMessage("members: [] (expected: at least one)");
  }
}

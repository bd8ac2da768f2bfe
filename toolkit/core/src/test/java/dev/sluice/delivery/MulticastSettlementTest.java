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

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.delivery.Outcome.Release.Why;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

class MulticastSettlementTest {

  private static final Outcome ACK = Outcome.ack();
  private static final Outcome RETRY = Outcome.retry(Duration.ofSeconds(1), null);
  private static final Outcome REJECT = Outcome.reject(DeadLetterReason.POISON, null);

  private final ProbeSettlement parent = new ProbeSettlement();
  private final MulticastSettlement multicast = new MulticastSettlement(parent);
  private final Recorded first = new Recorded();
  private final Recorded second = new Recorded();

  /** Remembers what comes again; its dead letters are confirmed when the test says so. */
  private static final class Recorded implements MulticastSettlement.Subscriber {

    final List<Settlement> again = new ArrayList<>();
    final List<Outcome> letters = new ArrayList<>();
    final Sinks.Empty<Void> confirmation = Sinks.empty();

    @Override
    public void again(Settlement copy, Outcome.Retry retry) {
      again.add(copy);
    }

    @Override
    public Mono<Void> deadLetter(Outcome.Reject reject) {
      letters.add(reject);
      return confirmation.asMono();
    }
  }

  private Settlement copy(MulticastSettlement.Subscriber subscriber) {
    return Objects.requireNonNull(multicast.copy(subscriber));
  }

  @Test
  void isAcknowledgedWhenEveryCopyIs() {
    Settlement one = copy(first);
    Settlement other = copy(second);
    multicast.producerDone(ACK);
    one.settle(ACK);
    assertThat(parent.decided).isEmpty();
    other.settle(Outcome.filtered());
    assertThat(parent.decided).containsExactly(ACK);
  }

  @Test
  void withoutSubscribersIsAcknowledged() {
    multicast.producerDone(ACK);
    assertThat(parent.decided).containsExactly(ACK);
  }

  @Test
  void aSlowSubscriberHoldsUpTheMessageAndNobodyElse() {
    Settlement one = copy(first);
    Settlement slow = copy(second);
    multicast.producerDone(ACK);
    one.settle(ACK);
    assertThat(one.isDone()).isTrue();
    assertThat(slow.isDone()).isFalse();
    assertThat(parent.decided).isEmpty();
  }

  @Test
  void aRetryComesAgainToItsSubscriberAlone() {
    Settlement one = copy(first);
    Settlement other = copy(second);
    multicast.producerDone(ACK);
    other.settle(ACK);
    one.settle(RETRY);
    assertThat(one.isDone()).isTrue();
    assertThat(parent.decided).isEmpty();
    assertThat(second.again).isEmpty();
    first.again.get(0).settle(RETRY);
    assertThat(parent.decided).isEmpty();
    first.again.get(1).settle(ACK);
    assertThat(first.again).hasSize(2);
    assertThat(parent.decided).containsExactly(ACK);
  }

  /** Or the next of its group, let go by its end, could overtake it. */
  @Test
  void aRetryIsDoneWhenItIsBack() {
    List<Settlement> attempts = new ArrayList<>();
    attempts.add(
        copy(
            new MulticastSettlement.Subscriber() {
              @Override
              public void again(Settlement copy, Outcome.Retry retry) {
                assertThat(attempts.get(0).isDone()).isFalse();
                attempts.add(copy);
              }

              @Override
              public Mono<Void> deadLetter(Outcome.Reject reject) {
                return Mono.never();
              }
            }));
    attempts.get(0).settle(RETRY);
    assertThat(attempts).hasSize(2);
    assertThat(attempts.get(0).isDone()).isTrue();
    attempts.get(1).settle(ACK);
    multicast.producerDone(ACK);
    assertThat(parent.decided).containsExactly(ACK);
  }

  @Test
  void aRejectIsAnAckOnceItsDeadLetterIsConfirmed() {
    Settlement one = copy(first);
    Settlement other = copy(second);
    multicast.producerDone(ACK);
    other.settle(ACK);
    one.settle(REJECT);
    assertThat(first.letters).containsExactly(REJECT);
    assertThat(second.letters).isEmpty();
    assertThat(one.isDone()).isFalse();
    assertThat(parent.decided).isEmpty();
    first.confirmation.tryEmitEmpty().orThrow();
    assertThat(one.isDone()).isTrue();
    assertThat(parent.decided).containsExactly(ACK);
  }

  @Test
  void aDeadLetterThatCannotBeSentGivesTheCopyBack() {
    Settlement one = copy(first);
    multicast.producerDone(ACK);
    one.settle(REJECT);
    first.confirmation.tryEmitError(new IllegalStateException("no dead letters")).orThrow();
    assertThat(parent.decided).containsExactly(Outcome.release(Why.CANCELLED));
  }

  @Test
  void aSubscriberThatThrowsGivesTheCopyBack() {
    Settlement one =
        copy(
            new MulticastSettlement.Subscriber() {
              @Override
              public void again(Settlement copy, Outcome.Retry retry) {
                throw new IllegalStateException("again");
              }

              @Override
              public Mono<Void> deadLetter(Outcome.Reject reject) {
                throw new IllegalStateException("dead letter");
              }
            });
    multicast.producerDone(ACK);
    one.settle(RETRY);
    assertThat(parent.decided).containsExactly(Outcome.release(Why.CANCELLED));
  }

  @Test
  void whatOneGivesBackComesAgainWhenTheOthersAreDone() {
    Settlement one = copy(first);
    Settlement other = copy(second);
    multicast.producerDone(ACK);
    one.settle(Outcome.release(Why.STOPPED));
    assertThat(other.isDoomed()).isFalse();
    assertThat(parent.decided).isEmpty();
    other.settle(REJECT);
    second.confirmation.tryEmitEmpty().orThrow();
    assertThat(parent.decided).containsExactly(Outcome.release(Why.STOPPED));
  }

  @Test
  void thatWasCancelledBeforeEverySubscriberHadItsCopyIsReleased() {
    Settlement one = copy(first);
    multicast.producerDone(Outcome.release(Why.CANCELLED));
    assertThat(multicast.copy(second)).isNull();
    one.settle(ACK);
    assertThat(parent.decided).containsExactly(Outcome.release(Why.CANCELLED));
  }

  @Test
  void aLossEndsEverythingAndSendsNoMoreLetters() {
    Settlement one = copy(first);
    Settlement other = copy(second);
    multicast.producerDone(ACK);
    one.settle(REJECT);
    parent.lose();
    assertThat(first.confirmation.currentSubscriberCount()).isZero();
    assertThat(one.isDone()).isTrue();
    assertThat(other.isLost()).isTrue();
    other.settle(Outcome.release(Why.LOST));
    assertThat(parent.outcome()).isInstanceOf(Outcome.Release.class);
  }

  /** Each attempt is another settlement, and all are decided at once, one of them twice. */
  @Test
  void isDecidedOnceHoweverCopiesRace() {
    Races.rounds(
        round -> {
          ProbeSettlement message = new ProbeSettlement();
          MulticastSettlement all = new MulticastSettlement(message);
          Recorded retrying = new Recorded();
          Settlement retried = Objects.requireNonNull(all.copy(retrying));
          Settlement acked = Objects.requireNonNull(all.copy(first));
          Settlement released = Objects.requireNonNull(all.copy(second));
          Outcome third = round % 2 == 0 ? ACK : Outcome.release(Why.STOPPED);
          Races.race(
              () -> {
                retried.settle(RETRY);
                retrying.again.get(0).settle(ACK);
              },
              () -> acked.settle(ACK),
              () -> acked.settle(ACK),
              () -> released.settle(third),
              () -> all.producerDone(ACK));
          assertThat(message.decided).containsExactly(third);
          assertThat(message.redundant).isEmpty();
        });
  }
}

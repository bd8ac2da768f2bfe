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
package dev.sluice.convoy;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.delivery.Delivery;
import dev.sluice.delivery.Outcome;
import dev.sluice.delivery.Outcome.Release.Why;
import dev.sluice.message.Message;
import dev.sluice.test.LeakCheck;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.test.publisher.TestPublisher;
import reactor.test.util.RaceTestUtils;

/** A delivery is decided once, whoever comes first. */
@Timeout(60)
@ExtendWith(LeakCheck.class)
class DeliveryConvoyRaceTest {

  private static final int ROUNDS = 500;
  private static final Outcome RELEASED = Outcome.release(Why.CANCELLED);

  /** Two messages of a group, the first of which has emitted a value and waits or runs. */
  private static final class Round {
    final Probe first = Probe.of("a1");
    final Probe second = Probe.of("a2");
    final List<Delivery<String>> values = new ArrayList<>();
    final AtomicReference<TestPublisher<String>> worker = new AtomicReference<>();
    final Disposable subscription =
        Flux.just(first.delivery(), second.delivery())
            .concatWith(Flux.never())
            .transform(
                GroupedConvoy.<String, String>ofDeliveries(
                    Message::group,
                    payload -> {
                      TestPublisher<String> started = TestPublisher.create();
                      worker.set(started);
                      return started.flux();
                    },
                    c -> c))
            .subscribe(values::add);

    Outcome retry() {
      return Outcome.retry(Duration.ofDays(1), new TimeoutException());
    }
  }

  @Test
  void cancelRacesWhatComesBackFromFurtherDown() {
    for (int i = 0; i < ROUNDS; i++) {
      Round round = new Round();
      round.worker.get().emit("A1");

      RaceTestUtils.race(
          round.subscription::dispose,
          () -> round.values.get(0).settlement().settle(round.retry()));

      assertThat(round.first.decided).containsExactly(RELEASED);
      assertThat(round.second.decided).containsExactly(RELEASED);
    }
  }

  @Test
  void cancelRacesTheEndOfTheWorkerAndItsValue() {
    for (int i = 0; i < ROUNDS; i++) {
      Round round = new Round();
      TestPublisher<String> worker = round.worker.get();
      worker.next("A1");

      RaceTestUtils.race(
          round.subscription::dispose,
          worker::complete,
          () -> round.values.get(0).settlement().settle(Outcome.ack()));

      assertThat(round.first.decided).hasSize(1).first().isIn(Outcome.ack(), RELEASED);
      assertThat(round.second.decided).containsExactly(RELEASED);
    }
  }

  @Test
  void cancelRacesTheSourceThatTakesBackAndTheLoss() {
    for (int i = 0; i < ROUNDS; i++) {
      Round round = new Round();
      TestPublisher<String> worker = round.worker.get();

      RaceTestUtils.race(
          round.subscription::dispose,
          worker::complete,
          () -> round.first.settle(Outcome.release(Why.STOPPED)),
          round.second::lose);

      assertThat(round.first.decided).hasSize(1);
      assertThat(round.second.isSettled()).isTrue();
    }
  }

  @Test
  void theLossRacesTheEndOfTheWorker() {
    for (int i = 0; i < ROUNDS; i++) {
      Round round = new Round();
      TestPublisher<String> worker = round.worker.get();

      RaceTestUtils.race(
          round.first::lose, () -> worker.error(new IllegalArgumentException("poison")));

      assertThat(round.first.isSettled()).isTrue();
      assertThat(round.worker.get()).as("the next of the group runs").isNotSameAs(worker);
      round.subscription.dispose();
      assertThat(round.second.decided).containsExactly(RELEASED);
    }
  }
}

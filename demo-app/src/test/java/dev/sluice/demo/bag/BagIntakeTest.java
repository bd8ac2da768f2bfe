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
package dev.sluice.demo.bag;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.channel.Outbound;
import dev.sluice.channel.Receipt;
import dev.sluice.channel.SendFailed;
import dev.sluice.demo.TestClock;
import dev.sluice.demo.bag.BagIntake.CheckIn;
import dev.sluice.demo.flight.Departure;
import dev.sluice.demo.flight.Departures;
import dev.sluice.demo.ledger.Ledger;
import dev.sluice.message.Message;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.core.scheduler.Schedulers;
import reactor.test.StepVerifier;

class BagIntakeTest {

  private static final String TAG = "0016123456";

  private final TestClock clock = new TestClock();
  private final Departures departures = Departures.ofTheWeek();
  private final Departure flight = departures.get(0);
  private final Ledger ledger = new Ledger(departures, 100_000, clock);
  private final ScriptedTopic topic = new ScriptedTopic();
  private final BagIntake intake = new BagIntake(ledger, topic, clock);

  /** Takes records in the order of their sends; confirms them when it is told to. */
  private static final class ScriptedTopic implements Outbound<Bag> {
    final ConcurrentLinkedQueue<Message<Bag>> records = new ConcurrentLinkedQueue<>();
    final ConcurrentLinkedQueue<Sinks.One<Receipt>> unconfirmed = new ConcurrentLinkedQueue<>();
    volatile boolean confirmsAtOnce;

    @Override
    public String name() {
      return "bags.checked-in";
    }

    @Override
    public Mono<Receipt> send(Message<Bag> message) {
      return Mono.defer(
          () -> {
            records.add(message);
            if (confirmsAtOnce) {
              return Mono.just(receipt());
            }
            Sinks.One<Receipt> sink = Sinks.one();
            unconfirmed.add(sink);
            return sink.asMono();
          });
    }

    void confirm() {
      unconfirmed.remove().tryEmitValue(receipt());
    }

    void fail() {
      unconfirmed.remove().tryEmitError(SendFailed.notSent("bags.checked-in", "no broker", null));
    }

    private static Receipt receipt() {
      return new Receipt("bags.checked-in", "id", "0@0");
    }
  }

  @Nested
  class One {

    @Test
    void isCheckedInWhenItsRecordIsConfirmed() {
      StepVerifier.create(intake.checkIn(TAG, flight))
          .then(() -> assertThat(topic.records).hasSize(1))
          .then(topic::confirm)
          .assertNext(
              done -> {
                assertThat(done.fresh()).isTrue();
                assertThat(done.bag().sequence()).isEqualTo(1);
              })
          .verifyComplete();
    }

    @Test
    void isKeyedByItsFlightAndDay() {
      intake.checkIn(TAG, flight).subscribe();

      Message<Bag> record = topic.records.element();
      assertThat(record.group()).isEqualTo(flight.key());
      assertThat(record.type()).isEqualTo("bag.checked-in");
      assertThat(record.payload().flight()).isEqualTo(flight.flight());
    }

    @Test
    void goesOnWhenItsCallerGoesAway() {
      StepVerifier.create(intake.checkIn(TAG, flight)).thenCancel().verify();
      topic.confirm();

      StepVerifier.create(intake.checkIn(TAG, flight))
          .assertNext(done -> assertThat(done.fresh()).isFalse())
          .verifyComplete();
      assertThat(topic.records).hasSize(1);
    }
  }

  @Nested
  class TheSameTagTwice {

    @Test
    void isSentOnceAndBothGetTheSameBag() {
      List<CheckIn> done = new ArrayList<>();
      intake.checkIn(TAG, flight).subscribe(done::add);
      intake.checkIn(TAG, flight).subscribe(done::add);
      topic.confirm();

      assertThat(topic.records).hasSize(1);
      assertThat(done).extracting(CheckIn::fresh).containsExactly(true, false);
      assertThat(done.get(0).bag()).isEqualTo(done.get(1).bag());
    }

    @Test
    void failsForBothAndIsFreeAgain() {
      List<Throwable> failures = new ArrayList<>();
      intake.checkIn(TAG, flight).subscribe(done -> {}, failures::add);
      intake.checkIn(TAG, flight).subscribe(done -> {}, failures::add);
      topic.fail();

      assertThat(failures)
          .hasSize(2)
          .allSatisfy(e -> assertThat(e).isInstanceOf(CheckInRefused.class));

      topic.confirmsAtOnce = true;
      StepVerifier.create(intake.checkIn(TAG, flight))
          .assertNext(done -> assertThat(done.fresh()).isTrue())
          .verifyComplete();
    }

    @RepeatedTest(20)
    void isSentOnceHoweverManyRaceForIt() {
      topic.confirmsAtOnce = true;

      List<CheckIn> done =
          Flux.range(0, 64)
              .flatMap(i -> intake.checkIn(TAG, flight).subscribeOn(Schedulers.parallel()), 64)
              .collectList()
              .block();

      assertThat(done).hasSize(64).filteredOn(CheckIn::fresh).hasSize(1);
      assertThat(topic.records).hasSize(1);
    }
  }

  @Nested
  class ManyAtOnce {

    @Test
    void areSentInTheOrderOfTheirSequence() {
      topic.confirmsAtOnce = true;

      Flux.range(0, 20_000)
          .flatMap(
              i ->
                  intake
                      .checkIn(String.format("%010d", i), departures.get(i % 7))
                      .subscribeOn(Schedulers.parallel()),
              256)
          .blockLast();

      Map<String, Integer> last = new HashMap<>();
      for (Message<Bag> record : topic.records) {
        Bag bag = record.payload();
        Integer before = last.put(record.group(), bag.sequence());
        assertThat(bag.sequence()).isEqualTo(before == null ? 1 : before + 1);
      }
      assertThat(topic.records).hasSize(20_000);
    }

    @Test
    void areRefusedWhenTooManyWait() {
      for (int i = 0; i < BagIntake.MAX_PENDING; i++) {
        intake.checkIn(String.format("%010d", i), flight).subscribe();
      }

      StepVerifier.create(intake.checkIn(TAG, flight))
          .verifyErrorSatisfies(
              e ->
                  assertThat(e)
                      .isInstanceOf(CheckInRefused.class)
                      .hasMessage("20000 check-ins wait for Kafka already; try again later"));
    }

    @Test
    void areRefusedWhenTheLedgerIsFull() {
      BagIntake small = new BagIntake(new Ledger(departures, 1, clock), topic, clock);
      small.checkIn("0000000001", flight).subscribe();

      StepVerifier.create(small.checkIn(TAG, flight))
          .verifyErrorMessage(
              "the ledger holds 1 bags, which is all it takes; start again with another data"
                  + " directory");
    }
  }
}

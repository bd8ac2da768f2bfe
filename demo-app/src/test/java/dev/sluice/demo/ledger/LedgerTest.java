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
package dev.sluice.demo.ledger;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.demo.TestClock;
import dev.sluice.demo.flight.Departure;
import dev.sluice.demo.flight.Departures;
import dev.sluice.demo.ledger.Ledger.BagOnBelt;
import dev.sluice.demo.ledger.Ledger.Reservation;
import dev.sluice.demo.ledger.Ledger.Snapshot;
import dev.sluice.demo.ledger.Ledger.Ticket;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import reactor.test.StepVerifier;

class LedgerTest {

  private static final String A = "0001000001";
  private static final String B = "0001000002";
  private static final String C = "0001000003";

  private final TestClock clock = new TestClock();
  private final Departures departures = Departures.ofTheWeek();
  private final Departure flight = departures.get(0);
  private final Departure other = departures.get(1);
  private final Ledger ledger = new Ledger(departures, 1_000, clock);

  private void checkIn(long position, String tag, int sequence) {
    ledger.checkedIn(position, tag, flight, sequence, clock.instant());
  }

  private Snapshot snapshot(Departure... lanes) {
    return ledger.snapshot(sums -> List.of(lanes));
  }

  @Nested
  class Balance {

    @Test
    void isZeroAtFirst() {
      assertThat(ledger.counters()).isEqualTo(new Counters(0, 0, 0, 0, 0, 0, 0));
    }

    @Test
    void holdsOnTheWayOfABag() {
      checkIn(0, A, 1);
      assertThat(ledger.counters()).isEqualTo(new Counters(1, 1, 0, 0, 0, 0, 0));

      ledger.beginLoading(A);
      assertThat(ledger.counters()).isEqualTo(new Counters(1, 1, 0, 0, 0, 0, 0));

      ledger.loaded(A);
      assertThat(ledger.counters()).isEqualTo(new Counters(1, 0, 0, 1, 0, 0, 0));
    }

    @Test
    void holdsForAnUnreadableRecord() {
      ledger.unreadable(7, clock.instant());
      assertThat(ledger.counters()).isEqualTo(new Counters(1, 1, 0, 0, 0, 0, 0));

      assertThat(ledger.deadLettered(7)).isTrue();
      assertThat(ledger.counters()).isEqualTo(new Counters(1, 0, 0, 0, 1, 0, 0));
    }

    @Test
    void holdsForABagThatIsDeadLettered() {
      checkIn(3, A, 1);
      ledger.deadLettered(3);

      assertThat(ledger.counters()).isEqualTo(new Counters(1, 0, 0, 0, 1, 0, 0));
      assertThat(ledger.find(A)).extracting(Ledger.BagView::stage).isEqualTo(Stage.DEAD_LETTERED);
    }

    @Test
    void countsItsSamples() {
      checkIn(0, A, 1);
      ledger.loaded(A);
      long before = snapshot().samples();

      ledger.counters();

      Snapshot after = snapshot();
      assertThat(after.samples()).isEqualTo(before + 2);
      assertThat(after.violations()).isZero();
    }

    @Test
    void tipsWhenABagIsLoadedThatWasNeverCheckedIn() {
      ledger.loaded(A);
      assertThat(ledger.counters().difference()).isZero();

      clock.advance(Ledger.PATIENCE.plusMillis(1));

      assertThat(ledger.counters().difference()).isEqualTo(-1);
      assertThat(snapshot().violations()).isPositive();
    }

    @Test
    void tipsWhenARecordIsDeadLetteredThatWasNeverThere() {
      ledger.deadLettered(99);
      clock.advance(Ledger.PATIENCE.plusMillis(1));

      assertThat(ledger.counters().difference()).isEqualTo(-1);
    }

    @Test
    void tipsWhenABagIsLoadedAndDeadLettered() {
      checkIn(0, A, 1);
      ledger.deadLettered(0);
      ledger.loaded(A);

      assertThat(ledger.counters().difference()).isEqualTo(-1);
    }

    @Test
    void showsALostBagAsTheOldestInFlight() {
      checkIn(0, A, 1);
      clock.advance(Duration.ofSeconds(90));
      checkIn(1, B, 2);
      ledger.loaded(B);

      Snapshot snapshot = snapshot();

      assertThat(snapshot.counters().inFlight()).isEqualTo(1);
      assertThat(snapshot.oldestInFlight()).isEqualTo(Duration.ofSeconds(90));
    }
  }

  @Nested
  class EndsSeenBeforeTheirBeginning {

    @Test
    void waitForTheCheckIn() {
      ledger.loaded(A);
      assertThat(ledger.counters()).isEqualTo(new Counters(0, 0, 0, 0, 0, 0, 0));

      checkIn(0, A, 1);

      assertThat(ledger.counters()).isEqualTo(new Counters(1, 0, 0, 1, 0, 0, 0));
    }

    @Test
    void waitForTheUnreadableRecord() {
      ledger.deadLettered(5);
      ledger.unreadable(5, clock.instant());

      assertThat(ledger.counters()).isEqualTo(new Counters(1, 0, 0, 0, 1, 0, 0));
    }
  }

  @Nested
  class Duplicates {

    @Test
    void ofACheckInAreAbsorbed() {
      checkIn(0, A, 1);
      checkIn(1, A, 2);

      assertThat(ledger.counters()).isEqualTo(new Counters(1, 1, 0, 0, 0, 1, 0));
    }

    @Test
    void ofALoadedBagAreAbsorbed() {
      checkIn(0, A, 1);
      ledger.loaded(A);
      ledger.loaded(A);

      assertThat(ledger.counters()).isEqualTo(new Counters(1, 0, 0, 1, 0, 1, 0));
    }

    @Test
    void ofADeadLetterAreAbsorbedAndNotShownAgain() {
      ledger.unreadable(0, clock.instant());
      ledger.deadLettered(0);

      assertThat(ledger.deadLettered(0)).isFalse();
      assertThat(ledger.counters()).isEqualTo(new Counters(1, 0, 0, 0, 1, 1, 0));
    }

    @Test
    void areNotLoadedAgain() {
      checkIn(0, A, 1);
      assertThat(ledger.beginLoading(A)).isTrue();
      ledger.loaded(A);

      assertThat(ledger.beginLoading(A)).isFalse();
      assertThat(ledger.counters().duplicates()).isEqualTo(1);
    }

    @Test
    void areNotLoadedAgainBeforeTheAuditHasSeenTheirCheckIn() {
      ledger.loaded(A);

      assertThat(ledger.beginLoading(A)).isFalse();
    }
  }

  @Nested
  class ADeadLetterThatIsSentBack {

    @Test
    void isInFlightAgain() {
      ledger.unreadable(7, clock.instant());
      ledger.deadLettered(7);

      ledger.sentBack(7);
      checkIn(8, A, 1);
      assertThat(ledger.counters()).isEqualTo(new Counters(1, 1, 0, 0, 0, 0, 0));

      ledger.loaded(A);
      assertThat(ledger.counters()).isEqualTo(new Counters(1, 0, 0, 1, 0, 0, 0));
      assertThat(snapshot().violations()).isZero();
    }

    @Test
    void keepsItsTag() {
      checkIn(3, A, 1);
      ledger.deadLettered(3);

      ledger.sentBack(3);
      checkIn(4, A, 2);

      assertThat(ledger.counters()).isEqualTo(new Counters(1, 1, 0, 0, 0, 0, 0));
      assertThat(ledger.find(A)).extracting(Ledger.BagView::stage).isEqualTo(Stage.CHECKED_IN);
    }

    @Test
    void isOneBagWhenItIsSeenBeforeItsDeath() {
      ledger.unreadable(7, clock.instant());
      ledger.sentBack(7);
      checkIn(8, A, 1);

      assertThat(ledger.deadLettered(7)).isFalse();

      assertThat(ledger.counters()).isEqualTo(new Counters(1, 1, 0, 0, 0, 0, 0));
    }

    @Test
    void isOneBagWhenItIsSeenBeforeItsFormerRecord() {
      ledger.sentBack(8);
      checkIn(9, A, 1);
      ledger.sentBack(7); // the former record, sent back itself
      ledger.unreadable(8, clock.instant());
      ledger.unreadable(7, clock.instant());
      ledger.deadLettered(7);
      ledger.deadLettered(8);
      clock.advance(Ledger.PATIENCE.plusMillis(1));

      assertThat(ledger.counters()).isEqualTo(new Counters(1, 1, 0, 0, 0, 0, 0));
      assertThat(snapshot().violations()).isZero();
    }

    @Test
    void dies() {
      ledger.unreadable(7, clock.instant());
      ledger.deadLettered(7);
      ledger.sentBack(7);
      ledger.unreadable(8, clock.instant());

      assertThat(ledger.deadLettered(8)).isTrue();

      assertThat(ledger.counters()).isEqualTo(new Counters(1, 0, 0, 0, 1, 0, 0));
    }

    @Test
    void countsOnceWhenItIsSentTwice() {
      ledger.unreadable(7, clock.instant());
      ledger.deadLettered(7);
      for (int position = 8; position <= 9; position++) {
        ledger.sentBack(7);
        checkIn(position, A, position);
      }
      ledger.loaded(A);

      Counters counters = ledger.counters();
      assertThat(counters.checkedIn()).isEqualTo(1);
      assertThat(counters.loaded()).isEqualTo(1);
      assertThat(counters.difference()).isZero();
    }
  }

  @Nested
  class ParkedBags {

    @Test
    void areInFlightNoLonger() {
      checkIn(0, A, 1);
      checkIn(1, B, 2);
      ledger.checkedIn(2, C, other, 1, clock.instant());

      ledger.parked(Map.of(flight.key(), 2L));

      assertThat(ledger.counters()).isEqualTo(new Counters(3, 1, 2, 0, 0, 0, 0));
      assertThat(ledger.find(A)).extracting(Ledger.BagView::stage).isEqualTo(Stage.PARKED);
      assertThat(ledger.find(C)).extracting(Ledger.BagView::stage).isEqualTo(Stage.CHECKED_IN);
    }

    @Test
    void leaveTheLotWhenTheyAreLoaded() {
      checkIn(0, A, 1);
      checkIn(1, B, 2);
      ledger.parked(Map.of(flight.key(), 2L));

      ledger.loaded(A);
      assertThat(ledger.counters()).isEqualTo(new Counters(2, 0, 1, 1, 0, 0, 0));
      ledger.loaded(B);
      assertThat(ledger.counters()).isEqualTo(new Counters(2, 0, 0, 2, 0, 0, 0));
      ledger.parked(Map.of());
      assertThat(ledger.counters()).isEqualTo(new Counters(2, 0, 0, 2, 0, 0, 0));
      assertThat(snapshot().violations()).isZero();
    }
  }

  @Nested
  class Order {

    @Test
    void ofAFlightIsThatOfItsRecords() {
      checkIn(0, A, 1);
      checkIn(1, B, 2);
      checkIn(2, C, 3);
      ledger.loaded(A);
      ledger.loaded(C);
      assertThat(ledger.counters().outOfOrder()).isZero();

      ledger.loaded(B);

      assertThat(ledger.counters().outOfOrder()).isEqualTo(1);
    }

    @Test
    void ofDifferentFlightsDoesNotMatter() {
      checkIn(0, A, 1);
      ledger.checkedIn(1, B, other, 1, clock.instant());
      ledger.loaded(B);
      ledger.loaded(A);

      assertThat(ledger.counters().outOfOrder()).isZero();
    }

    @Test
    void goesOnWhereTheTopicEnds() {
      checkIn(0, A, 41);

      assertThat(ledger.nextSequence(flight)).isEqualTo(42);
      assertThat(ledger.nextSequence(flight)).isEqualTo(43);
      assertThat(ledger.nextSequence(other)).isEqualTo(1);
    }
  }

  @Nested
  class Reservations {

    private Ticket granted(String tag) {
      return ((Reservation.Granted) ledger.reserve(tag, flight)).ticket();
    }

    @Test
    void areGrantedOnce() {
      Ticket ticket = granted(A);

      assertThat(ledger.reserve(A, flight)).isEqualTo(new Reservation.Pending(ticket));
    }

    @Test
    void countNothingByThemselves() {
      granted(A);

      assertThat(ledger.counters().checkedIn()).isZero();
      assertThat(ledger.find(A)).isNull();
    }

    @Test
    void tellTheirOutcomeToAllWhoWait() {
      Ticket ticket = granted(A);
      ledger.confirm(ticket, 1, clock.instant());

      StepVerifier.create(ticket.outcome().asMono())
          .assertNext(bag -> assertThat(bag.tag()).isEqualTo(A))
          .verifyComplete();
      assertThat(ledger.reserve(A, flight)).isInstanceOf(Reservation.Pending.class);
    }

    @Test
    void areKnownBagsOnceTheAuditHasSeenThem() {
      granted(A);
      checkIn(0, A, 1);

      assertThat(ledger.reserve(A, flight)).isInstanceOf(Reservation.Known.class);
      assertThat(ledger.find(A)).extracting(Ledger.BagView::sequence).isEqualTo(1);
    }

    @Test
    void areFreeAgainWhenTheyFail() {
      Ticket ticket = granted(A);
      ledger.abandon(ticket, new IllegalStateException("no broker"));

      StepVerifier.create(ticket.outcome().asMono()).verifyErrorMessage("no broker");
      assertThat(ledger.reserve(A, flight)).isInstanceOf(Reservation.Granted.class);
    }

    @Test
    void succeedWhenTheAuditHasSeenTheRecordThoughItsSendFailed() {
      Ticket ticket = granted(A);
      checkIn(0, A, 1);
      ledger.abandon(ticket, new IllegalStateException("the answer was lost"));

      StepVerifier.create(ticket.outcome().asMono())
          .assertNext(bag -> assertThat(bag.sequence()).isEqualTo(1))
          .verifyComplete();
      assertThat(ledger.find(A)).isNotNull();
    }

    @Test
    void areRefusedWhenTheLedgerIsFull() {
      Ledger small = new Ledger(departures, 2, clock);
      small.reserve(A, flight);
      small.unreadable(0, clock.instant());

      assertThat(small.hasRoom()).isFalse();
      assertThat(small.reserve(B, flight)).isEqualTo(new Reservation.Full(2));
      assertThat(small.reserve(A, flight)).isInstanceOf(Reservation.Pending.class);
    }
  }

  @Nested
  class Capacity {

    @Test
    void endsTheAuditFarAboveIt() {
      Ledger small = new Ledger(departures, 1, clock);
      for (int i = 0; i <= Ledger.SLACK; i++) {
        small.unreadable(i, clock.instant());
      }

      assertThatThrownBy(() -> small.unreadable(Ledger.SLACK + 1, clock.instant()))
          .isInstanceOf(IllegalStateException.class)
          .hasMessage("ledger: 50001 bags (expected: at most 1)");
    }

    @Test
    void mustBePositive() {
      assertThatThrownBy(() -> new Ledger(departures, 0, clock))
          .hasMessage("capacity: 0 (expected: >= 1)");
    }
  }

  @Nested
  class Series {

    @Test
    void isTheFirstThatNoTagBeginsWith() {
      assertThat(ledger.freeSeries()).hasValue(1);
      checkIn(0, "0001000000", 1);
      ledger.reserve("0002999999", flight);
      checkIn(1, "9999999999", 2);

      assertThat(ledger.freeSeries()).hasValue(3);
    }

    @Test
    void runsOut() {
      Ledger large = new Ledger(departures, 20_000, clock);
      for (int i = 1; i < 10_000; i++) {
        large.reserve(String.format("%04d000000", i), flight);
      }

      assertThat(large.freeSeries()).isEmpty();
    }
  }

  @Nested
  class Belts {

    @Test
    void showTheLastLoadedAndTheNextToLoad() {
      for (int i = 1; i <= 20; i++) {
        checkIn(i, String.format("00010000%02d", i), i);
      }
      for (int i = 1; i <= 10; i++) {
        ledger.loaded(String.format("00010000%02d", i));
      }
      ledger.beginLoading("0001000011");

      List<BagOnBelt> belt = snapshot(flight).bags().get(flight.key());

      assertThat(belt)
          .extracting(BagOnBelt::sequence)
          .containsExactly(5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16);
      assertThat(belt.get(5).stage()).isEqualTo(Stage.LOADED);
      assertThat(belt.get(6).stage()).isEqualTo(Stage.LOADING);
      assertThat(belt.get(7).stage()).isEqualTo(Stage.CHECKED_IN);
    }

    @Test
    void addUpToTheCounters() {
      checkIn(0, A, 1);
      ledger.checkedIn(1, B, other, 1, clock.instant());
      ledger.loaded(A);

      Snapshot snapshot = snapshot();

      assertThat(snapshot.flights()).hasSize(607);
      assertThat(snapshot.flights().stream().mapToLong(Ledger.FlightSums::checkedIn).sum())
          .isEqualTo(2);
      assertThat(snapshot.flights().get(0).loaded()).isEqualTo(1);
      assertThat(snapshot.flights().get(1).inFlight()).isEqualTo(1);
    }

    @Test
    void showALoadingBagEvenIfTheWorkerWasFasterThanTheAudit() {
      ledger.reserve(A, flight);
      ledger.beginLoading(A);
      checkIn(0, A, 1);

      assertThat(snapshot(flight).bags().get(flight.key()))
          .containsExactly(new BagOnBelt(A, 1, Stage.LOADING));
    }
  }
}

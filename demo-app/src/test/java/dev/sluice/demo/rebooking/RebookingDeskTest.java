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
package dev.sluice.demo.rebooking;

import static dev.sluice.demo.Eventually.eventually;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.sluice.demo.flight.Departures;
import dev.sluice.demo.flight.Timetable;
import dev.sluice.demo.problem.Problem;
import dev.sluice.demo.rebooking.SagaView.Doing;
import dev.sluice.memory.MemorySagaLog;
import dev.sluice.store.SagaLog;
import dev.sluice.store.SagaState;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.util.Objects;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Rebookings with a journal in memory. */
class RebookingDeskTest {

  private static final Duration LIMIT = Duration.ofSeconds(30);

  private final Departures departures = Departures.ofTheWeek();
  private final Timetable timetable = new Timetable(departures, 336, Clock.systemUTC());
  private final SagaLog journal = MemorySagaLog.create(1_000);
  private final Partners partners = new Partners(Duration.ofMillis(1));
  private final RebookingDesk desk = new RebookingDesk(journal, partners, Clock.systemUTC());

  @BeforeEach
  void start() {
    desk.start();
  }

  @AfterEach
  void stop() {
    desk.stop();
  }

  private String begin() {
    byte[] body = "{\"booking\":\"K7QX2M\",\"flight\":\"B6 108\"}".getBytes(StandardCharsets.UTF_8);
    Trip trip = RebookingRequest.read(body, departures, timetable);
    return Objects.requireNonNull(desk.begin(trip).block(LIMIT));
  }

  private SagaView find(String id) {
    return Objects.requireNonNull(desk.find(id).block(LIMIT));
  }

  private SagaView in(SagaState state, String id) {
    return eventually(() -> find(id), saga -> saga.state() == state);
  }

  @Test
  void doesEverything() {
    SagaView saga = in(SagaState.COMPLETED, begin());

    assertThat(saga.steps()).extracting(SagaView.Step::doing).containsOnly(Doing.DONE);
    assertThat(saga.trip().seat()).startsWith("S-");
    assertThat(saga.trip().voucher()).startsWith("H-");
    assertThat(saga.trip().payment()).startsWith("P-");
    assertThat(saga.trip().ticket()).startsWith("T-");
    assertThat(saga.why()).isEmpty();
    assertThat(saga.trip().flight()).isNotEqualTo("B6 108");
    assertThat(saga.trip().destination()).isEqualTo(departures.find("B6 108").get(0).destination());
  }

  @Test
  void doesNothingWhenTheHotelIsFull() {
    partners.set(Fault.HOTEL, true);

    SagaView saga = in(SagaState.COMPENSATED, begin());

    assertThat(saga.why()).isEqualTo("the hotel is full");
    assertThat(saga.steps())
        .extracting(SagaView.Step::doing)
        .containsExactly(Doing.UNDONE, Doing.FAILED, Doing.PLANNED, Doing.PLANNED);
  }

  @Test
  void parksWhatTheBankDoesNotGiveBackUntilItDoes() {
    partners.set(Fault.TICKET, true);
    partners.set(Fault.REFUND, true);
    String id = begin();

    SagaView parked = in(SagaState.PARKED, id);
    assertThat(parked.stuck()).isEqualTo("charge");
    assertThat(parked.steps())
        .extracting(SagaView.Step::doing)
        .containsExactly(Doing.DONE, Doing.DONE, Doing.UNDOING, Doing.FAILED);

    partners.set(Fault.REFUND, false);
    desk.resume(id, "the bank is back").block(LIMIT);

    SagaView over = in(SagaState.COMPENSATED, id);
    assertThat(over.steps())
        .extracting(SagaView.Step::doing)
        .containsExactly(Doing.UNDONE, Doing.UNDONE, Doing.UNDONE, Doing.FAILED);
    assertThat(over.timeline())
        .extracting(SagaView.Happening::note)
        .contains("the airline issues no ticket", "the bank is back");
  }

  @Test
  void goesOnWithoutTheRefundThatSomebodyHasMade() {
    partners.set(Fault.TICKET, true);
    partners.set(Fault.REFUND, true);
    String id = begin();
    in(SagaState.PARKED, id);

    desk.skip(id, "charge", "refunded in cash").block(LIMIT);

    assertThat(in(SagaState.COMPENSATED, id).steps())
        .extracting(SagaView.Step::doing)
        .containsExactly(Doing.UNDONE, Doing.UNDONE, Doing.SKIPPED, Doing.FAILED);
  }

  @Test
  void skipsNothingButWhatIsStuck() {
    partners.set(Fault.TICKET, true);
    partners.set(Fault.REFUND, true);
    String id = begin();
    in(SagaState.PARKED, id);

    Problem problem =
        catchThrowableOfType(
            Problem.class, () -> desk.skip(id, "hold-seat", "a mistake").block(LIMIT));

    assertThat(problem.getStatusCode().value()).isEqualTo(409);
    assertThat(problem.getBody().getDetail()).contains("charge").contains("hold-seat");
    assertThat(find(id).state()).isEqualTo(SagaState.PARKED);
  }

  @Test
  void givesUpWhatNobodyCanRepair() {
    partners.set(Fault.TICKET, true);
    partners.set(Fault.REFUND, true);
    String id = begin();
    in(SagaState.PARKED, id);

    assertThat(Objects.requireNonNull(desk.abandon(id, "written off").block(LIMIT)).state())
        .isEqualTo(SagaState.ABANDONED);

    Problem problem =
        catchThrowableOfType(Problem.class, () -> desk.resume(id, "after all").block(LIMIT));
    assertThat(problem.getStatusCode().value()).isEqualTo(409);
  }

  @Test
  void listsTheNewestFirst() {
    String first = in(SagaState.COMPLETED, begin()).id();
    eventually(() -> RebookingId.at(Clock.systemUTC().instant()), id -> id.compareTo(first) < 0);
    String second = in(SagaState.COMPLETED, begin()).id();

    assertThat(desk.newest(null, 10).block(LIMIT))
        .extracting(SagaView::id)
        .containsExactly(second, first);
    assertThat(desk.newest(SagaState.PARKED, 10).block(LIMIT)).isEmpty();
  }

  @Test
  void beginsNothingBeforeItIsStartedAndAfterItHasStopped() {
    Trip trip = find(begin()).trip();
    desk.stop();

    Problem problem = catchThrowableOfType(Problem.class, () -> desk.begin(trip).block(LIMIT));

    assertThat(problem.getStatusCode().value()).isEqualTo(503);
  }

  @Test
  void knowsNoIdsButItsOwn() {
    for (String id : new String[] {"", "nonsense", "../etc", "\u0000", "e6a1b2c3d4e-1f2e3d4c"}) {
      Problem problem = catchThrowableOfType(Problem.class, () -> desk.find(id).block(LIMIT));
      assertThat(problem.getStatusCode().value()).as(id).isEqualTo(404);
      Problem decision =
          catchThrowableOfType(Problem.class, () -> desk.resume(id, "why").block(LIMIT));
      assertThat(decision.getStatusCode().value()).as(id).isEqualTo(404);
    }
  }
}

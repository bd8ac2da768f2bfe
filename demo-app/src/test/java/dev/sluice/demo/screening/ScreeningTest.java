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
package dev.sluice.demo.screening;

import static dev.sluice.demo.Eventually.eventually;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.delivery.DeadLetterReason;
import dev.sluice.demo.AirportClient;
import dev.sluice.demo.AirportClient.Answer;
import dev.sluice.demo.RunningAirport;
import dev.sluice.demo.ledger.Counters;
import dev.sluice.demo.ledger.Ledger;
import dev.sluice.store.DeadLetterQuery;
import dev.sluice.store.DeadLetters;
import java.time.Duration;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Bags of an aircraft that has landed, over HTTP, with their queues in PostgreSQL. */
@ExtendWith(RunningAirport.class)
class ScreeningTest {

  private static final Duration SOON = Duration.ofSeconds(30);

  private final Ledger ledger = RunningAirport.bean(Ledger.class);
  private final DeadLetters deadLetters = RunningAirport.bean(DeadLetters.class);
  private final AirportClient airport = new AirportClient(RunningAirport.port());
  private Counters before;
  private long lateBefore;

  @BeforeEach
  void count() {
    // What a test that has failed may have left.
    eventually(
        () -> airport.get("/api/transfers"),
        now ->
            Stream.of("waiting", "atStations", "onBelt", "atScanner")
                .allMatch(place -> now.path(place).asLong() == 0));
    before = RunningAirport.settled();
    lateBefore = late();
  }

  private long late() {
    return Objects.requireNonNull(
        deadLetters
            .groups(DeadLetterQuery.all().reason(DeadLetterReason.EXPIRED))
            .reduce(0L, (sum, group) -> sum + group.letters())
            .block(SOON));
  }

  private void land(int bags, int late) {
    Answer landed = airport.post("/api/transfers?bags=" + bags + "&late=" + late, "");
    assertThat(landed.status()).as(landed.body().toString()).isEqualTo(202);
    assertThat(landed.body().path("bags").asInt()).isEqualTo(bags);
  }

  @Test
  void eachBagIsLoadedOrTooLate() {
    long seenLate = airport.get("/api/transfers").path("late").asLong();
    land(80, 5);

    eventually(() -> airport.get("/api/transfers").path("stations").asInt(), n -> n > 1);
    eventually(
        () -> ledger.counters().loaded() - before.loaded() + late() - lateBefore,
        ended -> ended == 80);
    assertThat(late()).isGreaterThanOrEqualTo(lateBefore + 5);
    eventually(
        () -> airport.get("/api/transfers").path("late").asLong() - seenLate,
        seen -> seen == late() - lateBefore);
    assertThat(ledger.counters().difference()).isZero();
  }

  @Test
  void aLateBagThatIsSentBackGoesWithItsNextFlight() {
    land(1, 1);
    eventually(this::late, number -> number == lateBefore + 1);

    Answer sent = airport.redriveAll("reason=EXPIRED");

    assertThat(sent.status()).isEqualTo(202);
    long letters = sent.body().path("letters").asLong();
    assertThat(letters).isEqualTo(lateBefore + 1);
    eventually(ledger::counters, now -> now.loaded() == before.loaded() + letters);
    eventually(this::late, number -> number == 0);
  }

  @Test
  void aSlowScannerFillsTheBeltAndLosesNothing() {
    assertThat(airport.post("/api/chaos/slow-scanner", "").status()).isEqualTo(200);
    try {
      land(60, 0);
      eventually(() -> airport.get("/api/transfers").path("onBelt").asInt(), n -> n > 5);
    } finally {
      airport.post("/api/chaos/slow-scanner?on=false", "");
    }

    eventually(
        () -> ledger.counters().loaded() - before.loaded() + late() - lateBefore,
        ended -> ended == 60);
  }

  @ParameterizedTest
  @CsvSource({"bags=0, bags", "bags=many, bags", "bags=10&late=11, late"})
  void badInputIsToldByParameter(String query, String field) {
    Answer answer = airport.post("/api/transfers?" + query, "");

    assertThat(answer.status()).isEqualTo(400);
    assertThat(answer.body().path("errors").path(0).path("field").asString()).isEqualTo(field);
  }
}

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
package dev.sluice.demo;

import static dev.sluice.demo.Eventually.eventually;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.demo.AirportClient.Answer;
import dev.sluice.demo.chaos.Switches;
import dev.sluice.demo.ledger.Counters;
import dev.sluice.demo.ledger.Ledger;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.http.HttpMethod;
import tools.jackson.databind.JsonNode;

/** What is broken on purpose is mended again, and nothing is lost. */
@ExtendWith(RunningAirport.class)
class ChaosTest {

  private static final String JAM = "jam-flight?flight=UA%20251&date=2013-07-08&";

  private final Ledger ledger = RunningAirport.bean(Ledger.class);
  private final AirportClient airport = new AirportClient(RunningAirport.port());
  private Counters before;

  @BeforeEach
  void count() {
    before = RunningAirport.settled();
  }

  @AfterEach
  void theBalanceHolds() {
    JsonNode invariant = airport.frame().path("invariant");
    assertThat(invariant.path("holds").asBoolean()).isTrue();
    assertThat(ledger.counters().outOfOrder()).isZero();
  }

  /** What a test has not come to mend itself. */
  @AfterEach
  void mend() {
    airport.send(HttpMethod.DELETE, "/api/load");
    for (String chaos : List.of("stop-broker?", "slow-customs?", "slow-scanner?", JAM)) {
      flip(chaos + "on=false");
    }
  }

  private JsonNode flip(String chaos) {
    Answer answer = airport.post("/api/chaos/" + chaos, "");
    assertThat(answer.status()).as(answer.body().toString()).isEqualTo(200);
    return answer.body();
  }

  private void load(int bags) {
    assertThat(
            airport
                .send(HttpMethod.POST, "/api/load?rate=400&bags=" + bags + "&unreadableShare=0.01")
                .status())
        .isEqualTo(202);
  }

  private void loadIsLoaded(int bags) {
    Counters after =
        eventually(
            ledger::counters, c -> c.checkedIn() >= before.checkedIn() + bags && c.inFlight() == 0);
    assertThat(after.checkedIn()).isEqualTo(before.checkedIn() + bags);
    assertThat(after.loaded() + after.deadLettered())
        .isEqualTo(before.loaded() + before.deadLettered() + bags);
  }

  @Test
  void aBrokerThatIsStoppedComesBack() {
    airport.post("/api/load?rate=400&bags=400&unreadableShare=0", "");
    eventually(ledger::counters, c -> c.loaded() > before.loaded() + 20);

    assertThat(flip("stop-broker").path("brokerStopped").asBoolean()).isTrue();
    assertThat(flip("stop-broker?on=false").path("brokerStopped").asBoolean()).isFalse();

    // The load itself may have ended: what was confirmed is loaded.
    eventually(
        () -> airport.get("/api/load"), load -> !load.path("state").asString().equals("running"));
    assertThat(RunningAirport.settled().loaded())
        .isGreaterThanOrEqualTo(before.loaded() + airport.get("/api/load").path("sent").asLong());
    eventually(
        () -> airport.get("/actuator/health/readiness"),
        health -> health.path("status").asString().equals("UP"));
  }

  @Test
  void connectionsThatAreKilledAreMadeAgain() {
    load(600);
    for (int i = 0; i < 3; i++) {
      long loaded = ledger.counters().loaded();
      flip("kill-connections");
      eventually(ledger::counters, c -> c.loaded() > loaded || c.inFlight() == 0);
    }

    loadIsLoaded(600);
  }

  @Test
  void corruptTagsAreDeadLetters() {
    flip("corrupt-tags?bags=7");

    eventually(ledger::counters, c -> c.deadLettered() == before.deadLettered() + 7);
  }

  @Test
  void aJammedFlightGoesOnWhenItIsCleared() {
    JsonNode jammed = flip(JAM).path("jammed");

    assertThat(jammed.path(0).asString()).isEqualTo("UA251-2013-07-08");
    assertThat(flip(JAM + "on=false").path("jammed").size()).isZero();
  }

  @Test
  void switchesAreSeenByWhomTheyConcern() {
    Switches switches = RunningAirport.bean(Switches.class);

    flip("slow-customs");
    flip("slow-scanner?on=true");
    assertThat(switches.isCustomsSlow()).isTrue();
    assertThat(switches.isScannerSlow()).isTrue();

    flip("slow-customs?on=false");
    flip("slow-scanner?on=false");
    JsonNode view = airport.get("/api/chaos");
    assertThat(view.path("slowCustoms").asBoolean()).isFalse();
    assertThat(view.path("slowScanner").asBoolean()).isFalse();
  }

  @ParameterizedTest
  @CsvSource({
    "slow-customs?on=maybe, 400, on",
    "corrupt-tags?bags=0, 400, bags",
    "jam-flight?flight=XX1, 400, flight",
    "jam-flight?flight=UA%20251&date=never, 400, date"
  })
  void badInputIsToldByParameter(String chaos, int status, String field) {
    Answer answer = airport.post("/api/chaos/" + chaos, "");

    assertThat(answer.status()).isEqualTo(status);
    assertThat(answer.body().path("errors").path(0).path("field").asString()).isEqualTo(field);
  }
}

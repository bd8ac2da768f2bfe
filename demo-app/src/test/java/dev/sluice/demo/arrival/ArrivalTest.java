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
package dev.sluice.demo.arrival;

import static dev.sluice.demo.Eventually.eventually;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.choreography.EventTrace.What;
import dev.sluice.demo.AirportClient;
import dev.sluice.demo.AirportClient.Answer;
import dev.sluice.demo.RunningAirport;
import java.util.List;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.http.HttpMethod;
import org.springframework.web.reactive.function.client.WebClient;
import tools.jackson.databind.JsonNode;

/** What follows when an aircraft lands, over queues in PostgreSQL. */
@ExtendWith(RunningAirport.class)
class ArrivalTest {

  private static final List<String> WAY =
      List.of(
          "flight.landed",
          "gate.assigned",
          "bags.unloaded",
          "carousel.opened",
          "first-bag.out",
          "passengers.told");

  private AirportClient airport;

  @BeforeEach
  void connect() {
    airport = new AirportClient(RunningAirport.port());
  }

  @AfterEach
  void everybodyWorks() {
    have("carousels", "works");
    have("ramp", "works");
  }

  private void have(String participant, String duty) {
    assertThat(
            airport
                .send(HttpMethod.PUT, "/api/arrivals/participants/" + participant + "?does=" + duty)
                .status())
        .isEqualTo(200);
  }

  private String land() {
    Answer landed = airport.post("/api/arrivals", "{\"flight\":\"B6 108\"}");
    assertThat(landed.status()).isEqualTo(202);
    return landed.body().path("id").asString();
  }

  /** The types of what was made known of an arrival, in their order. */
  private List<String> known(String id) {
    return StreamSupport.stream(airport.get("/api/arrivals/" + id).spliterator(), false)
        .filter(step -> !step.path("what").asString().equals(What.CONSUMED.name()))
        .map(step -> step.path("type").asString())
        .toList();
  }

  /** What is known when all of these are: on a busy machine a deadline may come before them. */
  private List<String> knownWith(String id, String... types) {
    return eventually(() -> known(id), known -> known.containsAll(List.of(types)));
  }

  private long count(String type) {
    return airport.get("/api/arrivals").path("events").path(type).asLong();
  }

  @Test
  void eachStepGivesRiseToTheNextUntilPassengersAreTold() {
    List<Long> before = WAY.stream().map(this::count).toList();

    String id = land();

    knownWith(id, WAY.toArray(String[]::new));
    for (int i = 0; i < WAY.size(); i++) {
      String type = WAY.get(i);
      long earlier = before.get(i);
      eventually(() -> count(type), number -> number > earlier);
    }
    JsonNode newest = airport.get("/api/arrivals").path("landings").path(0);
    assertThat(newest.path("id").asString()).isEqualTo(id);
    assertThat(newest.path("flight").asString()).isEqualTo("B6 108");
  }

  @Test
  void aRefusalIsAnEventOnWhichOthersAct() {
    have("carousels", "refuses");

    String id = land();

    assertThat(knownWith(id, "carousel.refused", "passengers.told"))
        .contains("bags.unloaded")
        .doesNotContain("carousel.opened", "first-bag.out");
  }

  @Test
  void oneThatSleepsIsNoticedAndGoesOnWhenItWakes() {
    have("ramp", "sleeps");

    String id = land();

    assertThat(knownWith(id, "gate.assigned", "bags.overdue", "passengers.told"))
        .doesNotContain("bags.unloaded");
    JsonNode alarm =
        eventually(
            () -> airport.get("/api/arrivals").path("alarms").path(0),
            last -> last.path("id").asString().equals(id));
    assertThat(alarm.path("flight").asString()).isEqualTo("B6 108");

    have("ramp", "works");
    knownWith(id, WAY.toArray(String[]::new));
  }

  @Test
  void showsItsGraph() {
    String graph =
        WebClient.create("http://127.0.0.1:" + RunningAirport.port())
            .get()
            .uri("/api/choreography.mmd")
            .retrieve()
            .bodyToMono(String.class)
            .block();

    assertThat(graph)
        .isEqualTo(RunningAirport.bean(ArrivalSection.class).mermaid())
        .startsWith("flowchart LR");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "POST;/api/arrivals;422",
        "GET;/api/arrivals/unknown;404",
        "PUT;/api/arrivals/participants/pilot?does=works;404",
        "PUT;/api/arrivals/participants/ramp;400",
        "PUT;/api/arrivals/participants/ramp?does=nothing;400"
      })
  void refusesWhatIsWrong(String method, String path, int status) {
    Answer answer =
        method.equals("POST")
            ? airport.post(path, "{\"flight\":\"XX 1\"}")
            : airport.send(HttpMethod.valueOf(method), path);

    assertThat(answer.status()).isEqualTo(status);
  }
}

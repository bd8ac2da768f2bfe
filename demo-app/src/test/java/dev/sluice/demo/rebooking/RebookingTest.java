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

import dev.sluice.demo.RunningAirport;
import java.net.URI;
import java.time.Duration;
import java.util.Objects;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.core.ParameterizedTypeReference;
import org.springframework.http.MediaType;
import org.springframework.http.codec.ServerSentEvent;
import org.springframework.test.web.reactive.server.WebTestClient;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Rebookings over HTTP, with their journal in PostgreSQL. */
@ExtendWith(RunningAirport.class)
class RebookingTest {

  private static final String BOOKING = "{\"booking\":\"K7QX2M\",\"flight\":\"B6 108\"}";

  private WebTestClient web;

  @BeforeEach
  void connect() {
    web =
        WebTestClient.bindToServer()
            .baseUrl("http://127.0.0.1:" + RunningAirport.port())
            .responseTimeout(Duration.ofSeconds(30))
            .build();
  }

  @AfterEach
  void repair() {
    for (Fault fault : Fault.values()) {
      set(fault, false);
    }
  }

  private void set(Fault fault, boolean on) {
    web.put()
        .uri("/api/rebookings/faults/" + fault.label() + "?on=" + on)
        .exchange()
        .expectStatus()
        .isOk()
        .expectBody()
        .jsonPath("$." + fault.label())
        .isEqualTo(on);
  }

  private URI rebook() {
    return Objects.requireNonNull(
        web.post()
            .uri("/api/rebookings")
            .contentType(MediaType.APPLICATION_JSON)
            .bodyValue(BOOKING)
            .exchange()
            .expectStatus()
            .isAccepted()
            .expectHeader()
            .valueMatches("Location", "/api/sagas/[0-9a-f-]+")
            .expectBody(String.class)
            .returnResult()
            .getResponseHeaders()
            .getLocation());
  }

  private JsonNode get(String path) {
    return JsonMapper.shared()
        .readTree(
            web.get()
                .uri(path)
                .exchange()
                .expectStatus()
                .isOk()
                .expectBody(String.class)
                .returnResult()
                .getResponseBody());
  }

  private JsonNode in(String state, URI saga) {
    return eventually(
        () -> get(saga.getPath()), found -> found.path("state").asString().equals(state));
  }

  @Test
  void areAcceptedWhenTheJournalHasThemAndThenEnd() {
    JsonNode saga = in("COMPLETED", rebook());

    assertThat(saga.path("trip").path("ticket").asString()).startsWith("T-");
    assertThat(saga.path("timeline").path(0).path("kind").asString()).isEqualTo("OPENED");
    assertThat(saga.path("timeline").size()).isEqualTo(10);
    assertThat(get("/api/sagas").path("sagas").findValuesAsString("id"))
        .contains(saga.path("id").asString());
  }

  @Test
  void thatCannotBeUndoneWaitForADecisionAndAreOnThePage() {
    set(Fault.TICKET, true);
    set(Fault.REFUND, true);
    URI location = rebook();

    JsonNode parked = in("PARKED", location);

    assertThat(parked.path("stuck").asString()).isEqualTo("charge");
    assertThat(get("/api/sagas?state=parked").path("parked").asLong()).isEqualTo(1);
    eventually(
        () -> event("rebookings"),
        view ->
            view.path("parked").asLong() == 1
                && view.path("sagas").path(0).path("id").equals(parked.path("id")));
    web.post().uri(location + "/skip").exchange().expectStatus().isEqualTo(422).expectBody();
    web.post()
        .uri(location + "/skip")
        .contentType(MediaType.APPLICATION_JSON)
        .bodyValue("{\"step\":\"hold-seat\"}")
        .exchange()
        .expectStatus()
        .isEqualTo(409)
        .expectHeader()
        .contentType(MediaType.APPLICATION_PROBLEM_JSON)
        .expectBody();

    set(Fault.REFUND, false);
    web.post()
        .uri(location + "/resume")
        .contentType(MediaType.APPLICATION_JSON)
        .bodyValue("{\"why\":\"the bank is back\"}")
        .exchange()
        .expectStatus()
        .isOk()
        .expectBody();

    JsonNode over = in("COMPENSATED", location);
    assertThat(over.path("timeline").findValuesAsString("note")).contains("the bank is back");
    web.post().uri(location + "/fail").exchange().expectStatus().isEqualTo(409).expectBody();
  }

  private JsonNode event(String name) {
    ServerSentEvent<String> event =
        web.get()
            .uri("/api/live")
            .exchange()
            .returnResult(new ParameterizedTypeReference<ServerSentEvent<String>>() {})
            .getResponseBody()
            .filter(e -> name.equals(e.event()))
            .blockFirst(Duration.ofSeconds(30));
    return JsonMapper.shared().readTree(Objects.requireNonNull(event).data());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "'';400;body;empty",
        "{};422;booking;missing",
        "{\"booking\":\"K7QX2M\"};422;flight;missing",
        "{\"booking\":\"k7\",\"flight\":\"B6 108\"};422;booking;k7",
        "{\"booking\":\"K7QX2M\",\"flight\":\"XX 1\"};422;flight;XX 1",
        "{\"booking\":\"K7QX2M\",\"flight\":\"B6 108\",\"seat\":1};422;body;nobody knows"
      })
  void sayWhatIsWrongWithThem(String body, int status, String field, String detail) {
    web.post()
        .uri("/api/rebookings")
        .contentType(MediaType.APPLICATION_JSON)
        .bodyValue(body)
        .exchange()
        .expectStatus()
        .isEqualTo(status)
        .expectHeader()
        .contentType(MediaType.APPLICATION_PROBLEM_JSON)
        .expectBody()
        .jsonPath("$.errors[0].field")
        .isEqualTo(field)
        .jsonPath("$.errors[0].detail")
        .value(String.class, told -> assertThat(told).contains(detail));
  }

  @Test
  void areNobodysElse() {
    web.post()
        .uri("/api/sagas/e6a1b2c3d4e-1f2e3d4c/fail")
        .header("Sec-Fetch-Site", "cross-site")
        .exchange()
        .expectStatus()
        .isForbidden()
        .expectBody();
    web.post()
        .uri("/api/sagas/e6a1b2c3d4e-1f2e3d4c/fail")
        .exchange()
        .expectStatus()
        .isNotFound()
        .expectHeader()
        .contentType(MediaType.APPLICATION_PROBLEM_JSON)
        .expectBody();
    web.get().uri("/api/sagas?state=lost").exchange().expectStatus().isBadRequest().expectBody();
    web.put()
        .uri("/api/rebookings/faults/plane?on=true")
        .exchange()
        .expectStatus()
        .isNotFound()
        .expectBody();
    web.put()
        .uri("/api/rebookings/faults/hotel?on=x")
        .exchange()
        .expectStatus()
        .isBadRequest()
        .expectBody();
  }
}

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
package dev.sluice.demo.turnaround;

import static dev.sluice.demo.Eventually.eventually;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.demo.RunningAirport;
import dev.sluice.store.Task;
import java.net.URI;
import java.time.Duration;
import java.util.Objects;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.springframework.http.MediaType;
import org.springframework.test.web.reactive.server.WebTestClient;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Turnarounds over HTTP, whose crews can be killed. */
@ExtendWith(RunningAirport.class)
class TurnaroundTest {

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
  void revive() {
    set("fuel", true);
  }

  private void set(String crew, boolean works) {
    web.put()
        .uri("/api/turnarounds/crews/" + crew + "?works=" + works)
        .exchange()
        .expectStatus()
        .isOk()
        .expectBody()
        .jsonPath("$." + crew)
        .isEqualTo(works);
  }

  private URI begin() {
    return Objects.requireNonNull(
        web.post()
            .uri("/api/turnarounds")
            .contentType(MediaType.APPLICATION_JSON)
            .bodyValue("{\"flight\":\"B6 108\"}")
            .exchange()
            .expectStatus()
            .isAccepted()
            .expectHeader()
            .valueMatches("Location", "/api/turnarounds/[0-9a-f]{11}-[0-9a-f]{8}-B6108-[0-9-]{10}")
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

  private JsonNode in(String state, URI turnaround) {
    return eventually(
        () -> get(turnaround.getPath()), found -> found.path("state").asString().equals(state));
  }

  @Test
  void areFuelledCleanedAndLoaded() {
    JsonNode done = in("DONE", begin());

    assertThat(done.path("steps").findValuesAsString("name"))
        .containsExactly("fuel", "clean", "load");
    assertThat(done.path("steps").findValuesAsString("crew"))
        .containsExactly("fuel", "clean", "load");
    assertThat(get("/api/turnarounds").findValuesAsString("id"))
        .contains(done.path("id").asString());
  }

  @Test
  void whatAKilledCrewDoesNotDoIsDoneByWhoStandsBy() {
    set("fuel", false);

    URI turnaround = begin();
    JsonNode done = in("DONE", turnaround);

    assertThat(done.path("steps").path(0).path("crew").asString()).isEqualTo("standby");
    assertThat(done.path("steps").path(1).path("crew").asString()).isEqualTo("clean");
    RemedyLog remedies = RunningAirport.bean(TurnaroundDesk.class).remedies();
    RemedyLog.Remedied remedied =
        eventually(
            () -> remedies.last().get(0),
            last -> last.departure().equals(done.path("departure").asString()));
    assertThat(remedied.step()).isEqualTo("fuel");
    assertThat(remedied.crew()).isEqualTo("fuel");
    assertThat(remedied.remedy()).isEqualTo("REASSIGNED");
    assertThat(remedied.to()).isEqualTo("standby");
    TurnaroundSection section = RunningAirport.bean(TurnaroundSection.class);
    TurnaroundSection.View seen =
        eventually(
            section::view,
            view ->
                view.up()
                    && view.turnarounds().get(0).state() == Task.State.DONE
                    && view.remedies().contains(remedied));
    assertThat(seen.crews()).containsEntry("fuel", false).containsEntry("clean", true);
  }

  @Test
  void refuseWhatIsWrong() {
    web.post()
        .uri("/api/turnarounds")
        .contentType(MediaType.APPLICATION_JSON)
        .bodyValue("{\"flight\":\"XX 1\"}")
        .exchange()
        .expectStatus()
        .isEqualTo(422)
        .expectBody();
    web.get().uri("/api/turnarounds/unknown").exchange().expectStatus().isNotFound().expectBody();
    web.put()
        .uri("/api/turnarounds/crews/pilot?works=false")
        .exchange()
        .expectStatus()
        .isNotFound()
        .expectBody();
    web.put()
        .uri("/api/turnarounds/crews/fuel")
        .exchange()
        .expectStatus()
        .isBadRequest()
        .expectBody();
  }
}

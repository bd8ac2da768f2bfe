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
package dev.sluice.demo.quotes;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.demo.RunningAirport;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.http.MediaType;
import org.springframework.test.web.reactive.server.WebTestClient;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Quotes of partner airlines over HTTP. */
@ExtendWith(RunningAirport.class)
class QuotesTest {

  private static final List<String> AIRLINES = List.of("north", "east", "south", "west", "far");

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
  void open() {
    AIRLINES.forEach(airline -> open(airline, true));
  }

  private void open(String airline, boolean open) {
    web.put()
        .uri("/api/quotes/airlines/" + airline + "?open=" + open)
        .exchange()
        .expectStatus()
        .isOk()
        .expectBody()
        .jsonPath("$." + airline)
        .isEqualTo(open);
  }

  private JsonNode ask() {
    return JsonMapper.shared()
        .readTree(
            web.get()
                .uri("/api/quotes?from=JFK&to=BOS")
                .exchange()
                .expectStatus()
                .isOk()
                .expectBody(String.class)
                .returnResult()
                .getResponseBody());
  }

  @Test
  void haveALegForEachAirline() {
    JsonNode quotes = ask();

    assertThat(quotes.path("legs").findValuesAsString("airline")).isEqualTo(AIRLINES);
    assertThat(quotes.path("route").path("to").asString()).isEqualTo("BOS");
    for (JsonNode leg : quotes.path("legs")) {
      boolean answered = List.of("ANSWERED", "HEDGED").contains(leg.path("state").asString());
      assertThat(leg.path("offer").isObject()).as(leg.toString()).isEqualTo(answered);
    }
  }

  @Test
  void thatCannotBeEnoughSaySoAndAreNoError() {
    List.of("north", "east", "south").forEach(airline -> open(airline, false));

    JsonNode quotes = ask();

    assertThat(quotes.path("complete").asBoolean()).isFalse();
    assertThat(quotes.path("why").asString()).isIn("EXHAUSTED", "DEADLINE");
    assertThat(quotes.path("legs").path(0).path("offer").isNull()).isTrue();
  }

  @ParameterizedTest
  @CsvSource({
    "'',from",
    "?from=JFK,to",
    "?from=XXX&to=BOS,from",
    "?from=JFK&to=JFK,to",
    "?from=JFK&to=%00,to"
  })
  void sayWhatIsWrongWithTheQuestion(String query, String field) {
    web.get()
        .uri(URI.create("http://127.0.0.1:" + RunningAirport.port() + "/api/quotes" + query))
        .exchange()
        .expectStatus()
        .isBadRequest()
        .expectHeader()
        .contentType(MediaType.APPLICATION_PROBLEM_JSON)
        .expectBody()
        .jsonPath("$.errors[0].field")
        .isEqualTo(field);
  }

  @Test
  void areOfPartnersOnly() {
    web.put()
        .uri("/api/quotes/airlines/nobody?open=true")
        .exchange()
        .expectStatus()
        .isNotFound()
        .expectBody();
    web.put()
        .uri("/api/quotes/airlines/north")
        .exchange()
        .expectStatus()
        .isBadRequest()
        .expectBody();
  }
}

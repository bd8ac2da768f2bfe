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
package dev.sluice.demo.screens;

import static dev.sluice.demo.Eventually.eventually;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.demo.RunningAirport;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.http.MediaType;
import org.springframework.test.web.reactive.server.WebTestClient;

/** What happens to flights, and who hears of it. */
@ExtendWith(RunningAirport.class)
class ScreensTest {

  private FlightEvents events;
  private WebTestClient web;

  @BeforeEach
  void connect() {
    events = RunningAirport.bean(FlightEvents.class);
    web =
        WebTestClient.bindToServer()
            .baseUrl("http://127.0.0.1:" + RunningAirport.port())
            .responseTimeout(Duration.ofSeconds(30))
            .build();
  }

  @AfterEach
  void repair() {
    breakDown(false);
  }

  private void breakDown(boolean broken) {
    web.put()
        .uri("/api/screens/delays?broken=" + broken)
        .exchange()
        .expectStatus()
        .isOk()
        .expectBody();
  }

  private void delay(String flight) {
    web.post()
        .uri("/api/flight-events")
        .contentType(MediaType.APPLICATION_JSON)
        .bodyValue("{\"flight\":\"" + flight + "\",\"kind\":\"delayed\"}")
        .exchange()
        .expectStatus()
        .isAccepted()
        .expectBody();
  }

  private Screen.View screen(String name) {
    return events.view().screens().stream()
        .filter(screen -> screen.name().equals(name))
        .findFirst()
        .orElseThrow();
  }

  @Test
  void showWhatTheyWantAndABrokenOneIsFeltByNobodyAndCatchesUp() {
    Screen.View delays = screen("delays");
    Screen.View loyalty = screen("loyalty");
    long hall = screen("hall").shown();
    breakDown(true);

    delay("B6 108");
    delay("UA 251");

    // The neighbours have shown it when the broken one has failed.
    eventually(() -> screen("hall"), now -> now.shown() >= hall + 2);
    eventually(() -> screen("loyalty"), now -> now.shown() > loyalty.shown());
    eventually(() -> screen("delays"), now -> now.failures() > delays.failures());
    assertThat(screen("delays").shown()).isEqualTo(delays.shown());
    assertThat(screen("gates").failures()).isZero();

    breakDown(false);
    Screen.View mended =
        eventually(() -> screen("delays"), now -> now.shown() == delays.shown() + 2);
    assertThat(mended.last()).isNotNull();
    assertThat(mended.last().flight()).isEqualTo("UA 251");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "{};flight",
        "{\"flight\":\"B6 108\"};kind",
        "{\"flight\":\"B6 108\",\"kind\":\"lost\"};kind",
        "{\"flight\":\"XX 1\",\"kind\":\"delayed\"};flight"
      })
  void areNotBotheredWithNonsense(String body, String field) {
    web.post()
        .uri("/api/flight-events")
        .contentType(MediaType.APPLICATION_JSON)
        .bodyValue(body)
        .exchange()
        .expectStatus()
        .isEqualTo(422)
        .expectHeader()
        .contentType(MediaType.APPLICATION_PROBLEM_JSON)
        .expectBody()
        .jsonPath("$.errors[0].field")
        .isEqualTo(field);
    web.put()
        .uri("/api/screens/nobody?broken=true")
        .exchange()
        .expectStatus()
        .isNotFound()
        .expectBody();
  }
}

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
package dev.sluice.demo.claims;

import static dev.sluice.demo.Eventually.eventually;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.demo.RunningAirport;
import dev.sluice.demo.ledger.Ledger;
import java.net.URI;
import java.time.Duration;
import java.util.Objects;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.test.web.reactive.server.WebTestClient;

/** Claims of lost bags over HTTP, kept in PostgreSQL. */
@ExtendWith(RunningAirport.class)
class ClaimsTest {

  private WebTestClient web;

  @BeforeEach
  void connect() {
    web =
        WebTestClient.bindToServer()
            .baseUrl("http://127.0.0.1:" + RunningAirport.port())
            .responseTimeout(Duration.ofSeconds(30))
            .build();
  }

  private URI claim(String tag) {
    return Objects.requireNonNull(
        web.post()
            .uri("/api/claims")
            .contentType(MediaType.APPLICATION_JSON)
            .bodyValue("{\"tag\":\"" + tag + "\"}")
            .exchange()
            .expectStatus()
            .isAccepted()
            .expectHeader()
            .exists("Retry-After")
            .expectHeader()
            .valueMatches("Location", "/api/operations/[A-Za-z0-9_-]{32}")
            .expectBody(String.class)
            .returnResult()
            .getResponseHeaders()
            .getLocation());
  }

  private WebTestClient.ResponseSpec ended(URI operation) {
    eventually(
        () -> awaited(operation).expectBody(String.class).returnResult().getStatus(),
        status -> status != HttpStatus.ACCEPTED);
    return awaited(operation);
  }

  private WebTestClient.ResponseSpec awaited(URI operation) {
    return web.get().uri(operation.getPath()).header("Prefer", "wait=10").exchange();
  }

  @Test
  void leadToTheCase() {
    String tag = "9200000001";
    web.post()
        .uri("/api/bags")
        .contentType(MediaType.APPLICATION_JSON)
        .bodyValue("{\"tag\":\"" + tag + "\",\"flight\":\"B6 108\"}")
        .exchange()
        .expectStatus()
        .isCreated()
        .expectBody();
    Ledger ledger = RunningAirport.bean(Ledger.class);
    eventually(() -> ledger.find(tag), bag -> bag != null);

    URI operation = claim(tag);
    URI found =
        ended(operation)
            .expectStatus()
            .isEqualTo(HttpStatus.FOUND)
            .expectBody(String.class)
            .returnResult()
            .getResponseHeaders()
            .getLocation();

    assertThat(found).isEqualTo(URI.create(operation + "/result"));
    web.get()
        .uri(found.getPath())
        .exchange()
        .expectStatus()
        .isOk()
        .expectHeader()
        .contentType(MediaType.APPLICATION_JSON)
        .expectBody()
        .jsonPath("$.tag")
        .isEqualTo(tag)
        .jsonPath("$.number")
        .value(String.class, number -> assertThat(number).matches("LB-[0-9A-F]{8}"))
        .jsonPath("$.answer")
        .value(String.class, answer -> assertThat(answer).contains("B6 108"));
  }

  @Test
  void ofBagsThatNobodyKnowsEndWithAProblem() {
    ended(claim("9299999999"))
        .expectStatus()
        .isNotFound()
        .expectHeader()
        .contentType(MediaType.APPLICATION_PROBLEM_JSON)
        .expectBody()
        .jsonPath("$.code")
        .isEqualTo("not-checked-in");
  }

  @Test
  void canBeTakenBack() {
    URI operation = claim("9200000002");

    int status =
        web.delete()
            .uri(operation.getPath())
            .exchange()
            .expectBody(String.class)
            .returnResult()
            .getStatus()
            .value();

    assertThat(status).isIn(200, 202, 409);
    ended(operation).expectStatus().value(end -> assertThat(end).isIn(404, 409)).expectBody();
    web.delete().uri("/api/operations/nobody").exchange().expectStatus().isNotFound().expectBody();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "'';400;body",
        "{;400;body",
        "{};422;tag",
        "{\"tag\":\"12\"};422;tag",
        "{\"tag\":\"0016123456\",\"at\":\"home\"};422;body"
      })
  void thatMakeNoSenseAreNotAccepted(String body, int status, String field) {
    web.post()
        .uri("/api/claims")
        .contentType(MediaType.APPLICATION_JSON)
        .bodyValue(body)
        .exchange()
        .expectStatus()
        .isEqualTo(status)
        .expectHeader()
        .contentType(MediaType.APPLICATION_PROBLEM_JSON)
        .expectBody()
        .jsonPath("$.errors[0].field")
        .isEqualTo(field);
  }

  @Test
  void areShort() {
    web.post()
        .uri("/api/claims")
        .contentType(MediaType.APPLICATION_JSON)
        .bodyValue("7".repeat(100_000))
        .exchange()
        .expectStatus()
        .isEqualTo(HttpStatus.CONTENT_TOO_LARGE)
        .expectBody();
  }
}

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
import static org.junit.jupiter.params.provider.Arguments.arguments;

import dev.sluice.demo.AirportClient.Answer;
import dev.sluice.demo.ledger.Counters;
import dev.sluice.demo.ledger.Ledger;
import dev.sluice.kafka.KafkaChannel;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.springframework.http.HttpMethod;
import org.springframework.http.MediaType;
import org.springframework.test.web.reactive.server.WebTestClient;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import tools.jackson.databind.JsonNode;

/** Baggage control as a whole, over HTTP, with its backends. */
@ExtendWith(RunningAirport.class)
class AirportTest {

  private static final Duration LIMIT = Duration.ofSeconds(30);
  private static final AtomicInteger TAGS = new AtomicInteger();

  private Ledger ledger;
  private int port;
  private AirportClient airport;
  private WebTestClient web;

  /** What other tests have had delivered again is over: some here count duplicates. */
  @BeforeAll
  static void awaitRest() {
    KafkaChannel checkedIn = RunningAirport.bean("checkedIn", KafkaChannel.class);
    eventually(() -> checkedIn.depth().block(LIMIT), waiting -> waiting == 0);
  }

  @BeforeEach
  void connect() {
    ledger = RunningAirport.bean(Ledger.class);
    port = RunningAirport.port();
    airport = new AirportClient(port);
    web =
        WebTestClient.bindToServer()
            .baseUrl("http://127.0.0.1:" + port)
            .responseTimeout(LIMIT)
            .build();
  }

  private static String newTag() {
    return String.format("98%08d", TAGS.incrementAndGet());
  }

  /** Checks a new bag in and waits until the audit has seen it, so that the next count has it. */
  private Answer checkedIn(String tag, String flight) {
    Answer answer = airport.checkIn(tag, flight).block();
    eventually(() -> ledger.find(tag), bag -> bag != null);
    return answer;
  }

  private Counters settled() {
    return RunningAirport.settled();
  }

  @Nested
  class ABag {

    @Test
    void isCheckedInAndLoaded() {
      String tag = newTag();

      Answer answer = checkedIn(tag, "B6 108");

      assertThat(answer.status()).isEqualTo(201);
      assertThat(answer.body().path("tag").asString()).isEqualTo(tag);
      JsonNode bag =
          eventually(
              () -> airport.get("/api/bags/" + tag),
              body -> body.path("stage").asString().equals("LOADED"));
      assertThat(bag.path("flight").asString()).isEqualTo("B6 108");
      assertThat(bag.path("sequence").asInt()).isPositive();
    }

    @Test
    void isWhereItsAnswerSays() {
      String tag = newTag();

      web.post()
          .uri("/api/bags")
          .contentType(MediaType.APPLICATION_JSON)
          .bodyValue("{\"tag\":\"" + tag + "\",\"flight\":\"UA 251\",\"date\":\"2013-07-08\"}")
          .exchange()
          .expectStatus()
          .isCreated()
          .expectHeader()
          .location("/api/bags/" + tag)
          .expectBody();
      eventually(() -> ledger.find(tag), bag -> bag != null);
    }

    @Test
    void countsOnceWhenItIsCheckedInTwice() {
      String tag = newTag();
      checkedIn(tag, "B6 108");
      Counters before = settled();

      Answer again = airport.checkIn(tag, "B6 108").block();

      assertThat(again.status()).isEqualTo(200);
      assertThat(again.body().path("tag").asString()).isEqualTo(tag);
      Counters after = settled();
      assertThat(after.checkedIn()).isEqualTo(before.checkedIn());
      assertThat(after.duplicates()).isEqualTo(before.duplicates() + 1);
    }

    @Test
    void countsOnceWhenManyCheckItInAtTheSameTime() {
      String tag = newTag();
      Counters before = settled();

      List<Integer> answers =
          Flux.range(0, 32)
              .flatMap(i -> airport.checkIn(tag, "B6 108").map(Answer::status), 32)
              .collectList()
              .block();

      assertThat(answers).hasSize(32).containsOnlyOnce(201).contains(200);
      assertThat(answers).filteredOn(status -> status == 200).hasSize(31);
      eventually(ledger::counters, now -> now.loaded() == before.loaded() + 1);
      assertThat(settled().checkedIn()).isEqualTo(before.checkedIn() + 1);
    }

    @Test
    void keepsItsTagFromABagOfAnotherFlight() {
      String tag = newTag();
      checkedIn(tag, "B6 108");

      Answer other = airport.checkIn(tag, "UA 251").block();

      assertThat(other.status()).isEqualTo(409);
      assertThat(other.body().path("errors").path(0).path("field").asString()).isEqualTo("tag");
    }

    @Test
    void isNotThereBeforeItIsCheckedIn() {
      assertThat(airport.send(HttpMethod.GET, "/api/bags/" + newTag()).status()).isEqualTo(404);
      assertThat(airport.send(HttpMethod.GET, "/api/bags/nonsense").status()).isEqualTo(404);
    }
  }

  static Stream<Arguments> badInput() {
    String json = MediaType.APPLICATION_JSON_VALUE;
    return Stream.of(
        arguments("no fields", json, "{}", 422, "tag", "missing"),
        arguments("no flight", json, "{\"tag\":\"0016123456\"}", 422, "flight", "missing"),
        arguments(
            "300 characters",
            json,
            "{\"tag\":\"" + "7".repeat(300) + "\",\"flight\":\"B6 108\"}",
            422,
            "tag",
            "300 characters (expected: 10 digits)"),
        arguments(
            "a number for a tag",
            json,
            "{\"tag\":1,\"flight\":\"B6 108\"}",
            422,
            "tag",
            "not a text"),
        arguments(
            "unknown flight",
            json,
            "{\"tag\":\"0016123456\",\"flight\":\"XX 1\"}",
            422,
            "flight",
            "XX 1 (expected: a flight of the schedule, such as B6 108)"),
        arguments(
            "unknown day",
            json,
            "{\"tag\":\"0016123456\",\"flight\":\"B6 108\",\"date\":\"1999-01-01\"}",
            422,
            "date",
            "1999-01-01 (expected: a day of flight B6 108"),
        arguments("malformed", json, "{\"tag\":", 400, "body", "malformed JSON at line 1"),
        arguments("no object", json, "[]", 400, "body", "not an object"),
        arguments("no body", json, "", 400, "body", "empty"),
        arguments("2 MB", json, "7".repeat(2_000_000), 413, "body", "at most 64 KiB"),
        arguments("text", "text/plain", "{}", 415, "Content-Type", "expected: application/json"));
  }

  @Nested
  class BadInput {

    @ParameterizedTest(name = "{0}")
    @MethodSource("dev.sluice.demo.AirportTest#badInput")
    void isToldByFieldAndLosesNothing(
        String what, String type, String body, int status, String field, String detail) {
      Counters before = settled();

      web.post()
          .uri("/api/bags")
          .contentType(MediaType.parseMediaType(type))
          .bodyValue(body)
          .exchange()
          .expectStatus()
          .isEqualTo(status)
          .expectHeader()
          .contentType(MediaType.APPLICATION_PROBLEM_JSON)
          .expectBody()
          .jsonPath("$.status")
          .isEqualTo(status)
          .jsonPath("$.title")
          .isNotEmpty()
          .jsonPath("$.errors[0].field")
          .isEqualTo(field)
          .jsonPath("$.errors[0].detail")
          .value(String.class, told -> assertThat(told).contains(detail))
          .jsonPath("$.trace")
          .doesNotExist();

      assertThat(settled()).isEqualTo(before);
      assertThat(checkedIn(newTag(), "B6 108").status()).isEqualTo(201);
    }

    @Test
    void ofALoadIsToldByParameter() {
      Answer answer = airport.send(HttpMethod.POST, "/api/load?rate=0&bags=many");

      assertThat(answer.status()).isEqualTo(400);
      assertThat(answer.body().path("errors").path(0).path("field").asString()).isEqualTo("rate");
      assertThat(answer.body().path("errors").path(1).path("field").asString()).isEqualTo("bags");
    }

    @Test
    void ofAnyKindIsAProblem() {
      web.get()
          .uri("/api/nothing")
          .exchange()
          .expectStatus()
          .isNotFound()
          .expectHeader()
          .contentType(MediaType.APPLICATION_PROBLEM_JSON)
          .expectBody();
      web.put()
          .uri("/api/load")
          .exchange()
          .expectStatus()
          .isEqualTo(405)
          .expectHeader()
          .contentType(MediaType.APPLICATION_PROBLEM_JSON)
          .expectBody();
    }
  }

  @Nested
  class ALoad {

    @AfterEach
    void stop() {
      airport.send(HttpMethod.DELETE, "/api/load");
    }

    @Test
    void isLoadedCompletelyInOrderAndInBalance() {
      Counters before = settled();
      AtomicInteger frames = new AtomicInteger();
      AtomicInteger broken = new AtomicInteger();
      Disposable watching =
          airport
              .frames()
              .subscribe(
                  frame -> {
                    frames.incrementAndGet();
                    JsonNode counters = frame.path("counters");
                    long parts =
                        counters.path("loaded").asLong()
                            + counters.path("inFlight").asLong()
                            + counters.path("deadLettered").asLong();
                    if (counters.path("checkedIn").asLong() != parts
                        || !frame.path("invariant").path("holds").asBoolean()) {
                      broken.incrementAndGet();
                    }
                  });

      Answer started =
          airport.send(HttpMethod.POST, "/api/load?rate=1000&bags=2000&unreadableShare=0.01");
      assertThat(started.status()).isEqualTo(202);
      assertThat(started.body().path("unreadableShare").asDouble()).isEqualTo(0.01);
      assertThat(started.body().path("factor").asDouble()).isEqualTo(336);
      eventually(
          () -> airport.get("/api/load"), load -> load.path("state").asString().equals("finished"));
      Counters after =
          eventually(
              ledger::counters,
              now -> now.checkedIn() == before.checkedIn() + 2_000 && now.inFlight() == 0);
      eventually(frames::get, number -> number > 4);
      watching.dispose();

      assertThat(after.loaded()).isEqualTo(before.loaded() + 1_980);
      assertThat(after.deadLettered()).isEqualTo(before.deadLettered() + 20);
      assertThat(after.outOfOrder()).isZero();
      assertThat(broken.get()).isZero();
      JsonNode last =
          eventually(
              airport::frame, frame -> frame.path("invariant").path("samples").asLong() > 4_000);
      assertThat(last.path("invariant").path("violations").asLong()).isZero();
      assertThat(last.path("lanes").size()).isEqualTo(10);
      assertThat(last.path("convoy").path("lookAhead").asInt()).isEqualTo(4_096);
    }

    @Test
    void showsItsDeadLetters() {
      settled();
      long known = id(airport.get("/api/dead-letters?limit=1").path("deadLetters").path(0));

      airport.send(HttpMethod.POST, "/api/load?rate=5000&bags=100&unreadableShare=0.1");

      List<JsonNode> letters =
          eventually(
              () ->
                  airport
                      .frame()
                      .path("deadLetters")
                      .valueStream()
                      .filter(letter -> id(letter) > known)
                      .toList(),
              found -> found.size() == 10);
      JsonNode letter = letters.get(0);
      assertThat(letter.path("reason").asString()).isEqualTo("UNREADABLE");
      assertThat(letter.path("detail").asString())
          .contains("application/json")
          .doesNotContain("dev.sluice");
      assertThat(letter.path("record").asString()).matches("bags\\.checked-in-[0-3]@\\d+");
      assertThat(letter.path("id").asString()).matches("\\d+");
      assertThat(letter.path("preview").asString()).isNotEmpty();
    }

    private static long id(JsonNode letter) {
      return Long.parseLong(letter.path("id").asString("0"));
    }

    @Test
    void runsAloneAndCanBeStopped() {
      // What is stopped may leave records that nobody waits for, if they are no bags.
      airport.send(HttpMethod.POST, "/api/load?rate=50&bags=100000&unreadableShare=0");

      Answer second = airport.send(HttpMethod.POST, "/api/load");
      Answer stopped = airport.send(HttpMethod.DELETE, "/api/load");

      assertThat(second.status()).isEqualTo(409);
      assertThat(stopped.status()).isEqualTo(200);
      assertThat(stopped.body().path("state").asString()).isEqualTo("stopped");
      assertThat(airport.get("/api/load").path("state").asString()).isEqualTo("stopped");
      settled();
    }

    @Test
    void givesItsBagsTagsNobodyHas() {
      airport.send(HttpMethod.POST, "/api/load?rate=5000&bags=50&unreadableShare=0");
      eventually(
          () -> airport.get("/api/load"), load -> load.path("state").asString().equals("finished"));
      Counters before = settled();

      airport.send(HttpMethod.POST, "/api/load?rate=5000&bags=50&unreadableShare=0");

      eventually(ledger::counters, now -> now.loaded() == before.loaded() + 50);
      assertThat(settled().duplicates()).isEqualTo(before.duplicates());
    }
  }

  @Nested
  class ThePage {

    @Test
    void comesWithItsFilesAndAllowsNothingElse() {
      for (String path :
          List.of(
              "/",
              "/airport.css",
              "/airport.js",
              "/page/kit.js",
              "/sections/bags.js",
              "/favicon.svg")) {
        web.get()
            .uri(path)
            .exchange()
            .expectStatus()
            .isOk()
            .expectHeader()
            .value(
                "Content-Security-Policy",
                policy ->
                    assertThat(policy)
                        .contains("default-src 'none'", "frame-ancestors 'none'")
                        .doesNotContain("unsafe"))
            .expectHeader()
            .valueEquals("X-Content-Type-Options", "nosniff")
            .expectBody();
      }
    }

    @Test
    void isTheOnlyOneThatMayChangeAnything() {
      web.post()
          .uri("/api/load")
          .header("Sec-Fetch-Site", "cross-site")
          .exchange()
          .expectStatus()
          .isForbidden()
          .expectHeader()
          .contentType(MediaType.APPLICATION_PROBLEM_JSON)
          .expectBody();
      web.delete()
          .uri("/api/load")
          .header("Origin", "http://elsewhere.example")
          .exchange()
          .expectStatus()
          .isForbidden()
          .expectBody();
      web.delete()
          .uri("/api/load")
          .header("Host", "rebound.example:" + port)
          .header("Sec-Fetch-Site", "same-origin")
          .exchange()
          .expectStatus()
          .isForbidden()
          .expectBody();
      web.delete()
          .uri("/api/load")
          .header("Origin", "http://127.0.0.1:" + port)
          .exchange()
          .expectStatus()
          .isOk()
          .expectBody();
    }

    @Test
    void knowsTheFlights() {
      JsonNode board = airport.get("/api/flights");

      assertThat(board.path("flights").size()).isEqualTo(607);
      assertThat(board.path("flights").path(0).path("departsAt").asString()).isNotEmpty();
    }
  }

  @Nested
  class Health {

    @Test
    void showsTheFlowsTheBackendsAndTheAudit() {
      JsonNode health =
          eventually(
              () -> airport.get("/actuator/health"),
              body -> body.path("status").asString().equals("UP"));

      for (String component : List.of("sluice", "sluicePostgres", "broker", "audit")) {
        assertThat(health.path("components").path(component).path("status").asString())
            .as(component)
            .isEqualTo("UP");
      }
      assertThat(airport.get("/actuator/health/readiness").path("status").asString())
          .isEqualTo("UP");
    }

    @Test
    void isScrapedByPrometheus() {
      List<Pattern> expected =
          Stream.of(
                  "jvm_memory_used_bytes\\{",
                  "sluice_[a-z_]+\\{.*flow=\"bag-loading\"",
                  "sluice_channel_waiting_messages\\{.*channel=\"transfers\"",
                  "sluice_channel_wait_seconds\\{.*priority=\"9\"",
                  "sluice_retries_total\\{.*flow=\"bag-loading\"")
              .map(line -> Pattern.compile("^" + line, Pattern.MULTILINE))
              .toList();

      // Some are looked at every few seconds.
      eventually(
          () -> {
            String numbers = scraped();
            return expected.stream().filter(line -> !line.matcher(numbers).find()).toList();
          },
          List::isEmpty);
    }

    private String scraped() {
      return Objects.requireNonNull(
          web.get()
              .uri("/actuator/prometheus")
              .exchange()
              .expectStatus()
              .isOk()
              .expectBody(String.class)
              .returnResult()
              .getResponseBody());
    }
  }
}

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
import dev.sluice.demo.ledger.Counters;
import dev.sluice.demo.ledger.Ledger;
import dev.sluice.demo.loading.Jams;
import dev.sluice.kafka.KafkaChannel;
import dev.sluice.message.Message;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.springframework.http.HttpMethod;
import reactor.core.publisher.Flux;
import tools.jackson.databind.JsonNode;

/** Bags that cannot be loaded: dead letters and parked flights, over HTTP. */
@ExtendWith(RunningAirport.class)
class StuckBagsTest {

  private static final Duration SOON = Duration.ofSeconds(30);
  private static final AtomicInteger TAGS = new AtomicInteger();

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

  private static String newTag() {
    return String.format("97%08d", TAGS.incrementAndGet());
  }

  private JsonNode loaded(String tag) {
    return eventually(
        () -> airport.get("/api/bags/" + tag), b -> b.path("stage").asString().equals("LOADED"));
  }

  @Nested
  class ADeadLetter {

    /** A scanner has read a tag with question marks in it; its letter is found by them. */
    private JsonNode blurred() {
      String tag = newTag().substring(2) + "??";
      write(tag, "B6 108", "2013-07-07");
      return letter(tag);
    }

    private void write(String tag, String flight, String date) {
      String record =
          "{\"tag\":\"%s\",\"flight\":\"%s\",\"date\":\"%s\",\"sequence\":1}"
              .formatted(tag, flight, date);
      RunningAirport.bean("checkedIn", KafkaChannel.class)
          .send(
              Message.builder(record.getBytes(StandardCharsets.UTF_8))
                  .type("bag.checked-in")
                  .build())
          .block(SOON);
    }

    private JsonNode letter(String text) {
      return eventually(
          () -> {
            for (JsonNode letter :
                airport.get("/api/dead-letters?limit=1000").path("deadLetters")) {
              if (letter.path("preview").asString().contains(text)) {
                return letter;
              }
            }
            throw new IllegalStateException("none with " + text);
          },
          found -> true);
    }

    private Answer redrive(JsonNode letter, String body) {
      return airport.post("/api/dead-letters/" + letter.path("id").asString() + "/redrive", body);
    }

    @Test
    void isInspectedRepairedAndLoaded() {
      JsonNode letter = blurred();
      assertThat(RunningAirport.settled().deadLettered()).isEqualTo(before.deadLettered() + 1);

      JsonNode inspected = airport.get("/api/dead-letters/" + letter.path("id").asString());
      assertThat(inspected.path("told").path("flight").asString()).isEqualTo("B6 108");
      assertThat(inspected.path("headers").path("sl-dl-reason").asString()).isEqualTo("UNREADABLE");
      assertThat(inspected.path("body").asString()).contains("\"date\":\"2013-07-07\"");

      String tag = newTag();
      Answer sent = redrive(letter, "{\"tag\":\"" + tag + "\"}");

      assertThat(sent.status()).as(sent.body().toString()).isEqualTo(200);
      assertThat(loaded(tag).path("date").asString()).isEqualTo("2013-07-07");
      Counters after = RunningAirport.settled();
      assertThat(after.checkedIn()).isEqualTo(before.checkedIn() + 1);
      assertThat(after.loaded()).isEqualTo(before.loaded() + 1);
      assertThat(after.deadLettered()).isEqualTo(before.deadLettered());
      assertThat(
              airport
                  .send(HttpMethod.GET, "/api/dead-letters/" + letter.path("id").asString())
                  .status())
          .isEqualTo(404);
    }

    @Test
    void comesBackUnlessItIsRepairedAndIsNotSentForEver() {
      JsonNode letter = blurred();
      String text = letter.path("preview").asString();

      for (int redrives = 1; redrives <= 3; redrives++) {
        int expected = redrives;
        assertThat(redrive(letter, "").status()).isEqualTo(200);
        letter = eventually(() -> letter(text), l -> l.path("redrives").asInt() == expected);
      }

      assertThat(redrive(letter, "").status()).isEqualTo(409);
      Counters after = RunningAirport.settled();
      assertThat(after.deadLettered()).isEqualTo(before.deadLettered() + 1);
      assertThat(after.checkedIn()).isEqualTo(before.checkedIn() + 1);
    }

    @Test
    void isRepairedWithWhatFits() {
      JsonNode letter = blurred();
      String there = newTag();
      airport.checkIn(there, "B6 108").block(SOON);
      loaded(there);

      Answer answer = redrive(letter, "{\"tag\":\"12\",\"flight\":\"XX 1\"}");
      assertThat(answer.status()).isEqualTo(422);
      assertThat(answer.body().path("errors").path(0).path("field").asString()).isEqualTo("tag");
      assertThat(answer.body().path("errors").path(1).path("field").asString()).isEqualTo("flight");
      assertThat(redrive(letter, "{\"tag\":\"" + there + "\"}").status()).isEqualTo(409);
      assertThat(redrive(letter, "{\"tag\":").status()).isEqualTo(400);
      assertThat(redrive(letter, "{\"colour\":\"red\"}").status()).isEqualTo(422);
      assertThat(airport.post("/api/dead-letters/123456789/redrive", "").status()).isEqualTo(404);
      assertThat(airport.post("/api/dead-letters/x/redrive", "").status()).isEqualTo(404);
    }

    @Test
    void isSentBackWithTheOthersOfItsCause() {
      List<String> texts =
          IntStream.range(0, 5).mapToObj(i -> newTag().substring(2) + "!!").toList();
      texts.forEach(text -> write(text, "UA 251", "2013-07-08"));
      texts.forEach(this::letter);
      JsonNode page = airport.get("/api/dead-letters?reason=UNREADABLE&limit=2");
      assertThat(page.path("deadLetters").size()).isEqualTo(2);
      String cause = page.path("causes").path(0).path("fingerprint").asString();
      assertThat(page.path("causes").path(0).path("letters").asLong()).isGreaterThanOrEqualTo(5);

      Answer accepted = airport.redriveAll("retag=true&fingerprint=" + cause.replace(" ", "%20"));

      assertThat(accepted.status()).isEqualTo(202);
      assertThat(accepted.body().path("letters").asLong()).isGreaterThanOrEqualTo(5);
      // Letters of other tests are among them: they are not to be taken for those of the next one.
      airport.redriven();
      assertThat(RunningAirport.settled().loaded()).isGreaterThanOrEqualTo(before.loaded() + 5);
      assertThat(airport.get("/api/dead-letters?limit=1000").path("deadLetters").toString())
          .doesNotContain(texts);
    }

    @Test
    void isAskedForByWhatThereIs() {
      Answer answer =
          airport.send(HttpMethod.GET, "/api/dead-letters?reason=WET&limit=0&colour=red");

      assertThat(answer.status()).isEqualTo(400);
      assertThat(answer.body().path("errors").size()).isEqualTo(3);
    }
  }

  @Nested
  class AJammedFlight {

    private static final String KEY = "UA251-2013-07-08";

    private Answer checkIn(String tag) {
      return airport.post(
          "/api/bags", "{\"tag\":\"" + tag + "\",\"flight\":\"UA 251\",\"date\":\"2013-07-08\"}");
    }

    /** What is stuck is let go, whatever has become of the test. */
    @AfterEach
    void release() {
      RunningAirport.audited();
      eventually(
          () -> {
            airport.post("/api/convoys/" + KEY + "/release", "");
            return ledger.counters();
          },
          counters -> counters.inFlight() + counters.parked() == 0);
    }

    @Test
    void waitsInItsOrderUntilItIsReleasedAndNobodyElseDoes() {
      RunningAirport.bean(Jams.class).jam(KEY);
      List<String> stuck = IntStream.range(0, 4).mapToObj(i -> newTag()).toList();
      Flux.fromIterable(stuck).map(this::checkInOf).blockLast(SOON);
      String other = newTag();
      airport.checkIn(other, "B6 108").block(SOON);

      loaded(other);
      eventually(ledger::counters, counters -> counters.parked() == 4 && counters.inFlight() == 0);
      assertThat(airport.get("/api/bags/" + stuck.get(0)).path("stage").asString())
          .isEqualTo("PARKED");
      JsonNode convoys = airport.get("/api/convoys");
      assertThat(convoys.path("parked").path(0).path("key").asString()).isEqualTo(KEY);
      assertThat(convoys.path("parked").path(0).path("bags").asInt()).isEqualTo(4);
      assertThat(convoys.path("parked").path(0).path("why").asString()).contains("stuck");
      assertThat(convoys.path("jammed").path(0).asString()).isEqualTo(KEY);

      assertThat(airport.post("/api/convoys/" + KEY + "/release", "").status()).isEqualTo(200);

      stuck.forEach(StuckBagsTest.this::loaded);
      eventually(ledger::counters, counters -> counters.parked() == 0);
      eventually(() -> airport.get("/api/convoys").path("parked").size(), open -> open == 0);
      assertThat(airport.post("/api/convoys/" + KEY + "/release", "").status()).isEqualTo(404);
      String next = newTag();
      checkIn(next);
      loaded(next);
    }

    private String checkInOf(String tag) {
      assertThat(checkIn(tag).status()).isEqualTo(201);
      return tag;
    }
  }
}

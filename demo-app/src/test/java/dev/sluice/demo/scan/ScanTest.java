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
package dev.sluice.demo.scan;

import static dev.sluice.demo.Eventually.eventually;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.demo.AirportClient;
import dev.sluice.demo.AirportClient.Answer;
import dev.sluice.demo.RunningAirport;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.http.HttpMethod;
import tools.jackson.databind.JsonNode;

/** Bags go through filters whose order is changed meanwhile, over HTTP. */
@ExtendWith(RunningAirport.class)
class ScanTest {

  private static final String USUAL = "decode,measure,validate,screen,enrich,print";

  private AirportClient airport;

  @BeforeEach
  void connect() {
    airport = new AirportClient(RunningAirport.port());
  }

  @AfterEach
  void inTheUsualOrder() {
    assertThat(reorder(USUAL).status()).isEqualTo(200);
  }

  private Answer reorder(String filters) {
    return airport.send(HttpMethod.PUT, "/api/pipeline/order?filters=" + filters);
  }

  private JsonNode pipeline() {
    return airport.get("/api/pipeline");
  }

  private static List<String> order(JsonNode pipeline) {
    return pipeline.path("stages").valueStream().map(s -> s.path("name").asString()).toList();
  }

  /** The newest bag when so many more have gone through. */
  private JsonNode scan(int bags) {
    long before = pipeline().path("scanned").asLong();
    assertThat(airport.post("/api/scans?bags=" + bags, "").status()).isEqualTo(202);
    return eventually(this::pipeline, now -> now.path("scanned").asLong() == before + bags)
        .path("last")
        .path(0);
  }

  private static List<String> way(JsonNode bag) {
    return bag.path("way").valueStream().map(JsonNode::asString).toList();
  }

  @Test
  void aBagGoesThroughTheFiltersInTheOrderInWhichTheyStand() {
    JsonNode usual = scan(3);
    assertThat(way(usual)).containsExactly(USUAL.split(","));
    assertThat(usual.path("tag").asString()).startsWith("94");
    assertThat(usual.path("destination").asString()).matches("[A-Z]{3}");
    assertThat(usual.path("kilos").asInt()).isBetween(8, 31);

    String other = "measure,decode,validate,enrich,screen,print";
    assertThat(order(reorder(other).body())).containsExactly(other.split(","));
    assertThat(way(scan(3))).containsExactly(other.split(","));
  }

  @Test
  void anOrderThatDoesNotAddUpIsRefusedWithItsReason() {
    Answer refused = reorder("decode,measure,screen,validate,enrich,print");

    assertThat(refused.status()).isEqualTo(409);
    assertThat(refused.body().path("detail").asString())
        .contains("filter screen: requires [valid]");
    assertThat(order(pipeline())).containsExactly(USUAL.split(","));
  }

  @Test
  void whatCannotBeReadIsTheFateOfOneBag() {
    JsonNode before = pipeline();

    assertThat(airport.post("/api/scans?bags=4&unreadable=1", "").status()).isEqualTo(202);

    eventually(
        this::pipeline,
        now ->
            now.path("scanned").asLong() == before.path("scanned").asLong() + 3
                && failed(now) > failed(before));
    eventually(
        () -> airport.get("/api/dead-letters?limit=1000").path("deadLetters").toString(),
        letters -> letters.contains("the label cannot be read"));
  }

  private static long failed(JsonNode pipeline) {
    return pipeline.path("stages").path(0).path("parts").path(0).path("failed").asLong();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "PUT;/api/pipeline/order;409",
        "PUT;/api/pipeline/order?filters=decode;409",
        "PUT;/api/pipeline/order?filters=decode,decode,measure,validate,screen,enrich;409",
        "POST;/api/scans?bags=0;400",
        "POST;/api/scans?bags=5&unreadable=6;400"
      })
  void refusesWhatIsWrong(String method, String path, int status) {
    Answer answer =
        method.equals("POST")
            ? airport.post(path, "")
            : airport.send(HttpMethod.valueOf(method), path);

    assertThat(answer.status()).isEqualTo(status);
  }
}

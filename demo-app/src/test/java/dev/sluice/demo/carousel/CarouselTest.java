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
package dev.sluice.demo.carousel;

import static dev.sluice.demo.Eventually.eventually;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.demo.AirportClient;
import dev.sluice.demo.AirportClient.Answer;
import dev.sluice.demo.RunningAirport;
import dev.sluice.demo.flight.Departures;
import java.util.List;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.http.HttpMethod;
import tools.jackson.databind.JsonNode;

/** Bags find their carousel by a table that changes meanwhile, over HTTP. */
@ExtendWith(RunningAirport.class)
class CarouselTest {

  private AirportClient airport;

  @BeforeEach
  void connect() {
    airport = new AirportClient(RunningAirport.port());
  }

  @AfterEach
  void theTableIsAsItWasAndTheBalanceHolds() {
    airport.send(HttpMethod.DELETE, "/api/carousels/routes/AS");
    airport.send(HttpMethod.DELETE, "/api/carousels/routes/HA");
    airport.send(HttpMethod.DELETE, "/api/carousels/routes/" + flightOf("HA"));
    assertThat(airport.frame().path("invariant").path("holds").asBoolean()).isTrue();
  }

  private String flightOf(String carrier) {
    return RunningAirport.bean(Departures.class).inOrder().stream()
        .filter(departure -> departure.carrier().equals(carrier))
        .findFirst()
        .orElseThrow()
        .flight();
  }

  private void unload(int bags, String flight) {
    assertThat(
            airport
                .post("/api/carousels/bags?bags=" + bags + "&flight=" + plus(flight), "")
                .status())
        .isEqualTo(202);
  }

  private static String plus(String flight) {
    return flight.replace(" ", "%20");
  }

  private void route(String key, int carousel) {
    Answer answer =
        airport.send(HttpMethod.PUT, "/api/carousels/routes/" + key + "?carousel=" + carousel);
    assertThat(answer.status()).as(answer.body().toString()).isEqualTo(200);
  }

  private long bagsOn(int carousel) {
    return airport.get("/api/carousels").path("carousels").path(carousel - 1).path("bags").asLong();
  }

  private List<String> flightsOn(int carousel) {
    JsonNode last = airport.get("/api/carousels").path("carousels").path(carousel - 1).path("last");
    return StreamSupport.stream(last.spliterator(), false)
        .map(bag -> bag.path("flight").asString())
        .toList();
  }

  private JsonNode letterOf(String flight) {
    return eventually(
        () ->
            StreamSupport.stream(
                    airport
                        .get("/api/dead-letters?reason=UNROUTABLE&limit=1000")
                        .path("deadLetters")
                        .spliterator(),
                    false)
                .filter(letter -> letter.path("preview").asString().contains(flight))
                .findFirst()
                .orElseThrow(),
        found -> true);
  }

  @Test
  void aBagGoesToTheCarouselOfItsAirlineAndOfItsFlightIfThatHasOne() {
    String flight = flightOf("HA");
    long first = bagsOn(1);
    route("HA", 1);
    unload(3, flight);
    eventually(() -> bagsOn(1), bags -> bags == first + 3);

    long fourth = bagsOn(4);
    route(flight, 4);
    unload(2, flight);
    eventually(() -> bagsOn(4), bags -> bags == fourth + 2);
    assertThat(bagsOn(1)).isEqualTo(first + 3);
    assertThat(flightsOn(4)).startsWith(flight, flight);
    assertThat(airport.send(HttpMethod.DELETE, "/api/carousels/routes/" + flight).status())
        .isEqualTo(200);
  }

  @Test
  void oneThatNobodyKnowsWhereToSendIsADeadLetterAndGoesOnWhenTheTableKnowsIt() {
    String flight = flightOf("AS");
    unload(1, flight);
    JsonNode letter = letterOf(flight);
    assertThat(letter.path("detail").asString()).contains("no route accepts");
    eventually(
        () -> airport.get("/api/carousels").path("unroutable").asLong(), number -> number > 0);

    long third = bagsOn(3);
    route("AS", 3);
    String id = letter.path("id").asString();
    assertThat(airport.post("/api/dead-letters/" + id + "/redrive", "").status()).isEqualTo(200);

    eventually(() -> bagsOn(3), bags -> bags == third + 1);
    assertThat(flightsOn(3).get(0)).isEqualTo(flight);
    assertThat(airport.send(HttpMethod.GET, "/api/dead-letters/" + id).status()).isEqualTo(404);
  }

  @Test
  void oneIsNotMadeABagToBeLoadedByARedriveOfAll() {
    String flight = flightOf("FL");
    unload(1, flight);
    JsonNode letter = letterOf(flight);

    assertThat(airport.redriveAll("reason=UNROUTABLE&retag=true").status()).isEqualTo(202);

    JsonNode back =
        eventually(() -> letterOf(flight), found -> found.path("redrives").asInt() == 1);
    assertThat(back.path("preview").asString()).isEqualTo(letter.path("preview").asString());
  }

  @Test
  void oneIsRepairedByHandWithAnotherFlight() {
    String flight = flightOf("HA");
    unload(1, flight);
    String id = letterOf(flight).path("id").asString();
    long first = bagsOn(1);

    Answer sent =
        airport.post(
            "/api/dead-letters/" + id + "/redrive",
            "{\"flight\":\"B6 108\",\"date\":\"2013-08-01\"}");

    assertThat(sent.status()).as(sent.body().toString()).isEqualTo(200);
    eventually(() -> bagsOn(1), bags -> bags == first + 1);
    assertThat(flightsOn(1).get(0)).isEqualTo("B6 108");
  }

  @ParameterizedTest
  @CsvSource({
    "PUT,/api/carousels/routes/XX?carousel=1,400",
    "PUT,/api/carousels/routes/B6?carousel=5,400",
    "PUT,/api/carousels/routes/B6,400",
    "DELETE,/api/carousels/routes/XX,404",
    "POST,/api/carousels/bags?bags=0,400",
    "POST,/api/carousels/bags?flight=XX%201,400"
  })
  void refusesWhatIsWrong(String method, String path, int status) {
    Answer answer =
        method.equals("POST")
            ? airport.post(path, "")
            : airport.send(HttpMethod.valueOf(method), path);

    assertThat(answer.status()).isEqualTo(status);
  }
}

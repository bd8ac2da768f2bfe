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

import dev.sluice.demo.ledger.Counters;
import dev.sluice.demo.ledger.Ledger;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.http.HttpMethod;
import tools.jackson.databind.JsonNode;

/** A second process on the same Kafka, PostgreSQL and S3 shares the work, until it is killed. */
@ExtendWith(RunningAirport.class)
class TwoInstancesTest {

  private static final int BAGS = 4_000;

  /** What is told to a process that finds its backends elsewhere. */
  private static final List<String> SHARED =
      List.of(
          "sluice.kafka.bootstrap-servers",
          "sluice.postgres.url",
          "sluice.s3.bucket",
          "demo.s3.endpoint",
          "demo.s3.region",
          "demo.s3.access-key",
          "demo.s3.secret-key");

  /** A session of Kafka that ends after 6 s, and rebalancing on a machine that is busy. */
  private static final Duration TAKEN_OVER_WITHIN = Duration.ofSeconds(45);

  @TempDir Path data;

  private final Ledger ledger = RunningAirport.bean(Ledger.class);
  private final AirportClient here = new AirportClient(RunningAirport.port());
  private AirportProcess other;

  @AfterEach
  void stop() throws InterruptedException {
    here.send(HttpMethod.DELETE, "/api/load");
    if (other != null) {
      other.stop();
    }
  }

  private static long settled(AirportClient airport) {
    return airport.get("/actuator/sluice/bag-loading").path("acknowledged").asLong();
  }

  @Test
  void shareTheWorkAndOneGoesOnAlone() throws Exception {
    Counters before = RunningAirport.settled();
    List<String> arguments = new ArrayList<>(List.of("--demo.instance=2"));
    SHARED.forEach(name -> arguments.add("--" + name + '=' + RunningAirport.property(name)));
    other = AirportProcess.start(data, arguments.toArray(String[]::new));
    AirportClient there = other.client();
    JsonNode seen = there.frame().path("counters");
    assertThat(seen.path("loaded").asLong()).isEqualTo(before.loaded());

    here.send(HttpMethod.POST, "/api/load?rate=400&bags=" + BAGS + "&unreadableShare=0.005");
    eventually(() -> settled(there), number -> number > 50);
    eventually(ledger::counters, now -> now.loaded() > before.loaded() + 800);
    JsonNode balance = there.frame().path("invariant");
    assertThat(balance.path("holds").asBoolean()).isTrue();

    long settledHere = settled(here);
    other.kill();
    Counters after =
        eventually(
            ledger::counters,
            now -> now.checkedIn() == before.checkedIn() + BAGS && now.inFlight() == 0,
            TAKEN_OVER_WITHIN);

    assertThat(settled(here)).isGreaterThan(settledHere);
    assertThat(after.loaded() + after.deadLettered())
        .isEqualTo(before.loaded() + before.deadLettered() + BAGS);
    assertThat(after.outOfOrder()).isZero();
    assertThat(here.frame().path("invariant").path("violations").asLong()).isZero();
  }
}

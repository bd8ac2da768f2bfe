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

import io.r2dbc.spi.Connection;
import io.r2dbc.spi.ConnectionFactories;
import io.r2dbc.spi.ConnectionFactory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.http.HttpMethod;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import tools.jackson.databind.JsonNode;

/**
 * Baggage control under load, with everything that can be broken on purpose broken at random.
 * {@code -Ddemo.soak=PT2M} is the short form; {@code -Ddemo.soak.seed} repeats the choices of a
 * run.
 */
@Tag("soak")
class SoakTest {

  private static final Duration LENGTH = Duration.parse(System.getProperty("demo.soak", "PT30M"));
  private static final long SEED = Long.getLong("demo.soak.seed", System.nanoTime());
  private static final Duration BETWEEN = Duration.ofSeconds(2);
  private static final Duration SETTLED_WITHIN = Duration.ofMinutes(3);

  /** What the ledger keeps of a bag, twice: it grows, and the rest must not. */
  private static final long BYTES_PER_BAG = 400;

  private static final long SLACK_BYTES = 48L << 20;
  private static final int SLACK_THREADS = 12;

  /** The pools close what is idle after a while, and open it again. */
  private static final int SLACK_CONNECTIONS = 8;

  private static final String CONNECTIONS =
      "select count(*)::int from pg_stat_activity where application_name = 'sluice'";

  @TempDir Path data;

  private final Random random = new Random(SEED);
  private AirportProcess process;
  private AirportClient airport;
  private ConnectionFactory database;

  @AfterEach
  void stop() throws InterruptedException {
    if (process != null) {
      process.stop();
    }
  }

  /** Sizes at a moment when nothing is in flight. */
  private record Sizes(long heap, int threads, int connections, long bags) {}

  @Test
  void losesNothingLeaksNothingAndKeepsTheOrder() throws Exception {
    System.out.println("demo.soak=" + LENGTH + " demo.soak.seed=" + SEED);
    int postgres = AirportProcess.freePort();
    database =
        ConnectionFactories.get("r2dbc:postgresql://postgres@127.0.0.1:" + postgres + "/postgres");
    process =
        AirportProcess.start(data, RunningAirport.arguments(data.resolve("data"), 0, postgres, 0));
    airport = process.client();
    long end = System.nanoTime() + LENGTH.toNanos();
    Duration warmUp = LENGTH.dividedBy(5);
    breakThings(System.nanoTime() + warmUp.toNanos());
    Sizes before = sizes();
    breakThings(end);
    Sizes after = sizes();
    System.out.println(before + " -> " + after);

    JsonNode frame = airport.frame();
    JsonNode counters = frame.path("counters");
    System.out.println(counters);
    assertThat(frame.path("invariant").path("violations").asLong()).isZero();
    assertThat(frame.path("invariant").path("difference").asLong()).isZero();
    assertThat(counters.path("outOfOrder").asLong()).isZero();
    assertThat(counters.path("checkedIn").asLong())
        .isEqualTo(counters.path("loaded").asLong() + counters.path("deadLettered").asLong());
    assertThat(Files.readAllLines(data.resolve("log"))).noneMatch(line -> line.contains("LEAK"));
    long grown = BYTES_PER_BAG * (after.bags() - before.bags()) + SLACK_BYTES;
    assertThat(after.heap()).isLessThan(before.heap() + grown);
    assertThat(after.threads()).isLessThan(before.threads() + SLACK_THREADS);
    assertThat(after.connections()).isLessThan(before.connections() + SLACK_CONNECTIONS);
  }

  private void breakThings(long until) {
    while (System.nanoTime() < until) {
      if (!airport.get("/api/load").path("state").asString().equals("running")) {
        airport.post("/api/load?rate=150&bags=100000&unreadableShare=0.002", "");
      }
      breakOne(random.nextInt(8));
      LockSupport.parkNanos(BETWEEN.toNanos());
    }
    settle();
  }

  private void breakOne(int what) {
    switch (what) {
      case 0 -> {
        chaos("stop-broker");
        LockSupport.parkNanos(Duration.ofMillis(500 + random.nextInt(4_000)).toNanos());
        chaos("stop-broker?on=false");
      }
      case 1 -> chaos("kill-connections");
      case 2 -> chaos("corrupt-tags?bags=" + (1 + random.nextInt(5)));
      case 3 -> chaos("jam-flight?flight=" + (random.nextBoolean() ? "B6%20108" : "UA%20251"));
      case 4 -> release();
      case 5 -> chaos("slow-scanner?on=" + random.nextBoolean());
      case 6 -> airport.post("/api/transfers?bags=40&late=1", "");
      default -> airport.post("/api/dead-letters/redrive?retag=true", "");
    }
  }

  /** A database whose connections were just killed may refuse; nothing else may. */
  private void chaos(String what) {
    AirportClient.Answer answer = airport.post("/api/chaos/" + what, "");
    assertThat(answer.status()).as(what + ": " + answer.body()).isIn(200, 500, 503);
  }

  private void release() {
    JsonNode convoys = airport.get("/api/convoys");
    convoys
        .path("parked")
        .valueStream()
        .forEach(
            flight ->
                airport.post("/api/convoys/" + flight.path("key").asString() + "/release", ""));
    convoys
        .path("jammed")
        .valueStream()
        .forEach(key -> airport.post("/api/convoys/" + key.asString() + "/release", ""));
  }

  /** Mends everything and waits until nothing is under way. */
  private void settle() {
    airport.send(HttpMethod.DELETE, "/api/load");
    chaos("stop-broker?on=false");
    chaos("slow-scanner?on=false");
    eventually(
        () -> {
          release();
          JsonNode screening = airport.get("/api/transfers");
          JsonNode counters = airport.frame().path("counters");
          return counters.path("inFlight").asLong()
              + counters.path("parked").asLong()
              + screening.path("waiting").asLong()
              + screening.path("atStations").asLong()
              + screening.path("onBelt").asLong()
              + screening.path("atScanner").asLong();
        },
        open -> open == 0,
        SETTLED_WITHIN);
  }

  private Sizes sizes() throws IOException, InterruptedException {
    process.collectGarbage();
    return new Sizes(
        (long) metric("jvm.memory.used?tag=area:heap"),
        (int) metric("jvm.threads.live"),
        connections(),
        airport.frame().path("counters").path("checkedIn").asLong());
  }

  private double metric(String name) {
    return airport
        .get("/actuator/metrics/" + name)
        .path("measurements")
        .path(0)
        .path("value")
        .asDouble();
  }

  private int connections() {
    return Objects.requireNonNull(
        Mono.usingWhen(
                database.create(),
                connection ->
                    Flux.from(connection.createStatement(CONNECTIONS).execute())
                        .flatMap(result -> result.map(row -> row.get(0, Integer.class)))
                        .single(),
                Connection::close)
            .block(SETTLED_WITHIN));
  }
}

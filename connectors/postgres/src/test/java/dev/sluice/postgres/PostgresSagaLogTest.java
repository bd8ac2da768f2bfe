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
package dev.sluice.postgres;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.contract.SagaLogContract;
import dev.sluice.store.SagaEvent;
import dev.sluice.store.SagaKey;
import dev.sluice.store.SagaLog;
import dev.sluice.test.MeterReadings;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

class PostgresSagaLogTest extends SagaLogContract {

  private static final Duration PATIENCE = Duration.ofSeconds(30);

  private static PostgresDatabase database;

  @BeforeAll
  static void connect() {
    database = Server.connect(p -> p.schema(Server.freshSchema()));
  }

  @AfterAll
  static void close() {
    database.close().block(Duration.ofSeconds(30));
  }

  @Override
  protected SagaLog log() {
    return PostgresSagaLog.create(database);
  }

  @Override
  protected void awaitEnd(SagaKey key) {
    await("select until <= statement_timestamp()", key);
  }

  @Override
  protected void awaitAge(SagaKey key, Duration age) {
    await(
        "select changed_at <= statement_timestamp() - "
            + Micros.of(age)
            + " * interval '1 microsecond'",
        key);
  }

  /** Two batches are under way while no connection is to be had; what comes then waits. */
  @Test
  void whatWaitsForItsTurnIsSeen() {
    PostgresSagaLog log = PostgresSagaLog.create(database);
    Sinks.Empty<Void> release = holdAllConnections();
    List<Mono<SagaLog.Opening>> openings = new ArrayList<>();
    for (int i = 0; i < 10; i++) {
      Mono<SagaLog.Opening> opening =
          log.open(new SagaKey("waits", "" + i), 1, new byte[0], "owner", Duration.ofHours(1))
              .cache();
      opening.subscribe();
      openings.add(opening);
    }
    assertThat(waiting(log, "opens")).isEqualTo(8);
    release.tryEmitEmpty();
    List<SagaLog.Opening> opened = Flux.concat(openings).collectList().block(PATIENCE);
    assertThat(opened).hasSize(10).hasOnlyElementsOfType(SagaLog.Taken.class);
    assertThat(waiting(log, "opens")).isZero();

    release = holdAllConnections();
    List<Mono<Void>> appends = new ArrayList<>();
    for (SagaLog.Opening opening : opened) {
      SagaLog.Taken taken = (SagaLog.Taken) opening;
      Mono<Void> append =
          log.append(
                  taken.hold(),
                  taken.revision(),
                  List.of(SagaEvent.of(SagaEvent.Kind.COMPLETED, "", null)))
              .cache();
      append.subscribe();
      appends.add(append);
    }
    assertThat(waiting(log, "appends")).isEqualTo(8);
    release.tryEmitEmpty();
    Flux.concat(appends).then().block(PATIENCE);
    assertThat(waiting(log, "appends")).isZero();
  }

  private static double waiting(PostgresSagaLog log, String what) {
    return MeterReadings.of(log)
        .read()
        .get("sluice.saga." + what + ".waiting{schema=" + database.schema() + "}");
  }

  private static Sinks.Empty<Void> holdAllConnections() {
    Sinks.Empty<Void> release = Sinks.empty();
    int all = database.connections().most();
    AtomicInteger held = new AtomicInteger();
    Flux.range(0, all)
        .flatMap(
            i ->
                database
                    .db()
                    .run(
                        "hold",
                        connection -> {
                          held.incrementAndGet();
                          return release.asMono();
                        }),
            all)
        .subscribe();
    Flux.interval(Duration.ofMillis(10)).takeUntil(tick -> held.get() == all).blockLast(PATIENCE);
    return release;
  }

  private static void await(String condition, SagaKey key) {
    String sql = database.sql(condition + " from {schema}.sl_saga where saga = $1 and id = $2");
    database
        .db()
        .run(
            "await",
            connection ->
                Db.rows(
                        connection.createStatement(sql).bind("$1", key.saga()).bind("$2", key.id()),
                        row -> row.get(0, Boolean.class))
                    .single()
                    .repeat()
                    .takeUntil(over -> over)
                    .then())
        .block(Duration.ofSeconds(30));
  }
}

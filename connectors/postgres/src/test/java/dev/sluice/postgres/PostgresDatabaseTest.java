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
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.sluice.store.StoreFailed;
import dev.sluice.test.MeterReadings;
import io.r2dbc.spi.Connection;
import java.time.Duration;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.test.StepVerifier;
import reactor.util.retry.Retry;

class PostgresDatabaseTest {

  private static final Duration PATIENCE = Duration.ofSeconds(30);

  private final String schema = Server.freshSchema();
  private PostgresDatabase database =
      Server.connect(p -> p.schema(schema).acquireTimeout(Duration.ofSeconds(60)).connections(4));

  @AfterEach
  void close() {
    database.close().block(PATIENCE);
  }

  @Nested
  class Cancels {

    @Test
    void byTheThousandLeaveEveryConnectionUsable() {
      Random random = new Random(42);
      for (int i = 0; i < 4_000; i++) {
        Disposable query = manyRows(300).subscribe();
        if (random.nextInt(4) == 0) {
          ping();
        }
        query.dispose();
        if (i % 200 == 0) {
          ping();
        }
      }
      StepVerifier.create(Flux.range(0, 4).flatMap(i -> manyRows(300), 4))
          .expectNext(300L, 300L, 300L, 300L)
          .expectComplete()
          .verify(PATIENCE);
      awaitNoneInUse();
    }

    @Test
    void endTheWaitingAndNotTheTransaction() {
      reconnect(p -> p.acquireTimeout(PATIENCE));
      run("create table {schema}.pair(id int)");
      for (int i = 0; i < 200; i++) {
        int id = i;
        Disposable both =
            database
                .db()
                .transaction(
                    "insert two",
                    connection ->
                        execute(connection, "insert into {schema}.pair values(" + id + ")")
                            .then(
                                execute(
                                    connection, "insert into {schema}.pair values(" + id + ")")))
                .subscribe();
        both.dispose();
      }
      // Nobody is told when they have ended, and those that wait for a connection use none yet.
      query("select count(*) from {schema}.pair")
          .repeat()
          .takeUntil(rows -> rows == 400)
          .blockLast(PATIENCE);
      StepVerifier.create(
              query(
                  "select count(*) from (select 1 from {schema}.pair group by id having count(*) <> 2) x"))
          .expectNext(0L)
          .expectComplete()
          .verify(PATIENCE);
      awaitNoneInUse();
    }

    private Mono<Long> manyRows(int rows) {
      return database
          .db()
          .run(
              "many rows",
              connection ->
                  Db.rows(
                          connection.createStatement(
                              "select i from generate_series(1, " + rows + ") i"),
                          row -> row.get(0, Integer.class))
                      .count());
    }

    private void ping() {
      database.ping().block(PATIENCE);
    }
  }

  @Nested
  class Transactions {

    @Test
    void areUndoneByAnError() {
      run("create table {schema}.pair(id int)");
      StepVerifier.create(
              database
                  .db()
                  .transaction(
                      "fails",
                      connection ->
                          execute(connection, "insert into {schema}.pair values(1)")
                              .then(Mono.error(new IllegalStateException("no")))))
          .expectError(StoreFailed.class)
          .verify(PATIENCE);
      StepVerifier.create(query("select count(*) from {schema}.pair"))
          .expectNext(0L)
          .expectComplete()
          .verify(PATIENCE);
    }

    @Test
    void mayHaveNoResult() {
      StepVerifier.create(database.db().transaction("empty", connection -> Mono.empty()))
          .expectComplete()
          .verify(PATIENCE);
    }

    /** The server looks for deadlocks after a second, so there is one, and it is sure to be. */
    @Test
    void areRunAgainAfterADeadlock() {
      run("create table {schema}.counter(id int primary key, n int)");
      run("insert into {schema}.counter values(1, 0), (2, 0)");
      CountDown bothHaveOne = new CountDown(2);
      AtomicInteger begun = new AtomicInteger();
      StepVerifier.create(
              Mono.zip(increment(1, 2, bothHaveOne, begun), increment(2, 1, bothHaveOne, begun)))
          .expectNextCount(1)
          .expectComplete()
          .verify(PATIENCE);
      assertThat(begun).as("transactions that were begun").hasValue(3);
      StepVerifier.create(query("select sum(n)::bigint from {schema}.counter"))
          .expectNext(4L)
          .expectComplete()
          .verify(PATIENCE);
    }

    private Mono<Long> increment(
        int first, int second, CountDown bothHaveOne, AtomicInteger begun) {
      String sql = "update {schema}.counter set n = n + 1 where id = ";
      return database
          .db()
          .transaction(
              "increment",
              connection -> {
                begun.incrementAndGet();
                return execute(connection, sql + first)
                    .then(bothHaveOne.down())
                    .then(execute(connection, sql + second));
              });
    }
  }

  /** Completes for all when it has been called as often as it was to be. */
  private static final class CountDown {

    private final AtomicInteger left;
    private final Sinks.Empty<Void> zero = Sinks.empty();

    CountDown(int from) {
      this.left = new AtomicInteger(from);
    }

    Mono<Void> down() {
      return Mono.defer(
          () -> {
            if (left.decrementAndGet() == 0) {
              zero.tryEmitEmpty();
            }
            return zero.asMono();
          });
    }
  }

  @Nested
  class Time {

    @Test
    void ofAStatementIsLimitedByTheServer() {
      reconnect(p -> p.statementTimeout(Duration.ofSeconds(1)));
      StepVerifier.create(query("select count(*) from pg_sleep(30)"))
          .expectErrorSatisfies(
              error -> {
                assertThat(error).isInstanceOf(StoreFailed.class);
                assertThat(((StoreFailed) error).isTemporary()).isTrue();
                assertThat(error.getCause()).hasMessageContaining("statement timeout");
              })
          .verify(PATIENCE);
      awaitNoneInUse();
    }

    @Test
    void ofTheWaitForAConnectionIsLimited() {
      reconnect(p -> p.connections(1).acquireTimeout(Duration.ofSeconds(2)));
      Sinks.Empty<Void> end = Sinks.empty();
      Disposable busy =
          database.db().run("test", c -> end.asMono().thenReturn(c.toString())).subscribe();
      StepVerifier.create(database.ping())
          .expectErrorSatisfies(error -> assertThat(((StoreFailed) error).isTemporary()).isTrue())
          .verify(PATIENCE);
      end.tryEmitEmpty();
      awaitNoneInUse();
      busy.dispose();
    }
  }

  @Test
  void itsNumbersTellHowTheConnectionsAreUsed() {
    reconnect(p -> p.connections(1));
    MeterReadings readings = MeterReadings.of(database);
    String pool = "{pool=statements, schema=" + schema + '}';
    Sinks.Empty<Void> end = Sinks.empty();
    Disposable busy =
        database.db().run("test", c -> end.asMono().thenReturn(c.toString())).subscribe();
    Disposable waiting = database.ping().subscribe();
    awaitUse(readings, pool, 1, 0, 1);
    assertThat(readings.read()).containsEntry("sluice.postgres.connections.most" + pool, 1.0);
    end.tryEmitEmpty();
    awaitUse(readings, pool, 0, 1, 0);
    busy.dispose();
    waiting.dispose();
  }

  /** The pool does not change its numbers all at once. */
  private static void awaitUse(
      MeterReadings readings, String pool, double used, double idle, double waiting) {
    String connections = "sluice.postgres.connections.";
    Map<String, Double> expected =
        Map.of(
            connections + "used" + pool, used,
            connections + "idle" + pool, idle,
            connections + "waiting" + pool, waiting);
    PostgresChannelTest.await(
        expected.toString(), () -> readings.read().entrySet().containsAll(expected.entrySet()));
  }

  @Nested
  class Outages {

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void endWhenTheServerIsBack(boolean killed) {
      database.ping().block(PATIENCE);
      if (killed) {
        Server.postgres().kill();
      } else {
        Server.postgres().stop();
      }
      try {
        StepVerifier.create(database.ping())
            .expectErrorSatisfies(error -> assertThat(((StoreFailed) error).isTemporary()).isTrue())
            .verify(PATIENCE);
      } finally {
        Server.postgres().start();
      }
      database
          .ping()
          .retryWhen(Retry.fixedDelay(Long.MAX_VALUE, Duration.ofMillis(50)))
          .block(Duration.ofSeconds(30));
    }
  }

  @Nested
  class Schema {

    @Test
    void isMadeOnceByAllWhoConnectAtOnce() {
      String fresh = Server.freshSchema();
      StepVerifier.create(
              Flux.range(0, 6)
                  .flatMap(
                      i ->
                          PostgresDatabase.connect(
                              Server.postgres().r2dbcUrl(),
                              p -> p.schema(fresh).acquireTimeout(Duration.ofSeconds(60))))
                  .flatMap(PostgresDatabase::close))
          .expectComplete()
          .verify(PATIENCE);
    }

    @Test
    void ofALaterVersionIsRefused() {
      run("insert into {schema}.sl_version values(99, 'V99__from_the_future.sql')");
      StepVerifier.create(
              PostgresDatabase.connect(
                  Server.postgres().r2dbcUrl(),
                  p -> p.schema(schema).acquireTimeout(Duration.ofSeconds(60))))
          .expectErrorSatisfies(
              error -> {
                assertThat(((StoreFailed) error).isTemporary()).isFalse();
                assertThat(error)
                    .hasMessageContaining("schema " + schema + " is of version 99 (expected: 0..");
              })
          .verify(PATIENCE);
    }

    @Test
    void mustBeThereWhenItMayNotBeMade() {
      StepVerifier.create(
              PostgresDatabase.connect(
                  Server.postgres().r2dbcUrl(), p -> p.schema(Server.freshSchema()).migrate(false)))
          .expectErrorSatisfies(error -> assertThat(((StoreFailed) error).isTemporary()).isFalse())
          .verify(PATIENCE);
      reconnect(p -> p.migrate(false));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "Sluice", "a-b", "1a", "a;drop table b", "a\"b"})
    void namesThatWouldHaveToBeQuotedAreRefused(String name) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> PostgresSpec.DEFAULT.schema(name))
          .withMessage("schema: '%s' (expected: [a-z_][a-z0-9_]{0,62})", name);
    }
  }

  private void reconnect(UnaryOperator<PostgresSpec> spec) {
    database.close().block(PATIENCE);
    database = Server.connect(p -> spec.apply(p.schema(schema)));
  }

  private void run(String sql) {
    database.db().run("test", connection -> execute(connection, sql)).block(PATIENCE);
  }

  private Mono<Long> query(String sql) {
    return database
        .db()
        .run(
            "test",
            connection ->
                Db.rows(
                        connection.createStatement(database.sql(sql)),
                        row -> row.get(0, Long.class))
                    .single());
  }

  private Mono<Long> execute(Connection connection, String sql) {
    return Db.count(connection.createStatement(database.sql(sql)));
  }

  private void awaitNoneInUse() {
    Mono.fromSupplier(() -> database.connections())
        .filter(now -> now.inUse() == 0 && now.waiting() == 0)
        .repeatWhenEmpty(1_000, empty -> empty.delayElements(Duration.ofMillis(20)))
        .block(PATIENCE);
  }
}

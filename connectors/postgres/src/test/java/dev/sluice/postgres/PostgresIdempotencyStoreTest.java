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

import dev.sluice.contract.IdempotencyContract;
import dev.sluice.store.IdempotencyKey;
import dev.sluice.store.IdempotencyStore;
import dev.sluice.store.IdempotencyStore.Attempt;
import dev.sluice.store.StoreFailed;
import io.r2dbc.spi.Connection;
import java.time.Duration;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;
import reactor.test.StepVerifier;

class PostgresIdempotencyStoreTest extends IdempotencyContract {

  private static final Duration LONG = Duration.ofMinutes(10);
  private static final Duration PATIENCE = Duration.ofMinutes(2);

  private static PostgresDatabase database;
  private static PostgresIdempotencyStore store;

  @BeforeAll
  static void connect() {
    database = Server.connect(p -> p.schema(Server.freshSchema()));
    store = PostgresIdempotencyStore.create(database);
    execute("create table {schema}.effect(key text not null, part int not null)");
  }

  @AfterAll
  static void close() {
    database.close().block(Duration.ofSeconds(30));
  }

  @Override
  protected IdempotencyStore store() {
    return store;
  }

  @Override
  protected void awaitEnd(IdempotencyKey key) {
    String sql =
        database.sql(
            "select until <= clock_timestamp() from {schema}.sl_idempotency"
                + " where scope = $1 and key = $2");
    database
        .db()
        .run(
            "await the end of a key",
            connection ->
                Db.rows(
                        connection
                            .createStatement(sql)
                            .bind("$1", key.scope())
                            .bind("$2", key.key()),
                        row -> row.get(0, Boolean.class))
                    .single()
                    .repeat()
                    .takeUntil(ended -> ended)
                    .then())
        .block(Duration.ofSeconds(30));
  }

  // == in one transaction ==

  private static Mono<Long> effect(Connection connection, String key, int part) {
    return Db.count(
        connection
            .createStatement(database.sql("insert into {schema}.effect values($1, $2)"))
            .bind("$1", key)
            .bind("$2", part));
  }

  private static void execute(String sql) {
    database
        .db()
        .run("test", connection -> Db.count(connection.createStatement(database.sql(sql))))
        .block(PATIENCE);
  }

  private static long number(String sql) {
    return database
        .db()
        .run(
            "test",
            connection ->
                Db.rows(
                        connection.createStatement(database.sql(sql)),
                        row -> row.get(0, Long.class))
                    .single())
        .block(PATIENCE);
  }

  @Test
  void remembersNothingOfATransactionThatWasRolledBack() {
    IdempotencyKey key = new IdempotencyKey("rollback", "a");
    StepVerifier.create(
            database
                .db()
                .transaction(
                    "test",
                    connection ->
                        store
                            .first(connection, key, LONG)
                            .then(effect(connection, "rollback", 0))
                            .then(Mono.error(new IllegalArgumentException("no")))))
        .expectError()
        .verify(PATIENCE);
    StepVerifier.create(
            database.db().transaction("test", connection -> store.first(connection, key, LONG)))
        .expectNext(true)
        .expectComplete()
        .verify(PATIENCE);
    StepVerifier.create(
            database.db().transaction("test", connection -> store.first(connection, key, LONG)))
        .expectNext(false)
        .expectComplete()
        .verify(PATIENCE);
    assertThat(store.begin(key, LONG).block(PATIENCE)).isEqualTo(new Attempt.Completed(null));
    assertThat(number("select count(*) from {schema}.effect where key = 'rollback'")).isZero();
  }

  @Test
  void neitherDoesNorSkipsWhatIsInProgressElsewhere() {
    IdempotencyKey key = new IdempotencyKey("mixed", "a");
    store.begin(key, LONG).block(PATIENCE);
    StepVerifier.create(
            database.db().transaction("test", connection -> store.first(connection, key, LONG)))
        .expectErrorSatisfies(
            error ->
                assertThat(error)
                    .isInstanceOfSatisfying(
                        StoreFailed.class, e -> assertThat(e.isTemporary()).isTrue()))
        .verify(PATIENCE);
  }

  @Test
  void letsEffectsHappenOnceWhateverIsKilled() {
    letsEffectsHappenOnce(500);
  }

  @Test
  @Tag("soak")
  void lets10000EffectsHappenOnceWhateverIsKilled() {
    letsEffectsHappenOnce(10_000);
  }

  /**
   * Two deliveries of each message, at once; connections are killed at random, before and after the
   * effect and while it commits, and what failed is delivered again until it has succeeded.
   */
  private void letsEffectsHappenOnce(int messages) {
    String scope = "kills-" + messages + "-";
    AtomicInteger killed = new AtomicInteger();
    AtomicInteger did = new AtomicInteger();
    Random random = new Random(7);
    Flux.range(0, messages)
        .concatMap(i -> Flux.just(i, i))
        .flatMap(
            i -> {
              IdempotencyKey key = new IdempotencyKey("kills", scope + i);
              return Mono.defer(
                      () -> {
                        int kill = random.nextInt(100); // 0..2: in the transaction
                        return database
                            .db()
                            .transaction(
                                "deliver",
                                connection ->
                                    killAt(kill == 0, connection, killed)
                                        .then(store.first(connection, key, LONG))
                                        .flatMap(
                                            first ->
                                                first
                                                    ? effect(connection, key.key(), 0)
                                                        .then(killAt(kill == 1, connection, killed))
                                                        .then(effect(connection, key.key(), 1))
                                                        .then(killAt(kill == 2, connection, killed))
                                                        .thenReturn(true)
                                                    : Mono.just(false)));
                      })
                  .doOnNext(first -> did.addAndGet(first ? 1 : 0))
                  .retry();
            },
            16)
        .subscribeOn(Schedulers.parallel())
        .blockLast(PATIENCE);
    assertThat(killed.get()).as("kills").isGreaterThan(messages / 100);
    assertThat(number("select count(*) from {schema}.effect where key like '" + scope + "%'"))
        .as("effects, two parts each")
        .isEqualTo(2 * messages);
    assertThat(
            number(
                "select count(*) from (select distinct key, part from {schema}.effect"
                    + " where key like '"
                    + scope
                    + "%') e"))
        .isEqualTo(2 * messages);
    assertThat(did.get()).as("told that they were first").isEqualTo(messages);
  }

  /** Ends the connection's own backend. */
  private static Mono<Void> killAt(boolean kill, Connection connection, AtomicInteger killed) {
    if (!kill) {
      return Mono.empty();
    }
    killed.incrementAndGet();
    return Db.count(connection.createStatement("select pg_terminate_backend(pg_backend_pid())"))
        .then();
  }
}

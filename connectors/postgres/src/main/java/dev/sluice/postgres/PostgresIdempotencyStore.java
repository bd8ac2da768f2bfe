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

import dev.sluice.store.IdempotencyKey;
import dev.sluice.store.IdempotencyStore;
import dev.sluice.store.StoreFailed;
import io.r2dbc.spi.Connection;
import io.r2dbc.spi.Readable;
import io.r2dbc.spi.Statement;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * Keys in a table, on the database's clock: no clock of a process is asked.
 *
 * <p>Where the work changes the same database it need not be kept apart from its record: {@link
 * #first} makes them one transaction.
 */
public final class PostgresIdempotencyStore implements IdempotencyStore {

  /** The time of a statement would be that before it waited for another's row lock. */
  private static final String BEGIN =
      """
      insert into {schema}.sl_idempotency as held(scope, key, token, until)
      values($1, $2, $3, clock_timestamp() + $4 * interval '1 microsecond')
      on conflict(scope, key) do update
        set token = excluded.token, done = false, result = null,
            until = clock_timestamp() + $4 * interval '1 microsecond'
        where held.until <= clock_timestamp()
      returning token
      """;

  private static final String LOOK =
      """
      select done, result,
             (extract(epoch from until - clock_timestamp()) * 1000000)::bigint as micros
      from {schema}.sl_idempotency where scope = $1 and key = $2
      """;

  private static final String RENEW =
      """
      update {schema}.sl_idempotency set until = clock_timestamp() + $4 * interval '1 microsecond'
      where scope = $1 and key = $2 and token = $3 and not done
      """;

  /** The first result stays; one that was not told of its success may ask again. */
  private static final String COMPLETE =
      """
      update {schema}.sl_idempotency
      set done = true,
          result = case when done then result else $4 end,
          until = case when done then until
                       else clock_timestamp() + $5 * interval '1 microsecond' end
      where scope = $1 and key = $2 and token = $3
      """;

  private static final String RELEASE =
      """
      delete from {schema}.sl_idempotency
      where scope = $1 and key = $2 and token = $3 and not done
      """;

  /** By the time at which the statement began, because only that may be looked up in an index. */
  private static final String PURGE =
      """
      delete from {schema}.sl_idempotency
      where (scope, key) in (
        select scope, key from {schema}.sl_idempotency
        where until <= statement_timestamp()
        order by until limit $1 for update skip locked)
      """;

  private static final String FIRST =
      """
      insert into {schema}.sl_idempotency as held(scope, key, token, done, until)
      values($1, $2, $3, true, clock_timestamp() + $4 * interval '1 microsecond')
      on conflict(scope, key) do update
        set token = excluded.token, done = true, result = null,
            until = clock_timestamp() + $4 * interval '1 microsecond'
        where held.until <= clock_timestamp()
      """;

  private final Db db;
  private final String begin;
  private final String look;
  private final String renew;
  private final String complete;
  private final String release;
  private final String purge;
  private final String first;

  private PostgresIdempotencyStore(PostgresDatabase database) {
    this.db = database.db();
    this.begin = database.sql(BEGIN);
    this.look = database.sql(LOOK);
    this.renew = database.sql(RENEW);
    this.complete = database.sql(COMPLETE);
    this.release = database.sql(RELEASE);
    this.purge = database.sql(PURGE);
    this.first = database.sql(FIRST);
  }

  /** The keys of a database. */
  public static PostgresIdempotencyStore create(PostgresDatabase database) {
    return new PostgresIdempotencyStore(Objects.requireNonNull(database, "database"));
  }

  @Override
  public Mono<Attempt> begin(IdempotencyKey key, Duration lease) {
    Objects.requireNonNull(key, "key");
    long micros = Micros.positive("lease", lease);
    return Mono.defer(
        () -> {
          Attempt.Started started = new Attempt.Started(key, UUID.randomUUID().toString());
          return db.run(
              "begin what is to happen once",
              connection ->
                  begin(connection, started, micros)
                      .switchIfEmpty(look(connection, key))
                      .repeatWhenEmpty(again -> again)); // it ended between the two
        });
  }

  private Mono<Attempt> begin(Connection connection, Attempt.Started started, long micros) {
    return Db.rows(
            bind(connection.createStatement(begin), started.key())
                .bind("$3", started.token())
                .bind("$4", micros),
            row -> (Attempt) started)
        .singleOrEmpty();
  }

  private Mono<Attempt> look(Connection connection, IdempotencyKey key) {
    return Db.rows(
            bind(connection.createStatement(look), key), row -> Optional.ofNullable(attempt(row)))
        .singleOrEmpty()
        .flatMap(Mono::justOrEmpty);
  }

  /** What a row says; null if its time is over. */
  private static @Nullable Attempt attempt(Readable row) {
    long left = Objects.requireNonNull(row.get("micros", Long.class));
    if (left <= 0) {
      return null;
    }
    return Boolean.TRUE.equals(row.get("done", Boolean.class))
        ? new Attempt.Completed(row.get("result", byte[].class))
        : new Attempt.InProgress(Duration.of(left, ChronoUnit.MICROS));
  }

  @Override
  public Mono<Boolean> renew(Attempt.Started started, Duration lease) {
    long micros = Micros.positive("lease", lease);
    return change(
        "renew what is to happen once",
        connection -> bind(connection.createStatement(renew), started).bind("$4", micros));
  }

  @Override
  public Mono<Boolean> complete(
      Attempt.Started started, byte @Nullable [] result, Duration retention) {
    long micros = Micros.positive("retention", retention);
    if (result != null && result.length > MAX_RESULT) {
      throw new IllegalArgumentException(
          "result: " + result.length + " bytes (expected: <= " + MAX_RESULT + ")");
    }
    byte @Nullable [] copy = result == null ? null : result.clone();
    return change(
        "complete what is to happen once",
        connection -> {
          Statement statement = bind(connection.createStatement(complete), started);
          return (copy == null
                  ? statement.bindNull("$4", byte[].class)
                  : statement.bind("$4", copy))
              .bind("$5", micros);
        });
  }

  @Override
  public Mono<Boolean> release(Attempt.Started started) {
    return change(
        "release what is to happen once",
        connection -> bind(connection.createStatement(release), started));
  }

  private Mono<Boolean> change(String what, Function<Connection, Statement> sql) {
    return db.run(what, connection -> Db.count(sql.apply(connection)).map(rows -> rows == 1));
  }

  @Override
  public Mono<Integer> purge(int limit) {
    Require.limit(limit, 100_000);
    return db.run(
        "purge what has happened once",
        connection ->
            Db.count(connection.createStatement(purge).bind("$1", limit)).map(Long::intValue));
  }

  /**
   * Whether the work is to be done, in the transaction that does it. True records it as completed
   * with nothing, and that and the work become true together when the transaction commits, or
   * neither does. Of two transactions that ask for one key at once the second waits for the first,
   * and is told what became of it. So the effect happens exactly once, whatever is killed when.
   *
   * <p>To be the first statement of the transaction, at READ COMMITTED; the wait ends with the
   * connection's {@code lock_timeout}.
   *
   * <dl>
   *   <dt>Emits
   *   <dd>true: do it; false: it has been done
   *   <dt>Backpressure
   *   <dd>not applicable
   *   <dt>Completes/Errors
   *   <dd>fails with {@link StoreFailed} when somebody is at it under a lease, who has begun it
   *       with {@link #begin}; and with the driver's error, after which the transaction can only be
   *       rolled back
   *   <dt>Cancel
   *   <dd>as that of the connection's statements: do not, roll back
   *   <dt>Discard
   *   <dd>nothing to discard
   *   <dt>Threads
   *   <dd>on the driver's
   * </dl>
   *
   * @param connection has the transaction open
   * @param retention how long it is remembered, more than zero
   * @throws IllegalArgumentException if {@code retention} is out of range
   */
  public Mono<Boolean> first(Connection connection, IdempotencyKey key, Duration retention) {
    Objects.requireNonNull(connection, "connection");
    Objects.requireNonNull(key, "key");
    long micros = Micros.positive("retention", retention);
    return Mono.defer(
            () ->
                Db.count(
                    bind(connection.createStatement(first), key)
                        .bind("$3", UUID.randomUUID().toString())
                        .bind("$4", micros)))
        .flatMap(rows -> rows == 1 ? Mono.just(true) : look(connection, key).map(this::done))
        .repeatWhenEmpty(again -> again);
  }

  private boolean done(Attempt attempt) {
    if (attempt instanceof Attempt.InProgress) {
      throw StoreFailed.temporary("PostgreSQL", "the key is in progress under a lease", null);
    }
    return false;
  }

  private static Statement bind(Statement statement, Attempt.Started started) {
    return bind(statement, started.key()).bind("$3", started.token());
  }

  private static Statement bind(Statement statement, IdempotencyKey key) {
    return statement.bind("$1", key.scope()).bind("$2", key.key());
  }
}

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

import dev.sluice.store.Content;
import dev.sluice.store.Operation;
import dev.sluice.store.Operation.Ending;
import dev.sluice.store.Operation.Phase;
import dev.sluice.store.Operation.Progress;
import dev.sluice.store.OperationStore;
import io.r2dbc.spi.Connection;
import io.r2dbc.spi.Readable;
import io.r2dbc.spi.Statement;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.Collection;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * Operations in a table, on the database's clock: whatever instance has accepted one, any may work
 * on it, and none loses it. Leases are renewed on connections that nothing else uses.
 */
public final class PostgresOperationStore implements OperationStore {

  private static final String OPERATION =
      """
      id, kind, caller, percent, note, cancel_requested, attempts, ending, status, location,
      result_type, result, revision,
      (extract(epoch from clock_timestamp() - accepted_at) * 1000000)::bigint as age,
      case when phase = 'ENDED' and until <= clock_timestamp() then 'EXPIRED' else phase end as phase
      """;

  private static final String ACCEPT =
      """
      insert into {schema}.sl_operation(
        id, kind, caller, idempotency_key, fingerprint, request_type, request, callback,
        retention, remembered)
      values($1, $2, $3, $4, $5, $6, $7, $8,
        $9 * interval '1 microsecond', $10 * interval '1 microsecond')
      on conflict do nothing
      returning
      """
          + OPERATION
          + ", true as accepted, false as reused";

  private static final String LOOK =
      "select "
          + OPERATION
          + """
          , false as accepted, coalesce(fingerprint <> $5, false) as reused
          from {schema}.sl_operation
          where (id = $1 or (kind = $2 and caller = $3 and idempotency_key = $4))
            and forgotten > clock_timestamp()
          limit 1
          """;

  private static final String FORGET =
      """
      delete from {schema}.sl_operation
      where (id = $1 or (kind = $2 and caller = $3 and idempotency_key = $4))
        and forgotten <= clock_timestamp()
      """;

  private static final String FIND =
      "select "
          + OPERATION
          + "from {schema}.sl_operation where id = any($1) and forgotten > clock_timestamp()";

  /**
   * By the time at which the statement began, as everywhere below where the oldest are selected:
   * only that may be looked up in an index. Locked rows are somebody else's.
   */
  private static final String CLAIM =
      """
      update {schema}.sl_operation o
      set phase = 'RUNNING', fence = fence + 1, attempts = attempts + 1, revision = revision + 1,
          due = clock_timestamp() + $3 * interval '1 microsecond'
      from (select id from {schema}.sl_operation
            where kind = $1 and due <= statement_timestamp()
            order by due limit $2 for update skip locked) waiting
      where o.id = waiting.id
      returning o.id, o.kind, o.caller, o.request_type, o.request, o.attempts, o.cancel_requested,
        o.fence
      """;

  private static final String RENEW =
      """
      update {schema}.sl_operation
      set due = clock_timestamp() + $3 * interval '1 microsecond',
          revision = revision +
            case when $4::int is not null and (percent, note) is distinct from ($4::int, $5::text)
                 then 1 else 0 end,
          percent = coalesce($4::int, percent), note = coalesce($5::text, note)
      where id = $1 and fence = $2 and phase = 'RUNNING'
      returning cancel_requested
      """;

  private static final String END =
      """
      phase = 'ENDED', due = 'infinity', request = null, revision = revision + 1,
      until = clock_timestamp() + retention, forgotten = clock_timestamp() + retention + remembered,
      callback_due = case when callback is null then 'infinity' else clock_timestamp() end
      """;

  private static final String FINISH =
      "update {schema}.sl_operation set ending = $3, status = $4, location = $5,"
          + " result_type = $6, result = $7, "
          + END
          + "where id = $1 and fence = $2 and phase = 'RUNNING'";

  /** Whether it was finished by this run before, which was not told. */
  private static final String FINISHED =
      """
      select count(*) from {schema}.sl_operation
      where id = $1 and fence = $2 and phase in ('ENDED', 'EXPIRED')
      """;

  private static final String RELEASE =
      """
      update {schema}.sl_operation
      set phase = 'PENDING', due = clock_timestamp(), attempts = attempts - 1,
          revision = revision + 1
      where id = $1 and fence = $2 and phase = 'RUNNING'
      """;

  private static final String CANCEL_AT_ONCE =
      "update {schema}.sl_operation set ending = 'CANCELLED', cancel_requested = true,"
          + " fence = fence + 1, "
          + END
          + "where id = $1 and (phase = 'PENDING'"
          + " or (phase = 'RUNNING' and due <= clock_timestamp()))";

  private static final String CANCEL =
      """
      update {schema}.sl_operation set cancel_requested = true, revision = revision + 1
      where id = $1 and phase = 'RUNNING' and not cancel_requested
      """;

  private static final String CLAIM_CALLBACKS =
      """
      with claimed as (
        update {schema}.sl_operation o
        set callback_attempts = callback_attempts + 1, callback_fence = callback_fence + 1,
            callback_due = clock_timestamp() + $3 * interval '1 microsecond'
        from (select id from {schema}.sl_operation
              where kind = $1 and callback_due <= statement_timestamp()
                and phase = 'ENDED' and until > clock_timestamp()
              order by callback_due limit $2 for update skip locked) waiting
        where o.id = waiting.id
        returning o.*)
      select callback, callback_attempts, callback_fence,
      """
          + OPERATION
          + "from claimed";

  private static final String SETTLE =
      """
      update {schema}.sl_operation
      set callback_due = 'infinity', callback_fence = callback_fence + 1
      where id = $1 and callback_fence = $2
      """;

  private static final String POSTPONE =
      """
      update {schema}.sl_operation
      set callback_due = clock_timestamp() + $3 * interval '1 microsecond',
          callback_fence = callback_fence + 1
      where id = $1 and callback_fence = $2
      """;

  private static final String PURGE_FORGOTTEN =
      """
      delete from {schema}.sl_operation where id in (
        select id from {schema}.sl_operation where forgotten <= statement_timestamp()
        order by forgotten limit $1 for update skip locked)
      """;

  private static final String PURGE_EXPIRED =
      """
      update {schema}.sl_operation
      set phase = 'EXPIRED', ending = null, status = null, location = null, result_type = null,
          result = null, percent = null, note = null, callback_due = 'infinity'
      where id in (
        select id from {schema}.sl_operation
        where phase = 'ENDED' and until <= statement_timestamp()
        order by until limit $1 for update skip locked)
      """;

  private final PostgresDatabase database;
  private final Db db;
  private final Db leases;

  private PostgresOperationStore(PostgresDatabase database) {
    this.database = database;
    this.db = database.db();
    this.leases = database.leases();
  }

  /** The operations of a database. */
  public static PostgresOperationStore create(PostgresDatabase database) {
    return new PostgresOperationStore(Objects.requireNonNull(database, "database"));
  }

  // == those who ask ==

  @Override
  public Mono<Acceptance> accept(NewOperation operation) {
    Objects.requireNonNull(operation, "operation");
    return db.run(
        "accept an operation",
        connection ->
            accepted(bindNew(sql(connection, ACCEPT), operation))
                .switchIfEmpty(accepted(bindKey(sql(connection, LOOK), operation, true)))
                .switchIfEmpty( // known to nobody any more
                    Db.count(bindKey(sql(connection, FORGET), operation, false)).then(Mono.empty()))
                .repeatWhenEmpty(again -> again));
  }

  @Override
  public Mono<Acceptance> known(NewOperation operation) {
    Objects.requireNonNull(operation, "operation");
    return db.run(
        "look up a key", connection -> accepted(bindKey(sql(connection, LOOK), operation, true)));
  }

  private static Mono<Acceptance> accepted(Statement statement) {
    return Db.rows(
            statement,
            row -> {
              Operation operation = operation(row);
              return flag(row, "accepted")
                  ? new Acceptance.Accepted(operation)
                  : flag(row, "reused")
                      ? new Acceptance.KeyReused(operation)
                      : (Acceptance) new Acceptance.Known(operation);
            })
        .singleOrEmpty();
  }

  private static Statement bindNew(Statement statement, NewOperation operation) {
    bindKey(statement, operation, true)
        .bind("$6", operation.request().type())
        .bind("$7", operation.request().bytes())
        .bind("$9", Math.max(1, Micros.of(operation.retention())))
        .bind("$10", Micros.of(operation.remembered()));
    return bind(statement, "$8", operation.callback(), String.class);
  }

  private static Statement bindKey(
      Statement statement, NewOperation operation, boolean fingerprint) {
    RequestKey key = operation.key();
    statement
        .bind("$1", operation.id())
        .bind("$2", operation.kind())
        .bind("$3", operation.caller());
    bind(statement, "$4", key == null ? null : key.value(), String.class);
    return fingerprint
        ? bind(statement, "$5", key == null ? null : key.fingerprint(), String.class)
        : statement;
  }

  @Override
  public Flux<Operation> find(Collection<String> ids) {
    if (ids.size() > MAX_LIMIT) {
      throw new IllegalArgumentException(
          "ids: " + ids.size() + " (expected: <= " + MAX_LIMIT + ")");
    }
    String[] asked = ids.toArray(new String[0]);
    return many(
        "find operations",
        connection -> sql(connection, FIND).bind("$1", asked),
        PostgresOperationStore::operation);
  }

  @Override
  public Mono<Operation> cancel(String id) {
    Objects.requireNonNull(id, "id");
    return db.run(
        "cancel an operation",
        connection ->
            Db.count(sql(connection, CANCEL_AT_ONCE).bind("$1", id))
                .then(Db.count(sql(connection, CANCEL).bind("$1", id)))
                .then(find(connection, id))
                .filter(found -> found.isEmpty() || isCancelled(found.get()))
                .repeatWhenEmpty(again -> again) // it was given back between the two
                .flatMap(Mono::justOrEmpty));
  }

  private Mono<Optional<Operation>> find(Connection connection, String id) {
    return Db.rows(
            sql(connection, FIND).bind("$1", new String[] {id}), PostgresOperationStore::operation)
        .singleOrEmpty()
        .map(Optional::of)
        .defaultIfEmpty(Optional.empty());
  }

  private static boolean isCancelled(Operation operation) {
    return operation.isOver() || operation.cancelRequested();
  }

  // == those who work ==

  @Override
  public Flux<Run> claim(String kind, int limit, Duration lease) {
    Objects.requireNonNull(kind, "kind");
    Require.limit(limit, MAX_LIMIT);
    long micros = Micros.positive("lease", lease);
    return many(
        "claim operations",
        connection -> sql(connection, CLAIM).bind("$1", kind).bind("$2", limit).bind("$3", micros),
        row ->
            new Run(
                text(row, "id"),
                text(row, "kind"),
                text(row, "caller"),
                content(row, "request_type", "request"),
                number(row, "attempts").intValue(),
                flag(row, "cancel_requested"),
                number(row, "fence").longValue()));
  }

  @Override
  public Mono<Renewal> renew(Run run, @Nullable Progress progress, Duration lease) {
    Objects.requireNonNull(run, "run");
    long micros = Micros.positive("lease", lease);
    return leases.run(
        "renew an operation",
        connection -> {
          Statement statement = bind(sql(connection, RENEW), run).bind("$3", micros);
          bind(statement, "$4", progress == null ? null : progress.percent(), Integer.class);
          bind(statement, "$5", progress == null ? null : progress.note(), String.class);
          return Db.rows(
                  statement,
                  row -> flag(row, "cancel_requested") ? Renewal.CANCEL_REQUESTED : Renewal.HELD)
              .singleOrEmpty()
              .defaultIfEmpty(Renewal.LOST);
        });
  }

  @Override
  public Mono<Boolean> finish(Run run, Ending ending) {
    Objects.requireNonNull(run, "run");
    Objects.requireNonNull(ending, "ending");
    return db.run(
        "finish an operation",
        connection ->
            Db.count(bindEnding(bind(sql(connection, FINISH), run), ending))
                .flatMap(
                    rows ->
                        rows == 1
                            ? Mono.just(true)
                            : Db.rows(
                                    bind(sql(connection, FINISHED), run),
                                    row -> Objects.requireNonNull(row.get(0, Long.class)))
                                .single()
                                .map(before -> before == 1)));
  }

  private static Statement bindEnding(Statement statement, Ending ending) {
    String name = "CANCELLED";
    Integer status = null;
    String location = null;
    Content content = null;
    if (ending instanceof Ending.Result result) {
      name = "RESULT";
      content = result.content();
    } else if (ending instanceof Ending.ResultAt resultAt) {
      name = "LOCATION";
      location = resultAt.location();
    } else if (ending instanceof Ending.Failure failure) {
      name = "FAILURE";
      status = failure.status();
      content = failure.problem();
    }
    statement.bind("$3", name);
    bind(statement, "$4", status, Integer.class);
    bind(statement, "$5", location, String.class);
    bind(statement, "$6", content == null ? null : content.type(), String.class);
    return bind(statement, "$7", content == null ? null : content.bytes(), byte[].class);
  }

  @Override
  public Mono<Boolean> release(Run run) {
    Objects.requireNonNull(run, "run");
    return change("release an operation", connection -> bind(sql(connection, RELEASE), run));
  }

  private static Statement bind(Statement statement, Run run) {
    return statement.bind("$1", run.id()).bind("$2", run.fence());
  }

  // == callbacks ==

  @Override
  public Flux<DueCallback> claimCallbacks(String kind, int limit, Duration lease) {
    Objects.requireNonNull(kind, "kind");
    Require.limit(limit, MAX_LIMIT);
    long micros = Micros.positive("lease", lease);
    return many(
            "claim callbacks",
            connection ->
                sql(connection, CLAIM_CALLBACKS)
                    .bind("$1", kind)
                    .bind("$2", limit)
                    .bind("$3", micros),
            row ->
                new DueCallback(
                    text(row, "callback"),
                    operation(row),
                    number(row, "callback_attempts").intValue(),
                    number(row, "callback_fence").longValue()))
        .filter(callback -> callback.operation().phase() == Phase.ENDED);
  }

  @Override
  public Mono<Boolean> settle(DueCallback callback) {
    Objects.requireNonNull(callback, "callback");
    return change("settle a callback", connection -> bind(sql(connection, SETTLE), callback));
  }

  @Override
  public Mono<Boolean> postpone(DueCallback callback, Duration delay) {
    Objects.requireNonNull(callback, "callback");
    long micros = Micros.notNegative("delay", delay);
    return change(
        "postpone a callback",
        connection -> bind(sql(connection, POSTPONE), callback).bind("$3", micros));
  }

  private static Statement bind(Statement statement, DueCallback callback) {
    return statement.bind("$1", callback.operation().id()).bind("$2", callback.fence());
  }

  // == the end ==

  @Override
  public Mono<Integer> purge(int limit) {
    Require.limit(limit, 100_000);
    return db.run(
        "purge operations",
        connection ->
            Db.count(sql(connection, PURGE_FORGOTTEN).bind("$1", limit))
                .flatMap(
                    forgotten ->
                        Db.count(
                                sql(connection, PURGE_EXPIRED)
                                    .bind("$1", limit - forgotten.intValue()))
                            .map(expired -> forgotten.intValue() + expired.intValue())));
  }

  // == rows ==

  private static Operation operation(Readable row) {
    Phase phase = Phase.valueOf(text(row, "phase"));
    Integer percent = row.get("percent", Integer.class);
    String note = row.get("note", String.class);
    return new Operation(
        text(row, "id"),
        text(row, "kind"),
        text(row, "caller"),
        phase,
        percent == null || note == null ? null : new Progress(percent, note),
        flag(row, "cancel_requested"),
        number(row, "attempts").intValue(),
        phase == Phase.ENDED ? ending(row) : null,
        number(row, "revision").longValue(),
        Duration.of(Math.max(0, number(row, "age").longValue()), ChronoUnit.MICROS));
  }

  private static Ending ending(Readable row) {
    String ending = text(row, "ending");
    return switch (ending) {
      case "RESULT" -> new Ending.Result(content(row, "result_type", "result"));
      case "LOCATION" -> new Ending.ResultAt(text(row, "location"));
      case "FAILURE" ->
          new Ending.Failure(
              number(row, "status").intValue(), content(row, "result_type", "result"));
      case "CANCELLED" -> new Ending.Cancelled();
      default ->
          throw new IllegalStateException(
              "ending: " + ending + " (expected: RESULT, LOCATION, FAILURE or CANCELLED)");
    };
  }

  private static Content content(Readable row, String type, String bytes) {
    return Content.of(text(row, type), Objects.requireNonNull(row.get(bytes, byte[].class), bytes));
  }

  private static String text(Readable row, String column) {
    return Objects.requireNonNull(row.get(column, String.class), column);
  }

  private static Number number(Readable row, String column) {
    return Objects.requireNonNull(row.get(column, Number.class), column);
  }

  private static boolean flag(Readable row, String column) {
    return Boolean.TRUE.equals(row.get(column, Boolean.class));
  }

  // == statements ==

  private Statement sql(Connection connection, String template) {
    return connection.createStatement(database.sql(template));
  }

  private <R> Flux<R> many(
      String what, Function<Connection, Statement> statement, Function<Readable, R> row) {
    return db.run(what, connection -> Db.few(statement.apply(connection), row).collectList())
        .flatMapIterable(rows -> rows);
  }

  private Mono<Boolean> change(String what, Function<Connection, Statement> statement) {
    return db.run(what, connection -> Db.count(statement.apply(connection)).map(rows -> rows == 1));
  }

  private static <T> Statement bind(
      Statement statement, String name, @Nullable T value, Class<T> type) {
    return value == null ? statement.bindNull(name, type) : statement.bind(name, value);
  }
}

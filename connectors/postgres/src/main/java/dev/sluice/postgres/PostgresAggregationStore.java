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

import dev.sluice.message.Message;
import dev.sluice.message.MessageIds;
import dev.sluice.message.WireFormat;
import dev.sluice.store.Aggregation;
import dev.sluice.store.Aggregation.Reply;
import dev.sluice.store.Aggregation.State;
import dev.sluice.store.AggregationKey;
import dev.sluice.store.AggregationStore;
import io.r2dbc.spi.Connection;
import io.r2dbc.spi.Readable;
import io.r2dbc.spi.Statement;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** Aggregations in two tables, on the database's clock: no clock of a process is asked. */
public final class PostgresAggregationStore implements AggregationStore {

  private static final String COLUMNS =
      """
      a.scope, a.key, a.state, a.legs, a.headers::text as headers, a.body,
      (extract(epoch from a.deadline - clock_timestamp()) * 1000000)::bigint as micros,
      a.result_headers::text as result_headers, a.result_body
      """;

  private static final String OPEN =
      """
      insert into {schema}.sl_aggregation as a(scope, key, legs, headers, body, deadline, due_at)
      select $1, $2, $3, $4::jsonb, $5, deadline, deadline
      from (select clock_timestamp() + $6 * interval '1 microsecond' as deadline) d
      on conflict(scope, key) do nothing
      """;

  /** Nobody adds, closes or completes until the transaction ends. */
  private static final String LOOK =
      "select "
          + COLUMNS
          + " from {schema}.sl_aggregation a where scope = $1 and key = $2 for share";

  /** The row is locked first, so the number that a reply gets is in the order of the replies. */
  private static final String ADD =
      """
      with held as materialized (
        select * from {schema}.sl_aggregation where scope = $1 and key = $2 for update),
      counted as (
        insert into {schema}.sl_aggregation_reply(scope, key, leg, headers, body)
        select scope, key, $3, $4::jsonb, $5 from held where state = 'OPEN' and $3 = any(legs)
        on conflict(scope, key, leg) do nothing returning leg)
      select (select count(*) from counted) as counted,
      """
          + COLUMNS
          + " from held a";

  private static final String REPLIES =
      """
      select r.scope, r.key, r.leg, r.headers::text as headers, r.body
      from {schema}.sl_aggregation_reply r
      join unnest($1::text[], $2::text[]) as wanted(scope, key) using (scope, key)
      order by r.id
      """;

  private static final String CLOSE =
      """
      update {schema}.sl_aggregation a set state = 'CLOSED', token = $3,
        due_at = clock_timestamp() + $4 * interval '1 microsecond'
      where scope = $1 and key = $2
        and (state = 'OPEN' or state = 'CLOSED' and due_at <= clock_timestamp())
      returning
      """
          + COLUMNS;

  /** Locked rows are somebody else's, so nobody waits and the order of the locks is free. */
  private static final String OVERDUE =
      """
      with due as materialized (
        select scope, key, due_at from {schema}.sl_aggregation
        where scope = $1 and state <> 'COMPLETED' and due_at <= statement_timestamp()
        order by due_at limit $2 for update skip locked)
      update {schema}.sl_aggregation a set state = 'CLOSED', token = $3,
        due_at = clock_timestamp() + $4 * interval '1 microsecond'
      from due where a.scope = due.scope and a.key = due.key
      returning (extract(epoch from due.due_at) * 1000000)::bigint as since,
      """
          + COLUMNS;

  /** The first result stays; one that was not told of its success may ask again. */
  private static final String COMPLETE =
      """
      with completed as (
        update {schema}.sl_aggregation
        set state = 'COMPLETED',
            result_headers = case when state = 'COMPLETED' then result_headers else $4::jsonb end,
            result_body = case when state = 'COMPLETED' then result_body else $5 end,
            due_at = case when state = 'COMPLETED' then due_at
                          else clock_timestamp() + $6 * interval '1 microsecond' end
        where scope = $1 and key = $2 and token = $3
        returning scope, key),
      gone as (
        delete from {schema}.sl_aggregation_reply r using completed c
        where r.scope = c.scope and r.key = c.key)
      select count(*) as mine from completed
      """;

  private static final String RELEASE =
      """
      update {schema}.sl_aggregation set token = '', due_at = clock_timestamp()
      where scope = $1 and key = $2 and token = $3 and state = 'CLOSED'
      """;

  private static final String PURGE =
      """
      delete from {schema}.sl_aggregation
      where (scope, key) in (
        select scope, key from {schema}.sl_aggregation
        where state = 'COMPLETED' and due_at <= statement_timestamp()
        order by due_at limit $1 for update skip locked)
      """;

  private final Db db;
  private final String open;
  private final String look;
  private final String add;
  private final String replies;
  private final String close;
  private final String overdue;
  private final String complete;
  private final String release;
  private final String purge;

  private PostgresAggregationStore(PostgresDatabase database) {
    this.db = database.db();
    this.open = database.sql(OPEN);
    this.look = database.sql(LOOK);
    this.add = database.sql(ADD);
    this.replies = database.sql(REPLIES);
    this.close = database.sql(CLOSE);
    this.overdue = database.sql(OVERDUE);
    this.complete = database.sql(COMPLETE);
    this.release = database.sql(RELEASE);
    this.purge = database.sql(PURGE);
  }

  /** The aggregations of a database. */
  public static PostgresAggregationStore create(PostgresDatabase database) {
    return new PostgresAggregationStore(Objects.requireNonNull(database, "database"));
  }

  @Override
  public Mono<Aggregation> open(
      AggregationKey key, Message<byte[]> request, List<String> legs, Duration within) {
    Objects.requireNonNull(key, "key");
    Aggregation.requirePayload("request", request);
    String[] expected = Aggregation.requireLegs(legs).toArray(String[]::new);
    long micros = Micros.positive("within", within);
    return db.transaction(
            "open an aggregation",
            connection ->
                Db.count(
                        bind(connection.createStatement(open), key)
                            .bind("$3", expected)
                            .bind("$4", HeaderJson.write(request))
                            .bind("$5", request.payload())
                            .bind("$6", micros))
                    .then(look(connection, key)))
        .repeatWhenEmpty(again -> again); // it was forgotten between the two
  }

  @Override
  public Mono<Aggregation> find(AggregationKey key) {
    Objects.requireNonNull(key, "key");
    return db.transaction("find an aggregation", connection -> look(connection, key));
  }

  private Mono<Aggregation> look(Connection connection, AggregationKey key) {
    return Db.rows(bind(connection.createStatement(look), key), Row::new)
        .singleOrEmpty()
        .flatMap(row -> withReplies(connection, row));
  }

  @Override
  public Mono<Added> add(AggregationKey key, String leg, Message<byte[]> message) {
    Objects.requireNonNull(key, "key");
    Objects.requireNonNull(leg, "leg");
    Aggregation.requirePayload("reply", message);
    return db.transaction(
        "add to an aggregation",
        connection ->
            Db.rows(
                    bind(connection.createStatement(add), key)
                        .bind("$3", leg)
                        .bind("$4", HeaderJson.write(message))
                        .bind("$5", message.payload()),
                    row -> new Counted(new Row(row), number(row, "counted") > 0))
                .singleOrEmpty()
                .flatMap(
                    counted ->
                        withReplies(connection, counted.row)
                            .map(now -> new Added(verdict(counted, leg), now))));
  }

  private record Counted(Row row, boolean reply) {}

  private static Verdict verdict(Counted counted, String leg) {
    if (!counted.row.legs.contains(leg)) {
      return Verdict.UNEXPECTED;
    }
    if (counted.row.state != State.OPEN) {
      return Verdict.LATE;
    }
    return counted.reply ? Verdict.COUNTED : Verdict.DUPLICATE;
  }

  @Override
  public Mono<Claimed> close(AggregationKey key, Duration lease) {
    Objects.requireNonNull(key, "key");
    long micros = Micros.positive("lease", lease);
    return Mono.defer(
        () -> {
          String token = UUID.randomUUID().toString();
          return db.run(
              "close an aggregation",
              connection ->
                  Db.rows(
                          bind(connection.createStatement(close), key)
                              .bind("$3", token)
                              .bind("$4", micros),
                          Row::new)
                      .singleOrEmpty()
                      .flatMap(row -> withReplies(connection, row))
                      .map(now -> new Claimed(now, token)));
        });
  }

  @Override
  public Flux<Claimed> overdue(String scope, Duration lease, int limit) {
    AggregationKey any = new AggregationKey(scope, "any");
    long micros = Micros.positive("lease", lease);
    Require.limit(limit, 100);
    return Mono.defer(
            () -> {
              String token = UUID.randomUUID().toString();
              return db.run(
                  "claim overdue aggregations",
                  connection ->
                      Db.rows(
                              connection
                                  .createStatement(overdue)
                                  .bind("$1", any.scope())
                                  .bind("$2", limit)
                                  .bind("$3", token)
                                  .bind("$4", micros),
                              row -> new Due(new Row(row), number(row, "since")))
                          .sort((a, b) -> Long.compare(a.since, b.since))
                          .map(due -> due.row)
                          .collectList()
                          .flatMap(rows -> withReplies(connection, rows))
                          .map(all -> all.stream().map(now -> new Claimed(now, token)).toList()));
            })
        .flatMapIterable(claimed -> claimed);
  }

  private record Due(Row row, long since) {}

  @Override
  public Mono<Boolean> complete(
      Claimed claimed, @Nullable Message<byte[]> result, Duration retention) {
    Objects.requireNonNull(claimed, "claimed");
    long micros = Micros.positive("retention", retention);
    if (result != null) {
      Aggregation.requirePayload("result", result);
    }
    return db.run(
        "complete an aggregation",
        connection -> {
          Statement statement = bind(connection.createStatement(complete), claimed);
          if (result == null) {
            statement.bindNull("$4", String.class).bindNull("$5", byte[].class);
          } else {
            statement.bind("$4", HeaderJson.write(result)).bind("$5", result.payload());
          }
          return Db.rows(statement.bind("$6", micros), row -> number(row, "mine") == 1).single();
        });
  }

  @Override
  public Mono<Boolean> release(Claimed claimed) {
    Objects.requireNonNull(claimed, "claimed");
    return db.run(
        "release an aggregation",
        connection ->
            Db.count(bind(connection.createStatement(release), claimed)).map(rows -> rows == 1));
  }

  @Override
  public Mono<Integer> purge(int limit) {
    Require.limit(limit, 100_000);
    return db.run(
        "purge aggregations",
        connection ->
            Db.count(connection.createStatement(purge).bind("$1", limit)).map(Long::intValue));
  }

  // == rows ==

  /** An aggregation without its replies. */
  private static final class Row {

    final AggregationKey key;
    final State state;
    final List<String> legs;
    private final Message<byte[]> request;
    private final Duration left;
    private final @Nullable Message<byte[]> result;

    Row(Readable row) {
      this.key = key(row);
      this.state = State.valueOf(text(row, "state"));
      this.legs = List.of(Objects.requireNonNull(row.get("legs", String[].class)));
      this.request = message(key, text(row, "headers"), row.get("body", byte[].class));
      this.left = Duration.of(Math.max(0, number(row, "micros")), ChronoUnit.MICROS);
      String headers = row.get("result_headers", String.class);
      this.result =
          headers == null ? null : message(key, headers, row.get("result_body", byte[].class));
    }

    Aggregation with(List<Reply> replies) {
      return new Aggregation(key, state, request, legs, replies, left, result);
    }
  }

  private Mono<Aggregation> withReplies(Connection connection, Row row) {
    return withReplies(connection, List.of(row)).map(all -> all.get(0));
  }

  private Mono<List<Aggregation>> withReplies(Connection connection, List<Row> rows) {
    return Mono.defer(
        () -> {
          Map<AggregationKey, List<Reply>> replied = new HashMap<>();
          Statement statement =
              connection
                  .createStatement(replies)
                  .bind("$1", rows.stream().map(row -> row.key.scope()).toArray(String[]::new))
                  .bind("$2", rows.stream().map(row -> row.key.key()).toArray(String[]::new));
          return Db.rows(statement, row -> Map.entry(key(row), reply(row)))
              .doOnNext(
                  reply ->
                      replied
                          .computeIfAbsent(reply.getKey(), key -> new ArrayList<>())
                          .add(reply.getValue()))
              .then(
                  Mono.fromSupplier(
                      () ->
                          rows.stream()
                              .map(row -> row.with(replied.getOrDefault(row.key, List.of())))
                              .toList()));
        });
  }

  private static Reply reply(Readable row) {
    String headers = text(row, "headers");
    return new Reply(text(row, "leg"), message(key(row), headers, row.get("body", byte[].class)));
  }

  private static AggregationKey key(Readable row) {
    return new AggregationKey(text(row, "scope"), text(row, "key"));
  }

  private static Message<byte[]> message(
      AggregationKey key, String headers, byte @Nullable [] body) {
    return WireFormat.read(
        Objects.requireNonNull(body, "body"),
        HeaderJson.read(headers),
        new WireFormat.Fallback() { // never asked: messages are written with both
          @Override
          public String id() {
            return MessageIds.derived(key.scope(), key.key());
          }

          @Override
          public Instant time() {
            return Instant.EPOCH;
          }
        });
  }

  private static String text(Readable row, String column) {
    return Objects.requireNonNull(row.get(column, String.class), column);
  }

  private static long number(Readable row, String column) {
    return Objects.requireNonNull(row.get(column, Long.class), column);
  }

  private static Statement bind(Statement statement, Claimed claimed) {
    return bind(statement, claimed.aggregation().key()).bind("$3", claimed.token());
  }

  private static Statement bind(Statement statement, AggregationKey key) {
    return statement.bind("$1", key.scope()).bind("$2", key.key());
  }
}

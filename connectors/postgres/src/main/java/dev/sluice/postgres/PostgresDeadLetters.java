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
import dev.sluice.store.DeadLetter;
import dev.sluice.store.DeadLetterQuery;
import dev.sluice.store.DeadLetters;
import io.r2dbc.spi.Readable;
import io.r2dbc.spi.Statement;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.temporal.ChronoUnit;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.UUID;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** Dead letters in a table, on the database's clock. */
public final class PostgresDeadLetters implements DeadLetters {

  private static final String ADD =
      """
      insert into {schema}.sl_dead_letter(
        channel, reason, fingerprint, message_id, redrives, headers, body)
      values($1, $2, $3, $4, $5, $6::jsonb, $7)
      returning id
      """;

  /** The first nine parameters of every statement that takes a query; the ninth is its limit. */
  private static final String MEANT =
      """
      id > $1 and id < $2
      and ($3::text is null or channel = $3) and ($4::text is null or reason = $4)
      and ($5::text is null or fingerprint = $5) and ($6::text is null or message_id = $6)
      and redrives <= $7 and added_at <= statement_timestamp() - $8 * interval '1 microsecond'
      """;

  private static final String OLDEST_FIRST = " order by id limit $9";
  private static final String NEWEST_FIRST = " order by id desc limit $9";

  private static final String FREE = "claimed_until <= statement_timestamp()";

  private static final String QUERY =
      "select id, added_at, headers::text as headers, body from {schema}.sl_dead_letter where "
          + MEANT;

  private static final String GROUPS =
      """
      select fingerprint, count(*) as letters,
        (extract(epoch from clock_timestamp() - min(added_at)) * 1000000)::bigint as micros
      from {schema}.sl_dead_letter where
      """
          + MEANT
          + "group by fingerprint order by 2 desc, 1 limit $9";

  private static final String STATS =
      """
      select count(*) as letters,
        coalesce((extract(epoch from clock_timestamp() - min(added_at)) * 1000000)::bigint, 0)
          as micros
      from {schema}.sl_dead_letter
      """;

  /** Locked rows are somebody else's, so nobody waits and the order of the locks is free. */
  private static final String CLAIM =
      "update {schema}.sl_dead_letter l set claim = $10,"
          + " claimed_until = clock_timestamp() + $11 * interval '1 microsecond'"
          + " from (select id from {schema}.sl_dead_letter where "
          + MEANT
          + "and "
          + FREE
          + "{order} for update skip locked) free where l.id = free.id"
          + " returning l.id, l.added_at, l.headers::text as headers, l.body";

  private static final String REMOVE =
      "delete from {schema}.sl_dead_letter where id = $1 and claim = $2";

  private static final String RELEASE =
      """
      update {schema}.sl_dead_letter set claim = '', claimed_until = '-infinity'
      where id = $1 and claim = $2
      """;

  private static final String PURGE =
      "delete from {schema}.sl_dead_letter where id in"
          + " (select id from {schema}.sl_dead_letter where "
          + MEANT
          + "and "
          + FREE
          + "{order} for update skip locked)";

  private static final Comparator<Claimed> BY_ID =
      Comparator.comparingLong(PostgresDeadLetters::id);

  private final Db db;
  private final String add;
  private final String groups;
  private final String stats;
  private final String remove;
  private final String release;
  private final InOrder oldestFirst;
  private final InOrder newestFirst;

  /** The statements that look at letters one after the other. */
  private record InOrder(String query, String claim, String purge) {

    static InOrder of(PostgresDatabase database, String order) {
      return new InOrder(
          database.sql(QUERY + order),
          database.sql(CLAIM.replace("{order}", order)),
          database.sql(PURGE.replace("{order}", order)));
    }
  }

  private PostgresDeadLetters(PostgresDatabase database) {
    this.db = database.db();
    this.add = database.sql(ADD);
    this.groups = database.sql(GROUPS);
    this.stats = database.sql(STATS);
    this.remove = database.sql(REMOVE);
    this.release = database.sql(RELEASE);
    this.oldestFirst = InOrder.of(database, OLDEST_FIRST);
    this.newestFirst = InOrder.of(database, NEWEST_FIRST);
  }

  /** The dead letters of a database. */
  public static PostgresDeadLetters create(PostgresDatabase database) {
    return new PostgresDeadLetters(Objects.requireNonNull(database, "database"));
  }

  @Override
  public Mono<String> add(Message<byte[]> letter) {
    DeadLetter facts = new DeadLetter("0", letter, Instant.EPOCH);
    return one(
        "add a dead letter",
        add,
        statement ->
            statement
                .bind("$1", facts.channel())
                .bind("$2", facts.reason().name())
                .bind("$3", facts.fingerprint())
                .bind("$4", letter.id())
                .bind("$5", facts.redrives())
                .bind("$6", HeaderJson.write(letter))
                .bind("$7", letter.payload()),
        row -> Long.toString(number(row, "id")));
  }

  @Override
  public Flux<DeadLetter> query(DeadLetterQuery meant) {
    Objects.requireNonNull(meant, "query");
    return many(
        "query dead letters",
        inOrder(meant).query(),
        statement -> bind(statement, meant),
        PostgresDeadLetters::letter);
  }

  @Override
  public Flux<Group> groups(DeadLetterQuery meant) {
    Objects.requireNonNull(meant, "query");
    return many(
        "group dead letters",
        groups,
        statement -> bind(statement, meant),
        row ->
            new Group(
                Objects.requireNonNull(row.get("fingerprint", String.class)),
                number(row, "letters"),
                age(row)));
  }

  @Override
  public Mono<Stats> stats() {
    return one(
        "count dead letters",
        stats,
        statement -> statement,
        row -> new Stats(number(row, "letters"), age(row)));
  }

  @Override
  public Flux<Claimed> claim(DeadLetterQuery meant, Duration lease) {
    Objects.requireNonNull(meant, "query");
    long micros = Micros.positive("lease", lease);
    return Flux.defer(
        () -> {
          String token = UUID.randomUUID().toString();
          return many(
                  "claim dead letters",
                  inOrder(meant).claim(),
                  statement -> bind(statement, meant).bind("$10", token).bind("$11", micros),
                  row -> new Claimed(letter(row), token))
              .sort(meant.isNewestFirst() ? BY_ID.reversed() : BY_ID);
        });
  }

  @Override
  public Mono<Boolean> remove(Claimed claimed) {
    return mine("remove a dead letter", remove, claimed);
  }

  @Override
  public Mono<Boolean> release(Claimed claimed) {
    return mine("release a dead letter", release, claimed);
  }

  private Mono<Boolean> mine(String what, String sql, Claimed claimed) {
    Objects.requireNonNull(claimed, "claimed");
    return db.run(
        what,
        connection ->
            Db.count(
                    connection
                        .createStatement(sql)
                        .bind("$1", id(claimed))
                        .bind("$2", claimed.token()))
                .map(rows -> rows == 1));
  }

  @Override
  public Mono<Long> purge(DeadLetterQuery meant) {
    Objects.requireNonNull(meant, "query");
    return db.run(
        "purge dead letters",
        connection -> Db.count(bind(connection.createStatement(inOrder(meant).purge()), meant)));
  }

  // == statements and rows ==

  private InOrder inOrder(DeadLetterQuery query) {
    return query.isNewestFirst() ? newestFirst : oldestFirst;
  }

  private <V> Flux<V> many(
      String what,
      String sql,
      Function<Statement, Statement> bind,
      Function<? super Readable, V> row) {
    Mono<List<V>> rows =
        db.run(
            what,
            connection ->
                Db.<V>rows(bind.apply(connection.createStatement(sql)), row).collectList());
    return rows.flatMapIterable(list -> list);
  }

  private <V> Mono<V> one(
      String what,
      String sql,
      Function<Statement, Statement> bind,
      Function<? super Readable, V> row) {
    return db.run(
        what, connection -> Db.<V>rows(bind.apply(connection.createStatement(sql)), row).single());
  }

  private static Statement bind(Statement statement, DeadLetterQuery query) {
    long after = 0;
    long before = Long.MAX_VALUE;
    if (query.after() != null && query.isNewestFirst()) {
      before = Long.parseLong(query.after());
    } else if (query.after() != null) {
      after = Long.parseLong(query.after());
    }
    if (query.id() != null) {
      long id = Long.parseLong(query.id());
      after = Math.max(after, id - 1);
      before = Math.min(before, id + 1);
    }
    statement.bind("$1", after).bind("$2", before);
    bind(statement, "$3", query.channel());
    bind(statement, "$4", query.reason() == null ? null : query.reason().name());
    bind(statement, "$5", query.fingerprint());
    bind(statement, "$6", query.messageId());
    return statement
        .bind("$7", query.maxRedrives())
        .bind("$8", Micros.of(query.minAge()))
        .bind("$9", query.limit());
  }

  private static void bind(Statement statement, String name, @Nullable String value) {
    if (value == null) {
      statement.bindNull(name, String.class);
    } else {
      statement.bind(name, value);
    }
  }

  private static DeadLetter letter(Readable row) {
    String id = Long.toString(number(row, "id"));
    Instant addedAt = Objects.requireNonNull(row.get("added_at", OffsetDateTime.class)).toInstant();
    Message<byte[]> message =
        WireFormat.read(
            Objects.requireNonNull(row.get("body", byte[].class)),
            HeaderJson.read(Objects.requireNonNull(row.get("headers", String.class))),
            new WireFormat.Fallback() {
              @Override
              public String id() {
                return MessageIds.derived("sl_dead_letter", id);
              }

              @Override
              public Instant time() {
                return addedAt;
              }
            });
    return new DeadLetter(id, message, addedAt);
  }

  private static long number(Readable row, String column) {
    return Objects.requireNonNull(row.get(column, Long.class), column);
  }

  private static Duration age(Readable row) {
    return Duration.of(Math.max(0, number(row, "micros")), ChronoUnit.MICROS);
  }

  private static long id(Claimed claimed) {
    return Long.parseLong(claimed.letter().id());
  }
}

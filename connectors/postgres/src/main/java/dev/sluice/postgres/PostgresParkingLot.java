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
import dev.sluice.store.ParkingLot;
import io.r2dbc.spi.Readable;
import io.r2dbc.spi.Statement;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.temporal.ChronoUnit;
import java.util.Collection;
import java.util.List;
import java.util.Objects;
import java.util.UUID;
import java.util.function.Function;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * Parked groups in two tables, on the database's clock.
 *
 * <p>The row of a group is locked by whatever puts a message behind it and by what opens it, so a
 * message is either here before the group is looked at for the last time, or comes to a group that
 * is open.
 */
public final class PostgresParkingLot implements ParkingLot {

  private static final String INTO =
      """
      insert into {schema}.sl_parked_message(flow, grp, place, message_id, why, headers, body)
      select $1, $2, g.next_place, $3, $6, $4::jsonb, $5 from g
      on conflict (flow, grp, message_id) do update set message_id = excluded.message_id
      returning place
      """;

  private static final String PARK =
      """
      with g as (
        insert into {schema}.sl_parked_group as p(flow, grp, why) values($1, $2, $6)
        on conflict (flow, grp) do update set next_place = p.next_place + 1, why = excluded.why,
          draining = false, claim = '', claimed_until = '-infinity'
        returning next_place)
      """
          + INTO;

  private static final String PARK_BEHIND =
      """
      with g as (
        update {schema}.sl_parked_group set next_place = next_place + 1
        where flow = $1 and grp = $2 returning next_place)
      """
          + INTO;

  private static final String PARKED =
      "select grp from {schema}.sl_parked_group where flow = $1 and grp = any($2)";

  private static final String GROUPS =
      """
      select grp, draining, why,
        (select count(*) from {schema}.sl_parked_message m
          where m.flow = g.flow and m.grp = g.grp) as messages,
        (extract(epoch from clock_timestamp() - since) * 1000000)::bigint as micros
      from {schema}.sl_parked_group g where flow = $1 order by since, grp limit $2
      """;

  private static final String MESSAGE =
      "m.place, m.why, m.parked_at, m.headers::text as headers, m.body";

  private static final String LIST =
      "select "
          + MESSAGE
          + " from {schema}.sl_parked_message m"
          + " where flow = $1 and grp = $2 and place > $3 order by place limit $4";

  private static final String DROP =
      """
      with g as (
        select flow, grp from {schema}.sl_parked_group
        where flow = $1 and grp = $2 and not draining for update)
      delete from {schema}.sl_parked_message m using g
      where m.flow = g.flow and m.grp = g.grp and m.place = $3
      """;

  private static final String RELEASE =
      """
      update {schema}.sl_parked_group set draining = true
      where flow = $1 and grp = $2 and not draining
      """;

  private static final String CLAIM =
      """
      update {schema}.sl_parked_group g
      set claim = $2, claimed_until = clock_timestamp() + $3 * interval '1 microsecond'
      from (select flow, grp from {schema}.sl_parked_group
        where flow = $1 and draining and claimed_until <= clock_timestamp()
        order by since, grp limit 1 for update skip locked) free
      where g.flow = free.flow and g.grp = free.grp
      returning g.grp
      """;

  private static final String MINE = " where flow = $1 and grp = $2 and claim = $3";

  private static final String RENEW =
      "update {schema}.sl_parked_group"
          + " set claimed_until = clock_timestamp() + $4 * interval '1 microsecond'"
          + MINE;

  private static final String FIRST =
      "select "
          + MESSAGE
          + """
             from {schema}.sl_parked_message m join {schema}.sl_parked_group g
            on g.flow = m.flow and g.grp = m.grp and g.claim = $3
            where m.flow = $1 and m.grp = $2 order by m.place limit 1
            """;

  private static final String REMOVE =
      """
      with g as (
        select flow, grp from {schema}.sl_parked_group
        where flow = $1 and grp = $2 and claim = $3 for share)
      delete from {schema}.sl_parked_message m using g
      where m.flow = g.flow and m.grp = g.grp and m.place = $4
      """;

  private static final String PARK_AGAIN =
      "update {schema}.sl_parked_group"
          + " set draining = false, claim = '', claimed_until = '-infinity', why = $4"
          + MINE;

  private static final String LOCK =
      "select 1 from {schema}.sl_parked_group" + MINE + " for update";

  /** After the lock and in a statement of its own, so that it sees what came before the lock. */
  private static final String OPEN =
      """
      delete from {schema}.sl_parked_group where flow = $1 and grp = $2 and claim = $3
      and not exists (select 1 from {schema}.sl_parked_message m where m.flow = $1 and m.grp = $2)
      """;

  private static final String GIVE_BACK =
      "update {schema}.sl_parked_group set claim = '', claimed_until = '-infinity'" + MINE;

  private final PostgresDatabase database;
  private final Db db;

  private PostgresParkingLot(PostgresDatabase database) {
    this.database = database;
    this.db = database.db();
  }

  /** The parked groups of a database. */
  public static PostgresParkingLot create(PostgresDatabase database) {
    return new PostgresParkingLot(Objects.requireNonNull(database, "database"));
  }

  @Override
  public Mono<Long> park(String flow, Message<byte[]> message, String why) {
    String reason = ParkingLot.shortened(why);
    return put("park a message", PARK, flow, message, s -> s.bind("$6", reason)).single();
  }

  @Override
  public Mono<Boolean> parkBehind(String flow, Message<byte[]> message) {
    return put(
            "park a message behind its group",
            PARK_BEHIND,
            flow,
            message,
            s -> s.bindNull("$6", String.class))
        .hasElement();
  }

  private Mono<Long> put(
      String what,
      String sql,
      String flow,
      Message<byte[]> message,
      Function<Statement, Statement> why) {
    String group = ParkingLot.groupOf(flow, message);
    return many(
            what,
            sql,
            statement ->
                why.apply(
                    statement
                        .bind("$1", flow)
                        .bind("$2", group)
                        .bind("$3", message.id())
                        .bind("$4", HeaderJson.write(message))
                        .bind("$5", message.payload())),
            row -> number(row, "place"))
        .next();
  }

  @Override
  public Flux<String> parked(String flow, Collection<String> groups) {
    String[] asked = groups.toArray(String[]::new);
    return many(
        "ask for parked groups",
        PARKED,
        statement -> statement.bind("$1", flow).bind("$2", asked),
        row -> text(row, "grp"));
  }

  @Override
  public Flux<ParkedGroup> groups(String flow, int limit) {
    ParkingLot.requireLimit(limit);
    return many(
        "list parked groups",
        GROUPS,
        statement -> statement.bind("$1", flow).bind("$2", limit),
        row ->
            new ParkedGroup(
                flow,
                text(row, "grp"),
                Objects.requireNonNull(row.get("draining", Boolean.class)),
                number(row, "messages"),
                text(row, "why"),
                Duration.of(Math.max(0, number(row, "micros")), ChronoUnit.MICROS)));
  }

  @Override
  public Flux<Parked> list(String flow, String group, long after, int limit) {
    ParkingLot.requireLimit(limit);
    return many(
        "list parked messages",
        LIST,
        s -> s.bind("$1", flow).bind("$2", group).bind("$3", after).bind("$4", limit),
        PostgresParkingLot::message);
  }

  @Override
  public Mono<Boolean> drop(String flow, String group, long place) {
    return changed(
        "drop a parked message", DROP, s -> s.bind("$1", flow).bind("$2", group).bind("$3", place));
  }

  @Override
  public Mono<Boolean> release(String flow, String group) {
    return changed("release a parked group", RELEASE, s -> s.bind("$1", flow).bind("$2", group));
  }

  @Override
  public Mono<Claim> claim(String flow, Duration lease) {
    long micros = Micros.positive("lease", lease);
    return Mono.defer(
        () -> {
          String token = UUID.randomUUID().toString();
          return many(
                  "claim a parked group",
                  CLAIM,
                  s -> s.bind("$1", flow).bind("$2", token).bind("$3", micros),
                  row -> new Claim(flow, text(row, "grp"), token))
              .next();
        });
  }

  @Override
  public Mono<Boolean> renew(Claim claim, Duration lease) {
    long micros = Micros.positive("lease", lease);
    return changed("renew a claim", RENEW, s -> bind(s, claim).bind("$4", micros));
  }

  @Override
  public Mono<Parked> first(Claim claim) {
    return many("read a parked message", FIRST, s -> bind(s, claim), PostgresParkingLot::message)
        .next();
  }

  @Override
  public Mono<Boolean> remove(Claim claim, long place) {
    return changed("remove a parked message", REMOVE, s -> bind(s, claim).bind("$4", place));
  }

  @Override
  public Mono<Boolean> parkAgain(Claim claim, String why) {
    String reason = ParkingLot.shortened(why);
    return changed("park a group again", PARK_AGAIN, s -> bind(s, claim).bind("$4", reason));
  }

  @Override
  public Mono<Boolean> open(Claim claim) {
    Objects.requireNonNull(claim, "claim");
    return db.transaction(
        "open a group",
        connection ->
            Db.rows(bind(connection.createStatement(database.sql(LOCK)), claim), row -> true)
                .then(
                    Db.count(bind(connection.createStatement(database.sql(OPEN)), claim))
                        .map(rows -> rows == 1)));
  }

  @Override
  public Mono<Boolean> giveBack(Claim claim) {
    return changed("give a claim up", GIVE_BACK, s -> bind(s, claim));
  }

  // == statements and rows ==

  private static Statement bind(Statement statement, Claim claim) {
    return statement.bind("$1", claim.flow()).bind("$2", claim.group()).bind("$3", claim.token());
  }

  private Mono<Boolean> changed(String what, String sql, Function<Statement, Statement> bind) {
    return db.run(
        what,
        connection ->
            Db.count(bind.apply(connection.createStatement(database.sql(sql))))
                .map(rows -> rows > 0));
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
                Db.<V>rows(bind.apply(connection.createStatement(database.sql(sql))), row)
                    .collectList());
    return rows.flatMapIterable(list -> list);
  }

  private static Parked message(Readable row) {
    long place = number(row, "place");
    Instant at = Objects.requireNonNull(row.get("parked_at", OffsetDateTime.class)).toInstant();
    Message<byte[]> message =
        WireFormat.read(
            Objects.requireNonNull(row.get("body", byte[].class)),
            HeaderJson.read(text(row, "headers")),
            new WireFormat.Fallback() {
              @Override
              public String id() {
                return MessageIds.derived("sl_parked_message", Long.toString(place));
              }

              @Override
              public Instant time() {
                return at;
              }
            });
    return new Parked(place, message, row.get("why", String.class), at);
  }

  private static long number(Readable row, String column) {
    return Objects.requireNonNull(row.get(column, Long.class), column);
  }

  private static String text(Readable row, String column) {
    return Objects.requireNonNull(row.get(column, String.class), column);
  }
}

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

import dev.sluice.observe.Metered;
import dev.sluice.observe.Meters;
import dev.sluice.store.SagaEvent;
import dev.sluice.store.SagaEvent.Kind;
import dev.sluice.store.SagaKey;
import dev.sluice.store.SagaLog;
import dev.sluice.store.SagaState;
import io.r2dbc.spi.Connection;
import io.r2dbc.spi.Readable;
import io.r2dbc.spi.Statement;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.temporal.ChronoUnit;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * Journals in tables, on the database's clock. What the sagas of a process append at the same time
 * is one commit, so make one of it for each database and share it.
 *
 * <p>At most 65 536 appends and as many opens wait at once; more fail, as temporary.
 */
public final class PostgresSagaLog implements SagaLog, Metered {

  /**
   * A row that somebody has locked is being appended to by who holds it: it is asked for again,
   * unless it is not held any more.
   */
  private static final String RENEW =
      """
      with asked as materialized (
        select * from unnest($1::text[], $2::text[], $3::bigint[]) as a(saga, id, fence)),
      held as (
        select s.saga, s.id from {schema}.sl_saga s
        join asked a on s.saga = a.saga and s.id = a.id and s.fence = a.fence
        where s.state = 'RUNNING' order by s.saga, s.id for update of s skip locked),
      renewed as (
        update {schema}.sl_saga s set until = clock_timestamp() + $4 * interval '1 microsecond'
        from held where s.saga = held.saga and s.id = held.id
        returning s.saga, s.id)
      select s.saga, s.id, s.fence, renewed.saga is not null as renewed
      from {schema}.sl_saga s
      join asked a on s.saga = a.saga and s.id = a.id and s.fence = a.fence
      left join renewed on renewed.saga = s.saga and renewed.id = s.id
      where s.state = 'RUNNING'
      """;

  /** By the time at which the statement began, because only that may be looked up in an index. */
  private static final String TAKE =
      """
      with due as (
        select s.saga, s.id from {schema}.sl_saga s
        join unnest($1::text[], $2::int[]) as d(saga, version)
          on s.saga = d.saga and s.version <= d.version
        where s.state = 'RUNNING' and s.until <= statement_timestamp()
        order by s.until limit $3 for update of s skip locked)
      update {schema}.sl_saga s
      set owner = $4, fence = s.fence + 1, takeovers = s.takeovers + 1,
          until = clock_timestamp() + $5 * interval '1 microsecond'
      from due where s.saga = due.saga and s.id = due.id
      returning s.*,
        (extract(epoch from clock_timestamp() - s.opened_at) * 1000000)::bigint as age_micros
      """;

  private static final String READ =
      """
      select revision, at, kind, step, key, note, data from {schema}.sl_saga_event
      where saga = $1 and id = $2 order by revision
      """;

  private static final String LOCK =
      """
      select 1 from {schema}.sl_saga
      where saga = $1 and id = $2 and revision = $3 and state in ('RUNNING', 'PARKED') for update
      """;

  private static final String AMEND =
      """
      update {schema}.sl_saga
      set revision = revision + $3, fence = fence + 1, owner = '', until = clock_timestamp(),
          state = case when $4::text = '' then state else $4::text end, takeovers = 0,
          changed_at = clock_timestamp(),
          ended_at = case when $4::text in ('COMPLETED', 'COMPENSATED', 'ABANDONED')
            then clock_timestamp() end
      where saga = $1 and id = $2
      """;

  private static final String WRITE =
      """
      insert into {schema}.sl_saga_event(saga, id, revision, kind, step, key, note, data)
      values($1, $2, $3, $4, $5, $6, $7, $8)
      """;

  private static final String QUERY =
      """
      select saga, id, version, state, revision, takeovers, opened_at, changed_at,
        case when state = 'RUNNING'
          then (extract(epoch from until - clock_timestamp()) * 1000000)::bigint else 0 end
          as left_micros
      from {schema}.sl_saga
      where ($1::text is null or saga = $1) and ($2::text is null or state = $2)
        and ($3::text is null or (saga, id) > ($3::text collate "C", $4::text collate "C"))
      order by saga, id limit $5
      """;

  private static final String STATS =
      """
      select count(*) filter (where state = 'RUNNING') as running,
        count(*) filter (where state = 'PARKED') as parked,
        coalesce((extract(epoch from clock_timestamp()
          - min(until) filter (where state = 'RUNNING')) * 1000000)::bigint, 0) as overdue_micros
      from {schema}.sl_saga where state in ('RUNNING', 'PARKED')
      """;

  private static final String PURGE =
      """
      with gone as (
        select saga, id from {schema}.sl_saga
        where ended_at <= statement_timestamp() - $1 * interval '1 microsecond'
        order by ended_at limit $2 for update skip locked),
      events as (
        delete from {schema}.sl_saga_event e using gone
        where e.saga = gone.saga and e.id = gone.id)
      delete from {schema}.sl_saga s using gone where s.saga = gone.saga and s.id = gone.id
      """;

  /**
   * How long a lease waits that could not be renewed because its saga is just being appended to.
   */
  private static final Duration LOCKED = Duration.ofMillis(20);

  private final Db db;
  private final Db leases;
  private final String schema;
  private final SagaOpens opens;
  private final SagaAppends appends;
  private final String renew;
  private final String take;
  private final String read;
  private final String lock;
  private final String amend;
  private final String write;
  private final String query;
  private final String stats;
  private final String purge;

  private PostgresSagaLog(PostgresDatabase database) {
    this.db = database.db();
    this.leases = database.leases();
    this.schema = database.schema();
    this.opens = new SagaOpens(database);
    this.appends = new SagaAppends(database);
    this.renew = database.sql(RENEW);
    this.take = database.sql(TAKE);
    this.read = database.sql(READ);
    this.lock = database.sql(LOCK);
    this.amend = database.sql(AMEND);
    this.write = database.sql(WRITE);
    this.query = database.sql(QUERY);
    this.stats = database.sql(STATS);
    this.purge = database.sql(PURGE);
  }

  /** The journals of a database. */
  public static PostgresSagaLog create(PostgresDatabase database) {
    return new PostgresSagaLog(Objects.requireNonNull(database, "database"));
  }

  @Override
  public Mono<Opening> open(SagaKey key, int version, byte[] input, String owner, Duration lease) {
    Objects.requireNonNull(key, "key");
    SagaEvent opened = SagaEvent.of(Kind.OPENED, "", input.clone());
    requireOwner(owner);
    return opens.open(
        key,
        version,
        Objects.requireNonNull(opened.data()),
        owner,
        Micros.positive("lease", lease));
  }

  @Override
  public Mono<Void> append(Hold hold, long revision, List<SagaEvent> events) {
    Objects.requireNonNull(hold, "hold");
    return appends.append(hold, revision, requireEvents(events));
  }

  @Override
  public Flux<Hold> renew(Collection<Hold> holds, Duration lease) {
    Set<Hold> asked = Set.copyOf(holds);
    if (asked.size() > MAX_LIMIT) {
      throw new IllegalArgumentException(
          "holds: " + asked.size() + " (expected: <= " + MAX_LIMIT + ")");
    }
    long micros = Micros.positive("lease", lease);
    return asked.isEmpty() ? Flux.empty() : renew(asked, micros);
  }

  private record Renewal(Hold hold, boolean renewed) {}

  private Flux<Hold> renew(Set<Hold> asked, long micros) {
    return leases
        .run(
            "renew sagas",
            connection ->
                Db.few(
                        connection
                            .createStatement(renew)
                            .bind("$1", column(asked, hold -> hold.key().saga()))
                            .bind("$2", column(asked, hold -> hold.key().id()))
                            .bind("$3", asked.stream().map(Hold::fence).toArray(Long[]::new))
                            .bind("$4", micros),
                        row ->
                            new Renewal(
                                new Hold(key(row), number(row, "fence")),
                                Boolean.TRUE.equals(row.get("renewed", Boolean.class))))
                    .collectList())
        .flatMapMany(
            found -> {
              Set<Hold> again = new HashSet<>();
              found.stream().filter(one -> !one.renewed()).map(Renewal::hold).forEach(again::add);
              Flux<Hold> renewed =
                  Flux.fromIterable(found).filter(Renewal::renewed).map(Renewal::hold);
              return again.isEmpty()
                  ? renewed
                  : renewed.concatWith(
                      Flux.defer(() -> renew(again, micros)).delaySubscription(LOCKED));
            });
  }

  private static String[] column(Set<Hold> holds, Function<Hold, String> of) {
    return holds.stream().map(of).toArray(String[]::new);
  }

  @Override
  public Flux<Taken> take(Map<String, Integer> sagas, String owner, Duration lease, int limit) {
    Map<String, Integer> meant = Map.copyOf(sagas);
    requireOwner(owner);
    long micros = Micros.positive("lease", lease);
    SagaLog.requireLimit(limit);
    String[] names = new String[meant.size()];
    Integer[] versions = new Integer[meant.size()];
    int n = 0;
    for (Map.Entry<String, Integer> one : meant.entrySet()) {
      names[n] = one.getKey();
      versions[n++] = one.getValue();
    }
    return db.run(
            "take sagas",
            connection ->
                Db.few(
                        connection
                            .createStatement(take)
                            .bind("$1", names)
                            .bind("$2", versions)
                            .bind("$3", limit)
                            .bind("$4", owner)
                            .bind("$5", micros),
                        SagaOpens::taken)
                    .collectList())
        .flatMapIterable(taken -> taken);
  }

  @Override
  public Flux<Entry> read(SagaKey key) {
    Objects.requireNonNull(key, "key");
    return db.run(
            "read a journal",
            connection ->
                Db.rows(
                        connection
                            .createStatement(read)
                            .bind("$1", key.saga())
                            .bind("$2", key.id()),
                        PostgresSagaLog::entry)
                    .collectList())
        .flatMapIterable(entries -> entries);
  }

  @Override
  public Mono<Boolean> amend(SagaKey key, long revision, List<SagaEvent> events) {
    Objects.requireNonNull(key, "key");
    List<SagaEvent> copy = requireEvents(events);
    return db.transaction(
        "amend a journal",
        connection ->
            Db.count(
                    connection
                        .createStatement(lock)
                        .bind("$1", key.saga())
                        .bind("$2", key.id())
                        .bind("$3", revision))
                .flatMap(
                    rows ->
                        rows == 1
                            ? amend(connection, key, revision, copy).thenReturn(true)
                            : Mono.just(false)));
  }

  private Mono<Void> amend(
      Connection connection, SagaKey key, long revision, List<SagaEvent> events) {
    SagaState last = null;
    for (SagaEvent event : events) {
      SagaState next = event.kind().state();
      last = next == null ? last : next;
    }
    return Db.count(
            connection
                .createStatement(amend)
                .bind("$1", key.saga())
                .bind("$2", key.id())
                .bind("$3", events.size())
                .bind("$4", last == null ? "" : last.name()))
        .thenMany(Flux.range(0, events.size()))
        .concatMap(i -> write(connection, key, revision + 1 + i, events.get(i)))
        .then();
  }

  private Mono<Long> write(Connection connection, SagaKey key, long revision, SagaEvent event) {
    byte @Nullable [] data = event.data();
    Statement statement =
        connection
            .createStatement(write)
            .bind("$1", key.saga())
            .bind("$2", key.id())
            .bind("$3", revision)
            .bind("$4", event.kind().name())
            .bind("$5", event.step())
            .bind("$6", event.key())
            .bind("$7", event.note());
    return Db.count(
        data == null ? statement.bindNull("$8", byte[].class) : statement.bind("$8", data));
  }

  @Override
  public Flux<Summary> query(Query meant) {
    Objects.requireNonNull(meant, "query");
    return db.run(
            "query sagas",
            connection -> {
              Statement statement = connection.createStatement(query);
              SagaKey after = meant.after();
              bind(statement, "$1", meant.saga());
              bind(statement, "$2", meant.state() == null ? null : meant.state().name());
              bind(statement, "$3", after == null ? null : after.saga());
              bind(statement, "$4", after == null ? null : after.id());
              return Db.few(statement.bind("$5", meant.limit()), PostgresSagaLog::summary)
                  .collectList();
            })
        .flatMapIterable(found -> found);
  }

  @Override
  public Mono<Stats> stats() {
    return db.run(
        "count sagas",
        connection ->
            Db.few(
                    connection.createStatement(stats),
                    row ->
                        new Stats(
                            number(row, "running"),
                            number(row, "parked"),
                            time(Math.max(0, number(row, "overdue_micros")))))
                .single());
  }

  @Override
  public Mono<Integer> purge(Duration minAge, int limit) {
    long micros = Micros.notNegative("minAge", minAge);
    SagaLog.requireLimit(limit);
    return db.run(
        "purge sagas",
        connection ->
            Db.count(connection.createStatement(purge).bind("$1", micros).bind("$2", limit))
                .map(Long::intValue));
  }

  // == rows ==

  private static Entry entry(Readable row) {
    return new Entry(
        number(row, "revision"),
        instant(row, "at"),
        new SagaEvent(
            Kind.valueOf(text(row, "kind")),
            text(row, "step"),
            text(row, "key"),
            text(row, "note"),
            row.get("data", byte[].class)));
  }

  private static Summary summary(Readable row) {
    return new Summary(
        key(row),
        Objects.requireNonNull(row.get("version", Integer.class)),
        SagaState.valueOf(text(row, "state")),
        number(row, "revision"),
        Objects.requireNonNull(row.get("takeovers", Integer.class)),
        instant(row, "opened_at"),
        instant(row, "changed_at"),
        time(Math.max(0, number(row, "left_micros"))));
  }

  private static SagaKey key(Readable row) {
    return new SagaKey(text(row, "saga"), text(row, "id"));
  }

  private static String text(Readable row, String column) {
    return Objects.requireNonNull(row.get(column, String.class), column);
  }

  private static long number(Readable row, String column) {
    return Objects.requireNonNull(row.get(column, Long.class), column);
  }

  private static Instant instant(Readable row, String column) {
    return Objects.requireNonNull(row.get(column, OffsetDateTime.class), column).toInstant();
  }

  private static Duration time(long micros) {
    return Duration.of(micros, ChronoUnit.MICROS);
  }

  private static void bind(Statement statement, String name, @Nullable String value) {
    if (value == null) {
      statement.bindNull(name, String.class);
    } else {
      statement.bind(name, value);
    }
  }

  // == what is seen of it ==

  /** What it has in memory, tagged {@code schema}. */
  @Override
  public void meters(Meters meters) {
    Meters mine = meters.with("schema", schema);
    mine.gauge("sluice.saga.opens.waiting", "sagas", "That wait for a batch", opens::waiting);
    mine.gauge("sluice.saga.appends.waiting", "appends", "That wait for a batch", appends::waiting);
  }

  // == arguments ==

  private static void requireOwner(String owner) {
    if (owner.isEmpty() || owner.length() > MAX_OWNER) {
      throw new IllegalArgumentException(
          "owner: " + owner.length() + " characters (expected: 1.." + MAX_OWNER + ")");
    }
  }

  private static List<SagaEvent> requireEvents(List<SagaEvent> events) {
    if (events.isEmpty() || events.size() > MAX_EVENTS) {
      throw new IllegalArgumentException(
          "events: " + events.size() + " (expected: 1.." + MAX_EVENTS + ")");
    }
    return List.copyOf(events);
  }
}

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

import static dev.sluice.postgres.TaskRows.array;
import static dev.sluice.postgres.TaskRows.content;
import static dev.sluice.postgres.TaskRows.flag;
import static dev.sluice.postgres.TaskRows.key;
import static dev.sluice.postgres.TaskRows.number;
import static dev.sluice.postgres.TaskRows.text;

import dev.sluice.observe.Metered;
import dev.sluice.observe.Meters;
import dev.sluice.postgres.TaskEnds.How;
import dev.sluice.postgres.TaskTakers.Takers;
import dev.sluice.store.Content;
import dev.sluice.store.NewTask;
import dev.sluice.store.Remedy;
import dev.sluice.store.StepKey;
import dev.sluice.store.Task;
import dev.sluice.store.Task.StepState;
import dev.sluice.store.TaskStore;
import io.r2dbc.spi.Connection;
import io.r2dbc.spi.Readable;
import io.r2dbc.spi.Statement;
import java.io.ByteArrayOutputStream;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.function.BiFunction;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * Tasks in two tables, on the database's clock: any scheduler, agent and supervisor of any process
 * may go on with any of them. Leases are renewed on connections that nothing else uses.
 *
 * <p>In memory it has steps that were made ready here and that the subscribers of {@link #readied}
 * have not asked for, at most what as many changes as there are {@linkplain
 * PostgresSpec#connections connections} make ready; and claims and ends of steps that wait for
 * their batch, at most 65 536 of each: further ones fail with a {@link
 * dev.sluice.store.StoreFailed} that is temporary.
 */
public final class PostgresTaskStore implements TaskStore, Metered {

  private static final String START =
      """
      with started as (
        insert into {schema}.sl_task(id, kind) values($1, $2) on conflict do nothing returning id),
      steps as (
        select s.*,
          array(select e.before from unnest($8::text[], $9::text[]) as e(step, before)
                where e.step = s.name) as after,
          array(select r.remedy
                from unnest($10::text[], $11::text[]) with ordinality as r(step, remedy, n)
                where r.step = s.name order by r.n) as remedies
        from unnest($3::text[], $4::text[], $5::bigint[], $6::int[], $12::text[])
          with ordinality as s(name, channel, within, size, type, n)),
      made as (
        insert into {schema}.sl_task_step(
        task, name, place, kind, channel, input_type, input, after, within, remedies, state, complete_by,
        trouble_at, dispatch_at)
      select started.id, s.name, s.n, $2, s.channel, s.type,
        substring($7::bytea from (sum(s.size) over (order by s.n) - s.size + 1)::int for s.size),
        s.after, s.within * interval '1 microsecond', s.remedies,
        case when s.after = '{}' then 'READY' else 'WAITING' end,
        case when s.after = '{}' then clock_timestamp() + s.within * interval '1 microsecond'
             else 'infinity' end,
        case when s.after = '{}' then clock_timestamp() + s.within * interval '1 microsecond'
             else 'infinity' end,
        case when s.after = '{}'
             then clock_timestamp() + coalesce(m.again, 0) * interval '1 microsecond'
             else 'infinity' end
      from steps s cross join started
      left join unnest($13::text[], $14::bigint[]) as m(channel, again) on m.channel = s.channel
      returning task, name, version, channel, state)
      select task, name, version, channel from made where state = 'READY'
      """;

  /**
   * Locked rows are somebody else's. What is overdue is a supervisor's. It need not be durable: if
   * it is lost with the server, the step is sent again.
   */
  private static final String DISPATCH =
      """
      update {schema}.sl_task_step s
      set dispatch_at = clock_timestamp() + $3 * interval '1 microsecond'
      from (select task, name from {schema}.sl_task_step
            where channel = any($1) and dispatch_at <= statement_timestamp()
              and complete_by > clock_timestamp()
            order by dispatch_at limit $2 for update skip locked) due,
        (select set_config('synchronous_commit', 'off', true)) as soon
      where s.task = due.task and s.name = due.name
      returning s.task, s.name, s.version, s.channel
      """;

  private static final String RENEW =
      """
      update {schema}.sl_task_step s
      set leased_until = least(clock_timestamp() + $4 * interval '1 microsecond', complete_by),
          trouble_at = least(clock_timestamp() + $4 * interval '1 microsecond', complete_by),
          note = coalesce($5::text, note)
      from {schema}.sl_task t
      where t.id = $1 and s.task = $1 and s.name = $2 and s.version = $3 and s.state = 'RUNNING'
        and s.complete_by > clock_timestamp()
      returning t.state = 'UNDOING' and not s.undoing as unwanted
      """;

  private static final String TROUBLE =
      """
      with taken as (
        update {schema}.sl_task_step s
        set version = version + 1, trouble_at = clock_timestamp() + $2 * interval '1 microsecond'
        from (select task, name from {schema}.sl_task_step
              where trouble_at <= statement_timestamp()
              order by trouble_at limit $1 for update skip locked) due
        where s.task = due.task and s.name = due.name
        returning s.*)
      select s.task, s.name, s.kind, s.channel, s.remedies, s.tried, s.for_good, s.undoing, s.note,
        s.version, t.state = 'UNDOING' as task_undoing,
        case when s.state = 'FAILED' then 'FAILED'
             when s.complete_by > clock_timestamp() then 'EXPIRED' else 'OVERDUE' end as cause
      from taken s join {schema}.sl_task t on t.id = s.task
      """;

  private static final String FIND =
      """
      select t.kind, t.state as task_state, t.why,
        (extract(epoch from clock_timestamp() - t.started_at) * 1000000)::bigint as age,
        s.name, s.channel, s.state, s.undoing, s.after, s.attempts, s.version, s.agent, s.note,
        s.output_type, s.output
      from {schema}.sl_task t join {schema}.sl_task_step s on s.task = t.id
      where t.id = $1 order by s.place
      """;

  private static final String QUERY =
      """
      select t.id, t.kind, t.state,
        (extract(epoch from clock_timestamp() - t.started_at) * 1000000)::bigint as age,
        (select count(*) from {schema}.sl_task_step s
         where s.task = t.id and s.state = 'ESCALATED') as escalated
      from {schema}.sl_task t
      where ($1::text is null or t.kind = $1) and ($2::text is null or t.state = $2)
        and ($3::text is null or t.id > $3)
        and (not $4 or t.id in (
          select s.task from {schema}.sl_task_step s where s.state = 'ESCALATED'))
      order by t.id limit $5
      """;

  private static final String STATS =
      """
      select
        (select count(*) from {schema}.sl_task
         where ended_at is null and state = 'RUNNING') as running,
        (select count(*) from {schema}.sl_task
         where ended_at is null and state = 'UNDOING') as undoing,
        (select count(*) from {schema}.sl_task_step where state = 'ESCALATED') as escalated,
        count(*) as troubled,
        coalesce((extract(epoch from clock_timestamp() - min(trouble_at)) * 1000000)::bigint, 0)
          as overdue
      from {schema}.sl_task_step where trouble_at <= statement_timestamp()
      """;

  private static final String PURGE =
      """
      with old as (
        delete from {schema}.sl_task where id in (
          select id from {schema}.sl_task
          where ended_at <= statement_timestamp() - $1 * interval '1 microsecond'
          order by ended_at limit $2 for update skip locked)
        returning id),
      steps as (
        delete from {schema}.sl_task_step s using old where s.task = old.id)
      select count(*) as forgotten from old
      """;

  private final PostgresDatabase database;
  private final Db db;
  private final Db leases;
  private final TaskTakers takers;
  private final TaskCourse course;
  private final TaskClaims claims;
  private final TaskEnds ends;

  private PostgresTaskStore(PostgresDatabase database) {
    this.database = database;
    this.db = database.db();
    this.leases = database.leases();
    this.takers = new TaskTakers(database);
    this.course = new TaskCourse(database);
    this.claims = new TaskClaims(database);
    this.ends = new TaskEnds(database, course, takers);
  }

  /** The tasks of a database. */
  public static PostgresTaskStore create(PostgresDatabase database) {
    return new PostgresTaskStore(Objects.requireNonNull(database, "database"));
  }

  // == schedulers ==

  @Override
  public Mono<Boolean> start(NewTask task) {
    Objects.requireNonNull(task, "task");
    return db.run(
            "start a task",
            connection -> {
              Takers now = takers.now();
              Statement statement = now.bind(bind(sql(connection, START), task), "$13", "$14");
              return Db.few(statement, TaskRows::dispatch)
                  .collectList()
                  .map(readied -> new Changed(readied, now));
            })
        .map(Changed::hand);
  }

  /** What has come of a change, to be handed to who was there when it began. */
  private record Changed(List<Dispatch> readied, Takers takers) {

    /** Whether anything has. */
    boolean hand() {
      takers.hand(readied);
      return !readied.isEmpty();
    }
  }

  /** The steps as one array for each column. The driver has no arrays of {@code bytea}. */
  private static Statement bind(Statement statement, NewTask task) {
    List<String> names = new ArrayList<>();
    List<String> channels = new ArrayList<>();
    List<Long> withins = new ArrayList<>();
    List<Integer> sizes = new ArrayList<>();
    List<String> types = new ArrayList<>();
    ByteArrayOutputStream inputs = new ByteArrayOutputStream();
    List<String> behind = new ArrayList<>();
    List<String> before = new ArrayList<>();
    List<String> troubled = new ArrayList<>();
    List<String> remedies = new ArrayList<>();
    for (NewTask.Step step : task.steps()) {
      names.add(step.name());
      channels.add(step.channel());
      withins.add(Micros.of(step.within()));
      sizes.add(step.input().bytes().length);
      types.add(step.input().type());
      inputs.writeBytes(step.input().bytes());
      for (String name : step.after()) {
        behind.add(step.name());
        before.add(name);
      }
      for (Remedy remedy : step.remedies()) {
        troubled.add(step.name());
        remedies.add(Remedy.format(remedy));
      }
    }
    return statement
        .bind("$1", task.id())
        .bind("$2", task.kind())
        .bind("$3", texts(names))
        .bind("$4", texts(channels))
        .bind("$5", withins.toArray(new Long[0]))
        .bind("$6", sizes.toArray(new Integer[0]))
        .bind("$7", inputs.toByteArray())
        .bind("$8", texts(behind))
        .bind("$9", texts(before))
        .bind("$10", texts(troubled))
        .bind("$11", texts(remedies))
        .bind("$12", texts(types));
  }

  private static String[] texts(Collection<String> texts) {
    return texts.toArray(new String[0]);
  }

  @Override
  public Flux<Dispatch> dispatch(Collection<String> channels, int limit, Duration again) {
    String[] mine = texts(channels);
    TaskStore.requireLimit(limit);
    long micros = Micros.positive("again", again);
    return many(
        "dispatch steps",
        connection ->
            sql(connection, DISPATCH).bind("$1", mine).bind("$2", limit).bind("$3", micros),
        TaskRows::dispatch);
  }

  @Override
  public Flux<Dispatch> readied(String channel, Duration again) {
    return takers.readied(
        Objects.requireNonNull(channel, "channel"), Micros.positive("again", again));
  }

  @Override
  public Flux<Long> hints() {
    return takers.hints();
  }

  // == agents ==

  @Override
  public Mono<Run> claim(StepKey key, long version, String agent, Duration lease) {
    Objects.requireNonNull(key, "key");
    if (agent.isEmpty() || agent.length() > MAX_AGENT) {
      throw new IllegalArgumentException(
          "agent: " + agent.length() + " characters (expected: 1.." + MAX_AGENT + ")");
    }
    return claims.claim(key, version, agent, Micros.positive("lease", lease));
  }

  @Override
  public Mono<Renewal> renew(Run run, @Nullable String note, Duration lease) {
    Objects.requireNonNull(run, "run");
    long micros = Micros.positive("lease", lease);
    return leases.run(
        "renew a step",
        connection ->
            Db.rows(
                    bindText(
                        bind(sql(connection, RENEW), run).bind("$4", micros),
                        "$5",
                        note == null ? null : TaskStore.note(note)),
                    row -> flag(row, "unwanted") ? Renewal.UNWANTED : Renewal.HELD)
                .singleOrEmpty()
                .defaultIfEmpty(Renewal.LOST));
  }

  @Override
  public Mono<Boolean> done(Run run, @Nullable Content output) {
    Objects.requireNonNull(run, "run");
    TaskStore.requireBody("output", output);
    return ends.end(run, How.DONE, "", output);
  }

  @Override
  public Mono<Boolean> failed(Run run, String why, boolean forGood) {
    Objects.requireNonNull(run, "run");
    return ends.end(run, forGood ? How.REFUSED : How.FAILED, TaskStore.note(why), null);
  }

  @Override
  public Mono<Boolean> release(Run run) {
    Objects.requireNonNull(run, "run");
    return ends.end(run, How.RELEASED, "", null);
  }

  // == supervisors ==

  @Override
  public Flux<Trouble> trouble(int limit, Duration lease) {
    TaskStore.requireLimit(limit);
    long micros = Micros.positive("lease", lease);
    return many(
        "find steps in trouble",
        connection -> sql(connection, TROUBLE).bind("$1", limit).bind("$2", micros),
        row ->
            new Trouble(
                key(row),
                text(row, "kind"),
                text(row, "channel"),
                Arrays.stream(array(row, "remedies")).map(Remedy::parse).toList(),
                number(row, "tried").intValue(),
                Cause.valueOf(text(row, "cause")),
                flag(row, "for_good"),
                flag(row, "undoing"),
                flag(row, "task_undoing"),
                text(row, "note"),
                number(row, "version").longValue()));
  }

  @Override
  public Mono<Boolean> treat(StepKey key, long version, Treatment treatment, String why) {
    Objects.requireNonNull(key, "key");
    Objects.requireNonNull(treatment, "treatment");
    String note = TaskStore.note(why);
    Mono<Boolean> treated =
        changing(
            "treat a step",
            (connection, now) ->
                Db.count(bind(bind(course.treat(connection), key, version), treatment, note))
                    .filter(rows -> rows > 0)
                    .delayUntil(
                        rows ->
                            treatment instanceof Treatment.Undo
                                ? course.turn(connection, key.task(), note)
                                : Mono.empty())
                    .flatMap(rows -> course.advance(connection, key.task(), now)));
    return treatment instanceof Treatment.Again
        ? treated.doOnNext(
            done -> {
              if (done) {
                takers.hint();
              }
            })
        : treated;
  }

  /** In one transaction. What emits nothing has changed nothing. */
  private Mono<Boolean> changing(
      String what, BiFunction<Connection, Takers, Mono<List<Dispatch>>> readying) {
    return db.transaction(
            what,
            connection -> {
              Takers now = takers.now();
              return readying.apply(connection, now).map(readied -> new Changed(readied, now));
            })
        .doOnNext(Changed::hand)
        .hasElement();
  }

  private static Statement bind(Statement statement, Treatment treatment, String note) {
    String name = treatment instanceof Treatment.Undo ? "UNDO" : "ESCALATE";
    String channel = null;
    int tried = 0;
    Content output = null;
    long delay = 0;
    if (treatment instanceof Treatment.Again again) {
      name = "AGAIN";
      channel = again.channel();
      tried = again.tried();
      delay = Micros.of(again.delay());
    } else if (treatment instanceof Treatment.Settle settle) {
      name = "SETTLE";
      output = settle.output();
    }
    statement.bind("$4", name).bind("$5", note).bind("$7", tried).bind("$9", delay);
    return bindContent(bindText(statement, "$6", channel), "$10", "$8", output);
  }

  // == people ==

  @Override
  public Mono<Boolean> undo(String id, String why) {
    Objects.requireNonNull(id, "id");
    String note = TaskStore.note(why);
    return byHand(
        "undo a task",
        id,
        (connection, now) ->
            course
                .turn(connection, id, note)
                .then(Mono.defer(() -> course.advance(connection, id, now))));
  }

  @Override
  public Mono<Boolean> abandon(String id, String why) {
    Objects.requireNonNull(id, "id");
    String note = TaskStore.note(why);
    return byHand(
        "abandon a task",
        id,
        (connection, now) -> course.abandon(connection, id, note).thenReturn(List.of()));
  }

  private Mono<Boolean> byHand(
      String what, String id, BiFunction<Connection, Takers, Mono<List<Dispatch>>> readying) {
    return changing(
        what,
        (connection, now) ->
            course
                .lock(connection, id)
                .filter(open -> open)
                .flatMap(open -> readying.apply(connection, now)));
  }

  // == looking ==

  @Override
  public Mono<Task> find(String id) {
    Objects.requireNonNull(id, "id");
    return db.run(
        "find a task",
        connection ->
            Db.few(sql(connection, FIND).bind("$1", id), row -> found(id, row))
                .collectList()
                .flatMap(PostgresTaskStore::together));
  }

  /** A task of one of its steps. */
  private static Task found(String id, Readable row) {
    return new Task(
        id,
        text(row, "kind"),
        Task.State.valueOf(text(row, "task_state")),
        text(row, "why"),
        age(row),
        List.of(step(row)));
  }

  private static Mono<Task> together(List<Task> rows) {
    if (rows.isEmpty()) {
      return Mono.empty();
    }
    Task task = rows.get(0);
    List<Task.Step> steps = rows.stream().flatMap(row -> row.steps().stream()).toList();
    return Mono.just(new Task(task.id(), task.kind(), task.state(), task.why(), task.age(), steps));
  }

  private static Task.Step step(Readable row) {
    return new Task.Step(
        text(row, "name"),
        text(row, "channel"),
        StepState.valueOf(text(row, "state")),
        flag(row, "undoing"),
        Set.of(array(row, "after")),
        number(row, "attempts").intValue(),
        number(row, "version").longValue(),
        text(row, "agent"),
        text(row, "note"),
        content(row, "output"));
  }

  @Override
  public Flux<Summary> query(Query query) {
    Objects.requireNonNull(query, "query");
    Task.State state = query.state();
    return many(
        "list tasks",
        connection -> {
          Statement statement =
              sql(connection, QUERY).bind("$4", query.isEscalated()).bind("$5", query.limit());
          bindText(statement, "$1", query.kind());
          bindText(statement, "$2", state == null ? null : state.name());
          return bindText(statement, "$3", query.after());
        },
        row ->
            new Summary(
                text(row, "id"),
                text(row, "kind"),
                Task.State.valueOf(text(row, "state")),
                number(row, "escalated").intValue(),
                age(row)));
  }

  @Override
  public Mono<Stats> stats() {
    return db.run(
        "count tasks",
        connection ->
            Db.rows(
                    sql(connection, STATS),
                    row ->
                        new Stats(
                            number(row, "running").longValue(),
                            number(row, "undoing").longValue(),
                            number(row, "escalated").longValue(),
                            number(row, "troubled").longValue(),
                            Duration.of(
                                Math.max(0, number(row, "overdue").longValue()),
                                ChronoUnit.MICROS)))
                .single());
  }

  @Override
  public Mono<Integer> purge(Duration minAge, int limit) {
    long micros = Micros.notNegative("minAge", minAge);
    TaskStore.requireLimit(limit);
    return db.run(
        "purge tasks",
        connection ->
            Db.rows(
                    sql(connection, PURGE).bind("$1", micros).bind("$2", limit),
                    row -> number(row, "forgotten").intValue())
                .single());
  }

  // == rows ==

  private static Duration age(Readable row) {
    return Duration.of(Math.max(0, number(row, "age").longValue()), ChronoUnit.MICROS);
  }

  // == statements ==

  private Statement sql(Connection connection, String template) {
    return connection.createStatement(database.sql(template));
  }

  private static Statement bind(Statement statement, Run run) {
    return bind(statement, run.key(), run.version());
  }

  private static Statement bind(Statement statement, StepKey key, long version) {
    return statement.bind("$1", key.task()).bind("$2", key.step()).bind("$3", version);
  }

  private static Statement bindText(Statement statement, String name, @Nullable String value) {
    return value == null ? statement.bindNull(name, String.class) : statement.bind(name, value);
  }

  private static Statement bindContent(
      Statement statement, String type, String bytes, @Nullable Content content) {
    return content == null
        ? statement.bindNull(type, String.class).bindNull(bytes, byte[].class)
        : statement.bind(type, content.type()).bind(bytes, content.bytes());
  }

  private <R> Flux<R> many(
      String what, Function<Connection, Statement> statement, Function<Readable, R> row) {
    return db.run(what, connection -> Db.few(statement.apply(connection), row).collectList())
        .flatMapIterable(rows -> rows);
  }

  // == what is seen of it ==

  /** What it has in memory, tagged {@code schema}. */
  @Override
  public void meters(Meters meters) {
    Meters mine = meters.with("schema", database.schema());
    mine.gauge(
        "sluice.task.held", "steps", "Ready, and not asked for by their scheduler", takers::held);
    mine.gauge("sluice.task.claims.waiting", "claims", "That wait for a batch", claims::waiting);
    mine.gauge("sluice.task.ends.waiting", "ends", "That wait for a batch", ends::waiting);
  }
}

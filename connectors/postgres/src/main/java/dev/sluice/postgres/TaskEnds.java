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

import dev.sluice.postgres.TaskTakers.Takers;
import dev.sluice.store.Content;
import dev.sluice.store.TaskStore.Dispatch;
import dev.sluice.store.TaskStore.Run;
import io.r2dbc.spi.Connection;
import io.r2dbc.spi.Readable;
import io.r2dbc.spi.Statement;
import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * Writes down what has come of steps that agents had, together with what follows for their tasks:
 * many in one statement, and those that it leaves out each in a transaction of its own.
 */
final class TaskEnds {

  private static final int BATCH = 128;
  private static final int BATCH_BYTES = 4 << 20;

  /** How an agent has ended its work on a step; a refusal is a failure for good. */
  enum How {
    DONE,
    FAILED,
    REFUSED,
    RELEASED
  }

  private static final String ASKED =
      """
      with asked as materialized (
        select * from
          unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::text[], $6::text[],
                 $7::int[], $8::int[])
          with ordinality as a(task, name, version, how, note, type, start, size, n)),
      """;

  /**
   * All in one statement, with what follows, of tasks that go forward and that nobody else has
   * locked. A statement sees steps as they were when it began: if the revision of a task is another
   * one when its row is locked, somebody has moved it on since, and it is left out as well.
   */
  static final String TOGETHER =
      ASKED
          + """
          seen as materialized (
            select id, revision from {schema}.sl_task where id = any($1)),
          held as materialized (
            select id, revision from {schema}.sl_task where id = any($1) and state = 'RUNNING'
            order by id for update skip locked),
          ended as (
            update {schema}.sl_task_step s
            set version = s.version + case e.how when 'RELEASED' then 1 else 0 end,
                state = case e.how when 'DONE' then 'DONE' when 'RELEASED' then 'READY'
                                   else 'FAILED' end,
                for_good = case when e.how in ('FAILED', 'REFUSED') then e.how = 'REFUSED'
                                else s.for_good end,
                note = case when e.how in ('FAILED', 'REFUSED') then e.note else s.note end,
                output_type = case when e.size >= 0 then e.type else s.output_type end,
                output = case when e.size >= 0
                  then substring($9::bytea from e.start + 1 for e.size) else s.output end,
                dispatch_at = case e.how when 'RELEASED' then clock_timestamp()
                                         else 'infinity' end,
                trouble_at = case e.how when 'DONE' then 'infinity'
                                        when 'RELEASED' then s.complete_by
                                        else clock_timestamp() end
            from asked e
            join held h on h.id = e.task
            join seen o on o.id = h.id and o.revision = h.revision
            where s.task = e.task and s.name = e.name and s.version = e.version
              and s.state = 'RUNNING'
            returning e.n, e.how, s.task, s.name),
          done as materialized (
            select task, name from ended where how = 'DONE'),
          readied as (
            update {schema}.sl_task_step s
            set state = 'READY', version = s.version + 1, for_good = false,
                complete_by = clock_timestamp() + s.within,
                trouble_at = clock_timestamp() + s.within,
                dispatch_at = clock_timestamp() + interval '1 microsecond' * coalesce(
                  (select m.again from unnest($10::text[], $11::bigint[]) as m(channel, again)
                   where m.channel = s.channel), 0)
            from (select distinct task from done) d
            where s.task = d.task and s.state = 'WAITING' and not exists (
              select 1 from {schema}.sl_task_step b
              where b.task = s.task and b.name = any(s.after) and b.state <> 'DONE'
                and not exists (
                  select 1 from done e where e.task = b.task and e.name = b.name))
            returning s.task, s.name, s.version, s.channel),
          moved as (
            update {schema}.sl_task t
            set revision = t.revision + 1,
                state = case when m.complete then 'DONE' else t.state end,
                ended_at = case when m.complete then clock_timestamp() end
            from (
              select d.task, not exists (
                select 1 from {schema}.sl_task_step b
                where b.task = d.task and b.state <> 'DONE'
                  and not exists (
                    select 1 from done e where e.task = b.task and e.name = b.name)) as complete
              from (select distinct task from ended) d) m
            where t.id = m.task)
          select n, null::text as task, null::text as name, null::bigint as version,
            null::text as channel
          from ended
          union all
          select null, task, name, version, channel from readied
          """;

  /** Waits for the row of the task. What ends while it is being undone is undone next. */
  private static final String ALONE =
      ASKED
          + """
          held as (
            update {schema}.sl_task set revision = revision + 1 where id = any($1)
            returning id, state),
          ending as (
            select a.*, t.state = 'UNDOING' as back from asked a join held t on t.id = a.task)
          update {schema}.sl_task_step s
          set version = s.version + case when e.how = 'RELEASED' then 1 else 0 end,
              state = case when e.back and not s.undoing then 'WAITING'
                           when e.how = 'DONE' and s.undoing then 'UNDONE'
                           when e.how = 'DONE' then 'DONE'
                           when e.how = 'RELEASED' then 'READY'
                           else 'FAILED' end,
              undoing = s.undoing or e.back,
              tried = case when e.back and not s.undoing then 0 else s.tried end,
              for_good = case when e.back and not s.undoing then false
                              when e.how in ('FAILED', 'REFUSED') then e.how = 'REFUSED'
                              else s.for_good end,
              note = case when e.how in ('FAILED', 'REFUSED') then e.note else s.note end,
              output_type = case when e.size >= 0 and not s.undoing then e.type
                                 else s.output_type end,
              output = case when e.size >= 0 and not s.undoing
                then substring($9::bytea from e.start + 1 for e.size) else s.output end,
              dispatch_at = case when e.how = 'RELEASED' and (s.undoing or not e.back)
                                 then clock_timestamp() else 'infinity' end,
              trouble_at = case when (e.back and not s.undoing) or e.how = 'DONE' then 'infinity'
                                when e.how = 'RELEASED' then s.complete_by
                                else clock_timestamp() end
          from ending e
          where s.task = e.task and s.name = e.name and s.version = e.version
            and s.state = 'RUNNING'
          """;

  /** Whether it was ended by this run before, which was not told. */
  private static final String LOOK =
      """
      select 1 from {schema}.sl_task_step
      where task = $1 and name = $2 and version = $3 and state <> 'RUNNING'
      """;

  private final Db db;
  private final TaskCourse course;
  private final TaskTakers takers;
  private final String all;
  private final String one;
  private final String look;
  private final Together<End, Boolean> together;

  TaskEnds(PostgresDatabase database, TaskCourse course, TaskTakers takers) {
    this.db = database.db();
    this.course = course;
    this.takers = takers;
    this.all = database.sql(TOGETHER);
    this.one = database.sql(ALONE);
    this.look = database.sql(LOOK);
    this.together =
        new Together<>(
            BATCH,
            BATCH_BYTES,
            End::weight,
            this::together,
            this::alone,
            /* onlyWanted= */ false); // what has happened has happened, whoever waits to hear
  }

  private record End(Run run, How how, String note, @Nullable Content output) {

    int size() {
      return output == null ? -1 : output.bytes().length;
    }

    int weight() {
      return BATCH_BYTES / BATCH + Math.max(0, size());
    }
  }

  /** Emits whether the step was still the agent's; it may be said again, unless it was released. */
  Mono<Boolean> end(Run run, How how, String note, @Nullable Content output) {
    return together.ask(new End(run, how, note, output));
  }

  /** How many ends wait for their turn. */
  int waiting() {
    return together.waiting();
  }

  // == together ==

  /** A step that was ended, by its place, or one that is ready now. */
  private record Row(int ended, @Nullable Dispatch readied) {

    static Row of(Readable row) {
      Number n = row.get("n", Number.class);
      return n == null ? new Row(-1, TaskRows.dispatch(row)) : new Row(n.intValue() - 1, null);
    }
  }

  /** Tells only of those that were ended. */
  private Mono<Map<Integer, Boolean>> together(List<End> ends) {
    Takers now = takers.now();
    return db.run(
            "end steps",
            connection -> {
              Statement statement = bind(connection.createStatement(all), ends);
              return Db.few(now.bind(statement, "$10", "$11"), Row::of).collectList();
            })
        .map(rows -> ended(ends, rows, now));
  }

  /** Hands over what is ready now. */
  private Map<Integer, Boolean> ended(List<End> ends, List<Row> rows, Takers now) {
    Map<Integer, Boolean> ended = new HashMap<>();
    List<Dispatch> readied = new ArrayList<>();
    boolean released = false;
    for (Row row : rows) {
      Dispatch ready = row.readied();
      if (ready == null) {
        ended.put(row.ended(), true);
        released |= ends.get(row.ended()).how() == How.RELEASED;
      } else {
        readied.add(ready);
      }
    }
    now.hand(readied);
    if (released) {
      takers.hint();
    }
    return ended;
  }

  // == alone ==

  private Mono<Boolean> alone(End end) {
    return db.transaction("end a step", connection -> alone(connection, end))
        .doOnNext(
            ended -> {
              ended.now().hand(ended.readied());
              if (ended.said() && end.how() == How.RELEASED) {
                takers.hint();
              }
            })
        .map(Ended::said);
  }

  private record Ended(boolean said, List<Dispatch> readied, Takers now) {}

  private Mono<Ended> alone(Connection connection, End end) {
    Takers now = takers.now();
    return Db.count(bind(connection.createStatement(one), List.of(end)))
        .flatMap(
            rows ->
                rows > 0
                    ? course
                        .advance(connection, end.run().key().task(), now)
                        .map(readied -> new Ended(true, readied, now))
                    : wasEnded(connection, end).map(said -> new Ended(said, List.of(), now)));
  }

  private Mono<Boolean> wasEnded(Connection connection, End end) {
    if (end.how() == How.RELEASED) {
      return Mono.just(false);
    }
    return Db.rows(
            connection
                .createStatement(look)
                .bind("$1", end.run().key().task())
                .bind("$2", end.run().key().step())
                .bind("$3", end.run().version()),
            row -> true)
        .singleOrEmpty()
        .defaultIfEmpty(false);
  }

  // == columns ==

  /** The driver has no arrays of {@code bytea}: the server cuts the outputs out of one. */
  private static Statement bind(Statement statement, List<End> ends) {
    int n = ends.size();
    String[] types = new String[n];
    Integer[] starts = new Integer[n];
    Integer[] sizes = new Integer[n];
    ByteArrayOutputStream outputs = new ByteArrayOutputStream();
    for (int i = 0; i < n; i++) {
      Content output = ends.get(i).output();
      types[i] = output == null ? "" : output.type();
      starts[i] = outputs.size();
      sizes[i] = ends.get(i).size();
      if (output != null) {
        outputs.writeBytes(output.bytes());
      }
    }
    return statement
        .bind("$1", ends.stream().map(end -> end.run().key().task()).toArray(String[]::new))
        .bind("$2", ends.stream().map(end -> end.run().key().step()).toArray(String[]::new))
        .bind("$3", ends.stream().map(end -> end.run().version()).toArray(Long[]::new))
        .bind("$4", ends.stream().map(end -> end.how().name()).toArray(String[]::new))
        .bind("$5", ends.stream().map(End::note).toArray(String[]::new))
        .bind("$6", types)
        .bind("$7", starts)
        .bind("$8", sizes)
        .bind("$9", outputs.toByteArray());
  }
}

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
import dev.sluice.store.TaskStore.Dispatch;
import io.r2dbc.spi.Connection;
import io.r2dbc.spi.Statement;
import java.util.List;
import reactor.core.publisher.Mono;

/**
 * The statements that move a task on. Each runs in a transaction that has the task's row and raises
 * its revision, so that of two steps that end at once the second sees that the first has; what has
 * become of the others is looked up in a statement of its own, because only that sees what was
 * committed while the row was waited for.
 */
final class TaskCourse {

  private static final String HELD =
      """
      with held as (
        update {schema}.sl_task set revision = revision + 1 where id = $1 returning id, state)
      """;

  /** A lease that has not ended is respected, whoever asks. */
  private static final String TREAT =
      HELD
          + """
          update {schema}.sl_task_step s
          set version = s.version + 1,
              note = $5,
              state = case $4 when 'AGAIN' then 'READY'
                              when 'SETTLE' then case when s.undoing then 'UNDONE' else 'DONE' end
                              when 'UNDO' then case when s.attempts = 0 then 'SKIPPED'
                                                    else 'WAITING' end
                              else 'ESCALATED' end,
              undoing = s.undoing or ($4 = 'UNDO' and s.attempts > 0),
              channel = coalesce($6::text, s.channel),
              tried = case $4 when 'AGAIN' then $7::int when 'UNDO' then 0 else s.tried end,
              for_good = s.for_good and $4 = 'ESCALATE',
              output_type =
                case when $4 = 'SETTLE' and not s.undoing then $10::text else s.output_type end,
              output = case when $4 = 'SETTLE' and not s.undoing then $8::bytea else s.output end,
              complete_by = case when $4 = 'AGAIN'
                then clock_timestamp() + $9::bigint * interval '1 microsecond' + s.within
                else s.complete_by end,
              dispatch_at = case when $4 = 'AGAIN'
                then clock_timestamp() + $9::bigint * interval '1 microsecond'
                else 'infinity' end,
              trouble_at = case when $4 = 'AGAIN'
                then clock_timestamp() + $9::bigint * interval '1 microsecond' + s.within
                else 'infinity' end
          from held t
          where s.task = $1 and s.name = $2 and s.version = $3
            and s.state in ('READY', 'RUNNING', 'FAILED', 'ESCALATED')
            and not (s.state = 'RUNNING' and s.leased_until > clock_timestamp())
            and case when $4 = 'UNDO' then not s.undoing
                     else s.undoing or t.state = 'RUNNING' end
          """;

  /** What an agent has under a lease is waited for; what was never begun needs no undoing. */
  private static final String TURN =
      """
      with turned as (
        update {schema}.sl_task set state = 'UNDOING', why = $2
        where id = $1 and state = 'RUNNING' returning id)
      update {schema}.sl_task_step s
      set version = s.version + 1,
          state = case when s.attempts = 0 and s.state <> 'DONE' then 'SKIPPED' else 'WAITING' end,
          undoing = s.attempts > 0 or s.state = 'DONE',
          tried = 0, for_good = false, dispatch_at = 'infinity', trouble_at = 'infinity'
      from turned
      where s.task = turned.id and not s.undoing
        and s.state not in ('RUNNING', 'SKIPPED', 'UNDONE')
      """;

  private static final String ABANDON =
      """
      with over as (
        update {schema}.sl_task set state = 'ABANDONED', why = $2, ended_at = clock_timestamp()
        where id = $1 and ended_at is null returning id)
      update {schema}.sl_task_step s
      set version = s.version + 1, state = 'SKIPPED', dispatch_at = 'infinity',
          trouble_at = 'infinity'
      from over
      where s.task = over.id and s.state not in ('DONE', 'UNDONE', 'SKIPPED')
      """;

  private static final String LOCK =
      """
      update {schema}.sl_task set revision = revision + 1 where id = $1 and ended_at is null
      returning 1
      """;

  /**
   * Makes ready what waits for nothing any more, and ends the task when nothing is left. What
   * somebody is there for is taken with that; he is handed what this gives.
   */
  private static final String ADVANCE =
      """
      with readied as (
        update {schema}.sl_task_step s
        set state = 'READY', version = s.version + 1, for_good = false,
            complete_by = clock_timestamp() + s.within, trouble_at = clock_timestamp() + s.within,
            dispatch_at = clock_timestamp() + interval '1 microsecond' * coalesce(
              (select m.again from unnest($2::text[], $3::bigint[]) as m(channel, again)
               where m.channel = s.channel), 0)
        from {schema}.sl_task t
        where t.id = $1 and s.task = t.id and s.state = 'WAITING'
          and case t.state
            when 'RUNNING' then not exists (
              select 1 from {schema}.sl_task_step b
              where b.task = t.id and b.name = any(s.after) and b.state <> 'DONE')
            when 'UNDOING' then not exists (
              select 1 from {schema}.sl_task_step b
              where b.task = t.id and s.name = any(b.after)
                and b.state not in ('UNDONE', 'SKIPPED'))
            else false end
        returning s.task, s.name, s.version, s.channel),
      over as (
        update {schema}.sl_task t
        set state = case t.state when 'RUNNING' then 'DONE' else 'UNDONE' end,
            ended_at = clock_timestamp()
        where t.id = $1
          and case t.state
            when 'RUNNING' then not exists (
              select 1 from {schema}.sl_task_step s where s.task = t.id and s.state <> 'DONE')
            when 'UNDOING' then not exists (
              select 1 from {schema}.sl_task_step s
              where s.task = t.id and s.state not in ('UNDONE', 'SKIPPED'))
            else false end)
      select task, name, version, channel from readied
      """;

  private final String treat;
  private final String turn;
  private final String abandon;
  private final String lock;
  private final String advance;

  TaskCourse(PostgresDatabase database) {
    this.treat = database.sql(TREAT);
    this.turn = database.sql(TURN);
    this.abandon = database.sql(ABANDON);
    this.lock = database.sql(LOCK);
    this.advance = database.sql(ADVANCE);
  }

  /**
   * With $1 the task, $2 the step, $3 its version, $4 the treatment, $5 the note, and what else it
   * needs up to $10.
   */
  Statement treat(Connection connection) {
    return connection.createStatement(treat);
  }

  /** Turns a task round that goes forward. */
  Mono<Void> turn(Connection connection, String task, String why) {
    return Db.count(connection.createStatement(turn).bind("$1", task).bind("$2", why)).then();
  }

  Mono<Void> abandon(Connection connection, String task, String why) {
    return Db.count(connection.createStatement(abandon).bind("$1", task).bind("$2", why)).then();
  }

  /**
   * Whether there is such a task and it is not over; then it stays so until the transaction ends.
   */
  Mono<Boolean> lock(Connection connection, String task) {
    return Db.rows(connection.createStatement(lock).bind("$1", task), row -> true)
        .singleOrEmpty()
        .defaultIfEmpty(false);
  }

  /** Emits what it has made ready, taken if one of the takers is for its channel. */
  Mono<List<Dispatch>> advance(Connection connection, String task, Takers takers) {
    Statement statement = connection.createStatement(advance).bind("$1", task);
    return Db.few(takers.bind(statement, "$2", "$3"), TaskRows::dispatch).collectList();
  }
}

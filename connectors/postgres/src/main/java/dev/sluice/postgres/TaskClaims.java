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

import static dev.sluice.postgres.TaskRows.content;
import static dev.sluice.postgres.TaskRows.flag;
import static dev.sluice.postgres.TaskRows.number;
import static dev.sluice.postgres.TaskRows.text;

import dev.sluice.store.Content;
import dev.sluice.store.StepKey;
import dev.sluice.store.TaskStore.Run;
import io.r2dbc.spi.Connection;
import io.r2dbc.spi.Readable;
import io.r2dbc.spi.Statement;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/** Takes steps for agents, many with one statement, with what the steps before them gave. */
final class TaskClaims {

  /** They come with their inputs, and with the outputs of the steps before. */
  private static final int BATCH = 64;

  /**
   * The steps in the order of their keys, so that two that lock some of the same do not wait for
   * each other. Of two that ask for one step one has it.
   */
  private static final String ASKED =
      """
      with asked as materialized (
        select s.task, s.name, a.version, a.agent, a.micros, a.n
        from unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::bigint[])
          with ordinality as a(task, name, version, agent, micros, n)
        join {schema}.sl_task_step s on s.task = a.task and s.name = a.name
        where s.version = a.version and s.state = 'READY' and s.complete_by > clock_timestamp()
        order by s.task, s.name for update of s""";

  private static final String CLAIM =
      """
      ),
      claimed as (
        update {schema}.sl_task_step s
        set state = 'RUNNING', version = s.version + 1, attempts = s.attempts + 1,
            agent = a.agent, note = '',
            leased_until =
              least(clock_timestamp() + a.micros * interval '1 microsecond', s.complete_by),
            trouble_at =
              least(clock_timestamp() + a.micros * interval '1 microsecond', s.complete_by),
            dispatch_at = 'infinity'
        from asked a
        where s.task = a.task and s.name = a.name and s.version = a.version
        returning a.n, s.*)
      select n, null as before, kind, undoing, input_type, input, output_type, output, attempts,
        version, (extract(epoch from complete_by - clock_timestamp()) * 1000000)::bigint as micros
      from claimed
      union all
      select c.n, b.name, null, null, null, null, b.output_type, b.output, null, null, null
      from claimed c
      join {schema}.sl_task_step b on b.task = c.task and b.name = any(c.after)
      where b.output is not null
      """;

  private final Db db;
  private final String unlocked;
  private final String waiting;
  private final Together<Claim, Run> together;

  TaskClaims(PostgresDatabase database) {
    this.db = database.db();
    this.unlocked = database.sql(ASKED + " skip locked" + CLAIM);
    this.waiting = database.sql(ASKED + CLAIM);
    this.together =
        new Together<>(
            BATCH,
            BATCH,
            claim -> 1,
            claims -> claim(unlocked, claims),
            claim -> claim(waiting, List.of(claim)).flatMap(runs -> Mono.justOrEmpty(runs.get(0))),
            /* onlyWanted= */ true); // or a step would wait for the end of a lease that nobody has
  }

  /** How many claims wait for their turn. */
  int waiting() {
    return together.waiting();
  }

  private record Claim(StepKey key, long version, String agent, long micros) {}

  /** Empty if the step is not to be had. */
  Mono<Run> claim(StepKey key, long version, String agent, long micros) {
    return together.ask(new Claim(key, version, agent, micros));
  }

  private Mono<Map<Integer, Run>> claim(String sql, List<Claim> claims) {
    return db.run(
        "claim steps",
        connection ->
            Db.few(bind(connection, sql, claims), row -> new Found(claims, row))
                .collectList()
                .map(TaskClaims::runs));
  }

  private static Statement bind(Connection connection, String sql, List<Claim> claims) {
    return connection
        .createStatement(sql)
        .bind("$1", claims.stream().map(claim -> claim.key().task()).toArray(String[]::new))
        .bind("$2", claims.stream().map(claim -> claim.key().step()).toArray(String[]::new))
        .bind("$3", claims.stream().map(Claim::version).toArray(Long[]::new))
        .bind("$4", claims.stream().map(Claim::agent).toArray(String[]::new))
        .bind("$5", claims.stream().map(Claim::micros).toArray(Long[]::new));
  }

  /** A step that was claimed, or what one before it gave. */
  private static final class Found {
    final int claim;
    final @Nullable String before;
    final @Nullable Content output;
    final @Nullable Run run;

    Found(List<Claim> claims, Readable row) {
      claim = number(row, "n").intValue() - 1;
      before = row.get("before", String.class);
      output = content(row, "output");
      run = before == null ? run(claims.get(claim).key(), row, output) : null;
    }

    private static Run run(StepKey key, Readable row, @Nullable Content output) {
      boolean undoing = flag(row, "undoing");
      return new Run(
          key,
          text(row, "kind"),
          undoing,
          Objects.requireNonNull(content(row, "input"), "input"),
          Map.of(),
          undoing ? output : null,
          number(row, "attempts").intValue(),
          number(row, "version").longValue(),
          Duration.of(Math.max(0, number(row, "micros").longValue()), ChronoUnit.MICROS));
    }
  }

  private static Map<Integer, Run> runs(List<Found> found) {
    Map<Integer, Map<String, Content>> outputs = new HashMap<>();
    for (Found one : found) {
      if (one.before != null && one.output != null) {
        outputs.computeIfAbsent(one.claim, claim -> new HashMap<>()).put(one.before, one.output);
      }
    }
    Map<Integer, Run> runs = new HashMap<>();
    for (Found one : found) {
      if (one.run != null) {
        runs.put(one.claim, with(one.run, outputs.getOrDefault(one.claim, Map.of())));
      }
    }
    return runs;
  }

  private static Run with(Run run, Map<String, Content> outputs) {
    return new Run(
        run.key(),
        run.kind(),
        run.undoing(),
        run.input(),
        outputs,
        run.output(),
        run.attempt(),
        run.version(),
        run.left());
  }
}

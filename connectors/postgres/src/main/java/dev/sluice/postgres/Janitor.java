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

import java.time.Duration;
import reactor.core.publisher.Mono;

/**
 * Deletes the rows of groups that have been empty for long, so that a group that comes once does
 * not stay for ever. As when a lane is put to sleep, it holds the group's number, so that nobody
 * can be between writing a message and waking its lane.
 */
final class Janitor {

  private static final int BATCH = 1_000;

  private static final String FORGET =
      """
      with idle as materialized (
        select grp, head_seq from {schema}.sl_lane
        where queue = $1 and visible_at = 'infinity'
          and asleep_since < (select clock_timestamp() - $2 * interval '1 microsecond')
        order by asleep_since limit $3 for update skip locked),
      empty as materialized (
        select q.grp
        from idle join {schema}.sl_group_seq q on q.queue = $1 and q.grp = idle.grp
        where q.next_seq = idle.head_seq
        order by q.grp for update of q skip locked),
      lanes as (
        delete from {schema}.sl_lane l using empty where l.queue = $1 and l.grp = empty.grp)
      delete from {schema}.sl_group_seq q using empty where q.queue = $1 and q.grp = empty.grp
      """;

  private final Db db;
  private final String queue;
  private final long idleMicros;
  private final String forget;

  Janitor(PostgresDatabase database, String queue, Duration idle) {
    this.db = database.db();
    this.queue = queue;
    this.idleMicros = Micros.of(idle);
    this.forget = database.sql(FORGET);
  }

  /** Forgets at most 1000 groups that have been empty for long enough; how many. */
  Mono<Long> sweep() {
    return db.run(
        "forget groups",
        connection ->
            Db.count(
                connection
                    .createStatement(forget)
                    .bind("$1", queue)
                    .bind("$2", idleMicros)
                    .bind("$3", BATCH)));
  }
}

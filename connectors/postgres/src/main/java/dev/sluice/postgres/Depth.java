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

import java.util.Objects;
import reactor.core.publisher.Mono;

/** Counts what waits in a channel. */
final class Depth {

  private static final String COUNT =
      """
      select (select count(*) from {schema}.sl_message
              where queue = $1 and (claim is null or visible_at <= clock_timestamp()))
           + (select count(*) from {schema}.sl_group_message where queue = $1)
           - (select count(*) from {schema}.sl_lane l
              where l.queue = $1 and l.claim is not null and l.visible_at > clock_timestamp()
                and exists (select from {schema}.sl_group_message m
                            where m.queue = $1 and m.grp = l.grp and m.seq = l.head_seq))
      """;

  private final Db db;
  private final String queue;
  private final String count;

  Depth(PostgresDatabase database, String queue) {
    this.db = database.db();
    this.queue = queue;
    this.count = database.sql(COUNT);
  }

  Mono<Long> count() {
    return db.run(
        "depth",
        connection ->
            Db.few(
                    connection.createStatement(count).bind("$1", queue),
                    row -> Objects.requireNonNull(row.get(0, Long.class)))
                .single());
  }
}

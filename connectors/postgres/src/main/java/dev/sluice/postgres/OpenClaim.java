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

import io.r2dbc.spi.Readable;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import reactor.core.publisher.Mono;

/** Claims messages without a group, the most urgent first. */
final class OpenClaim {

  /**
   * What is ready comes from one index in its order, what has rested or whose lease has ended from
   * another; neither reads past what is out or rests. The subselects make the time a constant that
   * an index can be searched with.
   */
  private static final String CLAIM =
      """
      with ready as materialized (
        select id, rank from {schema}.sl_message
        where queue = $1 and visible_at = '-infinity'
        order by rank, id limit $2 for update skip locked),
      rested as materialized (
        select id, rank from {schema}.sl_message
        where queue = $1 and visible_at > '-infinity'
          and visible_at <= (select clock_timestamp())
        order by visible_at limit $2 for update skip locked),
      picked as materialized (
        select id from (table ready union all table rested) both_of_them
        order by rank, id limit $2)
      update {schema}.sl_message m
      set visible_at = clock_timestamp() + $3 * interval '1 microsecond',
          claim = nextval('{schema}.sl_claim'), attempts = m.attempts + 1
      from picked where m.queue = $1 and m.id = picked.id
      returning m.rank, m.claim, m.attempts,
      """
          + Stored.COLUMNS;

  /** A message that was claimed. */
  static final class Open extends Claimed {

    final Stored message;
    final int attempt;
    private final long rank;

    Open(Readable row, long asked, long leaseNanos) {
      super(Objects.requireNonNull(row.get("claim", Long.class)), asked, leaseNanos);
      this.message = new Stored(row);
      this.attempt = Objects.requireNonNull(row.get("attempts", Integer.class));
      this.rank = Objects.requireNonNull(row.get("rank", Long.class));
    }
  }

  private static final Comparator<Open> URGENT_FIRST =
      Comparator.<Open>comparingLong(open -> open.rank).thenComparingLong(open -> open.message.id);

  private final Db db;
  private final String queue;
  private final String claim;

  OpenClaim(PostgresDatabase database, String queue) {
    this.db = database.db();
    this.queue = queue;
    this.claim = database.sql(CLAIM);
  }

  /** At most {@code n}, those first that are to be delivered first. */
  Mono<List<Open>> claim(int n, long leaseNanos) {
    return db.run(
        "claim",
        connection -> {
          long asked = System.nanoTime();
          return Db.few(
                  connection
                      .createStatement(claim)
                      .bind("$1", queue)
                      .bind("$2", n)
                      .bind("$3", leaseNanos / 1_000),
                  row -> new Open(row, asked, leaseNanos))
              .collectSortedList(URGENT_FIRST);
        });
  }
}

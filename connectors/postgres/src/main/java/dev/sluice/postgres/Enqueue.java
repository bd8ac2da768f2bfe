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

import io.r2dbc.spi.Connection;
import io.r2dbc.spi.Readable;
import io.r2dbc.spi.Statement;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import reactor.core.publisher.Mono;

/**
 * Writes messages into the tables, many with one statement; the position of each in their order.
 *
 * <p>The messages of a group get numbers without gaps, and who takes a number holds the row of the
 * group until it commits: so the order of the numbers is the order of the commits, and whoever sees
 * a number sees all below it.
 */
final class Enqueue implements Writing {

  /** Those without a group: one statement, its own transaction. */
  private static final String OPEN =
      """
      insert into {schema}.sl_message(queue, rank, expires_at, headers, body)
      select $1,
             (extract(epoch from clock_timestamp()) * 1000000)::bigint - m.priority * $2::bigint,
             case when m.expiry < 9223372036854775807
               then timestamptz 'epoch' + m.expiry * interval '1 microsecond' end,
             m.headers::jsonb,
             substring($7::bytea from m.start + 1 for m.size)
      from unnest($3::int[], $4::bigint[], $5::text[], $6::int[], $8::int[]) with ordinality
        as m(priority, expiry, headers, start, size, n)
      order by m.n
      returning id
      """;

  /** Locks the groups in their order, takes their numbers and writes the messages under them. */
  private static final String GROUPED =
      """
      with m as materialized (
        select * from unnest($2::text[], $3::bigint[], $4::text[], $5::int[], $7::int[])
          with ordinality as m(grp, expiry, headers, start, size, n)),
      numbers as (
        insert into {schema}.sl_group_seq as q(queue, grp, next_seq)
        select $1, m.grp, count(*) + 1 from m group by m.grp order by m.grp collate "C"
        on conflict(queue, grp) do update set next_seq = q.next_seq + excluded.next_seq - 1
        returning q.grp, q.next_seq)
      insert into {schema}.sl_group_message(queue, grp, seq, expires_at, headers, body)
      select $1, m.grp,
             numbers.next_seq - count(*) over (partition by m.grp)
               + row_number() over (partition by m.grp order by m.n) - 1,
             case when m.expiry < 9223372036854775807
               then timestamptz 'epoch' + m.expiry * interval '1 microsecond' end,
             m.headers::jsonb,
             substring($6::bytea from m.start + 1 for m.size)
      from m join numbers on numbers.grp = m.grp
      order by m.n
      returning id, seq
      """;

  /**
   * In the same transaction, but a statement of its own: it has to see what a consumer that held
   * the group's row before us has committed. Lanes that are awake are not touched, hence not
   * locked.
   */
  private static final String WAKE =
      """
      with m as materialized (
        select * from unnest($2::text[], $3::bigint[]) as m(grp, seq) order by grp collate "C"),
      made as (
        insert into {schema}.sl_lane(queue, grp, head_seq) select $1, m.grp, m.seq from m
        on conflict do nothing),
      asleep as (
        select grp from {schema}.sl_lane
        where queue = $1 and grp = any($2) and visible_at = 'infinity'
        order by grp for update)
      update {schema}.sl_lane l set visible_at = clock_timestamp()
      from asleep where l.queue = $1 and l.grp = asleep.grp
      """;

  private final Db db;
  private final String queue;
  private final long agingMicros;
  private final String open;
  private final String grouped;
  private final String wake;

  Enqueue(PostgresDatabase database, String queue, Duration agingStep) {
    this.db = database.db();
    this.queue = queue;
    this.agingMicros = Micros.of(agingStep);
    this.open = database.sql(OPEN);
    this.grouped = database.sql(GROUPED);
    this.wake = database.sql(WAKE);
  }

  @Override
  public Mono<List<Long>> open(List<PendingSend> sends, Runnable begun) {
    return db.run(
        "enqueue",
        connection -> {
          begun.run();
          Columns columns = new Columns(sends);
          Statement statement =
              connection
                  .createStatement(open)
                  .bind("$1", queue)
                  .bind("$2", agingMicros)
                  .bind("$3", columns.priorities)
                  .bind("$4", columns.expiries)
                  .bind("$5", columns.headers)
                  .bind("$6", columns.starts)
                  .bind("$7", columns.bodies)
                  .bind("$8", columns.sizes);
          return Db.few(statement, row -> number(row, "id")).collectList();
        });
  }

  @Override
  public Mono<List<Long>> grouped(List<PendingSend> sends, Runnable begun) {
    return db.transaction(
        "enqueue",
        connection -> {
          begun.run();
          return number(connection, sends)
              .flatMap(
                  places ->
                      wake(connection, sends, places)
                          .thenReturn(places.stream().map(Place::id).toList()));
        });
  }

  private record Place(long id, long seq) {}

  private Mono<List<Place>> number(Connection connection, List<PendingSend> sends) {
    Columns columns = new Columns(sends);
    Statement statement =
        connection
            .createStatement(grouped)
            .bind("$1", queue)
            .bind("$2", columns.lanes)
            .bind("$3", columns.expiries)
            .bind("$4", columns.headers)
            .bind("$5", columns.starts)
            .bind("$6", columns.bodies)
            .bind("$7", columns.sizes);
    return Db.few(statement, row -> new Place(number(row, "id"), number(row, "seq"))).collectList();
  }

  private Mono<Long> wake(Connection connection, List<PendingSend> sends, List<Place> places) {
    Map<String, Long> firsts = new LinkedHashMap<>();
    for (int i = 0; i < sends.size(); i++) {
      firsts.putIfAbsent(Objects.requireNonNull(sends.get(i).lane), places.get(i).seq());
    }
    return Db.count(
        connection
            .createStatement(wake)
            .bind("$1", queue)
            .bind("$2", firsts.keySet().toArray(new String[0]))
            .bind("$3", firsts.values().toArray(new Long[0])));
  }

  private static long number(Readable row, String column) {
    return Objects.requireNonNull(row.get(column, Long.class));
  }

  /**
   * The messages as one array for each column. The driver has no arrays of {@code bytea}, so the
   * bodies go as one and the server cuts them out.
   */
  static final class Columns {

    private static final long NEVER = Long.MAX_VALUE;

    final String[] lanes;
    final Integer[] priorities;
    final Long[] expiries;
    final String[] headers;
    final Integer[] starts;
    final Integer[] sizes;
    final byte[] bodies;

    Columns(List<PendingSend> sends) {
      int n = sends.size();
      lanes = new String[n];
      priorities = new Integer[n];
      expiries = new Long[n];
      headers = new String[n];
      starts = new Integer[n];
      sizes = new Integer[n];
      int total = 0;
      for (int i = 0; i < n; i++) {
        PendingSend send = sends.get(i);
        lanes[i] = send.lane == null ? "" : send.lane;
        priorities[i] = send.message.priority();
        Instant expiresAt = send.message.expiresAt();
        expiries[i] =
            expiresAt == null ? NEVER : ChronoUnit.MICROS.between(Instant.EPOCH, expiresAt);
        headers[i] = send.headers;
        starts[i] = total;
        sizes[i] = send.message.payload().length;
        total = Math.addExact(total, sizes[i]);
      }
      bodies = new byte[total];
      for (int i = 0; i < n; i++) {
        System.arraycopy(sends.get(i).message.payload(), 0, bodies, starts[i], sizes[i]);
      }
    }
  }
}

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

import dev.sluice.postgres.Enqueue.Columns;
import io.r2dbc.spi.Connection;
import io.r2dbc.spi.Readable;
import io.r2dbc.spi.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;
import java.util.stream.Stream;
import reactor.core.publisher.Mono;

/**
 * Writes messages of a topic into the queues of all subscriptions that want them, in one
 * transaction: a message is in all of these queues or in none. The position of a message is the
 * number of its copies.
 *
 * <p>It holds a lock on the subscriptions that it has read, which all publishers share, and which
 * who ends a subscription waits for. Groups are numbered as in {@link Enqueue}, those of all queues
 * in one order.
 */
final class FanOut implements Writing {

  /** Which copies there are: of each message one for each subscription that wants it. */
  private static final String COPIES =
      """
      with s as materialized (
        select $1 || '/' || name as queue, types, condition from {schema}.sl_subscription
        where topic = $1 order by name for key share),
      m as materialized (
        select * from unnest($2::text[], $3::int[], $4::bigint[], $5::text[], $6::text[], $7::int[], $9::int[])
          with ordinality as m(grp, priority, expiry, headers, type, start, size, n)),
      d as materialized (
        select s.queue, m.* from m join s
          on ('.' || m.type) ~ any(s.types)
          and (s.condition is null or m.headers::jsonb @? s.condition)),
      """;

  private static final String OPEN =
      COPIES
          + """
      w as (
        insert into {schema}.sl_message(queue, rank, expires_at, headers, body)
        select d.queue,
               (extract(epoch from clock_timestamp()) * 1000000)::bigint - d.priority * $10::bigint,
               case when d.expiry < 9223372036854775807
                 then timestamptz 'epoch' + d.expiry * interval '1 microsecond' end,
               d.headers::jsonb,
               substring($8::bytea from d.start + 1 for d.size)
        from d order by d.queue, d.n)
      select n, queue, '' as grp, 0::bigint as seq from d
      """;

  private static final String GROUPED =
      COPIES
          + """
      numbers as (
        insert into {schema}.sl_group_seq as q(queue, grp, next_seq)
        select d.queue, d.grp, count(*) + 1 from d
        group by d.queue, d.grp order by d.queue collate "C", d.grp collate "C"
        on conflict(queue, grp) do update set next_seq = q.next_seq + excluded.next_seq - 1
        returning q.queue, q.grp, q.next_seq),
      placed as materialized (
        select d.*,
               numbers.next_seq - count(*) over (partition by d.queue, d.grp)
                 + row_number() over (partition by d.queue, d.grp order by d.n) - 1 as seq
        from d join numbers on numbers.queue = d.queue and numbers.grp = d.grp),
      w as (
        insert into {schema}.sl_group_message(queue, grp, seq, expires_at, headers, body)
        select p.queue, p.grp, p.seq,
               case when p.expiry < 9223372036854775807
                 then timestamptz 'epoch' + p.expiry * interval '1 microsecond' end,
               p.headers::jsonb,
               substring($8::bytea from p.start + 1 for p.size)
        from placed p order by p.queue, p.n)
      select n, queue, grp, seq from placed
      """;

  /** As in {@link Enqueue}, for several queues. */
  private static final String WAKE =
      """
      with m as materialized (
        select * from unnest($1::text[], $2::text[], $3::bigint[]) as m(queue, grp, seq)
        order by queue collate "C", grp collate "C"),
      made as (
        insert into {schema}.sl_lane(queue, grp, head_seq) select m.queue, m.grp, m.seq from m
        on conflict do nothing),
      asleep as (
        select l.queue, l.grp from {schema}.sl_lane l
        join m on l.queue = m.queue and l.grp = m.grp
        where l.visible_at = 'infinity'
        order by l.queue, l.grp for update of l)
      update {schema}.sl_lane l set visible_at = clock_timestamp()
      from asleep where l.queue = asleep.queue and l.grp = asleep.grp
      """;

  private record Copy(int message, String queue, String lane, long seq) {}

  private record Lane(String queue, String lane) {}

  private final Db db;
  private final String topic;
  private final long agingMicros;
  private final Consumer<Stream<String>> written;
  private final String open;
  private final String grouped;
  private final String wake;
  private final LongAdder published = new LongAdder();
  private final LongAdder copied = new LongAdder();
  private final LongAdder unwanted = new LongAdder();

  /**
   * @param written told of the queues that have got something, when it is committed
   */
  FanOut(
      PostgresDatabase database,
      String topic,
      Duration agingStep,
      Consumer<Stream<String>> written) {
    this.db = database.db();
    this.topic = topic;
    this.agingMicros = Micros.of(agingStep);
    this.written = written;
    this.open = database.sql(OPEN);
    this.grouped = database.sql(GROUPED);
    this.wake = database.sql(WAKE);
  }

  @Override
  public Mono<List<Long>> open(List<PendingSend> sends, Runnable begun) {
    return db.run(
            "publish",
            connection -> {
              begun.run();
              return copies(statement(connection, open, sends).bind("$10", agingMicros));
            })
        .map(copies -> counts(sends, copies));
  }

  @Override
  public Mono<List<Long>> grouped(List<PendingSend> sends, Runnable begun) {
    return db.transaction(
            "publish",
            connection -> {
              begun.run();
              return copies(statement(connection, grouped, sends))
                  .flatMap(copies -> wake(connection, copies).thenReturn(copies));
            })
        .map(copies -> counts(sends, copies));
  }

  private Statement statement(Connection connection, String sql, List<PendingSend> sends) {
    Columns columns = new Columns(sends);
    return connection
        .createStatement(sql)
        .bind("$1", topic)
        .bind("$2", columns.lanes)
        .bind("$3", columns.priorities)
        .bind("$4", columns.expiries)
        .bind("$5", columns.headers)
        .bind("$6", sends.stream().map(send -> send.message.type()).toArray(String[]::new))
        .bind("$7", columns.starts)
        .bind("$8", columns.bodies)
        .bind("$9", columns.sizes);
  }

  private static Mono<List<Copy>> copies(Statement statement) {
    return Db.rows(statement, FanOut::copy).collectList();
  }

  private static Copy copy(Readable row) {
    return new Copy(
        Math.toIntExact(Objects.requireNonNull(row.get("n", Long.class))) - 1,
        Objects.requireNonNull(row.get("queue", String.class)),
        Objects.requireNonNull(row.get("grp", String.class)),
        Objects.requireNonNull(row.get("seq", Long.class)));
  }

  private Mono<Long> wake(Connection connection, List<Copy> copies) {
    if (copies.isEmpty()) {
      return Mono.just(0L);
    }
    Map<Lane, Long> firsts = new LinkedHashMap<>();
    copies.forEach(c -> firsts.merge(new Lane(c.queue(), c.lane()), c.seq(), Math::min));
    List<Lane> lanes = new ArrayList<>(firsts.keySet());
    return Db.count(
        connection
            .createStatement(wake)
            .bind("$1", lanes.stream().map(Lane::queue).toArray(String[]::new))
            .bind("$2", lanes.stream().map(Lane::lane).toArray(String[]::new))
            .bind("$3", firsts.values().toArray(new Long[0])));
  }

  private List<Long> counts(List<PendingSend> sends, List<Copy> copies) {
    written.accept(copies.stream().map(Copy::queue).distinct());
    Map<Integer, Long> counts = new HashMap<>();
    copies.forEach(copy -> counts.merge(copy.message(), 1L, Long::sum));
    List<Long> inOrder = new ArrayList<>(sends.size());
    for (int i = 0; i < sends.size(); i++) {
      inOrder.add(counts.getOrDefault(i, 0L));
    }
    published.add(sends.size());
    copied.add(copies.size());
    unwanted.add(sends.size() - counts.size());
    return inOrder;
  }

  /** How many messages were published. */
  long published() {
    return published.sum();
  }

  /** How many copies of them were written. */
  long copied() {
    return copied.sum();
  }

  /** How many of them no subscription wanted. */
  long unwanted() {
    return unwanted.sum();
  }
}

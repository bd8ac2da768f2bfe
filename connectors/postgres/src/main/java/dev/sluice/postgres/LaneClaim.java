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
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import reactor.core.publisher.Mono;

/**
 * Claims groups, one consumer each, with their next messages.
 *
 * <p>That takes two transactions. In one, a lane that had to be looked at again after another's
 * commit would be seen as it is now, and its messages as they were: the one that was consumed
 * between would be delivered again.
 */
final class LaneClaim {

  private static final String CLAIM =
      """
      with picked as materialized (
        select grp from {schema}.sl_lane
        where queue = $1 and visible_at <= (select clock_timestamp()) and visible_at < 'infinity'
        order by visible_at limit $2 for update skip locked)
      update {schema}.sl_lane l
      set visible_at = clock_timestamp() + $3 * interval '1 microsecond',
          claim = nextval('{schema}.sl_claim'), attempts = l.attempts + 1
      from picked where l.queue = $1 and l.grp = picked.grp
      returning l.grp, l.head_seq, l.claim, l.attempts
      """;

  private static final String FETCH =
      """
      select lane.grp, m.seq,
      """
          + Stored.COLUMNS
          + """
      from unnest($2::text[], $3::bigint[]) as lane(grp, head)
      cross join lateral (
        select * from {schema}.sl_group_message
        where queue = $1 and grp = lane.grp and seq >= lane.head
        order by seq limit $4) m
      """;

  /**
   * Nobody can be between writing a message and waking its lane while we hold the group's row; if
   * somebody is, or has been, the lane stays awake and is looked at again. The lane itself is
   * waited for: a claim that saw it before ours may hold it for a moment, and must not keep it
   * leased.
   */
  private static final String REST =
      """
      with lane as materialized (
        select l.grp, l.head_seq
        from unnest($2::text[], $3::bigint[]) as mine(grp, claim)
        join {schema}.sl_lane l on l.queue = $1 and l.grp = mine.grp and l.claim = mine.claim
        order by l.grp for update of l),
      number as materialized (
        select q.grp, q.next_seq
        from lane join {schema}.sl_group_seq q on q.queue = $1 and q.grp = lane.grp
        order by q.grp for update of q skip locked)
      update {schema}.sl_lane l
      set claim = null, attempts = 0, asleep_since = clock_timestamp(),
          visible_at = case when number.next_seq = lane.head_seq then timestamptz 'infinity'
                            else clock_timestamp() end
      from lane left join number on number.grp = lane.grp
      where l.queue = $1 and l.grp = lane.grp
      """;

  /** A group that was claimed, and those of its messages that came with it. */
  static final class Lane extends Claimed {

    final String key;
    final Deque<Numbered> messages = new ArrayDeque<>();

    /** Which attempt at its first message this is. */
    final int attempt;

    /** The number of its first message. */
    final long head;

    Lane(Readable row, long asked, long leaseNanos) {
      super(Objects.requireNonNull(row.get("claim", Long.class)), asked, leaseNanos);
      this.key = Objects.requireNonNull(row.get("grp", String.class));
      this.attempt = Objects.requireNonNull(row.get("attempts", Integer.class));
      this.head = Objects.requireNonNull(row.get("head_seq", Long.class));
    }
  }

  /** A message and its number in the group. */
  record Numbered(long seq, Stored message) {}

  private record Fetched(String grp, Numbered message) {}

  private final Db db;
  private final String queue;
  private final String claim;
  private final String fetch;
  private final String rest;

  LaneClaim(PostgresDatabase database, String queue) {
    this.db = database.db();
    this.queue = queue;
    this.claim = database.sql(CLAIM);
    this.fetch = database.sql(FETCH);
    this.rest = database.sql(REST);
  }

  /** At most {@code n} lanes, those first that have been waiting longest; without messages yet. */
  Mono<List<Lane>> claim(int n, long leaseNanos) {
    return db.run(
        "claim groups",
        connection -> {
          long asked = System.nanoTime();
          return Db.few(
                  connection
                      .createStatement(claim)
                      .bind("$1", queue)
                      .bind("$2", n)
                      .bind("$3", leaseNanos / 1_000),
                  row -> new Lane(row, asked, leaseNanos))
              .collectList();
        });
  }

  /**
   * Gives the lanes their next messages, at most {@code each} to one.
   *
   * @return those that have none
   */
  Mono<List<Lane>> fetch(List<Lane> lanes, int each) {
    return db.run(
            "fetch messages of groups",
            connection ->
                Db.few(
                        connection
                            .createStatement(fetch)
                            .bind("$1", queue)
                            .bind("$2", lanes.stream().map(lane -> lane.key).toArray(String[]::new))
                            .bind("$3", lanes.stream().map(lane -> lane.head).toArray(Long[]::new))
                            .bind("$4", each),
                        LaneClaim::fetched)
                    .collectList())
        .map(
            rows -> {
              Map<String, Lane> byKey = new HashMap<>();
              lanes.forEach(lane -> byKey.put(lane.key, lane));
              rows.stream()
                  .sorted((a, b) -> Long.compare(a.message().seq(), b.message().seq()))
                  .forEach(
                      row ->
                          Objects.requireNonNull(byKey.get(row.grp())).messages.add(row.message()));
              List<Lane> empty = new ArrayList<>();
              lanes.stream().filter(lane -> lane.messages.isEmpty()).forEach(empty::add);
              return empty;
            });
  }

  /** Gives back lanes without messages; they sleep until there is one. */
  Mono<Void> rest(List<Lane> lanes) {
    return db.run(
            "let groups rest",
            connection ->
                Db.count(
                    connection
                        .createStatement(rest)
                        .bind("$1", queue)
                        .bind("$2", lanes.stream().map(lane -> lane.key).toArray(String[]::new))
                        .bind("$3", lanes.stream().map(lane -> lane.claim).toArray(Long[]::new))))
        .then();
  }

  private static Fetched fetched(Readable row) {
    return new Fetched(
        Objects.requireNonNull(row.get("grp", String.class)),
        new Numbered(Objects.requireNonNull(row.get("seq", Long.class)), new Stored(row)));
  }
}

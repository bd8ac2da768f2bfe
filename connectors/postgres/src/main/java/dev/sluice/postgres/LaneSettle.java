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

import dev.sluice.postgres.LaneClaim.Lane;
import io.r2dbc.spi.Connection;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import reactor.core.publisher.Mono;

/** Settles the first messages of lanes, many lanes with one statement. */
final class LaneSettle {

  /** A lane is moved only from the place where we think it is, so a settlement counts once. */
  private static final String MOVE =
      """
      with step as materialized (
        select l.grp, mine.claim, mine.seq, mine.next, mine.attempts, mine.rest
        from unnest($2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::int[], $7::bigint[])
          as mine(grp, claim, seq, next, attempts, rest)
        join {schema}.sl_lane l
          on l.queue = $1 and l.grp = mine.grp and l.claim = mine.claim and l.head_seq = mine.seq
        order by l.grp for update of l),
      moved as (
        update {schema}.sl_lane l
        set head_seq = step.next, attempts = step.attempts,
            claim = case when step.rest < 0 then l.claim end,
            visible_at = case when step.rest < 0 then l.visible_at
              else clock_timestamp() + step.rest * interval '1 microsecond' end
        from step where l.queue = $1 and l.grp = step.grp),
      consumed as (
        delete from {schema}.sl_group_message m using step
        where m.queue = $1 and m.grp = step.grp and m.seq = step.seq and step.next > step.seq)
      select claim from step
      """;

  private static final long KEEP = -1;

  /**
   * Where a lane goes from its first message.
   *
   * @param next the first message from now on: the same one, or the one behind it if it is consumed
   * @param attempts how many attempts at that are counted
   * @param rest for how many microseconds the lane rests when it is given back; negative if it is
   *     kept
   */
  record Move(Lane lane, long seq, long next, int attempts, long rest) {

    /** The message is consumed, and the lane goes on with the next, which is delivered. */
    static Move on(Lane lane, long seq) {
      return new Move(lane, seq, seq + 1, 1, KEEP);
    }

    /** The message is consumed, and the lane is given back. */
    static Move past(Lane lane, long seq) {
      return new Move(lane, seq, seq + 1, 0, 0);
    }

    /** The lane is given back as it is. */
    static Move back(Lane lane, long seq, int attempts, long rest) {
      return new Move(lane, seq, seq, attempts, rest);
    }
  }

  private final Db db;
  private final String queue;
  private final String move;

  LaneSettle(PostgresDatabase database, String queue) {
    this.db = database.db();
    this.queue = queue;
    this.move = database.sql(MOVE);
  }

  /** Moves lanes, each at most once; the claims that were still ours. */
  Mono<Set<Long>> move(List<Move> moves) {
    return db.run("settle messages of groups", connection -> move(connection, moves));
  }

  /** The same on a connection of the caller's. */
  Mono<Set<Long>> move(Connection connection, List<Move> moves) {
    return Db.few(
            connection
                .createStatement(move)
                .bind("$1", queue)
                .bind("$2", moves.stream().map(m -> m.lane().key).toArray(String[]::new))
                .bind("$3", moves.stream().map(m -> m.lane().claim).toArray(Long[]::new))
                .bind("$4", moves.stream().map(Move::seq).toArray(Long[]::new))
                .bind("$5", moves.stream().map(Move::next).toArray(Long[]::new))
                .bind("$6", moves.stream().map(Move::attempts).toArray(Integer[]::new))
                .bind("$7", moves.stream().map(Move::rest).toArray(Long[]::new)),
            row -> Objects.requireNonNull(row.get("claim", Long.class)))
        .collect(HashSet::new, Set::add);
  }
}

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

import dev.sluice.postgres.OpenClaim.Open;
import io.r2dbc.spi.Connection;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import reactor.core.publisher.Mono;

/** Settles messages without a group, many with one statement. */
final class OpenSettle {

  private static final String CONSUME =
      """
      delete from {schema}.sl_message m
      using (select * from unnest($2::bigint[], $3::bigint[]) as mine(id, claim) order by id) mine
      where m.queue = $1 and m.id = mine.id and m.claim = mine.claim
      returning m.id, mine.claim
      """;

  private static final String GIVE_BACK =
      """
      with back as materialized (
        select m.id, mine.claim, mine.rest, mine.attempts
        from unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::int[])
          as mine(id, claim, rest, attempts)
        join {schema}.sl_message m
          on m.queue = $1 and m.id = mine.id and m.claim = mine.claim
        order by m.id for update of m)
      update {schema}.sl_message m
      set claim = null, attempts = back.attempts,
          visible_at = case when back.rest = 0 then timestamptz '-infinity'
                            else clock_timestamp() + back.rest * interval '1 microsecond' end
      from back where m.queue = $1 and m.id = back.id
      returning m.id, back.claim
      """;

  /**
   * What is to become of a message.
   *
   * @param rest for how many microseconds it rests when it goes back
   * @param attempts how many are counted from now on; negative if it is consumed
   */
  record Move(Open open, long rest, int attempts) {

    static Move consume(Open open) {
      return new Move(open, 0, -1);
    }

    boolean consumes() {
      return attempts < 0;
    }
  }

  private final Db db;
  private final String queue;
  private final String consume;
  private final String giveBack;

  OpenSettle(PostgresDatabase database, String queue) {
    this.db = database.db();
    this.queue = queue;
    this.consume = database.sql(CONSUME);
    this.giveBack = database.sql(GIVE_BACK);
  }

  /** Consumes messages; the claims that were still ours. */
  Mono<Set<Long>> consume(List<Move> moves) {
    return db.run("acknowledge", connection -> consume(connection, moves));
  }

  /** The same on a connection of the caller's. */
  Mono<Set<Long>> consume(Connection connection, List<Move> moves) {
    return Db.few(
            connection
                .createStatement(consume)
                .bind("$1", queue)
                .bind("$2", ids(moves))
                .bind("$3", claims(moves)),
            row -> Objects.requireNonNull(row.get("claim", Long.class)))
        .collect(HashSet::new, Set::add);
  }

  /** Gives messages back; the claims that were still ours. */
  Mono<Set<Long>> giveBack(List<Move> moves) {
    return db.run(
        "give back",
        connection ->
            Db.few(
                    connection
                        .createStatement(giveBack)
                        .bind("$1", queue)
                        .bind("$2", ids(moves))
                        .bind("$3", claims(moves))
                        .bind("$4", moves.stream().map(Move::rest).toArray(Long[]::new))
                        .bind("$5", moves.stream().map(Move::attempts).toArray(Integer[]::new)),
                    row -> Objects.requireNonNull(row.get("claim", Long.class)))
                .collect(HashSet::new, Set::add));
  }

  private static Long[] ids(List<Move> moves) {
    return moves.stream().map(move -> move.open().message.id).toArray(Long[]::new);
  }

  private static Long[] claims(List<Move> moves) {
    return moves.stream().map(move -> move.open().claim).toArray(Long[]::new);
  }
}

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

import dev.sluice.channel.BrowseQuery;
import dev.sluice.channel.Waiting;
import io.r2dbc.spi.Readable;
import io.r2dbc.spi.Statement;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** Looks at what waits in a channel, which is what {@link Depth} counts. */
final class Browse {

  private static final String MEANT =
      """
      m.queue = $1 and m.id > $2
      and ($3::text is null or m.headers->>'ce_id' = $3)
      and ($4::text is null or m.headers->>'ce_type' = $4)
      """;

  /** Messages of groups have no index by position: those of the channel are all looked at. */
  private static final String BROWSE =
      "with open as materialized (select m.id, m.headers, m.body, m.expires_at, m.attempts,"
          + " m.visible_at as ready_at from {schema}.sl_message m where $5::text is null and "
          + MEANT
          + """
          and (m.claim is null or m.visible_at <= clock_timestamp())
          order by m.id limit $6),
          grouped as materialized (
            select m.id, m.headers, m.body, m.expires_at,
              case when m.seq = l.head_seq then l.attempts else 0 end as attempts,
              case when l.claim is null then l.visible_at else '-infinity' end as ready_at
            from {schema}.sl_group_message m
            join {schema}.sl_lane l on l.queue = m.queue and l.grp = m.grp
            where ($5::text is null or m.grp = $5) and
          """
          + MEANT
          + """
          and not (m.seq = l.head_seq and l.claim is not null
                   and l.visible_at > clock_timestamp())
            order by m.id limit $6)
          select
          """
          + Stored.COLUMNS
          + """
          , m.attempts,
            case when isfinite(m.ready_at)
              then (extract(epoch from m.ready_at - clock_timestamp()) * 1000000)::bigint
              else 0 end as rest
          from (table open union all table grouped) m order by m.id limit $6
          """;

  private final Db db;
  private final String queue;
  private final String browse;

  Browse(PostgresDatabase database, String queue) {
    this.db = database.db();
    this.queue = queue;
    this.browse = database.sql(BROWSE);
  }

  Flux<Waiting> browse(BrowseQuery query) {
    long after = query.after() == null ? 0 : position(query.after());
    String lane = query.group() == null ? null : LaneKey.of(query.group());
    Mono<List<Waiting>> page =
        db.run(
            "browse",
            connection -> {
              Statement statement =
                  connection.createStatement(browse).bind("$1", queue).bind("$2", after);
              bind(statement, "$3", query.messageId());
              bind(statement, "$4", query.type());
              bind(statement, "$5", lane);
              return Db.<Waiting>rows(statement.bind("$6", query.limit()), this::waiting)
                  .collectList();
            });
    return page.flatMapIterable(waiting -> waiting);
  }

  private Waiting waiting(Readable row) {
    Stored stored = new Stored(row);
    long rest = Math.max(0, Objects.requireNonNull(row.get("rest", Long.class)));
    return new Waiting(
        stored.message(queue, Instant.now()),
        Long.toString(stored.id),
        Objects.requireNonNull(row.get("attempts", Integer.class)),
        Duration.of(rest, ChronoUnit.MICROS));
  }

  private static void bind(Statement statement, String name, @Nullable String value) {
    if (value == null) {
      statement.bindNull(name, String.class);
    } else {
      statement.bind(name, value);
    }
  }

  private static long position(String text) {
    if (!text.matches("[0-9]{1,18}")) {
      throw new IllegalArgumentException(
          "after: \"" + text + "\" (expected: the position of a message)");
    }
    return Long.parseLong(text);
  }
}

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

import dev.sluice.store.SagaKey;
import dev.sluice.store.SagaLog.Busy;
import dev.sluice.store.SagaLog.Ended;
import dev.sluice.store.SagaLog.Hold;
import dev.sluice.store.SagaLog.Opening;
import dev.sluice.store.SagaLog.Taken;
import dev.sluice.store.SagaState;
import dev.sluice.store.StoreFailed;
import io.r2dbc.spi.Connection;
import io.r2dbc.spi.Readable;
import io.r2dbc.spi.Statement;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import reactor.core.publisher.Mono;
import reactor.core.publisher.MonoSink;
import reactor.core.scheduler.Schedulers;

/** Takes sagas for who asks, many with one statement, as {@link SagaAppends} appends. */
final class SagaOpens {

  private static final int BATCH = 256;
  private static final int BATCH_BYTES = 4 << 20;
  private static final int PARALLEL = 2;
  private static final int MOST_WAITING = 65_536;

  /** Makes what is not there, and takes what is and is free. */
  private static final String OPEN =
      """
      with asked as materialized (
        select * from
          unnest($1::text[], $2::text[], $3::int[], $4::text[], $5::bigint[], $6::int[], $7::int[])
          as a(saga, id, version, owner, micros, start, size)),
      got as (
        insert into {schema}.sl_saga as s(saga, id, version, revision, owner, fence, until)
        select saga, id, version, 0, owner, 1,
               clock_timestamp() + micros * interval '1 microsecond'
        from asked order by saga collate "C", id collate "C"
        on conflict(saga, id) do update
          set owner = excluded.owner, fence = s.fence + 1, takeovers = s.takeovers + 1,
              until = excluded.until
          where s.state = 'RUNNING' and s.until <= clock_timestamp()
        returning s.*),
      first as (
        insert into {schema}.sl_saga_event(saga, id, revision, kind, step, key, note, data)
        select got.saga, got.id, 0, 'OPENED', '', '', '',
               substring($8::bytea from a.start + 1 for a.size)
        from got join asked a on a.saga = got.saga and a.id = got.id
        where got.fence = 1)
      select *, 0::bigint as left_micros,
        (extract(epoch from clock_timestamp() - opened_at) * 1000000)::bigint as age_micros
      from got
      """;

  private static final String LOOK =
      """
      select s.*,
        (extract(epoch from s.until - clock_timestamp()) * 1000000)::bigint as left_micros,
        (extract(epoch from clock_timestamp() - s.opened_at) * 1000000)::bigint as age_micros
      from unnest($1::text[], $2::text[]) as a(saga, id)
      join {schema}.sl_saga s on s.saga = a.saga and s.id = a.id
      """;

  private final Db db;
  private final String open;
  private final String look;
  private final Batcher<Open> batcher;
  private final AtomicInteger waiting = new AtomicInteger();

  SagaOpens(PostgresDatabase database) {
    this.db = database.db();
    this.open = database.sql(OPEN);
    this.look = database.sql(LOOK);
    this.batcher =
        new Batcher<>(
            BATCH,
            BATCH_BYTES,
            PARALLEL,
            Duration.ZERO,
            Schedulers.parallel(),
            ask -> ask.input().remaining(),
            this::flush);
  }

  private record Open(
      SagaKey key,
      int version,
      ByteBuffer input,
      String owner,
      long micros,
      MonoSink<Opening> answer) {}

  Mono<Opening> open(SagaKey key, int version, byte[] input, String owner, long micros) {
    return Mono.create(
        answer -> {
          if (waiting.incrementAndGet() > MOST_WAITING) {
            waiting.decrementAndGet();
            answer.error(
                StoreFailed.temporary(
                    "PostgreSQL", "overloaded: " + MOST_WAITING + " sagas wait", null));
            return;
          }
          batcher.add(new Open(key, version, ByteBuffer.wrap(input), owner, micros, answer));
        });
  }

  /** How many wait for their turn. */
  int waiting() {
    return waiting.get();
  }

  private Mono<Void> flush(List<Open> batch) {
    waiting.addAndGet(-batch.size());
    return write(batch);
  }

  /** Never fails. One statement cannot take the same saga twice: who is the second comes later. */
  private Mono<Void> write(List<Open> batch) {
    List<Open> now = new ArrayList<>(batch.size());
    List<Open> later = new ArrayList<>();
    Set<SagaKey> keys = new HashSet<>();
    for (Open ask : batch) {
      (keys.add(ask.key()) ? now : later).add(ask);
    }
    Mono<Void> first =
        db.run("open sagas", connection -> open(connection, now))
            .flatMap(found -> answer(now, found))
            .onErrorResume(error -> failed(now, error));
    return later.isEmpty() ? first : first.then(Mono.defer(() -> write(later)));
  }

  private Mono<Void> failed(List<Open> asks, Throwable error) {
    if (asks.size() > 1 && error instanceof StoreFailed failure && !failure.isTemporary()) {
      int half = asks.size() / 2;
      return write(asks.subList(0, half))
          .then(Mono.defer(() -> write(asks.subList(half, asks.size()))));
    }
    asks.forEach(ask -> ask.answer().error(error));
    return Mono.empty();
  }

  /** What was free when it was not taken, and has gone when it was looked at, is asked again. */
  private Mono<Void> answer(List<Open> asks, Map<SagaKey, Found> found) {
    List<Open> again = new ArrayList<>();
    for (Open ask : asks) {
      Found there = found.get(ask.key());
      Optional<Opening> opening = there == null ? Optional.empty() : there.opening(ask);
      if (opening.isPresent()) {
        ask.answer().success(opening.get());
      } else {
        again.add(ask);
      }
    }
    return again.isEmpty() ? Mono.empty() : write(again);
  }

  private Mono<Map<SagaKey, Found>> open(Connection connection, List<Open> asks) {
    return Db.few(bind(connection.createStatement(open), asks), row -> new Found(row, true))
        .collect(HashMap<SagaKey, Found>::new, (all, one) -> all.put(one.hold.key(), one))
        .flatMap(
            taken ->
                taken.size() == asks.size()
                    ? Mono.<Map<SagaKey, Found>>just(taken)
                    : look(connection, asks, taken));
  }

  private Mono<Map<SagaKey, Found>> look(
      Connection connection, List<Open> asks, Map<SagaKey, Found> taken) {
    List<SagaKey> others =
        asks.stream().map(Open::key).filter(key -> !taken.containsKey(key)).toList();
    Statement statement =
        connection
            .createStatement(look)
            .bind("$1", others.stream().map(SagaKey::saga).toArray(String[]::new))
            .bind("$2", others.stream().map(SagaKey::id).toArray(String[]::new));
    return Db.few(statement, row -> new Found(row, false))
        .collect(() -> taken, (all, one) -> all.put(one.hold.key(), one));
  }

  private static Statement bind(Statement statement, List<Open> asks) {
    int n = asks.size();
    Integer[] starts = new Integer[n];
    Integer[] sizes = new Integer[n];
    int total = 0;
    for (int i = 0; i < n; i++) {
      starts[i] = total;
      sizes[i] = asks.get(i).input().remaining();
      total = Math.addExact(total, sizes[i]);
    }
    byte[] inputs = new byte[total];
    for (int i = 0; i < n; i++) {
      asks.get(i).input().duplicate().get(inputs, starts[i], sizes[i]);
    }
    return statement
        .bind("$1", asks.stream().map(ask -> ask.key().saga()).toArray(String[]::new))
        .bind("$2", asks.stream().map(ask -> ask.key().id()).toArray(String[]::new))
        .bind("$3", asks.stream().map(Open::version).toArray(Integer[]::new))
        .bind("$4", asks.stream().map(Open::owner).toArray(String[]::new))
        .bind("$5", asks.stream().map(Open::micros).toArray(Long[]::new))
        .bind("$6", starts)
        .bind("$7", sizes)
        .bind("$8", inputs);
  }

  /** A saga as it is now; {@code taken} if it was taken just now. */
  private static final class Found {

    final Hold hold;
    private final boolean taken;
    private final String owner;
    private final SagaState state;
    private final Taken asTaken;
    private final long left;

    Found(Readable row, boolean taken) {
      this.taken = taken;
      this.asTaken = taken(row);
      this.hold = asTaken.hold();
      this.owner = Objects.requireNonNull(row.get("owner", String.class));
      this.state = SagaState.valueOf(Objects.requireNonNull(row.get("state", String.class)));
      this.left = Objects.requireNonNull(row.get("left_micros", Long.class));
    }

    /** What the one who asked is told; empty if it is to ask again. */
    Optional<Opening> opening(Open ask) {
      if (taken || (state == SagaState.RUNNING && owner.equals(ask.owner()))) {
        return Optional.of(asTaken);
      }
      if (state != SagaState.RUNNING) {
        return Optional.of(new Ended(state));
      }
      return left > 0
          ? Optional.of(new Busy(Duration.of(left, ChronoUnit.MICROS)))
          : Optional.empty();
    }
  }

  static Taken taken(Readable row) {
    SagaKey key =
        new SagaKey(
            Objects.requireNonNull(row.get("saga", String.class)),
            Objects.requireNonNull(row.get("id", String.class)));
    return new Taken(
        new Hold(key, Objects.requireNonNull(row.get("fence", Long.class))),
        Objects.requireNonNull(row.get("version", Integer.class)),
        Objects.requireNonNull(row.get("revision", Long.class)),
        Objects.requireNonNull(row.get("takeovers", Integer.class)),
        Duration.of(
            Math.max(0, Objects.requireNonNull(row.get("age_micros", Long.class))),
            ChronoUnit.MICROS));
  }
}

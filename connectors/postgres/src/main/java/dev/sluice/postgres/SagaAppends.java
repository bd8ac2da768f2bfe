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

import dev.sluice.store.SagaEvent;
import dev.sluice.store.SagaFenced;
import dev.sluice.store.SagaLog.Hold;
import dev.sluice.store.SagaState;
import dev.sluice.store.StoreFailed;
import io.r2dbc.spi.Connection;
import io.r2dbc.spi.Statement;
import java.time.Duration;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;
import reactor.core.publisher.MonoSink;
import reactor.core.scheduler.Schedulers;

/**
 * The one writer of all journals. What the sagas of this process append goes together: a commit is
 * under way, and what comes meanwhile is the next one. So a saga that is alone waits for nobody,
 * and many share the price of a commit; each hears of its own append when that is durable.
 */
final class SagaAppends {

  /** Events, not appends. */
  private static final int BATCH = 1024;

  private static final int BATCH_BYTES = 4 << 20;

  /** One is prepared while the other one is being written. */
  private static final int PARALLEL = 2;

  private static final int MOST_WAITING = 65_536;

  /**
   * Who holds a saga at the revision it expects moves it; events are written for those alone. The
   * sagas come in the order of their keys.
   */
  private static final String APPEND =
      """
      with asked as materialized (
        select * from
          unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::int[], $6::text[])
          with ordinality as a(saga, id, fence, revision, events, state, n)),
      moved as (
        update {schema}.sl_saga s
        set revision = a.revision + a.events,
            state = case when a.state = '' then s.state else a.state end,
            takeovers = 0,
            changed_at = clock_timestamp(),
            ended_at = case when a.state in ('COMPLETED', 'COMPENSATED', 'ABANDONED')
              then clock_timestamp() else s.ended_at end
        from asked a
        where s.saga = a.saga and s.id = a.id and s.fence = a.fence and s.revision = a.revision
          and s.state = 'RUNNING'
        returning a.n),
      written as (
        insert into {schema}.sl_saga_event(saga, id, revision, at, kind, step, key, note, data)
        select a.saga, a.id, a.revision + e.place, statement_timestamp(), e.kind, e.step, e.key, e.note,
               case when e.size >= 0 then substring($7::bytea from e.start + 1 for e.size) end
        from unnest($8::bigint[], $9::int[], $10::text[], $11::text[], $12::text[], $13::text[],
                    $14::int[], $15::int[])
          as e(n, place, kind, step, key, note, start, size)
        join moved m on m.n = e.n
        join asked a on a.n = e.n)
      select n from moved
      """;

  /** Whether an append that was not made now had been made before, and its answer was lost. */
  private static final String LOOK =
      """
      select a.n, s.revision = a.revision + a.events as made
      from unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::int[])
        with ordinality as a(saga, id, fence, revision, events, n)
      join {schema}.sl_saga s on s.saga = a.saga and s.id = a.id and s.fence = a.fence
      """;

  private final Db db;
  private final String append;
  private final String look;
  private final Batcher<Append> batcher;
  private final AtomicInteger waiting = new AtomicInteger();

  SagaAppends(PostgresDatabase database) {
    this.db = database.db();
    this.append = database.sql(APPEND);
    this.look = database.sql(LOOK);
    this.batcher =
        new Batcher<>(
            BATCH,
            BATCH_BYTES,
            PARALLEL,
            Duration.ZERO,
            Schedulers.parallel(),
            Append::weight,
            this::flush);
  }

  /** Events that a saga waits for. */
  private record Append(Hold hold, long revision, List<SagaEvent> events, MonoSink<Void> answer) {

    int weight() {
      int weight = 0;
      for (SagaEvent event : events) {
        byte @Nullable [] data = event.data();
        weight += BATCH_BYTES / BATCH + (data == null ? 0 : data.length);
      }
      return weight;
    }

    SagaState state() {
      SagaState last = SagaState.RUNNING;
      for (SagaEvent event : events) {
        SagaState next = event.kind().state();
        last = next == null ? last : next;
      }
      return last;
    }
  }

  Mono<Void> append(Hold hold, long revision, List<SagaEvent> events) {
    return Mono.create(
        answer -> {
          if (waiting.incrementAndGet() > MOST_WAITING) {
            waiting.decrementAndGet();
            answer.error(
                StoreFailed.temporary(
                    "PostgreSQL", "overloaded: " + MOST_WAITING + " sagas wait", null));
            return;
          }
          batcher.add(new Append(hold, revision, events, answer));
        });
  }

  /** How many wait for their turn. */
  int waiting() {
    return waiting.get();
  }

  private Mono<Void> flush(List<Append> batch) {
    waiting.addAndGet(-batch.size());
    List<Append> sorted =
        batch.stream().sorted(Comparator.comparing((Append a) -> a.hold().key())).toList();
    return write(sorted);
  }

  /** Never fails: every append hears of its own. */
  private Mono<Void> write(List<Append> appends) {
    return db.run("append to journals", connection -> write(connection, appends))
        .doOnNext(made -> answer(appends, made))
        .then()
        .onErrorResume(error -> failed(appends, error));
  }

  /** What cannot be written must not keep back what can. */
  private Mono<Void> failed(List<Append> appends, Throwable error) {
    if (appends.size() > 1 && error instanceof StoreFailed failure && !failure.isTemporary()) {
      int half = appends.size() / 2;
      return write(appends.subList(0, half))
          .then(Mono.defer(() -> write(appends.subList(half, appends.size()))));
    }
    appends.forEach(append -> append.answer().error(error));
    return Mono.empty();
  }

  private static void answer(List<Append> appends, Set<Integer> made) {
    for (int i = 0; i < appends.size(); i++) {
      Append append = appends.get(i);
      if (made.contains(i)) {
        append.answer().success();
      } else {
        append.answer().error(new SagaFenced(append.hold(), append.revision()));
      }
    }
  }

  private Mono<Set<Integer>> write(Connection connection, List<Append> appends) {
    Heads heads = new Heads(appends);
    Statement statement = heads.bind(connection.createStatement(append)).bind("$6", heads.states);
    return Db.few(
            new Events(appends).bind(statement),
            row -> Objects.requireNonNull(row.get(0, Long.class)).intValue() - 1)
        .collect(HashSet<Integer>::new, Set::add)
        .flatMap(
            moved ->
                moved.size() == appends.size()
                    ? Mono.<Set<Integer>>just(moved)
                    : look(connection, heads, moved));
  }

  private Mono<Set<Integer>> look(Connection connection, Heads heads, Set<Integer> moved) {
    return Db.few(
            heads.bind(connection.createStatement(look)),
            row ->
                Boolean.TRUE.equals(row.get(1, Boolean.class))
                    ? Objects.requireNonNull(row.get(0, Long.class)).intValue() - 1
                    : -1)
        .collect(() -> moved, Set::add);
  }

  /** The sagas, as one array for each column. */
  private static final class Heads {

    private final String[] sagas;
    private final String[] ids;
    private final Long[] fences;
    private final Long[] revisions;
    private final Integer[] counts;
    final String[] states;

    Heads(List<Append> appends) {
      int n = appends.size();
      sagas = new String[n];
      ids = new String[n];
      fences = new Long[n];
      revisions = new Long[n];
      counts = new Integer[n];
      states = new String[n];
      for (int i = 0; i < n; i++) {
        Append append = appends.get(i);
        sagas[i] = append.hold().key().saga();
        ids[i] = append.hold().key().id();
        fences[i] = append.hold().fence();
        revisions[i] = append.revision();
        counts[i] = append.events().size();
        SagaState state = append.state();
        states[i] = state == SagaState.RUNNING ? "" : state.name();
      }
    }

    Statement bind(Statement statement) {
      return statement
          .bind("$1", sagas)
          .bind("$2", ids)
          .bind("$3", fences)
          .bind("$4", revisions)
          .bind("$5", counts);
    }
  }

  /**
   * The events, as one array for each column. The driver has no arrays of {@code bytea}, so the
   * data go as one and the server cuts them out.
   */
  private static final class Events {

    private final Long[] heads;
    private final Integer[] places;
    private final String[] kinds;
    private final String[] steps;
    private final String[] keys;
    private final String[] notes;
    private final Integer[] starts;
    private final Integer[] sizes;
    private final byte[] data;

    Events(List<Append> appends) {
      int n = appends.stream().mapToInt(append -> append.events().size()).sum();
      heads = new Long[n];
      places = new Integer[n];
      kinds = new String[n];
      steps = new String[n];
      keys = new String[n];
      notes = new String[n];
      starts = new Integer[n];
      sizes = new Integer[n];
      int total = 0;
      int row = 0;
      for (int i = 0; i < appends.size(); i++) {
        int place = 0;
        for (SagaEvent event : appends.get(i).events()) {
          heads[row] = i + 1L;
          places[row] = ++place;
          kinds[row] = event.kind().name();
          steps[row] = event.step();
          keys[row] = event.key();
          notes[row] = event.note();
          starts[row] = total;
          byte @Nullable [] bytes = event.data();
          sizes[row] = bytes == null ? -1 : bytes.length;
          total = Math.addExact(total, Math.max(0, sizes[row]));
          row++;
        }
      }
      data = new byte[total];
      row = 0;
      for (Append append : appends) {
        for (SagaEvent event : append.events()) {
          byte @Nullable [] bytes = event.data();
          if (bytes != null) {
            System.arraycopy(bytes, 0, data, starts[row], bytes.length);
          }
          row++;
        }
      }
    }

    Statement bind(Statement statement) {
      return statement
          .bind("$7", data)
          .bind("$8", heads)
          .bind("$9", places)
          .bind("$10", kinds)
          .bind("$11", steps)
          .bind("$12", keys)
          .bind("$13", notes)
          .bind("$14", starts)
          .bind("$15", sizes);
    }
  }
}

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

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.contract.TaskContract;
import dev.sluice.store.Content;
import dev.sluice.store.NewTask;
import dev.sluice.store.StepKey;
import dev.sluice.store.Task;
import dev.sluice.store.TaskStore;
import dev.sluice.store.TaskStore.Dispatch;
import dev.sluice.store.TaskStore.Run;
import dev.sluice.test.MeterReadings;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.reactivestreams.Subscription;
import reactor.core.publisher.BaseSubscriber;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

class PostgresTaskStoreTest extends TaskContract {

  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final Duration HOUR = Duration.ofHours(1);

  private static PostgresDatabase database;
  private static PostgresTaskStore store;

  @BeforeAll
  static void connect() {
    database = Server.connect(p -> p.schema(Server.freshSchema()));
    store = PostgresTaskStore.create(database);
  }

  @AfterAll
  static void close() {
    database.close().block(Duration.ofSeconds(30));
  }

  @Override
  protected TaskStore store() {
    return store;
  }

  @Override
  protected void pass(Duration time) {
    database
        .db()
        .run(
            "let time pass",
            connection ->
                Db.rows(
                        connection
                            .createStatement("select pg_sleep($1)::text")
                            .bind("$1", time.toNanos() / 1e9),
                        row -> true)
                    .then())
        .block(Duration.ofSeconds(30));
  }

  /** What a process has locked that stands still in the middle of a transaction. */
  @Test
  void whatOthersHaveLockedKeepsNothingElseWaiting() {
    List<Run> runs = new ArrayList<>();
    for (int i = 0; i < 40; i++) {
      String id = "locked-" + i;
      store.start(new NewTask(id, "locked", List.of(step("a")))).block(PATIENCE);
      runs.add(store.claim(new StepKey(id, "a"), 1, "agent", HOUR).block(PATIENCE));
    }
    Sinks.Empty<Void> locked = Sinks.empty();
    Sinks.Empty<Void> release = Sinks.empty();
    Mono<Void> standingStill =
        database
            .db()
            .transaction(
                "stand still",
                connection ->
                    Db.rows(
                            connection.createStatement(
                                database.sql(
                                    "select id from {schema}.sl_task where id in"
                                        + " ('locked-0', 'locked-1', 'locked-2') for update")),
                            row -> true)
                        .then(Mono.fromRunnable(locked::tryEmitEmpty))
                        .then(release.asMono()));
    standingStill.subscribe();
    locked.asMono().block(PATIENCE);
    Flux<String> ended =
        Flux.fromIterable(runs)
            .flatMap(run -> store.done(run, null).map(said -> run.key().task()), 40)
            .replay()
            .autoConnect(0);
    assertThat(ended.take(37).collectList().block(PATIENCE))
        .doesNotContain("locked-0", "locked-1", "locked-2");
    release.tryEmitEmpty();
    assertThat(ended.skip(37).collectList().block(PATIENCE))
        .containsExactlyInAnyOrder("locked-0", "locked-1", "locked-2");
  }

  private static NewTask.Step step(String name, String... after) {
    return new NewTask.Step(
        name, "elsewhere", Content.of("", new byte[0]), Set.of(after), HOUR, List.of());
  }

  /** A statement that does not see what another has just committed must not decide by that. */
  @Test
  void ofStepsThatTwoProcessesEndAtOnceNoneIsOverlooked() {
    PostgresTaskStore another = PostgresTaskStore.create(database);
    List<Run> some = new ArrayList<>();
    List<Run> others = new ArrayList<>();
    for (int i = 0; i < 200; i++) {
      String id = "twins-" + i;
      store
          .start(new NewTask(id, "twins", List.of(step("a"), step("b"), step("c", "a", "b"))))
          .block(PATIENCE);
      some.add(store.claim(new StepKey(id, "a"), 1, "agent", HOUR).block(PATIENCE));
      others.add(store.claim(new StepKey(id, "b"), 1, "agent", HOUR).block(PATIENCE));
    }
    Flux.merge(
            Flux.fromIterable(some).flatMap(run -> store.done(run, null), 20),
            Flux.fromIterable(others).flatMap(run -> another.done(run, null), 20))
        .blockLast(PATIENCE);
    assertThat(
            Flux.fromIterable(some)
                .flatMap(run -> store.find(run.key().task()))
                .filter(task -> task.step("c").state() != Task.StepState.READY)
                .map(Task::id)
                .collectList()
                .block(PATIENCE))
        .isEmpty();
  }

  /** One stands still between looking at steps and having the row of their task. */
  @Test
  void whatWasMovedOnSinceItWasLookedAtIsLeftOut() {
    store
        .start(new NewTask("late", "late", List.of(step("a"), step("b"), step("c", "a", "b"))))
        .block(PATIENCE);
    Run a = store.claim(new StepKey("late", "a"), 1, "agent", HOUR).block(PATIENCE);
    Run b = store.claim(new StepKey("late", "b"), 1, "agent", HOUR).block(PATIENCE);
    Sinks.Empty<Void> barred = Sinks.empty();
    Sinks.Empty<Void> release = Sinks.empty();
    database
        .db()
        .transaction(
            "bar",
            connection ->
                Db.rows(
                        connection.createStatement("select pg_advisory_xact_lock(4711)::text"),
                        row -> true)
                    .then(Mono.fromRunnable(barred::tryEmitEmpty))
                    .then(release.asMono()))
        .subscribe();
    barred.asMono().block(PATIENCE);
    Flux<Boolean> late = endsLate(a).replay().autoConnect(0);
    Flux.defer(
            () ->
                count("select count(*) from pg_locks where locktype = 'advisory' and not granted"))
        .filter(waiting -> waiting > 0)
        .repeatWhen(asked -> asked.delayElements(Duration.ofMillis(10)))
        .blockFirst(PATIENCE);
    assertThat(store.done(b, null).block(PATIENCE)).isTrue();
    release.tryEmitEmpty();
    assertThat(late.collectList().block(PATIENCE)).isEmpty();
    assertThat(store.done(a, null).block(PATIENCE)).isTrue();
    assertThat(store.find("late").block(PATIENCE).step("c").state())
        .isEqualTo(Task.StepState.READY);
  }

  @Test
  void stepsThatATakerHasNotAskedForAreSeenAndNoMoreAreHandedToIt() {
    List<Dispatch> taken = new CopyOnWriteArrayList<>();
    BaseSubscriber<Dispatch> taker =
        new BaseSubscriber<>() {
          @Override
          protected void hookOnSubscribe(Subscription subscription) {
            // asks when it is told to
          }

          @Override
          protected void hookOnNext(Dispatch step) {
            taken.add(step);
          }
        };
    store.readied("held", HOUR).subscribe(taker);
    taker.request(1);
    assertThat(store.start(wide("held-1")).block(PATIENCE)).isTrue();
    assertThat(taken).hasSize(1);
    assertThat(held()).isEqualTo(TaskStore.MAX_STEPS - 1);

    assertThat(store.start(wide("held-2")).block(PATIENCE)).isTrue(); // passes it by
    assertThat(held()).isEqualTo(TaskStore.MAX_STEPS - 1);
    assertThat(dispatched().collectList().block(PATIENCE))
        .hasSize(TaskStore.MAX_STEPS)
        .containsOnly("held-2");

    taker.request(10);
    assertThat(taken).hasSize(11);
    assertThat(held()).isEqualTo(TaskStore.MAX_STEPS - 11);

    taker.cancel();
    assertThat(held()).isZero();
    List<String> back =
        dispatched()
            .repeatWhen(asked -> asked.delayElements(Duration.ofMillis(10)))
            .take(TaskStore.MAX_STEPS - 11)
            .collectList()
            .block(PATIENCE);
    assertThat(back).containsOnly("held-1");
  }

  private static double held() {
    return MeterReadings.of(store).read().get("sluice.task.held{schema=" + database.schema() + "}");
  }

  private static Flux<String> dispatched() {
    return store
        .dispatch(List.of("held"), TaskStore.MAX_LIMIT, HOUR)
        .map(step -> step.key().task());
  }

  /** All of its steps are ready at once. */
  private static NewTask wide(String id) {
    return new NewTask(
        id,
        "held",
        IntStream.range(0, TaskStore.MAX_STEPS)
            .mapToObj(
                i ->
                    new NewTask.Step(
                        "step-" + i,
                        "held",
                        Content.of("", new byte[0]),
                        Set.of(),
                        HOUR,
                        List.of()))
            .toList());
  }

  private static Mono<Long> count(String sql) {
    return database
        .db()
        .run(
            "count",
            connection ->
                Db.rows(connection.createStatement(sql), row -> row.get(0, Long.class)).single());
  }

  /** As many are ended together, behind a bar. Emits for each step that it has ended. */
  private static Flux<Boolean> endsLate(Run run) {
    String behindTheBar =
        TaskEnds.TOGETHER.replace(
            "and state = 'RUNNING'\n",
            "and state = 'RUNNING' and (select pg_advisory_xact_lock(4711)::text is not null)\n");
    assertThat(behindTheBar).isNotEqualTo(TaskEnds.TOGETHER);
    return database
        .db()
        .run(
            "end late",
            connection ->
                Db.few(
                        connection
                            .createStatement(database.sql(behindTheBar))
                            .bind("$1", new String[] {run.key().task()})
                            .bind("$2", new String[] {run.key().step()})
                            .bind("$3", new Long[] {run.version()})
                            .bind("$4", new String[] {"DONE"})
                            .bind("$5", new String[] {""})
                            .bind("$6", new String[] {""})
                            .bind("$7", new Integer[] {0})
                            .bind("$8", new Integer[] {-1})
                            .bind("$9", new byte[0])
                            .bind("$10", new String[0])
                            .bind("$11", new Long[0]),
                        row -> true)
                    .collectList())
        .flatMapIterable(rows -> rows);
  }
}

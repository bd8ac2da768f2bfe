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

import dev.sluice.codec.PayloadCodec;
import dev.sluice.codec.StringCodec;
import dev.sluice.delivery.ErrorPolicy;
import dev.sluice.saga.SagaCodecs;
import dev.sluice.saga.SagaDefinition;
import dev.sluice.saga.Sagas;
import dev.sluice.saga.StepContext;
import dev.sluice.saga.StepSpec;
import io.r2dbc.spi.Connection;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import reactor.core.publisher.Mono;

/**
 * The services that sagas call, which honour the idempotency key, and write down what they did in a
 * table: so it outlives whoever called them.
 */
final class SagaServices {

  static final SagaCodecs TEXTS =
      new SagaCodecs() {
        @Override
        @SuppressWarnings("unchecked")
        public <T> PayloadCodec<T> of(Class<T> type) {
          return (PayloadCodec<T>) StringCodec.utf8();
        }
      };

  /** The input of a saga that completes. */
  static final String OK = "ok";

  private final PostgresDatabase database;

  SagaServices(PostgresDatabase database) {
    this.database = database;
  }

  void create() {
    run(
        """
        create table if not exists {schema}.effect(
          key text primary key, calls int not null, effects int not null, undone int not null)
        """);
  }

  private void run(String sql) {
    database
        .db()
        .run("test", c -> Db.count(c.createStatement(database.sql(sql))))
        .block(Duration.ofSeconds(60));
  }

  /** One that was undone before it came is refused. */
  Mono<String> call(StepContext step, String input) {
    return change(
            """
            insert into {schema}.effect as e values($1, 1, 1, 0)
            on conflict(key) do update set calls = e.calls + 1
            returning undone
            """,
            step.idempotencyKey())
        .map(
            undone -> {
              if (undone > 0) {
                throw new IllegalStateException("too late");
              }
              return input + ">" + step.step();
            });
  }

  Mono<String> undo(StepContext step) {
    return change(
            """
            insert into {schema}.effect as e values($1, 0, 0, 1)
            on conflict(key) do update set undone = e.undone + 1
            returning undone
            """,
            step.idempotencyKey().replace("/compensate", ""))
        .thenReturn("undone");
  }

  private Mono<Integer> change(String sql, String key) {
    return database
        .db()
        .run(
            "service",
            (Connection c) ->
                Db.few(
                        c.createStatement(database.sql(sql)).bind("$1", key),
                        row -> Objects.requireNonNull(row.get(0, Integer.class)))
                    .single());
  }

  Function<Mono<String>, Mono<String>> step(
      SagaCuts cuts, String name, UnaryOperator<StepSpec<String, String>> spec) {
    return Sagas.sagaStep(
        name,
        in -> StepContext.current().flatMap(step -> cuts.through(step.sagaId(), call(step, in))),
        s ->
            spec.apply(
                s.gives(String.class)
                    .compensate(
                        (in, out) ->
                            StepContext.current()
                                .flatMap(step -> cuts.through(step.sagaId(), undo(step))))));
  }

  /** Five steps; of a saga whose input is a number, the body fails behind so many. */
  SagaDefinition<String, String> trip(SagaCuts cuts) {
    String[] names = {"a", "b", "c", "d", "e"};
    return SagaDefinition.of(
            "trip",
            1,
            String.class,
            String.class,
            in -> {
              int steps = in.equals(OK) ? names.length : Integer.parseInt(in);
              Mono<String> body = Mono.just(in);
              for (int i = 0; i < steps; i++) {
                body = body.transform(step(cuts, names[i], s -> s.retry(SagaServices::stubborn)));
              }
              return steps == names.length
                  ? body
                  : body.flatMap(x -> Mono.error(new IllegalStateException("declined")));
            })
        .with(s -> s.compensationRetry(SagaServices::stubborn));
  }

  private static ErrorPolicy stubborn(ErrorPolicy policy) {
    return policy.retries(100).backoff(Duration.ofMillis(50), Duration.ofSeconds(1));
  }

  /** What a key has seen. */
  record Effect(String key, int calls, int effects, int undone) {}

  List<Effect> effects() {
    return Objects.requireNonNull(
        database
            .db()
            .run(
                "effects",
                c ->
                    Db.rows(
                            c.createStatement(
                                database.sql("select * from {schema}.effect order by key")),
                            row ->
                                new Effect(
                                    Objects.requireNonNull(row.get(0, String.class)),
                                    Objects.requireNonNull(row.get(1, Integer.class)),
                                    Objects.requireNonNull(row.get(2, Integer.class)),
                                    Objects.requireNonNull(row.get(3, Integer.class))))
                        .collectList())
            .block(Duration.ofSeconds(60)));
  }
}

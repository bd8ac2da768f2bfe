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
package dev.sluice.bench.postgres;

import static dev.sluice.saga.Sagas.sagaStep;

import dev.sluice.codec.PayloadCodec;
import dev.sluice.codec.StringCodec;
import dev.sluice.postgres.PostgresSagaLog;
import dev.sluice.saga.SagaCodecs;
import dev.sluice.saga.SagaDefinition;
import dev.sluice.saga.SagaResult;
import dev.sluice.saga.Sagas;
import dev.sluice.store.SagaEvent;
import dev.sluice.store.SagaKey;
import dev.sluice.store.SagaLog;
import dev.sluice.store.SagaState;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * Durable sagas of five steps on a {@link PostgresSagaLog} beside the same sagas on a journal that
 * commits once for each event, on one server, in one run, with durable commits and pools of the
 * same size. A round counts only if every saga has completed.
 *
 * <pre>{@code
 * mvn -pl benchmarks -am -Psaga-bench verify -DskipTests
 * mvn -pl benchmarks -am -Psaga-bench verify -DskipTests -Dsaga-bench.args="rounds=5 sagas=4000"
 * }</pre>
 */
final class SagaThroughput {

  private static final SagaCodecs TEXTS =
      new SagaCodecs() {
        @Override
        @SuppressWarnings("unchecked") // everything is text
        public <T> PayloadCodec<T> of(Class<T> type) {
          return (PayloadCodec<T>) StringCodec.utf8();
        }
      };

  private static final SagaDefinition<String, String> TRIP =
      SagaDefinition.of(
          "trip",
          1,
          String.class,
          String.class,
          in -> {
            Mono<String> body = Mono.just(in);
            for (String name : new String[] {"a", "b", "c", "d", "e"}) {
              body =
                  body.transform(
                      sagaStep(
                          name,
                          x -> Mono.just(x + name),
                          s -> s.gives(String.class).compensate((x, y) -> Mono.empty())));
            }
            return body;
          });

  private final StoreTrial trial;
  private final Sagas grouped;
  private final Sagas single;
  private int next;

  private SagaThroughput(StoreTrial trial) {
    this.trial = trial;
    SagaLog log = PostgresSagaLog.create(trial.database());
    this.grouped = Sagas.over(log, TEXTS, d -> d.definition(TRIP));
    this.single = Sagas.over(oneByOne(log), TEXTS, d -> d.definition(TRIP));
  }

  public static void main(String[] arguments) {
    try (StoreTrial trial = new StoreTrial(arguments)) {
      int rounds = trial.option("rounds", 3);
      int sagas = trial.option("sagas", 4000);
      SagaThroughput bench = new SagaThroughput(trial);
      for (int round = 0; round <= rounds; round++) {
        for (int inFlight : new int[] {1, 64, 512}) {
          int many = inFlight == 1 ? Math.max(100, sagas / 20) : sagas;
          bench.time(round, "a commit for each event", bench.single, many / 4, inFlight);
          bench.time(round, "group commit", bench.grouped, many, inFlight);
        }
      }
      trial.report();
    }
    System.exit(0);
  }

  private void time(int round, String what, Sagas sagas, int many, int inFlight) {
    long commits = trial.commits();
    long start = System.nanoTime();
    Long completed =
        Flux.range(0, many)
            .flatMap(i -> sagas.run(TRIP, "s" + next++, "in"), inFlight)
            .filter(SagaResult.Completed.class::isInstance)
            .count()
            .block();
    double seconds = (System.nanoTime() - start) / 1e9;
    StoreTrial.require("completed", Objects.requireNonNull(completed), many);
    if (round > 0) { // the first warms up
      String at = inFlight + " in flight, " + what + ": ";
      trial.add(at + "sagas a second", many / seconds);
      trial.add(at + "ms for one", seconds * 1000 * inFlight / many);
      trial.add(at + "commits for one", (double) (trial.commits() - commits) / many);
    }
  }

  // == a journal that commits once for each event ==

  private static final String APPEND =
      """
      with moved as (
        update sluice.sl_saga set revision = revision + 1,
          state = case when $5::text = '' then state else $5::text end,
          changed_at = clock_timestamp()
        where saga = $1 and id = $2 and fence = $3 and revision = $4
        returning revision)
      insert into sluice.sl_saga_event(saga, id, revision, kind, step, key, note, data)
      select $1, $2, revision, $6, $7, $8, $9, $10 from moved
      """;

  private static final String OPEN =
      """
      with made as (
        insert into sluice.sl_saga(saga, id, version, revision, owner, fence, until)
        values($1, $2, $3, 0, $4, 1, clock_timestamp() + interval '30 s')
        returning saga)
      insert into sluice.sl_saga_event(saga, id, revision, kind, step, key, note, data)
      select $1, $2, 0, 'OPENED', '', '', '', $5 from made
      """;

  /** What does not change a journal is asked of the real one. */
  private SagaLog oneByOne(SagaLog log) {
    return (SagaLog)
        Proxy.newProxyInstance(
            SagaLog.class.getClassLoader(),
            new Class<?>[] {SagaLog.class},
            (proxy, method, arguments) -> {
              if (method.getName().equals("open")) {
                return open(
                    (SagaKey) arguments[0],
                    (Integer) arguments[1],
                    (byte[]) arguments[2],
                    (String) arguments[3]);
              }
              if (method.getName().equals("append")) {
                @SuppressWarnings("unchecked") // the signature of append
                List<SagaEvent> events = (List<SagaEvent>) arguments[2];
                return append((SagaLog.Hold) arguments[0], (Long) arguments[1], events);
              }
              try {
                return method.invoke(log, arguments);
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
            });
  }

  private Mono<SagaLog.Opening> open(SagaKey key, int version, byte[] input, String owner) {
    return trial
        .change(
            OPEN,
            s ->
                s.bind("$1", key.saga())
                    .bind("$2", key.id())
                    .bind("$3", version)
                    .bind("$4", owner)
                    .bind("$5", input))
        .thenReturn(new SagaLog.Taken(new SagaLog.Hold(key, 1), version, 0, 0, Duration.ZERO));
  }

  private Mono<Void> append(SagaLog.Hold hold, long revision, List<SagaEvent> events) {
    return Flux.range(0, events.size())
        .concatMap(i -> append(hold, revision + i, events.get(i)))
        .then();
  }

  private Mono<Long> append(SagaLog.Hold hold, long revision, SagaEvent event) {
    SagaState state = event.kind().state();
    return trial
        .change(
            APPEND,
            s -> {
              s.bind("$1", hold.key().saga())
                  .bind("$2", hold.key().id())
                  .bind("$3", hold.fence())
                  .bind("$4", revision)
                  .bind("$5", state == null ? "" : state.name())
                  .bind("$6", event.kind().name())
                  .bind("$7", event.step())
                  .bind("$8", event.key())
                  .bind("$9", event.note());
              byte[] data = event.data();
              return data == null ? s.bindNull("$10", byte[].class) : s.bind("$10", data);
            })
        .filter(rows -> rows == 1)
        .switchIfEmpty(Mono.error(() -> new IllegalStateException("fenced: " + hold)));
  }
}

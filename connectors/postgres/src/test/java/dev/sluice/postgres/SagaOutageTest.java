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

import dev.sluice.postgres.SagaServices.Effect;
import dev.sluice.saga.SagaDefinition;
import dev.sluice.saga.SagaRecovery;
import dev.sluice.saga.Sagas;
import dev.sluice.store.SagaLog;
import dev.sluice.store.SagaLog.Query;
import dev.sluice.store.SagaLog.Summary;
import dev.sluice.store.SagaState;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** The server dies and comes back while sagas run, of which some fail. */
class SagaOutageTest {

  private static final Duration PATIENCE = Duration.ofSeconds(90);

  @Test
  void ofTheServerLeavesNoSagaHalfWay() {
    run(150, 1);
  }

  @Test
  @Tag("soak")
  void ofTheServerManyTimesLeavesNoSagaHalfWay() {
    run(Integer.getInteger("saga.sagas", 20_000), Integer.getInteger("saga.outages", 10));
  }

  private static void run(int sagas, int outages) {
    PostgresDatabase database = Server.connect(p -> p.schema(Server.freshSchema()).connections(8));
    SagaLog log = PostgresSagaLog.create(database);
    SagaServices services = new SagaServices(database);
    services.create();
    SagaDefinition<String, String> trip = services.trip(SagaCuts.none());
    Sagas process =
        Sagas.over(log, SagaServices.TEXTS, d -> d.definition(trip).lease(Duration.ofSeconds(10)));
    SagaRecovery recovery = process.recover(r -> r.pollInterval(Duration.ofMillis(500)));
    long seed = new Random().nextLong();
    AtomicInteger ended = new AtomicInteger();
    Disposable running =
        Flux.range(0, sagas)
            .flatMap(
                i ->
                    process
                        .run(trip, "" + i, input(seed, i))
                        .then()
                        .onErrorResume(error -> Mono.empty()) // left to the recovery
                        .doOnSuccess(v -> ended.incrementAndGet()),
                64)
            .subscribe();
    for (int i = 1; i <= outages; i++) {
      int then = sagas * i / (outages + 1);
      PostgresChannelTest.await("saga " + then, () -> ended.get() >= then);
      if (i % 2 == 0) {
        Server.postgres().stop();
      } else {
        Server.postgres().kill();
      }
      Server.postgres().start();
    }
    PostgresChannelTest.await("all to have been begun", running::isDisposed);
    PostgresChannelTest.await(
        "the end of all",
        () -> log.stats().map(s -> s.running() == 0).onErrorReturn(false).block(PATIENCE));
    recovery.stop().block(PATIENCE);
    judge(log, services, seed, sagas);
    database.close().block(PATIENCE);
  }

  private static String input(long seed, int saga) {
    Random random = new Random(seed + saga);
    return random.nextInt(3) == 0 ? "" + random.nextInt(5) : SagaServices.OK;
  }

  private static void judge(SagaLog log, SagaServices services, long seed, int sagas) {
    Map<String, List<Effect>> effects = new HashMap<>();
    for (Effect effect : services.effects()) {
      effects.computeIfAbsent(effect.key().split("/", -1)[1], id -> new ArrayList<>()).add(effect);
    }
    List<Summary> page = List.of();
    int seen = 0;
    int begun = 0;
    do {
      Query next =
          new Query("trip", null, page.isEmpty() ? null : page.get(page.size() - 1).key(), 1000);
      page = Objects.requireNonNull(log.query(next).collectList().block(PATIENCE));
      for (Summary saga : page) {
        String id = saga.key().id();
        String input = input(seed, Integer.parseInt(id));
        boolean ok = input.equals(SagaServices.OK);
        List<Effect> of = effects.getOrDefault(id, List.of());
        String as = "seed " + seed + ", saga " + id + " with " + input;
        assertThat(saga.state()).as(as).isEqualTo(ok ? SagaState.COMPLETED : SagaState.COMPENSATED);
        assertThat(of).as(as).hasSize(ok ? 5 : Integer.parseInt(input));
        assertThat(of).as(as).allMatch(one -> one.effects() == 1 && (one.undone() > 0) != ok);
        seen++;
      }
      begun += page.size();
    } while (!page.isEmpty());
    assertThat(seen).isEqualTo(begun).isGreaterThan(sagas / 2).isLessThanOrEqualTo(sagas);
  }
}

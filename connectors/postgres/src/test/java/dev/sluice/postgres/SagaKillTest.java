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
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * A process is killed while sagas stand at every boundary that there is, one saga at each, and five
 * others that look for them go on.
 */
class SagaKillTest {

  private static final Duration PATIENCE = Duration.ofSeconds(90);

  @Test
  void onceAtEveryBoundary() throws IOException, InterruptedException {
    kills(1);
  }

  @Test
  @Tag("soak")
  void tenTimesAtEveryBoundary() throws IOException, InterruptedException {
    kills(Integer.getInteger("saga.kills", 10));
  }

  private static void kills(int rounds) throws IOException, InterruptedException {
    String schema = Server.freshSchema();
    PostgresDatabase database = Server.connect(p -> p.schema(schema).connections(8));
    SagaLog log = PostgresSagaLog.create(database);
    SagaServices services = new SagaServices(database);
    services.create();
    int ok = boundaries(log, services, "ok");
    int declined = boundaries(log, services, "4");
    assertThat(ok).isGreaterThanOrEqualTo(2 * 7 + 2 * 5);
    assertThat(declined).isGreaterThan(2 * 6 + 2 * 8);
    for (int round = 0; round < rounds; round++) {
      kill(schema, "r" + round, ok, declined);
      recover(log, services);
    }
    judge(log, services, rounds, ok, declined);
    database.close().block(PATIENCE);
  }

  /** How many there are, told by a saga that nothing holds. */
  private static int boundaries(SagaLog log, SagaServices services, String input) {
    SagaCuts counting = SagaCuts.none();
    SagaDefinition<String, String> trip = services.trip(counting);
    Sagas.over(counting.in(log), SagaServices.TEXTS, d -> d.definition(trip))
        .run(trip, "count-" + input + "-", input)
        .block(PATIENCE);
    return counting.passed("count-" + input + "-");
  }

  private static void kill(String schema, String round, int ok, int declined)
      throws IOException, InterruptedException {
    Process victim =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx128m",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("java.class.path"),
                SagaVictim.class.getName(),
                Server.postgres().r2dbcUrl(),
                schema,
                round,
                "" + ok,
                "" + declined)
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    try (BufferedReader says = victim.inputReader()) {
      String said = says.lines().filter(line -> !line.isBlank()).collect(Collectors.joining("\n"));
      assertThat(said).isEqualTo("dies");
      assertThat(victim.waitFor()).isEqualTo(9);
    } finally {
      victim.destroyForcibly().waitFor();
    }
  }

  private static void recover(SagaLog log, SagaServices services) {
    SagaDefinition<String, String> trip = services.trip(SagaCuts.none());
    List<SagaRecovery> recoveries = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      Sagas sagas =
          Sagas.over(
              log, SagaServices.TEXTS, d -> d.definition(trip).lease(Duration.ofSeconds(30)));
      recoveries.add(sagas.recover(r -> r.pollInterval(Duration.ofMillis(100)).concurrency(16)));
    }
    PostgresChannelTest.await(
        "the end of all sagas",
        () -> Objects.requireNonNull(log.stats().block(PATIENCE)).running() == 0);
    recoveries.forEach(recovery -> recovery.stop().block(PATIENCE));
  }

  private static void judge(SagaLog log, SagaServices services, int rounds, int ok, int declined) {
    List<Summary> all =
        Objects.requireNonNull(log.query(Query.all().limit(1000)).collectList().block(PATIENCE));
    // Those that died before they were there never were.
    assertThat(all).hasSize(2 + rounds * (ok + declined - 2));
    List<Effect> effects = services.effects();
    for (Summary saga : all) {
      String id = saga.key().id();
      boolean refused = id.contains("-4-");
      assertThat(saga.state())
          .as(id)
          .isEqualTo(refused ? SagaState.COMPENSATED : SagaState.COMPLETED);
      List<Effect> ofSaga =
          effects.stream().filter(one -> one.key().startsWith("trip/" + id + "/")).toList();
      assertThat(ofSaga).as(id).hasSize(refused ? 4 : 5);
      assertThat(ofSaga)
          .as(id)
          .allSatisfy(
              one -> {
                assertThat(one.effects()).isEqualTo(1);
                assertThat(one.undone()).isBetween(refused ? 1 : 0, refused ? 2 : 0);
                assertThat(one.calls()).isBetween(1, 2);
              });
      // Only the one action whose answer the dead did not live to write down was called again.
      assertThat(ofSaga.stream().filter(one -> one.calls() > 1).count()).as(id).isLessThan(2);
    }
  }
}

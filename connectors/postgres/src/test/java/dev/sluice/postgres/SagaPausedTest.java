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

import static dev.sluice.saga.Sagas.sagaStep;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.saga.SagaDefinition;
import dev.sluice.saga.SagaRecovery;
import dev.sluice.saga.Sagas;
import dev.sluice.store.SagaKey;
import dev.sluice.store.SagaLog;
import dev.sluice.store.SagaLog.Query;
import dev.sluice.store.SagaState;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Mono;

/** A process that is stopped for longer than its lease, and goes on as if nothing had happened. */
class SagaPausedTest {

  private static final Duration PATIENCE = Duration.ofSeconds(60);

  /** Something is done before the pause, and after it. */
  static SagaDefinition<String, String> trip(
      SagaServices services, Function<Mono<String>, Mono<String>> pause) {
    SagaCuts none = SagaCuts.none();
    return SagaDefinition.of(
        "trip",
        1,
        String.class,
        String.class,
        in ->
            Mono.just(in)
                .transform(services.step(none, "a", s -> s))
                .transform(pause)
                .transform(services.step(none, "b", s -> s))
                .transform(services.step(none, "c", s -> s)));
  }

  @Test
  void doesNothingMore() throws IOException, InterruptedException {
    String schema = Server.freshSchema();
    PostgresDatabase database = Server.connect(p -> p.schema(schema));
    SagaLog log = PostgresSagaLog.create(database);
    SagaServices services = new SagaServices(database);
    services.create();
    Process sleeper =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx128m",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("java.class.path"),
                SagaSleeper.class.getName(),
                Server.postgres().r2dbcUrl(),
                schema)
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    try (BufferedReader says = sleeper.inputReader()) {
      assertThat(says.readLine()).isEqualTo("in the middle");
      signal("STOP", sleeper);
      recover(log, services);
      assertThat(services.effects()).hasSize(3).allMatch(one -> one.calls() == 1);

      signal("CONT", sleeper);
      sleeper.getOutputStream().write('\n');
      sleeper.getOutputStream().flush();
      assertThat(says.readLine()).isEqualTo("SagaFenced");
      assertThat(services.effects()).hasSize(3).allMatch(one -> one.calls() == 1);
    } finally {
      sleeper.destroyForcibly().waitFor();
      database.close().block(PATIENCE);
    }
  }

  /** Five look for it. */
  private static void recover(SagaLog log, SagaServices services) {
    SagaDefinition<String, String> trip =
        trip(services, sagaStep("wait", Mono::just, s -> s.gives(String.class)));
    List<SagaRecovery> recoveries = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      recoveries.add(
          Sagas.over(log, SagaServices.TEXTS, d -> d.definition(trip))
              .recover(r -> r.pollInterval(Duration.ofMillis(100))));
    }
    PostgresChannelTest.await(
        "the end of the saga",
        () ->
            Objects.requireNonNull(
                    log.query(Query.all().saga("trip").limit(1)).blockFirst(PATIENCE))
                .state()
                .equals(SagaState.COMPLETED));
    recoveries.forEach(recovery -> recovery.stop().block(PATIENCE));
    assertThat(log.read(new SagaKey("trip", "7")).count().block(PATIENCE)).isEqualTo(10);
  }

  private static void signal(String name, Process process)
      throws IOException, InterruptedException {
    assertThat(new ProcessBuilder("kill", "-" + name, "" + process.pid()).start().waitFor())
        .as("kill -%s", name)
        .isZero();
  }
}

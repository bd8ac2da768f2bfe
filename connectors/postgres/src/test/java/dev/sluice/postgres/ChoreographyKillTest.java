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

import dev.sluice.channel.FlowHandle;
import dev.sluice.contract.Cuts;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * A process is killed while one conversation of a choreography stands at each boundary that there
 * is, and another goes on. {@link PostgresChoreographyTest} does the same in one process.
 */
@Tag("soak")
class ChoreographyKillTest {

  private static final Duration PATIENCE = Duration.ofSeconds(90);

  @Test
  void eachParticipantAtEveryBoundary() throws IOException, InterruptedException {
    String schema = Server.freshSchema();
    PostgresDatabase database = Server.connect(p -> p.schema(schema).connections(24));
    ChoreographyStage stage = new ChoreographyStage(database);
    stage.createEffects();
    Cuts counting = Cuts.none();
    List<FlowHandle> flows = stage.start(counting);
    int ok = boundaries(stage, counting, "ok-count");
    int declined = boundaries(stage, counting, "no-count");
    stop(stage, flows);
    int rounds = Integer.getInteger("choreography.kills", 10);
    for (int round = 0; round < rounds; round++) {
      kill(schema, "r" + round, ok, declined);
      ChoreographyStage heir = new ChoreographyStage(database);
      List<FlowHandle> again = heir.start(Cuts.none());
      int sofar = (round + 1) * (ok + declined) + 2;
      PostgresChannelTest.await("all ends", () -> ends(stage) == sofar);
      stop(heir, again);
      for (int at = 1; at <= ok; at++) {
        judge(stage, "r" + round + "-ok-" + at, 1);
      }
      for (int at = 1; at <= declined; at++) {
        judge(stage, "r" + round + "-no-" + at, 0);
      }
    }
    assertThat(stage.queue("dead").depth().block(PATIENCE)).isZero();
    database.close().block(PATIENCE);
  }

  private static void judge(ChoreographyStage stage, String conversation, int ofTwo) {
    assertThat(stage.effects("one", conversation)).as("one, %s", conversation).isEqualTo(1);
    assertThat(stage.effects("two", conversation)).as("two, %s", conversation).isEqualTo(ofTwo);
    assertThat(stage.effects("three", conversation)).as("three, %s", conversation).isEqualTo(1);
  }

  /** The last participant writes down what comes to the end. */
  private static long ends(ChoreographyStage stage) {
    return stage.count("select count(*) from {schema}.effect where participant = 'three'");
  }

  private static int boundaries(ChoreographyStage stage, Cuts counting, String conversation) {
    stage.queue("one").send(ChoreographyStage.begun(conversation)).block(PATIENCE);
    PostgresChannelTest.await("the end", () -> counting.passed(conversation).size() == 3 * 4);
    return counting.passed(conversation).size();
  }

  private static void stop(ChoreographyStage stage, List<FlowHandle> flows) {
    flows.forEach(flow -> flow.stop(PATIENCE).block(PATIENCE));
    stage.stopRelays();
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
                ChoreographyVictim.class.getName(),
                Server.postgres().r2dbcUrl(),
                schema,
                round,
                "" + ok,
                "" + declined)
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    try (BufferedReader says = victim.inputReader()) {
      List<String> said = says.lines().filter(line -> !line.isBlank()).collect(Collectors.toList());
      assertThat(said).isNotEmpty();
      assertThat(said.get(said.size() - 1)).isEqualTo("dies");
      assertThat(victim.waitFor()).isEqualTo(9);
    } finally {
      victim.destroyForcibly().waitFor();
    }
  }
}

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

import dev.sluice.saga.SagaDefinition;
import dev.sluice.saga.Sagas;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;

/**
 * The process of {@link SagaKillTest}: begins sagas, of which each comes to a boundary of its own,
 * and dies when all of them are there.
 */
final class SagaVictim {

  private SagaVictim() {}

  public static void main(String[] arguments) throws Exception {
    PostgresDatabase database =
        Objects.requireNonNull(
            PostgresDatabase.connect(
                    arguments[0],
                    p -> p.schema(arguments[1]).acquireTimeout(Duration.ofSeconds(60)))
                .block());
    String round = arguments[2];
    Map<String, Integer> cuts = new HashMap<>();
    cuts(round, "ok", Integer.parseInt(arguments[3]), cuts);
    cuts(round, "4", Integer.parseInt(arguments[4]), cuts);
    SagaCuts at = new SagaCuts(cuts);
    SagaDefinition<String, String> trip = new SagaServices(database).trip(at);
    Sagas sagas =
        Sagas.over(
            at.in(PostgresSagaLog.create(database)),
            SagaServices.TEXTS,
            d -> d.definition(trip).lease(Duration.ofSeconds(2)));
    cuts.keySet()
        .forEach(
            id ->
                sagas
                    .run(trip, id, id.contains("-4-") ? "4" : "ok")
                    .subscribe(
                        result -> System.out.println(id + " ended: " + result),
                        error -> System.out.println(id + " failed: " + error)));
    while (at.held() < cuts.size()) {
      Thread.onSpinWait();
      Thread.yield();
    }
    System.out.println("dies");
    System.out.flush();
    Runtime.getRuntime().halt(9);
  }

  private static void cuts(String round, String input, int many, Map<String, Integer> cuts) {
    for (int at = 1; at <= many; at++) {
      cuts.put(round + "-" + input + "-" + at, at);
    }
  }
}

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

import dev.sluice.contract.Cuts;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.locks.LockSupport;
import reactor.core.publisher.Flux;

/**
 * The process of {@link ChoreographyKillTest}: begins conversations, of which each comes to a
 * boundary of its own, and dies when all of them are there.
 */
final class ChoreographyVictim {

  /**
   * Of a transaction that stands at its boundary: until it is undone no relay sends what is
   * younger, and nothing gets to the boundaries behind it.
   */
  private static final Duration PATIENCE = Duration.ofSeconds(3);

  private ChoreographyVictim() {}

  public static void main(String[] arguments) {
    PostgresDatabase database =
        Objects.requireNonNull(
            PostgresDatabase.connect(
                    arguments[0],
                    p -> p.schema(arguments[1]).connections(24).transactionTimeout(PATIENCE))
                .block());
    Map<String, Integer> at = new HashMap<>();
    put(at, arguments[2] + "-ok-", Integer.parseInt(arguments[3]));
    put(at, arguments[2] + "-no-", Integer.parseInt(arguments[4]));
    Cuts cuts = Cuts.at(at);
    ChoreographyStage stage = new ChoreographyStage(database);
    stage.start(cuts);
    Flux.fromIterable(at.keySet())
        .flatMap(conversation -> stage.queue("one").send(ChoreographyStage.begun(conversation)))
        .blockLast();
    while (cuts.held().size() < at.size()) {
      LockSupport.parkNanos(5_000_000);
    }
    System.out.println("dies");
    System.out.flush();
    Runtime.getRuntime().halt(9);
  }

  private static void put(Map<String, Integer> cuts, String conversation, int boundaries) {
    for (int at = 1; at <= boundaries; at++) {
      cuts.put(conversation + at, at);
    }
  }
}

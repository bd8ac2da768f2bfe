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

import dev.sluice.channel.FlowHandle;
import dev.sluice.channel.Outbound;
import dev.sluice.contract.PriorityContract;
import dev.sluice.flow.Flow;
import java.time.Duration;
import java.util.UUID;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import reactor.core.publisher.Mono;

/** One queue, which the database reorders. */
class PostgresPriorityTest extends PriorityContract {

  private static PostgresDatabase database;

  private final PostgresChannel channel =
      PostgresChannel.create(
          database, "bags " + UUID.randomUUID(), spec -> spec.agingStep(Duration.ofHours(1)));

  @BeforeAll
  static void connect() {
    database = Server.connect(p -> p.schema(Server.freshSchema()));
  }

  @AfterAll
  static void close() {
    database.close().block(Duration.ofSeconds(30));
  }

  @Override
  protected Outbound<byte[]> outbound() {
    return channel;
  }

  @Override
  protected FlowHandle start(Function<byte[], Mono<Void>> worker) {
    return Flow.from(channel).compete(worker, c -> c.concurrency(1).lookAhead(1)).start();
  }

  /** What is committed is. */
  @Override
  protected boolean areWaiting(int... ofEachLevel) {
    return channel.depth().block(Duration.ofSeconds(30)) >= IntStream.of(ofEachLevel).sum();
  }
}

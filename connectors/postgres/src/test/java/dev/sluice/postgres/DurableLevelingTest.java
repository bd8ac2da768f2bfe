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

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.channel.FlowHandle;
import dev.sluice.channel.Inbound;
import dev.sluice.codec.StringCodec;
import dev.sluice.flow.Flow;
import dev.sluice.level.LeveledChannel;
import dev.sluice.level.LoadLeveling;
import dev.sluice.message.Message;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** What waits in the database outlives the process that was levelling it. */
class DurableLevelingTest {

  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final int ORDERS = 300;

  private final Set<String> shipped = ConcurrentHashMap.newKeySet();

  @Test
  void goesOnWhereADeadProcessHasLeftOff() {
    String schema = Server.freshSchema();
    PostgresDatabase first = Server.connect(p -> p.schema(schema).connections(4));
    LeveledChannel dies =
        LoadLeveling.between(
            orders(),
            PostgresChannel.create(first, "orders", s -> s.flush(Duration.ofSeconds(1))),
            orders -> level(orders, ORDERS / 3));
    dies.produced().block(PATIENCE);
    assertThat(dies.sent()).isEqualTo(ORDERS);
    PostgresChannelTest.await("some to be shipped", () -> shipped.size() >= ORDERS / 10);
    first.close().block(PATIENCE);
    dies.stop(Duration.ZERO).block(PATIENCE);
    assertThat(shipped).hasSizeLessThan(ORDERS);

    PostgresDatabase second = Server.connect(p -> p.schema(schema).connections(4));
    LeveledChannel goesOn =
        LoadLeveling.between(
            Flux.empty(),
            PostgresChannel.create(second, "orders"),
            orders -> level(orders, Integer.MAX_VALUE));
    PostgresChannelTest.await("all to be shipped", () -> shipped.size() == ORDERS);
    PostgresChannelTest.await(
        "nothing to wait", () -> Long.valueOf(0).equals(goesOn.depth().block(PATIENCE)));
    goesOn.stop(Duration.ofSeconds(5)).block(PATIENCE);
    second.close().block(PATIENCE);
  }

  /** Of which so many are shipped, and some more at the most; nothing comes of the rest. */
  private FlowHandle level(Inbound channel, int most) {
    return Flow.from(channel)
        .lease(Duration.ofSeconds(2)) // what the dead one held is free then
        .decode(StringCodec.utf8())
        .loadLevel(
            order ->
                shipped.size() < most
                    ? Mono.fromCallable(() -> shipped.add(order))
                    : Mono.<Boolean>never(),
            c -> c.rate(200, Duration.ofSeconds(1), 10).capacity(20).concurrency(4))
        .start();
  }

  private static Flux<Message<byte[]>> orders() {
    return Flux.range(0, ORDERS).map(i -> Message.of(("order " + i).getBytes(UTF_8)));
  }
}

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
import dev.sluice.codec.StringCodec;
import dev.sluice.convoy.GroupVerdict;
import dev.sluice.delivery.ErrorPolicy;
import dev.sluice.flow.Flow;
import dev.sluice.message.Message;
import dev.sluice.store.ParkingLot;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** A channel and a lot on one database: what was parked outlives its flows, and comes in order. */
class ParkingOnPostgresTest {

  private static final Duration SOON = Duration.ofSeconds(60);

  private static PostgresDatabase database;

  private final Queue<String> done = new ConcurrentLinkedQueue<>();
  private final AtomicBoolean broken = new AtomicBoolean(true);
  private final PostgresChannel orders = PostgresChannel.create(database, "orders");
  private final ParkingLot lot = PostgresParkingLot.create(database);

  @BeforeAll
  static void connect() {
    database = Server.connect(p -> p.schema(Server.freshSchema()));
  }

  @AfterAll
  static void close() {
    database.close().block(SOON);
  }

  private FlowHandle flow() {
    return Flow.from(orders)
        .named("charging")
        .onError(ErrorPolicy.defaults().retries(0))
        .parking(lot, p -> p.pollInterval(Duration.ofMillis(50)))
        .decode(StringCodec.utf8())
        .groupedConvoy(
            Message::group,
            text ->
                Mono.fromSupplier(
                    () -> {
                      if (broken.get() && text.equals("a0")) {
                        throw new IllegalStateException(text);
                      }
                      done.add(text);
                      return text;
                    }),
            c -> c.onFailure(f -> f.then(GroupVerdict.PARK_GROUP)))
        .start();
  }

  private void send(int from, int to) {
    Flux.range(from, to - from)
        .concatMap(i -> Flux.just("a" + i, "b" + i))
        .concatMap(
            text ->
                orders.send(
                    Message.of(text.getBytes(StandardCharsets.UTF_8))
                        .withGroup(text.substring(0, 1))))
        .blockLast(SOON);
  }

  private Mono<Long> parked() {
    return lot.list("charging", "a", 0, 100).count();
  }

  private static void await(Flux<Boolean> condition) {
    condition.delayElements(Duration.ofMillis(20)).takeUntil(is -> is).blockLast(SOON);
  }

  @Test
  void aGroupIsParkedOverARestartAndReleasedInOrder() {
    FlowHandle one = flow();
    FlowHandle other = flow();
    send(0, 5);
    await(parked().map(n -> n == 5 && done.size() == 5).repeat());
    one.stop(SOON).block(SOON);
    other.stop(SOON).block(SOON);
    broken.set(false);
    one = flow();
    other = flow();
    send(5, 10);
    await(parked().map(n -> n == 10 && done.size() == 10).repeat());
    assertThat(lot.release("charging", "a").block(SOON)).isTrue();
    send(10, 15); // while it is being drained
    await(Flux.defer(() -> Flux.just(done.size() == 30)).repeat());
    await(lot.groups("charging", 1).hasElements().map(any -> !any).repeat());
    assertThat(done.stream().filter(text -> text.startsWith("a")))
        .containsExactly(
            "a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7", "a8", "a9", "a10", "a11", "a12", "a13",
            "a14");
    one.stop(SOON).block(SOON);
    other.stop(SOON).block(SOON);
    assertThat(orders.depth().block(SOON)).isZero();
  }
}

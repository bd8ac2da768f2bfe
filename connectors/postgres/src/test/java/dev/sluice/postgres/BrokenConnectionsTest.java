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

import dev.sluice.channel.Receipt;
import dev.sluice.channel.ReceiveOptions;
import dev.sluice.channel.SendFailed;
import dev.sluice.delivery.Delivery;
import dev.sluice.delivery.Outcome;
import dev.sluice.message.Message;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.util.retry.Retry;

/**
 * Connections die in the middle of everything: of claims, settlements, sends and heartbeats, before
 * and after their effects.
 */
class BrokenConnectionsTest {

  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final int MESSAGES = 3_000;
  private static final int BLOWS = 40;

  private final Set<String> sent = ConcurrentHashMap.newKeySet();
  private final Set<String> durable = ConcurrentHashMap.newKeySet();
  private final Queue<String> repeated = new ConcurrentLinkedQueue<>();
  private final AtomicInteger deliveries = new AtomicInteger();

  @Test
  void costNoMessageAndRepeatNothingThatWasDurable() {
    PostgresDatabase outside = Server.connect(p -> p.connections(1));
    PostgresDatabase database = Server.connect(p -> p.schema(Server.freshSchema()).connections(8));
    PostgresChannel channel = PostgresChannel.create(database, "orders");
    List<Disposable> consumers = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      consumers.add(
          channel
              .receive(ReceiveOptions.defaults().maxUnsettled(64).lease(Duration.ofSeconds(2)))
              .subscribe(this::settle));
    }
    Disposable producer =
        Flux.range(0, MESSAGES)
            .flatMap(i -> send(channel, i), 64)
            .subscribe(receipt -> sent.add(receipt.messageId()));
    for (int blow = 1; blow <= BLOWS; blow++) {
      int enough = MESSAGES * blow / (BLOWS + 5);
      PostgresChannelTest.await(enough + " to be consumed", () -> durable.size() >= enough);
      outside
          .db()
          .run(
              "test",
              connection ->
                  Db.count(
                      connection.createStatement(
                          "select pg_terminate_backend(pid) from pg_stat_activity"
                              + " where application_name = 'sluice' and pid <> pg_backend_pid()"
                              + " and random() < 0.5")))
          .block(PATIENCE);
    }
    PostgresChannelTest.await("the sends", producer::isDisposed);
    PostgresChannelTest.await(
        "everything that was sent to be consumed", () -> durable.containsAll(sent));
    PostgresChannelTest.await("nothing to be left", () -> depth(channel) == 0);
    assertThat(sent).hasSize(MESSAGES);
    assertThat(repeated).as("delivered after it was durably consumed").isEmpty();
    consumers.forEach(Disposable::dispose);
    PostgresChannelTest.await("the consumers to end", () -> channel.gauges().consumers() == 0);
    PostgresChannelTest.await("no connection in use", () -> database.connections().inUse() == 0);
    database.close().block(PATIENCE);
    outside.close().block(PATIENCE);
  }

  private static long depth(PostgresChannel channel) {
    return channel.depth().retry(20).blockOptional(PATIENCE).orElseThrow();
  }

  /** What nobody knows of is sent again, as another message: then each is sent once at most. */
  private static Mono<Receipt> send(PostgresChannel channel, int i) {
    return Mono.defer(
            () ->
                channel.send(
                    Message.of(("" + i).getBytes(StandardCharsets.UTF_8))
                        .withGroup(i % 3 == 0 ? null : "g" + i % 50)))
        .retryWhen(
            Retry.fixedDelay(Long.MAX_VALUE, Duration.ofMillis(20))
                .filter(SendFailed.class::isInstance));
  }

  private void settle(Delivery<byte[]> delivery) {
    deliveries.incrementAndGet();
    String id = delivery.message().id();
    if (durable.contains(id)) {
      repeated.add(delivery.toString());
    }
    delivery.settlement().settle(Outcome.ack());
    delivery.settlement().durable().subscribe(v -> {}, stale -> {}, () -> durable.add(id));
  }
}

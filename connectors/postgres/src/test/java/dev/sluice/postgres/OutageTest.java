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

import dev.sluice.channel.ReceiveOptions;
import dev.sluice.channel.SendFailed;
import dev.sluice.delivery.Delivery;
import dev.sluice.delivery.Outcome;
import dev.sluice.message.Message;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.util.retry.Retry;

/** The server dies and comes back while messages flow. */
class OutageTest {

  private static final Duration PATIENCE = Duration.ofSeconds(90);

  private final Set<String> sent = ConcurrentHashMap.newKeySet();
  private final Set<String> consumed = ConcurrentHashMap.newKeySet();
  private final AtomicInteger flowed = new AtomicInteger();
  private volatile boolean over;

  @Test
  void ofTheServerLosesNothing() {
    run(2);
  }

  @Test
  @Tag("soak")
  void ofTheServerTwentyTimesLosesNothing() {
    run(20);
  }

  private void run(int outages) {
    PostgresDatabase database = Server.connect(p -> p.schema(Server.freshSchema()).connections(8));
    PostgresChannel channel = PostgresChannel.create(database, "orders");
    List<Disposable> consumers = new ArrayList<>();
    for (int i = 0; i < 2; i++) {
      consumers.add(
          channel
              .receive(ReceiveOptions.defaults().maxUnsettled(64).lease(Duration.ofSeconds(5)))
              .flatMap(this::work, 64)
              .subscribe());
    }
    Mono<Void> producer =
        Flux.<Integer, Integer>generate(
                () -> 0,
                (i, sink) -> {
                  sink.next(i);
                  return i + 1;
                })
            .takeUntil(i -> over)
            .flatMapSequential(i -> send(channel, i), 32, 1)
            .then();
    Disposable producing = producer.subscribe();
    for (int i = 0; i < outages; i++) {
      flows(100);
      if (i % 2 == 0) {
        Server.postgres().kill();
      } else {
        Server.postgres().stop();
      }
      Server.postgres().start();
      flows(1);
    }
    flows(100);
    over = true;
    PostgresChannelTest.await("the last sends", producing::isDisposed);
    PostgresChannelTest.await(
        "everything that was sent to be consumed", () -> consumed.containsAll(sent));
    assertThat(sent).hasSizeGreaterThan(100 * outages);
    consumers.forEach(Disposable::dispose);
    PostgresChannelTest.await("the consumers to end", () -> channel.gauges().consumers() == 0);
    PostgresChannelTest.await("no connection in use", () -> database.connections().inUse() == 0);
    database.close().block(PATIENCE);
  }

  /** Waits until so many more messages have been consumed. */
  private void flows(int more) {
    int before = flowed.get();
    PostgresChannelTest.await(more + " more messages", () -> flowed.get() - before >= more);
  }

  private Mono<Void> send(PostgresChannel channel, int i) {
    Message<byte[]> message =
        Message.of(("" + i).getBytes(StandardCharsets.UTF_8))
            .withGroup(i % 3 == 0 ? null : "g" + i % 20);
    return channel
        .send(message)
        .retryWhen(
            Retry.fixedDelay(Long.MAX_VALUE, Duration.ofMillis(50))
                .filter(SendFailed.class::isInstance))
        .doOnNext(receipt -> sent.add(message.id()))
        .then();
  }

  private Mono<Void> work(Delivery<byte[]> delivery) {
    delivery.settlement().settle(Outcome.ack());
    return delivery
        .settlement()
        .durable()
        .doOnSuccess(
            v -> {
              consumed.add(delivery.message().id());
              flowed.incrementAndGet();
            })
        .onErrorComplete();
  }
}

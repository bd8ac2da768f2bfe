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
package dev.sluice.docs;

import static dev.sluice.idempotent.Idempotent.idempotent;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.channel.Outbound;
import dev.sluice.codec.StringCodec;
import dev.sluice.flow.Flow;
import dev.sluice.idempotent.Idempotent;
import dev.sluice.idempotent.ScriptedStore;
import dev.sluice.message.Message;
import dev.sluice.store.IdempotencyStore;
import dev.sluice.test.TestChannel;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;
import reactor.test.StepVerifier;

/** The code of docs/patterns/idempotent-consumer.md. */
class IdempotentPageTest {

  private record Order(String id) {}

  private final IdempotencyStore store = new ScriptedStore(Schedulers.parallel());
  private final List<String> charged = new ArrayList<>();

  private Mono<String> charge(String orderId) {
    return Mono.fromSupplier(
        () -> {
          charged.add(orderId);
          return "receipt " + orderId;
        });
  }

  @Test
  void asAWorker() {
    Flux<Order> orders = Flux.just(new Order("1"), new Order("2"), new Order("1"));
    // #region worker
    Idempotent<Order, String> charge =
        idempotent("charge", Order::id, store, order -> charge(order.id()))
            .replaying(StringCodec.utf8()); // duplicates get the receipt of the first

    Flux<String> receipts = orders.concatMap(charge::run); // or groupedConvoy, compete, flatMap
    // #endregion
    StepVerifier.create(receipts)
        .expectNext("receipt 1", "receipt 2", "receipt 1")
        .verifyComplete();
    assertThat(charged).containsExactly("1", "2");
  }

  @Test
  void inAFlow() {
    TestChannel orders = TestChannel.create("orders");
    TestChannel sent = TestChannel.create("receipts");
    Outbound<String> receipts = Outbound.encoding(StringCodec.utf8(), sent);
    // #region flow
    var handle =
        Flow.from(orders)
            .decode(StringCodec.utf8())
            .idempotent("charge", Message::id, store, s -> s.retention(Duration.ofDays(30)))
            .groupedConvoy(Message::group, order -> charge(order))
            .to(receipts) // remembered when this is confirmed
            .start();
    // #endregion
    Message<byte[]> message = Message.of("1".getBytes(StandardCharsets.UTF_8));
    orders.offer(message);
    orders.offer(message);
    handle.stop(Duration.ofSeconds(10)).block(Duration.ofSeconds(20));
    assertThat(sent.sent()).hasSize(1);
    assertThat(charged).containsExactly("1");
  }

  @Test
  void purged() {
    // #region purge
    Disposable purging =
        Flux.interval(Duration.ofMinutes(1))
            .onBackpressureDrop()
            .concatMap(tick -> store.purge(10_000).onErrorComplete())
            .subscribe();
    // #endregion
    purging.dispose();
  }
}

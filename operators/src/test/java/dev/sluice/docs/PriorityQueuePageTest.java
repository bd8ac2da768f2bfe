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

import static dev.sluice.priority.PriorityMerge.prioritize;
import static dev.sluice.priority.PriorityMerge.priorityMerge;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.channel.FlowHandle;
import dev.sluice.channel.Outbound;
import dev.sluice.codec.StringCodec;
import dev.sluice.flow.Flow;
import dev.sluice.priority.PriorityGauges;
import dev.sluice.priority.PrioritySource;
import dev.sluice.test.TestChannel;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.test.StepVerifier;
import reactor.test.publisher.TestPublisher;

/** The code of docs/patterns/priority-queue.md. */
class PriorityQueuePageTest {

  private record Order(String customer, int level, int lines) {}

  private record Region(int level, Flux<Order> orders) {}

  private static Mono<String> ship(Order order) {
    return Mono.just(order.customer());
  }

  private final Order expressOrder = new Order("e", 0, 1);
  private final Order standardOrder = new Order("s", 1, 1);
  private final Order bulkOrder = new Order("b", 2, 400);
  private final Flux<Order> express = Flux.just(expressOrder);
  private final Flux<Order> standard = Flux.just(standardOrder);
  private final Flux<Order> bulk = Flux.just(bulkOrder);

  @Test
  void severalSources() {
    AtomicReference<PriorityGauges> gauges = new AtomicReference<>();
    // #region merge
    Flux<String> shipped =
        priorityMerge(
                List.of(express, standard, bulk), // the most urgent first
                (p) ->
                    p.weighted(Order::lines, 60, 30, 10) // shares of the lines shipped
                        .fairBy(Order::customer) // who takes turns within a level
                        .prefetch(32) // orders of each source ahead
                        .observer(gauges::set))
            .concatMap(order -> ship(order), 0); // no queue in between
    // #endregion
    StepVerifier.create(shipped).expectNext("e", "s", "b").verifyComplete();
  }

  @Test
  void byAge() {
    // #region aging
    Flux<Order> orders =
        priorityMerge(
            List.of(express, standard, bulk),
            p -> p.aging(Duration.ofSeconds(30))); // each 30 s of waiting makes up for a level
    // #endregion
    StepVerifier.create(orders.map(Order::customer)).expectNext("e", "s", "b").verifyComplete();
  }

  @Test
  void sourcesThatComeAndGo() {
    TestPublisher<Region> regions = TestPublisher.create();
    TestPublisher<Region> closed = TestPublisher.create();
    // #region sources
    Flux<Order> orders =
        priorityMerge(
            3, // levels
            regions
                .flux()
                .map(
                    region ->
                        new PrioritySource<>(
                            region.level(),
                            region.orders().takeUntilOther(closed.flux().filter(region::equals)))),
            p -> p.strict().maxSources(1_000));
    // #endregion
    StepVerifier.create(orders.map(Order::customer))
        .then(() -> regions.next(new Region(1, standard), new Region(0, express)))
        .expectNext("s", "e")
        .then(() -> regions.complete())
        .verifyComplete();
  }

  @Test
  void oneSource() {
    Flux<Order> incoming = Flux.just(bulkOrder, standardOrder, expressOrder);
    // #region prioritize
    Flux<String> shipped =
        incoming
            .transform(prioritize(Comparator.comparing(Order::level), p -> p.window(1_000)))
            .concatMap(order -> ship(order), 0); // no queue in between
    // #endregion
    StepVerifier.create(shipped).expectNext("e", "s", "b").verifyComplete();
    // #region prioritizeByAge
    Flux<Order> aged = incoming.transform(prioritize(Order::level, Duration.ofSeconds(30), p -> p));
    // #endregion
    StepVerifier.create(aged.map(Order::customer)).expectNext("e", "s", "b").verifyComplete();
  }

  @Test
  void channels() {
    TestChannel express = TestChannel.create("express");
    TestChannel standard = TestChannel.create("standard");
    TestChannel bulk = TestChannel.create("bulk");
    TestChannel deadLetters = TestChannel.create("dead-letters");
    TestChannel shipped = TestChannel.create("shipments");
    Outbound<String> shipments = Outbound.encoding(StringCodec.utf8(), shipped);
    // #region flow
    FlowHandle handle =
        Flow.priorityMerge(List.of(express, standard, bulk), p -> p.weighted(8, 4, 1))
            .decode(StringCodec.utf8())
            .compete(order -> ship(order), c -> c.concurrency(16).lookAhead(16)) // no queue
            .deadLetter(deadLetters)
            .to(shipments)
            .start();
    // #endregion
    bulk.offer("b");
    express.offer("e");
    assertThat(shipped.sentTexts()).containsExactly("b", "e");
    assertThat(handle.stats().acknowledged()).isEqualTo(2);
    handle.stop(Duration.ZERO).subscribe();
  }

  private static Mono<String> ship(String order) {
    return Mono.just(order);
  }
}

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

import static dev.sluice.delivery.DeadLetterReason.UNROUTABLE;
import static dev.sluice.routing.WireTap.wireTap;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.channel.FlowHandle;
import dev.sluice.channel.Outbound;
import dev.sluice.codec.StringCodec;
import dev.sluice.flow.Flow;
import dev.sluice.flow.Otherwise;
import dev.sluice.message.Message;
import dev.sluice.routing.Router;
import dev.sluice.routing.RoutingSlip;
import dev.sluice.test.TestChannel;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.test.StepVerifier;

/** The code of docs/patterns/routing.md and wire-tap.md. */
class RoutingPageTest {

  private final TestChannel bags = TestChannel.create("bags");
  private final TestChannel deadLetters = TestChannel.create("dead letters");
  private final TestChannel first = TestChannel.create("carousel 1");
  private final TestChannel second = TestChannel.create("carousel 2");
  private final Outbound<String> carousel1 = Outbound.encoding(StringCodec.utf8(), first);
  private final Outbound<String> carousel2 = Outbound.encoding(StringCodec.utf8(), second);

  private static void stop(FlowHandle handle) {
    StepVerifier.create(handle.stop(Duration.ofSeconds(5)))
        .expectComplete()
        .verify(Duration.ofSeconds(30));
  }

  @Test
  void inAFlow() {
    // #region flow
    FlowHandle handle =
        Flow.from(bags)
            .named("sorting")
            .decode(StringCodec.utf8())
            .deadLetter(deadLetters) // what no route accepts, as UNROUTABLE
            .route(
                r ->
                    r.when(bag -> bag.endsWith("LHR"), carousel1)
                        .whenType("bag.*.oversize", carousel2))
            .start();
    // #endregion
    bags.offer("one to LHR", "two to JFK");
    stop(handle);
    assertThat(first.sentTexts()).containsExactly("one to LHR");
    assertThat(deadLetters.sentTexts()).containsExactly("two to JFK");
  }

  @Test
  void filtered() {
    // #region filter
    FlowHandle handle =
        Flow.from(bags)
            .decode(StringCodec.utf8())
            .filter(bag -> !bag.isBlank()) // the rest is acknowledged as filtered
            .filter(bag -> bag.endsWith("LHR"), Otherwise.routeTo(carousel2)) // goes elsewhere
            .filter(bag -> bag.length() < 20, Otherwise.reject(UNROUTABLE)) // a dead letter
            .deadLetter(deadLetters)
            .to(carousel1)
            .start();
    // #endregion
    bags.offer("one to LHR", "two to JFK", " ", "a bag that is long to LHR");
    stop(handle);
    assertThat(first.sentTexts()).containsExactly("one to LHR");
    assertThat(second.sentTexts()).containsExactly("two to JFK");
    assertThat(deadLetters.sentTexts()).containsExactly("a bag that is long to LHR");
    assertThat(bags.unsettled()).isEmpty();
  }

  @Test
  void swapped() {
    Router<String> before = Router.firstMatch("sorter", r -> r.otherwise(carousel2));
    assertThat(before.name()).isEqualTo("sorter");
    // #region swap
    Router<String> sorter =
        Router.firstMatch("sorter", r -> r.when(bag -> bag.endsWith("LHR"), carousel1));

    Flux<String> positions =
        sorter.sendAll(Flux.just("one to LHR").map(Message::of)).map(receipt -> receipt.channel());

    sorter.update(routes -> routes.otherwise(carousel2)); // while it runs
    // #endregion
    StepVerifier.create(positions).expectNext("carousel 1").verifyComplete();
    StepVerifier.create(sorter.send(Message.of("two to JFK"))).expectNextCount(1).verifyComplete();
    assertThat(second.sentTexts()).containsExactly("two to JFK");
  }

  @Test
  void bySlip() {
    // #region slip
    Message<String> bag = RoutingSlip.attach(Message.of("one"), List.of("screen", "weigh"));

    Map<String, Outbound<String>> steps = Map.of("screen", carousel1, "weigh", carousel2);
    Outbound<String> next = RoutingSlip.following("inspection", steps, carousel2);
    // #endregion
    StepVerifier.create(next.send(bag)).expectNextCount(1).verifyComplete();
    assertThat(RoutingSlip.of(first.sent().get(0))).containsExactly("weigh");
  }

  private final ConcurrentLinkedQueue<String> audited = new ConcurrentLinkedQueue<>();

  private Mono<Void> audit(String order) {
    return Mono.fromRunnable(() -> audited.add(order));
  }

  @Test
  void tapped() {
    Flux<String> orders = Flux.just("one", "two");
    // #region tap
    Flux<String> watched = orders.transform(wireTap(order -> audit(order), c -> c.capacity(1_000)));
    // #endregion
    StepVerifier.create(watched).expectNext("one", "two").verifyComplete();
    TestChannel audit = TestChannel.create("audit");
    // #region tapFlow
    FlowHandle handle =
        Flow.from(bags)
            .decode(StringCodec.utf8())
            .wireTap(Outbound.encoding(StringCodec.utf8(), audit))
            .to(carousel1)
            .start();
    // #endregion
    bags.offer("one");
    stop(handle);
    assertThat(first.sentTexts()).containsExactly("one");
  }
}

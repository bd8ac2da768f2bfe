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
package dev.sluice.flow;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.channel.FlowHandle;
import dev.sluice.channel.Outbound;
import dev.sluice.channel.Receipt;
import dev.sluice.channel.SendFailed;
import dev.sluice.codec.StringCodec;
import dev.sluice.delivery.DeadLetterReason;
import dev.sluice.message.Message;
import dev.sluice.routing.Router;
import dev.sluice.routing.RoutingSlip;
import dev.sluice.routing.RoutingTable;
import dev.sluice.routing.WireTapListener;
import dev.sluice.test.TestChannel;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

/** Routing in a flow: what becomes of the deliveries. */
class RoutingFlowTest extends FlowFixture {

  private final TestChannel express = TestChannel.create("express");
  private final Outbound<String> fast = Outbound.encoding(StringCodec.utf8(), express);

  @Test
  void aMessageIsAcknowledgedWhenItsChannelHasIt() {
    Sinks.One<Receipt> slow = Sinks.one();
    express.onSend((message, accepted) -> slow.asMono().flatMap(r -> accepted));
    FlowHandle handle =
        flow().route(r -> r.when(text -> text.startsWith("a"), fast).otherwise(target)).start();
    source.offer("a1", "b1");
    assertThat(source.outcomes("b1")).containsExactly(ACK);
    assertThat(source.outcomes("a1")).containsOnlyNulls();
    slow.tryEmitValue(new Receipt("express", "a1", "0")).orThrow();
    assertThat(source.outcomes("a1")).containsExactly(ACK);
    assertThat(express.sentTexts()).containsExactly("a1");
    assertThat(shipments.sentTexts()).containsExactly("b1");
    assertSettled(handle);
  }

  @Test
  void whatNoRouteAcceptsIsADeadLetterWithTheReason() {
    FlowHandle handle = flow().route(r -> r.when(text -> text.startsWith("a"), fast)).start();
    source.offer("b1", "a1");
    assertDeadLetters(DeadLetterReason.UNROUTABLE, "b1");
    assertThat(express.sentTexts()).containsExactly("a1");
    assertThat(handle.stats().retried()).isZero();
    assertSettled(handle);
  }

  @Test
  void aPredicateThatThrowsIsTheFateOfItsMessage() {
    FlowHandle handle = flow().route(r -> r.when(text -> text.charAt(5) == 'x', fast)).start();
    source.offer("a1", "a1234x");
    assertDeadLetters(DeadLetterReason.POISON, "a1");
    assertThat(express.sentTexts()).containsExactly("a1234x");
    assertSettled(handle);
  }

  @Test
  void aRecipientListIsAcknowledgedWhenAllHaveIt() {
    Sinks.One<Receipt> slow = Sinks.one();
    express.onSend((message, accepted) -> slow.asMono().flatMap(r -> accepted));
    FlowHandle handle =
        flow().routeToAll(r -> r.when(text -> true, fast).when(text -> true, target)).start();
    source.offer("a1");
    assertThat(shipments.sentTexts()).containsExactly("a1");
    assertThat(source.outcomes("a1")).containsOnlyNulls();
    slow.tryEmitValue(new Receipt("express", "a1", "0")).orThrow();
    assertThat(source.outcomes("a1")).containsExactly(ACK);
    assertSettled(handle);
  }

  @Test
  void whenOneOfTheListFailsAllGetItAgainUnderTheSameId() {
    AtomicInteger sends = new AtomicInteger();
    express.onSend(
        (message, accepted) ->
            sends.incrementAndGet() == 1
                ? Mono.error(SendFailed.notSent("express", "down", null))
                : accepted);
    FlowHandle handle =
        flow().routeToAll(r -> r.when(text -> true, fast).when(text -> true, target)).start();
    source.offer("a1");
    assertThat(handle.stats().retried()).isEqualTo(1);
    time.advanceTimeBy(Duration.ofSeconds(1));
    assertThat(express.sentTexts()).containsExactly("a1");
    assertThat(shipments.sentTexts()).containsExactly("a1", "a1");
    assertThat(shipments.sent()).extracting(Message::id).containsOnly(express.sent().get(0).id());
    assertThat(handle.stats().acknowledged()).isEqualTo(1);
    assertSettled(handle);
  }

  @Test
  void aListThatOneChannelRefusesForGoodIsRejected() {
    express.onSend(
        (message, accepted) -> Mono.error(SendFailed.permanent("express", "too large", null)));
    FlowHandle handle =
        flow().routeToAll(r -> r.when(text -> true, fast).when(text -> true, target)).start();
    source.offer("a1");
    assertDeadLetters(DeadLetterReason.POISON, "a1");
    assertThat(shipments.sentTexts()).containsExactly("a1");
    assertSettled(handle);
  }

  @Test
  void routesAreSwappedWhileTheFlowRuns() {
    Router<String> router = Router.firstMatch("sorter", r -> r.otherwise(fast));
    FlowHandle handle = flow().to(router).start();
    source.offer("a1");
    router.swap(RoutingTable.<String>firstMatch().otherwise(target));
    source.offer("a2");
    assertThat(express.sentTexts()).containsExactly("a1");
    assertThat(shipments.sentTexts()).containsExactly("a2");
    assertSettled(handle);
  }

  @Test
  void whatIsOnItsWayWhenTheFlowStopsIsGivenBack() {
    express.onSend((message, accepted) -> Mono.never());
    FlowHandle handle =
        flow().routeToAll(r -> r.when(text -> true, fast).when(text -> true, target)).start();
    source.offer("a1");
    handle.stop(Duration.ZERO).subscribe();
    assertThat(handle.stats().released()).isEqualTo(1);
    assertSettled(handle);
  }

  @Test
  void aMessageFollowsItsSlipFromFlowToFlow() {
    Outbound<String> next = RoutingSlip.following("slip", Map.of("express", fast), target);
    FlowHandle first = flow().to(next).start();
    FlowHandle second = Flow.from(express).decode(StringCodec.utf8()).to(next).start();
    source.offer(RoutingSlip.attach(message("a1"), List.of("express")));
    assertThat(shipments.sentTexts()).containsExactly("a1");
    assertThat(RoutingSlip.of(shipments.sent().get(0))).isEmpty();
    source.offer("b1");
    assertDeadLetters(DeadLetterReason.UNROUTABLE, "b1");
    assertSettled(first);
    assertSettled(second);
  }

  // == wire tap ==

  @Test
  void aTapThatIsStuckOrFailsIsNotFelt() {
    List<Object> missed = new ArrayList<>();
    List<Object> failed = new ArrayList<>();
    express.onSend((message, accepted) -> Mono.never());
    FlowHandle handle =
        flow()
            .wireTap(
                fast,
                c ->
                    c.capacity(2)
                        .listener(
                            new WireTapListener() {
                              @Override
                              public void missed(Object message) {
                                missed.add(((Message<?>) message).payload());
                              }

                              @Override
                              public void failed(Object message, Throwable error) {
                                failed.add(((Message<?>) message).payload());
                              }
                            }))
            .to(target)
            .start();
    source.offer("a1", "a2", "a3");
    assertThat(shipments.sentTexts()).containsExactly("a1", "a2", "a3");
    assertThat(handle.stats().acknowledged()).isEqualTo(3);
    assertThat(missed).containsExactly("a3");
    time.advanceTimeBy(Duration.ofSeconds(10));
    assertThat(failed).containsExactly("a1", "a2");
    assertSettled(handle);
  }

  @Test
  void theTapGetsACopyUnderTheIdOfTheMessage() {
    FlowHandle handle = flow().wireTap(fast).to(target).start();
    source.offer("a1");
    time.advanceTimeBy(Duration.ofMillis(1));
    assertThat(express.sentTexts()).containsExactly("a1");
    assertThat(express.sent().get(0).id()).isEqualTo(shipments.sent().get(0).id());
    assertSettled(handle);
  }
}

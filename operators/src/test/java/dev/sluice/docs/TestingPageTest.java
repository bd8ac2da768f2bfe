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

import static dev.sluice.convoy.GroupedConvoy.groupedConvoy;
import static dev.sluice.delivery.DeadLetterReason.POISON;

import dev.sluice.channel.FlowHandle;
import dev.sluice.channel.Outbound;
import dev.sluice.channel.SendFailed;
import dev.sluice.codec.StringCodec;
import dev.sluice.flow.Flow;
import dev.sluice.message.Message;
import dev.sluice.test.FaultInjector;
import dev.sluice.test.FaultInjector.Fault;
import dev.sluice.test.FaultInjector.Interaction;
import dev.sluice.test.FaultInjector.Kind;
import dev.sluice.test.FlowEnvironment;
import dev.sluice.test.FlowVerifier;
import dev.sluice.test.LeakCheck;
import dev.sluice.test.SettlementAuditor;
import dev.sluice.test.TestChannel;
import dev.sluice.test.marble.MarbleScript;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import reactor.core.publisher.Mono;
import reactor.test.StepVerifier;

/** The code of docs/concepts/testing.md. Orders are called by their customer and a number. */
@ExtendWith(LeakCheck.class)
class TestingPageTest {

  private static Mono<String> charge(String order) {
    return order.contains("bad")
        ? Mono.error(new IllegalArgumentException("no such account"))
        : Mono.just(order + " is charged").delayElement(Duration.ofSeconds(1));
  }

  private static FlowHandle charging(FlowEnvironment env) {
    return Flow.from(env.source())
        .clock(env.clock())
        .decode(StringCodec.utf8())
        .groupedConvoy(Message::group, order -> charge(order))
        .deadLetter(env.deadLetters())
        .to(env.outbound("receipts", StringCodec.utf8()))
        .start();
  }

  @Test
  void verifiesAFlow() {
    // #region verify
    FlowVerifier.create(
            env ->
                Flow.from(env.source())
                    .clock(env.clock())
                    .decode(StringCodec.utf8())
                    .groupedConvoy(Message::group, order -> charge(order)) // takes a second
                    .deadLetter(env.deadLetters())
                    .to(env.outbound("receipts", StringCodec.utf8()))
                    .start())
        .groupBy(order -> order.substring(0, 1)) // the customer
        .send("a1", "b1", "a2", "b-bad")
        .thenAwait(Duration.ofSeconds(1))
        .expectAcked("a1", "b1")
        .expectDeadLettered(POISON, "b-bad")
        .expectUnsettled(1)
        .thenAwait(Duration.ofSeconds(1))
        .expectAcked("a2")
        .expectSent("receipts", "a1 is charged", "b1 is charged", "a2 is charged")
        .expectOrderPerGroup()
        .verify();
    // #endregion
  }

  @Test
  void scriptsWhatBecomesOfSends() {
    // #region script
    FlowVerifier.create(env -> charging(env))
        .then(
            env ->
                env.channel("receipts")
                    .onSend(
                        (m, accepted) -> Mono.error(SendFailed.notSent("receipts", "down", null))))
        .send("a1")
        .thenAwait(Duration.ofSeconds(1))
        .expectUnsettled(1) // charged, and not acknowledged
        .then(env -> env.channel("receipts").onSend((m, accepted) -> accepted))
        .thenAwait(Duration.ofMinutes(1))
        .expectSent("receipts", "a1 is charged")
        .expectAcked("a1")
        .verify();
    // #endregion
  }

  @Test
  void breaksOneInteraction() {
    // #region fault
    FaultInjector injector =
        FaultInjector.at(new Interaction(Kind.SEND, 1), Fault.FAIL_AFTER); // the receipt is lost

    FlowVerifier.create(
            env ->
                Flow.from(env.source())
                    .clock(env.clock())
                    .deadLetter(env.deadLetters())
                    .to(injector.outbound(env.outbound("receipts")))
                    .start())
        .send("a1")
        .expectRetried("a1")
        .thenAwait(Duration.ofMinutes(1))
        .expectSent("receipts", "a1", "a1") // twice, under the same id
        .expectAcked("a1")
        .verify();
    // #endregion
  }

  @Test
  void auditsAFlow() {
    TestChannel orders = TestChannel.create("orders").groupBy(order -> order.substring(0, 1));
    TestChannel shop = TestChannel.create("receipts");
    Outbound<String> receipts = Outbound.encoding(StringCodec.utf8(), shop);
    orders.offer("a1", "a2");
    // #region audit
    SettlementAuditor auditor = SettlementAuditor.create();
    FlowHandle handle =
        Flow.from(auditor.source(orders))
            .decode(StringCodec.utf8())
            .to(auditor.target(receipts))
            .start();
    // … the test itself …
    StepVerifier.create(handle.stop(Duration.ofSeconds(10)))
        .expectComplete()
        .verify(Duration.ofSeconds(20));
    auditor.verify();
    auditor.verifyOrderPerGroup();
    // #endregion
  }

  @Test
  void replaysADiagram() {
    // #region marble
    MarbleScript.parse(
            """
            title The orders of a customer wait for each other, b1 waits for nobody
            orders     a1-a2-b1-----|
            > groupedConvoy(customer, 4 units of work)
            receipts   ----a1--a2b1-|
            """)
        .verify(
            in ->
                in.get("orders")
                    .transform(
                        groupedConvoy(
                            order -> order.charAt(0),
                            order -> Mono.just(order).delayElement(Duration.ofMillis(4)))));
    // #endregion
  }
}

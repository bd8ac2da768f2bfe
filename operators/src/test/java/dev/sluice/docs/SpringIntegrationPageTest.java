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

import static dev.sluice.delivery.DeadLetterReason.UNREADABLE;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.channel.FlowHandle;
import dev.sluice.channel.Outbound;
import dev.sluice.codec.StringCodec;
import dev.sluice.flow.Flow;
import dev.sluice.flow.Otherwise;
import dev.sluice.flow.RunnableFlow;
import dev.sluice.idempotent.ScriptedStore;
import dev.sluice.store.IdempotencyStore;
import dev.sluice.test.TestChannel;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Mono;
import reactor.test.scheduler.VirtualTimeScheduler;

/** The code of docs/migration/from-spring-integration.md. */
class SpringIntegrationPageTest {

  private final VirtualTimeScheduler time = VirtualTimeScheduler.getOrSet();

  @AfterEach
  void resetTime() {
    VirtualTimeScheduler.reset();
  }

  private static Mono<String> charge(String order) {
    return Mono.just(order + " charged");
  }

  private static Outbound<String> texts(TestChannel channel) {
    return Outbound.encoding(StringCodec.utf8(), channel);
  }

  @Test
  void aFlow() {
    TestChannel orders = TestChannel.create("orders");
    TestChannel tapped = TestChannel.create("audit");
    TestChannel few = TestChannel.create("receipts");
    TestChannel many = TestChannel.create("big");
    TestChannel errors = TestChannel.create("errors");
    Outbound<String> audit = texts(tapped);
    Outbound<String> receipts = texts(few);
    Outbound<String> big = texts(many);
    IdempotencyStore store = new ScriptedStore(time);
    // #region flow
    RunnableFlow flow =
        Flow.from(orders) // an inbound channel adapter
            .named("charging")
            .decode(StringCodec.utf8()) // a transformer
            .filter(order -> !order.isBlank(), Otherwise.reject(UNREADABLE)) // a filter
            .wireTap(audit) // a wire tap
            .idempotent("charge", store) // an idempotent receiver
            .retry(r -> r.backoff(3, Duration.ofSeconds(1), Duration.ofMinutes(1))) // advice
            .compete(order -> charge(order), c -> c.concurrency(8)) // a service activator
            .deadLetter(errors) // the error channel, which is only for those that failed for good
            .route(r -> r.when(receipt -> receipt.startsWith("big"), big).otherwise(receipts));
    // #endregion
    FlowHandle handle = flow.start();
    orders.offer("one", "big one", " ");
    time.advanceTimeBy(Duration.ofMillis(1)); // a tap has its own thread

    assertThat(few.sentTexts()).containsExactly("one charged");
    assertThat(many.sentTexts()).containsExactly("big one charged");
    assertThat(errors.sentTexts()).containsExactly(" ");
    assertThat(tapped.sentTexts()).containsExactly("one", "big one");
    assertThat(orders.unsettled()).isEmpty();
    handle.stop(Duration.ZERO).block(Duration.ofSeconds(30));
  }
}

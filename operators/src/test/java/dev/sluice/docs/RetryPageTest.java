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

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.channel.Channel;
import dev.sluice.channel.ChannelInfo;
import dev.sluice.channel.FlowHandle;
import dev.sluice.channel.Inbound;
import dev.sluice.channel.Outbound;
import dev.sluice.channel.ReceiveOptions;
import dev.sluice.codec.StringCodec;
import dev.sluice.delivery.Delivery;
import dev.sluice.flow.Flow;
import dev.sluice.message.Message;
import dev.sluice.test.LeakCheck;
import dev.sluice.test.TestChannel;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.test.scheduler.VirtualTimeScheduler;

/** The code of docs/patterns/retry.md. */
@ExtendWith(LeakCheck.class)
class RetryPageTest {

  private final VirtualTimeScheduler time = VirtualTimeScheduler.getOrSet();
  private final TestChannel sent = TestChannel.create("receipts");
  private final Outbound<String> receipts = Outbound.encoding(StringCodec.utf8(), sent);
  private final TestChannel deadLetters = TestChannel.create("dead");
  private final AtomicInteger outages = new AtomicInteger(10);

  private Mono<String> charge(String order) {
    return Mono.defer(
        () ->
            outages.getAndDecrement() > 0
                ? Mono.error(new TimeoutException(order))
                : Mono.just("receipt of " + order));
  }

  @AfterEach
  void resetTime() {
    VirtualTimeScheduler.reset();
  }

  @Test
  void retried() {
    TestChannel orders = TestChannel.create("orders").exclusiveGroups();
    // #region retry
    FlowHandle handle =
        Flow.from(orders)
            .decode(StringCodec.utf8())
            .retry(
                r ->
                    r.immediate(2) // at once, in place
                        .backoff(5, Duration.ofSeconds(1), Duration.ofMinutes(2)) // in place
                        .delayed(10, Duration.ofMinutes(5))) // at the channel
            .groupedConvoy(Message::group, order -> charge(order))
            .deadLetter(deadLetters)
            .to(receipts)
            .start();
    // #endregion
    orders.offer("17");
    time.advanceTimeBy(Duration.ofMinutes(10));
    assertThat(sent.sentTexts()).containsExactly("receipt of 17");
    assertThat(handle.stats().retried()).isEqualTo(1);
    assertThat(deadLetters.sent()).isEmpty();
  }

  @Test
  void throughAnotherTopic() {
    TestChannel topic = TestChannel.create("orders");
    TestChannel retryTopic = TestChannel.create("orders.retry");
    Inbound orders =
        new Inbound() {
          @Override
          public Flux<Delivery<byte[]>> receive(ReceiveOptions options) {
            return topic.receive(options);
          }

          @Override
          public Mono<Long> depth() {
            return topic.depth();
          }

          @Override
          public ChannelInfo info() {
            return new ChannelInfo("orders", Set.of());
          }
        };
    Channel retries = retryTopic;
    // #region through
    FlowHandle handle =
        Flow.from(orders)
            .decode(StringCodec.utf8())
            .retry(r -> r.delayed(10, Duration.ofMinutes(5)).through(retries))
            .compete(order -> charge(order))
            .to(receipts)
            .start();
    // #endregion
    topic.offer("17");
    time.advanceTimeBy(Duration.ofMinutes(20));
    assertThat(retryTopic.sent()).hasSize(2);
    assertThat(sent.sentTexts()).containsExactly("receipt of 17");
    handle.stop(Duration.ZERO).subscribe();
  }
}

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

import static dev.sluice.flow.Otherwise.reject;
import static dev.sluice.flow.Otherwise.routeTo;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.channel.FlowHandle;
import dev.sluice.channel.Outbound;
import dev.sluice.channel.Receipt;
import dev.sluice.codec.StringCodec;
import dev.sluice.delivery.DeadLetterReason;
import dev.sluice.delivery.Outcome;
import dev.sluice.test.TestChannel;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

/** What becomes of messages that a filter does not let through. */
class FilterOtherwiseTest extends FlowFixture {

  private final TestChannel unpaid = TestChannel.create("unpaid");
  private final Outbound<String> rest = Outbound.encoding(StringCodec.utf8(), unpaid);

  @Test
  void byTheMessage() {
    FlowHandle handle =
        flow()
            .filterMessage(m -> "a".equals(m.group()), reject(DeadLetterReason.UNROUTABLE))
            .filterMessage(m -> !m.payload().equals("a2"))
            .to(target)
            .start();
    source.offer("a1", "b1", "a2");
    assertThat(shipments.sentTexts()).containsExactly("a1");
    assertThat(source.outcomes("a2")).containsExactly(Outcome.filtered());
    assertDeadLetters(DeadLetterReason.UNROUTABLE, "b1");
    assertSettled(handle);
  }

  @Test
  void theyAreRejectedForTheReasonGiven() {
    FlowHandle handle =
        flow()
            .filter(text -> text.startsWith("a"), reject(DeadLetterReason.UNROUTABLE))
            .to(target)
            .start();
    source.offer("a1", "b1", "a2");
    assertThat(shipments.sentTexts()).containsExactly("a1", "a2");
    assertDeadLetters(DeadLetterReason.UNROUTABLE, "b1");
    assertSettled(handle);
  }

  @Test
  void theyAreRoutedToAnotherChannelAndAcknowledgedWhenItHasThem() {
    Sinks.One<Receipt> receipt = Sinks.one();
    unpaid.onSend((message, accepted) -> receipt.asMono().flatMap(r -> accepted));
    FlowHandle handle =
        flow().filter(text -> text.startsWith("a"), routeTo(rest)).to(target).start();
    source.offer("a1", "b1", "a2");
    assertThat(shipments.sentTexts()).containsExactly("a1", "a2");
    assertThat(source.outcomes("b1")).containsOnlyNulls();
    receipt.tryEmitValue(new Receipt("rest", "b1", "0")).orThrow();
    assertThat(unpaid.sentTexts()).containsExactly("b1");
    assertThat(source.outcomes("b1")).containsExactly(Outcome.filtered());
    assertSettled(handle);
  }

  @Test
  void theyAreRetriedWhenTheOtherChannelFails() {
    AtomicInteger sends = new AtomicInteger();
    unpaid.onSend(
        (message, accepted) ->
            sends.incrementAndGet() == 1 ? Mono.error(transientError()) : accepted);
    FlowHandle handle = flow().filter(text -> false, routeTo(rest)).to(target).start();
    source.offer("b1");
    time.advanceTimeBy(Duration.ofSeconds(1));
    assertThat(unpaid.sentTexts()).containsExactly("b1");
    assertThat(handle.stats().retried()).isEqualTo(1);
    assertSettled(handle);
  }

  @Test
  void theyStayAtTheSourceWhenTheFlowStopsBeforeTheyAreConfirmed() {
    unpaid.onSend((message, accepted) -> Mono.never());
    FlowHandle handle = flow().filter(text -> false, routeTo(rest)).to(target).start();
    source.offer("b1");
    handle.stop(Duration.ZERO).subscribe();
    time.advanceTime();
    assertThat(source.waitingTexts()).containsExactly("b1");
    assertSettled(handle);
  }

  @Test
  void anExceptionOfThePredicateIsNeither() {
    flow()
        .filter(
            text -> {
              throw new IllegalArgumentException("no");
            },
            routeTo(rest))
        .to(target)
        .start();
    source.offer("b1");
    assertDeadLetters(DeadLetterReason.POISON, "b1");
    assertThat(unpaid.attempted()).isEmpty();
  }
}

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

import dev.sluice.channel.Capability;
import dev.sluice.channel.ChannelInfo;
import dev.sluice.channel.FlowHandle;
import dev.sluice.channel.Inbound;
import dev.sluice.channel.ReceiveOptions;
import dev.sluice.channel.SendFailed;
import dev.sluice.codec.StringCodec;
import dev.sluice.delivery.Delivery;
import dev.sluice.message.Message;
import dev.sluice.retry.RetrySpec;
import dev.sluice.test.MeterReadings;
import dev.sluice.test.TestChannel;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

/** What a flow counts of its retries: each once, wherever it is made, by what has failed. */
class RetryMetersTest extends FlowFixture {

  private static final Duration DELAY = Duration.ofMinutes(5);

  private static final UnaryOperator<RetrySpec> DELAYED =
      r -> r.backoff(0, Duration.ZERO, Duration.ZERO).delayed(2, DELAY);

  private final TestChannel waiting = TestChannel.create("orders.retry");

  /** A channel that cannot delay, as Kafka. */
  private final Inbound log =
      new Inbound() {
        @Override
        public Flux<Delivery<byte[]>> receive(ReceiveOptions options) {
          return source.receive(options);
        }

        @Override
        public Mono<Long> depth() {
          return source.depth();
        }

        @Override
        public ChannelInfo info() {
          return new ChannelInfo("orders", Set.of(Capability.ORDERED_GROUPS));
        }
      };

  private int failures;

  private String work(String text) {
    if (failures-- > 0) {
      throw new IllegalStateException(text);
    }
    return text;
  }

  /** Retries after 1 s and 2 s, and as {@code spec} says. */
  private Flow<String> from(Inbound inbound, UnaryOperator<RetrySpec> spec) {
    return Flow.from(inbound)
        .clock(clock)
        .onError(policy)
        .retry(spec)
        .deadLetter(deadLetters)
        .decode(StringCodec.utf8());
  }

  private static Message<byte[]> alone(String text) {
    return Message.of(text.getBytes(StandardCharsets.UTF_8));
  }

  private void pass(Duration duration) {
    time.advanceTimeBy(duration);
  }

  /** What is not 0, without the tag of the flow. */
  private static Map<String, Integer> retries(FlowHandle flow) {
    Map<String, Integer> retries = new TreeMap<>();
    MeterReadings.of(flow)
        .read()
        .forEach(
            (name, value) -> {
              if (name.startsWith("sluice.retries") && value != 0) {
                retries.put(
                    name.substring("sluice.".length()).replaceFirst("flow=orders(, )?", ""),
                    value.intValue());
              }
            });
    return retries;
  }

  @Test
  void aRetryInPlaceIsCountedAndSeenWhileItWaits() {
    failures = 2;
    FlowHandle handle = from(source, r -> r).map(this::work).to(target).start();
    source.offer("a1", "a2");
    assertThat(retries(handle))
        .isEqualTo(Map.of("retries{reason=error, where=in-place}", 1, "retries.waiting{}", 1));
    pass(Duration.ofSeconds(10));
    assertThat(shipments.sentTexts()).containsExactly("a1", "a2");
    assertThat(retries(handle)).isEqualTo(Map.of("retries{reason=error, where=in-place}", 2));
  }

  @Test
  void aRetryInTheLaneOfAConvoyIsCountedOnce() {
    failures = 1;
    FlowHandle handle =
        from(source, r -> r)
            .groupedConvoy(Message::group, text -> Mono.fromSupplier(() -> work(text)))
            .to(target)
            .start();
    source.offer("a1");
    assertThat(retries(handle))
        .isEqualTo(Map.of("retries{reason=error, where=in-place}", 1, "retries.waiting{}", 1));
    pass(Duration.ofSeconds(10));
    assertThat(shipments.sentTexts()).containsExactly("a1");
    assertThat(retries(handle)).isEqualTo(Map.of("retries{reason=error, where=in-place}", 1));
  }

  @Test
  void whatFailsBehindAConvoyIsCountedInItsLaneByWhatHasFailed() {
    shipments.onSend(
        (message, accepted) ->
            failures-- > 0 ? Mono.error(SendFailed.notSent("shipments", "busy", null)) : accepted);
    failures = 2;
    FlowHandle handle =
        flow().groupedConvoy(Message::group, text -> Mono.just(text)).to(target).start();
    source.offer("a1");
    pass(Duration.ofSeconds(10));
    assertThat(shipments.sentTexts()).containsExactly("a1");
    assertThat(retries(handle)).isEqualTo(Map.of("retries{reason=send, where=in-place}", 2));
  }

  @Test
  void aWorkerThatTakesTooLongIsCountedAsThat() {
    FlowHandle handle =
        from(source, r -> r)
            .compete(text -> Mono.<String>never(), c -> c.timeout(Duration.ofSeconds(1)))
            .start();
    source.offer("a1");
    pass(Duration.ofMinutes(1));
    assertThat(retries(handle))
        .isEqualTo(
            Map.of(
                "retries{reason=timeout, where=in-place}",
                2,
                "retries.exhausted{reason=timeout}",
                1));
  }

  @Test
  void aDelayAtTheChannelIsCountedAsThat() {
    failures = 1;
    FlowHandle handle = from(source, DELAYED).map(this::work).to(target).start();
    source.offer(alone("x"));
    assertThat(retries(handle)).isEqualTo(Map.of("retries{reason=error, where=channel}", 1));
  }

  @Test
  void aDelayInPlaceIsCountedAsThatAndIsOverWithTheFlow() {
    failures = 1;
    FlowHandle handle = from(log, DELAYED).map(this::work).to(target).start();
    source.offer("a1");
    assertThat(retries(handle))
        .isEqualTo(Map.of("retries{reason=error, where=held}", 1, "retries.waiting{}", 1));
    handle.stop(Duration.ZERO).subscribe();
    assertThat(retries(handle)).isEqualTo(Map.of("retries{reason=error, where=held}", 1));
  }

  @Test
  void aDelayInAnotherChannelIsCountedWhenTheMessageIsThere() {
    Sinks.Empty<Void> gate = Sinks.empty();
    waiting.onSend((message, accepted) -> accepted.delaySubscription(gate.asMono()));
    failures = 1;
    FlowHandle handle =
        from(log, DELAYED.andThen(r -> r.through(waiting))::apply)
            .map(this::work)
            .to(target)
            .start();
    source.offer(alone("x"));
    assertThat(retries(handle)).isEmpty();
    gate.tryEmitEmpty();
    assertThat(retries(handle)).isEqualTo(Map.of("retries{reason=error, where=elsewhere}", 1));
  }

  @Test
  void whatOutlastsItsAttemptsIsCountedAsExhausted() {
    failures = 100;
    FlowHandle handle =
        from(source, r -> r.backoff(1, Duration.ofSeconds(1), DELAY).delayed(1, DELAY))
            .map(this::work)
            .start();
    source.offer(alone("x"));
    pass(Duration.ofHours(1));
    assertThat(retries(handle))
        .isEqualTo(
            Map.of(
                "retries{reason=error, where=in-place}",
                2,
                "retries{reason=error, where=channel}",
                1,
                "retries.exhausted{reason=error}",
                1));
  }

  @Test
  void poisonIsNoRetry() {
    FlowHandle poisoned =
        from(source, r -> r)
            .map(
                text -> {
                  throw new IllegalArgumentException(text);
                })
            .start();
    source.offer("a1");
    assertThat(poisoned.stats().rejected()).isEqualTo(1);
    assertThat(retries(poisoned)).isEmpty();
  }

  @Test
  void aFlowWithoutRetriesOfItsOwnCountsWhatItsChannelDeliversAgain() {
    failures = 100;
    FlowHandle handle = flow().map(this::work).to(target).start();
    source.offer("a1");
    pass(Duration.ofMinutes(1));
    assertThat(retries(handle))
        .isEqualTo(
            Map.of(
                "retries{reason=error, where=channel}", 2, "retries.exhausted{reason=error}", 1));
  }
}

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
import dev.sluice.codec.StringCodec;
import dev.sluice.delivery.DeadLetterReason;
import dev.sluice.delivery.ErrorPolicy;
import dev.sluice.delivery.Outcome;
import dev.sluice.message.Message;
import dev.sluice.test.LeakCheck;
import dev.sluice.test.TestChannel;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import reactor.test.scheduler.VirtualTimeScheduler;

/**
 * A flow of texts from a scripted channel to a scripted channel, in virtual time. Every test ends
 * with nothing unsettled that should be settled, and no leak.
 */
@Timeout(60)
@ExtendWith(LeakCheck.class)
abstract class FlowFixture {

  static final Outcome ACK = Outcome.ack();

  final VirtualTimeScheduler time = VirtualTimeScheduler.getOrSet();
  final Clock clock =
      new Clock() {
        @Override
        public ZoneId getZone() {
          return ZoneOffset.UTC;
        }

        @Override
        public Clock withZone(ZoneId zone) {
          return this;
        }

        @Override
        public Instant instant() {
          return Instant.ofEpochMilli(time.now(TimeUnit.MILLISECONDS));
        }
      };

  final TestChannel source = TestChannel.create("orders").groupBy(text -> text.substring(0, 1));
  final TestChannel deadLetters = TestChannel.create("dead");
  final TestChannel shipments = TestChannel.create("shipments");
  final Outbound<String> target = Outbound.encoding(StringCodec.utf8(), shipments);

  /** Two retries, after 1 s and 2 s. */
  final ErrorPolicy policy =
      ErrorPolicy.defaults()
          .retries(2)
          .backoff(Duration.ofSeconds(1), Duration.ofSeconds(30))
          .jitter(0);

  @AfterEach
  void resetTime() {
    VirtualTimeScheduler.reset();
  }

  Flow<String> flow() {
    return Flow.from(source)
        .clock(clock)
        .onError(policy)
        .deadLetter(deadLetters)
        .decode(StringCodec.utf8());
  }

  static Message<byte[]> message(String payload) {
    return Message.of(payload.getBytes(StandardCharsets.UTF_8)).withGroup(payload.substring(0, 1));
  }

  static String text(Message<byte[]> message) {
    return TestChannel.text(message);
  }

  /** An error that may pass. */
  static RuntimeException transientError() {
    return new IllegalStateException(new TimeoutException());
  }

  List<String> letters() {
    return deadLetters.sent().stream()
        .map(letter -> text(letter) + ' ' + letter.headers().get("sl-dl-reason"))
        .toList();
  }

  void assertDeadLetters(DeadLetterReason reason, String... payloads) {
    assertThat(letters())
        .containsExactly(Arrays.stream(payloads).map(p -> p + ' ' + reason).toArray(String[]::new));
  }

  static void assertSettled(FlowHandle handle) {
    FlowHandle.Stats stats = handle.stats();
    assertThat(stats.unsettled()).isZero();
    assertThat(stats.acknowledged() + stats.released() + stats.retried() + stats.rejected())
        .isEqualTo(stats.received());
  }
}

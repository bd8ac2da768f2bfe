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
package dev.sluice.bridge;

import dev.sluice.channel.FlowHandle;
import dev.sluice.channel.Receipt;
import dev.sluice.channel.SendFailed;
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
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import reactor.core.publisher.Mono;
import reactor.test.scheduler.VirtualTimeScheduler;

/** Two sides with a bridge between them, in virtual time; a test ends without a leak. */
@Timeout(60)
@ExtendWith(LeakCheck.class)
abstract class BridgeFixture {

  static final Outcome ACK = Outcome.ack();
  static final Duration FIRST = Duration.ofSeconds(1);
  static final Duration LAST = Duration.ofSeconds(4);

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

  final TestChannel source = TestChannel.create("legacy").groupBy(text -> text.substring(0, 1));
  final TestChannel target = TestChannel.create("bags");
  final TestChannel dead = TestChannel.create("dead");

  @AfterEach
  void resetTime() {
    VirtualTimeScheduler.reset();
  }

  /** The options of the tests: probes after 1, 2, 4, 4 … seconds. */
  UnaryOperator<BridgeSpec> spec(UnaryOperator<BridgeSpec> more) {
    return b ->
        more.apply(b.clock(clock).probe(FIRST, LAST).jitter(0).flow(flow -> flow.deadLetter(dead)));
  }

  Bridge bridge(UnaryOperator<BridgeSpec> more) {
    return Bridge.between("bsm in", source, target, spec(more));
  }

  /** From now on the target takes nothing; it has not got what was sent. */
  void away() {
    target.onSend((message, accepted) -> Mono.error(notSent()));
  }

  void back() {
    target.onSend((message, accepted) -> accepted);
  }

  static SendFailed notSent() {
    return SendFailed.notSent("bags", "away", null);
  }

  static Mono<Receipt> later(Mono<Receipt> accepted, Duration delay) {
    return accepted.delaySubscription(delay);
  }

  void pass(Duration duration) {
    time.advanceTimeBy(duration);
  }

  void stop(FlowHandle handle) {
    handle.stop(Duration.ZERO).subscribe();
    pass(Duration.ofSeconds(20)); // effects and graces
  }

  List<String> letters() {
    return dead.sent().stream()
        .map(letter -> TestChannel.text(letter) + ' ' + letter.headers().get("sl-dl-reason"))
        .toList();
  }

  static Message<byte[]> message(String text) {
    return Message.of(text.getBytes(StandardCharsets.UTF_8));
  }

  static List<String> texts(List<Message<byte[]>> messages) {
    return messages.stream().map(TestChannel::text).toList();
  }
}

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
import dev.sluice.channel.FlowHandle.Stall;
import dev.sluice.channel.FlowHandle.State;
import dev.sluice.codec.StringCodec;
import dev.sluice.test.LeakCheck;
import dev.sluice.test.TestChannel;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import reactor.core.publisher.Mono;
import reactor.test.scheduler.VirtualTimeScheduler;

/** Whether a flow that gets nowhere says so. */
@Timeout(60)
@ExtendWith(LeakCheck.class)
class FlowHealthTest {

  private static final Instant NOW = Instant.parse("2026-01-01T12:00:00Z");
  private static final RuntimeException DOWN = new IllegalStateException("the topic is gone");

  private final VirtualTimeScheduler time = VirtualTimeScheduler.getOrSet();
  private final TestChannel source = TestChannel.create("orders");
  private final TestChannel deadLetters = TestChannel.create("dead");
  private final Set<String> refused = new HashSet<>();

  private FlowHandle handle;

  @BeforeEach
  void start() {
    deadLetters.onSend(
        (letter, accepted) ->
            refused.contains(TestChannel.text(letter)) ? Mono.error(DOWN) : accepted);
    handle =
        Flow.from(source)
            .clock(Clock.fixed(NOW, ZoneOffset.UTC))
            .deadLetter(deadLetters)
            .decode(StringCodec.utf8())
            .map(text -> 6 / (text.startsWith("bad") ? 0 : 1))
            .start();
  }

  @AfterEach
  void reset() {
    VirtualTimeScheduler.reset();
  }

  @Test
  void isUpWhileItRunsAndAlsoWhenMessagesGoToTheDeadLetters() {
    source.offer("bad 1", "good");
    assertThat(handle.stats().rejected()).isEqualTo(1);
    assertThat(handle.stats().stall()).isNull();
    assertThat(handle.stats().isUp()).isTrue();
  }

  @Test
  void isDownWhileADeadLetterIsRefusedAndNothingIsConsumed() {
    refused.add("bad 1");
    source.offer("bad 1");
    assertThat(handle.stats().isUp()).isFalse();
    assertThat(handle.stats().state()).isEqualTo(State.RUNNING);
    assertThat(handle.stats().stall()).isEqualTo(new Stall(NOW, 1, DOWN));
    time.advanceTimeBy(Duration.ofHours(1));
    assertThat(handle.stats().stall()).isEqualTo(new Stall(NOW, 1, DOWN));
    assertThat(handle.stats().unsettled()).isEqualTo(1);
    assertThat(handle.stats().rejected()).isZero();
  }

  @Test
  void isUpAgainWhenTheLastOfThemIsTaken() {
    refused.add("bad 1");
    refused.add("bad 2");
    source.offer("bad 1", "bad 2");
    assertThat(handle.stats().stall()).isEqualTo(new Stall(NOW, 2, DOWN));

    refused.remove("bad 2");
    time.advanceTimeBy(Duration.ofMinutes(1));
    assertThat(handle.stats().stall()).isEqualTo(new Stall(NOW, 1, DOWN));
    assertThat(handle.stats().isUp()).isFalse();

    refused.clear();
    time.advanceTimeBy(Duration.ofMinutes(1));
    assertThat(handle.stats().stall()).isNull();
    assertThat(handle.stats().isUp()).isTrue();
    assertThat(handle.stats().rejected()).isEqualTo(2);
  }

  @Test
  void isNotUpWhenItStops() {
    handle.stop(Duration.ZERO).subscribe();
    time.advanceTime();
    assertThat(handle.stats().isUp()).isFalse();
  }

  @Test
  void isNotUpWhenItHasFailed() {
    source.fail(DOWN);
    assertThat(handle.stats().isUp()).isFalse();
  }
}

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
package dev.sluice.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.sluice.channel.BrowseQuery;
import dev.sluice.channel.ChannelInfo;
import dev.sluice.channel.Inbound;
import dev.sluice.channel.ReceiveOptions;
import dev.sluice.channel.Waiting;
import dev.sluice.delivery.Delivery;
import dev.sluice.message.Message;
import dev.sluice.priority.PriorityReviewer;
import dev.sluice.test.MeterReadings;
import java.time.Duration;
import java.time.Instant;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;
import reactor.test.scheduler.VirtualTimeScheduler;

/** How much waits of each priority, and for how long. */
class PriorityReviewerTest {

  private static final Duration EVERY = Duration.ofSeconds(1);

  private final VirtualTimeScheduler time = VirtualTimeScheduler.create();
  private final MemoryChannel queue = MemoryChannel.create("transfers");
  private boolean away;

  /** The queue, unless it is away. */
  private final Inbound sometimes =
      new Inbound() {
        @Override
        public Flux<Delivery<byte[]>> receive(ReceiveOptions options) {
          return queue.receive(options);
        }

        @Override
        public Mono<Long> depth() {
          return queue.depth();
        }

        @Override
        public Flux<Waiting> browse(BrowseQuery query) {
          return away
              ? Flux.error(new IllegalStateException("the queue is away"))
              : queue.browse(query);
        }

        @Override
        public ChannelInfo info() {
          return queue.info();
        }
      };

  private void offer(int priority) {
    queue
        .send(
            Message.builder(new byte[0])
                .priority(priority)
                .createdAt(Instant.ofEpochMilli(time.now(TimeUnit.MILLISECONDS)))
                .build())
        .block(Duration.ofSeconds(30));
  }

  @AfterEach
  void endTime() {
    time.dispose();
  }

  @Test
  void tellsByPriorityHowMuchWaitsAndForHowLong() {
    away = true;
    PriorityReviewer reviewer = PriorityReviewer.of(sometimes, EVERY, time);
    MeterReadings readings = MeterReadings.of(reviewer);
    assertThat(readings.read().values()).hasSize(20).allMatch(value -> value.isNaN());

    away = false;
    offer(3);
    time.advanceTimeBy(EVERY);
    offer(3);
    offer(9);
    time.advanceTimeBy(EVERY);
    assertThat(readings.read())
        .containsEntry("sluice.channel.waiting{channel=transfers, priority=3}", 2.0)
        .containsEntry("sluice.channel.wait{channel=transfers, priority=3}", 2.0)
        .containsEntry("sluice.channel.waiting{channel=transfers, priority=9}", 1.0)
        .containsEntry("sluice.channel.wait{channel=transfers, priority=9}", 1.0)
        .containsEntry("sluice.channel.waiting{channel=transfers, priority=4}", 0.0)
        .containsEntry("sluice.channel.wait{channel=transfers, priority=4}", 0.0);

    away = true;
    offer(9);
    time.advanceTimeBy(EVERY);
    assertThat(readings.read())
        .as("what it saw last")
        .containsEntry("sluice.channel.waiting{channel=transfers, priority=9}", 1.0);

    reviewer.dispose();
    assertThat(reviewer.isDisposed()).isTrue();
    away = false;
    time.advanceTimeBy(EVERY);
    assertThat(readings.read())
        .containsEntry("sluice.channel.waiting{channel=transfers, priority=9}", 1.0);
  }

  @Test
  void checksItsArguments() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> PriorityReviewer.of(queue, Duration.ZERO, time))
        .withMessage("pollInterval: PT0S (expected: > PT0S, <= PT8760H)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> PriorityReviewer.of(queue, EVERY, Schedulers.immediate()))
        .withMessageStartingWith("timer: ");
    Inbound log =
        new Inbound() {
          @Override
          public Flux<Delivery<byte[]>> receive(ReceiveOptions options) {
            return Flux.never();
          }

          @Override
          public Mono<Long> depth() {
            return Mono.empty();
          }

          @Override
          public ChannelInfo info() {
            return new ChannelInfo("log", Set.of());
          }
        };
    assertThatIllegalArgumentException()
        .isThrownBy(() -> PriorityReviewer.of(log, EVERY, time))
        .withMessage("channel: log (expected: one with BROWSE)");
  }
}

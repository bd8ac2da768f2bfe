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

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.channel.FlowHandle;
import dev.sluice.channel.Inbound;
import dev.sluice.channel.SendFailed;
import dev.sluice.codec.StringCodec;
import dev.sluice.flow.Flow;
import dev.sluice.level.LeveledChannel;
import dev.sluice.level.LoadLeveling;
import dev.sluice.message.Message;
import dev.sluice.test.LeakCheck;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.test.scheduler.VirtualTimeScheduler;

/** A channel between a producer and a consumer, in virtual time. */
@ExtendWith(LeakCheck.class)
class DurableLevelingTest {

  private static final Duration SECOND = Duration.ofSeconds(1);

  private final VirtualTimeScheduler time = VirtualTimeScheduler.create();
  private final List<String> shipped = new ArrayList<>();
  private final AtomicReference<String> end = new AtomicReference<>("open");

  private MemoryChannel channel(int capacity) {
    return MemoryChannel.create("orders", spec -> spec.capacity(capacity).scheduler(time));
  }

  private FlowHandle tenASecond(Inbound channel) {
    return Flow.from(channel)
        .decode(StringCodec.utf8())
        .loadLevel(
            order -> Mono.fromCallable(() -> shipped.add(order)),
            c -> c.rate(10, SECOND).capacity(20).concurrency(1).timer(time))
        .start();
  }

  private static Flux<Message<byte[]>> orders(int count) {
    return Flux.range(0, count).map(i -> Message.of(("" + i).getBytes(UTF_8)));
  }

  private void follow(Mono<Void> mono) {
    mono.subscribe(v -> {}, e -> end.set(e.toString()), () -> end.set("completed"));
  }

  private void advance(Duration by) {
    time.advanceTimeBy(by);
  }

  private void stop(LeveledChannel leveled) {
    follow(leveled.stop(SECOND));
    advance(SECOND.multipliedBy(2));
    assertThat(end).hasValue("completed");
  }

  @Test
  void takesABurstAtOnceAndGivesItOnEvenly() {
    LeveledChannel leveled = LoadLeveling.between(orders(500), channel(1_000), this::tenASecond);
    advance(Duration.ofMillis(1));
    follow(leveled.produced());
    assertThat(end).hasValue("completed");
    assertThat(leveled.sent()).isEqualTo(500);
    for (int seconds = 1; seconds <= 50; seconds++) {
      advance(SECOND);
      assertThat(shipped.size()).isBetween(10 * seconds, 10 * seconds + 1);
    }
    assertThat(shipped.get(499)).isEqualTo("499");
    assertThat(leveled.depth().block()).isZero();
    stop(leveled);
  }

  @Test
  void leavesWhatWaitsToTheNextConsumer() {
    MemoryChannel channel = channel(1_000);
    Sinks.Many<Message<byte[]>> later = Sinks.many().unicast().onBackpressureBuffer();
    LeveledChannel first = LoadLeveling.between(orders(100), channel, this::tenASecond);
    advance(SECOND.multipliedBy(3));
    stop(first);
    int shippedByTheFirst = shipped.size();
    assertThat(shippedByTheFirst).isBetween(30, 60);
    LeveledChannel second = LoadLeveling.between(later.asFlux(), channel, this::tenASecond);
    later.tryEmitNext(Message.of("the last".getBytes(UTF_8)));
    advance(SECOND.multipliedBy(12));
    assertThat(shipped).hasSize(101).doesNotHaveDuplicates().contains("99", "the last");
    stop(second);
    assertThat(later.currentSubscriberCount()).isZero();
  }

  @Test
  void goesOnConsumingWhenTheProducerHasFailed() {
    LeveledChannel leveled =
        LoadLeveling.between(
            orders(20).concatWith(Mono.error(new IllegalStateException("no more"))),
            channel(1_000),
            this::tenASecond);
    follow(leveled.produced());
    advance(SECOND.multipliedBy(3));
    assertThat(end.get()).contains("no more");
    assertThat(shipped).hasSizeLessThanOrEqualTo(20).hasSize((int) leveled.sent());
    assertThat(leveled.consumer().stats().isUp()).isTrue();
    stop(leveled);
  }

  @Test
  void makesTheProducerWaitWhenTheChannelIsFull() {
    LeveledChannel leveled = LoadLeveling.between(orders(200), channel(50), this::tenASecond);
    follow(leveled.produced());
    advance(SECOND);
    assertThat(leveled.sent()).isBetween(50L, 70L);
    assertThat(end).hasValue("open");
    advance(SECOND.multipliedBy(20));
    assertThat(end).hasValue("completed");
    assertThat(shipped).hasSize(200);
    stop(leveled);
  }

  /** Nobody makes room any more, so the sends that wait for it are given up. */
  @Test
  void endsInTimeThoughSendsWaitForRoom() {
    LeveledChannel leveled = LoadLeveling.between(orders(50), channel(10), c -> silent(c));
    AtomicReference<Throwable> failure = new AtomicReference<>();
    leveled.produced().subscribe(v -> {}, failure::set);
    advance(SECOND);
    assertThat(leveled.sent()).isEqualTo(10);
    assertThat(failure).hasNullValue();
    Mono<Void> stopped = leveled.stop(Duration.ZERO);
    stopped.block(Duration.ofSeconds(30)); // its time is not virtual
    assertThat(leveled.stop(SECOND).block(Duration.ofSeconds(30))).isNull();
    assertThat(failure.get()).isInstanceOf(SendFailed.class);
  }

  private FlowHandle silent(Inbound channel) {
    return Flow.from(channel)
        .decode(StringCodec.utf8())
        .compete(order -> Mono.never(), c -> c.concurrency(1).lookAhead(1))
        .maxUnsettled(1)
        .start();
  }
}

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

import dev.sluice.channel.FlowHandle;
import dev.sluice.codec.StringCodec;
import dev.sluice.delivery.ErrorPolicy;
import dev.sluice.flow.Flow;
import dev.sluice.message.Message;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** Each of 10 000 messages comes twice, to two consumers at once that share what they remember. */
class IdempotentConsumersTest {

  private static final int MESSAGES = 10_000;
  private static final int WORKERS = 64;
  private static final Duration PATIENCE = Duration.ofMinutes(2);

  private final MemoryChannel channel =
      MemoryChannel.create("orders", spec -> spec.capacity(2 * MESSAGES));
  private final MemoryIdempotencyStore store = MemoryIdempotencyStore.create(MESSAGES);
  private final Map<String, AtomicInteger> effects = new ConcurrentHashMap<>();

  private FlowHandle consumer() {
    return Flow.from(channel)
        .onError(ErrorPolicy.defaults().retries(100)) // a kill counts as an attempt
        .decode(StringCodec.utf8())
        .idempotent("effect", store)
        .groupedConvoy(Message::group, this::work, c -> c.concurrency(WORKERS))
        .start();
  }

  /** Some work takes its time. */
  private Mono<String> work(String text) {
    AtomicInteger effect = effects.computeIfAbsent(text, t -> new AtomicInteger());
    int number = Integer.parseInt(text);
    Mono<String> work =
        Mono.fromSupplier(
            () -> {
              effect.incrementAndGet();
              return text;
            });
    return number % 3 == 0 ? work : Mono.delay(Duration.ofMillis(number % 3)).then(work);
  }

  /**
   * Kills take every delivery away while its work runs, which is done again if it had its effect
   * and was not remembered yet: at most once more for each worker and kill.
   */
  @ParameterizedTest
  @ValueSource(ints = {0, 20})
  void haveTheirEffectOnce(int kills) {
    Flux.range(0, MESSAGES)
        .concatMap(
            i -> {
              Message<byte[]> message =
                  Message.of(Integer.toString(i).getBytes(StandardCharsets.UTF_8))
                      .withGroup("group-" + i % 500);
              return Flux.just(message, message.withGroup(null));
            })
        .concatMap(channel::send)
        .blockLast(PATIENCE);
    List<FlowHandle> consumers = List.of(consumer(), consumer());
    for (int kill = 1; kill <= kills; kill++) {
      awaitDone(consumers, (long) kill * MESSAGES / (kills + 1));
      channel.expireLeases();
    }
    awaitDone(consumers, 2L * MESSAGES);
    consumers.forEach(consumer -> consumer.stop(Duration.ofSeconds(10)).block(PATIENCE));
    assertThat(channel.depth().block(PATIENCE)).isZero();
    assertThat(effects).hasSize(MESSAGES);
    IntStream again = effects.values().stream().mapToInt(AtomicInteger::get).map(n -> n - 1);
    assertThat(again.sum()).isBetween(0, 2 * WORKERS * kills);
  }

  private static void awaitDone(List<FlowHandle> consumers, long done) {
    Flux.interval(Duration.ofMillis(5))
        .doOnNext(tick -> consumers.forEach(c -> assertThat(c.stats().isUp()).isTrue()))
        .takeUntil(
            tick -> consumers.stream().mapToLong(c -> c.stats().acknowledged()).sum() >= done)
        .blockLast(PATIENCE);
  }
}

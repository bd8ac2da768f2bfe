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
import dev.sluice.convoy.GroupVerdict;
import dev.sluice.delivery.ErrorPolicy;
import dev.sluice.flow.Flow;
import dev.sluice.message.Message;
import dev.sluice.store.ParkingLot;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * Three flows on one channel and one lot; messages fail now and then, groups are released while
 * more of them arrive: each message has its effect once, and those of a group in their order.
 */
@Timeout(120)
class ParkingRaceTest {

  private static final int GROUPS = 40;
  private static final int EACH = 50;
  private static final Duration PATIENCE = Duration.ofSeconds(90);

  private final MemoryChannel channel =
      MemoryChannel.create("orders", spec -> spec.capacity(10_000));
  private final ParkingLot lot = MemoryParkingLot.create(GROUPS * EACH);
  private final Map<String, List<Integer>> effects = new ConcurrentHashMap<>();
  private final AtomicInteger done = new AtomicInteger();
  private final AtomicInteger failed = new AtomicInteger();

  private FlowHandle consumer() {
    return Flow.from(channel)
        .named("racing")
        .onError(ErrorPolicy.defaults().retries(0))
        .parking(lot, p -> p.pollInterval(Duration.ofMillis(2)))
        .decode(StringCodec.utf8())
        .groupedConvoy(
            Message::group, this::work, c -> c.onFailure(f -> f.then(GroupVerdict.PARK_GROUP)))
        .start();
  }

  private Mono<String> work(String text) {
    Mono<String> work = Mono.fromSupplier(() -> effect(text));
    return ThreadLocalRandom.current().nextBoolean()
        ? work
        : Mono.delay(Duration.ofMillis(1)).then(work);
  }

  private String effect(String text) {
    if (ThreadLocalRandom.current().nextInt(20) == 0) {
      failed.incrementAndGet();
      throw new IllegalStateException("now and then");
    }
    String[] parts = text.split(" ");
    effects
        .computeIfAbsent(parts[0], group -> new ArrayList<>()) // one of a group at a time
        .add(Integer.parseInt(parts[1]));
    done.incrementAndGet();
    return text;
  }

  @Test
  void groupsAreReleasedWhileMoreArrives() {
    List<FlowHandle> consumers = List.of(consumer(), consumer(), consumer());
    Disposable releasing =
        Flux.interval(Duration.ofMillis(5))
            .onBackpressureDrop()
            .concatMap(
                tick ->
                    lot.groups("racing", 1_000)
                        .concatMap(group -> lot.release("racing", group.group())))
            .subscribe();
    Flux.range(0, GROUPS * EACH)
        .concatMap(
            i ->
                channel.send(
                    Message.of(
                            ("g" + i % GROUPS + ' ' + i / GROUPS).getBytes(StandardCharsets.UTF_8))
                        .withGroup("g" + i % GROUPS)))
        .blockLast(PATIENCE);
    Flux.interval(Duration.ofMillis(10))
        .takeUntil(tick -> done.get() >= GROUPS * EACH)
        .blockLast(PATIENCE);
    Flux.interval(Duration.ofMillis(10))
        .concatMap(tick -> lot.groups("racing", 1_000).count())
        .takeUntil(left -> left == 0)
        .blockLast(PATIENCE);
    releasing.dispose();
    consumers.forEach(consumer -> consumer.stop(Duration.ofSeconds(10)).block(PATIENCE));
    assertThat(failed.get()).isPositive();
    assertThat(channel.depth().block(PATIENCE)).isZero();
    assertThat(effects).hasSize(GROUPS);
    effects.forEach(
        (group, numbers) ->
            assertThat(numbers).as(group).hasSize(EACH).isSorted().doesNotHaveDuplicates());
  }
}

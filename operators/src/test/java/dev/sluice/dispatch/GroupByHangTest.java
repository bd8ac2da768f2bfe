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
package dev.sluice.dispatch;

import static dev.sluice.convoy.GroupedConvoy.groupedConvoy;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * Why the convoy is not {@code groupBy(key).flatMap(group -> group.concatMap(worker))}: with one
 * key more than the concurrency of {@code flatMap} (256 by default) that one stops for ever.
 *
 * <p>Everything here is synchronous: when {@code subscribe} has returned, no thread and no timer is
 * left that could still signal. So what has not completed by then never will, and no test needs to
 * wait to see it.
 */
class GroupByHangTest {

  private static final int ELEMENTS = 100_000;

  private final AtomicInteger running = new AtomicInteger();

  /** What is known when subscribe has returned. */
  private record Seen(boolean completed, int values, long requested, long taken, int running) {}

  private Seen run(Function<Flux<Integer>, Flux<Integer>> keyed) {
    AtomicBoolean completed = new AtomicBoolean();
    AtomicInteger values = new AtomicInteger();
    AtomicLong requested = new AtomicLong();
    AtomicLong taken = new AtomicLong();
    Flux.range(0, ELEMENTS)
        .doOnNext(i -> taken.incrementAndGet())
        .doOnRequest(requested::addAndGet)
        .transform(keyed)
        .doOnComplete(() -> completed.set(true))
        .subscribe(i -> values.incrementAndGet());
    return new Seen(completed.get(), values.get(), requested.get(), taken.get(), running.get());
  }

  /** Ends at once. */
  private Mono<Integer> worker(int element) {
    return Mono.just(element)
        .doOnSubscribe(s -> running.incrementAndGet())
        .doOnTerminate(running::decrementAndGet);
  }

  private Function<Flux<Integer>, Flux<Integer>> groupBy(int keys) {
    return source -> source.groupBy(i -> i % keys).flatMap(g -> g.concatMap(i -> worker(i)));
  }

  private Function<Flux<Integer>, Flux<Integer>> convoy(int keys) {
    return groupedConvoy(i -> i % keys, i -> worker(i));
  }

  @Test
  void groupByCompletesWithAsManyKeysAsFlatMapTakes() {
    Seen seen = run(groupBy(256));

    assertThat(seen.completed()).isTrue();
    assertThat(seen.values()).isEqualTo(ELEMENTS);
  }

  @Test
  void groupByStopsForEverWithOneKeyMore() {
    Seen seen = run(groupBy(257));

    assertThat(seen.completed()).isFalse();
    assertThat(seen.values()).isLessThan(ELEMENTS);
    assertThat(seen.running()).as("workers that could still end").isZero();
    assertThat(seen.requested() - seen.taken()).as("demand that is still open").isZero();
  }

  @Test
  void theConvoyCompletesWithAnyNumberOfKeys() {
    for (int keys : new int[] {1, 256, 257, 10_000, ELEMENTS}) {
      Seen seen = run(convoy(keys));

      assertThat(seen.completed()).as("%d keys", keys).isTrue();
      assertThat(seen.values()).isEqualTo(ELEMENTS);
    }
  }
}

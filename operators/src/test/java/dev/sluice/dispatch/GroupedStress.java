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

import dev.sluice.convoy.ConvoySpec;
import java.time.Duration;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Function;
import java.util.function.IntConsumer;
import java.util.function.UnaryOperator;
import org.reactivestreams.Publisher;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;

/** A convoy of integers whose workers behave at random: some fail a few times before they emit. */
final class GroupedStress {

  interface Begins {
    void accept(int key, int element, boolean again);
  }

  private GroupedStress() {}

  /** How many values the worker of an element emits. */
  static int values(int element) {
    return element % 5 == 0 ? 100 : element % 3;
  }

  static Function<Flux<Integer>, Flux<Integer>> convoy(
      int keys, Begins begins, IntConsumer ends, UnaryOperator<ConvoySpec<Integer>> spec) {
    ConcurrentMap<Integer, Integer> runs = new ConcurrentHashMap<>();
    return groupedConvoy(
        i -> i % keys,
        i -> {
          int run = runs.merge(i, 1, Integer::sum);
          begins.accept(i % keys, i, run > 1);
          boolean fails = i % 7 == 0 && run <= 1 + i % 4;
          return worker(i, keys, fails, ends);
        },
        spec);
  }

  private static Publisher<Integer> worker(int i, int keys, boolean fails, IntConsumer ends) {
    Flux<Integer> values =
        fails
            ? Flux.error(new java.util.concurrent.TimeoutException("attempt of " + i))
            : Flux.range(0, values(i)).map(n -> i);
    Flux<Integer> ended = values.doOnTerminate(() -> ends.accept(i % keys));
    return switch (ThreadLocalRandom.current().nextInt(4)) {
      case 0 -> ended;
      case 1 -> ended.subscribeOn(Schedulers.parallel());
      case 2 -> ended.publishOn(Schedulers.parallel(), 4);
      default -> Mono.delay(Duration.ofNanos(100_000)).thenMany(ended);
    };
  }
}

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
package dev.sluice.bench;

import static dev.sluice.convoy.GroupedConvoy.groupedConvoy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * Work that takes 1 ms, 64 at once: how much of what unordered {@code flatMap} does is left when
 * the order of keys is kept? Once with 1 000 keys that are all alike, and once with a hot key that
 * has a tenth of the elements: then what counts is when the <em>other</em> keys are done.
 *
 * <p>Rounds alternate between the contestants, and ratios are taken round by round, so that what
 * else the machine does meets all of them. A round counts only if every element came once, each key
 * in order where that is promised; otherwise the run fails.
 *
 * <pre>
 * mvn -pl benchmarks -am -Photkey verify -DskipTests
 * </pre>
 */
public final class HotKeyHarness {

  private static final int ELEMENTS = 10_000;
  private static final int KEYS = 1_000;
  private static final int HOT = -1;
  private static final int CONCURRENCY = 64;
  private static final Duration WORK = Duration.ofMillis(1);

  private HotKeyHarness() {}

  /** When everything was done, and when every key but the hot one was. */
  private record Times(double all, double cold) {}

  private enum Contestant {
    UNORDERED,
    CONVOY,
    HASH_LANES;

    Flux<Integer> work(Flux<Integer> source, boolean hot) {
      return switch (this) {
        case UNORDERED -> source.flatMap(HotKeyHarness::worker, CONCURRENCY);
        case CONVOY ->
            source.transform(
                groupedConvoy(
                    i -> key(i, hot),
                    HotKeyHarness::worker,
                    c -> c.concurrency(CONCURRENCY).lookAhead(1024)));
        case HASH_LANES ->
            source
                .groupBy(i -> Math.floorMod(key(i, hot), CONCURRENCY), 1024)
                .flatMap(lane -> lane.concatMap(HotKeyHarness::worker), CONCURRENCY);
      };
    }

    boolean ordered() {
      return this != UNORDERED;
    }
  }

  private static int key(int element, boolean hot) {
    return hot && element % 10 == 0 ? HOT : element % KEYS;
  }

  private static Mono<Integer> worker(int element) {
    return Mono.delay(WORK).thenReturn(element);
  }

  /**
   * Runs it.
   *
   * @param args how many rounds; 9 if absent
   */
  public static void main(String[] args) {
    int rounds = args.length > 0 ? Integer.parseInt(args[0]) : 9;
    for (boolean hot : new boolean[] {false, true}) {
      Map<Contestant, List<Times>> times = new EnumMap<>(Contestant.class);
      for (int round = -2; round < rounds; round++) { // two to warm up
        for (Contestant contestant : Contestant.values()) {
          Times measured = measure(contestant, hot);
          if (round >= 0) {
            times.computeIfAbsent(contestant, c -> new ArrayList<>()).add(measured);
          }
        }
      }
      report(hot, times);
    }
  }

  private static Times measure(Contestant contestant, boolean hot) {
    int[] last = new int[KEYS + 1];
    Arrays.fill(last, -1);
    boolean[] seen = new boolean[ELEMENTS];
    AtomicInteger count = new AtomicInteger();
    AtomicLong coldDone = new AtomicLong();
    long begin = System.nanoTime();
    contestant
        .work(Flux.range(0, ELEMENTS), hot)
        .doOnNext(
            i -> {
              int key = key(i, hot);
              if (seen[i] || (contestant.ordered() && last[key + 1] >= i)) {
                throw new IllegalStateException(contestant + ": " + i + " after " + last[key + 1]);
              }
              seen[i] = true;
              last[key + 1] = i;
              count.incrementAndGet();
              if (key != HOT) {
                coldDone.set(System.nanoTime());
              }
            })
        .blockLast();
    long end = System.nanoTime();
    if (count.get() != ELEMENTS) {
      throw new IllegalStateException(
          contestant + ": " + count + " elements (expected: " + ELEMENTS + ")");
    }
    return new Times((end - begin) / 1e6, (coldDone.get() - begin) / 1e6);
  }

  private static void report(boolean hot, Map<Contestant, List<Times>> times) {
    System.out.printf(
        "%n%s%n", hot ? "a tenth of the elements has one key" : "1 000 keys, all alike");
    List<Times> floor = times.getOrDefault(Contestant.UNORDERED, List.of());
    times.forEach(
        (contestant, own) ->
            System.out.printf(
                "%-10s  all %6.0f ms  cold %6.0f ms  cold to cold of UNORDERED %s%n",
                contestant, median(own, Times::all), median(own, Times::cold), ratios(own, floor)));
  }

  private static double median(
      List<Times> times, java.util.function.ToDoubleFunction<Times> which) {
    double[] sorted = times.stream().mapToDouble(which).sorted().toArray();
    return sorted[sorted.length / 2];
  }

  /** Round by round: the median, the least and the greatest. */
  private static String ratios(List<Times> own, List<Times> floor) {
    double[] ratios = new double[own.size()];
    for (int i = 0; i < own.size(); i++) {
      ratios[i] = own.get(i).cold() / floor.get(i).cold();
    }
    Arrays.sort(ratios);
    return "%.2f (%.2f to %.2f)"
        .formatted(ratios[ratios.length / 2], ratios[0], ratios[ratios.length - 1]);
  }
}

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

import static dev.sluice.compete.CompetingConsumers.compete;
import static dev.sluice.priority.PriorityMerge.priorityMerge;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * How much more, or less, than its peer does an operator cost? Each pair has a JVM of its own, in
 * which rounds of the two alternate on one thread, and what counts is the time of the processor on
 * that thread. So it can be asked on a machine that others use too; {@link CompeteBenchmark} and
 * {@link PriorityBenchmark} say more on a quiet one. The bounds are theirs.
 *
 * <pre>
 * mvn -pl benchmarks -am -Pratios verify -DskipTests
 * </pre>
 */
public final class RatioHarness {

  private static final int CONCURRENCY = 64;
  private static final int SOURCES = 3;

  private final ThreadMXBean threads = ManagementFactory.getThreadMXBean();
  private final Integer[] elements;
  private final List<Mono<Integer>> workers = new ArrayList<>();
  private final List<Flux<Integer>> sources = new ArrayList<>();

  private enum Pair {
    COMPETE(100_000),
    STRICT(1_000_000),
    WEIGHTED(1_000_000),
    AGING(1_000_000);

    final int elements;

    Pair(int elements) {
      this.elements = elements;
    }

    void ours(RatioHarness on) {
      switch (this) {
        case COMPETE ->
            SumSubscriber.of(
                Flux.fromArray(on.elements)
                    .transform(compete(on.workers::get, c -> c.concurrency(CONCURRENCY))),
                on.sum());
        case STRICT -> on.check(BatchSubscriber.sum(priorityMerge(on.sources, p -> p.strict())));
        case WEIGHTED ->
            on.check(BatchSubscriber.sum(priorityMerge(on.sources, p -> p.weighted(8, 4, 1))));
        case AGING ->
            on.check(
                BatchSubscriber.sum(priorityMerge(on.sources, p -> p.aging(Duration.ofMillis(1)))));
      }
    }

    void peer(RatioHarness on) {
      if (this == COMPETE) {
        SumSubscriber.of(
            Flux.fromArray(on.elements).flatMap(on.workers::get, CONCURRENCY), on.sum());
      } else {
        on.check(
            BatchSubscriber.sum(
                Flux.mergePriority(
                    Integer::compare, on.sources.get(0), on.sources.get(1), on.sources.get(2))));
      }
    }

    String peerName() {
      return this == COMPETE ? "flatMap" : "mergePriority";
    }
  }

  private RatioHarness(int count) {
    elements = new Integer[count];
    for (int i = 0; i < count; i++) {
      elements[i] = i;
      workers.add(Mono.just(elements[i]));
    }
    for (int source = 0; source < SOURCES; source++) {
      int from = (int) ((long) count * source / SOURCES);
      int to = (int) ((long) count * (source + 1) / SOURCES);
      sources.add(Flux.fromArray(Arrays.copyOfRange(elements, from, to)));
    }
  }

  /**
   * Runs.
   *
   * @param args how many rounds; and the pair, unless it is to be every one, in its own JVM
   */
  public static void main(String[] args) throws IOException, InterruptedException {
    int rounds = Integer.parseInt(args[0]);
    if (args.length > 1) {
      Pair pair = Pair.valueOf(args[1]);
      new RatioHarness(pair.elements).run(pair, rounds);
      return;
    }
    for (Pair pair : Pair.values()) {
      String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
      String classPath = System.getProperty("java.class.path");
      Process run =
          new ProcessBuilder(
                  java, "-cp", classPath, RatioHarness.class.getName(), args[0], pair.name())
              .inheritIO()
              .start();
      if (run.waitFor() != 0) {
        throw new IllegalStateException(pair + " has failed");
      }
    }
  }

  /** The first half of the rounds warms up. */
  private void run(Pair pair, int rounds) {
    double[] ours = new double[rounds];
    double[] peers = new double[rounds];
    double[] ratios = new double[rounds];
    for (int round = 0; round < rounds; round++) {
      ours[round] = time(() -> pair.ours(this));
      peers[round] = time(() -> pair.peer(this));
      ratios[round] = ours[round] / peers[round];
    }
    System.out.printf(
        Locale.ROOT,
        "%s %.1f ns an element, %s %.1f: ratio %.2f, in eight of ten rounds %.2f to %.2f%n",
        pair,
        quantile(ours, 0.5),
        pair.peerName(),
        quantile(peers, 0.5),
        quantile(ratios, 0.5),
        quantile(ratios, 0.1),
        quantile(ratios, 0.9));
  }

  private double time(Runnable run) {
    long before = threads.getCurrentThreadCpuTime();
    run.run();
    return (threads.getCurrentThreadCpuTime() - before) / (double) elements.length;
  }

  private static double quantile(double[] values, double q) {
    double[] warm = Arrays.copyOfRange(values, values.length / 2, values.length);
    Arrays.sort(warm);
    return warm[(int) (q * (warm.length - 1))];
  }

  private long sum() {
    return (long) elements.length * (elements.length - 1) / 2;
  }

  private void check(long sum) {
    if (sum != sum()) {
      throw new IllegalStateException("sum: " + sum + " (expected: " + sum() + ")");
    }
  }
}

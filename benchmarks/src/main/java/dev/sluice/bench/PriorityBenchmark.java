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

import static dev.sluice.priority.PriorityMerge.priorityMerge;

import dev.sluice.priority.PrioritySpec;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;
import reactor.core.publisher.Flux;

/**
 * What does it cost to choose by priority? One operation is one element of three sources that are
 * always ready, with a subscriber that asks for 16 at a time.
 *
 * <p>{@code merge} does not choose at all; {@code mergeComparing} waits for silent sources; {@code
 * mergePriority} is the only peer that does neither, and is strict. A ratio to it above 0.45 for
 * strict and weighted or above 1 for aging, or a byte an element, would make us look again.
 *
 * <pre>
 * mvn -pl benchmarks -am -Pjmh verify -DskipTests -Djmh.args="PriorityBenchmark -prof gc"
 * </pre>
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 4, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(2)
public class PriorityBenchmark {

  private static final int SOURCES = 3;
  private static final int ELEMENTS = 1_000_000;

  private final List<Flux<Integer>> sources = new ArrayList<>();

  /** Makes the elements, the smaller the more urgent. */
  @Setup
  public void prepare() {
    for (int source = 0; source < SOURCES; source++) {
      int from = (int) ((long) ELEMENTS * source / SOURCES);
      Integer[] elements = new Integer[(int) ((long) ELEMENTS * (source + 1) / SOURCES) - from];
      for (int i = 0; i < elements.length; i++) {
        elements[i] = from + i;
      }
      sources.add(Flux.fromArray(elements));
    }
  }

  /**
   * Checks that all elements were emitted, here and not beforehand: whatever has run before in this
   * JVM makes calls slower that depend on the policy.
   */
  private static long sum(Flux<Integer> merged) {
    long sum = BatchSubscriber.sum(merged);
    long expected = (long) ELEMENTS * (ELEMENTS - 1) / 2;
    if (sum != expected) {
      throw new IllegalStateException("sum: " + sum + " (expected: " + expected + ")");
    }
    return sum;
  }

  private long ours(UnaryOperator<PrioritySpec<Integer>> spec) {
    return sum(priorityMerge(sources, spec));
  }

  /** Ours: the most urgent that is there. */
  @Benchmark
  @OperationsPerInvocation(ELEMENTS)
  public long strict() {
    return ours(p -> p.strict());
  }

  /** Ours: shares of 8, 4 and 1. */
  @Benchmark
  @OperationsPerInvocation(ELEMENTS)
  public long weighted() {
    return ours(p -> p.weighted(8, 4, 1));
  }

  /** Ours: a level for each millisecond of waiting. */
  @Benchmark
  @OperationsPerInvocation(ELEMENTS)
  public long aging() {
    return ours(p -> p.aging(Duration.ofMillis(1)));
  }

  /** No choice. */
  @Benchmark
  @OperationsPerInvocation(ELEMENTS)
  public long merge() {
    return sum(Flux.merge(sources));
  }

  /** Reactor's strict choice. */
  @Benchmark
  @OperationsPerInvocation(ELEMENTS)
  public long mergePriority() {
    return sum(
        Flux.mergePriority(Integer::compare, sources.get(0), sources.get(1), sources.get(2)));
  }

  /** Reactor's merge of ordered sources. */
  @Benchmark
  @OperationsPerInvocation(ELEMENTS)
  public long mergeComparing() {
    return sum(
        Flux.mergeComparing(Integer::compare, sources.get(0), sources.get(1), sources.get(2)));
  }
}

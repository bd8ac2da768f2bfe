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

import static dev.sluice.priority.PriorityMerge.prioritize;

import java.time.Duration;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;
import reactor.core.publisher.Flux;

/**
 * What does it cost to reorder one source within a window? One operation is one element of a source
 * that is always ready and of four levels, with a subscriber that asks for 16 at a time.
 *
 * <p>The composition is what one writes otherwise: windows that are sorted one after the other, in
 * which what is urgent waits for the window before. More than three times its time, or a byte an
 * element, would make us look again.
 *
 * <pre>
 * mvn -pl benchmarks -am -Pjmh verify -DskipTests -Djmh.args="PrioritizeBenchmark -prof gc"
 * </pre>
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 4, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(2)
public class PrioritizeBenchmark {

  private static final int ELEMENTS = 1_000_000;
  private static final Comparator<Integer> BY_LEVEL = (a, b) -> Integer.compare(a & 3, b & 3);

  @Param({"16", "256"})
  private int window;

  private Integer[] elements = {};

  private long expected;

  /** Makes the elements. */
  @Setup
  public void prepare() {
    Random random = new Random(42);
    elements = new Integer[ELEMENTS];
    Arrays.setAll(elements, i -> random.nextInt(1 << 20));
    expected = Arrays.stream(elements).mapToLong(i -> i).sum();
  }

  private long sum(Flux<Integer> reordered) {
    long sum = BatchSubscriber.sum(reordered);
    if (sum != expected) {
      throw new IllegalStateException("sum: " + sum + " (expected: " + expected + ")");
    }
    return sum;
  }

  /** Ours: by a comparator. */
  @Benchmark
  @OperationsPerInvocation(ELEMENTS)
  public long byComparator() {
    return sum(Flux.fromArray(elements).transform(prioritize(BY_LEVEL, p -> p.window(window))));
  }

  /** Ours: by level and age. */
  @Benchmark
  @OperationsPerInvocation(ELEMENTS)
  public long byAge() {
    return sum(
        Flux.fromArray(elements)
            .transform(prioritize(i -> i & 3, Duration.ofMillis(1), p -> p.window(window))));
  }

  /** The composition. */
  @Benchmark
  @OperationsPerInvocation(ELEMENTS)
  public long sortedWindows() {
    return sum(Flux.fromArray(elements).buffer(window).concatMapIterable(this::sorted));
  }

  private List<Integer> sorted(List<Integer> window) {
    window.sort(BY_LEVEL);
    return window;
  }
}

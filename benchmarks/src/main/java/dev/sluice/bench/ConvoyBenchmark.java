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
import reactor.core.publisher.Mono;

/**
 * What does keyed dispatch cost beside the worker? One operation is one element; its worker is a
 * scalar Mono, made beforehand.
 *
 * <p>The composition is the only one of groupBy that does not hang: 64 hash lanes, so keys share
 * lanes. Unordered flatMap is the floor. A ratio to the composition above 0.6, or more than 8 bytes
 * an element, would make us look again.
 *
 * <pre>
 * mvn -pl benchmarks -am -Pjmh verify -DskipTests -Djmh.args="ConvoyBenchmark -prof gc"
 * </pre>
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 4, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(2)
public class ConvoyBenchmark {

  private static final int ELEMENTS = 100_000;
  private static final int LANES = 64;

  @Param({"1", "16", "1000", "100000"})
  private int keys;

  private Integer[] elements = {};
  private Integer[] keyOf = {};
  private Integer[] laneOf = {};

  @SuppressWarnings({"unchecked", "rawtypes"})
  private Mono<Integer>[] workers = new Mono[0];

  /** Makes the elements, their keys and workers, and checks that each way sees every element. */
  @Setup
  @SuppressWarnings({"unchecked", "rawtypes"})
  public void prepare() {
    elements = new Integer[ELEMENTS];
    keyOf = new Integer[ELEMENTS];
    laneOf = new Integer[ELEMENTS];
    workers = new Mono[ELEMENTS];
    for (int i = 0; i < ELEMENTS; i++) {
      elements[i] = i;
      keyOf[i] = i % keys;
      laneOf[i] = keyOf[i] % LANES;
      workers[i] = Mono.just(elements[i]);
    }
    verify(convoy());
    verify(hashLanes());
    verify(unordered());
  }

  private static void verify(long sum) {
    long expected = (long) ELEMENTS * (ELEMENTS - 1) / 2;
    if (sum != expected) {
      throw new IllegalStateException("sum: " + sum + " (expected: " + expected + ")");
    }
  }

  /** Ours. */
  @Benchmark
  @OperationsPerInvocation(ELEMENTS)
  public long convoy() {
    return SumSubscriber.of(
        Flux.fromArray(elements)
            .transform(
                groupedConvoy(
                    i -> keyOf[i], i -> workers[i], c -> c.concurrency(64).lookAhead(1024))));
  }

  /** The composition. */
  @Benchmark
  @OperationsPerInvocation(ELEMENTS)
  public long hashLanes() {
    return SumSubscriber.of(
        Flux.fromArray(elements)
            .groupBy(i -> laneOf[i], 1024)
            .flatMap(lane -> lane.concatMap(i -> workers[i]), LANES));
  }

  /** The floor: no order at all. */
  @Benchmark
  @OperationsPerInvocation(ELEMENTS)
  public long unordered() {
    return SumSubscriber.of(Flux.fromArray(elements).flatMap(i -> workers[i], 64));
  }
}

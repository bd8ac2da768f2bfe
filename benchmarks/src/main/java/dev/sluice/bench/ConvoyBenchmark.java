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

import java.util.Arrays;
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
import reactor.core.scheduler.Schedulers;

/**
 * What does keyed dispatch cost beside the worker? One operation is one element.
 *
 * <p>The composition is the only one of groupBy that does not hang: 64 hash lanes, so keys share
 * lanes. Unordered flatMap has no order to keep. {@code worker} says what a worker is: {@code
 * scalar} is a Mono made beforehand, {@code hidden} the same behind a subscription, {@code other}
 * the same on another thread. With scalar workers, a ratio to the composition above 0.6, or more
 * than 8 bytes an element, would make us look again.
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
  private static final long SUM = (long) ELEMENTS * (ELEMENTS - 1) / 2;
  private static final int LANES = 64;

  @Param({"1", "16", "1000", "100000"})
  private int keys;

  @Param({"scalar", "hidden", "other"})
  private String worker = "";

  private final Integer[] elements = new Integer[ELEMENTS];
  private final Integer[] keyOf = new Integer[ELEMENTS];
  private final Integer[] laneOf = new Integer[ELEMENTS];

  @SuppressWarnings({"unchecked", "rawtypes"})
  private final Mono<Integer>[] workers = new Mono[ELEMENTS];

  /** Makes the elements, their keys and workers, and checks that order is kept where promised. */
  @Setup
  public void prepare() {
    for (int i = 0; i < ELEMENTS; i++) {
      elements[i] = i;
      keyOf[i] = i % keys;
      laneOf[i] = keyOf[i] % LANES;
      workers[i] = worker(elements[i]);
    }
    verifyOrder(inConvoy());
    verifyOrder(inHashLanes());
  }

  private Mono<Integer> worker(Integer element) {
    Mono<Integer> made = Mono.just(element);
    return switch (worker) {
      case "hidden" -> made.hide();
      case "other" -> made.hide().subscribeOn(Schedulers.parallel());
      default -> made;
    };
  }

  private void verifyOrder(Flux<Integer> worked) {
    int[] lastOfKey = new int[keys];
    Arrays.fill(lastOfKey, -1);
    worked
        .doOnNext(
            i -> {
              if (lastOfKey[i % keys] >= i) {
                throw new IllegalStateException(i + " after " + lastOfKey[i % keys]);
              }
              lastOfKey[i % keys] = i;
            })
        .blockLast();
  }

  private Flux<Integer> inConvoy() {
    return Flux.fromArray(elements)
        .transform(
            groupedConvoy(i -> keyOf[i], i -> workers[i], c -> c.concurrency(64).lookAhead(1024)));
  }

  private Flux<Integer> inHashLanes() {
    return Flux.fromArray(elements)
        .groupBy(i -> laneOf[i], 1024)
        .flatMap(lane -> lane.concatMap(i -> workers[i]), LANES);
  }

  /** Ours. */
  @Benchmark
  @OperationsPerInvocation(ELEMENTS)
  public long convoy() {
    return SumSubscriber.of(inConvoy(), SUM);
  }

  /** The composition. */
  @Benchmark
  @OperationsPerInvocation(ELEMENTS)
  public long hashLanes() {
    return SumSubscriber.of(inHashLanes(), SUM);
  }

  /** No order at all. */
  @Benchmark
  @OperationsPerInvocation(ELEMENTS)
  public long unordered() {
    return SumSubscriber.of(Flux.fromArray(elements).flatMap(i -> workers[i], 64), SUM);
  }
}

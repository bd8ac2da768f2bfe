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
import static dev.sluice.dispatch.ReadyOrder.mostUrgentFirst;
import static dev.sluice.priority.PriorityMerge.priorityDispatch;

import dev.sluice.dispatch.Concurrency;
import java.time.Duration;
import java.util.Comparator;
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
 * What do competing consumers cost beside {@code flatMap}, which has as many workers and nothing
 * else? One operation is one element; {@code worker} is as in {@link ConvoyBenchmark}. More than
 * 2.5 times the time of flatMap with scalar workers would make us look again.
 *
 * <pre>
 * mvn -pl benchmarks -am -Pjmh verify -DskipTests -Djmh.args="CompeteBenchmark -prof gc"
 * </pre>
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 4, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(2)
public class CompeteBenchmark {

  private static final int ELEMENTS = 100_000;
  private static final long SUM = (long) ELEMENTS * (ELEMENTS - 1) / 2;
  private static final int CONCURRENCY = 64;

  @Param({"scalar", "hidden", "other"})
  private String worker = "";

  private final Integer[] elements = new Integer[ELEMENTS];

  @SuppressWarnings({"unchecked", "rawtypes"})
  private final Mono<Integer>[] workers = new Mono[ELEMENTS];

  /** Makes the elements and their workers. */
  @Setup
  public void prepare() {
    for (int i = 0; i < ELEMENTS; i++) {
      elements[i] = i;
      Mono<Integer> made = Mono.just(elements[i]);
      workers[i] =
          switch (worker) {
            case "hidden" -> made.hide();
            case "other" -> made.hide().subscribeOn(Schedulers.parallel());
            default -> made;
          };
    }
  }

  /** Ours, with a fixed number of workers. */
  @Benchmark
  @OperationsPerInvocation(ELEMENTS)
  public long fixed() {
    return SumSubscriber.of(
        Flux.fromArray(elements)
            .transform(compete(i -> workers[i], c -> c.concurrency(CONCURRENCY))),
        SUM);
  }

  /** Ours, with a number of workers that follows their latency. */
  @Benchmark
  @OperationsPerInvocation(ELEMENTS)
  public long byLatency() {
    Concurrency adaptive = Concurrency.byLatency(Duration.ofSeconds(1), CONCURRENCY, CONCURRENCY);
    return SumSubscriber.of(
        Flux.fromArray(elements).transform(compete(i -> workers[i], c -> c.concurrency(adaptive))),
        SUM);
  }

  /** Ours, the most urgent element of those that wait first. */
  @Benchmark
  @OperationsPerInvocation(ELEMENTS)
  public long urgentFirst() {
    return SumSubscriber.of(
        Flux.fromArray(elements)
            .<Integer>transform(
                priorityDispatch(
                    mostUrgentFirst(Comparator.comparingInt(i -> i % 10)),
                    i -> workers[i],
                    c -> c.concurrency(CONCURRENCY))),
        SUM);
  }

  /** What one would write otherwise. */
  @Benchmark
  @OperationsPerInvocation(ELEMENTS)
  public long flatMap() {
    return SumSubscriber.of(Flux.fromArray(elements).flatMap(i -> workers[i], CONCURRENCY), SUM);
  }
}

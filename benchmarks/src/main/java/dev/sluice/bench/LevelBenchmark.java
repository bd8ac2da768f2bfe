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

import static dev.sluice.level.LoadLeveling.loadLevel;

import io.github.resilience4j.circuitbreaker.CircuitBreaker;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
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
import reactor.core.publisher.Mono;

/**
 * What do a place to wait, a rate that is never reached and a circuit breaker that is closed cost
 * beside the work? One operation is one element; workers are scalar Monos, made beforehand. The
 * composition puts the same breaker around each call, where it refuses instead of waiting.
 *
 * <pre>
 * mvn -pl benchmarks -am -Pjmh verify -DskipTests -Djmh.args="LevelBenchmark -prof gc"
 * </pre>
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 4, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(2)
public class LevelBenchmark {

  private static final int ELEMENTS = 100_000;
  private static final long SUM = (long) ELEMENTS * (ELEMENTS - 1) / 2;
  private static final Duration MILLI = Duration.ofMillis(1);

  private final Integer[] elements = new Integer[ELEMENTS];
  private final CircuitBreaker breaker = CircuitBreaker.ofDefaults("closed");

  @SuppressWarnings({"unchecked", "rawtypes"})
  private final Mono<Integer>[] workers = new Mono[ELEMENTS];

  /** Makes the elements and their workers. */
  @Setup
  public void prepare() {
    for (int i = 0; i < ELEMENTS; i++) {
      elements[i] = i;
      workers[i] = Mono.just(elements[i]);
    }
  }

  /** A buffer of Reactor, which is the floor of one that also knows time. */
  @Benchmark
  @OperationsPerInvocation(ELEMENTS)
  public long buffer() {
    return SumSubscriber.of(Flux.fromArray(elements).onBackpressureBuffer(), SUM);
  }

  /** Ours: in order, a rate that is never reached. */
  @Benchmark
  @OperationsPerInvocation(ELEMENTS)
  public long rate() {
    return SumSubscriber.of(
        Flux.fromArray(elements).transform(loadLevel(c -> c.rate(1_000, MILLI, ELEMENTS))), SUM);
  }

  /** The composition: a breaker around each call, 64 at once. */
  @Benchmark
  @OperationsPerInvocation(ELEMENTS)
  public long breakerAroundCalls() {
    return SumSubscriber.of(
        Flux.fromArray(elements)
            .flatMap(
                i ->
                    Mono.defer(
                        () -> {
                          if (!breaker.tryAcquirePermission()) {
                            return Mono.error(new IllegalStateException("not permitted"));
                          }
                          long begin = System.nanoTime();
                          return workers[i]
                              .doOnSuccess(
                                  v ->
                                      breaker.onSuccess(
                                          System.nanoTime() - begin, TimeUnit.NANOSECONDS))
                              .doOnError(
                                  e ->
                                      breaker.onError(
                                          System.nanoTime() - begin, TimeUnit.NANOSECONDS, e))
                              .doOnCancel(breaker::releasePermission);
                        }),
                64),
        SUM);
  }

  /** Ours: workers behind a breaker, 64 at once. */
  @Benchmark
  @OperationsPerInvocation(ELEMENTS)
  public long breaker() {
    return SumSubscriber.of(
        Flux.fromArray(elements)
            .<Integer>transform(loadLevel(i -> workers[i], c -> c.breaker(breaker))),
        SUM);
  }
}

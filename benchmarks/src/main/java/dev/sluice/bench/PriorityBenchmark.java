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
import org.jspecify.annotations.Nullable;
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
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
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
  private static final int DEMAND = 16;

  private final List<Flux<Integer>> sources = new ArrayList<>();

  /** Makes the elements, the smaller the more urgent, and checks that each way emits them all. */
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
    verify(strict());
    verify(weighted());
    verify(aging());
    verify(merge());
    verify(mergePriority());
    verify(mergeComparing());
  }

  private static void verify(long sum) {
    long expected = (long) ELEMENTS * (ELEMENTS - 1) / 2;
    if (sum != expected) {
      throw new IllegalStateException("sum: " + sum + " (expected: " + expected + ")");
    }
  }

  private long ours(UnaryOperator<PrioritySpec<Integer>> spec) {
    return BatchSubscriber.of(priorityMerge(sources, spec));
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
    return BatchSubscriber.of(Flux.merge(sources));
  }

  /** Reactor's strict choice. */
  @Benchmark
  @OperationsPerInvocation(ELEMENTS)
  public long mergePriority() {
    return BatchSubscriber.of(
        Flux.mergePriority(Integer::compare, sources.get(0), sources.get(1), sources.get(2)));
  }

  /** Reactor's merge of ordered sources. */
  @Benchmark
  @OperationsPerInvocation(ELEMENTS)
  public long mergeComparing() {
    return BatchSubscriber.of(
        Flux.mergeComparing(Integer::compare, sources.get(0), sources.get(1), sources.get(2)));
  }

  /** Adds up what a synchronous sequence emits, asking for a batch at a time. */
  private static final class BatchSubscriber implements CoreSubscriber<Integer> {

    private @Nullable Subscription s;
    private int received;
    private long sum;
    private boolean completed;
    private @Nullable Throwable error;

    static long of(Flux<Integer> flux) {
      BatchSubscriber subscriber = new BatchSubscriber();
      flux.subscribe(subscriber);
      if (!subscriber.completed) {
        throw new IllegalStateException("not completed", subscriber.error);
      }
      return subscriber.sum;
    }

    @Override
    public void onSubscribe(Subscription s) {
      this.s = s;
      s.request(DEMAND);
    }

    @Override
    public void onNext(Integer value) {
      sum += value;
      if (++received == DEMAND) {
        received = 0;
        Subscription subscription = s;
        if (subscription != null) {
          subscription.request(DEMAND);
        }
      }
    }

    @Override
    public void onError(Throwable t) {
      error = t;
    }

    @Override
    public void onComplete() {
      completed = true;
    }
  }
}

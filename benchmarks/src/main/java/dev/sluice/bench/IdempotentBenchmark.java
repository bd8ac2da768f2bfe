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

import static dev.sluice.idempotent.Idempotent.idempotent;

import dev.sluice.idempotent.Idempotent;
import dev.sluice.memory.MemoryIdempotencyStore;
import java.time.Duration;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.publisher.Mono;

/**
 * What does it cost to do work once for each key, beside the work? One operation is one element;
 * the store is in memory, so what is seen is the operator and not a database.
 *
 * <p>The composition is what one writes otherwise: a map of what was done, a key of which is
 * removed when the work fails. It has no lease, forgets nothing, and a duplicate that comes
 * meanwhile is told that it is done. Its map is emptied now and then, as the store forgets what is
 * old.
 *
 * <pre>
 * mvn -pl benchmarks -am -Pjmh verify -DskipTests -Djmh.args="IdempotentBenchmark -prof gc"
 * </pre>
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 4, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(2)
public class IdempotentBenchmark {

  private static final int KEYS = 100_000;
  private static final String KNOWN = "known";

  private final Mono<Integer> result = Mono.just(1).hide();
  private final ConcurrentMap<String, Boolean> done = new ConcurrentHashMap<>();
  private final AtomicInteger next = new AtomicInteger();

  @SuppressWarnings("NullAway.Init") // set in prepare
  private Idempotent<String, Integer> fresh;

  @SuppressWarnings("NullAway.Init") // set in prepare
  private Idempotent<String, Integer> remembered;

  /** Makes the operators, and checks that each does its work once. */
  @Setup
  public void prepare() {
    // what was done is old at once, so that the store never fills for good
    fresh =
        idempotent(
            "fresh",
            key -> key,
            MemoryIdempotencyStore.create(KEYS),
            key -> result,
            s -> s.retention(Duration.ofMillis(1)));
    remembered =
        idempotent("remembered", key -> key, MemoryIdempotencyStore.create(KEYS), key -> result);
    verify(value(remembered.run(KNOWN)), 1);
    verify(duplicate(), 0);
    verify(first(), 1);
    verify(composed(), 1);
  }

  private static void verify(int value, int expected) {
    if (value != expected) {
      throw new IllegalStateException("value: " + value + " (expected: " + expected + ")");
    }
  }

  private String key() {
    return Integer.toString(next.incrementAndGet());
  }

  /** Ours: the key is new, and the work is done. */
  @Benchmark
  public int first() {
    return value(fresh.run(key()));
  }

  /** Ours: it has been done, and the element goes no further. */
  @Benchmark
  public int duplicate() {
    return value(remembered.run(KNOWN));
  }

  /** The composition, for a new key. */
  @Benchmark
  public int composed() {
    String key = key();
    if (done.size() >= KEYS) {
      done.clear();
    }
    return value(
        Mono.defer(
            () ->
                done.putIfAbsent(key, true) == null
                    ? result.doOnError(error -> done.remove(key))
                    : Mono.empty()));
  }

  /** The work alone. */
  @Benchmark
  public int bare() {
    key();
    return value(result);
  }

  private static int value(Mono<? extends Integer> mono) {
    Last last = new Last();
    mono.subscribe(last);
    return last.value;
  }

  /** What came, or 0; everything here answers at once. */
  private static final class Last implements CoreSubscriber<Integer> {

    private int value;

    @Override
    public void onSubscribe(Subscription subscription) {
      subscription.request(Long.MAX_VALUE);
    }

    @Override
    public void onNext(Integer next) {
      value = next;
    }

    @Override
    public void onError(Throwable error) {
      throw new IllegalStateException(error);
    }

    @Override
    public void onComplete() {}
  }
}

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

import static dev.sluice.saga.Sagas.saga;
import static dev.sluice.saga.Sagas.sagaStep;

import dev.sluice.saga.SagaResult;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.publisher.Mono;

/**
 * What does a saga of five steps cost that succeeds, beside its work? One operation is one saga.
 *
 * <p>The composition is what one writes otherwise: a {@code flatMap} for each step within that of
 * the one before, with an {@code onErrorResume} that undoes it; it has no timeouts, and neither
 * knows what may have happened nor survives a cancel. {@code answers} says how actions answer:
 * {@code scalar} is a Mono made beforehand, {@code hidden} the same behind a subscription. More
 * than twice the composition's time would make us look again.
 *
 * <pre>
 * mvn -pl benchmarks -am -Pjmh verify -DskipTests -Djmh.args="SagaBenchmark -prof gc"
 * </pre>
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 4, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(2)
public class SagaBenchmark {

  private static final int STEPS = 5;
  private static final Integer START = 0;

  @Param({"scalar", "hidden"})
  private String answers = "";

  @SuppressWarnings("NullAway.Init") // set in prepare
  private Mono<Integer>[] outputs;

  @SuppressWarnings("NullAway.Init") // set in prepare
  private Mono<SagaResult<Integer>> saga;

  /** Makes the actions, and checks that each way runs them all. */
  @Setup
  @SuppressWarnings({"unchecked", "rawtypes"}) // an array of generics
  public void prepare() {
    outputs = new Mono[STEPS];
    for (int i = 0; i < STEPS; i++) {
      Mono<Integer> output = Mono.just(i + 1);
      outputs[i] = answers.equals("hidden") ? output.hide() : output;
    }
    saga = assembled();
    verify(sagaAssembled());
    verify(sagaEachTime());
    verify(nested());
  }

  private static void verify(int last) {
    if (last != STEPS) {
      throw new IllegalStateException("last: " + last + " (expected: " + STEPS + ")");
    }
  }

  private Mono<SagaResult<Integer>> assembled() {
    return Mono.just(START)
        .transform(step("a"))
        .transform(step("b"))
        .transform(step("c"))
        .transform(step("d"))
        .transform(step("e"))
        .as(saga("saga", s -> s));
  }

  private Function<Mono<Integer>, Mono<Integer>> step(String name) {
    return sagaStep(name, (Integer i) -> outputs[i], s -> s.compensate((in, out) -> Mono.empty()));
  }

  /** Ours, assembled once. */
  @Benchmark
  public int sagaAssembled() {
    return value(saga);
  }

  /** Ours, assembled for each saga. */
  @Benchmark
  public int sagaEachTime() {
    return value(assembled());
  }

  private static int value(Mono<SagaResult<Integer>> saga) {
    Last<SagaResult<Integer>> last = new Last<>();
    saga.subscribe(last);
    return last.value() instanceof SagaResult.Completed<Integer> completed ? number(completed) : -1;
  }

  private static int number(SagaResult.Completed<Integer> completed) {
    Integer value = completed.value();
    return value == null ? -1 : value;
  }

  /** The composition, which is assembled as it goes. */
  @Benchmark
  public int nested() {
    Last<Integer> last = new Last<>();
    outputs[0]
        .flatMap(
            a ->
                outputs[a]
                    .flatMap(
                        b ->
                            outputs[b]
                                .flatMap(
                                    c ->
                                        outputs[c]
                                            .flatMap(d -> outputs[d].onErrorResume(e -> undo(d, e)))
                                            .onErrorResume(e -> undo(c, e)))
                                .onErrorResume(e -> undo(b, e)))
                    .onErrorResume(e -> undo(a, e)))
        .onErrorResume(e -> undo(START, e))
        .subscribe(last);
    return last.value();
  }

  @SuppressWarnings("UnusedVariable") // a compensation would
  private static Mono<Integer> undo(Integer output, Throwable error) {
    return Mono.empty().then(Mono.error(error));
  }

  /** Keeps the one value. */
  private static final class Last<E> implements CoreSubscriber<E> {
    private @Nullable E value;
    private @Nullable Throwable error;

    E value() {
      E v = value;
      if (v == null) {
        throw new IllegalStateException("no value", error);
      }
      return v;
    }

    @Override
    public void onSubscribe(Subscription s) {
      s.request(Long.MAX_VALUE);
    }

    @Override
    public void onNext(E value) {
      this.value = value;
    }

    @Override
    public void onError(Throwable t) {
      error = t;
    }

    @Override
    public void onComplete() {}
  }
}

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

import static dev.sluice.routing.WireTap.wireTap;

import dev.sluice.channel.Outbound;
import dev.sluice.channel.Receipt;
import dev.sluice.message.Message;
import dev.sluice.pipes.Filter;
import dev.sluice.pipes.Pipeline;
import dev.sluice.routing.Router;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * What do a router, a pipeline of filters and a wire tap cost beside what they do? One operation is
 * one element; channels answer at once. Each stands beside the composition that does the same.
 *
 * <pre>
 * mvn -pl benchmarks -am -Pjmh verify -DskipTests -Djmh.args="RoutingBenchmark -prof gc"
 * </pre>
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 4, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(2)
public class RoutingBenchmark {

  private static final int ELEMENTS = 10_000;
  private static final long SUM = (long) ELEMENTS * (ELEMENTS - 1) / 2;

  private record Here(String name, Mono<Receipt> receipt) implements Outbound<Integer> {

    Here(String name) {
      this(name, Mono.just(new Receipt(name, "id", "0")));
    }

    @Override
    public Mono<Receipt> send(Message<Integer> message) {
      return receipt;
    }
  }

  private final Here even = new Here("even");
  private final Here odd = new Here("odd");
  private final Router<Integer> router =
      Router.firstMatch("router", r -> r.when(i -> i % 2 == 0, even).otherwise(odd));
  private final Router<Integer> both =
      Router.allMatches("both", r -> r.when(i -> true, even).when(i -> true, odd));
  private final Message<Integer> message = Message.of(1);
  private final Pipeline<Integer> pipeline =
      Pipeline.of(
          "pipeline",
          List.of(
              Filter.of("a", i -> Mono.just(i)),
              Filter.of("b", i -> Mono.just(i)),
              Filter.of("c", i -> Mono.just(i))));

  private static Flux<Integer> elements() {
    return Flux.range(0, ELEMENTS);
  }

  /** The composition: a conditional expression. */
  @Benchmark
  @OperationsPerInvocation(ELEMENTS)
  public long conditional() {
    return SumSubscriber.of(
        elements().concatMap(i -> (i % 2 == 0 ? even : odd).send(message).thenReturn(i), 0), SUM);
  }

  /** Ours: the first of two routes. */
  @Benchmark
  @OperationsPerInvocation(ELEMENTS)
  public long router() {
    return SumSubscriber.of(elements().concatMap(i -> router.send(message).thenReturn(i), 0), SUM);
  }

  /** The composition: {@code when}. */
  @Benchmark
  @OperationsPerInvocation(ELEMENTS)
  public long when() {
    return SumSubscriber.of(
        elements()
            .concatMap(i -> Mono.when(even.send(message), odd.send(message)).thenReturn(i), 0),
        SUM);
  }

  /** Ours: a recipient list of two. */
  @Benchmark
  @OperationsPerInvocation(ELEMENTS)
  public long recipientList() {
    return SumSubscriber.of(elements().concatMap(i -> both.send(message).thenReturn(i), 0), SUM);
  }

  /** The composition: a chain of flat maps, which nobody counts and nobody can reorder. */
  @Benchmark
  @OperationsPerInvocation(ELEMENTS)
  public long flatMaps() {
    return SumSubscriber.of(
        elements()
            .concatMap(
                i -> Mono.just(i).flatMap(Mono::just).flatMap(Mono::just).flatMap(Mono::just), 0),
        SUM);
  }

  /** Ours: a pipeline of three filters. */
  @Benchmark
  @OperationsPerInvocation(ELEMENTS)
  public long pipeline() {
    return SumSubscriber.of(elements().concatMap(pipeline, 0), SUM);
  }

  /** The composition: a side effect within the sequence. */
  @Benchmark
  @OperationsPerInvocation(ELEMENTS)
  public long doOnNext() {
    return SumSubscriber.of(elements().doOnNext(i -> even.send(message).subscribe()), SUM);
  }

  /** Ours: a wire tap, which mostly has no room at this pace. */
  @Benchmark
  @OperationsPerInvocation(ELEMENTS)
  public long tap() {
    return SumSubscriber.of(elements().transform(wireTap(i -> even.send(message), c -> c)), SUM);
  }
}

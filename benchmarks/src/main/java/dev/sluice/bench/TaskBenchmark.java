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

import dev.sluice.channel.Outbound;
import dev.sluice.channel.Receipt;
import dev.sluice.codec.StringCodec;
import dev.sluice.memory.MemoryTaskStore;
import dev.sluice.message.Message;
import dev.sluice.store.TaskStore;
import dev.sluice.supervisor.Agent;
import dev.sluice.supervisor.Supervisor;
import dev.sluice.supervisor.TaskPlan;
import dev.sluice.supervisor.TaskScheduler;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

/**
 * What does a task of six steps cost, beside the composition that calls the same steps in the same
 * order? One operation is one task whose last step is done, on a store in memory and a channel that
 * calls the agent; the steps do nothing.
 *
 * <p>The hand-written one forgets everything with its process, and nobody notices when a step
 * hangs. What a durable store takes for its commits, about four for each step, is a hundred times
 * either; more than 200 microseconds would make us look again.
 *
 * <pre>
 * mvn -pl benchmarks -am -Pjmh verify -DskipTests -Djmh.args="TaskBenchmark -prof gc"
 * </pre>
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 4, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(2)
public class TaskBenchmark {

  private static final StringCodec UTF8 = StringCodec.utf8();

  private final Map<String, Sinks.One<String>> waiting = new ConcurrentHashMap<>();
  private final AtomicLong ids = new AtomicLong();
  private final TaskStore store = MemoryTaskStore.create(1_000_000);

  private final Agent<String, String> agent =
      Agent.of(
          "agent",
          store,
          UTF8,
          UTF8,
          (input, context) -> {
            if (context.key().step().equals("push")) {
              Objects.requireNonNull(waiting.remove(context.key().task())).tryEmitValue("pushed");
            }
            return Mono.just("done");
          });

  private final Outbound<byte[]> ground =
      new Outbound<>() {
        @Override
        public String name() {
          return "ground";
        }

        @Override
        public Mono<Receipt> send(Message<byte[]> message) {
          agent.apply(message.payload()).subscribe();
          return Mono.just(new Receipt("ground", message.id(), "sent"));
        }
      };

  private final TaskPlan turnaround =
      TaskPlan.of("turnaround")
          .step("chock", "ground", "", UTF8)
          .step("fuel", "ground", "", UTF8, s -> s.after("chock"))
          .step("clean", "ground", "", UTF8, s -> s.after("chock"))
          .step("cater", "ground", "", UTF8, s -> s.after("clean"))
          .step("load", "ground", "", UTF8, s -> s.after("fuel", "cater"))
          .step("push", "ground", "", UTF8, s -> s.after("load"));

  @SuppressWarnings("NullAway.Init") // set in start
  private TaskScheduler scheduler;

  @SuppressWarnings("NullAway.Init") // set in start
  private Supervisor supervisor;

  /** Begins to work, and checks that each way gives the same. */
  @Setup
  public void start() {
    scheduler = TaskScheduler.start(store, List.of(ground));
    supervisor =
        Supervisor.start(store, s -> s.every(Duration.ofMillis(50)).retention(Duration.ZERO));
    verify(handWritten());
    verify(supervised());
  }

  private static void verify(String result) {
    if (!result.equals("pushed")) {
      throw new IllegalStateException("result: " + result + " (expected: pushed)");
    }
  }

  /** Ends the work. */
  @TearDown
  public void stop() {
    supervisor.stop().block();
    scheduler.stop().block();
  }

  private static Mono<String> step(String gives) {
    return Mono.fromSupplier(() -> gives);
  }

  /** The same steps in the same order. */
  @Benchmark
  public String handWritten() {
    return Objects.requireNonNull(
        step("done")
            .then(Mono.when(step("done"), step("done").then(step("done"))))
            .then(step("done"))
            .then(step("pushed"))
            .block());
  }

  /** Kept, sent, claimed and ended, each of the six. */
  @Benchmark
  public String supervised() {
    String id = "task-" + ids.incrementAndGet();
    Sinks.One<String> pushed = Sinks.one();
    waiting.put(id, pushed);
    return Objects.requireNonNull(scheduler.run(id, turnaround).then(pushed.asMono()).block());
  }
}

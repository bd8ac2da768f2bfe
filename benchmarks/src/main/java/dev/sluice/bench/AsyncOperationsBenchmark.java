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

import dev.sluice.http.AsyncOperations;
import dev.sluice.http.OperationCall;
import dev.sluice.http.OperationReply;
import dev.sluice.http.OperationResult;
import dev.sluice.memory.MemoryOperationStore;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
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
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * What does it cost to accept a request, beside the 202 that one writes by hand? One operation is
 * one {@code POST} that is answered, without a server around it, on a store in memory; its work,
 * which is nothing, is done meanwhile.
 *
 * <p>The hand-written one puts an id into a map and subscribes to the work: it forgets everything
 * with the process, knows no keys, no callers and no leases, and drops each status when the work is
 * done, so that its map stays small. What a durable store takes for its commit is a thousand times
 * either; more than 50 microseconds would make us look again.
 *
 * <pre>
 * mvn -pl benchmarks -am -Pjmh verify -DskipTests -Djmh.args="AsyncOperationsBenchmark -prof gc"
 * </pre>
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 4, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(2)
public class AsyncOperationsBenchmark {

  private static final byte[] BODY = new byte[100];

  private final Map<String, String> statuses = new ConcurrentHashMap<>();

  private final AsyncOperations operations =
      AsyncOperations.create(
          "claims",
          MemoryOperationStore.create(1_000_000),
          run -> Mono.just(OperationResult.nothing()),
          s -> s.retention(Duration.ofMillis(1), Duration.ZERO).concurrency(1_000));

  private final OperationCall call =
      new OperationCall("POST", "/claims", "", name -> List.of(), "alice", null, Flux.just(BODY));

  @SuppressWarnings("NullAway.Init") // set in start
  private AsyncOperations.Working working;

  /** Begins to work, and checks that each way answers 202. */
  @Setup
  public void start() {
    working = operations.start();
    verify(handWritten());
    verify(accepted().status());
  }

  private static void verify(int status) {
    if (status != 202) {
      throw new IllegalStateException("status: " + status + " (expected: 202)");
    }
  }

  /** Ends the work. */
  @TearDown
  public void stop() {
    working.stop(Duration.ZERO).block();
  }

  /** A map, and a subscription that nobody waits for. */
  @Benchmark
  public int handWritten() {
    String id = UUID.randomUUID().toString();
    statuses.put(id, "pending");
    Mono.just(id).subscribe(statuses::remove);
    return 202;
  }

  /** Read, bound to its caller, in the store, to be worked on. */
  @Benchmark
  public OperationReply accepted() {
    return Objects.requireNonNull(operations.answer(call).block());
  }
}

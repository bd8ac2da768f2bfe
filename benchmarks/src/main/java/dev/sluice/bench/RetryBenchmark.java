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

import dev.sluice.delivery.Delivery;
import dev.sluice.delivery.ErrorPolicy;
import dev.sluice.delivery.LeakDetector;
import dev.sluice.delivery.Origin;
import dev.sluice.delivery.Outcome;
import dev.sluice.delivery.SettlementCore;
import dev.sluice.message.Message;
import dev.sluice.retry.Retrying;
import java.time.Instant;
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
import reactor.util.retry.Retry;

/**
 * What does it cost that a message could be tried again, when none has to be? One operation is one
 * message, from a source in memory to its acknowledgement.
 *
 * <p>The floor makes the delivery and acknowledges it. The composition wraps the work of each
 * message into {@code retryWhen}, one after the other: retries in place only, no group, no delay at
 * the channel.
 *
 * <pre>
 * mvn -pl benchmarks -am -Pjmh verify -DskipTests -Djmh.args="RetryBenchmark -prof gc"
 * </pre>
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 4, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(2)
public class RetryBenchmark {

  private static final int MESSAGES = 100_000;
  private static final int GROUPS = 1_000;

  @Param({"true", "false"})
  private boolean grouped;

  @SuppressWarnings({"unchecked", "rawtypes"})
  private final Message<byte[]>[] messages = new Message[MESSAGES];

  private final Origin origin = new Origin("bench", "0", 1, Instant.EPOCH, 1);
  private int settled;

  /** A settlement that takes effect at once and counts. */
  private final class Counted extends SettlementCore {
    @Override
    protected void onDecided(Outcome outcome) {
      if (outcome instanceof Outcome.Ack) {
        settled++;
      }
      markDurable();
    }
  }

  /** Makes the messages. */
  @Setup
  public void prepare() {
    for (int i = 0; i < MESSAGES; i++) {
      Message<byte[]> message = Message.of(new byte[] {(byte) (i >> 8), (byte) i});
      messages[i] = grouped ? message.withGroup("key-" + i % GROUPS) : message;
    }
  }

  private Flux<Delivery<byte[]>> deliveries() {
    return Flux.fromArray(messages)
        .map(
            message -> new Delivery<>(message, LeakDetector.track(new Counted(), "bench"), origin));
  }

  private static void acknowledge(Delivery<?> delivery) {
    delivery.settlement().settle(Outcome.ack());
  }

  private int verified() {
    if (settled != MESSAGES) {
      throw new IllegalStateException("acknowledged: " + settled + " (expected: " + MESSAGES + ")");
    }
    return settled;
  }

  /** The floor: deliveries, acknowledged. */
  @Benchmark
  @OperationsPerInvocation(MESSAGES)
  public int deliveriesAcknowledged() {
    settled = 0;
    deliveries().doOnNext(RetryBenchmark::acknowledge).subscribe();
    return verified();
  }

  /** The composition: a retryWhen for each message. */
  @Benchmark
  @OperationsPerInvocation(MESSAGES)
  public int retryWhenAcknowledged() {
    settled = 0;
    deliveries()
        .concatMap(delivery -> Mono.just(delivery).retryWhen(Retry.max(3)))
        .doOnNext(RetryBenchmark::acknowledge)
        .subscribe();
    return verified();
  }

  /** Ours. */
  @Benchmark
  @OperationsPerInvocation(MESSAGES)
  public int retryAcknowledged() {
    settled = 0;
    deliveries()
        .transform(Retrying.ofDeliveries(ErrorPolicy.defaults(), r -> r))
        .doOnNext(RetryBenchmark::acknowledge)
        .subscribe();
    return verified();
  }
}

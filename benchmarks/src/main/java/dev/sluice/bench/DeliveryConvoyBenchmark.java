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

import dev.sluice.channel.ChannelInfo;
import dev.sluice.channel.Inbound;
import dev.sluice.channel.ReceiveOptions;
import dev.sluice.convoy.GroupedConvoy;
import dev.sluice.delivery.Delivery;
import dev.sluice.delivery.LeakDetector;
import dev.sluice.delivery.Origin;
import dev.sluice.delivery.Outcome;
import dev.sluice.delivery.SettlementCore;
import dev.sluice.flow.Flow;
import dev.sluice.message.Message;
import java.time.Instant;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
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

/**
 * What does it cost that every message is settled? One operation is one message, from a source in
 * memory to its acknowledgement; its worker is immediate.
 *
 * <p>The floor makes the delivery and acknowledges it. The composition keeps order with 64 hash
 * lanes and acknowledges at the end: no retry, no dead letter, no end of the source that waits, and
 * the next message of a group does not wait for the effect. {@code worker} says what the worker
 * returns: {@code scalar} is a Mono made beforehand, {@code hidden} the same behind a subscription.
 *
 * <pre>
 * mvn -pl benchmarks -am -Pjmh verify -DskipTests -Djmh.args="DeliveryConvoyBenchmark -prof gc"
 * </pre>
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 4, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(2)
public class DeliveryConvoyBenchmark {

  private static final int MESSAGES = 100_000;
  private static final int KEYS = 1_000;
  private static final int LANES = 64;
  private static final Function<Message<?>, @Nullable String> GROUP = Message::group;

  @Param({"scalar", "hidden"})
  private String worker = "";

  private final byte[][] payloads = new byte[MESSAGES][];
  private final int[] lastOfKey = new int[KEYS];

  @SuppressWarnings({"unchecked", "rawtypes"})
  private final Message<byte[]>[] messages = new Message[MESSAGES];

  @SuppressWarnings({"unchecked", "rawtypes"})
  private final Mono<byte[]>[] workers = new Mono[MESSAGES];

  private final Origin origin = new Origin("bench", "0", 1, Instant.EPOCH, 1);
  private final Inbound inbound = new Source();
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

  private final class Source implements Inbound {
    @Override
    public Flux<Delivery<byte[]>> receive(ReceiveOptions options) {
      return deliveries();
    }

    @Override
    public Mono<Long> depth() {
      return Mono.empty();
    }

    @Override
    public ChannelInfo info() {
      return new ChannelInfo("bench", Set.of());
    }
  }

  /** Makes the messages and their workers, and checks that each way keeps order. */
  @Setup
  public void prepare() {
    for (int i = 0; i < MESSAGES; i++) {
      payloads[i] = new byte[] {(byte) (i >> 16), (byte) (i >> 8), (byte) i};
      messages[i] = Message.of(payloads[i]).withGroup("key-" + i % KEYS);
      Mono<byte[]> made = Mono.just(payloads[i]);
      workers[i] = worker.equals("scalar") ? made : made.hide();
    }
    verifyOrder(hashLanes());
    verifyOrder(convoy());
  }

  private void verifyOrder(Flux<Delivery<byte[]>> worked) {
    java.util.Arrays.fill(lastOfKey, -1);
    worked
        .doOnNext(
            delivery -> {
              int number = number(delivery.message().payload());
              if (lastOfKey[number % KEYS] >= number) {
                throw new IllegalStateException(
                    number + " after " + lastOfKey[number % KEYS] + " of the same key");
              }
              lastOfKey[number % KEYS] = number;
              acknowledge(delivery);
            })
        .blockLast();
  }

  private static int number(byte[] payload) {
    return (payload[0] & 0xff) << 16 | (payload[1] & 0xff) << 8 | (payload[2] & 0xff);
  }

  private Flux<Delivery<byte[]>> deliveries() {
    return Flux.fromArray(messages)
        .map(
            message -> new Delivery<>(message, LeakDetector.track(new Counted(), "bench"), origin));
  }

  private Flux<Delivery<byte[]>> hashLanes() {
    return deliveries()
        .groupBy(delivery -> number(delivery.message().payload()) % LANES, 1024)
        .flatMap(
            lane ->
                lane.concatMap(
                    delivery ->
                        workers[number(delivery.message().payload())].map(
                            payload -> delivery.with(delivery.message().withPayload(payload)))),
            LANES);
  }

  private Flux<Delivery<byte[]>> convoy() {
    return deliveries()
        .transform(
            GroupedConvoy.<byte[], byte[]>ofDeliveries(
                GROUP,
                payload -> workers[number(payload)],
                c -> c.concurrency(64).lookAhead(1024)));
  }

  private static void acknowledge(Delivery<?> delivery) {
    delivery.settlement().settle(Outcome.ack());
  }

  private int acknowledgeAll(Flux<Delivery<byte[]>> worked) {
    settled = 0;
    worked.doOnNext(DeliveryConvoyBenchmark::acknowledge).subscribe();
    return verified();
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
    return acknowledgeAll(deliveries());
  }

  /** The composition. */
  @Benchmark
  @OperationsPerInvocation(MESSAGES)
  public int hashLanesAcknowledged() {
    return acknowledgeAll(hashLanes());
  }

  /** Ours. */
  @Benchmark
  @OperationsPerInvocation(MESSAGES)
  public int convoyAcknowledged() {
    return acknowledgeAll(convoy());
  }

  /** Ours, with all that a flow does around it. */
  @Benchmark
  @OperationsPerInvocation(MESSAGES)
  public int flow() {
    settled = 0;
    Flow.from(inbound)
        .<byte[]>groupedConvoy(
            GROUP, payload -> workers[number(payload)], c -> c.concurrency(64).lookAhead(1024))
        .start()
        .terminated()
        .toFuture()
        .join();
    return verified();
  }
}

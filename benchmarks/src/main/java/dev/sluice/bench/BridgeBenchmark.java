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

import dev.sluice.bridge.Bridge;
import dev.sluice.bridge.Order;
import dev.sluice.channel.ChannelInfo;
import dev.sluice.channel.Inbound;
import dev.sluice.channel.Outbound;
import dev.sluice.channel.Receipt;
import dev.sluice.channel.ReceiveOptions;
import dev.sluice.delivery.Delivery;
import dev.sluice.delivery.LeakDetector;
import dev.sluice.delivery.Origin;
import dev.sluice.delivery.Outcome;
import dev.sluice.delivery.SettlementCore;
import dev.sluice.message.Message;
import java.time.Duration;
import java.time.Instant;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
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
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;

/**
 * What does a bridge cost beside the loop that one writes first: receive, send, acknowledge? One
 * operation is one message. {@code confirms} says when the target does: {@code atOnce}, which shows
 * what the bridge itself costs, or {@code later}, after 1 ms, which shows what waiting for one
 * another costs.
 *
 * <pre>
 * mvn -pl benchmarks -am -Pjmh verify -DskipTests -Djmh.args="BridgeBenchmark -prof gc"
 * </pre>
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 12, time = 1) // a flow is more for the compiler than its peers are
@Measurement(iterations = 5, time = 1)
@Fork(2)
public class BridgeBenchmark {

  private static final int MESSAGES = 1_000;
  private static final int GROUPS = 200;
  private static final Duration BOUND = Duration.ofMinutes(1);

  @Param({"atOnce", "later"})
  private String confirms = "";

  @SuppressWarnings({"unchecked", "rawtypes"})
  private final Message<byte[]>[] messages = new Message[MESSAGES];

  private final Origin origin = new Origin("bench", "0", 1, Instant.EPOCH, 1);
  private final AtomicInteger settled = new AtomicInteger();
  private final Inbound source = new Source();
  private volatile Sinks.Empty<Void> all = Sinks.empty(); // when all messages are settled
  private final Outbound<byte[]> target = new Target();
  private final Scheduler network = Schedulers.newSingle("network", true);
  private final Receipt receipt = new Receipt("target", "id", "0");

  private final class Counted extends SettlementCore {
    @Override
    protected void onDecided(Outcome outcome) {
      markDurable();
      if (outcome instanceof Outcome.Ack && settled.incrementAndGet() == MESSAGES) {
        all.tryEmitEmpty();
      }
    }
  }

  /** Ends, as a channel does, when everything is settled. */
  private final class Source implements Inbound {
    @Override
    public Flux<Delivery<byte[]>> receive(ReceiveOptions options) {
      all = Sinks.empty();
      return deliveries().concatWith(all.asMono().then(Mono.empty()));
    }

    @Override
    public Mono<Long> depth() {
      return Mono.empty();
    }

    @Override
    public ChannelInfo info() {
      return new ChannelInfo("source", Set.of());
    }
  }

  private final class Target implements Outbound<byte[]> {
    @Override
    public String name() {
      return "target";
    }

    @Override
    public Mono<Receipt> send(Message<byte[]> message) {
      return confirms.equals("atOnce")
          ? Mono.just(receipt)
          : Mono.just(receipt).delayElement(Duration.ofMillis(1), network);
    }
  }

  /** Makes the messages. */
  @Setup
  public void prepare() {
    for (int i = 0; i < MESSAGES; i++) {
      messages[i] = Message.of(new byte[100]).withGroup("group-" + i % GROUPS);
    }
  }

  /** Ends the thread of the target. */
  @TearDown
  public void end() {
    network.dispose();
  }

  private Flux<Delivery<byte[]>> deliveries() {
    return Flux.fromArray(messages)
        .map(
            message -> new Delivery<>(message, LeakDetector.track(new Counted(), "bench"), origin));
  }

  private Mono<Receipt> cross(Delivery<byte[]> delivery) {
    return target
        .send(delivery.message())
        .doOnNext(sent -> delivery.settlement().settle(Outcome.ack()));
  }

  private int verified() {
    int count = settled.getAndSet(0);
    if (count != MESSAGES) {
      throw new IllegalStateException("acknowledged: " + count + " (expected: " + MESSAGES + ")");
    }
    return count;
  }

  private int bridge(Order order) {
    Bridge.between("bench", source, target, b -> b.order(order).window(256))
        .start()
        .terminated()
        .block(BOUND);
    return verified();
  }

  /** The composition: one after the other. */
  @Benchmark
  @OperationsPerInvocation(MESSAGES)
  public int concatMap() {
    deliveries().concatMap(this::cross).then().block(BOUND);
    return verified();
  }

  /** The composition: as many at once, in no order when one has to be repeated. */
  @Benchmark
  @OperationsPerInvocation(MESSAGES)
  public int flatMap() {
    deliveries().flatMap(this::cross, 256).then().block(BOUND);
    return verified();
  }

  /** Ours, in order by group. */
  @Benchmark
  @OperationsPerInvocation(MESSAGES)
  public int byGroup() {
    return bridge(Order.BY_GROUP);
  }

  /** Ours, in total order. */
  @Benchmark
  @OperationsPerInvocation(MESSAGES)
  public int inTotalOrder() {
    return bridge(Order.TOTAL);
  }

  /** Ours, in total order with a window of them on their way. */
  @Benchmark
  @OperationsPerInvocation(MESSAGES)
  public int pipelined() {
    return bridge(Order.PIPELINED);
  }

  /** Ours, in no order. */
  @Benchmark
  @OperationsPerInvocation(MESSAGES)
  public int withoutOrder() {
    return bridge(Order.NONE);
  }
}

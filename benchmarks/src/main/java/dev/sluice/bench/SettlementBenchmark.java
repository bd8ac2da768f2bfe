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
import dev.sluice.delivery.Origin;
import dev.sluice.delivery.Outcome;
import dev.sluice.delivery.SettlementCore;
import dev.sluice.delivery.SplitSettlement;
import dev.sluice.message.Message;
import java.time.Instant;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * What does settling cost? The delivery itself is the floor; a step from one to one must add no
 * allocation but its own delivery, a settlement none at all.
 *
 * <pre>
 * mvn -pl benchmarks -am -Pjmh verify -DskipTests -Djmh.args="SettlementBenchmark -prof gc"
 * </pre>
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 4, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(2)
public class SettlementBenchmark {

  private static final class Done extends SettlementCore {
    @Override
    protected void onDecided(Outcome outcome) {
      markDurable();
    }
  }

  private final Message<String> message = Message.of("payload");
  private final Origin origin = new Origin("bench", "0", 1, Instant.EPOCH, 1);

  /** The floor: a settlement and its delivery. */
  @Benchmark
  public Delivery<String> delivery() {
    return new Delivery<>(message, new Done(), origin);
  }

  /** The same, decided. */
  @Benchmark
  public Delivery<String> deliveryDecided() {
    Delivery<String> delivery = new Delivery<>(message, new Done(), origin);
    delivery.settlement().settle(Outcome.ack());
    return delivery;
  }

  /** A step from one to one, decided. */
  @Benchmark
  public Delivery<String> oneToOne() {
    Delivery<String> delivery = new Delivery<>(message, new Done(), origin);
    Delivery<String> next = delivery.with(message);
    next.settlement().settle(Outcome.ack());
    return next;
  }

  /** A split into three children, all decided. */
  @Benchmark
  public SettlementCore splitInThree() {
    Done parent = new Done();
    SplitSettlement split = new SplitSettlement(parent);
    for (int i = 0; i < 3; i++) {
      Objects.requireNonNull(split.child()).settle(Outcome.ack());
    }
    split.producerDone(Outcome.ack());
    return parent;
  }
}

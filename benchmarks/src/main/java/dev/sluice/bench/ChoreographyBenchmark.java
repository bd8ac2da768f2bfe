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

import dev.sluice.channel.EventExchange;
import dev.sluice.channel.Outbound;
import dev.sluice.channel.Receipt;
import dev.sluice.choreography.Choreography;
import dev.sluice.delivery.Delivery;
import dev.sluice.delivery.Origin;
import dev.sluice.delivery.Outcome;
import dev.sluice.delivery.SettlementCore;
import dev.sluice.memory.MemoryIdempotencyStore;
import dev.sluice.message.Message;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
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
 * What does it cost to deal with an event so that a crash neither loses nor doubles what follows
 * from it? One operation is one event, from which one follows; store and channel are in memory and
 * answer at once, so what is seen is the exchange and neither a database nor a broker.
 *
 * <p>The composition is what one writes otherwise: a map of the events that were dealt with, then
 * the send. It remembers nothing of what follows, so an event whose send failed is either lost or
 * dealt with twice. Its map is emptied now and then, as the store forgets what is old.
 *
 * <pre>
 * mvn -pl benchmarks -am -Pjmh verify -DskipTests -Djmh.args="ChoreographyBenchmark -prof gc"
 * </pre>
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 4, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(2)
public class ChoreographyBenchmark {

  private static final int KEYS = 100_000;
  private static final byte[] PAYLOAD = new byte[100];
  private static final Origin ORIGIN = new Origin("events", "0", 1, Instant.EPOCH, 0);

  /** Takes everything, and says so at once. */
  private static final class Target implements Outbound<byte[]> {

    private int sent;

    @Override
    public String name() {
      return "target";
    }

    @Override
    public Mono<Receipt> send(Message<byte[]> message) {
      return Mono.fromSupplier(() -> new Receipt("target", message.id(), "" + sent++));
    }
  }

  private static final class Member extends SettlementCore {
    @Override
    protected void onDecided(Outcome outcome) {
      markDurable();
    }
  }

  /** One event follows from each. */
  private record Reaction(Message<byte[]> event) implements EventExchange.Reaction {

    @Override
    public Mono<List<Message<byte[]>>> react() {
      return Mono.fromSupplier(() -> List.of(event.child("0", PAYLOAD)));
    }

    @Override
    public boolean mayDecline() {
      return false;
    }

    @Override
    public @Nullable List<Message<byte[]>> declined(Throwable error) {
      return null;
    }
  }

  private final Target target = new Target();
  private final ConcurrentMap<String, Boolean> done = new ConcurrentHashMap<>();
  private final AtomicInteger next = new AtomicInteger();
  private final Message<byte[]> known = Message.of(PAYLOAD);

  @SuppressWarnings("NullAway.Init") // set in prepare
  private EventExchange fresh;

  @SuppressWarnings("NullAway.Init") // set in prepare
  private EventExchange remembered;

  /** Makes the exchanges, and checks that each sends what follows. */
  @Setup
  public void prepare() {
    // what was done is old at once, so that the store never fills for good
    fresh =
        Choreography.exchange(
            MemoryIdempotencyStore.create(KEYS), target, s -> s.retention(Duration.ofMillis(1)));
    remembered = Choreography.exchange(MemoryIdempotencyStore.create(KEYS), target, s -> s);
    verify(value(exchange(remembered, known)), 1);
    verify(repeated(), 1);
    verify(first(), 1);
    verify(composed(), 1);
  }

  private static void verify(int value, int expected) {
    if (value != expected) {
      throw new IllegalStateException("value: " + value + " (expected: " + expected + ")");
    }
  }

  private Message<byte[]> event() {
    return Message.builder(PAYLOAD).id(Integer.toString(next.incrementAndGet())).build();
  }

  private static Mono<Integer> exchange(EventExchange exchange, Message<byte[]> event) {
    Delivery<byte[]> delivery = new Delivery<>(event, new Member(), ORIGIN);
    return exchange
        .exchange("scope", delivery, new Reaction(event))
        .map(exchanged -> exchanged.messages().size())
        .doOnNext(sent -> delivery.settlement().settle(Outcome.ack()));
  }

  /** Ours: the event is new; what follows is remembered, and sent. */
  @Benchmark
  public int first() {
    return value(exchange(fresh, event()));
  }

  /** Ours: it comes again, and what was remembered is sent again. */
  @Benchmark
  public int repeated() {
    return value(exchange(remembered, known));
  }

  /** The composition, for a new event. */
  @Benchmark
  public int composed() {
    Message<byte[]> event = event();
    Delivery<byte[]> delivery = new Delivery<>(event, new Member(), ORIGIN);
    if (done.size() >= KEYS) {
      done.clear();
    }
    return value(
        Mono.defer(
            () ->
                done.putIfAbsent(event.id(), true) == null
                    ? target
                        .send(event.child("0", PAYLOAD))
                        .doOnError(error -> done.remove(event.id()))
                        .map(receipt -> 1)
                        .doOnNext(sent -> delivery.settlement().settle(Outcome.ack()))
                    : Mono.<Integer>empty()));
  }

  private static int value(Mono<Integer> mono) {
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

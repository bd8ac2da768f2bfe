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
package dev.sluice.contract;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.Experimental;
import dev.sluice.channel.Channel;
import dev.sluice.channel.FlowHandle;
import dev.sluice.channel.Inbound;
import dev.sluice.channel.Outbound;
import dev.sluice.channel.Receipt;
import dev.sluice.message.Message;
import dev.sluice.store.IdempotencyStore;
import dev.sluice.test.LeakCheck;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import reactor.core.publisher.Mono;

/**
 * What a saga over step queues and an acknowledgement queue promises, on real channels and a real
 * store: messages are lost, doubled and kept back until their compensation has come, and each time
 * the net effect is right.
 *
 * <p>Time is real. A subclass says how channels and stores are made, and what coordinates and takes
 * part over them.
 */
@Experimental
@Timeout(300)
@ExtendWith(LeakCheck.class)
public abstract class MessagedSagaContract {

  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final List<String> STEPS = List.of("a", "b", "c");

  /** What a participant does and undoes. */
  public interface Work {

    /** Does the step. */
    Mono<String> act(String input, String key);

    /** Undoes it. */
    Mono<Void> undo(String input, @Nullable String output, String key);
  }

  /** What runs sagas of the steps {@code a}, {@code b} and {@code c}. */
  public interface Coordinator {

    /**
     * Runs one; each step is given what the step before gave.
     *
     * @param queues those of the steps, in their order
     * @return whether it was completed; false if it was compensated; an error if it was parked
     */
    Mono<Boolean> run(String input, List<Outbound<byte[]>> queues);

    /** Stops listening. */
    Mono<Void> stop(Duration grace);
  }

  /** A new channel without messages. */
  protected abstract Channel channel();

  /** A new store. */
  protected abstract IdempotencyStore store();

  /** Starts a participant. */
  protected abstract FlowHandle participant(
      String name,
      Inbound steps,
      Work work,
      IdempotencyStore store,
      Outbound<byte[]> acks,
      Outbound<byte[]> deadLetters);

  /** Starts a coordinator. */
  protected abstract Coordinator coordinator(Inbound acks, Duration ackWithin);

  /** What becomes of the message of a step, on its way to the queue. */
  private interface Road {
    Mono<Receipt> send(Outbound<byte[]> queue, Message<byte[]> message);
  }

  private final Map<String, AtomicInteger> effects = new ConcurrentHashMap<>();
  private final AtomicInteger undone = new AtomicInteger();
  private volatile Road ackRoad = Outbound::send;

  private final class Counting implements Work {
    private final String step;

    Counting(String step) {
      this.step = step;
    }

    @Override
    public Mono<String> act(String input, String key) {
      return Mono.fromSupplier(
          () -> {
            effect(step, key).incrementAndGet();
            return input + step;
          });
    }

    @Override
    public Mono<Void> undo(String input, @Nullable String output, String key) {
      return Mono.fromRunnable(
          () -> {
            effect(step, key).decrementAndGet();
            undone.incrementAndGet();
          });
    }
  }

  private AtomicInteger effect(String step, String key) {
    return effects.computeIfAbsent(step + ' ' + key, k -> new AtomicInteger());
  }

  /** How often each step stands, of the sagas so far. */
  private List<Integer> standing() {
    return STEPS.stream()
        .map(
            step ->
                effects.entrySet().stream()
                    .filter(entry -> entry.getKey().startsWith(step + ' '))
                    .mapToInt(entry -> entry.getValue().get())
                    .sum())
        .toList();
  }

  private static Outbound<byte[]> on(Road road, Outbound<byte[]> queue) {
    return new Outbound<>() {
      @Override
      public String name() {
        return queue.name();
      }

      @Override
      public Mono<Receipt> send(Message<byte[]> message) {
        return Mono.defer(() -> road.send(queue, message));
      }
    };
  }

  private static void await(String what, BooleanSupplier condition) {
    long end = System.nanoTime() + PATIENCE.toNanos();
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() - end > 0) {
        throw new AssertionError("not within " + PATIENCE + ": " + what);
      }
      LockSupport.parkNanos(1_000_000);
    }
  }

  @Test
  void theNetEffectIsRightWhateverBecomesOfMessages() {
    Channel acks = channel();
    Channel dead = channel();
    IdempotencyStore store = store();
    List<Outbound<byte[]>> queues = new ArrayList<>();
    List<FlowHandle> flows = new ArrayList<>();
    for (String step : STEPS) {
      Channel queue = channel();
      queues.add(queue);
      Outbound<byte[]> onRoad = on((q, ack) -> ackRoad.send(q, ack), acks);
      flows.add(participant(step, queue, new Counting(step), store, onRoad, dead));
    }
    Coordinator coordinator = coordinator(acks, Duration.ofSeconds(3));

    // until everybody has joined; what was lost by then is compensated
    int completed = 0;
    long end = System.nanoTime() + PATIENCE.toNanos();
    while (completed == 0 && System.nanoTime() < end) {
      completed += run(coordinator, queues) ? 1 : 0;
    }
    assertThat(completed).isOne();
    assertThat(standing()).containsOnly(1);

    // every message twice
    ackRoad = (q, ack) -> q.send(ack).then(q.send(ack));
    Road twice = (q, step) -> q.send(step).then(q.send(step));
    assertThat(run(coordinator, queues.stream().map(q -> on(twice, q)).toList())).isTrue();
    assertThat(standing()).containsOnly(2);
    ackRoad = Outbound::send;

    // the acknowledgement of the last step is lost
    int before = undone.get();
    ackRoad =
        (q, ack) ->
            new String(ack.payload(), StandardCharsets.UTF_8).equals("lost abc")
                ? Mono.just(new Receipt("road", ack.id(), "lost"))
                : q.send(ack);
    assertThat(run("lost ", coordinator, queues)).isFalse();
    assertThat(standing()).containsOnly(2);
    assertThat(undone.get() - before).isEqualTo(3);
    ackRoad = Outbound::send;

    // the last step comes when its compensation has left its tombstone, and would not expire
    AtomicReference<@Nullable Message<byte[]>> kept = new AtomicReference<>();
    List<Outbound<byte[]>> overtaking = new ArrayList<>(queues);
    overtaking.set(
        2,
        on(
            (q, step) -> {
              if (kept.compareAndSet(null, step)) {
                return Mono.just(new Receipt("road", step.id(), "kept"));
              }
              return q.send(step);
            },
            queues.get(2)));
    assertThat(run(coordinator, overtaking)).isFalse();
    Message<byte[]> late = Objects.requireNonNull(kept.get());
    AtomicInteger refused = new AtomicInteger();
    ackRoad =
        (q, ack) -> {
          if ("Compensated".equals(ack.headers().get("sl-reply-code"))) {
            refused.incrementAndGet();
          }
          return q.send(ack);
        };
    queues.get(2).send(late.expiringAt(null)).block(PATIENCE);
    await("the late step to be refused", () -> refused.get() == 1);
    assertThat(standing()).containsOnly(2);

    flows.forEach(flow -> flow.stop(Duration.ZERO).block(PATIENCE));
    coordinator.stop(Duration.ZERO).block(PATIENCE);
  }

  private static boolean run(Coordinator coordinator, List<Outbound<byte[]>> queues) {
    return run("", coordinator, queues);
  }

  private static boolean run(String input, Coordinator coordinator, List<Outbound<byte[]>> queues) {
    return coordinator.run(input, queues).blockOptional(PATIENCE).orElseThrow();
  }
}

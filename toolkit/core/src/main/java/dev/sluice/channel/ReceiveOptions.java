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
package dev.sluice.channel;

import dev.sluice.delivery.Origin;
import dev.sluice.delivery.Outcome;
import dev.sluice.message.Message;
import dev.sluice.time.Times;
import java.time.Clock;
import java.time.Duration;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * How a consumer wants to receive. Immutable: each method with an argument returns a changed copy.
 */
public final class ReceiveOptions {

  private static final DeadLetterListener DEAF =
      new DeadLetterListener() {
        @Override
        public void refused(Origin origin, long failures, Throwable failure) {}

        @Override
        public void over(Origin origin) {}
      };

  private static final ReceiveOptions DEFAULTS =
      new ReceiveOptions(1024, Duration.ofSeconds(30), null, DEAF, Mono.never(), Clock.systemUTC());

  private final int maxUnsettled;
  private final Duration lease;
  private final @Nullable Outbound<byte[]> deadLetters;
  private final DeadLetterListener listener;
  private final Mono<Duration> stop;
  private final Clock clock;

  private ReceiveOptions(
      int maxUnsettled,
      Duration lease,
      @Nullable Outbound<byte[]> deadLetters,
      DeadLetterListener listener,
      Mono<Duration> stop,
      Clock clock) {
    this.maxUnsettled = maxUnsettled;
    this.lease = lease;
    this.deadLetters = deadLetters;
    this.listener = listener;
    this.stop = stop;
    this.clock = clock;
  }

  /** 1024 unsettled deliveries, leases of 30 s, no dead-letter target, stopped only by cancel. */
  public static ReceiveOptions defaults() {
    return DEFAULTS;
  }

  /** How many deliveries may be out and not yet done. Defaults to 1024. */
  public int maxUnsettled() {
    return maxUnsettled;
  }

  /**
   * Bounds the deliveries that are out and not yet done; the bound on the memory of a consumer.
   *
   * @param maxUnsettled 1 or more
   */
  public ReceiveOptions maxUnsettled(int maxUnsettled) {
    if (maxUnsettled < 1) {
      throw new IllegalArgumentException("maxUnsettled: " + maxUnsettled + " (expected: >= 1)");
    }
    return new ReceiveOptions(maxUnsettled, lease, deadLetters, listener, stop, clock);
  }

  /** How long a delivery is owned before it must be renewed. Defaults to 30 s. */
  public Duration lease() {
    return lease;
  }

  /**
   * How long a delivery is owned, where the channel has {@link Capability#LEASES}. The channel
   * renews it for as long as the consumer is alive.
   *
   * @param lease more than zero, at most 365 days
   */
  public ReceiveOptions lease(Duration lease) {
    Times.positive("lease", lease);
    return new ReceiveOptions(maxUnsettled, lease, deadLetters, listener, stop, clock);
  }

  /** Where rejected messages go, or null. Defaults to none. */
  public @Nullable Outbound<byte[]> deadLetters() {
    return deadLetters;
  }

  /** Sends rejected messages to {@code target}. */
  public ReceiveOptions deadLetters(Outbound<byte[]> target) {
    return new ReceiveOptions(
        maxUnsettled, lease, Objects.requireNonNull(target, "target"), listener, stop, clock);
  }

  /** Tells {@code listener} of dead letters that their target does not take. Defaults to nobody. */
  public ReceiveOptions deadLetterListener(DeadLetterListener listener) {
    return new ReceiveOptions(
        maxUnsettled,
        lease,
        deadLetters,
        Objects.requireNonNull(listener, "listener"),
        stop,
        clock);
  }

  /** The signal to stop, with the time that unsettled deliveries are given. Defaults to never. */
  public Mono<Duration> stop() {
    return stop;
  }

  /**
   * Stops the consumer in good order when {@code stop} emits: no new message is taken; deliveries
   * that are out may be settled until the emitted time is over; the rest is released; everything is
   * flushed; then the sequence completes. An empty or failed signal is a stop with no time.
   */
  public ReceiveOptions stop(Mono<Duration> stop) {
    return new ReceiveOptions(
        maxUnsettled, lease, deadLetters, listener, Objects.requireNonNull(stop, "stop"), clock);
  }

  /** The clock for timestamps. Defaults to the system's in UTC. */
  public Clock clock() {
    return clock;
  }

  /** Takes timestamps from {@code clock}. */
  public ReceiveOptions clock(Clock clock) {
    return new ReceiveOptions(
        maxUnsettled, lease, deadLetters, listener, stop, Objects.requireNonNull(clock, "clock"));
  }

  /**
   * Sends a rejected message to the dead letters. For connectors: the effect of a {@link
   * Outcome.Reject}, to be seen through before the message is consumed.
   *
   * <dl>
   *   <dt>Emits
   *   <dd>nothing
   *   <dt>Backpressure
   *   <dd>not applicable
   *   <dt>Completes/Errors
   *   <dd>completes when the target has confirmed the letter; a target that fails is tried again
   *       with backoff (100 ms to 10 s) for as long as it is subscribed to; fails with {@link
   *       NoDeadLetterTarget} when there is no target
   *   <dt>Cancel
   *   <dd>stops trying: the message must then stay at the source
   *   <dt>Discard
   *   <dd>nothing to discard
   *   <dt>Threads
   *   <dd>on the target's scheduler; waits on {@code Schedulers.parallel()}
   * </dl>
   */
  public Mono<Void> deadLetter(Message<byte[]> message, Origin origin, Outcome.Reject reject) {
    return deadLetters == null
        ? Mono.error(() -> new NoDeadLetterTarget(origin, reject))
        : DeadLetterSender.send(deadLetters, message, origin, reject, clock, listener);
  }
}

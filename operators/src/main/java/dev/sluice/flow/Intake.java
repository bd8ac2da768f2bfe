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
package dev.sluice.flow;

import dev.sluice.channel.FlowHandle;
import dev.sluice.channel.ReceiveOptions;
import dev.sluice.delivery.DeadLetterReason;
import dev.sluice.delivery.Delivery;
import dev.sluice.delivery.Origin;
import dev.sluice.delivery.Outcome;
import dev.sluice.dispatch.RetryMeters;
import dev.sluice.parking.ParkTheGroup;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.SynchronousSink;

/** What a run lets in from its source, and what has become of it. */
final class Intake implements Pressure {

  /*
   * Threads: deliveries come serialized, are done on any thread, and are counted on any thread.
   *
   * out      deliveries that are not done: raised before one is let in
   * window   how many the source allows, as far as it is known; only ever lowered, by the source's
   *          thread
   */

  private final FlowSettings settings;
  private final FlowHandle flow;
  private final RetryMeters retries;
  private final Consumer<? super Throwable> fail;
  private final AtomicInteger out = new AtomicInteger();
  private volatile int window;
  private volatile boolean last;
  private final List<Runnable> listeners = new CopyOnWriteArrayList<>();
  private int maxAttempts; // final once the chain is assembled

  private final LongAdder received = new LongAdder();
  private final LongAdder acknowledged = new LongAdder();
  private final LongAdder released = new LongAdder();
  private final LongAdder retried = new LongAdder();
  private final LongAdder rejected = new LongAdder();
  private final Consumer<Outcome> done = this::done;

  Intake(
      FlowSettings settings,
      FlowHandle flow,
      RetryMeters retries,
      Consumer<? super Throwable> fail) {
    this.settings = settings;
    this.flow = flow;
    this.retries = retries;
    this.fail = fail;
    this.window = settings.effectiveMaxUnsettled();
    this.maxAttempts = settings.policy().maxAttempts();
  }

  /**
   * What the source delivers, except for what is not worth starting on.
   *
   * @param failed settles a delivery for which a function of the user has failed
   */
  Flux<Delivery<byte[]>> deliveries(
      ReceiveOptions options, BiConsumer<? super Delivery<?>, ? super Throwable> failed) {
    return settings.source().receive(options, this::noMore, failed).handle(this::admit);
  }

  /** A step of the flow makes so many attempts of its own. */
  void allowAttempts(int attempts) {
    maxAttempts = Math.max(maxAttempts, attempts);
  }

  private void admit(Delivery<byte[]> taken, SynchronousSink<Delivery<byte[]>> sink) {
    if (taken.origin().window() < window && !fits(taken.origin())) {
      Scope.release(taken);
      return;
    }
    received.increment();
    out.incrementAndGet();
    taken.settlement().onDone(done);
    Delivery<byte[]> delivery = settings.listener().received(flow, taken);
    if (delivery.settlement().isSettled()) {
      // on the way here: it was taken back, or a function of the user has failed
    } else if (delivery.message().expired(settings.clock())) {
      delivery.settlement().settle(Outcome.reject(DeadLetterReason.EXPIRED, null));
    } else if (delivery.origin().attempt() > maxAttempts) {
      delivery.settlement().settle(Outcome.reject(DeadLetterReason.ATTEMPTS_EXHAUSTED, null));
    } else {
      sink.next(delivery);
    }
    if (isFull()) {
      listeners.forEach(Runnable::run);
    }
  }

  /** Whether the aggregates of the flow can be filled; if not, the flow has failed. */
  private boolean fits(Origin origin) {
    window = origin.window();
    if (window >= settings.collected()) {
      return true;
    }
    fail.accept(
        new IllegalStateException(
            "window of "
                + origin.channel()
                + ": "
                + window
                + " deliveries (expected: >= "
                + settings.collected()
                + ", the members of all aggregates in flow "
                + settings.name()
                + ')'));
    return false;
  }

  private void done(Outcome outcome) {
    if (outcome instanceof Outcome.Ack) {
      acknowledged.increment();
    } else if (outcome instanceof Outcome.Release) {
      released.increment();
    } else if (outcome instanceof Outcome.Retry retry) {
      retried.increment();
      retries.retrying(RetryMeters.Where.CHANNEL, retry.cause());
    } else {
      rejected.increment();
      if (outcome instanceof Outcome.Reject reject
          && reject.reason() == DeadLetterReason.ATTEMPTS_EXHAUSTED) {
        retries.exhausted(causeOf(reject));
      }
    }
    out.decrementAndGet();
  }

  private static @Nullable Throwable causeOf(Outcome.Reject reject) {
    Throwable cause = reject.cause();
    return cause instanceof ParkTheGroup failure ? failure.getCause() : cause;
  }

  // == pressure ==

  @Override
  public boolean isFull() {
    return out.get() >= window;
  }

  @Override
  public boolean isLast() {
    return last;
  }

  @Override
  public Disposable onChange(Runnable listener) {
    listeners.add(listener);
    return () -> listeners.remove(listener);
  }

  /** Nothing new comes. */
  void noMore() {
    last = true;
    listeners.forEach(Runnable::run);
  }

  // == statistics ==

  /** The numbers at one moment. */
  record Counts(long received, long acknowledged, long released, long retried, long rejected) {

    long unsettled() {
      return received - acknowledged - released - retried - rejected;
    }
  }

  Counts counts() {
    long acked = acknowledged.sum();
    long back = released.sum();
    long again = retried.sum();
    long dead = rejected.sum();
    return new Counts(
        received.sum(), // last: whatever is done was received before
        acked,
        back,
        again,
        dead);
  }
}

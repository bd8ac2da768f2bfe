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
package dev.sluice.retry;

import dev.sluice.Experimental;
import dev.sluice.channel.Capability;
import dev.sluice.channel.Channel;
import dev.sluice.channel.ReceiveOptions;
import dev.sluice.delivery.Delivery;
import dev.sluice.delivery.ErrorPolicy;
import dev.sluice.delivery.LeakDetector;
import dev.sluice.delivery.Outcome;
import dev.sluice.dispatch.Concurrency;
import dev.sluice.dispatch.DispatchOptions;
import dev.sluice.dispatch.FluxDispatch;
import dev.sluice.dispatch.RetryMeters;
import java.time.Clock;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.util.Objects;
import java.util.function.Function;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * The retries of a sequence of deliveries, ready to be applied with {@link
 * Flux#transform(Function)}. Immutable.
 *
 * <p><img class="marble" src="doc-files/retry.svg" alt="What has failed is tried again in place,
 * then delayed, while other groups go on">
 *
 * <dl>
 *   <dt>Emits
 *   <dd>each delivery, and again for each retry in place, under another settlement; every one of
 *       them must be settled
 *   <dt>Backpressure
 *   <dd>takes as many deliveries as the window says at once, then as many as have been settled
 *   <dt>Completes/Errors
 *   <dd>completes when the source has completed and every delivery is settled; an error of the
 *       source ends it at once
 *   <dt>Cancel
 *   <dd>cancels the source; what waits for a retry is released
 *   <dt>Discard
 *   <dd>on cancel and on error what waits is released
 *   <dt>Threads
 *   <dd>on that of the source, of the timer, of the subscriber that requests, or of whoever settles
 * </dl>
 */
@Experimental
public final class DeliveryRetry
    implements Function<Flux<Delivery<byte[]>>, Flux<Delivery<byte[]>>> {

  private static final int DEFAULT_WINDOW = 1024;

  private final RetrySpec spec;
  private final String assembly;
  private final Predicate<Capability> source;
  private final Clock clock;
  private final int window;
  private final RetryMeters retries;

  DeliveryRetry(RetrySpec spec) {
    this(
        Objects.requireNonNull(spec, "spec"),
        LeakDetector.assembly(),
        capability -> false,
        Clock.systemUTC(),
        DEFAULT_WINDOW,
        new RetryMeters());
  }

  private DeliveryRetry(
      RetrySpec spec,
      String assembly,
      Predicate<Capability> source,
      Clock clock,
      int window,
      RetryMeters retries) {
    this.spec = spec;
    this.assembly = assembly;
    this.source = source;
    this.clock = Objects.requireNonNull(clock, "clock");
    this.window = window;
    this.retries = Objects.requireNonNull(retries, "retries");
  }

  /** What the channel of the deliveries can do. Defaults to nothing. */
  public DeliveryRetry source(Predicate<Capability> capabilities) {
    return new DeliveryRetry(spec, assembly, capabilities, clock, window, retries);
  }

  /** The clock that tells when a copy is due. Defaults to the system's in UTC. */
  public DeliveryRetry clock(Clock clock) {
    return new DeliveryRetry(spec, assembly, source, clock, window, retries);
  }

  /** How many deliveries may be out and not settled, 1 or more. Defaults to 1024. */
  public DeliveryRetry window(int window) {
    if (window < 1) {
      throw new IllegalArgumentException("window: " + window + " (expected: >= 1)");
    }
    return new DeliveryRetry(spec, assembly, source, clock, window, retries);
  }

  /** Where it counts its retries. Defaults to where nobody looks. */
  public DeliveryRetry counting(RetryMeters retries) {
    return new DeliveryRetry(spec, assembly, source, clock, window, retries);
  }

  /** What is done in place, for the steps that do it themselves. */
  public ErrorPolicy policy() {
    return spec.policy();
  }

  /** The same with other retries in place. */
  public DeliveryRetry policy(ErrorPolicy policy) {
    return new DeliveryRetry(spec.inPlace(policy), assembly, source, clock, window, retries);
  }

  /** How often a message may be delivered. */
  public int deliveries() {
    return spec.delayed() + 1;
  }

  /** Whether the messages of a group wait for one of them that is tried again. */
  public boolean isOrdered() {
    return spec.isOrdered();
  }

  /** Where messages wait that their own channel cannot delay. */
  public @Nullable Channel through() {
    return spec.through();
  }

  @Override
  public Flux<Delivery<byte[]>> apply(Flux<Delivery<byte[]>> deliveries) {
    RetryWork work = new RetryWork(spec, source, clock, retries, assembly);
    DispatchOptions options =
        new DispatchOptions(
            "retry", Concurrency.fixed(window), window, null, spec.timer(), retries.step());
    return FluxDispatch.create(deliveries.map(Tried::new), () -> work, options)
        .doOnDiscard(Tried.class, tried -> giveBack(tried.delivery))
        .doOnDiscard(Delivery.class, DeliveryRetry::giveBack);
  }

  /**
   * The deliveries of {@link #through}, each when it is due; none if there is no such channel.
   *
   * @param options as for any receiver; at most as many wait as may be unsettled
   */
  public Flux<Delivery<byte[]>> waiting(ReceiveOptions options) {
    Channel waiting = spec.through();
    if (waiting == null) {
      return Flux.empty();
    }
    Mono<Void> stop = options.stop().then().onErrorComplete();
    return waiting
        .receive(options)
        .flatMap(delivery -> whenDue(delivery, stop), options.maxUnsettled(), 1);
  }

  private Mono<Delivery<byte[]>> whenDue(Delivery<byte[]> delivery, Mono<Void> stop) {
    Duration wait = until(due(delivery));
    if (wait.isZero()) {
      return Mono.just(delivery);
    }
    return Mono.delay(wait, spec.scheduler())
        .map(time -> delivery)
        .takeUntilOther(Mono.firstWithSignal(stop, delivery.settlement().lost()))
        .switchIfEmpty(Mono.fromRunnable(() -> giveBack(delivery)))
        .doOnCancel(() -> giveBack(delivery));
  }

  private Duration until(Instant due) {
    Instant now = clock.instant();
    return due.isAfter(now) ? Duration.between(now, due) : Duration.ZERO;
  }

  /** One that does not say it is due. */
  private static Instant due(Delivery<byte[]> delivery) {
    String text = delivery.message().headers().get(Retrying.NOT_BEFORE_HEADER);
    try {
      return text == null ? Instant.MIN : Instant.parse(text);
    } catch (DateTimeException e) {
      return Instant.MIN;
    }
  }

  /** Unless it was settled before: one that was rejected is discarded too. */
  static void giveBack(Delivery<?> delivery) {
    if (!delivery.settlement().isSettled()) {
      delivery.settlement().settle(Outcome.release(Outcome.Release.Why.CANCELLED));
    }
  }
}

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
package dev.sluice.convoy;

import dev.sluice.Experimental;
import dev.sluice.delivery.Delivery;
import dev.sluice.delivery.ErrorPolicy;
import dev.sluice.delivery.LeakDetector;
import dev.sluice.delivery.Outcome;
import dev.sluice.dispatch.DispatchOptions;
import dev.sluice.dispatch.FluxDispatch;
import dev.sluice.dispatch.ReadyOrder;
import dev.sluice.dispatch.RetryMeters;
import dev.sluice.message.Message;
import java.time.Clock;
import java.util.Objects;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;
import reactor.core.publisher.Flux;

/**
 * A convoy of deliveries, ready to be applied with {@link Flux#transform(Function)}. Immutable.
 *
 * @param <T> the payloads it takes
 * @param <R> the payloads it emits
 */
@Experimental
public final class DeliveryConvoy<T, R> implements Function<Flux<Delivery<T>>, Flux<Delivery<R>>> {

  private final Function<? super Message<T>, ? extends @Nullable Object> group;
  private final Function<? super T, ? extends Publisher<? extends R>> worker;
  private final UnaryOperator<ConvoySpec<Message<T>>> spec;
  private final String assembly;
  private final ErrorPolicy policy;
  private final Clock clock;
  private final RetryMeters retries;
  private final ConvoySpec<Message<T>> options;
  private final DispatchOptions dispatch;

  DeliveryConvoy(
      Function<? super Message<T>, ? extends @Nullable Object> group,
      Function<? super T, ? extends Publisher<? extends R>> worker,
      UnaryOperator<ConvoySpec<Message<T>>> spec) {
    this(
        group,
        worker,
        spec,
        LeakDetector.assembly(),
        ErrorPolicy.defaults(),
        Clock.systemUTC(),
        new RetryMeters());
  }

  private DeliveryConvoy(
      Function<? super Message<T>, ? extends @Nullable Object> group,
      Function<? super T, ? extends Publisher<? extends R>> worker,
      UnaryOperator<ConvoySpec<Message<T>>> spec,
      String assembly,
      ErrorPolicy policy,
      Clock clock,
      RetryMeters retries) {
    this.group = Objects.requireNonNull(group, "group");
    this.worker = Objects.requireNonNull(worker, "worker");
    this.spec = Objects.requireNonNull(spec, "spec");
    this.assembly = assembly;
    this.policy = Objects.requireNonNull(policy, "policy");
    this.clock = Objects.requireNonNull(clock, "clock");
    this.retries = Objects.requireNonNull(retries, "retries");
    this.options = Objects.requireNonNull(spec.apply(ConvoySpec.defaults(policy)), "spec");
    this.dispatch = options.dispatchOptions();
    if (verdict() == GroupVerdict.HALT_GROUP && options.halted() == null) {
      throw new IllegalArgumentException(
          "verdict: HALT_GROUP (expected: with ConvoySpec.halted, or nobody could let a group go"
              + " on)");
    }
  }

  /**
   * What a failure means unless {@link ConvoySpec#onFailure} says otherwise. Defaults to {@link
   * ErrorPolicy#defaults()}.
   */
  public DeliveryConvoy<T, R> onError(ErrorPolicy policy) {
    return new DeliveryConvoy<>(group, worker, spec, assembly, policy, clock, retries);
  }

  /** Where it counts its retries. Defaults to where nobody looks. */
  public DeliveryConvoy<T, R> counting(RetryMeters retries) {
    return new DeliveryConvoy<>(group, worker, spec, assembly, policy, clock, retries);
  }

  /** The clock that tells whether a message has expired. Defaults to the system's in UTC. */
  public DeliveryConvoy<T, R> clock(Clock clock) {
    return new DeliveryConvoy<>(group, worker, spec, assembly, policy, clock, retries);
  }

  @Override
  public Flux<Delivery<R>> apply(Flux<Delivery<T>> source) {
    FailureSpec failure = options.failure();
    ReadyOrder<? super Message<T>> order = options.readyOrder();
    DeliveryWork<T, R> work =
        new DeliveryWork<>(
            group,
            worker,
            failure.policy(),
            verdict(),
            failure::isUncounted,
            options.halted(),
            options.lossGrace(),
            dispatch.timer(),
            options.safeListener(),
            order == null ? null : order.of(Delivery::message),
            options.gate(),
            clock,
            retries,
            assembly);
    return FluxDispatch.create(source, () -> work, dispatch.observed(retries.step()))
        .doOnDiscard(Delivery.class, DeliveryConvoy::release);
  }

  /** Unless it was settled before: one that was rejected is discarded too. */
  private static void release(Delivery<?> delivery) {
    if (!delivery.settlement().isSettled()) {
      delivery.settlement().settle(Outcome.release(Outcome.Release.Why.CANCELLED));
    }
  }

  private GroupVerdict verdict() {
    return Objects.requireNonNullElse(options.failure().verdict(), GroupVerdict.DEAD_LETTER);
  }

  /** Whether its groups may have to be parked. */
  public boolean parks() {
    return verdict() == GroupVerdict.PARK_GROUP;
  }

  /** How many unsettled deliveries the source must allow for the look-ahead to be reached. */
  public int lookAhead() {
    return dispatch.lookAhead();
  }

  /** After how many attempts a message is no longer retried. */
  public int maxAttempts() {
    return options.failure().policy().maxAttempts();
  }
}

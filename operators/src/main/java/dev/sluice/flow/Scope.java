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

import dev.sluice.channel.Outbound;
import dev.sluice.convoy.DeliveryConvoy;
import dev.sluice.delivery.DeadLetterReason;
import dev.sluice.delivery.Delivery;
import dev.sluice.delivery.Outcome;
import dev.sluice.message.Message;
import dev.sluice.priority.DeliveryReordering;
import java.time.Duration;
import java.util.List;
import java.util.function.Consumer;
import reactor.core.Exceptions;
import reactor.core.publisher.Flux;

/**
 * What the steps of a run work with: the deliveries they begin with, and what an exception or an
 * expiry means under the options that hold for them.
 */
final class Scope {

  private final FlowRun run;
  private final FlowSettings settings;
  private final Flux<? extends Delivery<?>> source;

  Scope(FlowRun run, FlowSettings settings, Flux<? extends Delivery<?>> source) {
    this.run = run;
    this.settings = settings;
    this.source = source;
  }

  FlowSettings settings() {
    return settings;
  }

  /**
   * The deliveries that the first step gets. The flow that this is the scope of knows their type.
   */
  @SuppressWarnings("unchecked")
  <T> Flux<Delivery<T>> source() {
    return (Flux<Delivery<T>>) source;
  }

  <T, R> Flux<Delivery<R>> convoy(Flux<Delivery<T>> source, DeliveryConvoy<T, R> recipe) {
    DeliveryConvoy<T, R> convoy =
        recipe.onError(settings.policy()).clock(settings.clock()).counting(run.retries());
    run.allowAttempts(convoy.maxAttempts());
    return source.transform(convoy);
  }

  <T> Flux<Delivery<List<Message<T>>>> aggregate(
      Flux<Delivery<T>> source,
      int maxSize,
      Duration maxTime,
      AggregateSpec<T> spec,
      String assembly) {
    return FluxAggregate.create(
        source,
        new FluxAggregate.Plan<T>(
            maxSize,
            maxTime,
            spec,
            this::begins,
            this::failed,
            settings.clock(),
            run.pressure(),
            assembly));
  }

  /** The target as the listener of the flow wants to see what is sent to it. */
  <T> Outbound<T> observed(Outbound<T> target) {
    return settings.listener().sending(run, target);
  }

  <T> Flux<Delivery<T>> reorder(Flux<Delivery<T>> source, DeliveryReordering<T> reordering) {
    return reordering
        .reorder(source, this::failed)
        .handle(
            (delivery, sink) -> {
              if (begins(delivery)) {
                sink.next(delivery);
              }
            });
  }

  // == verdicts ==

  /** Whether work on a delivery is worth beginning; if not, it is settled. */
  boolean begins(Delivery<?> delivery) {
    if (delivery.settlement().isSettled()) {
      return false; // its source took it back while it waited
    }
    if (delivery.settlement().isLost()) {
      delivery.settlement().settle(Outcome.release(Outcome.Release.Why.LOST));
      return false;
    }
    if (delivery.message().expired(settings.clock())) {
      delivery.settlement().settle(Outcome.reject(DeadLetterReason.EXPIRED, null));
      return false;
    }
    return true;
  }

  /** Settles a delivery for which a function of the user has failed. */
  void failed(Delivery<?> delivery, Throwable error) {
    failed(delivery, error, delivery.settlement()::settle);
  }

  /** What the failure of a function of the user means for a delivery goes to {@code decision}. */
  void failed(Delivery<?> delivery, Throwable error, Consumer<? super Outcome> decision) {
    Outcome outcome = outcomeOf(error, delivery.origin().attempt());
    decision.accept(outcome);
    if (outcome instanceof Outcome.Release) {
      run.fail(error); // the policy calls it fatal: the process is in trouble, not the message
    }
  }

  private Outcome outcomeOf(Throwable error, int attempt) {
    try {
      return settings.policy().outcomeOf(error, attempt);
    } catch (Throwable e) { // the user's classifier
      return Outcome.reject(DeadLetterReason.POISON, Exceptions.addSuppressed(error, e));
    }
  }

  void acknowledge(Delivery<?> delivery) {
    delivery.settlement().settle(Outcome.ack());
  }

  /**
   * Gives a discarded delivery back, unless it was settled: one that was rejected is discarded too.
   */
  static void release(Delivery<?> delivery) {
    if (!delivery.settlement().isSettled()) {
      delivery.settlement().settle(Outcome.release(Outcome.Release.Why.CANCELLED));
    }
  }
}

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
import dev.sluice.channel.Outbound;
import dev.sluice.channel.Receipt;
import dev.sluice.channel.ReceiveOptions;
import dev.sluice.channel.SendFailed;
import dev.sluice.convoy.DeliveryConvoy;
import dev.sluice.delivery.DeadLetterReason;
import dev.sluice.delivery.Delivery;
import dev.sluice.delivery.Outcome;
import dev.sluice.message.Message;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.Exceptions;
import reactor.core.publisher.BaseSubscriber;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.SignalType;
import reactor.core.publisher.Sinks;
import reactor.core.publisher.SynchronousSink;

/**
 * One run of a flow: the source's subscription, what the verbs do with deliveries, and the handle.
 */
final class FlowRun implements FlowHandle {

  /*
   * Threads: the handle's methods may be called from any thread; the verbs are called by the chain,
   * serialized for each step.
   *
   * end      null while it runs, then how it ended, for ever
   *
   * The run ends with the source: when it completes, everything is settled, flushed and closed, and
   * what still waits or sleeps in the chain is about deliveries that were given back. Or with an
   * error of the chain or of a function that the policy calls fatal, which cancels the source.
   */

  private static final Logger log = LoggerFactory.getLogger(Flow.class);

  private record End(State state, @Nullable Throwable failure) {}

  private final FlowSettings settings;
  private final Sinks.One<Duration> stop = Sinks.one();
  private final Sinks.Empty<Void> terminated = Sinks.empty();
  private final Consumption consumption = new Consumption();
  private final AtomicReference<@Nullable End> end = new AtomicReference<>();
  private final Stalls stalls;
  private volatile boolean stopping;
  private int maxAttempts; // final once the chain is assembled

  private final LongAdder received = new LongAdder();
  private final LongAdder acknowledged = new LongAdder();
  private final LongAdder released = new LongAdder();
  private final LongAdder retried = new LongAdder();
  private final LongAdder rejected = new LongAdder();
  private final Consumer<Outcome> count = this::count;

  FlowRun(FlowSettings settings) {
    this.settings = settings;
    this.stalls = new Stalls(settings.clock());
    this.maxAttempts = settings.policy().maxAttempts();
  }

  FlowSettings settings() {
    return settings;
  }

  FlowHandle start(Function<FlowRun, ? extends Flux<?>> chain) {
    chain
        .apply(this)
        .doOnDiscard(Delivery.class, delivery -> release(delivery))
        .checkpoint("flow " + settings.name())
        .subscribe(consumption);
    return this;
  }

  /** The end of the chain: asks for everything, because the steps have bounds of their own. */
  private final class Consumption extends BaseSubscriber<Object> {

    @Override
    protected void hookOnComplete() {
      ended(new End(State.STOPPED, null));
    }

    @Override
    protected void hookOnError(Throwable error) {
      fail(error);
    }
  }

  // == the source ==

  /** What the source delivers, except for what is not worth starting on. */
  Flux<Delivery<byte[]>> deliveries() {
    ReceiveOptions options =
        ReceiveOptions.defaults()
            .maxUnsettled(settings.effectiveMaxUnsettled())
            .clock(settings.clock())
            .deadLetterListener(stalls)
            .stop(stop.asMono());
    Outbound<byte[]> deadLetters = settings.deadLetters();
    if (deadLetters != null) {
      options = options.deadLetters(deadLetters);
    }
    return settings.source().receive(options).doFinally(this::sourceEnded).handle(this::admit);
  }

  private void sourceEnded(SignalType how) {
    if (how == SignalType.ON_COMPLETE) {
      ended(new End(State.STOPPED, null));
      consumption.dispose();
    }
  }

  private void admit(Delivery<byte[]> delivery, SynchronousSink<Delivery<byte[]>> sink) {
    received.increment();
    delivery.settlement().onDone(count);
    if (delivery.message().expired(settings.clock())) {
      delivery.settlement().settle(Outcome.reject(DeadLetterReason.EXPIRED, null));
    } else if (delivery.origin().attempt() > maxAttempts) {
      delivery.settlement().settle(Outcome.reject(DeadLetterReason.ATTEMPTS_EXHAUSTED, null));
    } else {
      sink.next(delivery);
    }
  }

  private void count(Outcome outcome) {
    if (outcome instanceof Outcome.Ack) {
      acknowledged.increment();
    } else if (outcome instanceof Outcome.Release) {
      released.increment();
    } else if (outcome instanceof Outcome.Retry) {
      retried.increment();
    } else {
      rejected.increment();
    }
  }

  // == the verbs ==

  <T, R> Flux<Delivery<R>> convoy(
      Function<FlowRun, Flux<Delivery<T>>> chain, DeliveryConvoy<T, R> recipe) {
    DeliveryConvoy<T, R> convoy = recipe.onError(settings.policy()).clock(settings.clock());
    maxAttempts = Math.max(maxAttempts, convoy.maxAttempts());
    return chain.apply(this).transform(convoy);
  }

  <T, R> void map(
      Delivery<T> delivery,
      Function<Message<T>, ? extends R> mapper,
      SynchronousSink<Delivery<R>> sink) {
    R payload;
    try {
      payload = Objects.requireNonNull(mapper.apply(delivery.message()), "the function gave null");
    } catch (Throwable e) {
      settleFailure(delivery, e);
      return;
    }
    sink.next(delivery.with(delivery.message().withPayload(payload)));
  }

  <T> void filter(
      Delivery<T> delivery, Predicate<? super T> predicate, SynchronousSink<Delivery<T>> sink) {
    boolean accepted;
    try {
      accepted = predicate.test(delivery.message().payload());
    } catch (Throwable e) {
      settleFailure(delivery, e);
      return;
    }
    if (accepted) {
      sink.next(delivery);
    } else {
      delivery.settlement().settle(Outcome.filtered());
    }
  }

  private void settleFailure(Delivery<?> delivery, Throwable error) {
    Outcome outcome = outcomeOf(error, delivery);
    delivery.settlement().settle(outcome);
    if (outcome instanceof Outcome.Release) {
      fail(error); // the policy calls it fatal: the process is in trouble, not the message
    }
  }

  private Outcome outcomeOf(Throwable error, Delivery<?> delivery) {
    try {
      return settings.policy().outcomeOf(error, delivery.origin().attempt());
    } catch (Throwable e) { // the user's classifier
      return Outcome.reject(DeadLetterReason.POISON, Exceptions.addSuppressed(error, e));
    }
  }

  <T> Mono<Receipt> send(Delivery<T> delivery, Outbound<? super T> target) {
    if (delivery.message().expired(settings.clock())) {
      delivery.settlement().settle(Outcome.reject(DeadLetterReason.EXPIRED, null));
      return Mono.empty();
    }
    if (delivery.settlement().isLost()) {
      delivery.settlement().settle(Outcome.release(Outcome.Release.Why.LOST));
      return Mono.empty();
    }
    return Mono.defer(() -> sendTo(target, delivery.message()))
        .switchIfEmpty(
            Mono.error(
                () -> SendFailed.unknown(target.name(), "completed without a receipt", null)))
        .doOnNext(receipt -> acknowledge(delivery))
        .doOnCancel(() -> release(delivery))
        .onErrorResume(
            error -> {
              settleFailure(delivery, error);
              return Mono.empty();
            });
  }

  /** The payload is a T, so whoever takes a supertype of T takes the message too. */
  @SuppressWarnings("unchecked")
  private static <T> Mono<Receipt> sendTo(Outbound<? super T> target, Message<T> message) {
    try {
      return ((Outbound<T>) target).send(message);
    } catch (Throwable e) { // also what Reactor would throw on as fatal
      return Mono.error(e);
    }
  }

  void acknowledge(Delivery<?> delivery) {
    delivery.settlement().settle(Outcome.ack());
  }

  private void release(Delivery<?> delivery) {
    delivery.settlement().settle(Outcome.release(Outcome.Release.Why.CANCELLED));
  }

  // == the handle ==

  private void fail(Throwable error) {
    if (ended(new End(State.FAILED, error))) {
      log.error("flow {} has failed; nothing undecided was consumed", settings.name(), error);
    }
    consumption.dispose();
  }

  private boolean ended(End how) {
    if (!end.compareAndSet(null, how)) {
      return false;
    }
    if (how.failure() == null) {
      terminated.tryEmitEmpty();
    } else {
      terminated.tryEmitError(how.failure());
    }
    return true;
  }

  @Override
  public String name() {
    return settings.name();
  }

  @Override
  public Stats stats() {
    End how = end.get();
    State running = stopping ? State.STOPPING : State.RUNNING;
    long acked = acknowledged.sum();
    long back = released.sum();
    long again = retried.sum();
    long dead = rejected.sum();
    long taken = received.sum(); // last: whatever has been settled was received before
    return new Stats(
        how == null ? running : how.state(),
        how == null ? null : how.failure(),
        taken,
        acked,
        back,
        again,
        dead,
        taken - acked - back - again - dead,
        settings.effectiveMaxUnsettled(),
        stalls.current());
  }

  @Override
  public Mono<Void> stop(Duration grace) {
    if (grace.isNegative()) {
      throw new IllegalArgumentException("grace: " + grace + " (expected: >= PT0S)");
    }
    stopping = true;
    stop.tryEmitValue(grace);
    return terminated().onErrorComplete();
  }

  @Override
  public Mono<Void> terminated() {
    return terminated.asMono();
  }

  @Override
  public String toString() {
    return "flow " + settings.name() + ' ' + stats();
  }
}

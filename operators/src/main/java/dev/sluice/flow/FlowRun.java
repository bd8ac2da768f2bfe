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
import dev.sluice.channel.NoDeadLetterTarget;
import dev.sluice.channel.Outbound;
import dev.sluice.channel.ReceiveOptions;
import dev.sluice.delivery.Delivery;
import dev.sluice.delivery.Outcome;
import dev.sluice.dispatch.RetryMeters;
import dev.sluice.observe.FlowStep;
import dev.sluice.observe.Meters;
import dev.sluice.parking.DeliveryParking;
import dev.sluice.retry.DeliveryRetry;
import dev.sluice.time.Times;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;
import org.reactivestreams.Subscription;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.Exceptions;
import reactor.core.Scannable;
import reactor.core.publisher.BaseSubscriber;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.SignalType;
import reactor.core.publisher.Sinks;
import reactor.util.retry.Retry;

/** One run of a flow: how it starts, starts again, stops and ends; and its handle. */
final class FlowRun implements FlowHandle {

  /*
   * Threads: the handle's methods and fail may be called from any thread.
   *
   * end       null while it runs, then how it ended, for ever
   * broken    why the source has ended, until it is subscribed to again
   * stopping  written before broken is read, as broken is before stopping: a stop ends the wait
   *           for a restart, whoever is first
   *
   * The run ends with the source: when it completes, everything is settled, flushed and closed, and
   * what still waits or sleeps in the chain is about deliveries that were given back. Or with an
   * error of the source after which it is not to be restarted, or of a function that the policy
   * calls fatal, which cancels the source.
   */

  private static final Logger log = LoggerFactory.getLogger(Flow.class);

  private record End(State state, @Nullable Throwable failure) {}

  private final FlowSettings settings;
  private final Intake intake;
  private final Stalls stalls;
  private final RetryMeters retries = new RetryMeters();
  private final Sinks.One<Duration> stop = Sinks.one();
  private final Sinks.Empty<Void> giveUp = Sinks.empty();
  private final Sinks.Empty<Void> terminated = Sinks.empty();
  private final Consumption consumption = new Consumption();
  private final AtomicReference<@Nullable End> end = new AtomicReference<>();
  private volatile boolean stopping;
  private volatile @Nullable Throwable broken;
  private final LongAdder restarts = new LongAdder();

  FlowRun(FlowSettings settings) {
    this.settings = settings;
    this.intake = new Intake(settings, this, retries, this::fail);
    DeliveryRetry retry = settings.retry();
    if (retry != null) {
      intake.allowAttempts(retry.deliveries());
    }
    this.stalls = new Stalls(settings.clock());
  }

  FlowHandle start(Function<Scope, ? extends Flux<?>> chain) {
    settings.listener().started(this);
    chain
        .apply(new Scope(this, settings, source()))
        .transform(this::restarting)
        .doOnDiscard(Delivery.class, Scope::release)
        .checkpoint("flow " + settings.name())
        .subscribe(consumption);
    return this;
  }

  /** The end of the chain: asks for everything, because the steps have bounds of their own. */
  private final class Consumption extends BaseSubscriber<Object> {

    private volatile Scannable last = Scannable.from(null);

    @Override
    protected void hookOnSubscribe(Subscription subscription) {
      last = Scannable.from(subscription);
      super.hookOnSubscribe(subscription);
    }

    @Override
    protected void hookOnComplete() {
      ended(new End(State.STOPPED, null));
    }

    @Override
    protected void hookOnError(Throwable error) {
      Throwable last = Exceptions.isRetryExhausted(error) ? error.getCause() : null;
      fail(last == null ? error : last);
    }
  }

  // == the chain's side ==

  Pressure pressure() {
    return intake;
  }

  RetryMeters retries() {
    return retries;
  }

  void allowAttempts(int attempts) {
    intake.allowAttempts(attempts);
  }

  /** Ends the run, because the process is in trouble or nothing can be consumed. */
  void fail(Throwable error) {
    if (ended(new End(State.FAILED, error))) {
      log.error("flow {} has failed; nothing undecided was consumed", settings.name(), error);
    }
    consumption.dispose();
  }

  private Flux<Delivery<byte[]>> source() {
    ReceiveOptions options =
        ReceiveOptions.defaults()
            .maxUnsettled(settings.effectiveMaxUnsettled())
            .lease(settings.lease())
            .clock(settings.clock())
            .deadLetterListener(stalls)
            .stop(stop.asMono());
    Outbound<byte[]> deadLetters = settings.deadLetters();
    Flux<Delivery<byte[]>> deliveries =
        intake
            .deliveries(
                deadLetters == null ? options : options.deadLetters(deadLetters),
                new Scope(this, settings, Flux.empty())::failed)
            .doOnSubscribe(s -> broken = null)
            .doFinally(this::sourceEnded);
    DeliveryParking parking = settings.parking();
    Flux<Delivery<byte[]>> open =
        parking == null ? deliveries : deliveries.transform(parking.counting(retries));
    DeliveryRetry retry = settings.retry();
    return retry == null ? open : open.transform(retry.counting(retries));
  }

  private void sourceEnded(SignalType how) {
    if (how == SignalType.ON_COMPLETE) {
      ended(new End(State.STOPPED, null));
      consumption.dispose();
    }
  }

  // == restarts ==

  private Flux<?> restarting(Flux<?> deliveries) {
    Retry restart = settings.restart();
    return restart == null ? deliveries : deliveries.retryWhen(new Restart(restart));
  }

  /** What the user has asked for, except after what no restart can heal, or while it stops. */
  private final class Restart extends Retry {

    private final Retry asked;

    Restart(Retry asked) {
      super(asked.retryContext());
      this.asked = asked;
    }

    @Override
    public Publisher<?> generateCompanion(Flux<RetrySignal> failures) {
      return Flux.from(asked.generateCompanion(failures.concatMap(this::judge)))
          .doOnNext(again -> restarts.increment())
          .takeUntilOther(giveUp.asMono());
    }

    private Mono<RetrySignal> judge(RetrySignal signal) {
      Throwable failure = signal.failure();
      broken = failure;
      if (stopping || isHopeless(failure)) {
        return Mono.error(failure);
      }
      log.warn("flow {} starts again, if it may, after", settings.name(), failure);
      return Mono.just(signal);
    }
  }

  private boolean isHopeless(Throwable failure) {
    try {
      return failure instanceof NoDeadLetterTarget
          || settings.policy().outcomeOf(failure, 1) instanceof Outcome.Release;
    } catch (Throwable e) { // the user's classifier
      return false;
    }
  }

  // == the handle ==

  private boolean ended(End how) {
    if (!end.compareAndSet(null, how)) {
      return false;
    }
    settings.listener().ended(this);
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
    Throwable trouble = broken;
    State running = trouble != null ? State.RESTARTING : stopping ? State.STOPPING : State.RUNNING;
    Intake.Counts counts = intake.counts();
    return new Stats(
        how == null ? running : how.state(),
        how == null ? trouble : how.failure(),
        counts.received(),
        counts.acknowledged(),
        counts.released(),
        counts.retried(),
        counts.rejected(),
        counts.unsettled(),
        settings.effectiveMaxUnsettled() * settings.source().channels(),
        restarts.sum(),
        stalls.current());
  }

  @Override
  public Mono<Long> depth() {
    return settings.source().depth();
  }

  @Override
  public List<FlowStep> steps() {
    return end.get() == null ? FlowStep.above(consumption.last) : List.of();
  }

  @Override
  public void meters(Meters meters) {
    FlowHandle.super.meters(meters);
    retries.meters(meters.with("flow", name()));
  }

  @Override
  public Mono<Void> stop(Duration grace) {
    Times.notNegative("grace", grace);
    stopping = true;
    stop.tryEmitValue(grace);
    intake.noMore();
    if (broken != null) {
      giveUp.tryEmitEmpty();
    }
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

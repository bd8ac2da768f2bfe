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

import dev.sluice.delivery.DeadLetterReason;
import dev.sluice.delivery.Delivery;
import dev.sluice.delivery.ErrorPolicy;
import dev.sluice.delivery.Origin;
import dev.sluice.delivery.Outcome;
import dev.sluice.delivery.Settlement;
import dev.sluice.dispatch.Gate;
import dev.sluice.dispatch.Lane;
import dev.sluice.dispatch.ReadyOrder;
import dev.sluice.dispatch.RetryMeters;
import dev.sluice.dispatch.RetryMeters.Where;
import dev.sluice.dispatch.Verdict;
import dev.sluice.dispatch.Work;
import dev.sluice.message.Message;
import java.nio.ByteBuffer;
import java.time.Clock;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.function.Function;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;
import reactor.core.Exceptions;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;
import reactor.util.context.ContextView;

/**
 * The convoy of deliveries: each run of a worker has a settlement of its own ({@link Run}), and the
 * lane goes on only when the delivery itself is done, so that what fails further down cannot be
 * overtaken by the next message of its group.
 *
 * @param verdict what happens when no attempt is left
 * @param uncounted whether a failure says nothing of its message
 * @param halted where halted groups are known; null if there are none
 * @param lossGrace how long a worker may go on when its delivery was lost
 * @param timer where that time is scheduled; null for {@code Schedulers.parallel()}
 * @param gates what makes the gate of a subscription; null for none
 * @param retries where retries are counted
 * @param assembly where the convoy was assembled, for the leak detector
 */
record DeliveryWork<T, R>(
    Function<? super Message<T>, ? extends @Nullable Object> group,
    Function<? super T, ? extends Publisher<? extends R>> worker,
    ErrorPolicy policy,
    GroupVerdict verdict,
    Predicate<? super Throwable> uncounted,
    @Nullable HaltedGroups halted,
    Duration lossGrace,
    @Nullable Scheduler timer,
    SafeListener<Message<T>> listener,
    @Nullable ReadyOrder<? super Delivery<T>> order,
    @Nullable Function<? super Scheduler, ? extends Gate> gates,
    Clock clock,
    RetryMeters retries,
    String assembly)
    implements Work<Delivery<T>, R, Delivery<R>> {

  @Override
  public @Nullable Object key(Delivery<T> delivery) {
    return group.apply(delivery.message());
  }

  @Override
  public @Nullable Gate gate(Scheduler timer) {
    return gates == null ? null : gates.apply(timer);
  }

  @Override
  public Publisher<? extends R> start(Lane<Delivery<T>> lane) {
    Run run = begin(lane);
    Message<T> message = lane.element().message();
    Settlement settlement = lane.element().settlement();
    if (settlement.isSettled() || settlement.isLost()) {
      lane.skipWorker(); // the source took it back while it waited
      run.endBeforeWork();
      return Mono.empty();
    }
    if (message.expired(clock)) {
      lane.skipWorker();
      run.end(Outcome.reject(DeadLetterReason.EXPIRED, null));
      return Mono.empty();
    }
    Publisher<? extends R> publisher =
        Objects.requireNonNull(
            worker.apply(message.payload()), "the worker function returned null");
    run.single = publisher instanceof Mono;
    if (publisher instanceof Callable<?>) {
      return publisher; // which asks for no context
    }
    run.watch();
    return within(lane.element().context(), publisher);
  }

  private static <R> Publisher<? extends R> within(
      ContextView context, Publisher<? extends R> publisher) {
    if (context.isEmpty()) {
      return publisher;
    }
    return publisher instanceof Mono<? extends R> mono
        ? mono.contextWrite(context)
        : Flux.from(publisher).contextWrite(context);
  }

  /** Where the grace is scheduled, and what follows from a leak. */
  Scheduler scheduler() {
    return timer == null ? Schedulers.parallel() : timer;
  }

  @Override
  public Delivery<R> emit(Lane<Delivery<T>> lane, R value) {
    Delivery<T> delivery = lane.element();
    return run(lane).child(delivery.message(), value).with(delivery.context());
  }

  @Override
  public Verdict completed(Lane<Delivery<T>> lane) {
    return hold(run(lane), Outcome.ack());
  }

  @Override
  public Verdict failed(Lane<Delivery<T>> lane, Throwable error, boolean once) {
    boolean unkeyed = lane.attachment() == null;
    Run run = unkeyed ? begin(lane) : run(lane);
    Message<T> message = lane.element().message();
    if (lane.element().settlement().isLost()) {
      run.endLost();
      return Verdict.HOLD;
    }
    if (!once && uncounted.test(error)) {
      run.supersede();
      return Verdict.rerun(Duration.ZERO);
    }
    Outcome outcome = outcomeOf(error, run.attempt());
    if (outcome instanceof Outcome.Retry retry && !once) {
      listener.retrying(message, run.attempt(), retry.delay(), error);
      retries.retrying(Where.IN_PLACE, error);
      run.supersede();
      return Verdict.retry(retry.delay());
    }
    if (outcome instanceof Outcome.Release || verdict == GroupVerdict.FAIL_FLOW) {
      run.end(Outcome.release(Outcome.Release.Why.STOPPED));
      return Verdict.fail(error);
    }
    if (verdict == GroupVerdict.SKIP) {
      listener.skipped(message, error);
      return hold(run, Outcome.ack());
    }
    if (verdict == GroupVerdict.PARK_GROUP) {
      listener.parked(message, error);
    } else if (verdict == GroupVerdict.HALT_GROUP) {
      listener.halted(message, error);
    } else {
      listener.deadLettered(message, error);
    }
    if (!(outcome instanceof Outcome.Reject)) { // worth another attempt, but there cannot be one
      outcome =
          Outcome.reject(
              unkeyed ? DeadLetterReason.POISON : DeadLetterReason.ATTEMPTS_EXHAUSTED, error);
    }
    return hold(run, outcome);
  }

  /** The lane waits for the values that the worker has emitted, and for the effect. */
  private static Verdict hold(Run run, Outcome outcome) {
    run.end(outcome);
    run.watch();
    return Verdict.HOLD;
  }

  /** The group of a message, as it is halted; null if it has none. */
  @Nullable Object haltedGroup(Lane<?> lane) {
    @SuppressWarnings("unchecked") // the lanes of this work
    Delivery<T> delivery = (Delivery<T>) lane.element();
    try {
      Object key = key(delivery);
      return key instanceof byte[] bytes ? ByteBuffer.wrap(bytes.clone()) : key;
    } catch (Throwable e) { // the user's function
      return null;
    }
  }

  private Outcome outcomeOf(Throwable error, int attempt) {
    try {
      return policy.outcomeOf(error, attempt);
    } catch (Throwable e) { // the user's classifier
      return Outcome.reject(DeadLetterReason.POISON, Exceptions.addSuppressed(error, e));
    }
  }

  @Override
  public void abandoned(Lane<Delivery<T>> lane) {
    run(lane).abandon();
  }

  private Run begin(Lane<Delivery<T>> lane) {
    Delivery<T> delivery = lane.element();
    Run run =
        new Run(
            this,
            lane,
            delivery.settlement(),
            counted(delivery.origin(), Math.max(0, lane.attempt() - 1)));
    lane.attach(run);
    return run;
  }

  /** Attempts that the source has counted and those in the lane, together. */
  private static Origin counted(Origin origin, int earlier) {
    return earlier == 0 ? origin : origin.withAttempt(origin.attempt() + earlier);
  }

  private Run run(Lane<Delivery<T>> lane) {
    return (Run) Objects.requireNonNull(lane.attachment());
  }
}

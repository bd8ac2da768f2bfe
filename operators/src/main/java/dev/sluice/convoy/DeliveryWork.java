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
import dev.sluice.delivery.Outcome;
import dev.sluice.dispatch.Lane;
import dev.sluice.dispatch.Verdict;
import dev.sluice.dispatch.Work;
import dev.sluice.message.Message;
import java.time.Clock;
import java.util.Objects;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;
import reactor.core.publisher.Mono;

/**
 * The convoy of deliveries: each run of a worker has a settlement of its own ({@link Run}), and the
 * lane goes on only when the delivery itself is done, so that what fails further down cannot be
 * overtaken by the next message of its group.
 */
final class DeliveryWork<T, R> implements Work<Delivery<T>, R, Delivery<R>> {

  private final Function<? super Message<T>, ?> group;
  private final Function<? super T, ? extends Publisher<? extends R>> worker;
  private final ErrorPolicy policy;
  private final GroupVerdict verdict;
  private final SafeListener<Message<T>> listener;
  private final Clock clock;
  private final String assembly;

  DeliveryWork(
      Function<? super Message<T>, ?> group,
      Function<? super T, ? extends Publisher<? extends R>> worker,
      ErrorPolicy policy,
      GroupVerdict verdict,
      SafeListener<Message<T>> listener,
      Clock clock,
      String assembly) {
    this.group = group;
    this.worker = worker;
    this.policy = policy;
    this.verdict = verdict;
    this.listener = listener;
    this.clock = clock;
    this.assembly = assembly;
  }

  @Override
  public @Nullable Object key(Delivery<T> delivery) {
    return group.apply(delivery.message());
  }

  @Override
  public Publisher<? extends R> start(Lane<Delivery<T>> lane) {
    Delivery<T> delivery = lane.element();
    Run run = new Run(lane, delivery.settlement(), attempt(lane), policy.maxAttempts(), assembly);
    lane.attach(run);
    if (delivery.settlement().isSettled()) {
      return Mono.empty(); // the source took it back while it waited
    }
    if (delivery.message().expired(clock)) {
      run.end(Outcome.reject(DeadLetterReason.EXPIRED, null));
      return Mono.empty();
    }
    Publisher<? extends R> publisher = worker.apply(delivery.message().payload());
    run.single = publisher instanceof Mono;
    return publisher;
  }

  @Override
  public Delivery<R> emit(Lane<Delivery<T>> lane, R value) {
    return run(lane).child(lane.element(), value);
  }

  @Override
  public Verdict completed(Lane<Delivery<T>> lane) {
    run(lane).end(Outcome.ack());
    return Verdict.HOLD;
  }

  @Override
  public Verdict failed(Lane<Delivery<T>> lane, Throwable error, boolean once) {
    if (lane.attachment() == null) { // the group function failed
      lane.attach(
          new Run(
              lane, lane.element().settlement(), attempt(lane), policy.maxAttempts(), assembly));
    }
    Run run = run(lane);
    Outcome outcome;
    try {
      outcome = policy.outcomeOf(error, attempt(lane));
    } catch (RuntimeException e) { // the user's classifier
      error.addSuppressed(e);
      outcome = Outcome.reject(DeadLetterReason.POISON, error);
    }
    if (outcome instanceof Outcome.Retry retry && !once) {
      listener.retrying(lane.element().message(), attempt(lane), retry.delay(), error);
      run.supersede();
      return Verdict.retry(retry.delay());
    }
    if (outcome instanceof Outcome.Release || verdict == GroupVerdict.FAIL_FLOW) {
      run.end(Outcome.release(Outcome.Release.Why.STOPPED));
      return Verdict.fail(error);
    }
    if (verdict == GroupVerdict.SKIP) {
      listener.skipped(lane.element().message(), error);
      run.end(Outcome.ack());
      return Verdict.HOLD;
    }
    listener.deadLettered(lane.element().message(), error);
    run.end(
        outcome instanceof Outcome.Reject
            ? outcome
            : Outcome.reject(DeadLetterReason.ATTEMPTS_EXHAUSTED, error));
    return Verdict.HOLD;
  }

  @Override
  public void abandoned(Lane<Delivery<T>> lane) {
    run(lane).abandon();
  }

  /** Attempts that the source has counted and those in the lane, together. */
  private int attempt(Lane<Delivery<T>> lane) {
    return lane.element().origin().attempt() + Math.max(0, lane.attempt() - 1);
  }

  private Run run(Lane<Delivery<T>> lane) {
    return (Run) Objects.requireNonNull(lane.attachment());
  }
}

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

import dev.sluice.delivery.ErrorPolicy;
import dev.sluice.delivery.Outcome;
import dev.sluice.dispatch.Gate;
import dev.sluice.dispatch.Lane;
import dev.sluice.dispatch.ReadyOrder;
import dev.sluice.dispatch.Verdict;
import dev.sluice.dispatch.Work;
import java.time.Duration;
import java.util.function.Function;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;
import reactor.core.Exceptions;
import reactor.core.scheduler.Scheduler;

/** The convoy of plain elements: nothing to settle, so a failure is retried, skipped or the end. */
final class ElementWork<T, R> implements Work<T, R, R> {

  private final Function<? super T, ? extends @Nullable Object> group;
  private final Function<? super T, ? extends Publisher<? extends R>> worker;
  private final ErrorPolicy policy;
  private final GroupVerdict verdict;
  private final Predicate<? super Throwable> uncounted;
  private final SafeListener<T> listener;
  private final @Nullable ReadyOrder<? super T> order;
  private final @Nullable Function<? super Scheduler, ? extends Gate> gate;

  ElementWork(
      Function<? super T, ? extends @Nullable Object> group,
      Function<? super T, ? extends Publisher<? extends R>> worker,
      ErrorPolicy policy,
      GroupVerdict verdict,
      Predicate<? super Throwable> uncounted,
      SafeListener<T> listener,
      @Nullable ReadyOrder<? super T> order,
      @Nullable Function<? super Scheduler, ? extends Gate> gate) {
    this.group = group;
    this.worker = worker;
    this.policy = policy;
    this.verdict = verdict;
    this.uncounted = uncounted;
    this.listener = listener;
    this.order = order;
    this.gate = gate;
  }

  @Override
  public @Nullable Object key(T element) {
    return group.apply(element);
  }

  @Override
  public @Nullable ReadyOrder<? super T> order() {
    return order;
  }

  @Override
  public @Nullable Gate gate(Scheduler timer) {
    return gate == null ? null : gate.apply(timer);
  }

  @Override
  public Publisher<? extends R> start(Lane<T> lane) {
    return worker.apply(lane.element());
  }

  @Override
  public R emit(Lane<T> lane, R value) {
    return value;
  }

  @Override
  public Verdict completed(Lane<T> lane) {
    return Verdict.NEXT;
  }

  @Override
  public Verdict failed(Lane<T> lane, Throwable error, boolean once) {
    if (!once && uncounted.test(error)) {
      return Verdict.rerun(Duration.ZERO);
    }
    Outcome outcome;
    try {
      outcome = policy.outcomeOf(error, lane.attempt());
    } catch (Throwable e) { // the user's classifier
      return Verdict.fail(Exceptions.addSuppressed(error, e));
    }
    if (outcome instanceof Outcome.Release) {
      return Verdict.fail(error);
    }
    if (outcome instanceof Outcome.Retry retry && !once) {
      listener.retrying(lane.element(), lane.attempt(), retry.delay(), error);
      return Verdict.retry(retry.delay());
    }
    if (verdict == GroupVerdict.FAIL_FLOW) {
      return Verdict.fail(error);
    }
    listener.skipped(lane.element(), error);
    return Verdict.NEXT;
  }

  @Override
  public void abandoned(Lane<T> lane) {}
}

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

import dev.sluice.delivery.Delivery;
import java.util.ArrayDeque;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import reactor.core.Disposable;
import reactor.core.publisher.Operators;
import reactor.util.context.Context;

/**
 * The aggregates of a subscription: open ones, which collect, in the order of their opening; and
 * closed ones, which wait to be emitted, in the order of their closing.
 */
final class Aggregates<T> {

  /* Everything is the drain's; a timer's thread only marks its aggregate as due, and drains. */

  private final FluxAggregate.Plan<T> plan;
  private final Runnable drain;
  private final Map<@Nullable Object, Aggregate<T>> open = new LinkedHashMap<>();
  private final ArrayDeque<Aggregate<T>> closed = new ArrayDeque<>();
  private boolean timeless; // the timer is gone, and with it what it was to do

  Aggregates(FluxAggregate.Plan<T> plan, Runnable drain) {
    this.plan = plan;
    this.drain = drain;
  }

  boolean isAnyOpen() {
    return !open.isEmpty();
  }

  boolean isAnyClosed() {
    return !closed.isEmpty();
  }

  /**
   * The open aggregate of a key, which may be a new one: then the oldest makes room for it. Calls
   * equals and hashCode of keys.
   */
  Aggregate<T> of(@Nullable Object key) {
    Aggregate<T> aggregate = open.get(key);
    if (aggregate == null) {
      if (open.size() == plan.spec().maxOpen()) {
        closeOldest();
      }
      aggregate = new Aggregate<>(key);
      open.put(key, aggregate);
      startTimer(aggregate);
    }
    return aggregate;
  }

  void add(Aggregate<T> aggregate, Delivery<T> member) {
    aggregate.members.add(member);
    if (aggregate.members.size() == plan.maxSize()) {
      close(aggregate);
    }
  }

  /** All wait equally long, so the oldest is due first. */
  void closeWhatIsDue() {
    while (isAnyOpen() && (timeless || oldest().due)) {
      closeOldest();
    }
  }

  void closeAll() {
    while (isAnyOpen()) {
      closeOldest();
    }
  }

  void closeOldest() {
    close(oldest());
  }

  private Aggregate<T> oldest() {
    return open.values().iterator().next();
  }

  private void close(Aggregate<T> aggregate) {
    if (open.get(aggregate.key) == aggregate) {
      open.remove(aggregate.key);
    } else { // its key has changed since
      open.values().removeIf(other -> other == aggregate);
    }
    stopTimer(aggregate);
    closed.add(aggregate);
  }

  Aggregate<T> firstClosed() {
    return closed.element();
  }

  void removeFirstClosed() {
    closed.remove();
  }

  /** In the order in which they came, as far as that is known. */
  void discard(Context context) {
    closed.forEach(aggregate -> Operators.onDiscardMultiple(aggregate.members, context));
    closed.clear();
    for (Aggregate<T> aggregate : open.values()) {
      stopTimer(aggregate);
      Operators.onDiscardMultiple(aggregate.members, context);
    }
    open.clear();
  }

  // == time ==

  private void startTimer(Aggregate<T> aggregate) {
    if (plan.maxSize() == 1) {
      return; // it is closed at once
    }
    try {
      aggregate.timer =
          plan.spec()
              .timer()
              .schedule(() -> expire(aggregate), plan.maxTime().toNanos(), TimeUnit.NANOSECONDS);
    } catch (RejectedExecutionException e) {
      timeless = true;
    }
  }

  private void expire(Aggregate<T> aggregate) {
    aggregate.due = true;
    drain.run();
  }

  private static void stopTimer(Aggregate<?> aggregate) {
    Disposable timer = aggregate.timer;
    if (timer != null) {
      timer.dispose();
    }
  }
}

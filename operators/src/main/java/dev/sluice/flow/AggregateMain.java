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
import dev.sluice.delivery.Outcome;
import dev.sluice.message.Message;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.atomic.AtomicIntegerFieldUpdater;
import java.util.concurrent.atomic.AtomicLongFieldUpdater;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.Disposable;
import reactor.core.Exceptions;
import reactor.core.Scannable;
import reactor.core.publisher.Operators;
import reactor.util.concurrent.Queues;
import reactor.util.context.Context;

/** A subscription to a {@link FluxAggregate}: owns the drain. */
final class AggregateMain<T> implements CoreSubscriber<Delivery<T>>, Subscription, Scannable {

  /*
   * Threads: onNext/onError/onComplete are serialized by the source; request, cancel, the timers,
   * the ends of aggregates and the pressure come from any thread. Whoever moves wip from 0 owns
   * the drain until it is back at 0.
   *
   * inbox     written by the source's thread, read by the drain (SPSC)
   * error     written before done, read after done
   * inFlight  aggregates that have been emitted and are not done
   *
   * Invariants:
   *   I1  owed + inbox + members of open and closed aggregates + freed = capacity, so an open
   *       aggregate always has room for what makes it full
   *   I2  a member is in one place: inbox, open, closed; it leaves settled, discarded, or in an
   *       aggregate
   *   I3  at most maxOpen are open, in the order of their opening; each has less than maxSize
   *       members and a timer, or is due
   *   I4  when the window is full and no aggregate is in flight or closed, none is open: or the
   *       source would wait for us as we wait for it
   *   I5  at most one terminal signal, nothing after it; then and after cancel the drain only
   *       discards, which gives back
   */

  private final CoreSubscriber<? super Delivery<List<Message<T>>>> actual;
  private final FluxAggregate.Plan<T> plan;
  private final Queue<Delivery<T>> inbox = Queues.<Delivery<T>>unbounded(64).get();

  @SuppressWarnings("NullAway.Init") // set in onSubscribe
  private Subscription s;

  @SuppressWarnings("NullAway.Init") // set in onSubscribe
  private Disposable pressure;

  private volatile boolean done;
  private @Nullable Throwable error;
  private volatile boolean cancelled;
  private volatile boolean terminated;

  private volatile long requested;

  private static final AtomicLongFieldUpdater<AggregateMain> REQUESTED =
      AtomicLongFieldUpdater.newUpdater(AggregateMain.class, "requested");

  private volatile int inFlight;

  private static final AtomicIntegerFieldUpdater<AggregateMain> IN_FLIGHT =
      AtomicIntegerFieldUpdater.newUpdater(AggregateMain.class, "inFlight");

  @SuppressWarnings("UnusedVariable") // through the updater only
  private volatile int wip;

  private static final AtomicIntegerFieldUpdater<AggregateMain> WIP =
      AtomicIntegerFieldUpdater.newUpdater(AggregateMain.class, "wip");

  // == drain only ==
  private final Aggregates<T> aggregates;
  private int owed; // what the source was asked for and has not emitted
  private int freed; // places of members that are gone since the source was last asked
  private long emitted;
  private boolean errorTold;

  private volatile int held; // for scans

  AggregateMain(
      CoreSubscriber<? super Delivery<List<Message<T>>>> actual, FluxAggregate.Plan<T> plan) {
    this.actual = actual;
    this.plan = plan;
    this.aggregates = new Aggregates<>(plan, this::drain);
  }

  @Override
  public Context currentContext() {
    return actual.currentContext();
  }

  // == source side ==

  @Override
  public void onSubscribe(Subscription s) {
    if (Operators.validate(this.s, s)) {
      this.s = s;
      owed = plan.capacity();
      pressure = plan.pressure().onChange(this::drain);
      actual.onSubscribe(this);
      s.request(plan.capacity());
    }
  }

  @Override
  public void onNext(Delivery<T> delivery) {
    if (done) {
      Operators.onNextDropped(delivery, currentContext());
      return;
    }
    inbox.offer(delivery);
    drain();
  }

  @Override
  public void onError(Throwable t) {
    if (done) {
      Operators.onErrorDropped(t, currentContext());
      return;
    }
    error = t;
    done = true;
    drain();
  }

  @Override
  public void onComplete() {
    done = true;
    drain();
  }

  // == subscriber side ==

  @Override
  public void request(long n) {
    if (Operators.validate(n)) {
      Operators.addCap(REQUESTED, this, n);
      drain();
    }
  }

  @Override
  public void cancel() {
    if (!cancelled) {
      cancelled = true;
      s.cancel();
      drain();
    }
  }

  // == aggregates that were emitted ==

  private void aggregateDone(Outcome outcome) {
    if (IN_FLIGHT.decrementAndGet(this) == 0 && plan.pressure().isFull()) {
      drain(); // I4
    }
  }

  // == drain ==

  private boolean isOver() {
    return cancelled || terminated;
  }

  private void drain() {
    if (WIP.getAndIncrement(this) != 0) {
      return;
    }
    int missed = 1;
    do {
      if (!isOver()) {
        try {
          turn();
        } catch (Throwable e) { // of the subscriber, or of a key that has changed
          s.cancel();
          terminate(e);
        }
      }
      if (isOver()) {
        discardEverything();
      }
      held = plan.capacity() - owed;
      missed = WIP.addAndGet(this, -missed);
    } while (missed != 0);
  }

  private void turn() {
    boolean last = done; // before the inbox: done and then empty means drained
    if (last && error != null) {
      terminate(error);
      return;
    }
    collect();
    if (last || plan.pressure().isLast()) {
      aggregates.closeAll();
    } else {
      aggregates.closeWhatIsDue();
    }
    emit();
    while (mustYield()) {
      aggregates.closeOldest();
      emit();
    }
    if (!last) {
      replenish();
    } else if (!aggregates.isAnyClosed()) {
      terminate(null);
    }
  }

  private void collect() {
    Delivery<T> delivery;
    while (!isOver() && (delivery = inbox.poll()) != null) {
      if (--owed < 0) { // the source broke I1
        Operators.onDiscard(delivery, currentContext());
        s.cancel();
        terminate(Exceptions.failWithOverflow());
      } else if (plan.begins().test(delivery)) {
        add(delivery);
      } else {
        freed++;
      }
    }
  }

  private void add(Delivery<T> delivery) {
    Aggregate<T> aggregate;
    try {
      aggregate = aggregates.of(plan.spec().key(delivery.message()));
    } catch (Throwable e) {
      freed++;
      plan.failed().accept(delivery, e);
      return;
    }
    aggregates.add(aggregate, delivery);
  }

  private void emit() {
    while (aggregates.isAnyClosed() && emitted != requested && !isOver()) {
      Aggregate<T> aggregate = aggregates.firstClosed();
      Delivery<List<Message<T>>> delivery = aggregate.delivery(plan, this::aggregateDone);
      aggregates.removeFirstClosed();
      freed += aggregate.members.size();
      if (delivery != null) {
        emitted++;
        IN_FLIGHT.incrementAndGet(this);
        actual.onNext(delivery);
      }
    }
  }

  /** I4 */
  private boolean mustYield() {
    return aggregates.isAnyOpen()
        && !aggregates.isAnyClosed()
        && inFlight == 0
        && !isOver()
        && plan.pressure().isFull();
  }

  private void replenish() {
    if (freed != 0 && !isOver()) {
      int n = freed;
      freed = 0;
      owed += n;
      s.request(n);
    }
  }

  private void terminate(@Nullable Throwable failure) {
    if (isOver()) {
      if (failure != null && failure != error) {
        Operators.onErrorDropped(failure, currentContext());
      }
      return;
    }
    terminated = true;
    errorTold = failure == error;
    discardEverything();
    if (failure == null) {
      actual.onComplete();
    } else {
      actual.onError(failure);
    }
  }

  private void discardEverything() {
    pressure.dispose();
    Context context = currentContext();
    aggregates.discard(context);
    Operators.onDiscardQueueWithClear(inbox, context, null);
    if (done && error != null && !errorTold) {
      errorTold = true;
      Operators.onErrorDropped(error, context);
    }
  }

  @Override
  public @Nullable Object scanUnsafe(Attr key) {
    if (key == Attr.ACTUAL) {
      return actual;
    }
    if (key == Attr.PARENT) {
      return s;
    }
    if (key == Attr.PREFETCH || key == Attr.CAPACITY) {
      return plan.capacity();
    }
    if (key == Attr.BUFFERED) {
      return held;
    }
    if (key == Attr.REQUESTED_FROM_DOWNSTREAM) {
      return requested;
    }
    if (key == Attr.TERMINATED) {
      return terminated;
    }
    if (key == Attr.CANCELLED) {
      return cancelled;
    }
    if (key == Attr.ERROR) {
      return error;
    }
    if (key == Attr.NAME) {
      return plan.spec().name();
    }
    if (key == Attr.RUN_STYLE) {
      return Attr.RunStyle.ASYNC;
    }
    return null;
  }
}

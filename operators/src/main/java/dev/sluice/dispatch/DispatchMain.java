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
package dev.sluice.dispatch;

import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Queue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicIntegerFieldUpdater;
import java.util.concurrent.atomic.AtomicLongFieldUpdater;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.Disposable;
import reactor.core.Exceptions;
import reactor.core.Scannable;
import reactor.core.publisher.Operators;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;
import reactor.util.concurrent.Queues;
import reactor.util.context.Context;

/** The coordinator of {@link FluxDispatch}: owns the drain, and decides which lane is next. */
final class DispatchMain<T, V, R> implements CoreSubscriber<T>, Subscription, Scannable {

  /*
   * Threads: onNext/onError/onComplete are serialized by the source; request and cancel may come
   * from any thread; workers, timers and settlements report through the signals from any thread.
   * Whoever moves wip from 0 to 1 owns the drain until it is back at 0, and everything marked
   * "drain only", here and in Lanes, Slots and Runs, belongs to the owner.
   *
   * inbox     written by the source's thread, read by the drain (SPSC)
   * signals   written by any thread, read by the drain
   * error     written before done, read after done
   * end       from OPEN, once: by cancel, or by the drain
   * idle      whether it goes on, and the last turn has left nothing that wants one: only onNext
   *           adds to the inbox, and only a turn, which looks anew, to what is ready or emitting
   *
   * An element is in exactly one place: inbox, waiting (behind the current one of its lane), or
   * current in a lane; the lane is READY, RUNNING, SLEEPING or HELD, and listed, except while
   * finishAtOnce or a turn of the drain has it in hand.
   *
   * Invariants:
   *   I1  of one key at most one element is current; a key leaves the table only when its current
   *       element is finished and none waits, inside the drain, so no element can slip in between
   *   I2  a worker is started only while running < limit and with a permission of the gate; it
   *       counts until its last value has gone downstream, and the gate hears of each permission
   *   I3  admitted = inbox + waiting + lanes; admitted + still owed by the source <= lookAhead
   *   I4  each element taken from the source is finished by its worker's end, or reaches onDiscard,
   *       onNextDropped or Work.abandoned
   *   I5  at most one terminal signal, nothing after it; then and after cancel every turn of the
   *       drain only discards
   *   I6  the drain never throws: what user code throws there, fatal or not, ends the sequence,
   *       because a drain that nobody owns any more would be silent for ever
   */

  private static final int OPEN = 0;
  private static final int CANCELLED = 1;
  private static final int TERMINATED = 2;

  private final CoreSubscriber<? super R> actual;
  private final Work<T, V, R> work;
  private final DispatchOptions options;
  private final Scheduler timer;
  private final Limit limit;
  private final Queue<T> inbox;
  private final Signals signals = new Signals();
  private final DispatchGauges gauges;

  @SuppressWarnings("NullAway.Init") // set in onSubscribe
  private Subscription s;

  private volatile boolean done;
  private @Nullable Throwable error;

  private volatile int end = OPEN;

  @SuppressWarnings("rawtypes")
  private static final AtomicIntegerFieldUpdater<DispatchMain> END =
      AtomicIntegerFieldUpdater.newUpdater(DispatchMain.class, "end");

  private volatile long requested;

  @SuppressWarnings("rawtypes")
  private static final AtomicLongFieldUpdater<DispatchMain> REQUESTED =
      AtomicLongFieldUpdater.newUpdater(DispatchMain.class, "requested");

  private volatile int wip;

  @SuppressWarnings("rawtypes")
  private static final AtomicIntegerFieldUpdater<DispatchMain> WIP =
      AtomicIntegerFieldUpdater.newUpdater(DispatchMain.class, "wip");

  // == drain only ==
  private final Lanes<T> lanes;
  private final ReadyLanes<T> ready;
  private final Slots slots;
  private final Runs<T, V, R> runs;
  private final boolean ordered;
  private final boolean direct; // nobody chooses, or holds back, what is there
  private boolean idle;
  private int owed; // elements asked for and not yet taken from the inbox
  private long emitted;

  DispatchMain(CoreSubscriber<? super R> actual, Work<T, V, R> work, DispatchOptions options) {
    this.actual = actual;
    this.work = work;
    this.options = options;
    this.timer = options.timer() == null ? Schedulers.parallel() : options.timer();
    this.limit = options.concurrency().start(timer, this::drain);
    this.inbox = Queues.<T>get(options.lookAhead()).get();
    this.gauges = new DispatchGauges(limit, options.lookAhead());
    ReadyOrder<? super T> order = work.order();
    this.ordered = order != null;
    this.slots = new Slots(this, timer, limit, work.gate(timer));
    this.direct = !ordered && !slots.isGated();
    this.ready =
        order == null ? new LaneQueue<>() : new LaneHeap<>(order, slots::clock, this::isOver);
    this.lanes = new Lanes<>(this, ordered ? options.lookAhead() : options.concurrency().max());
    this.runs = new Runs<>(this, work, options, lanes, slots, ready);
  }

  LaneGauges gauges() {
    return gauges;
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
      gauges.source(s);
      owed = options.lookAhead();
      actual.onSubscribe(this);
      limit.open();
      if (isOver()) {
        limit.close();
      }
      s.request(options.lookAhead());
    }
  }

  @Override
  public void onNext(T t) {
    if (done) {
      Operators.onNextDropped(t, currentContext());
      return;
    }
    if (wip != 0 || !WIP.compareAndSet(this, 0, 1)) {
      queue(t);
      drain();
    } else if (!finishAtOnce(t) || WIP.decrementAndGet(this) != 0) {
      drainLoop();
    }
  }

  private void queue(T t) {
    if (!inbox.offer(t)) { // the source broke I3
      Throwable overflow = Exceptions.failWithOverflow(Exceptions.BACKPRESSURE_ERROR_QUEUE_FULL);
      Operators.onDiscard(t, currentContext());
      onError(Operators.onOperatorError(s, overflow, t, currentContext()));
    }
  }

  @Override
  public void onError(Throwable t) {
    if (done || isOver()) {
      Operators.onErrorDropped(t, currentContext());
      return;
    }
    error = t;
    done = true;
    drain();
  }

  @Override
  public void onComplete() {
    if (!done) {
      done = true;
      drain();
    }
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
    if (end == OPEN && END.compareAndSet(this, OPEN, CANCELLED)) {
      s.cancel();
      drain();
    }
  }

  // == worker side ==

  boolean isOver() {
    return end != OPEN;
  }

  /** The time, if somebody asks how long workers take. */
  long now() {
    return slots.now();
  }

  void signal(Signal signal) {
    signals.push(signal);
    drain();
  }

  // == drain ==

  void drain() {
    if (WIP.getAndIncrement(this) == 0) {
      drainLoop();
    }
  }

  private void drainLoop() {
    int missed = 1;
    do {
      if (!isOver()) {
        try {
          turn();
        } catch (Throwable e) { // I6
          s.cancel();
          terminate(e);
        }
      }
      if (isOver()) {
        discardEverything(); // also on later turns, so that a racing onNext is discarded too
      }
      publishGauges();
      idle = direct && !isOver() && !runs.isEmitting() && ready.isEmpty() && inbox.isEmpty();
      missed = WIP.addAndGet(this, -missed);
    } while (missed != 0);
  }

  private void turn() {
    boolean upstreamDone = done; // before the inbox: done and then empty means drained
    if (upstreamDone && error != null) {
      terminate(error);
      return;
    }
    takeSignals();
    runs.emitValues();
    startWorkers();
    if (isOver()) {
      return;
    }
    if (upstreamDone && lanes.size() == 0 && inbox.isEmpty()) {
      terminate(null);
    } else {
      replenish();
    }
  }

  /**
   * What a turn would do with an element when nothing else is there, without the inbox and, if its
   * worker is a value, without the table: nothing can come between, because the drain is ours.
   *
   * @return whether everything is as it was before the element; if not, it is for a turn
   */
  private boolean finishAtOnce(T t) {
    if (!idle || !slots.isFree() || !isRequested()) {
      queue(t);
      return false;
    }
    Lane<T> lane = null;
    try {
      lane = admit(t);
      if (lane != null) {
        if (isOver()) { // since the last turn, perhaps by the group function
          lane.state = Lane.State.READY;
        } else {
          runs.start(lane, true);
        }
        if (!isOver()) {
          replenish();
          return !lane.listed;
        }
      }
    } catch (Throwable e) { // I6
      listUnfinished(lane);
      s.cancel();
      terminate(e);
    }
    if (isOver()) {
      listUnfinished(lane);
    }
    return false;
  }

  /** So that its element is discarded with the others. */
  private void listUnfinished(@Nullable Lane<T> lane) {
    if (lane != null && lane.element != null) {
      lanes.list(lane);
    }
  }

  private void takeSignals() {
    Signal signal = signals.takeAll();
    while (signal != null) {
      Signal next = signal.nextSignal;
      signal.nextSignal = null;
      look(signal);
      signal = next;
    }
  }

  @SuppressWarnings("unchecked")
  private void look(Signal signal) {
    if (signal instanceof WorkerInner) {
      WorkerInner<T, V, R> inner = (WorkerInner<T, V, R>) signal;
      inner.taken();
      runs.look(inner);
    } else if (signal instanceof Lane) {
      runs.look((Lane<T>) signal);
    } else {
      runs.look((Interruption<T>) signal);
    }
  }

  private void startWorkers() {
    if (ordered) {
      admitAll();
    }
    while (slots.isFree() && !isOver()) {
      Lane<T> lane = ready.poll();
      if (lane == null) {
        lane = admit();
        if (lane == null || isOver()) { // the group function may have cancelled
          return;
        }
      }
      if (lane.disorder != null) {
        failDisordered(lane, lane.disorder);
      } else {
        boolean demanded = runs.isDemanded();
        if (!slots.isOpen(demanded)) {
          ready.addFirst(lane);
          return;
        }
        runs.start(lane, demanded);
      }
    }
  }

  /** Everything that is there takes part in the choice, since when it came. */
  private void admitAll() {
    for (Lane<T> lane = admit(); lane != null && !isOver(); lane = admit()) {
      ready.addLast(lane);
    }
  }

  private void failDisordered(Lane<T> lane, Throwable disorder) {
    lane.disorder = null;
    lane.attachment = null; // of an earlier run
    runs.failUnstarted(lane, disorder);
  }

  /** Moves elements from the inbox behind their keys until one's key has no lane: that is next. */
  private @Nullable Lane<T> admit() {
    while (!isOver()) {
      T element = inbox.poll();
      if (element == null) {
        return null;
      }
      Lane<T> lane = admit(element);
      if (lane != null) {
        lane.state = Lane.State.READY;
        lanes.list(lane);
        return lane;
      }
    }
    return null;
  }

  /**
   * A new lane for the element, not in the table yet, unless it goes behind its key, or the key
   * cannot be told.
   */
  private @Nullable Lane<T> admit(T element) {
    owed--;
    try {
      Object key = identity(work.key(element));
      return key == null ? lanes.open(element) : lanes.admit(key, element);
    } catch (Throwable e) { // of the group function, or of the key's own methods
      runs.failUnstarted(lanes.open(element), e); // no retry: no lane could keep its place
      return null;
    }
  }

  /** Arrays compare by content. */
  private static @Nullable Object identity(@Nullable Object key) {
    return key instanceof byte[] bytes ? ByteBuffer.wrap(bytes.clone()) : key;
  }

  // == what runs need of us ==

  boolean isRequested() {
    return emitted != requested;
  }

  void emit(R value) {
    emitted++;
    actual.onNext(value);
  }

  /** What user code made of an element ends the sequence. */
  void fail(T element, Throwable failure) {
    if (Exceptions.isFatal(failure)) { // the hook would throw it
      s.cancel();
      terminate(failure);
    } else {
      terminate(Operators.onOperatorError(s, failure, element, currentContext()));
    }
  }

  Disposable schedule(Runnable task, Duration delay) {
    try {
      return timer.schedule(
          task, TimeUnit.NANOSECONDS.convert(delay), TimeUnit.NANOSECONDS); // saturates
    } catch (RejectedExecutionException e) {
      s.cancel();
      terminate(e);
      return () -> {};
    }
  }

  // == how it goes on, and ends ==

  /** Asks for as much as has been finished, as soon as that is as much as the source still owes. */
  private void replenish() {
    int n = runs.finished();
    if (n > 0 && n >= owed && !done) {
      runs.forgetFinished();
      owed += n;
      s.request(n);
    }
  }

  private void terminate(@Nullable Throwable failure) {
    if (!END.compareAndSet(this, OPEN, TERMINATED)) {
      if (failure != null) {
        Operators.onErrorDropped(failure, currentContext());
      }
      return;
    }
    discardEverything();
    publishGauges(); // whoever has seen the end may look at them
    if (failure == null) {
      actual.onComplete();
    } else {
      actual.onError(failure);
    }
  }

  private void discardEverything() {
    takeSignals();
    runs.clear();
    lanes.clear(runs::discard);
    Operators.onDiscardQueueWithClear(inbox, currentContext(), null); // after those in lanes
    slots.close();
  }

  private void publishGauges() {
    gauges.publish(lanes.size(), slots.running(), runs.sleeping(), inbox.size() + lanes.elements());
  }

  // == scanning ==

  @Override
  public Stream<? extends Scannable> inners() {
    return Stream.empty(); // workers come and go inside the drain; the gauges count them
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
      return options.lookAhead();
    }
    if (key == Attr.BUFFERED) {
      return gauges.admitted();
    }
    if (key == Attr.REQUESTED_FROM_DOWNSTREAM) {
      return requested;
    }
    if (key == Attr.TERMINATED) {
      return end == TERMINATED;
    }
    if (key == Attr.CANCELLED) {
      return end == CANCELLED;
    }
    if (key == Attr.ERROR) {
      return error;
    }
    if (key == Attr.NAME) {
      return options.name();
    }
    if (key == Attr.RUN_STYLE) {
      return Attr.RunStyle.SYNC;
    }
    return null;
  }
}

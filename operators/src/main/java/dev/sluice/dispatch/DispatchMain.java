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
import java.util.ArrayDeque;
import java.util.Objects;
import java.util.Queue;
import java.util.concurrent.Callable;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicIntegerFieldUpdater;
import java.util.concurrent.atomic.AtomicLongFieldUpdater;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;
import org.reactivestreams.Subscription;
import reactor.core.CorePublisher;
import reactor.core.CoreSubscriber;
import reactor.core.Disposable;
import reactor.core.Exceptions;
import reactor.core.Scannable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Operators;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;
import reactor.util.concurrent.Queues;
import reactor.util.context.Context;

/** The coordinator of {@link FluxDispatch}: owns the drain. */
final class DispatchMain<T, V, R>
    implements CoreSubscriber<T>, Subscription, Scannable, LaneGauges {

  /*
   * Threads: onNext/onError/onComplete are serialized by the source; request and cancel may come
   * from any thread; workers, timers and settlements report through the signals from any thread.
   * Whoever moves wip from 0 to 1 owns the drain until it is back at 0, and everything marked
   * "drain only" belongs to the owner.
   *
   * inbox     written by the source's thread, read by the drain (SPSC)
   * signals   written by any thread, read by the drain
   * error     written before done, read after done
   *
   * An element is in exactly one place: inbox, waiting (behind the current one of its lane), or
   * current in a lane; the lane is READY, RUNNING, SLEEPING or HELD, and in the table, except
   * while finishAtOnce or a turn of the drain has it in hand.
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

  private static final int SPREAD = 0x9E3779B9; // numbers in a row, far apart
  private static final int OPEN = 0;
  private static final int CANCELLED = 1;
  private static final int TERMINATED = 2;
  private static final String ON_ERROR_CONTINUE = "reactor.onNextError.localStrategy";

  private final CoreSubscriber<? super R> actual;
  private final Work<T, V, R> work;
  private final DispatchOptions options;
  private final Scheduler timer;
  private final Limit limit;
  private final @Nullable Gate gate;
  private final boolean timed;
  private final boolean shieldWorkers;
  private final Queue<T> inbox;
  private final Signals signals = new Signals();

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

  @SuppressWarnings("UnusedVariable") // through the updater only
  private volatile int wip;

  @SuppressWarnings("rawtypes")
  private static final AtomicIntegerFieldUpdater<DispatchMain> WIP =
      AtomicIntegerFieldUpdater.newUpdater(DispatchMain.class, "wip");

  // == drain only ==
  private final LaneTable<T> lanes = new LaneTable<>();
  private final ElementSlab<T> waiting = new ElementSlab<>();
  private final ReadyLanes<T> ready;
  private final boolean ordered;
  private final boolean direct; // nobody chooses, or holds back, what is there
  private final ArrayDeque<WorkerInner<T, V, R>> emitting = new ArrayDeque<>();
  private boolean idle; // whatever is here, a worker has it
  private @Nullable Lane<T> atHand; // not in use, unless a turn has it in hand
  private final LaneQueue<T> spareLanes = new LaneQueue<>();
  private final int mostSpares; // as many as are usually open
  private final ArrayDeque<WorkerInner<T, V, R>> spareInners = new ArrayDeque<>();
  private @Nullable Disposable wakeUp; // at the gate
  private long wakeUpAt;
  private int lanesMade;
  private int running;
  private int sleeping;
  private int finished; // elements finished since the source was last asked
  private int owed; // elements asked for and not yet taken from the inbox
  private long emitted;

  // == what gauges read: written by the drain at the end of a turn ==
  private volatile int lanesGauge;
  private volatile int runningGauge;
  private volatile int sleepingGauge;
  private volatile int admittedGauge;

  @SuppressWarnings("rawtypes")
  private static final AtomicIntegerFieldUpdater<DispatchMain> LANES_GAUGE =
      AtomicIntegerFieldUpdater.newUpdater(DispatchMain.class, "lanesGauge");

  @SuppressWarnings("rawtypes")
  private static final AtomicIntegerFieldUpdater<DispatchMain> RUNNING_GAUGE =
      AtomicIntegerFieldUpdater.newUpdater(DispatchMain.class, "runningGauge");

  @SuppressWarnings("rawtypes")
  private static final AtomicIntegerFieldUpdater<DispatchMain> SLEEPING_GAUGE =
      AtomicIntegerFieldUpdater.newUpdater(DispatchMain.class, "sleepingGauge");

  @SuppressWarnings("rawtypes")
  private static final AtomicIntegerFieldUpdater<DispatchMain> ADMITTED_GAUGE =
      AtomicIntegerFieldUpdater.newUpdater(DispatchMain.class, "admittedGauge");

  DispatchMain(CoreSubscriber<? super R> actual, Work<T, V, R> work, DispatchOptions options) {
    this.actual = actual;
    this.work = work;
    this.options = options;
    this.timer = options.timer() == null ? Schedulers.parallel() : options.timer();
    this.limit = options.concurrency().start(timer, this::drain);
    this.gate = work.gate(timer);
    this.timed = gate != null || limit.isTimed();
    ReadyOrder<? super T> order = work.order();
    this.ordered = order != null;
    this.direct = order == null && gate == null;
    this.mostSpares = ordered ? options.lookAhead() : options.concurrency().max();
    this.ready =
        order == null ? new LaneQueue<>() : new LaneHeap<>(order, this::clock, this::isOver);
    this.shieldWorkers = actual.currentContext().hasKey(ON_ERROR_CONTINUE);
    this.inbox = Queues.<T>get(options.lookAhead()).get();
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
    return timed ? clock() : 0;
  }

  private long clock() {
    return timer.now(TimeUnit.NANOSECONDS);
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
      idle = direct && emitting.isEmpty() && ready.isEmpty() && inbox.isEmpty();
      missed = WIP.addAndGet(this, -missed);
    } while (missed != 0);
  }

  /**
   * What a turn would do with an element when nothing else is there, without the inbox and, if its
   * worker is a value, without the table: nothing can come between, because the drain is ours.
   *
   * @return whether everything is as it was before the element; if not, it is for a turn
   */
  private boolean finishAtOnce(T t) {
    if (!idle
        || isOver()
        || owed <= 0 // the source broke I3
        || running >= limit.current()
        || emitted == requested) {
      queue(t);
      return false;
    }
    Lane<T> lane = null;
    try {
      lane = admit(t);
      if (lane != null && isOver()) { // the group function may have cancelled
        lane.state = Lane.State.READY;
      } else if (lane != null) {
        start(lane);
        if (!isOver()) {
          replenish();
        }
      }
    } catch (Throwable e) { // I6
      list(lane);
      s.cancel();
      terminate(e);
    }
    if (isOver()) {
      list(lane);
      return false;
    }
    return lane != null && !lane.listed;
  }

  private void turn() {
    boolean upstreamDone = done; // before the inbox: done and then empty means drained
    if (upstreamDone && error != null) {
      terminate(error);
      return;
    }
    takeSignals();
    emitValues();
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

  private void takeSignals() {
    Signal signal = signals.takeAll();
    while (signal != null) {
      Signal next = signal.nextSignal;
      signal.nextSignal = null;
      if (signal instanceof WorkerInner) {
        @SuppressWarnings("unchecked")
        WorkerInner<T, V, R> inner = (WorkerInner<T, V, R>) signal;
        inner.taken();
        look(inner);
      } else if (signal instanceof Lane) {
        @SuppressWarnings("unchecked")
        Lane<T> lane = (Lane<T>) signal;
        look(lane);
      } else {
        @SuppressWarnings("unchecked")
        Interruption<T> interruption = (Interruption<T>) signal;
        look(interruption);
      }
      signal = next;
    }
  }

  /** Acts on the state of a worker, whatever it was queued for. */
  private void look(WorkerInner<T, V, R> inner) {
    if (isOver()) {
      inner.cancelAndDiscard();
      return;
    }
    if (inner.lane == null) { // it has ended: seen already, or a value that slipped in
      inner.discardValues();
      return;
    }
    boolean terminated = inner.hasTerminated(); // before hasValues: then empty = all out
    if (inner.hasValues()) {
      if (!inner.emitting) {
        inner.emitting = true;
        emitting.addLast(inner);
      }
    } else if (terminated) {
      workerEnded(inner, inner.error());
    }
  }

  /** A timer woke the lane, or the lane's hold was finished. */
  private void look(Lane<T> lane) {
    if (isOver()) {
      return;
    }
    if (lane.state == Lane.State.SLEEPING) {
      sleeping--;
      lane.timer = null;
      lane.state = Lane.State.READY;
      ready.addFirst(lane);
    } else if (lane.state == Lane.State.HELD) {
      act(lane, Objects.requireNonNull(lane.finished));
    } else {
      throw new IllegalStateException("finish of a lane that is " + lane.state + ", not held");
    }
  }

  private void look(Interruption<T> interruption) {
    Lane<T> lane = interruption.lane;
    if (isOver() || lane.run != interruption.run) {
      return;
    }
    WorkerInner<T, V, R> inner = innerOf(lane);
    if (lane.state == Lane.State.RUNNING && inner != null) {
      if (interruption.late || !inner.hasTerminated()) {
        emitting.remove(inner);
        inner.cancelAndDiscard();
        workerEnded(inner, interruption.cause);
      }
    } else if (lane.state == Lane.State.HELD && interruption.late) {
      act(lane, work.failed(lane, interruption.cause, true));
    }
  }

  private void emitValues() {
    while (!emitting.isEmpty() && emitted != requested && !isOver()) {
      WorkerInner<T, V, R> inner = emitting.removeFirst();
      V value = inner.poll();
      Lane<T> lane = inner.lane;
      if (value == null || lane == null) {
        throw new IllegalStateException("a worker without values is among the emitting ones");
      }
      inner.emitted = true;
      emit(lane, value);
      boolean terminated = inner.hasTerminated();
      if (inner.hasValues()) {
        emitting.addLast(inner);
      } else {
        inner.emitting = false;
        if (terminated && !isOver()) {
          workerEnded(inner, inner.error());
        }
      }
    }
  }

  private void emit(Lane<T> lane, V value) {
    emitted++;
    actual.onNext(work.emit(lane, value));
  }

  private void startWorkers() {
    if (ordered) {
      admitAll();
    }
    while (running < limit.current() && !isOver()) {
      Lane<T> lane = ready.poll();
      if (lane == null) {
        lane = admit();
        if (lane == null || isOver()) { // the group function may have cancelled
          return;
        }
      }
      if (lane.disorder != null) {
        failDisordered(lane, lane.disorder);
      } else if (passesGate(lane)) {
        start(lane);
      } else {
        return;
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
    act(lane, work.failed(lane, disorder, true));
  }

  /** Whether a worker may start; if not, somebody wakes the drain when it may be so. */
  private boolean passesGate(Lane<T> lane) {
    if (gate == null) {
      return true;
    }
    long closed = gate.take(emitting.isEmpty() && emitted != requested);
    if (closed == 0) {
      return true;
    }
    ready.addFirst(lane);
    if (closed != Gate.UNTIL_REQUESTED) {
      wakeUpIn(closed);
    }
    return false;
  }

  private void wakeUpIn(long nanos) {
    long now = clock();
    Disposable earlier = wakeUp;
    if (earlier != null) {
      boolean isToCome = wakeUpAt - now > 0;
      if (isToCome && wakeUpAt - now <= nanos) {
        return;
      }
      earlier.dispose();
    }
    wakeUpAt = now + nanos;
    wakeUp = schedule(this::drain, Duration.ofNanos(nanos));
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
        list(lane);
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
    Object key;
    int hash;
    Lane<T> lane;
    try {
      key = identity(work.key(element));
      if (key == null) {
        return open(null, 0, element);
      }
      hash = LaneTable.hash(key);
      lane = lanes.find(key, hash);
    } catch (Throwable e) { // of the group function, or of the key's own methods
      Lane<T> unkeyed = open(null, 0, element);
      act(unkeyed, work.failed(unkeyed, e, true)); // no retry: no lane could keep its place
      return null;
    }
    if (lane == null) {
      return open(key, hash, element);
    }
    waiting.append(lane, element);
    return null;
  }

  /** Arrays compare by content. */
  private static @Nullable Object identity(@Nullable Object key) {
    return key instanceof byte[] bytes ? ByteBuffer.wrap(bytes.clone()) : key;
  }

  /** A lane for the key; an element without one has no order, so nobody finds its lane. */
  private Lane<T> open(@Nullable Object key, int hash, T element) {
    Lane<T> lane = atHand;
    if (lane == null) {
      lane = spareLanes.poll();
      if (lane == null) {
        lane = new Lane<>(this, SPREAD * ++lanesMade);
      }
      atHand = lane;
    }
    if (key != null) {
      lane.key = key;
      lane.hash = hash;
    }
    lane.element = element;
    return lane;
  }

  /** From now on its key can be found, and its element is discarded with the others. */
  private void list(@Nullable Lane<T> lane) {
    if (lane != null && !lane.listed && lane.element != null) {
      lane.listed = true;
      atHand = null;
      lanes.add(lane);
    }
  }

  private void start(Lane<T> lane) {
    if (lane.state != Lane.State.RUNNING) {
      lane.state = Lane.State.RUNNING;
    }
    lane.run++;
    lane.attempt++;
    if (timed) {
      lane.working = true;
      lane.began = clock();
    }
    V value;
    try {
      Publisher<? extends V> worker =
          Objects.requireNonNull(work.start(lane), "the worker function returned null");
      if (!(worker instanceof Callable<?>)) {
        subscribe(lane, worker);
        return;
      }
      @SuppressWarnings("unchecked")
      V scalar = ((Callable<V>) worker).call();
      value = scalar;
    } catch (Throwable e) {
      Throwable failure = Exceptions.unwrap(e);
      workEnded(lane, now(), failure);
      act(lane, work.failed(lane, failure, false));
      return;
    }
    if (value == null) {
      workEnded(lane, now(), null);
      act(lane, work.completed(lane));
    } else if (emitting.isEmpty() && emitted != requested) {
      workEnded(lane, now(), null);
      emit(lane, value);
      if (!isOver()) {
        act(lane, work.completed(lane));
      }
    } else {
      WorkerInner<T, V, R> spare = spareInners.pollFirst();
      WorkerInner<T, V, R> inner =
          occupySlot(lane, spare == null ? new WorkerInner<>(this) : spare);
      inner.terminatedWith(value);
      look(inner);
    }
  }

  private void subscribe(Lane<T> lane, Publisher<? extends V> worker) {
    WorkerInner<T, V, R> inner = occupySlot(lane, new WorkerInner<>(this));
    inner.seen = true;
    Duration timeout = options.timeout();
    if (timeout != null) {
      int run = lane.run;
      lane.timer = schedule(() -> timeOut(lane, run, timeout), timeout);
      if (isOver()) {
        return;
      }
    }
    try {
      if (shieldWorkers) {
        Flux.<V>from(worker).onErrorStop().subscribe(inner);
      } else if (worker instanceof CorePublisher<?>) {
        worker.subscribe(inner);
      } else { // foreign: Reactor restores thread-locals around its signals
        Flux.<V>from(worker).subscribe(inner);
      }
    } catch (Throwable e) { // it should have signalled
      signal(new Interruption<>(lane, lane.run, e, false));
    }
  }

  private void timeOut(Lane<T> lane, int run, Duration timeout) {
    Throwable cause =
        new TimeoutException(options.name() + ": the worker took longer than " + timeout);
    signal(new Interruption<>(lane, run, cause, false));
  }

  private WorkerInner<T, V, R> occupySlot(Lane<T> lane, WorkerInner<T, V, R> inner) {
    list(lane);
    inner.lane = lane;
    lane.inner = inner;
    running++;
    limit.began(running);
    return inner;
  }

  /** Tells those who decide how many run, or whether any, how it went. */
  private void workEnded(Lane<T> lane, long when, @Nullable Throwable failure) {
    if (!timed) {
      return;
    }
    if (!lane.working) {
      giveBack();
      return;
    }
    lane.working = false;
    long nanos = when - lane.began;
    limit.ended(nanos, running, failure);
    if (gate != null) {
      gate.ended(nanos, failure);
    }
  }

  private void giveBack() {
    if (gate != null) {
      gate.giveBack();
    }
  }

  /** The worker has terminated and its values are out, or it was interrupted. */
  private void workerEnded(WorkerInner<T, V, R> inner, @Nullable Throwable failure) {
    Lane<T> lane = Objects.requireNonNull(inner.lane);
    running--;
    lane.inner = null;
    if (lane.timer != null) {
      lane.timer.dispose();
      lane.timer = null;
    }
    boolean emittedBefore = inner.emitted;
    workEnded(lane, inner.ended(), failure);
    inner.lane = null;
    if (!inner.seen) {
      inner.reset();
      spareInners.addFirst(inner);
    }
    act(lane, failure == null ? work.completed(lane) : work.failed(lane, failure, emittedBefore));
  }

  /** What becomes of a lane that holds no slot. */
  private void act(Lane<T> lane, Verdict verdict) {
    if (verdict == Verdict.NEXT) {
      next(lane);
      return;
    }
    list(lane);
    if (verdict == Verdict.HOLD) {
      lane.state = Lane.State.HELD;
    } else if (verdict.failure != null) {
      fail(lane, verdict.failure);
    } else {
      if (!verdict.counted) {
        lane.attempt--;
      }
      retry(lane, Objects.requireNonNull(verdict.delay));
    }
  }

  private void next(Lane<T> lane) {
    finished++;
    lane.run++;
    lane.attempt = 0;
    lane.place = 0;
    lane.forgetRun();
    if (!lane.listed) {
      lane.element = null;
      lane.forgetKey();
      return;
    }
    lane.element = waiting.poll(lane);
    if (lane.element != null) {
      lane.state = Lane.State.READY;
      ready.addLast(lane);
      return;
    }
    lane.listed = false;
    lanes.remove(lane);
    lane.forgetKey();
    if (atHand == null) {
      atHand = lane;
    } else if (spareLanes.size() < mostSpares) {
      spareLanes.addFirst(lane);
    }
  }

  private void retry(Lane<T> lane, Duration delay) {
    lane.forgetRun();
    if (delay.isZero()) {
      lane.state = Lane.State.READY;
      ready.addLast(lane); // it has just had its turn
      return;
    }
    lane.state = Lane.State.SLEEPING;
    sleeping++;
    lane.timer = schedule(() -> signal(lane), delay);
  }

  private Disposable schedule(Runnable task, Duration delay) {
    try {
      return timer.schedule(
          task, TimeUnit.NANOSECONDS.convert(delay), TimeUnit.NANOSECONDS); // saturates
    } catch (RejectedExecutionException e) {
      s.cancel();
      terminate(e);
      return () -> {};
    }
  }

  private void fail(Lane<T> lane, Throwable failure) {
    T element = lane.element();
    lane.state = Lane.State.HELD; // its worker has had it, so it is not discarded
    if (Exceptions.isFatal(failure)) { // the hook would throw it
      s.cancel();
      terminate(failure);
    } else {
      terminate(Operators.onOperatorError(s, failure, element, currentContext()));
    }
  }

  /** Asks for as much as has been finished, as soon as that is as much as the source still owes. */
  private void replenish() {
    int n = finished;
    if (n > 0 && n >= owed && !done) {
      finished = 0;
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
    Context context = currentContext();
    takeSignals();
    ready.clear();
    emitting.clear();
    atHand = null;
    spareLanes.clear();
    spareInners.clear();
    lanes.clear(lane -> discard(lane, context));
    Operators.onDiscardQueueWithClear(inbox, context, null); // they came after those in lanes
    running = 0;
    sleeping = 0;
    if (wakeUp != null) {
      wakeUp.dispose();
      wakeUp = null;
    }
    limit.close();
  }

  private void discard(Lane<T> lane, Context context) {
    Disposable pending = lane.timer;
    if (pending != null) {
      pending.dispose();
    }
    if (lane.state == Lane.State.RUNNING || lane.state == Lane.State.HELD) {
      WorkerInner<T, V, R> inner = innerOf(lane);
      if (inner != null) {
        inner.cancelAndDiscard();
      }
      if (lane.working) {
        lane.working = false;
        giveBack();
      }
      work.abandoned(lane);
    } else {
      Operators.onDiscard(lane.element, context);
    }
    for (T element = waiting.poll(lane); element != null; element = waiting.poll(lane)) {
      Operators.onDiscard(element, context);
    }
  }

  @SuppressWarnings("unchecked")
  private @Nullable WorkerInner<T, V, R> innerOf(Lane<T> lane) {
    return (WorkerInner<T, V, R>) lane.inner;
  }

  // == gauges ==

  private void publishGauges() {
    publish(LANES_GAUGE, lanesGauge, lanes.size());
    publish(RUNNING_GAUGE, runningGauge, running);
    publish(SLEEPING_GAUGE, sleepingGauge, sleeping);
    publish(ADMITTED_GAUGE, admittedGauge, inbox.size() + waiting.size() + lanes.size());
  }

  @SuppressWarnings("rawtypes")
  private void publish(AtomicIntegerFieldUpdater<DispatchMain> gauge, int before, int now) {
    if (before != now) {
      gauge.lazySet(this, now);
    }
  }

  @Override
  public int lanes() {
    return lanesGauge;
  }

  @Override
  public int running() {
    return runningGauge;
  }

  @Override
  public int sleeping() {
    return sleepingGauge;
  }

  @Override
  public int admitted() {
    return admittedGauge;
  }

  @Override
  public int concurrency() {
    return limit.current();
  }

  @Override
  public int lookAhead() {
    return options.lookAhead();
  }

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
      return admittedGauge;
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

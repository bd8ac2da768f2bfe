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

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;
import reactor.core.CorePublisher;
import reactor.core.Disposable;
import reactor.core.Exceptions;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Operators;

/**
 * The runs of workers: from a lane whose turn it is to what becomes of its element. Drain only,
 * except where a timer or a worker signals.
 */
final class Runs<T, V, R> {

  /*
   * A lane that wants a slot is READY and among the ready ones. Its run begins with start and ends
   * with act, at once if its worker is a value, else when all values are out (workerEnded), or when
   * it is interrupted. After act the lane is READY with the next element, or the same one again,
   * SLEEPING until a timer wakes it, HELD until it is finished from outside, not in use any more, or
   * the sequence is over.
   */

  private static final String ON_ERROR_CONTINUE = "reactor.onNextError.localStrategy";

  private final DispatchMain<T, V, R> main;
  private final Work<T, V, R> work;
  private final Lanes<T> lanes;
  private final Slots slots;
  private final ReadyLanes<T> ready;
  private final String name;
  private final @Nullable Duration timeout;
  private final boolean shieldWorkers;
  private final ArrayDeque<WorkerInner<T, V, R>> emitting = new ArrayDeque<>();
  private final ArrayDeque<WorkerInner<T, V, R>> spareInners = new ArrayDeque<>();
  private int sleeping;
  private int finished; // elements, since the source was last asked

  Runs(
      DispatchMain<T, V, R> main,
      Work<T, V, R> work,
      DispatchOptions options,
      Lanes<T> lanes,
      Slots slots,
      ReadyLanes<T> ready) {
    this.main = main;
    this.work = work;
    this.lanes = lanes;
    this.slots = slots;
    this.ready = ready;
    this.name = options.name();
    this.timeout = options.timeout();
    this.shieldWorkers = main.currentContext().hasKey(ON_ERROR_CONTINUE);
  }

  int sleeping() {
    return sleeping;
  }

  int finished() {
    return finished;
  }

  void forgetFinished() {
    finished = 0;
  }

  /** Whether values wait for demand. */
  boolean isEmitting() {
    return !emitting.isEmpty();
  }

  /** Whether a value could go downstream at once. */
  boolean isDemanded() {
    return emitting.isEmpty() && main.isRequested();
  }

  // == what was signalled ==

  /** Acts on the state of a worker, whatever it was queued for. */
  void look(WorkerInner<T, V, R> inner) {
    if (main.isOver()) {
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
  void look(Lane<T> lane) {
    if (main.isOver()) {
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

  void look(Interruption<T> interruption) {
    Lane<T> lane = interruption.lane;
    if (main.isOver() || lane.run != interruption.run) {
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

  // == values ==

  /** Emits as much as is requested, workers taking turns. */
  void emitValues() {
    while (!emitting.isEmpty() && main.isRequested() && !main.isOver()) {
      WorkerInner<T, V, R> inner = emitting.removeFirst();
      V value = inner.poll();
      Lane<T> lane = inner.lane;
      if (value == null || lane == null) {
        throw new IllegalStateException("a worker without values is among the emitting ones");
      }
      inner.emitted = true;
      main.emit(work.emit(lane, value));
      boolean terminated = inner.hasTerminated();
      if (inner.hasValues()) {
        emitting.addLast(inner);
      } else {
        inner.emitting = false;
        if (terminated && !main.isOver()) {
          workerEnded(inner, inner.error());
        }
      }
    }
  }

  // == a run ==

  /**
   * Starts a run.
   *
   * @param demanded whether a value could go downstream at once
   */
  void start(Lane<T> lane, boolean demanded) {
    if (lane.state != Lane.State.RUNNING) {
      lane.state = Lane.State.RUNNING;
    }
    lane.run++;
    lane.attempt++;
    slots.started(lane);
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
      slots.ended(lane, slots.now(), failure);
      act(lane, work.failed(lane, failure, false));
      return;
    }
    if (value != null && !demanded) {
      park(lane, value);
      return;
    }
    slots.ended(lane, slots.now(), null);
    if (value != null) {
      main.emit(work.emit(lane, value));
      if (main.isOver()) {
        return;
      }
    }
    act(lane, work.completed(lane));
  }

  /** The value of a worker that needs no subscription waits for demand, and keeps its slot. */
  private void park(Lane<T> lane, V value) {
    WorkerInner<T, V, R> spare = spareInners.pollFirst();
    WorkerInner<T, V, R> inner = spare == null ? new WorkerInner<>(main) : spare;
    occupySlot(lane, inner);
    inner.terminatedWith(value);
    look(inner);
  }

  private void subscribe(Lane<T> lane, Publisher<? extends V> worker) {
    WorkerInner<T, V, R> inner = new WorkerInner<>(main);
    occupySlot(lane, inner);
    inner.seen = true;
    if (timeout != null) {
      int run = lane.run;
      lane.timer = main.schedule(() -> timeOut(lane, run, timeout), timeout);
      if (main.isOver()) {
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
      main.signal(new Interruption<>(lane, lane.run, e, false));
    }
  }

  private void timeOut(Lane<T> lane, int run, Duration timeout) {
    Throwable cause = new TimeoutException(name + ": the worker took longer than " + timeout);
    main.signal(new Interruption<>(lane, run, cause, false));
  }

  private void occupySlot(Lane<T> lane, WorkerInner<T, V, R> inner) {
    lanes.list(lane);
    inner.lane = lane;
    lane.inner = inner;
    slots.occupy();
  }

  /** The worker has terminated and its values are out, or it was interrupted. */
  private void workerEnded(WorkerInner<T, V, R> inner, @Nullable Throwable failure) {
    Lane<T> lane = Objects.requireNonNull(inner.lane);
    slots.vacate();
    lane.inner = null;
    if (lane.timer != null) {
      lane.timer.dispose();
      lane.timer = null;
    }
    boolean emittedBefore = inner.emitted;
    slots.ended(lane, inner.ended(), failure);
    inner.lane = null;
    if (!inner.seen) {
      inner.reset();
      spareInners.addFirst(inner);
    }
    act(lane, failure == null ? work.completed(lane) : work.failed(lane, failure, emittedBefore));
  }

  // == its end ==

  /** The element never had a worker: its key or its urgency could not be told. */
  void failUnstarted(Lane<T> lane, Throwable failure) {
    act(lane, work.failed(lane, failure, true));
  }

  /** What becomes of a lane that holds no slot. */
  private void act(Lane<T> lane, Verdict verdict) {
    if (verdict == Verdict.NEXT) {
      finished++;
      if (lanes.advance(lane)) {
        lane.state = Lane.State.READY;
        ready.addLast(lane);
      }
      return;
    }
    lanes.list(lane);
    if (verdict == Verdict.HOLD) {
      lane.state = Lane.State.HELD;
    } else if (verdict.failure != null) {
      lane.state = Lane.State.HELD; // its worker has had it, so it is not discarded
      main.fail(lane.element(), verdict.failure);
    } else {
      if (!verdict.counted) {
        lane.attempt--;
      }
      retry(lane, Objects.requireNonNull(verdict.delay));
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
    lane.timer = main.schedule(() -> main.signal(lane), delay);
  }

  // == the end of everything ==

  void clear() {
    ready.clear();
    emitting.clear();
    spareInners.clear();
    sleeping = 0;
  }

  /** The lane's run is abandoned, or its element discarded; and what waits behind it. */
  void discard(Lane<T> lane) {
    Disposable pending = lane.timer;
    if (pending != null) {
      pending.dispose();
    }
    if (lane.state == Lane.State.RUNNING || lane.state == Lane.State.HELD) {
      WorkerInner<T, V, R> inner = innerOf(lane);
      if (inner != null) {
        inner.cancelAndDiscard();
      }
      slots.abandoned(lane);
      work.abandoned(lane);
    } else {
      Operators.onDiscard(lane.element, main.currentContext());
    }
    for (T element = lanes.pollWaiting(lane); element != null; element = lanes.pollWaiting(lane)) {
      Operators.onDiscard(element, main.currentContext());
    }
  }

  @SuppressWarnings("unchecked")
  private @Nullable WorkerInner<T, V, R> innerOf(Lane<T> lane) {
    return (WorkerInner<T, V, R>) lane.inner;
  }
}

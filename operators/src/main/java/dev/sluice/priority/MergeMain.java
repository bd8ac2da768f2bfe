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
package dev.sluice.priority;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicIntegerFieldUpdater;
import java.util.concurrent.atomic.AtomicLongFieldUpdater;
import java.util.concurrent.atomic.AtomicReferenceFieldUpdater;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.Exceptions;
import reactor.core.Scannable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Operators;
import reactor.core.scheduler.Scheduler;
import reactor.util.context.Context;

/** The coordinator of {@link FluxPriorityMerge}: owns the drain. */
final class MergeMain<T>
    implements CoreSubscriber<PrioritySource<? extends T>>, Subscription, Scannable {

  /*
   * Threads: onSubscribe/onNext/onError/onComplete are serialized by the publisher of sources;
   * request and cancel may come from any thread; sources report through the arrivals from theirs.
   * Whoever moves wip from 0 to 1 owns the drain until it is back at 0, and everything marked
   * "drain only" belongs to the owner.
   *
   * arrivals  written by any thread, taken by the drain: sources that are new, have something
   *           again, or have ended
   * error     written by any thread, taken at the end
   * noMore    written by the publisher of sources, after its last source is among the arrivals
   * halted    written after cancelled, terminated, and an error that does not wait
   * drainer   the thread in the drain; written by the owner, who resets it before it moves wip: so
   *           whoever reads itself there is the owner, further up its stack
   *
   * Invariants:
   *   I1  a source whose ring is not empty, or which is done and not exhausted, is listed; or its
   *       thread is about to list it or to move wip, after which the drain looks again
   *   I2  which element goes next is decided when it goes: arrivals are taken before each one
   *   I3  elements asked from a source and not emitted never exceed the prefetch
   *   I4  each element taken from a source reaches exactly one of onNext, onDiscard, onNextDropped
   *   I5  at most one terminal signal, nothing after it; then and after cancel every turn of the
   *       drain only discards
   *   I6  the drain never throws: what user code throws there ends the sequence, because a drain
   *       that nobody owns any more would be silent for ever
   *   I7  between its last look at the arrivals and its last move of wip the drain runs no code of
   *       others, so what they do inside the drain need not move wip
   */

  private static final String ON_ERROR_CONTINUE = "reactor.onNextError.localStrategy";

  private final CoreSubscriber<? super T> actual;
  private final PrioritySpec<T> spec;
  private final int levels;
  private final long maxSources;
  private final @Nullable Scheduler clock; // null: nobody asks for times
  private final boolean observed;
  private final boolean shieldSources;
  private final Arrivals<T> arrivals = new Arrivals<>();

  @SuppressWarnings("NullAway.Init") // set in onSubscribe
  private Subscription s;

  private volatile boolean noMore;

  private volatile @Nullable Throwable error;

  @SuppressWarnings("rawtypes")
  private static final AtomicReferenceFieldUpdater<MergeMain, Throwable> ERROR =
      AtomicReferenceFieldUpdater.newUpdater(MergeMain.class, Throwable.class, "error");

  private volatile boolean cancelled;
  private volatile boolean terminated;
  private volatile boolean halted;

  private volatile long requested;

  @SuppressWarnings("rawtypes")
  private static final AtomicLongFieldUpdater<MergeMain> REQUESTED =
      AtomicLongFieldUpdater.newUpdater(MergeMain.class, "requested");

  private volatile int wip;

  @SuppressWarnings("rawtypes")
  private static final AtomicIntegerFieldUpdater<MergeMain> WIP =
      AtomicIntegerFieldUpdater.newUpdater(MergeMain.class, "wip");

  private @Nullable Thread drainer;

  // == drain only ==
  private final Order<T> order;
  private final KeyedLine<T> @Nullable [] keyed; // by level, if keys take turns
  private boolean timeRead; // in this step
  private long time;

  // == written by the drain, read by any thread ==
  private final MergeSources<T> sources;
  private volatile long emitted;

  @SuppressWarnings("rawtypes")
  private static final AtomicLongFieldUpdater<MergeMain> EMITTED =
      AtomicLongFieldUpdater.newUpdater(MergeMain.class, "emitted");

  MergeMain(CoreSubscriber<? super T> actual, PrioritySpec<T> spec, int levels, long maxSources) {
    this.actual = actual;
    this.spec = spec;
    this.levels = levels;
    this.maxSources = maxSources;
    this.clock = spec.isTimed() ? spec.timer() : null;
    this.observed = spec.isObserved();
    this.shieldSources = actual.currentContext().hasKey(ON_ERROR_CONTINUE);
    this.order = spec.order(levels, () -> halted);
    this.keyed = spec.keyedLines(levels);
    this.sources = new MergeSources<>(levels, keyed, clock);
  }

  PriorityGauges gauges() {
    return sources;
  }

  @Override
  public Context currentContext() {
    return actual.currentContext();
  }

  // == the publisher of sources ==

  @Override
  public void onSubscribe(Subscription s) {
    if (Operators.validate(this.s, s)) {
      this.s = s;
      WIP.getAndIncrement(this); // sources that are there have a say in what goes first
      actual.onSubscribe(this);
      s.request(maxSources);
      drainLoop();
    }
  }

  @Override
  public void onNext(PrioritySource<? extends T> source) {
    if (noMore) {
      Operators.onNextDropped(source, currentContext());
      return;
    }
    if (source.level() >= levels) {
      String expected = " (expected: 0.." + (levels - 1) + ")";
      s.cancel();
      onError(new IllegalArgumentException("level: " + source.level() + expected));
      return;
    }
    MergeInner<T> inner = new MergeInner<>(this, source.level(), spec.prefetch(), clock != null);
    arrivals.push(inner);
    Flux<T> elements = Flux.from(source.elements());
    (shieldSources ? elements.onErrorStop() : elements).subscribe(inner);
    drain();
  }

  @Override
  public void onError(Throwable t) {
    if (noMore) {
      Operators.onErrorDropped(t, currentContext());
      return;
    }
    failed(t);
    noMore = true;
    drain();
  }

  @Override
  public void onComplete() {
    noMore = true;
    drain();
  }

  // == source side ==

  boolean isOver() {
    return halted && (cancelled || terminated);
  }

  /** When what comes now came: what a source delivers in answer to one request, at one time. */
  long now() {
    if (clock == null) {
      return 0;
    }
    if (drainer != Thread.currentThread()) {
      return clock.now(TimeUnit.NANOSECONDS);
    }
    if (!timeRead) {
      timeRead = true;
      time = clock.now(TimeUnit.NANOSECONDS);
    }
    return time;
  }

  void failed(Throwable t) {
    if (!Exceptions.addThrowable(ERROR, this, t)) {
      Operators.onErrorDropped(t, currentContext());
    } else if (!spec.isErrorDelayed()) {
      halted = true;
    }
  }

  /** The source has something new: an element, or its end. */
  void arrived(MergeInner<T> source) {
    if (drainer == Thread.currentThread()) { // it answers a request of the drain: I7
      if (source.list()) {
        arrivals.push(source);
      }
      return;
    }
    int before = WIP.getAndIncrement(this); // after what is new was written, before listed is read
    if (source.list()) {
      arrivals.push(source);
      if (before != 0) {
        before = WIP.getAndIncrement(this); // the owner may have taken the arrivals in between
      }
    }
    if (before == 0) {
      drainLoop();
    }
  }

  // == subscriber side ==

  @Override
  public void request(long n) {
    if (Operators.validate(n)) {
      Operators.addCap(REQUESTED, this, n);
      if (drainer != Thread.currentThread()) { // else the drain looks by itself: I7
        drain();
      }
    }
  }

  @Override
  public void cancel() {
    if (!cancelled) {
      cancelled = true;
      halted = true;
      s.cancel();
      drain();
    }
  }

  // == drain ==

  private void drain() {
    if (WIP.getAndIncrement(this) == 0) {
      drainLoop();
    }
  }

  private void drainLoop() {
    int missed = 1;
    do {
      drainer = Thread.currentThread();
      if (!isOver()) {
        try {
          emitAll();
        } catch (Throwable e) { // I6
          abort(e);
        }
      }
      if (isOver()) {
        discardEverything(); // also on later turns, so that what slips in is discarded too
      }
      drainer = null;
      missed = WIP.addAndGet(this, -missed);
    } while (missed != 0);
  }

  private void emitAll() {
    while (true) {
      timeRead = false;
      if (!arrivals.isEmpty()) {
        takeArrivals();
      }
      if (halted) {
        break;
      }
      Line<T> line = emitted == requested ? null : order.next();
      if (line == null) {
        if (halted) { // by a function that was called to decide
          break;
        }
        completeIfAllEnded();
        return;
      }
      T element = line.poll();
      EMITTED.lazySet(this, emitted + 1);
      if (observed) {
        line.publishOldest();
      }
      actual.onNext(element);
      if (halted) {
        break;
      }
      line.polledFrom().emitted();
      if (!halted && !order.served(line)) {
        line.forgotten();
      }
    }
    if (!isOver()) {
      terminate(); // an error that does not wait
    }
  }

  private void completeIfAllEnded() {
    if (noMore && arrivals.isEmpty() && sources.isEmpty()) { // in this order: that was all
      terminate();
    }
  }

  private void takeArrivals() {
    while (!arrivals.isEmpty()) { // others may come while these are looked at
      MergeInner<T> source = registerArrivals();
      while (source != null) {
        MergeInner<T> next = source.nextArrival;
        source.nextArrival = null;
        look(source);
        source = next;
      }
    }
  }

  /** Takes the arrivals, the earliest first. All are known before one is looked at and throws. */
  private @Nullable MergeInner<T> registerArrivals() {
    MergeInner<T> earliest = arrivals.takeAll();
    for (MergeInner<T> source = earliest; source != null; source = source.nextArrival) {
      register(source);
    }
    return earliest;
  }

  /** Looks at a source that is listed and not in the order. */
  void look(MergeInner<T> source) {
    if (source.isExhausted()) {
      return;
    }
    do {
      if (keyed != null) {
        regroup(source, keyed[source.level]);
        if (halted) { // by the function of keys
          return;
        }
      } else if (!source.isEmpty()) {
        add(source);
        return;
      }
      source.unlist();
      catchUp(); // I1
      boolean done = source.isDone(); // before the ring: done and then empty means drained
      if (source.isEmpty()) {
        if (done) {
          source.exhaust();
        }
        return;
      }
    } while (source.list()); // else it is among the arrivals
  }

  /** Sees what other threads had written when they last moved wip. */
  private void catchUp() {
    if (wip == 0) {
      throw new IllegalStateException("nobody owns the drain");
    }
  }

  private void regroup(MergeInner<T> source, KeyedLine<T> line) {
    boolean wasEmpty = line.isEmpty();
    while (!source.isEmpty() && !halted) {
      line.append(source);
      source.regrouped();
    }
    if (wasEmpty && !line.isEmpty()) {
      add(line);
    }
  }

  private void add(Line<T> line) {
    order.add(line);
    if (observed) {
      line.publishOldest();
    }
  }

  private void register(MergeInner<T> source) {
    if (!source.registered) {
      source.registered = true;
      sources.add(source);
    }
  }

  /** The source is exhausted and its elements are out: another one may come. */
  void ended(MergeInner<T> source) {
    sources.remove(source);
    if (!noMore) {
      s.request(1);
    }
  }

  private void abort(Throwable e) {
    if (isOver()) {
      Operators.onErrorDropped(e, currentContext());
    } else {
      failed(Exceptions.isFatal(e) ? e : Operators.onOperatorError(e, currentContext()));
      terminate();
    }
  }

  private void terminate() {
    terminated = true;
    halted = true;
    Throwable failure = Exceptions.terminate(ERROR, this);
    if (failure == null) {
      actual.onComplete();
    } else {
      s.cancel();
      discardEverything();
      actual.onError(failure);
    }
  }

  private void discardEverything() {
    registerArrivals();
    sources.forEach(MergeInner::cancelAndDiscard);
    if (keyed != null) {
      for (KeyedLine<T> line : keyed) {
        line.discard(currentContext());
      }
    }
    Throwable unseen = Exceptions.terminate(ERROR, this);
    if (unseen != null && unseen != Exceptions.TERMINATED) {
      Operators.onErrorDropped(unseen, currentContext());
    }
  }

  // == scanning ==

  @Override
  public Stream<? extends Scannable> inners() {
    return sources.stream();
  }

  @Override
  public @Nullable Object scanUnsafe(Attr key) {
    if (key == Attr.ACTUAL) {
      return actual;
    }
    if (key == Attr.PARENT) {
      return s;
    }
    if (key == Attr.PREFETCH) {
      return spec.prefetch();
    }
    if (key == Attr.BUFFERED) {
      return sources.waiting();
    }
    if (key == Attr.REQUESTED_FROM_DOWNSTREAM) {
      long r = requested;
      return r == Long.MAX_VALUE ? r : r - emitted;
    }
    if (key == Attr.TERMINATED) {
      return terminated;
    }
    if (key == Attr.CANCELLED) {
      return cancelled;
    }
    if (key == Attr.ERROR) {
      Throwable e = error;
      return e == Exceptions.TERMINATED ? null : e;
    }
    if (key == Attr.DELAY_ERROR) {
      return spec.isErrorDelayed();
    }
    if (key == Attr.NAME) {
      return spec.name();
    }
    if (key == Attr.RUN_STYLE) {
      return Attr.RunStyle.SYNC;
    }
    return null;
  }
}

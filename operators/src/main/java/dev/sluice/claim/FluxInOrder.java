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
package dev.sluice.claim;

import java.util.Objects;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicIntegerFieldUpdater;
import java.util.concurrent.atomic.AtomicLongFieldUpdater;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.AtomicReferenceFieldUpdater;
import java.util.function.Function;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.Exceptions;
import reactor.core.Scannable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.FluxOperator;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Operators;
import reactor.util.context.Context;

/**
 * Works on several elements at once; what the works give goes on in the order of the elements. The
 * first error, of the source or of a work, ends it.
 *
 * <p>Hand-written, because {@code flatMapSequential} neither discards the values that wait their
 * turn when a work fails, nor drops what a source emits after its end.
 *
 * @param <T> the elements
 * @param <R> what a work gives, at most one for each
 */
final class FluxInOrder<T, R> extends FluxOperator<T, R> {

  private final int concurrency;
  private final Function<? super T, ? extends Mono<R>> work;

  private FluxInOrder(
      Flux<? extends T> source, int concurrency, Function<? super T, ? extends Mono<R>> work) {
    super(source);
    this.concurrency = concurrency;
    this.work = work;
  }

  static <T, R> Flux<R> create(
      Flux<? extends T> source, int concurrency, Function<? super T, ? extends Mono<R>> work) {
    return onAssembly(new FluxInOrder<>(source, concurrency, work));
  }

  @Override
  public void subscribe(CoreSubscriber<? super R> actual) {
    source.subscribe(new Main<>(actual, concurrency, work));
  }

  @Override
  public int getPrefetch() {
    return concurrency;
  }

  @Override
  public @Nullable Object scanUnsafe(Attr key) {
    return key == Attr.RUN_STYLE ? Attr.RunStyle.SYNC : super.scanUnsafe(key);
  }

  /*
   * Threads: onNext, onError and onComplete come from the source, one at a time; a place's signals
   * from its work; request and cancel from the subscriber. Whatever changes something enters the
   * drain, which one at a time runs (wip): it alone polls places and signals downstream.
   *
   * places  added by the source; never more than concurrency, because one is asked for at first for
   *         each, and one more for each that left
   * error   the first one; TERMINATED once it was signalled, later ones are dropped
   * over    a terminal signal was given, or the subscriber has gone: nothing is added any more
   *
   * Every value is emitted or discarded: it and its place's end meet in one atomic reference.
   */
  private static final class Main<T, R> implements CoreSubscriber<T>, Subscription, Scannable {

    private final CoreSubscriber<? super R> actual;
    private final int concurrency;
    private final Function<? super T, ? extends Mono<R>> work;
    private final Queue<Place<R>> places = new ConcurrentLinkedQueue<>();

    private Subscription s = Operators.emptySubscription();

    @SuppressWarnings("unused") // by WIP
    private volatile int wip;

    @SuppressWarnings("rawtypes")
    private static final AtomicIntegerFieldUpdater<Main> WIP =
        AtomicIntegerFieldUpdater.newUpdater(Main.class, "wip");

    private volatile long requested;

    @SuppressWarnings("rawtypes")
    private static final AtomicLongFieldUpdater<Main> REQUESTED =
        AtomicLongFieldUpdater.newUpdater(Main.class, "requested");

    private volatile @Nullable Throwable error;

    @SuppressWarnings("rawtypes")
    private static final AtomicReferenceFieldUpdater<Main, Throwable> ERROR =
        AtomicReferenceFieldUpdater.newUpdater(Main.class, Throwable.class, "error");

    private volatile boolean done;
    private volatile boolean cancelled;
    private volatile boolean over;

    Main(
        CoreSubscriber<? super R> actual,
        int concurrency,
        Function<? super T, ? extends Mono<R>> work) {
      this.actual = actual;
      this.concurrency = concurrency;
      this.work = work;
    }

    // == source ==

    @Override
    public void onSubscribe(Subscription subscription) {
      if (Operators.validate(s == Operators.emptySubscription() ? null : s, subscription)) {
        s = subscription;
        actual.onSubscribe(this);
        subscription.request(concurrency);
      }
    }

    @Override
    public void onNext(T element) {
      if (done) {
        Operators.onNextDropped(element, currentContext());
        return;
      }
      if (over) {
        Operators.onDiscard(element, currentContext());
        return;
      }
      Mono<R> mono;
      try {
        mono = Objects.requireNonNull(work.apply(element), "the work is null");
      } catch (Throwable e) {
        onError(Operators.onOperatorError(s, e, element, currentContext()));
        return;
      }
      Place<R> place = new Place<>(this);
      places.add(place);
      if (over) {
        drain(); // it may not have been seen
      }
      if (place.isGone()) {
        Operators.onDiscard(element, currentContext());
      } else {
        mono.subscribe(place);
        place.begun();
      }
    }

    @Override
    public void onError(Throwable e) {
      if (done) {
        Operators.onErrorDropped(e, currentContext());
        return;
      }
      fail(e, /* ofSource= */ true);
    }

    @Override
    public void onComplete() {
      done = true;
      drain();
    }

    void fail(Throwable e, boolean ofSource) {
      boolean told = !cancelled && Exceptions.addThrowable(ERROR, this, e);
      if (ofSource) {
        done = true; // after the error, so that who sees this end sees how it ended
      }
      if (told) {
        drain();
      } else {
        Operators.onErrorDropped(e, currentContext());
      }
    }

    // == subscriber ==

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

    // == drain ==

    void drain() {
      if (WIP.getAndIncrement(this) != 0) {
        return;
      }
      int missed = 1;
      do {
        if (over || cancelled) {
          clear();
        } else {
          emit();
        }
        missed = WIP.addAndGet(this, -missed);
      } while (missed != 0);
    }

    private void emit() {
      long r = requested;
      long e = 0;
      long left = 0;
      while (!cancelled && error == null) {
        boolean ended = done; // before the queue is looked at
        Place<R> head = places.peek();
        if (head == null) {
          if (ended && error == null) {
            over = true;
            actual.onComplete();
            return;
          }
          break;
        }
        if (!head.isDone() || (head.hasValue() && e == r)) {
          break;
        }
        places.poll();
        left++;
        R value = head.take();
        if (value != null) {
          e++;
          actual.onNext(value);
        }
      }
      if (cancelled) {
        clear();
      } else if (error != null) {
        clear();
        s.cancel();
        actual.onError(Objects.requireNonNull(Exceptions.terminate(ERROR, this), "error"));
      } else {
        if (e != 0 && r != Long.MAX_VALUE) {
          REQUESTED.addAndGet(this, -e);
        }
        if (left != 0 && !done) {
          s.request(left);
        }
      }
    }

    private void clear() {
      over = true;
      for (Place<R> place = places.poll(); place != null; place = places.poll()) {
        place.leave();
      }
    }

    @Override
    public Context currentContext() {
      return actual.currentContext();
    }

    @Override
    public Stream<? extends Scannable> inners() {
      return places.stream();
    }

    @Override
    public @Nullable Object scanUnsafe(Attr key) {
      if (key == Attr.PARENT) {
        return s;
      }
      if (key == Attr.ACTUAL) {
        return actual;
      }
      if (key == Attr.PREFETCH) {
        return concurrency;
      }
      if (key == Attr.BUFFERED) {
        return places.size();
      }
      if (key == Attr.REQUESTED_FROM_DOWNSTREAM) {
        return requested;
      }
      if (key == Attr.ERROR) {
        return error;
      }
      if (key == Attr.TERMINATED) {
        return over && !cancelled;
      }
      if (key == Attr.CANCELLED) {
        return cancelled;
      }
      return key == Attr.RUN_STYLE ? Attr.RunStyle.SYNC : null;
    }
  }

  /** The place of an element in the order, and the subscriber of its work. */
  private static final class Place<R> implements CoreSubscriber<R>, Scannable {

    private static final Object EMPTY = new Object();
    private static final Object GONE = new Object();

    private final Main<?, R> main;

    /** Null while the work runs; then its value, or EMPTY; GONE when nobody wants it any more. */
    private final AtomicReference<@Nullable Object> outcome = new AtomicReference<>();

    /**
     * Work that is being subscribed to is not cancelled before it has begun: it would neither give
     * a value nor have been shown the element, which then nobody would discard. It is cancelled
     * right afterwards.
     */
    private volatile boolean begun;

    private volatile @Nullable Subscription s;

    @SuppressWarnings("rawtypes")
    private static final AtomicReferenceFieldUpdater<Place, Subscription> S =
        AtomicReferenceFieldUpdater.newUpdater(Place.class, Subscription.class, "s");

    Place(Main<?, R> main) {
      this.main = main;
    }

    @Override
    public void onSubscribe(Subscription subscription) {
      if (Operators.setOnce(S, this, subscription)) {
        subscription.request(Long.MAX_VALUE);
      }
    }

    @Override
    public void onNext(R value) {
      if (outcome.compareAndSet(null, value)) {
        main.drain();
      } else if (isGone()) {
        Operators.onDiscard(value, currentContext());
      } else {
        Operators.onNextDropped(value, currentContext());
      }
    }

    @Override
    public void onError(Throwable error) {
      if (isDone()) {
        Operators.onErrorDropped(error, currentContext());
      } else {
        main.fail(error, /* ofSource= */ false);
      }
    }

    @Override
    public void onComplete() {
      if (outcome.compareAndSet(null, EMPTY)) {
        main.drain();
      }
    }

    boolean isDone() {
      return outcome.get() != null;
    }

    boolean hasValue() {
      return outcome.get() != EMPTY;
    }

    boolean isGone() {
      return outcome.get() == GONE;
    }

    /** The work has been subscribed to; whoever sees both this and GONE cancels it. */
    void begun() {
      begun = true;
      if (isGone()) {
        Operators.terminate(S, this);
      }
    }

    /** What the work has given, if anything; inside the drain, and only when it is done. */
    @SuppressWarnings("unchecked")
    @Nullable R take() {
      Object value = outcome.get();
      return value == EMPTY ? null : (R) value;
    }

    /** Nobody wants it any more; inside the drain. */
    void leave() {
      Object before = outcome.getAndSet(GONE);
      if (begun) {
        Operators.terminate(S, this);
      }
      if (before != null && before != EMPTY) {
        Operators.onDiscard(before, currentContext());
      }
    }

    @Override
    public Context currentContext() {
      return main.currentContext();
    }

    @Override
    public @Nullable Object scanUnsafe(Attr key) {
      if (key == Attr.PARENT) {
        return s;
      }
      if (key == Attr.ACTUAL) {
        return main;
      }
      if (key == Attr.TERMINATED) {
        return isDone() && !isGone();
      }
      if (key == Attr.CANCELLED) {
        return isGone();
      }
      return key == Attr.RUN_STYLE ? Attr.RunStyle.SYNC : null;
    }
  }
}

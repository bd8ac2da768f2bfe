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
package dev.sluice.contract;

import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import java.util.stream.Stream;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.Scannable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Operators;
import reactor.core.scheduler.Schedulers;
import reactor.util.context.Context;

/**
 * An operator that merges its sources and maps their elements, small but whole, and with a bug on
 * request. It takes three elements ahead from each source.
 */
final class Relay<T, R> extends Flux<R> implements Scannable {

  /** What may be wrong with it. */
  enum Bug {
    NONE,
    FORGETS_ITS_QUEUE_ON_CANCEL,
    FORGETS_ITS_QUEUE_ON_ERROR,
    FORGETS_AN_ELEMENT_THAT_RACES_CANCEL,
    DISCARDS_TWICE,
    EMITS_TWICE,
    LEAVES_SOURCES_WHEN_CANCELLED,
    LEAVES_SOURCES_WHEN_ONE_FAILS,
    GOES_ON_AFTER_CANCEL,
    IGNORES_DEMAND,
    OVERFLOWS,
    LOSES_DEMAND,
    SIGNALS_CONCURRENTLY,
    RECURSES,
    TAKES_MORE_THAN_ITS_PREFETCH,
    NEVER_ASKS_AGAIN,
    SWALLOWS_AN_EXCEPTION,
    SWALLOWS_A_NULL,
    SWALLOWS_A_LATE_ELEMENT,
    SWALLOWS_A_LATE_ERROR,
    HIDES_THE_CONTEXT,
    HIDES_WHAT_IS_BELOW,
    HIDES_WHAT_IS_ABOVE,
    HIDES_ITS_RUN_STYLE,
    HIDES_ITS_END,
    HIDES_ITS_CANCELLATION,
    WAKES_AFTER_THE_END
  }

  private static final int PREFETCH = 3;

  private final List<Flux<T>> sources;
  private final Function<T, R> mapper;
  private final Bug bug;

  Relay(List<Flux<T>> sources, Function<T, R> mapper, Bug bug) {
    this.sources = sources;
    this.mapper = mapper;
    this.bug = bug;
  }

  @Override
  public void subscribe(CoreSubscriber<? super R> actual) {
    new Main<>(actual, mapper, bug).start(sources);
  }

  @Override
  public Object scanUnsafe(Attr key) {
    return key == Attr.RUN_STYLE ? Attr.RunStyle.SYNC : null;
  }

  private static final class Main<T, R> implements Subscription, Scannable {
    final CoreSubscriber<? super R> actual;
    final Function<T, R> mapper;
    final Bug bug;
    final List<Inner<T>> inners = new ArrayList<>();
    final Queue<Entry<T>> queue = new ConcurrentLinkedQueue<>();
    final AtomicInteger wip = new AtomicInteger();
    final AtomicInteger running = new AtomicInteger();
    final AtomicLong requested = new AtomicLong();
    final Queue<Throwable> errors = new ConcurrentLinkedQueue<>(); // two sources may fail at once
    volatile boolean cancelled;
    volatile boolean terminated;
    long emitted;

    record Entry<T>(T element, Inner<T> from) {}

    Main(CoreSubscriber<? super R> actual, Function<T, R> mapper, Bug bug) {
      this.actual = actual;
      this.mapper = mapper;
      this.bug = bug;
    }

    void start(List<Flux<T>> sources) {
      running.set(sources.size());
      sources.forEach(source -> inners.add(new Inner<>(this)));
      actual.onSubscribe(this);
      for (int i = 0; i < inners.size() && !cancelled; i++) {
        sources.get(i).subscribe(inners.get(i));
      }
    }

    @Override
    public void request(long n) {
      if (!Operators.validate(n)) {
        return;
      }
      switch (bug) {
        case OVERFLOWS -> requested.addAndGet(n);
        case LOSES_DEMAND -> {
          long before = requested.get();
          Thread.yield();
          requested.set(Operators.addCap(before, n));
        }
        default -> requested.accumulateAndGet(n, Operators::addCap);
      }
      drain();
    }

    @Override
    public void cancel() {
      if (bug == Bug.WAKES_AFTER_THE_END) {
        Schedulers.parallel().schedule(() -> mapper.apply(null), 1, TimeUnit.SECONDS);
      }
      cancelled = true;
      if (bug != Bug.LEAVES_SOURCES_WHEN_CANCELLED) {
        inners.forEach(Inner::cancel);
      }
      drain();
    }

    void drain() {
      boolean guarded = bug != Bug.RECURSES && bug != Bug.SIGNALS_CONCURRENTLY;
      if (guarded && wip.getAndIncrement() != 0) {
        return;
      }
      int missed = 1;
      do {
        turn();
        if (isOver()) {
          discard();
          if (bug == Bug.FORGETS_AN_ELEMENT_THAT_RACES_CANCEL) {
            return; // and leaves wip above 0
          }
        }
        missed = guarded ? wip.addAndGet(-missed) : 0;
      } while (missed != 0);
    }

    private boolean isOver() {
      return cancelled || terminated;
    }

    private void turn() {
      while (bug == Bug.GOES_ON_AFTER_CANCEL ? !terminated : !isOver()) {
        boolean last = running.get() == 0; // before the queue
        Throwable error = errors.poll();
        if (error != null) {
          fail(error);
          return;
        }
        if (emitted >= requested.get() && bug != Bug.IGNORES_DEMAND) {
          if (last && queue.isEmpty()) {
            complete();
          }
          return;
        }
        Entry<T> entry = queue.poll();
        if (entry == null) {
          if (last) {
            complete();
          }
          return;
        }
        R result;
        try {
          result = mapper.apply(entry.element());
        } catch (RuntimeException e) {
          if (bug == Bug.SWALLOWS_AN_EXCEPTION) {
            entry.from().replenish();
            continue;
          }
          fail(e);
          return;
        }
        if (result == null) {
          if (bug == Bug.SWALLOWS_A_NULL) {
            entry.from().replenish();
            continue;
          }
          fail(new NullPointerException("the mapper returned null"));
          return;
        }
        emitted++;
        actual.onNext(result);
        if (bug == Bug.EMITS_TWICE && emitted < requested.get()) {
          emitted++;
          actual.onNext(result);
        }
        if (bug != Bug.NEVER_ASKS_AGAIN) {
          entry.from().replenish();
        }
      }
    }

    private void complete() {
      terminated = true;
      actual.onComplete();
    }

    private void fail(Throwable t) {
      terminated = true;
      if (bug != Bug.LEAVES_SOURCES_WHEN_ONE_FAILS) {
        inners.forEach(Inner::cancel);
      }
      discard();
      actual.onError(t);
    }

    private void discard() {
      dropErrors();
      boolean forgets =
          (bug == Bug.FORGETS_ITS_QUEUE_ON_CANCEL && cancelled)
              || (bug == Bug.FORGETS_ITS_QUEUE_ON_ERROR && terminated);
      for (Entry<T> entry = queue.poll(); entry != null; entry = queue.poll()) {
        if (!forgets) {
          Operators.onDiscard(entry.element(), actual.currentContext());
        }
        if (bug == Bug.DISCARDS_TWICE) {
          Operators.onDiscard(entry.element(), actual.currentContext());
        }
      }
    }

    private void dropErrors() {
      for (Throwable late = errors.poll(); late != null; late = errors.poll()) {
        if (bug != Bug.SWALLOWS_A_LATE_ERROR) {
          Operators.onErrorDropped(late, actual.currentContext());
        }
      }
    }

    @Override
    public Stream<? extends Scannable> inners() {
      return bug == Bug.HIDES_WHAT_IS_ABOVE ? Stream.empty() : inners.stream();
    }

    @Override
    public Object scanUnsafe(Attr key) {
      if (key == Attr.ACTUAL) {
        return bug == Bug.HIDES_WHAT_IS_BELOW ? null : actual;
      }
      if (key == Attr.TERMINATED) {
        return bug == Bug.HIDES_ITS_END ? false : terminated;
      }
      if (key == Attr.CANCELLED) {
        return bug == Bug.HIDES_ITS_CANCELLATION ? false : cancelled;
      }
      return key == Attr.RUN_STYLE && bug != Bug.HIDES_ITS_RUN_STYLE ? Attr.RunStyle.SYNC : null;
    }
  }

  private static final class Inner<T> implements CoreSubscriber<T>, Scannable {
    final Main<T, ?> main;
    volatile Subscription s;
    volatile boolean done;

    Inner(Main<T, ?> main) {
      this.main = main;
    }

    @Override
    public Context currentContext() {
      return main.bug == Bug.HIDES_THE_CONTEXT ? Context.empty() : main.actual.currentContext();
    }

    @Override
    public void onSubscribe(Subscription subscription) {
      if (Operators.validate(s, subscription)) {
        s = subscription;
        if (main.cancelled) {
          subscription.cancel();
        } else {
          subscription.request(
              main.bug == Bug.TAKES_MORE_THAN_ITS_PREFETCH ? PREFETCH + 1 : PREFETCH);
        }
      }
    }

    @Override
    public void onNext(T element) {
      if (done) {
        if (main.bug != Bug.SWALLOWS_A_LATE_ELEMENT) {
          Operators.onNextDropped(element, currentContext());
        }
        return;
      }
      main.queue.add(new Main.Entry<>(element, this));
      main.drain();
    }

    @Override
    public void onError(Throwable t) {
      if (done || main.cancelled || main.terminated) {
        if (main.bug != Bug.SWALLOWS_A_LATE_ERROR) {
          Operators.onErrorDropped(t, currentContext());
        }
        return;
      }
      done = true;
      main.errors.add(t);
      main.drain();
    }

    @Override
    public void onComplete() {
      if (!done) {
        done = true;
        main.running.decrementAndGet();
        main.drain();
      }
    }

    void replenish() {
      s.request(1);
    }

    void cancel() {
      Subscription subscription = s;
      if (subscription != null) {
        subscription.cancel();
      }
    }

    @Override
    public Object scanUnsafe(Attr key) {
      if (key == Attr.ACTUAL) {
        return main;
      }
      if (key == Attr.PARENT) {
        return s;
      }
      if (key == Attr.PREFETCH) {
        return PREFETCH;
      }
      return key == Attr.RUN_STYLE ? Attr.RunStyle.SYNC : null;
    }
  }
}

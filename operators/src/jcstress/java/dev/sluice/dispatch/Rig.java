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
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Operators;
import reactor.core.scheduler.Scheduler;
import reactor.util.context.Context;

/**
 * One subscription of the engine with a source, a subscriber, workers and a clock that the actors
 * drive by hand. Elements are numbers, whose key is their tens; workers emit letters.
 */
final class Rig implements Work<Integer, String, String> {

  /** A worker that does what an actor says. */
  static final class HandWorker extends Flux<String> implements Subscription {
    volatile @Nullable CoreSubscriber<? super String> subscriber;
    volatile boolean cancelled;

    @Override
    public void subscribe(CoreSubscriber<? super String> actual) {
      subscriber = actual;
      actual.onSubscribe(this);
    }

    CoreSubscriber<? super String> signals() {
      CoreSubscriber<? super String> s = subscriber;
      if (s == null) {
        throw new IllegalStateException("the worker has not been started");
      }
      return s;
    }

    @Override
    public void request(long n) {}

    @Override
    public void cancel() {
      cancelled = true;
    }
  }

  /** Keeps what was scheduled last, to be run by an actor. */
  private static final class HandTimer implements Scheduler {
    volatile @Nullable Runnable task;

    @Override
    public Disposable schedule(Runnable task) {
      throw new UnsupportedOperationException();
    }

    @Override
    public Disposable schedule(Runnable task, long delay, TimeUnit unit) {
      this.task = task;
      return () -> {};
    }

    @Override
    public Worker createWorker() {
      throw new UnsupportedOperationException();
    }
  }

  /** Counts what reaches the subscriber. */
  private final class Downstream implements CoreSubscriber<String> {
    @Override
    public Context currentContext() {
      return Operators.enableOnDiscard(
              Context.empty(),
              o -> (o instanceof Integer ? discardedElements : discardedValues).incrementAndGet())
          .put(
              "reactor.onErrorDropped.local",
              (java.util.function.Consumer<Throwable>) e -> droppedErrors.incrementAndGet());
    }

    @Override
    public void onSubscribe(Subscription s) {}

    @Override
    public void onNext(String value) {
      if (terminals.get() != 0) {
        afterTheEnd.incrementAndGet();
      }
      emitted.incrementAndGet();
    }

    @Override
    public void onError(Throwable t) {
      terminals.incrementAndGet();
      errors.incrementAndGet();
    }

    @Override
    public void onComplete() {
      terminals.incrementAndGet();
    }
  }

  /** Counts what it is asked for. */
  static final class Source implements Subscription {
    final AtomicInteger requested = new AtomicInteger();

    @Override
    public void request(long n) {
      requested.addAndGet((int) n);
    }

    @Override
    public void cancel() {}
  }

  // == what came out ==
  final AtomicInteger emitted = new AtomicInteger();
  final AtomicInteger terminals = new AtomicInteger();
  final AtomicInteger errors = new AtomicInteger();
  final AtomicInteger afterTheEnd = new AtomicInteger();
  final AtomicInteger droppedErrors = new AtomicInteger();
  final AtomicInteger discardedElements = new AtomicInteger();
  final AtomicInteger discardedValues = new AtomicInteger();

  // == what the drain did: plain, because it is the drain that must make it visible ==
  final List<Integer> started = new ArrayList<>();
  int completed;
  int failed;
  int abandoned;
  int mostRunning;
  private int running;

  // == how the engine behaves ==
  Function<Lane<Integer>, Publisher<String>> worker = lane -> Mono.just("a");
  Function<Lane<Integer>, Verdict> end = lane -> Verdict.NEXT;
  Verdict failure = Verdict.NEXT;

  /** A gate that an actor opens. */
  static final class HandGate implements Gate {
    volatile boolean open;
    private final boolean onRequest;
    int permissions; // taken and not accounted for: plain, as everything that the drain does

    HandGate(boolean onRequest) {
      this.onRequest = onRequest;
    }

    @Override
    public long take(boolean requested) {
      if (onRequest ? !requested : !open) {
        return onRequest ? UNTIL_REQUESTED : TimeUnit.HOURS.toNanos(1);
      }
      permissions++;
      return 0;
    }

    @Override
    public void giveBack() {
      permissions--;
    }

    @Override
    public void ended(long nanos, @Nullable Throwable error) {
      permissions--;
    }
  }

  final @Nullable HandGate gate;
  private final HandTimer timer = new HandTimer();
  final Source source = new Source();
  final DispatchMain<Integer, String, String> main;

  private Rig(int concurrency, int lookAhead, @Nullable Duration timeout, @Nullable HandGate gate) {
    this.gate = gate;
    this.main =
        new DispatchMain<>(
            new Downstream(),
            this,
            new DispatchOptions(
                "stress", Concurrency.fixed(concurrency), lookAhead, timeout, timer, gauges -> {}));
    main.onSubscribe(source);
  }

  static Rig of(int concurrency) {
    return of(concurrency, 8);
  }

  static Rig of(int concurrency, int lookAhead) {
    return new Rig(concurrency, lookAhead, null, null);
  }

  static Rig withTimeout(int concurrency) {
    return new Rig(concurrency, 8, Duration.ofSeconds(1), null);
  }

  static Rig behind(HandGate gate) {
    return new Rig(2, 8, null, gate);
  }

  /** Workers by hand, one for each start, in this order. */
  HandWorker[] byHand(int count) {
    HandWorker[] workers = new HandWorker[count];
    for (int i = 0; i < count; i++) {
      workers[i] = new HandWorker();
    }
    worker = lane -> workers[started.size() - 1];
    return workers;
  }

  /** Runs what was scheduled last: a wake-up, or a timeout. */
  void timerFires() {
    Runnable task = timer.task;
    if (task == null) {
      throw new IllegalStateException("nothing is scheduled");
    }
    task.run();
  }

  // == Work, inside the drain ==

  @Override
  public Object key(Integer element) {
    return element / 10;
  }

  @Override
  public @Nullable Gate gate(Scheduler scheduler) {
    return gate;
  }

  @Override
  public Publisher<? extends String> start(Lane<Integer> lane) {
    started.add(lane.element());
    mostRunning = Math.max(mostRunning, ++running);
    return worker.apply(lane);
  }

  @Override
  public String emit(Lane<Integer> lane, String value) {
    return value;
  }

  @Override
  public Verdict completed(Lane<Integer> lane) {
    running--;
    completed++;
    return end.apply(lane);
  }

  @Override
  public Verdict failed(Lane<Integer> lane, Throwable error, boolean once) {
    running--;
    failed++;
    return failure;
  }

  @Override
  public void abandoned(Lane<Integer> lane) {
    abandoned++;
  }
}

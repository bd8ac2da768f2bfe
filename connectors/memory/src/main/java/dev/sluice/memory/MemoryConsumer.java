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
package dev.sluice.memory;

import dev.sluice.channel.ReceiveOptions;
import dev.sluice.delivery.DeadLetterReason;
import dev.sluice.delivery.Delivery;
import dev.sluice.delivery.LeakDetector;
import dev.sluice.delivery.Outcome;
import dev.sluice.delivery.Outcome.Release.Why;
import dev.sluice.message.Message;
import java.time.Duration;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicIntegerFieldUpdater;
import java.util.concurrent.atomic.AtomicLongFieldUpdater;
import java.util.concurrent.atomic.AtomicReferenceFieldUpdater;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.Scannable;
import reactor.core.publisher.Operators;
import reactor.core.scheduler.Scheduler;

/**
 * One subscription to a channel. It claims a message only to emit it at once, so nothing waits
 * here.
 */
final class MemoryConsumer implements Subscription, Scannable, Runnable {

  /*
   * Threads: request, cancel, stop, fail, done and wake come from any thread; the drain runs on the
   * worker. Whoever moves wip from 0 schedules it; after the last drain wip stays above 0.
   *
   * phase      only ever rises: RUNNING, STOPPING, FAILED, CANCELLED
   * open       settlements that are not done; added by the drain, removed by onDone
   * unsettled  their number; raised by the drain only
   * failure    written before phase becomes FAILED
   *
   * Invariants:
   *   I1  emitted <= requested, unsettled <= maxUnsettled
   *   I2  a claim made while the consumer ends is closed: the drain adds it to open and then looks
   *       at phase, who ends the consumer raises phase and then looks at open
   *   I3  a consumer that wants messages and finds none is among the waiting of the channel; one
   *       that stops for another reason passes its wake-up on
   *   I4  terminal signals come from the drain; none after cancel
   */

  /** How long decided effects may still take after the consumer has ended. */
  static final Duration FLUSH = Duration.ofSeconds(10);

  private static final int RUNNING = 0;
  private static final int STOPPING = 1;
  private static final int FAILED = 2;
  private static final int CANCELLED = 3;

  private final CoreSubscriber<? super Delivery<byte[]>> actual;
  private final MemoryChannel channel;
  private final ReceiveOptions options;
  private final String assembly;
  private final Scheduler.Worker worker;
  private final Set<MemorySettlement> open = ConcurrentHashMap.newKeySet();
  private final Disposable.Swap stopping = Disposables.swap();

  @SuppressWarnings("UnusedVariable") // through WIP
  private volatile int wip;

  private static final AtomicIntegerFieldUpdater<MemoryConsumer> WIP =
      AtomicIntegerFieldUpdater.newUpdater(MemoryConsumer.class, "wip");

  private volatile long requested;

  private static final AtomicLongFieldUpdater<MemoryConsumer> REQUESTED =
      AtomicLongFieldUpdater.newUpdater(MemoryConsumer.class, "requested");

  private volatile int unsettled;

  private static final AtomicIntegerFieldUpdater<MemoryConsumer> UNSETTLED =
      AtomicIntegerFieldUpdater.newUpdater(MemoryConsumer.class, "unsettled");

  private volatile int phase;

  private static final AtomicIntegerFieldUpdater<MemoryConsumer> PHASE =
      AtomicIntegerFieldUpdater.newUpdater(MemoryConsumer.class, "phase");

  private volatile @Nullable Throwable failure;

  private static final AtomicReferenceFieldUpdater<MemoryConsumer, Throwable> FAILURE =
      AtomicReferenceFieldUpdater.newUpdater(MemoryConsumer.class, Throwable.class, "failure");

  private boolean failed;

  MemoryConsumer(
      CoreSubscriber<? super Delivery<byte[]>> actual,
      MemoryChannel channel,
      ReceiveOptions options,
      String assembly,
      Scheduler.Worker worker) {
    this.actual = actual;
    this.channel = channel;
    this.options = options;
    this.assembly = assembly;
    this.worker = worker;
  }

  ReceiveOptions options() {
    return options;
  }

  boolean isRunning() {
    return phase == RUNNING;
  }

  void start() {
    actual.onSubscribe(this);
    if (isRunning()) {
      stopping.update(
          options
              .stop()
              .contextWrite(actual.currentContext())
              .subscribe(this::stop, error -> stop(Duration.ZERO), () -> stop(Duration.ZERO)));
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
    if (enter(CANCELLED)) {
      stopping.dispose();
      takeBack(Why.CANCELLED);
    }
  }

  // == channel side ==

  /** There may be a message for this consumer. */
  void wake() {
    drain();
  }

  /** Ends the sequence with an error, because of which nothing more can be consumed. */
  void fail(Throwable error) {
    if (FAILURE.compareAndSet(this, null, error) && enter(FAILED)) {
      stopping.dispose();
      takeBack(Why.STOPPED);
    }
  }

  /** It takes nothing any more. */
  void cutOff() {
    enter(CANCELLED);
    stopping.dispose();
  }

  /** As if its process had died, with whatever it was about to do; it has been cut off. */
  void crash() {
    open.forEach(MemorySettlement::crash);
    drain();
  }

  private void stop(Duration grace) {
    if (enter(STOPPING)) {
      if (grace.isNegative() || grace.isZero()) {
        takeBack(Why.STOPPED);
      } else {
        schedule(() -> takeBack(Why.STOPPED), grace);
        drain();
      }
    }
  }

  private void done(MemorySettlement settlement) {
    open.remove(settlement);
    boolean wasFull = UNSETTLED.getAndDecrement(this) == options.maxUnsettled();
    if (wasFull || !isRunning()) {
      drain();
    }
  }

  // == the end ==

  /** Raises the phase; true if this call did. The first rise leaves the channel. */
  private boolean enter(int next) {
    for (; ; ) {
      int current = phase;
      if (current >= next) {
        return false;
      }
      if (PHASE.compareAndSet(this, current, next)) {
        if (current == RUNNING) {
          channel.leave(this);
        }
        return true;
      }
    }
  }

  /** What is undecided goes back now; what is decided may take effect for a while. */
  private void takeBack(Why why) {
    open.forEach(settlement -> settlement.close(why));
    if (unsettled != 0) {
      schedule(() -> open.forEach(MemorySettlement::abandon), FLUSH);
    }
    drain();
  }

  private void schedule(Runnable task, Duration delay) {
    try {
      worker.schedule(task, GroupQueues.nanos(delay), TimeUnit.NANOSECONDS);
    } catch (RejectedExecutionException e) {
      task.run(); // there is no time any more
    }
  }

  // == drain ==

  private void drain() {
    if (WIP.getAndIncrement(this) != 0) {
      return;
    }
    try {
      worker.schedule(this);
    } catch (RejectedExecutionException e) {
      fail(Operators.onRejectedExecution(e, actual.currentContext()));
      run();
    }
  }

  @Override
  public void run() {
    int missed = 1;
    for (; ; ) {
      emit();
      if (!isRunning() && ends()) {
        channel.forget(this);
        worker.dispose();
        return;
      }
      missed = WIP.addAndGet(this, -missed);
      if (missed == 0) {
        return;
      }
    }
  }

  private void emit() {
    long r = requested;
    long e = 0L;
    boolean waiting = false;
    while (!waiting && isRunning() && e != r && unsettled < options.maxUnsettled()) {
      MemorySettlement settlement = channel.claim(this);
      if (settlement == null) {
        waiting = true;
      } else if (emit(settlement)) {
        e++;
      }
    }
    if (e != 0L) {
      Operators.produced(REQUESTED, this, e);
    }
    if (!waiting) { // I3
      channel.passOn();
    }
  }

  /** False if the message went another way than to the subscriber. */
  private boolean emit(MemorySettlement settlement) {
    UNSETTLED.incrementAndGet(this);
    open.add(settlement);
    settlement.onDone(outcome -> done(settlement));
    if (!isRunning()) { // I2
      settlement.close(phase == CANCELLED ? Why.CANCELLED : Why.STOPPED);
      return false;
    }
    Message<byte[]> message = settlement.claim().message;
    if (message.expired(options.clock())) {
      settlement.settle(Outcome.reject(DeadLetterReason.EXPIRED, null));
      return false;
    }
    actual.onNext(
        new Delivery<>(message, LeakDetector.track(settlement, assembly), settlement.origin()));
    return true;
  }

  /** Signals the end as far as it has come; true when nothing is left to do. */
  private boolean ends() {
    if (phase == FAILED && !failed) {
      failed = true;
      actual.onError(Objects.requireNonNull(failure));
    }
    if (unsettled != 0) {
      return false;
    }
    if (phase == STOPPING) {
      actual.onComplete();
    }
    return true;
  }

  @Override
  public @Nullable Object scanUnsafe(Attr key) {
    if (key == Attr.ACTUAL) {
      return actual;
    }
    if (key == Attr.NAME) {
      return channel.name();
    }
    if (key == Attr.CAPACITY) {
      return options.maxUnsettled();
    }
    if (key == Attr.REQUESTED_FROM_DOWNSTREAM) {
      return requested;
    }
    if (key == Attr.TERMINATED) {
      return phase == FAILED || (phase == STOPPING && unsettled == 0);
    }
    if (key == Attr.CANCELLED) {
      return phase == CANCELLED;
    }
    if (key == Attr.ERROR) {
      return failure;
    }
    if (key == Attr.RUN_STYLE) {
      return Attr.RunStyle.ASYNC;
    }
    return null;
  }
}

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
package dev.sluice.kafka;

import dev.sluice.channel.ReceiveOptions;
import dev.sluice.delivery.Delivery;
import dev.sluice.delivery.LeakDetector;
import dev.sluice.delivery.Origin;
import dev.sluice.delivery.Outcome;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicIntegerFieldUpdater;
import java.util.concurrent.atomic.AtomicLongFieldUpdater;
import java.util.concurrent.atomic.AtomicReferenceFieldUpdater;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscription;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.CoreSubscriber;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.Scannable;
import reactor.core.publisher.Operators;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;
import reactor.util.concurrent.Queues;

/**
 * One subscription: takes what the poll loop admits and delivers it, one record of each partition
 * after the other, within the demand and the bound on unsettled deliveries; delivers again what is
 * given back; sees dead letters through; and ends everything in good order.
 */
final class Receiver implements Subscription, KafkaLoop.Listener, Scannable {

  /*
   * Threads: `emitter` is a thread of our own, and all emission and every step of the lifecycle
   * happens on it, in drain(). Whoever moves wip from 0 schedules the drain there. request and
   * cancel come from any thread, arrived, failed and closed from the loop's, settlements from any.
   *
   * arrivals          many producers, the drain consumes: new records, and records given back
   * round             drain only: partitions that have something to deliver, each once
   * phase             drain only; see Phase
   * unsettled         deliveries emitted and not yet both decided and done (or lost)
   * effects           dead letters on their way
   * error             the first failure; written once, ends the subscription
   * stopGrace, cancelled, graceOver, flushOver, loopEnded   set once, by anybody
   *
   * Invariants:
   *   I1  unsettled <= maxUnsettled, and never more emitted than requested
   *   I2  the records of a partition are first delivered in the order of their offsets, and one that
   *       is given back before those that wait: it is in arrivals before `unsettled` goes down
   *   I3  the terminal signal comes after the loop has ended: offsets are flushed by then
   *   I4  after cancel nothing is emitted, and the same end is reached without a signal
   */

  /** Where the end has got to; it only moves forward. */
  private enum Phase {
    /** Deliveries go out. */
    DELIVERING,
    /** No more deliveries; those that are out may be settled until the grace is over. */
    STOPPING,
    /** Nobody waits for decisions any more, but decided rejections reach the dead letters. */
    FLUSHING,
    /** The loop has been asked to commit and to end. */
    CLOSING,
    /** All is over. */
    ENDED
  }

  private static final Logger log = LoggerFactory.getLogger(Receiver.class);

  private final CoreSubscriber<? super Delivery<byte[]>> actual;
  private final KafkaChannelSpec spec;
  private final ReceiveOptions options;
  private final Statistics meters;
  private final String assembly;
  private final Assignment assignment;
  private final KafkaLoop loop;
  private final Scheduler emitter;
  private final Disposable.Composite deadLetters = Disposables.composite();
  private final Disposable.Swap stopSignal = Disposables.swap();

  private final Queue<Arrival> arrivals = Queues.<Arrival>unboundedMultiproducer().get();
  private final Queue<Partition> round = new ArrayDeque<>();
  private Phase phase = Phase.DELIVERING;

  private volatile @Nullable Duration stopGrace;
  private volatile boolean cancelled;
  private volatile boolean graceOver;
  private volatile boolean flushOver;
  private volatile boolean loopEnded;

  private volatile @Nullable Throwable error;

  private static final AtomicReferenceFieldUpdater<Receiver, Throwable> ERROR =
      AtomicReferenceFieldUpdater.newUpdater(Receiver.class, Throwable.class, "error");

  @SuppressWarnings("UnusedVariable") // through WIP
  private volatile int wip;

  private static final AtomicIntegerFieldUpdater<Receiver> WIP =
      AtomicIntegerFieldUpdater.newUpdater(Receiver.class, "wip");

  private volatile long requested;

  private static final AtomicLongFieldUpdater<Receiver> REQUESTED =
      AtomicLongFieldUpdater.newUpdater(Receiver.class, "requested");

  private volatile int unsettled;

  private static final AtomicIntegerFieldUpdater<Receiver> UNSETTLED =
      AtomicIntegerFieldUpdater.newUpdater(Receiver.class, "unsettled");

  private volatile int effects;

  private static final AtomicIntegerFieldUpdater<Receiver> EFFECTS =
      AtomicIntegerFieldUpdater.newUpdater(Receiver.class, "effects");

  Receiver(
      CoreSubscriber<? super Delivery<byte[]>> actual,
      KafkaChannelSpec spec,
      ReceiveOptions options,
      Statistics meters,
      String assembly) {
    this.actual = actual;
    this.spec = spec;
    this.options = options;
    this.meters = meters;
    this.assembly = assembly;
    this.assignment = new Assignment(spec, meters, System::nanoTime);
    this.loop = new ReactorKafkaLoop(spec, assignment, this);
    this.emitter = Schedulers.newSingle("sluice-kafka-" + spec.topic(), true);
  }

  void start() {
    meters.began(assignment);
    actual.onSubscribe(this);
    stopSignal.update(
        options
            .stop()
            .defaultIfEmpty(Duration.ZERO)
            .onErrorReturn(Duration.ZERO)
            .contextWrite(actual.currentContext())
            .subscribe(this::stop));
    loop.start();
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
    cancelled = true;
    drain();
  }

  // == loop ==

  @Override
  public void arrived(Arrival arrival) {
    arrivals.add(arrival);
    drain();
  }

  @Override
  public void failed(Throwable failure) {
    fail(failure);
    closed();
  }

  @Override
  public void closed() {
    loopEnded = true;
    drain();
  }

  // == settlements ==

  /** A record is settled for good, or was lost before. */
  void settled(Arrival arrival) {
    if (arrival.partition.wasHeldBy(arrival)) {
      loop.wakeup();
    }
  }

  /** A record is to be delivered again; what waits is looked at when its delivery is done. */
  void givenBack(Arrival arrival, Duration delay) {
    if (delay.isZero()) {
      arrivals.add(arrival);
      return;
    }
    try {
      emitter.schedule(() -> arrived(arrival), toNanos(delay), TimeUnit.NANOSECONDS);
    } catch (RejectedExecutionException e) {
      log.debug("{} is given back after the end", arrival.position());
    }
  }

  /** Sends the dead letter of a rejected delivery and, when that is confirmed, consumes it. */
  void deadLetter(KafkaSettlement settlement, Outcome.Reject reject) {
    EFFECTS.getAndIncrement(this);
    Disposable.Swap letter = Disposables.swap();
    deadLetters.add(letter);
    letter.update(
        options
            .deadLetter(settlement.arrival().message(), settlement.origin(), reject)
            .contextWrite(actual.currentContext())
            .doFinally(
                signal -> {
                  deadLetters.remove(letter);
                  EFFECTS.getAndDecrement(this);
                  drain();
                })
            .subscribe(ignored -> {}, this::fail, settlement::consume));
  }

  /** A delivery is decided, and done or lost. */
  void deliveryDone(boolean lost) {
    if (lost) {
      meters.stale.increment();
    }
    UNSETTLED.getAndDecrement(this);
    drain();
  }

  void decidedAgain() {
    meters.redundant.increment();
  }

  // == end ==

  private void stop(Duration grace) {
    stopGrace = grace;
    drain();
  }

  private void fail(Throwable failure) {
    if (ERROR.compareAndSet(this, null, failure)) {
      drain();
    } else {
      log.debug("a further failure of {}", spec.topic(), failure);
    }
  }

  // == drain ==

  private void drain() {
    if (WIP.getAndIncrement(this) == 0) {
      emitter.schedule(this::drainLoop);
    }
  }

  private void drainLoop() {
    int missed = 1;
    do {
      advance();
      if (phase == Phase.ENDED) {
        return; // wip stays above 0: the drain never opens again
      }
      if (phase == Phase.DELIVERING) {
        deliver();
      }
      missed = WIP.addAndGet(this, -missed);
    } while (missed != 0);
  }

  /** Sorts what came in by partition. */
  private void accept() {
    for (Arrival arrival; (arrival = arrivals.poll()) != null; ) {
      Partition partition = arrival.partition;
      partition.add(arrival);
      if (!partition.listed) {
        partition.listed = true;
        round.add(partition);
      }
    }
  }

  private void deliver() {
    long r = requested;
    long e = 0;
    while (e != r && unsettled < options.maxUnsettled() && !cancelled && error == null) {
      accept(); // now: what made the room by coming back is there, and goes before what waits
      Partition partition = round.poll();
      if (partition == null) {
        break;
      }
      Arrival arrival = partition.isOwned() ? partition.next() : null;
      if (arrival == null) {
        partition.discard();
        partition.listed = false;
        continue;
      }
      round.add(partition);
      if (deliver(arrival)) {
        e++;
      }
    }
    if (e != 0) {
      Operators.produced(REQUESTED, this, e);
    }
  }

  private boolean deliver(Arrival arrival) {
    Origin origin =
        new Origin(
            spec.topic(),
            arrival.position(),
            arrival.attempt,
            options.clock().instant(),
            arrival.partition.epoch,
            options.maxUnsettled());
    KafkaSettlement settlement = new KafkaSettlement(arrival, origin, this);
    if (!arrival.partition.begin(settlement)) {
      return false;
    }
    arrival.delivered = true;
    UNSETTLED.getAndIncrement(this);
    settlement.onDone(settlement);
    actual.onNext(
        new Delivery<>(arrival.message(), LeakDetector.track(settlement, assembly), origin));
    return true;
  }

  /** Moves the end forward as far as it can go. */
  private void advance() {
    if (loopEnded) {
      end();
      return;
    }
    if (phase == Phase.DELIVERING && stopGrace != null) {
      phase = Phase.STOPPING;
      assignment.stopIntake();
      later(stopGrace, () -> graceOver = true);
    }
    boolean over = cancelled || error != null;
    if (phase.compareTo(Phase.STOPPING) <= 0
        && (over || (phase == Phase.STOPPING && (unsettled == 0 || graceOver)))) {
      phase = Phase.FLUSHING;
      assignment.stopIntake();
      later(spec.closeTimeout(), () -> flushOver = true);
    }
    if (phase == Phase.FLUSHING && (effects == 0 || flushOver)) {
      phase = Phase.CLOSING;
      stopSignal.dispose();
      deadLetters.dispose();
      assignment.stopWaiting();
      loop.close();
    }
  }

  private void end() {
    phase = Phase.ENDED;
    meters.ended(assignment);
    stopSignal.dispose();
    deadLetters.dispose();
    round.clear();
    arrivals.clear();
    Throwable failure = error;
    try {
      if (!cancelled) {
        if (failure != null) {
          actual.onError(failure);
        } else {
          actual.onComplete();
        }
      } else if (failure != null) {
        Operators.onErrorDropped(failure, actual.currentContext());
      }
    } finally {
      Schedulers.boundedElastic().schedule(emitter::dispose); // takes locks
    }
  }

  private void later(Duration delay, Runnable action) {
    emitter.schedule(
        () -> {
          action.run();
          drain();
        },
        toNanos(delay),
        TimeUnit.NANOSECONDS);
  }

  private static long toNanos(Duration delay) {
    try {
      return delay.toNanos();
    } catch (ArithmeticException e) {
      return Long.MAX_VALUE; // 292 years
    }
  }

  @Override
  public @Nullable Object scanUnsafe(Attr key) {
    if (key == Attr.ACTUAL) {
      return actual;
    }
    if (key == Attr.CANCELLED) {
      return cancelled;
    }
    if (key == Attr.TERMINATED) {
      return loopEnded;
    }
    if (key == Attr.ERROR) {
      return error;
    }
    if (key == Attr.REQUESTED_FROM_DOWNSTREAM) {
      return requested;
    }
    if (key == Attr.BUFFERED) {
      return unsettled;
    }
    if (key == Attr.CAPACITY) {
      return options.maxUnsettled();
    }
    if (key == Attr.NAME) {
      return spec.topic();
    }
    return key == Attr.RUN_STYLE ? Attr.RunStyle.ASYNC : null;
  }
}

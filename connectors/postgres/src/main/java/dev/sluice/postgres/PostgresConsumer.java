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
package dev.sluice.postgres;

import dev.sluice.channel.ReceiveOptions;
import dev.sluice.delivery.DeadLetterReason;
import dev.sluice.delivery.Delivery;
import dev.sluice.delivery.LeakDetector;
import dev.sluice.delivery.Origin;
import dev.sluice.delivery.Outcome;
import dev.sluice.delivery.Outcome.Release.Why;
import dev.sluice.postgres.LaneClaim.Lane;
import dev.sluice.postgres.LaneClaim.Numbered;
import dev.sluice.postgres.OpenClaim.Open;
import dev.sluice.store.StoreFailed;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadLocalRandom;
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
import reactor.core.Exceptions;
import reactor.core.Scannable;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Operators;
import reactor.core.scheduler.Scheduler;
import reactor.util.concurrent.Queues;

/**
 * One subscription to a channel. It claims what it can emit at once, and of a group a few messages
 * more, which follow one after the other when the one before is done.
 */
final class PostgresConsumer implements Subscription, Scannable, Runnable {

  /*
   * Threads: request, cancel and decided come from any thread, as do the answers of the database,
   * the leases' losses and the timer. All but request put a task into the mailbox, and the drain,
   * which runs on the worker, does it: everything that is not volatile is the drain's alone.
   * Whoever moves wip from 0 schedules the drain; after the last one wip stays above 0.
   *
   * phase      only ever rises: RUNNING, STOPPING, FAILED, CANCELLED
   * failure    written before phase becomes FAILED
   * open       settlements that are not done
   * deferred   what was decided while a transaction of the user's was to consume the message
   * undecided  how many of them may still be decided by their holders
   * held       messages in memory: those of open, and those that wait in lanes
   * promised   the part of requested that is kept for a claim under way or for the next of a lane
   *
   * Invariants:
   *   I1  emitted + promised <= requested, held + asked for <= maxUnsettled
   *   I2  of a lane one settlement is open at a time; the next comes when it has been consumed, and
   *       then has demand that was promised to it
   *   I3  while running, with demand and room: a claim is under way, or the timer is armed
   *   I4  terminal signals come from the drain; none after cancel
   */

  private static final Logger log = LoggerFactory.getLogger(PostgresConsumer.class);

  private static final long SWEEP_SECONDS = 120;

  private static final int RUNNING = 0;
  private static final int STOPPING = 1;
  private static final int FAILED = 2;
  private static final int CANCELLED = 3;

  private final CoreSubscriber<? super Delivery<byte[]>> actual;
  private final PostgresChannel channel;
  private final ReceiveOptions options;
  private final String assembly;
  private final Scheduler.Worker worker;
  private final Claims claims;
  private final Settler settler;
  private final LeaseKeeper leases;
  private final Janitor janitor;
  private final Queue<Runnable> mailbox = Queues.<Runnable>unboundedMultiproducer().get();
  private final Disposable.Swap stopping = Disposables.swap();
  private final Disposable hints;

  @SuppressWarnings("UnusedVariable") // through WIP
  private volatile int wip;

  private static final AtomicIntegerFieldUpdater<PostgresConsumer> WIP =
      AtomicIntegerFieldUpdater.newUpdater(PostgresConsumer.class, "wip");

  private volatile long requested;

  private static final AtomicLongFieldUpdater<PostgresConsumer> REQUESTED =
      AtomicLongFieldUpdater.newUpdater(PostgresConsumer.class, "requested");

  private volatile int phase;

  private static final AtomicIntegerFieldUpdater<PostgresConsumer> PHASE =
      AtomicIntegerFieldUpdater.newUpdater(PostgresConsumer.class, "phase");

  private volatile @Nullable Throwable failure;

  private static final AtomicReferenceFieldUpdater<PostgresConsumer, Throwable> FAILURE =
      AtomicReferenceFieldUpdater.newUpdater(PostgresConsumer.class, Throwable.class, "failure");

  private volatile int held;

  private static final AtomicIntegerFieldUpdater<PostgresConsumer> HELD =
      AtomicIntegerFieldUpdater.newUpdater(PostgresConsumer.class, "held");

  private final Set<PostgresSettlement> open = new HashSet<>();
  private final Map<Claimed, PostgresSettlement> current = new HashMap<>();
  private final Map<PostgresSettlement, Disposable> letters = new HashMap<>();
  private final Map<PostgresSettlement, Outcome> deferred = new HashMap<>();
  private int undecided;
  private long promised;
  private boolean claiming;
  private boolean alarmSet;
  private long alarm;
  private boolean troubled;
  private boolean abandoned;
  private boolean failed;

  PostgresConsumer(
      CoreSubscriber<? super Delivery<byte[]>> actual,
      PostgresChannel channel,
      ReceiveOptions options,
      String assembly,
      Scheduler.Worker worker) {
    this.actual = actual;
    this.channel = channel;
    this.options = options;
    this.assembly = assembly;
    this.worker = worker;
    Duration lease = channel.lease(options);
    this.claims = new Claims(channel.database(), channel.name(), channel.spec(), lease);
    this.settler = new Settler(channel.database(), channel.name(), this::fail);
    this.leases =
        new LeaseKeeper(
            channel.database(),
            channel.name(),
            lease,
            channel.spec().maxLease(),
            claimed -> post(() -> lost(claimed)));
    this.janitor =
        new Janitor(channel.database(), channel.name(), channel.spec().forgetGroupsAfter());
    this.hints = channel.database().wakeups().onHint(channel.name(), this::wake);
  }

  boolean isRunning() {
    return phase == RUNNING;
  }

  void start() {
    leases.start();
    sweepLater();
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
      post(() -> takeBack(Why.CANCELLED));
    }
  }

  /** Every few minutes, and consumers not in step. */
  private void sweepLater() {
    long wait = ThreadLocalRandom.current().nextLong(SWEEP_SECONDS, 2 * SWEEP_SECONDS);
    worker.schedule(this::sweep, wait, TimeUnit.SECONDS);
  }

  private void sweep() {
    if (isRunning()) {
      janitor.sweep().subscribe(forgotten -> {}, error -> {});
      sweepLater();
    }
  }

  private void stop(Duration grace) {
    if (enter(STOPPING)) {
      if (grace.isNegative() || grace.isZero()) {
        post(() -> takeBack(Why.STOPPED));
      } else {
        schedule(() -> takeBack(Why.STOPPED), Micros.of(grace), TimeUnit.MICROSECONDS);
        drain();
      }
    }
  }

  private void fail(Throwable error) {
    if (FAILURE.compareAndSet(this, null, error) && enter(FAILED)) {
      stopping.dispose();
      post(() -> takeBack(Why.STOPPED));
    }
  }

  /** There may be something to claim. */
  void wake() {
    post(() -> claims.hint(System.nanoTime()));
  }

  /** Messages in memory. */
  int held() {
    return held;
  }

  Mono<Boolean> isOurs(Claimed claimed) {
    return leases.verify(claimed);
  }

  void redundant() {
    channel.countRedundant();
  }

  /** Renews the leases now. */
  void beat() {
    leases.beat();
  }

  // == the drain ==

  private void post(Runnable task) {
    mailbox.add(task);
    drain();
  }

  private void schedule(Runnable task, long delay, TimeUnit unit) {
    try {
      worker.schedule(() -> post(task), delay, unit);
    } catch (RejectedExecutionException e) {
      post(task); // there is no time any more
    }
  }

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
      for (Runnable task; (task = mailbox.poll()) != null; ) {
        perform(task);
      }
      if (isRunning()) {
        claim();
      } else if (ends()) {
        hints.dispose();
        leases.stop();
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

  /** A task that throws must not leave the rest undone. */
  private void perform(Runnable task) {
    try {
      task.run();
    } catch (Throwable t) {
      Exceptions.throwIfJvmFatal(t);
      fail(t);
    }
  }

  // == claiming ==

  private void claim() {
    long wanted = Math.min(requested - promised, options.maxUnsettled() - held);
    if (claiming || wanted <= 0) {
      return;
    }
    long now = System.nanoTime();
    Claims.Source source = claims.due(now);
    if (source == null) {
      wakeAt(now + claims.pause(now), now);
      return;
    }
    int n = (int) Math.min(wanted, source.batch());
    int room = options.maxUnsettled() - held;
    claiming = true;
    promised += n;
    source
        .claim(n, room)
        .subscribe(
            found -> post(() -> claimed(source, n, found)),
            error -> post(() -> notClaimed(source, n, error)));
  }

  /** Timers that have become too late are not cancelled: they find nothing to do. */
  private void wakeAt(long time, long now) {
    if (alarmSet && alarm - time <= 0) {
      return;
    }
    alarmSet = true;
    alarm = time;
    try {
      worker.schedule(
          () ->
              post(
                  () -> {
                    if (alarm == time) {
                      alarmSet = false;
                    }
                  }),
          time - now,
          TimeUnit.NANOSECONDS);
    } catch (RejectedExecutionException e) {
      fail(Operators.onRejectedExecution(e, actual.currentContext()));
    }
  }

  private void claimed(Claims.Source source, int n, Claims.Found found) {
    claiming = false;
    troubled = false;
    promised -= n;
    source.answered(n, found.rows());
    for (Claimed one : found.claimed()) {
      leases.hold(one);
      HELD.addAndGet(this, one instanceof Lane lane ? lane.messages.size() : 1);
    }
    for (Claimed one : found.claimed()) {
      if (one instanceof Lane lane) {
        deliverNext(lane, lane.attempt);
      } else if (one instanceof Open message) {
        deliver(message, message.message, 0, message.attempt);
      }
    }
  }

  private void notClaimed(Claims.Source source, int n, Throwable error) {
    claiming = false;
    promised -= n;
    source.answered(n, 0);
    if (!(error instanceof StoreFailed trouble) || !trouble.isTemporary()) {
      fail(error);
    } else if (!troubled) {
      troubled = true;
      log.warn("{}: nothing can be claimed; trying until it can", channel.name(), error);
    }
  }

  // == delivering ==

  private void deliverNext(Lane lane, int attempt) {
    Numbered next = lane.messages.remove();
    deliver(lane, next.message(), next.seq(), attempt);
  }

  private void deliver(Claimed claimed, Stored stored, long seq, int attempt) {
    Instant now = options.clock().instant();
    Origin origin =
        new Origin(
            channel.name(),
            Long.toString(stored.id),
            attempt,
            now,
            claimed.claim,
            options.maxUnsettled());
    PostgresSettlement settlement = new PostgresSettlement(this, claimed, stored, seq, origin);
    open.add(settlement);
    channel.out(settlement);
    current.put(claimed, settlement);
    undecided++;
    settlement.onDone(outcome -> post(() -> done(settlement)));
    if (!claimed.isCertain()) {
      lost(claimed);
      settlement.close(Why.LOST);
    } else if (!isRunning()) {
      settlement.close(phase == CANCELLED ? Why.CANCELLED : Why.STOPPED);
    } else if (stored.hasExpired()) {
      settlement.settle(Outcome.reject(DeadLetterReason.EXPIRED, null));
    } else {
      Operators.produced(REQUESTED, this, 1);
      actual.onNext(
          new Delivery<>(
              stored.message(channel.name(), now),
              LeakDetector.track(settlement, assembly),
              origin));
    }
  }

  // == settling ==

  /** On the thread that decides. */
  void decided(PostgresSettlement settlement, Outcome outcome) {
    post(() -> settle(settlement, outcome));
  }

  private void settle(PostgresSettlement settlement, Outcome outcome) {
    if (settlement.isLost()) {
      return;
    }
    switch (settlement.joined()) {
      case OPEN -> {
        deferred.put(settlement, outcome);
        return;
      }
      case COMMITTED -> {
        leaveIfLane(settlement.claimed);
        settlement.consumed(outcome instanceof Outcome.Ack);
        claims.hint(System.nanoTime());
        undecided--;
        return;
      }
      case NOT -> {}
    }
    if (outcome instanceof Outcome.Ack) {
      consume(settlement);
    } else if (outcome instanceof Outcome.Release release) {
      giveBack(settlement, release.delay(), /* counted= */ false);
    } else if (outcome instanceof Outcome.Retry retry) {
      giveBack(settlement, retry.delay(), /* counted= */ true);
    } else if (outcome instanceof Outcome.Reject reject) {
      reject(settlement, reject);
    }
    undecided--;
    if (undecided == 0 && !claiming) {
      settler.hurry(); // nobody else is going to decide anything
    }
  }

  /** A transaction of the user's has ended; from any thread. */
  void left(PostgresSettlement settlement) {
    post(
        () -> {
          Outcome outcome = deferred.remove(settlement);
          if (outcome != null) {
            settle(settlement, outcome);
          }
        });
  }

  private void consume(PostgresSettlement settlement) {
    if (settlement.claimed instanceof Lane lane) {
      boolean goesOn = !lane.messages.isEmpty() && isRunning() && requested > promised;
      LaneSettle.Move move;
      if (goesOn) {
        promised++;
        move = LaneSettle.Move.on(lane, settlement.seq);
      } else {
        leave(lane);
        move = LaneSettle.Move.past(lane, settlement.seq);
      }
      settler.settle(move, owned -> post(() -> moved(settlement, lane, goesOn, owned)));
    } else if (settlement.claimed instanceof Open message) {
      settler.settle(
          OpenSettle.Move.consume(message), owned -> post(() -> settlement.consumed(owned)));
    }
  }

  private void moved(PostgresSettlement settlement, Lane lane, boolean goesOn, boolean owned) {
    settlement.consumed(owned);
    if (goesOn) {
      promised--;
      if (owned && !lane.messages.isEmpty()) {
        deliverNext(lane, 1);
      } else {
        leave(lane);
      }
    } else {
      claims.hint(System.nanoTime()); // there may be more in the lane
    }
  }

  private void giveBack(PostgresSettlement settlement, Duration delay, boolean counted) {
    int attempts = settlement.origin.attempt() - (counted ? 0 : 1);
    long rest = Micros.of(delay);
    long ready = System.nanoTime() + TimeUnit.MICROSECONDS.toNanos(rest);
    Runnable wake =
        () -> {
          claims.hint(ready);
          if (rest == 0) {
            channel.wake();
          }
        };
    if (settlement.claimed instanceof Lane lane) {
      leave(lane);
      settler.settle(
          LaneSettle.Move.back(lane, settlement.seq, attempts, rest),
          owned -> post(() -> givenBack(settlement, owned, wake)));
    } else if (settlement.claimed instanceof Open message) {
      settler.settle(
          new OpenSettle.Move(message, rest, attempts),
          owned -> post(() -> givenBack(settlement, owned, wake)));
    }
  }

  private void givenBack(PostgresSettlement settlement, boolean owned, Runnable wake) {
    settlement.givenBack(owned);
    if (owned) {
      wake.run();
    }
  }

  /** Whoever has lost the message must not write its letter, so we look first. */
  private void reject(PostgresSettlement settlement, Outcome.Reject reject) {
    letters.put(
        settlement,
        leases
            .verify(settlement.claimed)
            .subscribe(
                ours -> post(() -> verified(settlement, reject, ours)),
                error -> post(() -> verified(settlement, reject, error))));
  }

  private void verified(PostgresSettlement settlement, Outcome.Reject reject, Throwable error) {
    if (!letters.containsKey(settlement)) {
      return;
    }
    if (abandoned || !settlement.claimed.isCertain()) {
      verified(settlement, reject, false);
    } else {
      log.warn("{}: cannot tell whether {} is ours", channel.name(), settlement, error);
      schedule(() -> reject(settlement, reject), 500, TimeUnit.MILLISECONDS);
    }
  }

  private void verified(PostgresSettlement settlement, Outcome.Reject reject, boolean ours) {
    if (!letters.containsKey(settlement)) {
      return; // there is no time any more
    }
    if (!ours) {
      leaveIfLane(settlement.claimed);
      settlement.lose();
      return;
    }
    letters.put(
        settlement,
        options
            .deadLetter(
                settlement.stored.message(channel.name(), settlement.origin.receivedAt()),
                settlement.origin,
                reject)
            .subscribe(
                nothing -> {},
                error -> post(() -> refused(settlement, reject, error)),
                () -> post(() -> confirmed(settlement))));
  }

  private void confirmed(PostgresSettlement settlement) {
    if (letters.remove(settlement) != null) {
      consume(settlement);
      settler.hurry();
    }
  }

  /** The consumer ends before the message is back, so that it does not get it again. */
  private void refused(PostgresSettlement settlement, Outcome.Reject reject, Throwable error) {
    fail(error);
    if (letters.remove(settlement) != null) {
      giveBack(
          settlement, Duration.ZERO, /* counted= */ reject.reason() != DeadLetterReason.EXPIRED);
      settler.hurry();
    }
  }

  private void done(PostgresSettlement settlement) {
    open.remove(settlement);
    channel.in(settlement);
    letters.remove(settlement);
    HELD.decrementAndGet(this);
    if (current.remove(settlement.claimed, settlement) && settlement.claimed instanceof Open) {
      leases.drop(settlement.claimed);
    }
  }

  // == losing and leaving ==

  /** The messages that wait in it stay where they are, and are not ours. */
  private void leave(Lane lane) {
    HELD.addAndGet(this, -lane.messages.size());
    lane.messages.clear();
    leases.drop(lane);
  }

  private void leaveIfLane(Claimed claimed) {
    if (claimed instanceof Lane lane) {
      leave(lane);
    }
  }

  /** What has been decided learns it from its own statement. */
  private void lost(Claimed claimed) {
    PostgresSettlement settlement = current.get(claimed);
    if (settlement == null || settlement.isSettled()) {
      return;
    }
    leaveIfLane(claimed);
    undecided--;
    channel.countLost();
    settlement.lose();
    claims.hint(System.nanoTime());
  }

  // == the end ==

  /** Raises the phase; true if this call did. */
  private boolean enter(int next) {
    for (; ; ) {
      int now = phase;
      if (now >= next) {
        return false;
      }
      if (PHASE.compareAndSet(this, now, next)) {
        return true;
      }
    }
  }

  /** What is undecided goes back now; what is decided may take effect for a while. */
  private void takeBack(Why why) {
    List.copyOf(open).forEach(settlement -> settlement.close(why));
    settler.hurry();
    schedule(this::abandon, channel.spec().flush().toMillis(), TimeUnit.MILLISECONDS);
  }

  /** There is no more time: letters are not waited for, statements not tried again. */
  private void abandon() {
    abandoned = true;
    Map.copyOf(letters)
        .forEach(
            (settlement, letter) -> {
              letters.remove(settlement);
              letter.dispose();
              giveBack(settlement, Duration.ZERO, /* counted= */ true);
            });
    settler.abandon();
  }

  /** Signals the end as far as it has come; true when nothing is left to do. */
  private boolean ends() {
    if (phase == FAILED && !failed) {
      failed = true;
      actual.onError(Objects.requireNonNull(failure));
    }
    if (!open.isEmpty() || claiming) {
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

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
package dev.sluice.gather;

import dev.sluice.channel.Recipient;
import dev.sluice.delivery.ErrorPolicy;
import dev.sluice.delivery.Outcome;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicIntegerFieldUpdater;
import java.util.concurrent.atomic.AtomicLongFieldUpdater;
import java.util.concurrent.atomic.AtomicReferenceFieldUpdater;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;
import org.reactivestreams.Subscription;
import reactor.core.CorePublisher;
import reactor.core.CoreSubscriber;
import reactor.core.Disposable;
import reactor.core.Exceptions;
import reactor.core.Fuseable;
import reactor.core.Scannable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Operators;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;
import reactor.util.context.Context;

/** One gather: owns the drain. What it gives downstream, and when, is its subclasses' business. */
abstract class GatherMain<T, R> implements Subscription, Scannable, Runnable {

  /*
   * Threads: asks, the selection, the bulkheads and the timer report from any thread, request and
   * cancel come from any thread. Whoever moves wip from 0 to 1 owns the drain until it is back at
   * 0, and everything marked "drain only" belongs to the owner; the thread that subscribes owns it
   * from the beginning.
   *
   * top      the stack of what was reported: asks that were told something, calls to be started
   * timeUp   written by the timer, reset by the drain before it looks at the clock
   *
   * A leg is in exactly one state: unstarted (no record, no call that runs), running (a call that
   * is not idle) or over (a record in legs).
   *
   * Invariants:
   *   I1  a leg is over once, and from then on none of its asks runs: so it has one vote
   *   I2  each answer is in one record, or was discarded: an ask is told once, and what is told is
   *       looked at only while its call still has that ask
   *   I3  the gather ends once: when its goal is reached; when it cannot be reached any more, which
   *       is judged only when the selection is complete, and then with every leg that is not over;
   *       or when the time is up. From then on no leg runs
   *   I4  at most one timer is armed, for the earliest of what is due
   *   I5  at most one terminal signal, nothing after it; then and after cancel every turn of the
   *       drain only discards
   *   I6  the drain never throws: what user code throws there, fatal or not, ends the gather
   */

  static final String FALLBACK = "fallback";

  private static final String ON_ERROR_CONTINUE = "reactor.onNextError.localStrategy";
  private static final long NEVER = Call.NEVER;

  private final CoreSubscriber<?> downstream;
  final ScatterGather<T, R> scatter;
  final ScatterSpec<R> spec;
  private final T request;
  private final ScatterGather.Door door;
  private final Scheduler timer;
  private final long startedAt;
  private final long deadline;
  private final boolean timed;
  private final Goal.Tally<R> tally;

  private volatile boolean cancelled;
  private volatile boolean terminated;
  private volatile boolean timeUp;

  volatile long requested;

  @SuppressWarnings("rawtypes")
  private static final AtomicLongFieldUpdater<GatherMain> REQUESTED =
      AtomicLongFieldUpdater.newUpdater(GatherMain.class, "requested");

  @SuppressWarnings("UnusedVariable") // through the updater only
  private volatile int wip = 1;

  @SuppressWarnings("rawtypes")
  private static final AtomicIntegerFieldUpdater<GatherMain> WIP =
      AtomicIntegerFieldUpdater.newUpdater(GatherMain.class, "wip");

  private volatile @Nullable Signal top;

  @SuppressWarnings("rawtypes")
  private static final AtomicReferenceFieldUpdater<GatherMain, Signal> TOP =
      AtomicReferenceFieldUpdater.newUpdater(GatherMain.class, Signal.class, "top");

  private @Nullable Context askContext; // written by whoever needs it first, always the same

  // == drain only ==
  private @Nullable Signal taken; // what was in the stack, oldest first
  private Recipient<? super T, ? extends R>[] recipients;
  private @Nullable Leg<R>[] legs;
  private @Nullable Call<T, R> @Nullable [] calls;
  private int selected;
  private int over;
  private int responded;
  private int hedges;
  private boolean selectionComplete;
  private @Nullable Selection<T, R> selection;
  private @Nullable Set<String> names;
  private @Nullable Disposable armed;
  private long armedFor = NEVER;
  private @Nullable Completion why;
  private boolean closed;
  private @Nullable Ask<T, R> fallback;
  private @Nullable Gathered<R> lacking; // what the fallback was asked for
  private long fallbackAt;

  /** What has been gathered, when nothing can change it any more. */
  @Nullable Gathered<R> result;

  /** The error in which an incomplete gather ends, if it is to be one. */
  @Nullable Throwable shortfall;

  @SuppressWarnings("unchecked")
  GatherMain(
      CoreSubscriber<?> downstream,
      ScatterGather<T, R> scatter,
      T request,
      ScatterGather.Door door) {
    this.door = door;
    this.downstream = downstream;
    this.scatter = scatter;
    this.spec = scatter.spec;
    this.request = request;
    this.timer = spec.timer() == null ? Schedulers.parallel() : spec.timer();
    this.startedAt = timer.now(TimeUnit.NANOSECONDS);
    this.deadline = spec.withinNanos();
    this.timed = spec.timed();
    this.tally = spec.goal().begin().get();
    if (scatter.recipients instanceof FixedRecipients<T, R> fixed) {
      this.recipients = fixed.recipients;
      this.selected = recipients.length;
      this.selectionComplete = true;
    } else {
      this.recipients = (Recipient<? super T, ? extends R>[]) new Recipient<?, ?>[8];
    }
    this.legs = (Leg<R>[]) new Leg<?>[recipients.length];
  }

  /** The subscriber has been given this; the drain is ours already. */
  void start() {
    scatter.running.increment();
    if (!isOver()) {
      try {
        if (selectionComplete) {
          for (int i = 0; i < selected && why == null && !isOver(); i++) {
            start(i);
            takeSignals();
          }
          judge(); // there may be no legs at all
        } else {
          select();
        }
      } catch (Throwable e) { // I6
        fail(e);
      }
    }
    drainLoop();
  }

  private void select() {
    Selection<T, R> selecting = new Selection<>(this, spec.maxRecipients());
    selection = selecting;
    Flux.<Recipient<? super T, ? extends R>>from(
            Objects.requireNonNull(
                scatter.recipients.select(request), "the selection of recipients returned null"))
        .subscribe(selecting);
  }

  // == downstream side ==

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
      drain();
    }
  }

  Context currentContext() {
    return downstream.currentContext();
  }

  final boolean isCancelled() {
    return cancelled || door.closed;
  }

  final boolean isOver() {
    return terminated || isCancelled();
  }

  // == the other side ==

  void signal(Signal signal) {
    for (; ; ) {
      Signal t = top;
      signal.next = t;
      if (TOP.compareAndSet(this, t, signal)) {
        drain();
        return;
      }
    }
  }

  /** The timer. */
  @Override
  public void run() {
    timeUp = true;
    drain();
  }

  /** An answer for which nobody waits. */
  void late(R answer, Ask<T, R> ask) {
    Operators.onDiscard(answer, currentContext());
    scatter.late(ask.recipient());
  }

  Context askContext() {
    Context context = askContext;
    if (context == null) {
      context = currentContext();
      if (deadline != NEVER) {
        Instant now = Instant.ofEpochMilli(timer.now(TimeUnit.MILLISECONDS));
        context = context.put(Recipient.DEADLINE, now.plusNanos(deadline - elapsed()));
      }
      askContext = context;
    }
    return context;
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
          fail(e);
        }
      }
      if (isOver()) { // also on later turns, so that what is told late is discarded too
        close();
        discardHeld();
        takeSignals();
      }
      missed = WIP.addAndGet(this, -missed);
    } while (missed != 0);
  }

  private void turn() {
    boolean selectionDone = selection != null && selection.isDone(); // before the stack
    takeSignals();
    if (selectionDone && !selectionComplete && why == null) {
      selectionComplete(Objects.requireNonNull(selection));
    }
    if (timeUp && why == null) {
      timeUp = false;
      disarm();
      expire();
    }
    if (!isOver()) {
      emit();
    }
    if (why == null && !isOver()) {
      arm();
    }
  }

  /** Gives downstream what is there and was asked for, and ends it when that is all. */
  abstract void emit();

  /** A leg is over. */
  void legEnded(Leg<R> leg) {}

  /** Discards the answers that have not gone downstream. Called again after the end. */
  abstract void discardHeld();

  /** Whether a gather that is not complete is an error. */
  abstract boolean failsWhenIncomplete();

  /** What user code throws here leaves the rest to the next call. */
  private void takeSignals() {
    for (Signal signal = nextSignal(); signal != null; signal = nextSignal()) {
      if (signal instanceof Ask) {
        @SuppressWarnings("unchecked")
        Ask<T, R> ask = (Ask<T, R>) signal;
        look(ask);
      } else {
        @SuppressWarnings("unchecked")
        Call<T, R> call = (Call<T, R>) signal;
        look(call);
      }
    }
  }

  /** Oldest first: the stack is taken whole and turned over. */
  private @Nullable Signal nextSignal() {
    Signal oldest = taken;
    if (oldest == null) {
      if (top == null) {
        return null;
      }
      Signal newest = TOP.getAndSet(this, null);
      while (newest != null) {
        Signal older = newest.next;
        newest.next = oldest;
        oldest = newest;
        newest = older;
      }
    }
    if (oldest != null) {
      taken = oldest.next;
      oldest.next = null;
    }
    return oldest;
  }

  /** An ask was told something. */
  private void look(Ask<T, R> ask) {
    Call<T, R> call = ask.call;
    R value = ask.value();
    Throwable error = ask.error();
    if (call != null && (call.primary == ask || call.hedge == ask)) {
      boolean hedge = call.hedge == ask;
      retire(call, ask);
      if (value != null) {
        answered(call.index, hedge, value);
      } else if (error != null) {
        failed(call, hedge, error, false);
      } else {
        endLeg(call.index, Leg.State.EMPTY, null, null);
        judge();
      }
    } else if (fallback == ask) {
      fallback = null;
      fellBack(value, error);
    } else if (value != null) {
      late(value, ask);
    } else if (error != null) {
      Operators.onErrorDropped(error, currentContext());
    }
  }

  /** A call is to be started. If it was granted a place after the end, that was given back. */
  private void look(Call<T, R> call) {
    if (why != null || isOver()) {
      return;
    }
    if (call.index < 0) {
      selected(call);
    } else if (call.again) {
      call.again = false;
      start(call.index);
    } else if (call.waiting) {
      call.waiting = false;
      ask(call.index, false);
    }
  }

  // == legs ==

  private void selected(Call<T, R> call) {
    if (names == null) {
      names = new HashSet<>();
    }
    if (!names.add(call.recipient.name())) {
      return;
    }
    int index = selected++;
    if (index == legs.length) {
      recipients = Arrays.copyOf(recipients, index * 2);
      legs = Arrays.copyOf(legs, index * 2);
      calls = calls == null ? null : Arrays.copyOf(calls, index * 2);
    }
    call.index = index;
    recipients[index] = call.recipient;
    calls()[index] = call;
    start(index);
  }

  private void selectionComplete(Selection<T, R> selection) {
    Throwable error = selection.error();
    if (error != null) {
      end(error);
    } else {
      selectionComplete = true;
      judge();
    }
  }

  private @Nullable Call<T, R>[] calls() {
    @Nullable Call<T, R>[] some = calls;
    if (some == null) {
      @SuppressWarnings("unchecked")
      Call<T, R>[] none = (Call<T, R>[]) new Call<?, ?>[legs.length];
      some = none;
      calls = some;
    }
    return some;
  }

  private Call<T, R> call(int index) {
    @Nullable Call<T, R>[] some = calls();
    Call<T, R> call = some[index];
    if (call == null) {
      call = new Call<>(this, recipients[index], index);
      some[index] = call;
    }
    return call;
  }

  private @Nullable Call<T, R> callOrNull(int index) {
    return calls == null ? null : calls[index];
  }

  /** Asks as soon as there is a place. */
  private void start(int index) {
    Bulkheads bulkheads = scatter.bulkheads;
    if (bulkheads != null) {
      Call<T, R> call = call(index);
      Bulkhead bulkhead = call.bulkhead;
      if (bulkhead == null) {
        bulkhead = bulkheads.join(call.recipient.name());
        call.bulkhead = bulkhead;
      }
      if (!bulkhead.tryEnter()) {
        call.waiting = true;
        if (!bulkhead.enqueue(call)) {
          call.waiting = false;
          failed(call, false, bulkhead.refusal(), false);
        }
        return;
      }
    }
    ask(index, false);
  }

  /** Asks; the place, if places are counted, has been taken. */
  private void ask(int index, boolean hedge) {
    Recipient<? super T, ? extends R> recipient = recipients[index];
    if (spec.hedges() > 0 && !hedge) {
      Call<T, R> call = call(index);
      if (call.attempts == 0) {
        call.hedgeAt = elapsed() + spec.hedgeAfterNanos();
      }
    }
    Publisher<? extends R> answer;
    try {
      answer =
          Objects.requireNonNull(
              hedge ? recipient.hedge(request) : recipient.ask(request),
              "the recipient returned null");
    } catch (Throwable e) {
      failedAtOnce(index, hedge, e);
      return;
    }
    boolean instant = answer instanceof Fuseable.ScalarCallable;
    if (!instant && deadline != NEVER && elapsed() >= deadline) { // it was asked for too long
      leavePlace(callOrNull(index));
      end(Completion.DEADLINE);
    } else if (answer instanceof Callable<?> callable) {
      call(index, callable, hedge);
    } else {
      subscribe(call(index), answer, hedge);
    }
  }

  /** An answer that needs no subscription. */
  private void call(int index, Callable<?> callable, boolean hedge) {
    R value;
    try {
      @SuppressWarnings("unchecked")
      R called = (R) callable.call();
      value = called;
    } catch (Throwable e) {
      failedAtOnce(index, hedge, e);
      return;
    }
    leavePlace(callOrNull(index));
    if (value != null) {
      answered(index, hedge, value);
    } else {
      endLeg(index, Leg.State.EMPTY, null, null);
      judge();
    }
  }

  private void failedAtOnce(int index, boolean hedge, Throwable error) {
    leavePlace(callOrNull(index));
    failed(call(index), hedge, Exceptions.unwrap(error), false);
  }

  private void subscribe(Call<T, R> call, Publisher<? extends R> answer, boolean hedge) {
    long now = elapsed();
    if (call.startedAt == NEVER) {
      call.startedAt = now;
    }
    Ask<T, R> ask = new Ask<>(this, call, answer instanceof Mono);
    ask.dueAt = after(now, spec.timeoutNanos());
    if (hedge) {
      call.hedge = ask;
    } else {
      call.primary = ask;
    }
    try {
      subscribe(answer, ask);
    } catch (Throwable e) { // it should have signalled
      if (ask.leave()) {
        retire(call, ask);
        failed(call, hedge, e, false);
      }
    }
  }

  private void subscribe(Publisher<? extends R> answer, Ask<T, R> ask) {
    if (currentContext().hasKey(ON_ERROR_CONTINUE)) {
      Flux.<R>from(answer).onErrorStop().subscribe(ask);
    } else if (answer instanceof CorePublisher<?>) {
      answer.subscribe(ask);
    } else { // foreign: Reactor restores thread-locals around its signals
      Flux.<R>from(answer).subscribe(ask);
    }
  }

  private void answered(int index, boolean hedge, R answer) {
    if (isOver()) { // it was cancelled while it was asked
      Operators.onDiscard(answer, currentContext());
      return;
    }
    endLeg(index, hedge ? Leg.State.HEDGED : Leg.State.ANSWERED, answer, null);
    if (tally.add(answer)) {
      end(spec.goal().reached());
    } else {
      judge();
    }
  }

  /** An ask has failed, and its place was given back. */
  private void failed(Call<T, R> call, boolean hedge, Throwable error, boolean timedOut) {
    if (isOver()) {
      Operators.onErrorDropped(error, currentContext());
      return;
    }
    call.error = error;
    call.timedOut = timedOut;
    ErrorPolicy retry = spec.retry();
    int attempt = hedge ? Integer.MAX_VALUE : ++call.attempts; // a hedge is not retried
    Outcome outcome = retry.outcomeOf(error, attempt);
    if (outcome instanceof Outcome.Release) { // fatal
      end(error);
      return;
    }
    if (outcome instanceof Outcome.Retry again) {
      scheduleRetry(call, again.delay());
    }
    if (!hedge && call.hedgeAt != NEVER) {
      hedge(call);
    }
    if (why == null && !isOver() && legs[call.index] == null && call.isIdle()) {
      endLeg(call.index, call.timedOut ? Leg.State.TIMED_OUT : Leg.State.FAILED, null, call.error);
      judge();
    }
  }

  private void scheduleRetry(Call<T, R> call, Duration delay) {
    if (delay.isZero()) {
      call.again = true;
      signal(call);
      return;
    }
    long at = elapsed() + delay.toNanos();
    if (at < deadline) {
      call.retryAt = at;
    }
  }

  private void hedge(Call<T, R> call) {
    call.hedgeAt = NEVER;
    Bulkhead bulkhead = call.bulkhead;
    if (hedges < spec.hedges() && (bulkhead == null || bulkhead.tryEnter())) {
      hedges++;
      ask(call.index, true);
    }
  }

  private void endLeg(int index, Leg.State state, @Nullable R answer, @Nullable Throwable error) {
    Call<T, R> call = callOrNull(index);
    Leg<R> leg = new Leg<>(recipients[index].name(), state, answer, error, took(call, -1));
    legs[index] = leg;
    over++;
    if (leg.responded()) {
      responded++;
    }
    if (call != null) {
      leave(call);
    }
    spec.listener().ended(leg);
    legEnded(leg);
  }

  /**
   * @param now on the clock of the gather, or -1 to look at it when it is needed
   */
  private Duration took(@Nullable Call<T, R> call, long now) {
    return call == null || call.startedAt == NEVER
        ? Duration.ZERO
        : Duration.ofNanos((now < 0 ? elapsed() : now) - call.startedAt);
  }

  /** The leg is over: what runs is cancelled, what waits is withdrawn. */
  private void leave(Call<T, R> call) {
    if (call.primary != null) {
      call.primary.leave();
      retire(call, call.primary);
    }
    if (call.hedge != null) {
      call.hedge.leave();
      retire(call, call.hedge);
    }
    call.hedgeAt = NEVER;
    call.retryAt = NEVER;
    call.again = false;
    Bulkhead bulkhead = call.bulkhead;
    if (bulkhead != null) {
      if (call.waiting) {
        call.waiting = false;
        bulkhead.withdraw(call);
      }
      call.bulkhead = null;
      Objects.requireNonNull(scatter.bulkheads).leave(bulkhead);
    }
  }

  private void retire(Call<T, R> call, Ask<T, R> ask) {
    if (call.primary == ask) {
      call.primary = null;
    } else {
      call.hedge = null;
    }
    leavePlace(call);
  }

  private void leavePlace(@Nullable Call<T, R> call) {
    if (call != null && call.bulkhead != null) {
      call.bulkhead.release();
    }
  }

  // == time, in nanoseconds since the subscription ==

  private long elapsed() {
    return timer.now(TimeUnit.NANOSECONDS) - startedAt;
  }

  private static long after(long now, long nanos) {
    return nanos == NEVER ? NEVER : now + nanos;
  }

  private void expire() {
    long now = elapsed();
    if (now >= deadline) {
      end(Completion.DEADLINE);
      return;
    }
    for (int i = 0; i < selected && why == null && !isOver(); i++) {
      Call<T, R> call = callOrNull(i);
      if (call != null && legs[i] == null && call.nextDue() <= now) {
        expire(call, now);
      }
    }
  }

  private void expire(Call<T, R> call, long now) {
    Ask<T, R> primary = call.primary;
    if (primary != null && primary.dueAt <= now) {
      timeOut(call, primary, false);
    }
    Ask<T, R> hedge = call.hedge;
    if (hedge != null && hedge.dueAt <= now) {
      timeOut(call, hedge, true);
    }
    if (call.hedgeAt <= now) {
      hedge(call);
    }
    if (call.retryAt <= now) {
      call.retryAt = NEVER;
      start(call.index);
    }
  }

  private void timeOut(Call<T, R> call, Ask<T, R> ask, boolean hedge) {
    if (ask.leave()) { // else it was told something, which is in the stack
      retire(call, ask);
      Duration timeout = Duration.ofNanos(spec.timeoutNanos());
      failed(
          call,
          hedge,
          new TimeoutException(call.recipient.name() + ": no answer within " + timeout),
          true);
    }
  }

  private void arm() {
    long next = deadline;
    if (timed) {
      for (int i = 0; i < selected; i++) {
        Call<T, R> call = callOrNull(i);
        if (call != null && legs[i] == null) {
          next = Math.min(next, call.nextDue());
        }
      }
    }
    if (next < armedFor) {
      disarm();
      armedFor = next;
      try {
        armed = timer.schedule(this, Math.max(0, next - elapsed()), TimeUnit.NANOSECONDS);
      } catch (RejectedExecutionException e) {
        end(e);
      }
    }
  }

  private void disarm() {
    armedFor = NEVER;
    if (armed != null) {
      armed.dispose();
      armed = null;
    }
  }

  // == the end ==

  private void judge() {
    if (why == null && selectionComplete && !isOver()) {
      int open = selected - over;
      if (open == 0 && (selected == 0 || spec.goal().reached() == Completion.ALL)) {
        end(Completion.ALL);
      } else if (!tally.reachableWith(open)) {
        end(Completion.EXHAUSTED);
      }
    }
  }

  private void end(Completion why) {
    this.why = why;
    long now = elapsed();
    disarm();
    if (selection != null) {
      selection.cancel();
    }
    Leg.State rest = why == Completion.DEADLINE ? Leg.State.TIMED_OUT : Leg.State.CANCELLED;
    for (int i = 0; i < selected; i++) {
      if (legs[i] == null) {
        Call<T, R> call = callOrNull(i);
        Throwable error = call == null ? null : call.error;
        Leg<R> leg = new Leg<>(recipients[i].name(), rest, null, error, took(call, now));
        legs[i] = leg;
        if (call != null) {
          leave(call);
        }
        spec.listener().ended(leg);
        legEnded(leg);
      }
    }
    boolean complete =
        why == spec.goal().reached() && (why != Completion.ALL || responded == selected);
    Gathered<R> gathered =
        new Gathered<>(gatheredLegs(), why, complete, tally.agreed(), Duration.ofNanos(now));
    spec.listener().gathered(gathered);
    if (complete || spec.fallback() == null || isOver()) {
      conclude(gathered, null);
    } else {
      fallBack(gathered, now);
    }
  }

  @SuppressWarnings("NullAway") // every leg is over
  private List<Leg<R>> gatheredLegs() {
    return List.of(selected == legs.length ? legs : Arrays.copyOf(legs, selected));
  }

  private void fallBack(Gathered<R> gathered, long now) {
    lacking = gathered;
    fallbackAt = now;
    Publisher<? extends R> instead;
    try {
      instead =
          Objects.requireNonNull(
              Objects.requireNonNull(spec.fallback()).apply(gathered),
              "the fallback returned null");
      Ask<T, R> ask = new Ask<>(this, null, instead instanceof Mono);
      fallback = ask;
      subscribe(instead, ask);
    } catch (Throwable e) {
      fallback = null;
      conclude(gathered, e);
    }
  }

  private void fellBack(@Nullable R value, @Nullable Throwable error) {
    Gathered<R> gathered = Objects.requireNonNull(lacking);
    if (value == null) {
      conclude(gathered, error);
      return;
    }
    Duration took = Duration.ofNanos(elapsed() - fallbackAt);
    Leg<R> leg = new Leg<>(FALLBACK, Leg.State.FALLBACK, value, null, took);
    result = gathered.with(leg);
    spec.listener().ended(leg);
    legEnded(leg);
  }

  private void conclude(Gathered<R> gathered, @Nullable Throwable fallbackError) {
    if (!gathered.complete() && (fallbackError != null || failsWhenIncomplete())) {
      shortfall = new IncompleteGather(spec.name(), gathered, fallbackError);
    }
    result = gathered;
  }

  /** Ends with an error of ours or of the recipients' selection, or with a fatal one. */
  private void end(Throwable error) {
    if (isOver()) {
      Operators.onErrorDropped(error, currentContext());
      return;
    }
    over();
    discardHeld();
    downstream.onError(error);
  }

  /** Ends with what user code threw. */
  private void fail(Throwable thrown) {
    if (Exceptions.isFatal(thrown)) { // the hook would throw it
      end(thrown);
    } else {
      end(Operators.onOperatorError(null, thrown, request, currentContext()));
    }
  }

  /** Before the terminal signal. */
  final void over() {
    terminated = true;
    close();
  }

  private void close() {
    if (closed) {
      return;
    }
    closed = true;
    disarm();
    if (selection != null) {
      selection.cancel();
    }
    for (int i = 0; i < selected; i++) {
      Call<T, R> call = callOrNull(i);
      if (call != null) {
        leave(call);
      }
    }
    if (fallback != null) {
      fallback.leave();
      fallback = null;
    }
    scatter.running.decrement();
  }

  /** The answers of the legs that are over. */
  final void discardLegs() {
    Context context = currentContext();
    for (Leg<R> leg : legs) {
      if (leg != null && leg.answer() != null) {
        Operators.onDiscard(leg.answer(), context);
      }
    }
  }

  final void forgetLegs() {
    legs = Arrays.copyOf(legs, 0);
  }

  // == scan ==

  final int responses() {
    return responded;
  }

  @Override
  public Stream<? extends Scannable> inners() {
    @Nullable Call<T, R>[] some = calls;
    return some == null
        ? Stream.empty()
        : Arrays.stream(some)
            .filter(Objects::nonNull)
            .flatMap(call -> Stream.of(call.primary, call.hedge))
            .filter(Objects::nonNull);
  }

  @Override
  public @Nullable Object scanUnsafe(Attr key) {
    if (key == Attr.ACTUAL) {
      return downstream;
    }
    if (key == Attr.PARENT) {
      return selection;
    }
    if (key == Attr.NAME) {
      return spec.name();
    }
    if (key == Attr.REQUESTED_FROM_DOWNSTREAM) {
      return requested;
    }
    if (key == Attr.TERMINATED) {
      return terminated;
    }
    if (key == Attr.CANCELLED) {
      return cancelled;
    }
    if (key == Attr.RUN_STYLE) {
      return Attr.RunStyle.SYNC;
    }
    return null;
  }
}

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
package dev.sluice.saga;

import dev.sluice.message.MessageIds;
import dev.sluice.saga.Journal.Ending;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CancellationException;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReferenceFieldUpdater;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.Disposable;
import reactor.core.Exceptions;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Operators;
import reactor.util.context.Context;

/**
 * One subscription to a saga: the scope that its steps find in the Context, and the boundary, which
 * decides when the body has ended, waits for what still runs, and has undone what must be.
 */
final class SagaRun<R> extends Operators.MonoSubscriber<R, SagaResult<R>> {

  /*
   * Threads: the body signals on its own, steps end on theirs, cancel and timers come from
   * anywhere. The journal decides: who is the first to end it goes on in ended(), and who finds
   * that it has turned, in turned(); each happens once.
   */

  final String name;
  final SagaSpec<R> spec;
  final Journal journal;
  private final Context context;

  @SuppressWarnings("UnusedVariable") // through the updater only
  private volatile @Nullable Subscription body;

  @SuppressWarnings("rawtypes")
  private static final AtomicReferenceFieldUpdater<SagaRun, Subscription> BODY =
      AtomicReferenceFieldUpdater.newUpdater(SagaRun.class, Subscription.class, "body");

  private volatile @Nullable String id;

  @SuppressWarnings("rawtypes")
  private static final AtomicReferenceFieldUpdater<SagaRun, String> ID =
      AtomicReferenceFieldUpdater.newUpdater(SagaRun.class, String.class, "id");

  private volatile @Nullable Disposable overall;
  private volatile @Nullable Disposable awaiting;

  /**
   * Set before anybody else knows this run; not volatile, so that a saga in memory pays nothing.
   */
  private @Nullable DurableRun durable;

  SagaRun(String name, SagaSpec<R> spec, CoreSubscriber<? super SagaResult<R>> actual) {
    super(actual);
    this.name = name;
    this.spec = spec;
    this.journal = new Journal(spec.maxSteps());
    this.context = actual.currentContext().put(Sagas.SCOPE, this);
  }

  /** Null in memory. */
  @Nullable DurableRun durable() {
    return durable;
  }

  /** Made when somebody asks for it. */
  String id() {
    DurableRun d = durable;
    if (d != null) {
      return d.key.id();
    }
    String known = id;
    if (known == null) {
      ID.compareAndSet(this, null, MessageIds.next());
      known = id;
    }
    return Objects.requireNonNull(known);
  }

  void start(Mono<? extends R> source) {
    source.subscribe(this);
    startTimer(spec.timeout());
  }

  /** Before anybody can hear of this run. */
  void attach(DurableRun with) {
    durable = with;
  }

  /** Goes on with a saga that has a journal, or begins it. */
  void start(Mono<R> source, DurableRun with) {
    with.begin();
    if (journal.ending() == null) {
      source.subscribe(this);
      with.subscribed();
      startTimer(spec.timeout() == null ? null : with.left(spec.timeout()));
    }
  }

  @Override
  public void cancel() {
    super.cancel();
    if (spec.onCancel() == OnCancel.COMPENSATE && journal.ending() == null) {
      stop(new CancellationException("saga " + name + " was cancelled"));
    }
  }

  private void startTimer(@Nullable Duration timeout) {
    if (timeout != null && journal.ending() == null) {
      try {
        overall = spec.timer().schedule(this::expire, timeout.toNanos(), TimeUnit.NANOSECONDS);
      } catch (RejectedExecutionException e) {
        stop(e);
      }
      if (journal.ending() != null) {
        dispose(overall);
      }
    }
  }

  private void expire() {
    stop(new TimeoutException("saga " + name + ": no end within " + spec.timeout()));
  }

  // == steps ==

  /**
   * Puts a step into the journal, or finds that it is there.
   *
   * @return the step given if it is to begin; otherwise the one that is there in its place
   */
  @SuppressWarnings("unchecked") // the step of the same name
  <I, O> Step<I, O> intend(Step<I, O> mine) {
    if (durable != null) {
      DurableRun.require(mine.plan, name);
    }
    Step<?, ?> known = null;
    while (true) {
      Step<?, ?> found = journal.intent(mine, known);
      if (found == mine || found == known) {
        return (Step<I, O>) found;
      }
      found.requireSameInput(mine.input); // code of the user: not under the lock of the journal
      known = found;
    }
  }

  void begin(Step<?, ?> step) {
    DurableRun with = durable;
    if (with == null) {
      step.start();
    } else {
      with.begin(step);
    }
  }

  /** A cancel or a timeout came while the pivot ran. */
  void pivotFailed() {
    Throwable cause = journal.stopWanted();
    if (cause != null) {
      stop(cause);
    }
  }

  void stepEnded() {
    DurableRun with = durable;
    if (journal.ending() != null && (with == null || !with.isReplaying())) {
      turn();
    }
  }

  // == the body ==

  @Override
  public Context currentContext() {
    return context;
  }

  @Override
  public void onSubscribe(Subscription s) {
    if (Operators.setOnce(BODY, this, s)) {
      s.request(Long.MAX_VALUE);
    }
  }

  @Override
  public void onNext(R value) {
    if (durable != null && !isKept(value)) {
      return;
    }
    if (journal.end(new Ending(value, null))) {
      ended();
    } else {
      Operators.onDiscard(value, context);
    }
  }

  /** What cannot be written cannot be the end. */
  private boolean isKept(R value) {
    try {
      Objects.requireNonNull(durable).keep(value);
      return true;
    } catch (Throwable t) {
      Exceptions.throwIfJvmFatal(t);
      onError(t);
      return false;
    }
  }

  @Override
  public void onComplete() {
    if (journal.ending() == null && journal.end(new Ending(null, null))) {
      ended();
    }
  }

  @Override
  public void onError(Throwable error) {
    if (journal.end(new Ending(null, error))) {
      ended();
    } else if (!(Exceptions.unwrap(error) instanceof StepRefused) && !isKnown()) {
      Operators.onErrorDropped(error, context);
    }
  }

  /** When a saga is recovered, its journal may have said so before the body does. */
  private boolean isKnown() {
    DurableRun with = durable;
    return with != null && with.hadTurned();
  }

  // == the end ==

  void stop(Throwable cause) {
    DurableRun with = durable;
    if ((with == null || !with.defers(cause)) && journal.stop(cause)) {
      Operators.terminate(BODY, this);
      ended();
    }
  }

  /** The journal says that the saga had turned back. */
  void turnedBefore(Throwable cause) {
    if (journal.end(new Ending(null, cause))) {
      Operators.terminate(BODY, this);
      ended();
    }
  }

  /** The saga cannot be gone on with: it is parked as it is. */
  void drifted(Throwable cause) {
    turnedBefore(cause);
  }

  /** Somebody else has the saga, or its journal is out of reach. */
  void lost(Throwable why) {
    Operators.terminate(BODY, this);
    dispose(overall);
    dispose(awaiting);
    journal.running().forEach(Step::stop);
    if (!isCancelled()) {
      actual.onError(why);
    }
  }

  private void ended() {
    dispose(overall);
    DurableRun with = durable;
    if (with == null) {
      awaitSteps();
    } else {
      with.ended(this::awaitSteps);
    }
  }

  private void awaitSteps() {
    if (turn()) {
      return; // as a rule nothing runs any more
    }
    journal.running().forEach(Step::stop);
    try {
      awaiting =
          spec.timer()
              .schedule(this::awaitNoMore, spec.awaitRunning().toNanos(), TimeUnit.NANOSECONDS);
    } catch (RejectedExecutionException e) {
      awaitNoMore();
    }
    if (journal.turned()) {
      dispose(awaiting);
    }
  }

  private void awaitNoMore() {
    journal.running().forEach(step -> step.giveUp("the saga has waited " + spec.awaitRunning()));
  }

  private boolean turn() {
    boolean turns = journal.turn();
    if (turns) {
      dispose(awaiting);
      turned(Objects.requireNonNull(journal.ending()));
    }
    return turns;
  }

  private void turned(Ending how) {
    Throwable cause = how.cause();
    Throwable drift = durable == null ? null : durable.drift();
    if (drift != null) {
      park(drift, null, null);
    } else if (cause == null) {
      unwind(how, false);
    } else if (journal.pivotPassed()) {
      park(cause, null, null);
    } else {
      unwind(how, true);
    }
  }

  @SuppressWarnings("unchecked") // the value of the body
  private void unwind(Ending how, boolean all) {
    List<Step<?, ?>> undo = journal.toUndo(all);
    Throwable cause = how.cause();
    if (cause == null && undo.isEmpty()) {
      emit(new SagaResult.Completed<>((R) how.value()), null);
      return;
    }
    new Unwinding(
            this,
            undo,
            (stuck, why) -> {
              if (stuck != null && why != null) {
                park(cause != null ? cause : stuck.error != null ? stuck.error : why, stuck, why);
              } else if (cause != null) {
                emit(new SagaResult.Compensated<>(failedStep(cause), cause), null);
              } else {
                emit(new SagaResult.Completed<>((R) how.value()), null);
              }
            })
        .start();
  }

  private void park(Throwable cause, @Nullable Step<?, ?> stuck, @Nullable Throwable why) {
    List<String> standing = journal.toUndo(true).stream().map(Step::label).toList();
    emit(
        new SagaResult.Parked<>(
            failedStep(cause), cause, stuck == null ? null : stuck.label(), why, standing),
        stuck == null ? journal.stepOf(cause) : stuck);
  }

  private @Nullable String failedStep(Throwable cause) {
    Step<?, ?> step = journal.stepOf(cause);
    return step == null ? null : step.label();
  }

  private void emit(SagaResult<R> how, @Nullable Step<?, ?> about) {
    DurableRun with = durable;
    if (with == null) {
      tell(how);
    } else {
      with.end(how, about, () -> tell(how));
    }
  }

  private void tell(SagaResult<R> how) {
    spec.tell(this, how);
    complete(how);
  }

  private static void dispose(@Nullable Disposable timer) {
    if (timer != null) {
      timer.dispose();
    }
  }
}

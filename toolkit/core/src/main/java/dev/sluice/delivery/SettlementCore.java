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
package dev.sluice.delivery;

import java.util.Objects;
import java.util.concurrent.atomic.AtomicIntegerFieldUpdater;
import java.util.concurrent.atomic.AtomicReferenceFieldUpdater;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.Exceptions;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

/**
 * The state machine of a settlement, shared by every source. A connector extends it, implements
 * {@link #onDecided} and reports what became of the effect with {@link #markDone}, {@link
 * #markDurable} and {@link #markLost}. Only a settlement that stands for others answers {@link
 * #isLost}, {@link #durable} and {@link #lost} itself: by asking them.
 */
public abstract non-sealed class SettlementCore implements Settlement {

  /*
   * Threads: every method may be called from any thread, concurrently.
   *
   * outcome   null, then the decision for ever: the CAS that writes it is the decision
   * state     bits DONE, DURABLE, LOST; bits are only ever added
   * onDone    null, then a listener (several are chained), then FIRED for ever
   * durable, lost   sinks made by the first who waits; emitted by whoever sees both sink and bit
   *
   * Invariants:
   *   I1  onDecided is called at most once, by the thread that decided, and not when already lost
   *   I2  listeners run once, after (outcome != null and state has DONE or LOST): the writer of
   *       either looks at the other afterwards, so one of the two sees both
   *   I3  durable completes only with DURABLE; DURABLE and LOST exclude each other, first one wins
   */

  private static final Logger log = LoggerFactory.getLogger(SettlementCore.class);

  private static final int DONE = 1;
  private static final int DURABLE = 2;
  private static final int LOST = 4;

  private static final Outcome LOST_FIRST = Outcome.release(Outcome.Release.Why.LOST);

  private static final Consumer<Outcome> FIRED = outcome -> {};

  private volatile @Nullable Outcome outcome;

  private static final AtomicReferenceFieldUpdater<SettlementCore, Outcome> OUTCOME =
      AtomicReferenceFieldUpdater.newUpdater(SettlementCore.class, Outcome.class, "outcome");

  private volatile int state;

  private static final AtomicIntegerFieldUpdater<SettlementCore> STATE =
      AtomicIntegerFieldUpdater.newUpdater(SettlementCore.class, "state");

  private volatile @Nullable Consumer<? super Outcome> onDone;

  @SuppressWarnings("rawtypes")
  private static final AtomicReferenceFieldUpdater<SettlementCore, Consumer> ON_DONE =
      AtomicReferenceFieldUpdater.newUpdater(SettlementCore.class, Consumer.class, "onDone");

  private volatile Sinks.@Nullable Empty<Void> durable;

  @SuppressWarnings("rawtypes")
  private static final AtomicReferenceFieldUpdater<SettlementCore, Sinks.Empty> DURABLES =
      AtomicReferenceFieldUpdater.newUpdater(SettlementCore.class, Sinks.Empty.class, "durable");

  private volatile Sinks.@Nullable Empty<Void> lost;

  @SuppressWarnings("rawtypes")
  private static final AtomicReferenceFieldUpdater<SettlementCore, Sinks.Empty> LOSTS =
      AtomicReferenceFieldUpdater.newUpdater(SettlementCore.class, Sinks.Empty.class, "lost");

  // == the holder's side ==

  @Override
  public final boolean settle(Outcome outcome) {
    Objects.requireNonNull(outcome, "outcome");
    if (!OUTCOME.compareAndSet(this, null, outcome)) {
      onRedundant(outcome);
      return false;
    }
    if ((state & LOST) != 0) {
      fireWhenDone();
      return true;
    }
    try {
      onDecided(outcome);
    } catch (Throwable t) {
      Exceptions.throwIfJvmFatal(t);
      log.error("settling {} as {} failed; the source will deliver it again", this, outcome, t);
      markLost();
    }
    return true;
  }

  @Override
  public final @Nullable Outcome outcome() {
    return outcome;
  }

  @Override
  public final boolean isDone() {
    return outcome != null && (state & (DONE | LOST)) != 0;
  }

  @Override
  public boolean isLost() {
    return (state & LOST) != 0;
  }

  @Override
  public Mono<Void> durable() {
    return Mono.defer(
        () -> {
          Sinks.Empty<Void> sink = durable;
          if (sink == null) {
            DURABLES.compareAndSet(this, null, Sinks.unsafe().<Void>empty());
            sink = Objects.requireNonNull(durable);
            onDurableAwaited();
            signalDurable();
          }
          return sink.asMono();
        });
  }

  @Override
  public Mono<Void> lost() {
    return Mono.defer(
        () -> {
          Sinks.Empty<Void> sink = lost;
          if (sink == null) {
            LOSTS.compareAndSet(this, null, Sinks.unsafe().<Void>empty());
            sink = Objects.requireNonNull(lost);
            signalLost();
          }
          return sink.asMono();
        });
  }

  @Override
  public final void onDone(Consumer<? super Outcome> listener) {
    for (; ; ) {
      Consumer<? super Outcome> current = onDone;
      if (current == FIRED) {
        listener.accept(result(Objects.requireNonNull(outcome)));
        return;
      }
      Consumer<? super Outcome> next = listener;
      if (current != null) {
        next =
            decision -> {
              current.accept(decision);
              listener.accept(decision);
            };
      }
      if (ON_DONE.compareAndSet(this, current, next)) {
        return;
      }
    }
  }

  // == the source's side ==

  /**
   * Makes the decision take effect. Called once, on the thread that decided; must not block. What
   * takes time is started here and reported later.
   */
  protected abstract void onDecided(Outcome outcome);

  /** Called for each decision that came too late. */
  protected void onRedundant(Outcome outcome) {}

  /**
   * Called when {@link #durable()} is first waited for (by racing subscribers perhaps more than
   * once). A source that makes many settlements durable together need only remember those.
   */
  protected void onDurableAwaited() {}

  /** The effect has happened. Only after the decision; repeated calls are harmless. */
  protected final void markDone() {
    mark(DONE);
    fireWhenDone();
  }

  /** The effect has happened and survives a crash. Has no effect once lost. */
  protected final void markDurable() {
    if ((mark(DONE | DURABLE) & (DURABLE | LOST)) == 0) {
      signalDurable();
    }
    fireWhenDone();
  }

  /** The ownership has ended. Has no effect once durable. */
  protected final void markLost() {
    if ((mark(LOST) & (DURABLE | LOST)) == 0) {
      signalDurable();
      signalLost();
    }
    fireWhenDone();
  }

  /** Adds the bits unless they contradict what is there (I3); returns the state before. */
  private int mark(int bits) {
    for (; ; ) {
      int s = state;
      boolean contradicts =
          ((s & LOST) != 0 && (bits & DURABLE) != 0) || ((s & DURABLE) != 0 && (bits & LOST) != 0);
      if (contradicts || STATE.compareAndSet(this, s, s | bits)) {
        return s;
      }
    }
  }

  private void fireWhenDone() {
    Outcome decision = outcome;
    if (decision == null || (state & (DONE | LOST)) == 0) {
      return;
    }
    @SuppressWarnings("unchecked")
    Consumer<? super Outcome> listener = ON_DONE.getAndSet(this, FIRED);
    if (listener != null) {
      listener.accept(result(decision));
    }
  }

  /** What became of the decision. Called when it is done or lost. */
  Outcome result(Outcome decision) {
    return (state & (DONE | LOST)) == LOST ? LOST_FIRST : decision;
  }

  private void signalDurable() {
    Sinks.Empty<Void> sink = durable;
    int s = state;
    if (sink == null) {
      return;
    }
    if ((s & DURABLE) != 0) {
      sink.tryEmitEmpty();
    } else if ((s & LOST) != 0) {
      sink.tryEmitError(new StaleDelivery("ownership of " + this + " ended before it was durable"));
    }
  }

  private void signalLost() {
    Sinks.Empty<Void> sink = lost;
    if (sink != null && (state & LOST) != 0) {
      sink.tryEmitEmpty();
    }
  }
}

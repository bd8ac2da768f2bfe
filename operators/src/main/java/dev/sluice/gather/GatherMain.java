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
import java.time.Duration;
import java.util.HashSet;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;
import reactor.core.CoreSubscriber;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Operators;

/**
 * One gather: whom it asks, and when it has what was wanted. What it gives downstream, and when, is
 * its subclasses' business. Drain only.
 */
abstract class GatherMain<T, R> extends GatherAsks<T, R> {

  /*
   * Invariant:
   *   G1  the gather ends once: when its goal is reached; when it cannot be reached any more, which
   *       is judged only when the selection is complete, and then with every leg that is not over;
   *       or when the time is up. From then on no leg runs
   */

  static final String FALLBACK = "fallback";

  private final Goal.Tally<R> tally;
  private boolean selectionComplete;
  private @Nullable Selection<T, R> selection;
  private @Nullable Set<String> names;
  private @Nullable Completion why;
  private boolean closed;
  private @Nullable Ask<T, R> fallback;
  private @Nullable Gathered<R> lacking; // what the fallback was asked for
  private long fallbackAt;

  /** What has been gathered, when nothing can change it any more. */
  @Nullable Gathered<R> result;

  /** The error in which an incomplete gather ends, if it is to be one. */
  @Nullable Throwable shortfall;

  GatherMain(
      CoreSubscriber<?> downstream,
      ScatterGather<T, R> scatter,
      T request,
      ScatterGather.Door door) {
    super(downstream, scatter, request, door);
    this.tally = spec.goal().begin().get();
    this.selectionComplete = scatter.recipients instanceof FixedRecipients;
  }

  /** The subscriber has been given this; the drain is ours already. */
  void start() {
    scatter.running.increment();
    if (!isOver()) {
      try {
        if (selectionComplete) {
          startAll();
          judge(); // there may be no legs at all
        } else {
          select();
        }
      } catch (Throwable e) { // D3
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

  // == turns of the drain ==

  @Override
  final void turn() {
    boolean selectionDone = selection != null && selection.isDone(); // before the stack
    takeSignals();
    if (selectionDone && !selectionComplete && why == null) {
      selectionComplete(Objects.requireNonNull(selection));
    }
    if (why == null && wasTimeUp()) {
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

  /** Whether a gather that is not complete is an error. */
  abstract boolean failsWhenIncomplete();

  @Override
  final void look(Ask<T, R> ask) {
    if (told(ask)) {
      return;
    }
    R value = ask.value();
    Throwable error = ask.error();
    if (fallback == ask) {
      fallback = null;
      fellBack(value, error);
    } else if (value != null) {
      late(value, ask);
    } else if (error != null) {
      Operators.onErrorDropped(error, currentContext());
    }
  }

  @Override
  final void look(Call<T, R> call) {
    if (why != null || isOver()) {
      return;
    }
    if (call.index < 0) {
      selected(call);
    } else {
      resume(call);
    }
  }

  // == the selection ==

  private void selected(Call<T, R> call) {
    if (names == null) {
      names = new HashSet<>();
    }
    if (names.add(call.recipient.name())) {
      add(call);
      start(call.index);
    }
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

  // == the goal ==

  @Override
  final boolean isDecided() {
    return why != null;
  }

  @Override
  final void judge(R answer) {
    if (tally.add(answer)) {
      end(spec.goal().reached());
    } else {
      judge();
    }
  }

  @Override
  final void judge() {
    if (why == null && selectionComplete && !isOver()) {
      int open = open();
      if (open == 0 && (selected() == 0 || spec.goal().reached() == Completion.ALL)) {
        end(Completion.ALL);
      } else if (!tally.reachableWith(open)) {
        end(Completion.EXHAUSTED);
      }
    }
  }

  @Override
  final void deadlinePassed() {
    end(Completion.DEADLINE);
  }

  // == the end ==

  private void end(Completion why) {
    this.why = why;
    long now = elapsed();
    disarm();
    if (selection != null) {
      selection.cancel();
    }
    endRest(why == Completion.DEADLINE ? Leg.State.TIMED_OUT : Leg.State.CANCELLED, now);
    boolean complete =
        why == spec.goal().reached() && (why != Completion.ALL || responded() == selected());
    Gathered<R> gathered =
        new Gathered<>(gatheredLegs(), why, complete, tally.agreed(), Duration.ofNanos(now));
    spec.listener().gathered(gathered);
    if (complete || spec.fallback() == null || isOver()) {
      conclude(gathered, null);
    } else {
      fallBack(gathered, now);
    }
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

  @Override
  final void close() {
    if (closed) {
      return;
    }
    closed = true;
    disarm();
    if (selection != null) {
      selection.cancel();
    }
    leaveAll();
    if (fallback != null) {
      fallback.leave();
      fallback = null;
    }
    scatter.running.decrement();
  }

  @Override
  public @Nullable Object scanUnsafe(Attr key) {
    return key == Attr.PARENT ? selection : super.scanUnsafe(key);
  }
}

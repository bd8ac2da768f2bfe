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
package dev.sluice.compete;

import dev.sluice.convoy.ConvoyListener;
import dev.sluice.convoy.ConvoySpec;
import dev.sluice.convoy.FailureSpec;
import dev.sluice.convoy.GroupVerdict;
import dev.sluice.dispatch.Concurrency;
import dev.sluice.dispatch.ReadyOrder;
import java.time.Duration;
import java.util.function.UnaryOperator;
import reactor.core.scheduler.Scheduler;

/**
 * The options of competing consumers. Immutable: each method returns a changed copy.
 *
 * @param <T> the elements
 */
public final class CompeteSpec<T> {

  private static final int LOOK_AHEAD_PER_WORKER = 4;

  private final ConvoySpec<T> convoy;
  private final Concurrency concurrency;
  private final int lookAhead; // 0: derived from the concurrency

  private CompeteSpec(ConvoySpec<T> convoy, Concurrency concurrency, int lookAhead) {
    this.convoy = convoy;
    this.concurrency = concurrency;
    this.lookAhead = lookAhead;
  }

  /** The defaults, on those of a convoy. */
  static <T> CompeteSpec<T> over(ConvoySpec<T> convoy) {
    return new CompeteSpec<>(convoy.name("compete"), Concurrency.fixed(64), 0);
  }

  /** Those of the convoy in which nothing has a group. */
  ConvoySpec<T> convoy() {
    long derived = (long) LOOK_AHEAD_PER_WORKER * concurrency.max();
    return convoy
        .concurrency(concurrency)
        .lookAhead(lookAhead == 0 ? (int) Math.min(Integer.MAX_VALUE, derived) : lookAhead);
  }

  private CompeteSpec<T> with(ConvoySpec<T> changed) {
    return new CompeteSpec<>(changed, concurrency, lookAhead);
  }

  /** What the operator is called in assembly traces and scans. Defaults to compete. */
  public CompeteSpec<T> name(String name) {
    return with(convoy.name(name));
  }

  /**
   * How many workers run at once. Defaults to 64.
   *
   * @param concurrency 1 or more
   */
  public CompeteSpec<T> concurrency(int concurrency) {
    return concurrency(Concurrency.fixed(concurrency));
  }

  /**
   * How many workers run at once, when that number is to follow the depth of the queue or the
   * latency of the work.
   *
   * <p><img class="marble" src="doc-files/competeByDepth.svg" alt="A burst is met at once, by as
   * many workers as it takes; when it is over, fewer are started, and nobody is interrupted">
   */
  public CompeteSpec<T> concurrency(Concurrency concurrency) {
    return new CompeteSpec<>(
        convoy, java.util.Objects.requireNonNull(concurrency, "concurrency"), lookAhead);
  }

  /**
   * How many elements may be taken from the source and not be finished: those that are worked on,
   * that wait for a worker, that sleep before another attempt, and, in a flow, whose effect is
   * awaited. What is taken from a queue is taken from the other consumers of it, so this is small.
   * Defaults to 4 times the largest concurrency.
   *
   * @param lookAhead at least the largest concurrency
   */
  public CompeteSpec<T> lookAhead(int lookAhead) {
    if (lookAhead < 1) {
      throw new IllegalArgumentException("lookAhead: " + lookAhead + " (expected: >= 1)");
    }
    return new CompeteSpec<>(convoy, concurrency, lookAhead);
  }

  /**
   * Which element goes next when a worker is free. Defaults to the one that came first; {@link
   * dev.sluice.priority.PriorityMerge#priorityDispatch} asks for it first.
   *
   * <p>It chooses from what has been taken from the source, so that {@link #lookAhead} says from
   * how many. What is behind them has no say, however urgent it is.
   */
  public CompeteSpec<T> readyOrder(ReadyOrder<? super T> order) {
    return with(convoy.readyOrder(order));
  }

  /**
   * What happens when a worker fails. An element that will be tried again holds no worker while it
   * waits. Defaults on a plain Flux to no retry and {@link GroupVerdict#FAIL_FLOW}, in a flow to
   * the flow's error policy and {@link GroupVerdict#DEAD_LETTER}.
   */
  public CompeteSpec<T> onFailure(UnaryOperator<FailureSpec> change) {
    return with(convoy.onFailure(change));
  }

  /**
   * How long one run of a worker may take, as {@link ConvoySpec#timeout}. Defaults to no limit.
   *
   * @param timeout more than zero, at most 365 days
   */
  public CompeteSpec<T> timeout(Duration timeout) {
    return with(convoy.timeout(timeout));
  }

  /**
   * How long a worker, and what it has emitted, may go on when its delivery was lost, as {@link
   * ConvoySpec#lossGrace}. Defaults to 5 s.
   *
   * @param lossGrace zero (cancelled at once) or more, at most 365 days
   */
  public CompeteSpec<T> lossGrace(Duration lossGrace) {
    return with(convoy.lossGrace(lossGrace));
  }

  /**
   * Where delays, timeouts, the depth and the latency are timed. Defaults to {@code
   * Schedulers.parallel()}.
   *
   * @throws IllegalArgumentException if it cannot do anything later
   */
  public CompeteSpec<T> timer(Scheduler timer) {
    return with(convoy.timer(timer));
  }

  /** Who hears what happens, and gets the gauges. Defaults to nobody. */
  public CompeteSpec<T> listener(ConvoyListener<? super T> listener) {
    return with(convoy.listener(listener));
  }
}

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
package dev.sluice.convoy;

import dev.sluice.delivery.ErrorPolicy;
import dev.sluice.dispatch.Concurrency;
import dev.sluice.dispatch.DispatchOptions;
import dev.sluice.dispatch.Gate;
import dev.sluice.dispatch.ReadyOrder;
import dev.sluice.time.Timers;
import dev.sluice.time.Times;
import java.time.Duration;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import reactor.core.scheduler.Scheduler;

/**
 * The options of a convoy. Immutable: each method returns a changed copy.
 *
 * @param <T> the elements of the convoy
 */
public final class ConvoySpec<T> implements Cloneable {

  private static final int DEFAULT_CONCURRENCY = 64;
  private static final int LOOK_AHEAD_PER_WORKER = 16;
  private static final int MIN_LOOK_AHEAD = 1024;
  private static final Duration DEFAULT_LOSS_GRACE = Duration.ofSeconds(5);

  /* The fields are assigned only before a copy is given away, in the constructor and in with(). */

  private String name = "groupedConvoy";
  private Concurrency concurrency = Concurrency.fixed(DEFAULT_CONCURRENCY);
  private int lookAhead; // 0: derived from the concurrency
  private FailureSpec failure;
  private @Nullable Duration timeout;
  private Duration lossGrace = DEFAULT_LOSS_GRACE;
  private @Nullable ReadyOrder<? super T> readyOrder;
  private @Nullable Function<? super Scheduler, ? extends Gate> gate;
  private @Nullable Scheduler timer;
  private @Nullable HaltedGroups halted;
  private ConvoyListener<? super T> listener = new ConvoyListener<>() {};

  private ConvoySpec(FailureSpec failure) {
    this.failure = failure;
  }

  /** The defaults, with {@code policy} for failures. */
  static <T> ConvoySpec<T> defaults(ErrorPolicy policy) {
    return new ConvoySpec<>(new FailureSpec(policy, null));
  }

  @SuppressWarnings("unchecked")
  private ConvoySpec<T> with(Consumer<ConvoySpec<T>> change) {
    try {
      ConvoySpec<T> copy = (ConvoySpec<T>) clone();
      change.accept(copy);
      return copy;
    } catch (CloneNotSupportedException e) {
      throw new AssertionError(e);
    }
  }

  /** What the convoy is called in assembly traces and scans. Defaults to groupedConvoy. */
  public ConvoySpec<T> name(String name) {
    Objects.requireNonNull(name, "name");
    return with(copy -> copy.name = name);
  }

  /**
   * How many workers run at once, each for another group. Defaults to 64.
   *
   * @param concurrency 1 or more
   */
  public ConvoySpec<T> concurrency(int concurrency) {
    return concurrency(Concurrency.fixed(concurrency));
  }

  /** How many workers run at once, when that number is to move. Defaults to 64, fixed. */
  public ConvoySpec<T> concurrency(Concurrency concurrency) {
    Objects.requireNonNull(concurrency, "concurrency");
    return with(copy -> copy.concurrency = concurrency);
  }

  /**
   * How many elements may be taken from the source and not be finished: the bound on memory, and on
   * how far a busy group may fill the convoy before the others have to wait for it. Defaults to 16
   * times the largest concurrency, at least 1024.
   *
   * @param lookAhead at least the largest concurrency
   */
  public ConvoySpec<T> lookAhead(int lookAhead) {
    if (lookAhead < 1) {
      throw new IllegalArgumentException("lookAhead: " + lookAhead + " (expected: >= 1)");
    }
    return with(copy -> copy.lookAhead = lookAhead);
  }

  /**
   * What happens when a worker fails. Defaults on a plain Flux to no retry and {@link
   * GroupVerdict#FAIL_FLOW}, in a flow to the flow's error policy and {@link
   * GroupVerdict#DEAD_LETTER}.
   *
   * <p><img class="marble" src="doc-files/groupedConvoyRetry.svg" alt="A failed element waits for
   * its next attempt: its group stays locked, its worker is free">
   */
  public ConvoySpec<T> onFailure(UnaryOperator<FailureSpec> change) {
    FailureSpec changed = Objects.requireNonNull(change.apply(failure), "onFailure");
    return with(copy -> copy.failure = changed);
  }

  /**
   * How long one run of a worker may take, whatever it emits meanwhile and however slowly the
   * subscriber takes it; then it is cancelled and has failed with a {@link
   * java.util.concurrent.TimeoutException}. A worker that is a {@code Callable}, such as {@code
   * Mono.fromCallable}, runs where it is called and cannot be timed out. Defaults to no limit.
   *
   * @param timeout more than zero, at most 365 days
   */
  public ConvoySpec<T> timeout(Duration timeout) {
    Objects.requireNonNull(timeout, "timeout");
    return with(copy -> copy.timeout = timeout);
  }

  /**
   * How long a worker may go on when its delivery was lost, because a lease ran out or a partition
   * was revoked: another consumer may be working on the same message. Then it is cancelled, and
   * values of it that nobody has decided yet, or that still wait for demand, no longer count. Its
   * group stays locked until everything has ended by itself or the grace is over. Defaults to 5 s;
   * without effect on a plain Flux, whose elements nobody can lose.
   *
   * @param lossGrace zero (cancelled at once) or more, at most 365 days
   */
  public ConvoySpec<T> lossGrace(Duration lossGrace) {
    Times.notNegative("lossGrace", lossGrace);
    return with(copy -> copy.lossGrace = lossGrace);
  }

  /**
   * Which group goes next when a worker is free: the one whose current element is the most urgent.
   * Order within a group is kept. Defaults to the one that has waited longest.
   */
  public ConvoySpec<T> readyOrder(ReadyOrder<? super T> order) {
    Objects.requireNonNull(order, "order");
    return with(copy -> copy.readyOrder = order);
  }

  /**
   * What is asked before a worker starts, as {@link dev.sluice.level.LoadLeveling} does for its
   * rate and its circuit breaker. Defaults to nobody.
   *
   * @param gate makes one for each subscription, from the scheduler whose time counts
   */
  public ConvoySpec<T> gate(Function<? super Scheduler, ? extends Gate> gate) {
    Objects.requireNonNull(gate, "gate");
    return with(copy -> copy.gate = gate);
  }

  /**
   * Where the groups are known that a {@link GroupVerdict#HALT_GROUP} has halted, and from where
   * they are let go on. Needed for that verdict, and without effect otherwise.
   */
  public ConvoySpec<T> halted(HaltedGroups halted) {
    Objects.requireNonNull(halted, "halted");
    return with(copy -> copy.halted = halted);
  }

  /**
   * Where delays and timeouts are scheduled. Defaults to {@code Schedulers.parallel()}.
   *
   * @throws IllegalArgumentException if it cannot do anything later
   */
  public ConvoySpec<T> timer(Scheduler timer) {
    Timers.require("timer", timer);
    return with(copy -> copy.timer = timer);
  }

  /** Who hears what the convoy does. Defaults to nobody. */
  public ConvoySpec<T> listener(ConvoyListener<? super T> listener) {
    Objects.requireNonNull(listener, "listener");
    return with(copy -> copy.listener = listener);
  }

  FailureSpec failure() {
    return failure;
  }

  @Nullable ReadyOrder<? super T> readyOrder() {
    return readyOrder;
  }

  @Nullable Function<? super Scheduler, ? extends Gate> gate() {
    return gate;
  }

  @Nullable HaltedGroups halted() {
    return halted;
  }

  Duration lossGrace() {
    return lossGrace;
  }

  SafeListener<T> safeListener() {
    return new SafeListener<>(listener);
  }

  /** Checks the bounds against each other. */
  DispatchOptions dispatchOptions() {
    int derived =
        (int) Math.min(Integer.MAX_VALUE, (long) LOOK_AHEAD_PER_WORKER * concurrency.max());
    return new DispatchOptions(
        name,
        concurrency,
        lookAhead == 0 ? Math.max(MIN_LOOK_AHEAD, derived) : lookAhead,
        timeout,
        timer,
        safeListener()::subscribed);
  }
}

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
package dev.sluice.priority;

import java.time.Duration;
import java.util.Objects;
import java.util.function.BiConsumer;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.ToIntFunction;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.Exceptions;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;

/**
 * The options of {@link PriorityMerge#priorityMerge}. Immutable: each method returns a changed
 * copy.
 *
 * @param <T> the elements
 */
public final class PrioritySpec<T> {

  private static final Logger log = LoggerFactory.getLogger(PriorityMerge.class);

  static final int MAX_PREFETCH = 65_536;
  private static final int DEFAULT_PREFETCH = 16;
  private static final int DEFAULT_MAX_SOURCES = 256;

  private final String name;
  private final Policy<T> policy;
  private final @Nullable Function<? super T, ? extends @Nullable Object> keyOf;
  private final int prefetch;
  private final int maxSources;
  private final boolean delayError;
  private final @Nullable Scheduler timer;
  private final @Nullable Consumer<? super PriorityGauges> observer;

  private PrioritySpec(
      String name,
      Policy<T> policy,
      @Nullable Function<? super T, ? extends @Nullable Object> keyOf,
      int prefetch,
      int maxSources,
      boolean delayError,
      @Nullable Scheduler timer,
      @Nullable Consumer<? super PriorityGauges> observer) {
    this.name = name;
    this.policy = policy;
    this.keyOf = keyOf;
    this.prefetch = prefetch;
    this.maxSources = maxSources;
    this.delayError = delayError;
    this.timer = timer;
    this.observer = observer;
  }

  static <T> PrioritySpec<T> defaults() {
    return new PrioritySpec<>(
        "priorityMerge",
        StrictOrder.policy(),
        null,
        DEFAULT_PREFETCH,
        DEFAULT_MAX_SOURCES,
        false,
        null,
        null);
  }

  private PrioritySpec<T> with(Policy<T> policy) {
    return new PrioritySpec<>(
        name, policy, keyOf, prefetch, maxSources, delayError, timer, observer);
  }

  /** What the merge is called in assembly traces and scans. Defaults to priorityMerge. */
  public PrioritySpec<T> name(String name) {
    Objects.requireNonNull(name, "name");
    return new PrioritySpec<>(
        name, policy, keyOf, prefetch, maxSources, delayError, timer, observer);
  }

  /**
   * The most urgent level that has an element goes first. The default.
   *
   * <p>Bound: an element is overtaken by nothing less urgent. A level starves for as long as the
   * levels above it have something.
   */
  public PrioritySpec<T> strict() {
    return with(StrictOrder.policy());
  }

  /**
   * Levels take turns; in its turn a level emits as many elements as its quantum says. A level that
   * has nothing is passed over, and loses what it has not used of its quantum.
   *
   * <p>Bound: while a level has something, at most as many elements of other levels go between two
   * of its own as their quanta add up to, whatever happens there. So with quanta of 8, 4 and 1 the
   * last level gets at least one emission in 13.
   *
   * @param quanta one for each level, the most urgent first, each 1 or more
   * @throws IllegalArgumentException if a quantum is out of range; when the merge is assembled, if
   *     there are not as many as there are levels
   */
  public PrioritySpec<T> weighted(int... quanta) {
    return with(WeightedOrder.policy(quanta, null));
  }

  /**
   * Like {@link #weighted(int...)}, for elements that cost more or less than others: in its turn a
   * level spends its quantum, and what is not enough for its first element is kept for its next
   * turn (deficit round robin).
   *
   * <p>Bound: before the first element of a level goes, which costs c where the quantum of its
   * level is q, each other level spends at most &#8968;c / q&#8969; times its quantum and the cost
   * of its dearest element.
   *
   * @param cost what an element costs, 1 or more, in the unit of the quanta; asked once for each
   *     element, inside the operator, so it must be quick. What it throws ends the sequence
   * @param quanta one for each level, the most urgent first, each 1 or more
   * @throws IllegalArgumentException as {@link #weighted(int...)}
   */
  public PrioritySpec<T> weighted(ToIntFunction<? super T> cost, int... quanta) {
    return with(WeightedOrder.policy(quanta, Objects.requireNonNull(cost, "cost")));
  }

  /**
   * An element becomes as urgent as the next level after it has waited for {@code step}: the one
   * goes first for which the time at which it came, plus {@code step} for each level below the most
   * urgent one, is earliest.
   *
   * <p>Bound: an element is overtaken only by those of a more urgent level that came after it by no
   * more than {@code step} times the number of levels between them.
   *
   * <p>Time is read when elements come, once for those that a source delivers in answer to one
   * request, and never while they wait.
   *
   * @param step more than zero, at most 365 days
   * @throws IllegalArgumentException if the step is out of range
   */
  public PrioritySpec<T> aging(Duration step) {
    return with(AgingOrder.policy(step));
  }

  /**
   * Within a level, keys take turns: a key with many elements leaves room for those with few. By
   * default the sources of a level take turns, or, with {@link #aging}, the oldest element goes.
   * Only what has been delivered is regrouped, so a key waits for its turn among at most {@link
   * #prefetch} elements of each source of the level; raise that to look further ahead. A key is
   * known only while it has something.
   *
   * <p>Bound: of an element with n of its key before it, at most n + 1 elements of each other key
   * of its level that is waiting go before it. With {@link #aging} the oldest element of a level
   * says how urgent the level is, and the turn says which of its elements goes.
   *
   * @param keyOf the key of an element; null is a key too. Compared by {@code equals}; called
   *     inside the operator, so it must be quick. What it throws ends the sequence
   */
  public PrioritySpec<T> fairBy(Function<? super T, ? extends @Nullable Object> keyOf) {
    Objects.requireNonNull(keyOf, "keyOf");
    return new PrioritySpec<>(
        name, policy, keyOf, prefetch, maxSources, delayError, timer, observer);
  }

  /**
   * How many elements of a source are asked for and not emitted: the bound on what waits here, and
   * on how long an urgent element can be late to a decision because a foreign source is slow to
   * answer. Which element goes is decided when it goes, so this lets nothing overtake. Defaults to
   * 16.
   *
   * @param prefetch 1 to 65536
   */
  public PrioritySpec<T> prefetch(int prefetch) {
    if (prefetch < 1 || prefetch > MAX_PREFETCH) {
      throw new IllegalArgumentException(
          "prefetch: " + prefetch + " (expected: 1.." + MAX_PREFETCH + ")");
    }
    return new PrioritySpec<>(
        name, policy, keyOf, prefetch, maxSources, delayError, timer, observer);
  }

  /**
   * How many sources that come while the merge runs are subscribed to at once; further ones are
   * asked for when others have ended. Defaults to 256; without effect on a list of sources, all of
   * which are subscribed to.
   *
   * @param maxSources 1 or more
   */
  public PrioritySpec<T> maxSources(int maxSources) {
    if (maxSources < 1) {
      throw new IllegalArgumentException("maxSources: " + maxSources + " (expected: >= 1)");
    }
    return new PrioritySpec<>(
        name, policy, keyOf, prefetch, maxSources, delayError, timer, observer);
  }

  /**
   * Whether an error of a source waits until every source has ended and everything is emitted.
   * Defaults to false: the first error ends the sequence at once, as in {@code Flux.merge}.
   */
  public PrioritySpec<T> delayError(boolean delayError) {
    return new PrioritySpec<>(
        name, policy, keyOf, prefetch, maxSources, delayError, timer, observer);
  }

  /** Whose time is read. Defaults to {@code Schedulers.parallel()}; nothing is scheduled on it. */
  public PrioritySpec<T> timer(Scheduler timer) {
    Objects.requireNonNull(timer, "timer");
    return new PrioritySpec<>(
        name, policy, keyOf, prefetch, maxSources, delayError, timer, observer);
  }

  /**
   * Who is given the gauges of each subscription. Defaults to nobody, and then the time at which
   * elements come is read by the policy that needs it only. What it throws is logged and otherwise
   * ignored.
   */
  public PrioritySpec<T> observer(Consumer<? super PriorityGauges> observer) {
    Objects.requireNonNull(observer, "observer");
    return new PrioritySpec<>(
        name, policy, keyOf, prefetch, maxSources, delayError, timer, observer);
  }

  /**
   * The same options for other elements.
   *
   * @param view what the functions of the options see of an element
   * @param failed is told of an element for which one has thrown, which goes on without a key, at a
   *     cost of 1
   */
  <S> PrioritySpec<S> over(
      Function<? super S, ? extends T> view, BiConsumer<? super S, ? super Throwable> failed) {
    PrioritySpec<S> other =
        new PrioritySpec<S>(
            name,
            policy.over(cost -> element -> costOrOne(cost, view, failed, element)),
            null,
            prefetch,
            maxSources,
            delayError,
            timer,
            observer);
    Function<? super T, ? extends @Nullable Object> key = keyOf;
    if (key == null) {
      return other;
    }
    Function<S, @Nullable Object> keyOrNull = element -> keyOrNull(key, view, failed, element);
    return other.fairBy(keyOrNull);
  }

  private static <S, T> int costOrOne(
      ToIntFunction<? super T> cost,
      Function<? super S, ? extends T> view,
      BiConsumer<? super S, ? super Throwable> failed,
      S element) {
    try {
      return WeightedOrder.inRange(cost.applyAsInt(view.apply(element)));
    } catch (Throwable e) {
      failed.accept(element, e);
      return 1;
    }
  }

  private static <S, T> @Nullable Object keyOrNull(
      Function<? super T, ? extends @Nullable Object> key,
      Function<? super S, ? extends T> view,
      BiConsumer<? super S, ? super Throwable> failed,
      S element) {
    try {
      return key.apply(view.apply(element));
    } catch (Throwable e) {
      failed.accept(element, e);
      return null;
    }
  }

  String name() {
    return name;
  }

  /** Checks what depends on the number of levels. */
  void check(int levels) {
    policy.check(levels);
  }

  Order<T> order(int levels, BooleanSupplier halted) {
    return policy.order(levels, halted);
  }

  /** A line for each level, if keys take turns. */
  KeyedLine<T> @Nullable [] keyedLines(int levels) {
    if (keyOf == null) {
      return null;
    }
    @SuppressWarnings({"unchecked", "rawtypes"})
    KeyedLine<T>[] lines = new KeyedLine[levels];
    for (int level = 0; level < levels; level++) {
      lines[level] = new KeyedLine<>(level, keyOf);
    }
    return lines;
  }

  boolean isTimed() {
    return policy.isTimed() || isObserved();
  }

  boolean isObserved() {
    return observer != null;
  }

  int prefetch() {
    return prefetch;
  }

  int maxSources() {
    return maxSources;
  }

  boolean isErrorDelayed() {
    return delayError;
  }

  Scheduler timer() {
    return timer == null ? Schedulers.parallel() : timer;
  }

  void tellObserver(PriorityGauges gauges) {
    if (observer != null) {
      try {
        observer.accept(gauges);
      } catch (Throwable t) {
        Exceptions.throwIfJvmFatal(t);
        log.warn("the observer of {} threw", name, t);
      }
    }
  }
}

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
package dev.sluice.level;

import dev.sluice.convoy.ConvoyListener;
import dev.sluice.convoy.ConvoySpec;
import dev.sluice.convoy.FailureSpec;
import dev.sluice.convoy.GroupVerdict;
import dev.sluice.dispatch.Concurrency;
import dev.sluice.dispatch.ReadyOrder;
import dev.sluice.time.Timers;
import io.github.resilience4j.circuitbreaker.CircuitBreaker;
import java.time.Duration;
import java.util.Comparator;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import reactor.core.scheduler.Scheduler;

/**
 * The options of {@link LoadLeveling}. Immutable: each method returns a changed copy.
 *
 * @param <T> the elements
 */
public final class LevelSpec<T> implements Cloneable {

  private static final int DEFAULT_CONCURRENCY = 64;
  private static final int AHEAD_PER_WORKER = 4; // leaves room for what sleeps

  /**
   * With an order, elements are taken when they come: only then is there no room when it is full.
   */
  private static final ReadyOrder<Object> AS_THEY_CAME =
      ReadyOrder.mostUrgentFirst(Comparator.comparingInt(unused -> 0));

  /* The fields are assigned only before a copy is given away, in the constructor and in with(). */

  private UnaryOperator<ConvoySpec<T>> convoy = UnaryOperator.identity();
  private String name = "loadLevel";
  private int capacity = 256;
  private Overflow overflow = Overflow.BACKPRESSURE;
  private @Nullable Rate rate;
  private @Nullable Concurrency concurrency;
  private @Nullable CircuitBreaker breaker;
  private @Nullable String forWorkers; // an option that is set and makes sense only with workers
  private ConvoyListener<? super T> listener = new ConvoyListener<>() {};

  private LevelSpec() {}

  /** What a user's function makes of the defaults. */
  static <T> LevelSpec<T> of(UnaryOperator<LevelSpec<T>> change) {
    Objects.requireNonNull(change, "spec");
    return Objects.requireNonNull(change.apply(new LevelSpec<>()), "spec");
  }

  @SuppressWarnings("unchecked")
  private LevelSpec<T> with(Consumer<LevelSpec<T>> change) {
    try {
      LevelSpec<T> copy = (LevelSpec<T>) clone();
      change.accept(copy);
      return copy;
    } catch (CloneNotSupportedException e) {
      throw new AssertionError(e);
    }
  }

  private LevelSpec<T> withConvoy(UnaryOperator<ConvoySpec<T>> change) {
    UnaryOperator<ConvoySpec<T>> before = convoy;
    return with(copy -> copy.convoy = spec -> change.apply(before.apply(spec)));
  }

  private LevelSpec<T> needsWorker(String option) {
    return with(copy -> copy.forWorkers = option);
  }

  // == what users set ==

  /** What the operator is called in assembly traces and scans. Defaults to loadLevel. */
  public LevelSpec<T> name(String name) {
    Objects.requireNonNull(name, "name");
    return with(copy -> copy.name = name);
  }

  /**
   * How often, evenly: {@link #rate(int, Duration, int)} with a burst of 1.
   *
   * @param permits how many, 1 or more
   * @param per in which time, more than zero
   */
  public LevelSpec<T> rate(int permits, Duration per) {
    return rate(permits, per, 1);
  }

  /**
   * How often: a bucket that holds {@code burst} permits, is full at the beginning and is refilled
   * evenly, {@code permits} in {@code per}. Over any time t at most {@code burst + t · permits /
   * per} elements go. A retry takes a permit too. Each subscription has a bucket of its own.
   *
   * <p>A timer wakes the operator when the next permit is due. What it is late by is made up for
   * only as far as the burst allows, so for more than some hundred a second allow a burst: what
   * comes in ten milliseconds, say. Defaults to no limit.
   *
   * @param permits how many, 1 or more
   * @param per in which time, more than zero, at most 365 days; together at most a thousand in a
   *     millisecond
   * @param burst how many at once, 1 or more, and not more than come in 365 days
   */
  public LevelSpec<T> rate(int permits, Duration per, int burst) {
    Rate changed = Rate.of(permits, per, burst);
    return with(copy -> copy.rate = changed);
  }

  /**
   * How many elements may wait: for a permit, for the circuit breaker, for a worker. With the
   * elements that are worked on it bounds what is taken from the source. Defaults to 256.
   *
   * @param capacity 1 or more
   */
  public LevelSpec<T> capacity(int capacity) {
    if (capacity < 1) {
      throw new IllegalArgumentException("capacity: " + capacity + " (expected: >= 1)");
    }
    return with(copy -> copy.capacity = capacity);
  }

  /**
   * What happens when another one comes. Defaults to {@link Overflow#BACKPRESSURE}; in a flow the
   * alternative is {@link Overflow#REJECT}.
   */
  public LevelSpec<T> onOverflow(Overflow overflow) {
    Objects.requireNonNull(overflow, "overflow");
    return with(copy -> copy.overflow = overflow);
  }

  /**
   * How many workers run at once. Defaults to 64. Only with a worker.
   *
   * @param concurrency 1 or more
   */
  public LevelSpec<T> concurrency(int concurrency) {
    return concurrency(Concurrency.fixed(concurrency));
  }

  /**
   * How many workers run at once, when that number is to follow the depth of the queue or the
   * latency of the work. Only with a worker.
   */
  public LevelSpec<T> concurrency(Concurrency concurrency) {
    Objects.requireNonNull(concurrency, "concurrency");
    return with(copy -> copy.concurrency = concurrency).needsWorker("concurrency");
  }

  /**
   * The circuit breaker in front of the workers. Each run of a worker is a call: how it ends and
   * how long it takes is what the breaker hears, and its own configuration says what is a failure.
   * While it permits no calls no worker starts and no attempt is used up: elements wait, and then
   * their source does. Only with a worker. Defaults to none.
   *
   * <p>A breaker that has refused is asked again after a tenth of its first wait in the open state,
   * but at most a second; so its {@code notPermitted} count tells how long it was in the way and
   * not how many elements waited. It may be shared with others that call the same service. An
   * element whose message has expired or was lost is no call; neither is one that was cancelled.
   *
   * <p>What fails for reasons of its own says nothing of the service, so a breaker for messages
   * should ignore poison: {@code ignoreException(e -> ErrorClassifier.defaults().classify(e) ==
   * POISON)}.
   */
  public LevelSpec<T> breaker(CircuitBreaker breaker) {
    Objects.requireNonNull(breaker, "breaker");
    return with(copy -> copy.breaker = breaker).needsWorker("breaker");
  }

  /**
   * What happens when a worker fails. An element that will be tried again holds no worker while it
   * waits. Defaults on a plain Flux to no retry and {@link GroupVerdict#FAIL_FLOW}, in a flow to
   * the flow's error policy and {@link GroupVerdict#DEAD_LETTER}. Only with a worker.
   */
  public LevelSpec<T> onFailure(UnaryOperator<FailureSpec> change) {
    Objects.requireNonNull(change, "change");
    return withConvoy(spec -> spec.onFailure(change)).needsWorker("onFailure");
  }

  /**
   * How long one run of a worker may take, as {@link ConvoySpec#timeout}. Defaults to no limit.
   * Only with a worker.
   *
   * @param timeout more than zero, at most 365 days
   */
  public LevelSpec<T> timeout(Duration timeout) {
    Objects.requireNonNull(timeout, "timeout");
    return withConvoy(spec -> spec.timeout(timeout)).needsWorker("timeout");
  }

  /**
   * How long a worker, and what it has emitted, may go on when its delivery was lost, as {@link
   * ConvoySpec#lossGrace}. Defaults to 5 s.
   *
   * @param lossGrace zero (cancelled at once) or more, at most 365 days
   */
  public LevelSpec<T> lossGrace(Duration lossGrace) {
    Objects.requireNonNull(lossGrace, "lossGrace");
    return withConvoy(spec -> spec.lossGrace(lossGrace));
  }

  /**
   * Where rate, delays and timeouts are timed. Defaults to {@code Schedulers.parallel()}.
   *
   * @throws IllegalArgumentException if it cannot do anything later
   */
  public LevelSpec<T> timer(Scheduler timer) {
    Timers.require("timer", timer);
    return withConvoy(spec -> spec.timer(timer));
  }

  /** Who hears what happens, of refused and dropped elements too. Defaults to nobody. */
  public LevelSpec<T> listener(ConvoyListener<? super T> listener) {
    Objects.requireNonNull(listener, "listener");
    return withConvoy(spec -> spec.listener(listener)).with(copy -> copy.listener = listener);
  }

  // == what is made of it ==

  String name() {
    return name;
  }

  int capacity() {
    return capacity;
  }

  Overflow overflow() {
    return overflow;
  }

  ConvoyListener<? super T> listener() {
    return listener;
  }

  LevelSpec<T> withoutWorker() {
    if (forWorkers != null) {
      throw new IllegalArgumentException(forWorkers + ": set (expected: only with a worker)");
    }
    return this;
  }

  /**
   * Those of the convoy in which nothing has a group.
   *
   * @param onRequest whether elements pass one by one, when they are requested
   */
  UnaryOperator<ConvoySpec<T>> convoy(boolean onRequest) {
    Concurrency workers =
        Objects.requireNonNullElseGet(
            concurrency, () -> Concurrency.fixed(onRequest ? 1 : DEFAULT_CONCURRENCY));
    int ahead = ahead(onRequest, workers.max());
    return defaults -> {
      ConvoySpec<T> spec = convoy.apply(defaults).name(name).concurrency(workers).lookAhead(ahead);
      if (overflow == Overflow.REJECT || overflow == Overflow.DROP_NEWEST) {
        spec = spec.readyOrder(AS_THEY_CAME);
      }
      return onRequest || rate != null || breaker != null
          ? spec.gate(timer -> new LevelGate(onRequest, rate, breaker, timer))
          : spec;
    };
  }

  private int ahead(boolean onRequest, int workers) {
    long ahead = (long) capacity + workers;
    if (overflow == Overflow.DROP_OLDEST) { // what may be dropped waits in front
      ahead = onRequest ? 1 : (long) AHEAD_PER_WORKER * workers;
    }
    return (int) Math.min(Integer.MAX_VALUE, ahead);
  }
}

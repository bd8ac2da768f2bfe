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
package dev.sluice.dispatch;

import dev.sluice.Experimental;
import dev.sluice.delivery.ErrorClassifier;
import dev.sluice.delivery.StaleDelivery;
import dev.sluice.time.Times;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import java.util.function.Supplier;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Scheduler;

/**
 * How many workers run at once: a fixed number, or one that follows what waits or how long work
 * takes. A recipe, from which each subscription makes a limit of its own; immutable.
 *
 * <p>A limit that rises takes effect at once. One that falls interrupts nobody: running workers
 * end, and fewer are started.
 */
@Experimental
public abstract sealed class Concurrency {

  /** The largest number this can become. */
  public abstract int max();

  /**
   * The limit of one subscription.
   *
   * @param timer where time is read and waited for
   * @param risen to be called after the limit has risen, unless that was inside the drain
   */
  abstract Limit start(Scheduler timer, Runnable risen);

  /**
   * Always the same.
   *
   * @param concurrency 1 or more
   */
  public static Concurrency fixed(int concurrency) {
    return new Fixed(concurrency);
  }

  /**
   * As many workers as it takes for each to have no more than so many messages: {@code depth /
   * messagesPerWorker}, rounded up. The depth is asked for at once and again 5 s after each answer;
   * it starts at the minimum. More workers run at once when the queue is deeper, fewer only when it
   * has been shallower for the whole cool-down.
   *
   * @param depth how many messages wait, for example {@code channel::depth}; an empty answer, an
   *     error, or one that takes longer than the poll interval changes nothing
   * @param messagesPerWorker how many messages one worker is good for, 1 or more
   * @param min the fewest workers, 1 or more
   * @param max the most workers, at least {@code min}
   */
  public static ByDepth byDepth(
      Supplier<? extends Mono<Long>> depth, long messagesPerWorker, int min, int max) {
    return new ByDepth(
        depth, messagesPerWorker, min, max, Duration.ofSeconds(5), Duration.ofSeconds(60));
  }

  /**
   * As many workers as a service can take at a given latency: one more after each round in which
   * half of the work or more was done in time, as long as the limit is what kept the rest waiting;
   * a tenth fewer after one in which it was not; half as many when work fails as it does under
   * overload, at most once for what was running then. Starts at the minimum.
   *
   * <p>A round is as many ended workers as the limit, at least 8.
   *
   * @param target how long work may take, from the call of the worker function to the end of its
   *     publisher; more than zero, at most 365 days
   * @param min the fewest workers, 1 or more
   * @param max the most workers, at least {@code min}
   */
  public static ByLatency byLatency(Duration target, int min, int max) {
    return new ByLatency(
        target,
        min,
        max,
        error ->
            !(error instanceof StaleDelivery)
                && ErrorClassifier.defaults().classify(error) == ErrorClassifier.Kind.TRANSIENT);
  }

  private static void check(String name, long value, long least) {
    if (value < least) {
      throw new IllegalArgumentException(name + ": " + value + " (expected: >= " + least + ")");
    }
  }

  private static final class Fixed extends Concurrency {
    private final int concurrency;

    Fixed(int concurrency) {
      check("concurrency", concurrency, 1);
      this.concurrency = concurrency;
    }

    @Override
    public int max() {
      return concurrency;
    }

    @Override
    Limit start(Scheduler timer, Runnable risen) {
      return new Limit(concurrency);
    }

    @Override
    public String toString() {
      return Integer.toString(concurrency);
    }
  }

  /** Follows the depth of a queue. Immutable. */
  public static final class ByDepth extends Concurrency {
    final Supplier<? extends Mono<Long>> depth;
    final long messagesPerWorker;
    final int min;
    private final int max;
    final Duration pollInterval;
    final Duration coolDown;

    private ByDepth(
        Supplier<? extends Mono<Long>> depth,
        long messagesPerWorker,
        int min,
        int max,
        Duration pollInterval,
        Duration coolDown) {
      this.depth = Objects.requireNonNull(depth, "depth");
      check("messagesPerWorker", messagesPerWorker, 1);
      check("min", min, 1);
      check("max", max, min);
      Times.positive("pollInterval", pollInterval);
      Times.notNegative("coolDown", coolDown);
      this.messagesPerWorker = messagesPerWorker;
      this.min = min;
      this.max = max;
      this.pollInterval = pollInterval;
      this.coolDown = coolDown;
    }

    /**
     * How long after an answer the depth is asked for again. Defaults to 5 s.
     *
     * @param pollInterval more than zero, at most 365 days
     */
    public ByDepth pollInterval(Duration pollInterval) {
      return new ByDepth(depth, messagesPerWorker, min, max, pollInterval, coolDown);
    }

    /**
     * How long the queue must have been shallower before fewer workers run; then as many as the
     * most that it was good for in that time. Defaults to 60 s.
     *
     * @param time zero or more, at most 365 days
     */
    public ByDepth coolDown(Duration time) {
      return new ByDepth(depth, messagesPerWorker, min, max, pollInterval, time);
    }

    @Override
    public int max() {
      return max;
    }

    @Override
    Limit start(Scheduler timer, Runnable risen) {
      return new DepthLimit(this, timer, risen);
    }

    @Override
    public String toString() {
      return "by depth, " + min + ".." + max;
    }
  }

  /** Follows the latency of the work. Immutable. */
  public static final class ByLatency extends Concurrency {
    final long targetNanos;
    final int min;
    private final int max;
    final Predicate<? super Throwable> overload;

    private ByLatency(Duration target, int min, int max, Predicate<? super Throwable> overload) {
      Times.positive("target", target);
      check("min", min, 1);
      check("max", max, min);
      this.targetNanos = TimeUnit.NANOSECONDS.convert(target);
      this.min = min;
      this.max = max;
      this.overload = Objects.requireNonNull(overload, "overload");
    }

    private ByLatency(ByLatency other, Predicate<? super Throwable> overload) {
      this(Duration.ofNanos(other.targetNanos), other.min, other.max, overload);
    }

    /**
     * Which errors of workers are signs of overload. Defaults to those that {@link
     * ErrorClassifier#defaults()} calls transient, timeouts among them, but not the loss of a
     * delivery.
     */
    public ByLatency overload(Predicate<? super Throwable> overload) {
      return new ByLatency(this, overload);
    }

    @Override
    public int max() {
      return max;
    }

    @Override
    Limit start(Scheduler timer, Runnable risen) {
      return new LatencyLimit(this);
    }

    @Override
    public String toString() {
      return "by latency, " + min + ".." + max;
    }
  }
}

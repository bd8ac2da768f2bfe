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
package dev.sluice.routing;

import dev.sluice.Experimental;
import dev.sluice.time.Timers;
import dev.sluice.time.Times;
import java.time.Duration;
import java.util.Objects;
import java.util.function.UnaryOperator;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;

/** The options of a {@link WireTap}. Immutable: each method returns a changed copy. */
@Experimental
public final class WireTapSpec {

  private final int capacity;
  private final Duration timeout;
  private final Scheduler scheduler;
  private final WireTapListener listener;

  private WireTapSpec(
      int capacity, Duration timeout, Scheduler scheduler, WireTapListener listener) {
    this.capacity = capacity;
    this.timeout = timeout;
    this.scheduler = scheduler;
    this.listener = listener;
  }

  static WireTapSpec of(UnaryOperator<WireTapSpec> change) {
    WireTapSpec defaults =
        new WireTapSpec(
            256, Duration.ofSeconds(10), Schedulers.parallel(), new WireTapListener() {});
    return Objects.requireNonNull(
        Objects.requireNonNull(change, "spec").apply(defaults), "the function gave null");
  }

  /**
   * How many elements may wait for their tap or be in it; those that come on top are not tapped.
   * Defaults to 256.
   *
   * @param capacity 1..65536
   */
  public WireTapSpec capacity(int capacity) {
    if (capacity < 1 || capacity > 65536) {
      throw new IllegalArgumentException("capacity: " + capacity + " (expected: 1..65536)");
    }
    return new WireTapSpec(capacity, timeout, scheduler, listener);
  }

  /**
   * How long tapping one element may take before it is cancelled. Defaults to 10 s.
   *
   * @param timeout more than zero, at most 365 days
   */
  public WireTapSpec timeout(Duration timeout) {
    Times.positive("timeout", timeout);
    return new WireTapSpec(capacity, timeout, scheduler, listener);
  }

  /**
   * Where elements are tapped, so that the source need not wait for it, and where its timeout is
   * timed. Each subscription uses one worker of it. Defaults to {@link Schedulers#parallel()}.
   *
   * @throws IllegalArgumentException if it cannot do anything later
   */
  public WireTapSpec scheduler(Scheduler scheduler) {
    return new WireTapSpec(capacity, timeout, Timers.require("scheduler", scheduler), listener);
  }

  /** Hears what was missed and what has failed. Defaults to nobody. */
  public WireTapSpec listener(WireTapListener listener) {
    return new WireTapSpec(
        capacity, timeout, scheduler, Objects.requireNonNull(listener, "listener"));
  }

  int capacity() {
    return capacity;
  }

  Duration timeout() {
    return timeout;
  }

  Scheduler scheduler() {
    return scheduler;
  }

  WireTapListener listener() {
    return listener;
  }
}

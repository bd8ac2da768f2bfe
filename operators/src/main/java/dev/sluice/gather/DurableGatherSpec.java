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

import dev.sluice.time.Times;
import java.time.Duration;
import java.util.Objects;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;

/** The options of a {@link DurableGather}. Immutable: each method returns a changed copy. */
public final class DurableGatherSpec implements Cloneable {

  // Assigned only before a copy is given away.
  private Duration within = Duration.ofMinutes(1);
  private int first; // 0: all
  private Duration lease = Duration.ofSeconds(30);
  private Duration retention = Duration.ofDays(7);
  private int concurrency = 64;
  private @Nullable Scheduler timer;

  private DurableGatherSpec() {}

  static DurableGatherSpec defaults() {
    return new DurableGatherSpec();
  }

  private DurableGatherSpec with(Consumer<DurableGatherSpec> change) {
    try {
      DurableGatherSpec copy = (DurableGatherSpec) clone();
      change.accept(copy);
      return copy;
    } catch (CloneNotSupportedException e) {
      throw new AssertionError(e);
    }
  }

  /**
   * The time for all replies, from when a request was scattered first, whoever dies meanwhile. Then
   * {@link DurableGather#finishOverdue} ends it with what has come. Defaults to 1 min.
   *
   * @param within more than zero, at most 365 days
   */
  public DurableGatherSpec within(Duration within) {
    Times.positive("within", within);
    return with(copy -> copy.within = within);
  }

  /**
   * Ends it with so many answers; replies that come later are late. Defaults to all: every
   * recipient has replied, whatever that is.
   *
   * @param n 1 or more, and not more than there are recipients
   */
  public DurableGatherSpec first(int n) {
    if (n < 1) {
      throw new IllegalArgumentException("first: " + n + " (expected: >= 1)");
    }
    return with(copy -> copy.first = n);
  }

  /**
   * After how long somebody else may complete what a process that has died was completing. Longer
   * than to combine and send the result takes. Defaults to 30 s.
   *
   * @param lease more than zero, at most 365 days
   */
  public DurableGatherSpec lease(Duration lease) {
    Times.positive("lease", lease);
    return with(copy -> copy.lease = lease);
  }

  /**
   * How long it is remembered that a gather was completed: longer than a reply, or the request
   * again, may take to come. Defaults to 7 days.
   *
   * @param retention more than zero, at most 3650 days
   */
  public DurableGatherSpec retention(Duration retention) {
    Times.retention("retention", retention);
    return with(copy -> copy.retention = retention);
  }

  /**
   * How many replies a flow works on at once. Defaults to 64.
   *
   * @param concurrency 1 or more
   */
  public DurableGatherSpec concurrency(int concurrency) {
    if (concurrency < 1) {
      throw new IllegalArgumentException("concurrency: " + concurrency + " (expected: >= 1)");
    }
    return with(copy -> copy.concurrency = concurrency);
  }

  /** The clock by which requests expire. Defaults to Schedulers.parallel(). */
  public DurableGatherSpec timer(Scheduler timer) {
    Objects.requireNonNull(timer, "timer");
    return with(copy -> copy.timer = timer);
  }

  // == values ==

  Duration within() {
    return within;
  }

  /** How many answers are enough; 0 if all replies are wanted. */
  int first() {
    return first;
  }

  Duration lease() {
    return lease;
  }

  Duration retention() {
    return retention;
  }

  int concurrency() {
    return concurrency;
  }

  Scheduler timer() {
    return timer == null ? Schedulers.parallel() : timer;
  }
}

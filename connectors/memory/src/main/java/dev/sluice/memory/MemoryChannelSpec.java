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
package dev.sluice.memory;

import dev.sluice.time.Timers;
import dev.sluice.time.Times;
import java.time.Duration;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;

/** The options of a {@link MemoryChannel}. Immutable: each method returns a changed copy. */
public final class MemoryChannelSpec {

  private final int capacity;
  private final Duration maxLease;
  private final Scheduler scheduler;

  private MemoryChannelSpec(int capacity, Duration maxLease, Scheduler scheduler) {
    this.capacity = capacity;
    this.maxLease = maxLease;
    this.scheduler = scheduler;
  }

  static MemoryChannelSpec defaults() {
    return new MemoryChannelSpec(100_000, Duration.ofHours(1), Schedulers.parallel());
  }

  /**
   * How many messages the channel holds, those that are out included. When it is full, that many
   * sends wait; a further one fails. Defaults to 100 000.
   *
   * @param capacity 1 or more
   */
  public MemoryChannelSpec capacity(int capacity) {
    if (capacity < 1) {
      throw new IllegalArgumentException("capacity: " + capacity + " (expected: >= 1)");
    }
    return new MemoryChannelSpec(capacity, maxLease, scheduler);
  }

  /**
   * How long a consumer may keep a delivery undecided before it goes to another one. A live
   * consumer's lease is renewed up to this limit, so it is what bounds a worker that hangs.
   * Defaults to 1 hour.
   *
   * @param maxLease more than zero, at most 365 days
   */
  public MemoryChannelSpec maxLease(Duration maxLease) {
    Times.positive("maxLease", maxLease);
    return new MemoryChannelSpec(capacity, maxLease, scheduler);
  }

  /**
   * Where deliveries are emitted, and what tells the time for delays and leases. Each consumer has
   * a worker of it for itself. Defaults to {@code Schedulers.parallel()}.
   *
   * @throws IllegalArgumentException if it cannot do anything later
   */
  public MemoryChannelSpec scheduler(Scheduler scheduler) {
    return new MemoryChannelSpec(capacity, maxLease, Timers.require("scheduler", scheduler));
  }

  int capacity() {
    return capacity;
  }

  Duration maxLease() {
    return maxLease;
  }

  Scheduler scheduler() {
    return scheduler;
  }
}

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
package dev.sluice.parking;

import dev.sluice.time.Timers;
import dev.sluice.time.Times;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;

/** The options of parking. Immutable: each method returns a changed copy. */
public final class ParkingSpec {

  static final ParkingSpec DEFAULT =
      new ParkingSpec(Duration.ofSeconds(1), 16, Duration.ofSeconds(30), null);

  private static final int MOST_AT_ONCE = 1_000;

  private final Duration pollInterval;
  private final int concurrency;
  private final Duration lease;
  private final @Nullable Scheduler timer;

  private ParkingSpec(
      Duration pollInterval, int concurrency, Duration lease, @Nullable Scheduler timer) {
    this.pollInterval = pollInterval;
    this.concurrency = concurrency;
    this.lease = lease;
    this.timer = timer;
  }

  /**
   * How often the flow looks for groups that were released. Defaults to 1 s.
   *
   * @param pollInterval more than zero, at most 365 days
   */
  public ParkingSpec pollInterval(Duration pollInterval) {
    return new ParkingSpec(Times.positive("pollInterval", pollInterval), concurrency, lease, timer);
  }

  /**
   * How many released groups the flow works on at once, one message of each. Defaults to 16.
   *
   * @param concurrency 1..1000
   */
  public ParkingSpec concurrency(int concurrency) {
    if (concurrency < 1 || concurrency > MOST_AT_ONCE) {
      throw new IllegalArgumentException(
          "concurrency: " + concurrency + " (expected: 1.." + MOST_AT_ONCE + ")");
    }
    return new ParkingSpec(pollInterval, concurrency, lease, timer);
  }

  /**
   * For how long a flow that has died keeps others from the groups that it worked on. It is renewed
   * at a third. Defaults to 30 s.
   *
   * @param lease more than zero, at most 365 days
   */
  public ParkingSpec lease(Duration lease) {
    return new ParkingSpec(pollInterval, concurrency, Times.positive("lease", lease), timer);
  }

  /**
   * Where waits are scheduled. Defaults to {@code Schedulers.parallel()}.
   *
   * @throws IllegalArgumentException if it cannot do anything later
   */
  public ParkingSpec timer(Scheduler timer) {
    return new ParkingSpec(pollInterval, concurrency, lease, Timers.require("timer", timer));
  }

  Duration pollInterval() {
    return pollInterval;
  }

  int concurrency() {
    return concurrency;
  }

  Duration lease() {
    return lease;
  }

  Scheduler timer() {
    return timer == null ? Schedulers.parallel() : timer;
  }
}

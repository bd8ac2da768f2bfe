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
package dev.sluice.supervisor;

import dev.sluice.Experimental;
import dev.sluice.time.Timers;
import dev.sluice.time.Times;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;

/** How steps are sent out. Immutable: each method returns a changed copy. */
@Experimental
public final class SchedulerSpec {

  static final SchedulerSpec DEFAULT =
      new SchedulerSpec(Duration.ofSeconds(1), Duration.ofMinutes(1), null);

  private final Duration pollInterval;
  private final Duration again;
  private final @Nullable Scheduler timer;

  private SchedulerSpec(Duration pollInterval, Duration again, @Nullable Scheduler timer) {
    this.pollInterval = pollInterval;
    this.again = again;
    this.timer = timer;
  }

  /**
   * How often it is looked for steps to be sent, give or take a quarter, beside when the store
   * hints that there are. Defaults to 1 s.
   *
   * @param pollInterval 1 ms to 1 day
   */
  public SchedulerSpec pollInterval(Duration pollInterval) {
    return new SchedulerSpec(between("pollInterval", pollInterval, 1), again, timer);
  }

  /**
   * After how long a step is sent again that nobody has claimed: its message may be lost, or never
   * have been sent. Longer than a message usually waits on its channel, because each adds one; the
   * second is absorbed. As long may a send take. Defaults to 1 min.
   *
   * @param again 10 ms to 1 day
   */
  public SchedulerSpec again(Duration again) {
    return new SchedulerSpec(pollInterval, between("again", again, 10), timer);
  }

  /**
   * Where times are measured and scheduled. Defaults to {@code Schedulers.parallel()}.
   *
   * @throws IllegalArgumentException if it cannot do anything later
   */
  public SchedulerSpec timer(Scheduler timer) {
    return new SchedulerSpec(pollInterval, again, Timers.require("timer", timer));
  }

  static Duration between(String option, Duration time, long leastMillis) {
    return Times.between(option, time, Duration.ofMillis(leastMillis), Duration.ofDays(1));
  }

  Duration pollInterval() {
    return pollInterval;
  }

  Duration again() {
    return again;
  }

  Scheduler timer() {
    return timer == null ? Schedulers.parallel() : timer;
  }
}

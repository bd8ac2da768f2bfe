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
import dev.sluice.store.LeaseThread;
import dev.sluice.time.Timers;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import reactor.core.scheduler.Scheduler;

/** How an agent works. Immutable: each method returns a changed copy. */
@Experimental
public final class AgentSpec {

  static final AgentSpec DEFAULT = new AgentSpec(Duration.ofSeconds(30), null);

  private static final Scheduler LEASES = LeaseThread.named("sluice-agent-leases");

  private final Duration lease;
  private final @Nullable Scheduler timer;

  private AgentSpec(Duration lease, @Nullable Scheduler timer) {
    this.lease = lease;
    this.timer = timer;
  }

  /**
   * How long a step belongs to the agent after the agent has last been heard of: so long a step
   * waits whose agent has died. It is renewed at a third; when two thirds have passed without an
   * answer, the work is cancelled, because it may soon be another's. Defaults to 30 s.
   *
   * @param lease 1 ms to 1 day
   */
  public AgentSpec lease(Duration lease) {
    return new AgentSpec(SchedulerSpec.between("lease", lease, 1), timer);
  }

  /**
   * Where times are measured and scheduled. Defaults to a thread that does nothing else, so that
   * leases are renewed however busy the process is.
   *
   * @throws IllegalArgumentException if it cannot do anything later
   */
  public AgentSpec timer(Scheduler timer) {
    return new AgentSpec(lease, Timers.require("timer", timer));
  }

  Duration lease() {
    return lease;
  }

  Scheduler timer() {
    return timer == null ? LEASES : timer;
  }

  /** Now, in nanoseconds of a clock that nobody sets. */
  long nanos() {
    return timer == null ? System.nanoTime() : timer.now(TimeUnit.NANOSECONDS);
  }
}

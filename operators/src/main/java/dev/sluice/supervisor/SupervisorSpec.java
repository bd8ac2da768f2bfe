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
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;

/** How it is looked after steps in trouble. Immutable: each method returns a changed copy. */
@Experimental
public final class SupervisorSpec {

  static final SupervisorSpec DEFAULT = new SupervisorSpec();

  // Written only while a copy is made.
  private Duration pollInterval = Duration.ofSeconds(10);
  private Duration lease = Duration.ofSeconds(30);
  private @Nullable Duration retention;
  private SupervisorListener listener = (trouble, treatment) -> {};
  private @Nullable Scheduler timer;

  private SupervisorSpec() {}

  private SupervisorSpec(SupervisorSpec other) {
    this.pollInterval = other.pollInterval;
    this.lease = other.lease;
    this.retention = other.retention;
    this.listener = other.listener;
    this.timer = other.timer;
  }

  /**
   * How often it is looked for steps in trouble, give or take a quarter. Defaults to 10 s.
   *
   * @param pollInterval 1 ms to 1 day
   */
  public SupervisorSpec pollInterval(Duration pollInterval) {
    SupervisorSpec copy = new SupervisorSpec(this);
    copy.pollInterval = SchedulerSpec.between("pollInterval", pollInterval, 1);
    return copy;
  }

  /**
   * How long a step in trouble is this supervisor's, before another takes it over because this one
   * seems to have died. Defaults to 30 s.
   *
   * @param lease 10 ms to 1 day
   */
  public SupervisorSpec lease(Duration lease) {
    SupervisorSpec copy = new SupervisorSpec(this);
    copy.lease = SchedulerSpec.between("lease", lease, 10);
    return copy;
  }

  /**
   * How long tasks are remembered that are over; then they are forgotten, at most {@value
   * dev.sluice.store.TaskStore#MAX_LIMIT} with each look. One of the same id would be a new one, so
   * it is to be longer than anybody may start one again. Defaults to for ever.
   *
   * @param retention more than zero, at most 3650 days
   */
  public SupervisorSpec retention(Duration retention) {
    SupervisorSpec copy = new SupervisorSpec(this);
    copy.retention = Times.retention("retention", retention);
    return copy;
  }

  /** Who hears what is done about steps in trouble. Defaults to nobody. */
  public SupervisorSpec listener(SupervisorListener listener) {
    SupervisorSpec copy = new SupervisorSpec(this);
    copy.listener = Objects.requireNonNull(listener, "listener");
    return copy;
  }

  /**
   * Where times are measured and scheduled. Defaults to {@code Schedulers.parallel()}.
   *
   * @throws IllegalArgumentException if it cannot do anything later
   */
  public SupervisorSpec timer(Scheduler timer) {
    SupervisorSpec copy = new SupervisorSpec(this);
    copy.timer = Timers.require("timer", timer);
    return copy;
  }

  // == for the supervisor ==

  Duration pollInterval() {
    return pollInterval;
  }

  Duration lease() {
    return lease;
  }

  @Nullable Duration retention() {
    return retention;
  }

  SupervisorListener listener() {
    return listener;
  }

  Scheduler timer() {
    return timer == null ? Schedulers.parallel() : timer;
  }
}

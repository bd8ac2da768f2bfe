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
package dev.sluice.idempotent;

import dev.sluice.time.Timers;
import dev.sluice.time.Times;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;

/**
 * The options of {@link Idempotent}.
 *
 * <p>Immutable: each method returns a changed copy.
 */
public final class IdempotentSpec {

  static final IdempotentSpec DEFAULT =
      new IdempotentSpec(
          Duration.ofSeconds(30),
          Duration.ofDays(7),
          Duration.ofMinutes(10),
          Duration.ofSeconds(30),
          null);

  private static final Duration SHORTEST_LEASE = Duration.ofMillis(30);

  private final Duration lease;
  private final Duration retention;
  private final Duration timeout;
  private final Duration patience;
  private final @Nullable Scheduler timer;

  private IdempotentSpec(
      Duration lease,
      Duration retention,
      Duration timeout,
      Duration patience,
      @Nullable Scheduler timer) {
    this.lease = lease;
    this.retention = retention;
    this.timeout = timeout;
    this.patience = patience;
    this.timer = timer;
  }

  /**
   * After how long somebody else may begin what a process that has died had begun. It is renewed at
   * a quarter while the work runs, so it need not be as long as the work. Defaults to 30 s.
   *
   * @param lease 30 ms to 365 days
   */
  public IdempotentSpec lease(Duration lease) {
    Times.between("lease", lease, SHORTEST_LEASE, Times.LONGEST);
    return new IdempotentSpec(lease, retention, timeout, patience, timer);
  }

  /**
   * How long it is remembered that the work was done. A duplicate that comes later is taken for
   * new, so this must be longer than the channel keeps messages, and its dead letters with them.
   * Defaults to 7 days.
   *
   * @param retention more than zero, at most 3650 days
   */
  public IdempotentSpec retention(Duration retention) {
    Times.retention("retention", retention);
    return new IdempotentSpec(lease, retention, timeout, patience, timer);
  }

  /**
   * How long one piece of work may take: then it is cancelled and has failed with a {@link
   * java.util.concurrent.TimeoutException}. In a flow, whose work is further down, the lease is not
   * renewed any more. Defaults to 10 minutes.
   *
   * @param timeout more than zero, at most 365 days
   */
  public IdempotentSpec timeout(Duration timeout) {
    Times.positive("timeout", timeout);
    return new IdempotentSpec(lease, retention, timeout, patience, timer);
  }

  /**
   * How long a duplicate waits for the work that is in progress elsewhere, before it fails with
   * {@link WorkInProgress}. In a flow none waits: it is given back. Defaults to 30 s.
   *
   * @param patience zero (fails at once) or more, at most 365 days
   */
  public IdempotentSpec patience(Duration patience) {
    Times.notNegative("patience", patience);
    return new IdempotentSpec(lease, retention, timeout, patience, timer);
  }

  /**
   * Where waiting, renewals and timeouts are scheduled. Defaults to Schedulers.parallel().
   *
   * @throws IllegalArgumentException if it cannot do anything later
   */
  public IdempotentSpec timer(Scheduler timer) {
    Timers.require("timer", timer);
    return new IdempotentSpec(lease, retention, timeout, patience, timer);
  }

  Duration lease() {
    return lease;
  }

  Duration retention() {
    return retention;
  }

  Duration timeout() {
    return timeout;
  }

  Duration patience() {
    return patience;
  }

  Scheduler timer() {
    return timer == null ? Schedulers.parallel() : timer;
  }
}

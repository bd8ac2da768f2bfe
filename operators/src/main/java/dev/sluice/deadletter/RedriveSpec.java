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
package dev.sluice.deadletter;

import dev.sluice.message.Message;
import dev.sluice.time.Timers;
import dev.sluice.time.Times;
import java.time.Duration;
import java.util.Objects;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;

/**
 * The options of a {@link Redriver}.
 *
 * <p>Immutable: each method returns a changed copy.
 */
public final class RedriveSpec {

  static final RedriveSpec DEFAULT =
      new RedriveSpec(100, 3, UnaryOperator.identity(), Duration.ofMinutes(1), null);

  private final int rate;
  private final int maxRedrives;
  private final UnaryOperator<Message<byte[]>> edit;
  private final Duration lease;
  private final @Nullable Scheduler timer;

  private RedriveSpec(
      int rate,
      int maxRedrives,
      UnaryOperator<Message<byte[]>> edit,
      Duration lease,
      @Nullable Scheduler timer) {
    this.rate = rate;
    this.maxRedrives = maxRedrives;
    this.edit = edit;
    this.lease = lease;
    this.timer = timer;
  }

  /**
   * How many letters are sent in a second at most. Defaults to 100.
   *
   * @param perSecond 1..100 000
   */
  public RedriveSpec rate(int perSecond) {
    if (perSecond < 1 || perSecond > 100_000) {
      throw new IllegalArgumentException("rate: " + perSecond + " (expected: 1..100000)");
    }
    return new RedriveSpec(perSecond, maxRedrives, edit, lease, timer);
  }

  /**
   * How often one message is sent back; one that has died as often again stays where it is, or it
   * would go to and fro for ever. Defaults to 3.
   *
   * @param maxRedrives 1 or more
   */
  public RedriveSpec maxRedrives(int maxRedrives) {
    if (maxRedrives < 1) {
      throw new IllegalArgumentException("maxRedrives: " + maxRedrives + " (expected: >= 1)");
    }
    return new RedriveSpec(rate, maxRedrives, edit, lease, timer);
  }

  /**
   * What is changed in each message before it is sent: it is given without the facts of its
   * rejection and without an expiry. What it throws ends the redrive. Defaults to nothing.
   */
  public RedriveSpec edit(UnaryOperator<Message<byte[]>> edit) {
    Objects.requireNonNull(edit, "edit");
    return new RedriveSpec(rate, maxRedrives, edit, lease, timer);
  }

  /**
   * After how long somebody else may send what a process that has died had claimed. Defaults to a
   * minute.
   *
   * @param lease 1 s to 365 days
   */
  public RedriveSpec lease(Duration lease) {
    Times.between("lease", lease, Duration.ofSeconds(1), Times.LONGEST);
    return new RedriveSpec(rate, maxRedrives, edit, lease, timer);
  }

  /**
   * Where the rate is measured. Defaults to Schedulers.parallel().
   *
   * @throws IllegalArgumentException if it cannot do anything later
   */
  public RedriveSpec timer(Scheduler timer) {
    return new RedriveSpec(rate, maxRedrives, edit, lease, Timers.require("timer", timer));
  }

  int rate() {
    return rate;
  }

  int maxRedrives() {
    return maxRedrives;
  }

  UnaryOperator<Message<byte[]>> edit() {
    return edit;
  }

  Duration lease() {
    return lease;
  }

  Scheduler timer() {
    return timer == null ? Schedulers.parallel() : timer;
  }
}

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
package dev.sluice.requestreply;

import dev.sluice.time.Timers;
import dev.sluice.time.Times;
import java.time.Duration;
import java.util.Objects;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;
import reactor.util.retry.Retry;

/** The options of a {@link Requester}. Immutable: each method returns a changed copy. */
public final class RequesterSpec implements Cloneable {

  private static final Duration LONGEST = Duration.ofDays(1);

  // Assigned only before a copy is given away.
  private Duration timeout = Duration.ofSeconds(30);
  private int maxPending = 10_000;
  private int maxBuffered = 256;
  private @Nullable String replyChannel;
  private @Nullable Retry restart;
  private @Nullable Scheduler timer;

  private RequesterSpec() {}

  static RequesterSpec defaults() {
    return new RequesterSpec();
  }

  private RequesterSpec with(Consumer<RequesterSpec> change) {
    try {
      RequesterSpec copy = (RequesterSpec) clone();
      change.accept(copy);
      return copy;
    } catch (CloneNotSupportedException e) {
      throw new AssertionError(e);
    }
  }

  /**
   * Within which time the last reply must have come. The replier is told by when that is: the
   * request expires then. An earlier expiry of the request counts, and so does an earlier deadline
   * in the Context, {@link dev.sluice.channel.Recipient#DEADLINE}. Defaults to 30 s.
   *
   * @param timeout 1 ms to 1 day
   */
  public RequesterSpec timeout(Duration timeout) {
    Times.between("timeout", timeout, Duration.ofMillis(1), LONGEST);
    return with(copy -> copy.timeout = timeout);
  }

  /**
   * How many requests may wait for replies; one more fails with {@link RequesterBusy}. Defaults to
   * 10 000.
   *
   * @param maxPending 1..10 000 000
   */
  public RequesterSpec maxPending(int maxPending) {
    if (maxPending < 1 || maxPending > 10_000_000) {
      throw new IllegalArgumentException("maxPending: " + maxPending + " (expected: 1..10000000)");
    }
    return with(copy -> copy.maxPending = maxPending);
  }

  /**
   * How many answers to one request may wait for their subscriber; one more fails the request,
   * because waiting would keep the replies of all others. Defaults to 256.
   *
   * @param maxBuffered 1..65536
   */
  public RequesterSpec maxBuffered(int maxBuffered) {
    if (maxBuffered < 1 || maxBuffered > 65_536) {
      throw new IllegalArgumentException("maxBuffered: " + maxBuffered + " (expected: 1..65536)");
    }
    return with(copy -> copy.maxBuffered = maxBuffered);
  }

  /** What repliers know the reply channel as. Defaults to the name that it has here. */
  public RequesterSpec replyChannel(String name) {
    Objects.requireNonNull(name, "name");
    return with(copy -> copy.replyChannel = name);
  }

  /**
   * When to receive again after the reply channel has failed. Requests go on waiting meanwhile.
   * Defaults to always, after 100 ms, then twice as long each time, up to 10 s.
   */
  public RequesterSpec restart(Retry restart) {
    Objects.requireNonNull(restart, "restart");
    return with(copy -> copy.restart = restart);
  }

  /**
   * Where timeouts are scheduled, and the clock of deadlines. Defaults to Schedulers.parallel().
   *
   * @throws IllegalArgumentException if it cannot do anything later
   */
  public RequesterSpec timer(Scheduler timer) {
    Timers.require("timer", timer);
    return with(copy -> copy.timer = timer);
  }

  // == values ==

  Duration timeout() {
    return timeout;
  }

  int maxPending() {
    return maxPending;
  }

  int maxBuffered() {
    return maxBuffered;
  }

  @Nullable String replyChannel() {
    return replyChannel;
  }

  Retry restart() {
    return restart == null
        ? Retry.backoff(Long.MAX_VALUE, Duration.ofMillis(100))
            .maxBackoff(Duration.ofSeconds(10))
            .transientErrors(true)
            .scheduler(timer())
        : restart;
  }

  Scheduler timer() {
    return timer == null ? Schedulers.parallel() : timer;
  }
}

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
package dev.sluice.retry;

import dev.sluice.channel.Channel;
import dev.sluice.delivery.ErrorClassifier;
import dev.sluice.delivery.ErrorPolicy;
import dev.sluice.time.Timers;
import dev.sluice.time.Times;
import java.time.Duration;
import java.util.Objects;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;

/**
 * How often and when a message that failed is tried again. Immutable: each method returns a changed
 * copy.
 */
public final class RetrySpec implements Cloneable {

  /* The fields are assigned only before a copy is given away, in the constructor and in with(). */

  private static final int MOST_DELAYED = 1_000_000;

  private ErrorPolicy policy;
  private int immediate;
  private int later;
  private int delayed;
  private Duration delay = Duration.ZERO;
  private @Nullable Channel through;
  private boolean ordered = true;
  private @Nullable Scheduler timer;

  private RetrySpec(ErrorPolicy policy) {
    this.policy = policy;
    this.later = policy.maxAttempts() - 1;
  }

  static RetrySpec of(ErrorPolicy policy) {
    return new RetrySpec(Objects.requireNonNull(policy, "policy"));
  }

  private RetrySpec with(Consumer<RetrySpec> change) {
    try {
      RetrySpec copy = (RetrySpec) clone();
      change.accept(copy);
      copy.policy = copy.policy.immediate(copy.immediate).retries(copy.immediate + copy.later);
      return copy;
    } catch (CloneNotSupportedException e) {
      throw new AssertionError(e);
    }
  }

  /**
   * How many retries come at once, in place, before those of {@link #backoff}. Defaults to 0.
   *
   * @param retries 0..1000
   */
  public RetrySpec immediate(int retries) {
    inRange("immediate", retries, 1000);
    return with(copy -> copy.immediate = retries);
  }

  /**
   * The retries in place that wait: {@code first}, then twice as long each time, up to {@code max}.
   * Its group is locked meanwhile, no worker is. Defaults to those of the flow's error policy: 3,
   * after 200 ms and up to 30 s.
   *
   * @param retries 0..1000
   * @param first zero or more
   * @param max at least {@code first}, at most 365 days
   */
  public RetrySpec backoff(int retries, Duration first, Duration max) {
    inRange("backoff", retries, 1000);
    return with(
        copy -> {
          copy.policy = policy.backoff(first, max);
          copy.later = retries;
        });
  }

  /**
   * By how much of itself each wait in place is made longer or shorter, at random. Defaults to that
   * of the flow's error policy: 0.5.
   *
   * @param jitter 0 (none) to 1
   */
  public RetrySpec jitter(double jitter) {
    return with(copy -> copy.policy = policy.jitter(jitter));
  }

  /**
   * What an exception means: transient is tried again, poison goes to the dead letters at once,
   * fatal ends the flow. Defaults to that of the flow's error policy.
   */
  public RetrySpec classifier(ErrorClassifier classifier) {
    return with(copy -> copy.policy = policy.classifier(classifier));
  }

  /**
   * What becomes of a message when the attempts in place are used up: it waits for {@code delay} at
   * its channel and is delivered again, with as many attempts in place, and so on, {@code times}
   * times. Defaults to none: then it goes to the dead letters.
   *
   * <p>A channel with {@link dev.sluice.channel.Capability#DELAY} keeps it, a message of a group
   * only if the channel has {@link dev.sluice.channel.Capability#EXCLUSIVE_GROUPS} too, because
   * otherwise others of its group would overtake it. With any other channel it waits in place,
   * unsettled, or where {@link #through} says.
   *
   * @param times 0..1000000; a delivery that ends in a crash counts as one where the channel counts
   *     such attempts
   * @param delay zero or more, at most 365 days
   */
  public RetrySpec delayed(int times, Duration delay) {
    inRange("delayed", times, MOST_DELAYED);
    Times.notNegative("delay", delay);
    return with(
        copy -> {
          copy.delayed = times;
          copy.delay = delay;
        });
  }

  /**
   * Where a message without a group waits that its channel cannot delay: a retry topic. A copy goes
   * there, with the headers {@value Retrying#RETRIES_HEADER} and {@value
   * Retrying#NOT_BEFORE_HEADER}, and when it is confirmed the message is acknowledged; the flow
   * receives from there too, and works on each message when its time has come. Messages that have a
   * group wait in place. Use one such channel for one flow and one delay: what is due later holds
   * up what came behind it when as many are waiting as may be unsettled.
   */
  public RetrySpec through(Channel waiting) {
    Objects.requireNonNull(waiting, "waiting");
    return with(copy -> copy.through = waiting);
  }

  /**
   * Lets messages of a group overtake one that is tried again. Defaults to not: the next message of
   * a group enters the flow when the one before is settled.
   */
  public RetrySpec unordered() {
    return with(copy -> copy.ordered = false);
  }

  /**
   * Where waits are scheduled. Defaults to {@code Schedulers.parallel()}.
   *
   * @throws IllegalArgumentException if it cannot do anything later
   */
  public RetrySpec timer(Scheduler timer) {
    Timers.require("timer", timer);
    return with(copy -> copy.timer = timer);
  }

  /** With other retries in place. */
  RetrySpec inPlace(ErrorPolicy policy) {
    RetrySpec changed = of(policy);
    changed.delayed = delayed;
    changed.delay = delay;
    changed.through = through;
    changed.ordered = ordered;
    changed.timer = timer;
    return changed;
  }

  private static void inRange(String option, int value, int max) {
    if (value < 0 || value > max) {
      throw new IllegalArgumentException(option + ": " + value + " (expected: 0.." + max + ")");
    }
  }

  ErrorPolicy policy() {
    return policy;
  }

  int delayed() {
    return delayed;
  }

  Duration delay() {
    return delay;
  }

  @Nullable Channel through() {
    return through;
  }

  boolean isOrdered() {
    return ordered;
  }

  @Nullable Scheduler timer() {
    return timer;
  }

  Scheduler scheduler() {
    return timer == null ? Schedulers.parallel() : timer;
  }
}

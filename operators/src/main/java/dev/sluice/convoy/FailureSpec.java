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
package dev.sluice.convoy;

import dev.sluice.delivery.ErrorClassifier;
import dev.sluice.delivery.ErrorPolicy;
import java.time.Duration;
import java.util.Objects;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import reactor.core.Exceptions;

/**
 * What a convoy does when a worker fails: how often it tries again, in place, while the group stays
 * locked and the slot is free for other groups; and what happens then. Immutable: each method
 * returns a changed copy.
 */
public final class FailureSpec {

  private final ErrorPolicy policy;
  private final @Nullable GroupVerdict verdict;
  private final Predicate<? super Throwable> uncounted;

  FailureSpec(ErrorPolicy policy, @Nullable GroupVerdict verdict) {
    this(policy, verdict, error -> false);
  }

  private FailureSpec(
      ErrorPolicy policy, @Nullable GroupVerdict verdict, Predicate<? super Throwable> uncounted) {
    this.policy = policy;
    this.verdict = verdict;
    this.uncounted = uncounted;
  }

  /**
   * Tries again, with exponential backoff, what the {@link #classifier} calls transient. An element
   * whose worker has already emitted is not tried again: its values would be repeated.
   *
   * @param retries attempts after the first, 0 or more
   * @param firstDelay the wait before the first of them, zero or more; it doubles each time, up to
   *     {@link #maxDelay}, or up to itself if that is longer
   */
  public FailureSpec retry(int retries, Duration firstDelay) {
    Duration max = policy.maxDelay().compareTo(firstDelay) < 0 ? firstDelay : policy.maxDelay();
    return new FailureSpec(policy.retries(retries).backoff(firstDelay, max), verdict, uncounted);
  }

  /**
   * The longest wait before an attempt. Defaults to 30 s.
   *
   * @param maxDelay at least the first delay, so {@link #retry} comes before; at most 365 days
   */
  public FailureSpec maxDelay(Duration maxDelay) {
    return new FailureSpec(policy.backoff(policy.firstDelay(), maxDelay), verdict, uncounted);
  }

  /**
   * By how much of itself each wait is made longer or shorter, at random. Defaults to 0.5.
   *
   * @param jitter 0 (none) to 1
   */
  public FailureSpec jitter(double jitter) {
    return new FailureSpec(policy.jitter(jitter), verdict, uncounted);
  }

  /**
   * Which errors are worth another attempt. Defaults to {@link ErrorClassifier#defaults()}. What it
   * calls fatal ends the whole sequence, whatever the verdict.
   */
  public FailureSpec classifier(ErrorClassifier classifier) {
    return new FailureSpec(policy.classifier(classifier), verdict, uncounted);
  }

  /**
   * What happens when no attempt is left. Defaults to {@link GroupVerdict#FAIL_FLOW} on a plain
   * Flux and to {@link GroupVerdict#DEAD_LETTER} in a flow.
   */
  public FailureSpec then(GroupVerdict verdict) {
    return new FailureSpec(policy, Objects.requireNonNull(verdict, "verdict"), uncounted);
  }

  /**
   * Which failures are not those of the element, such as that of a target which is away: it runs
   * again as soon as a worker is free, in its place, and the attempt is not counted. So there
   * should be a {@linkplain ConvoySpec#gate gate} that is closed meanwhile. Defaults to none.
   *
   * @param which one that throws counts as false
   */
  public FailureSpec uncounted(Predicate<? super Throwable> which) {
    return new FailureSpec(policy, verdict, Objects.requireNonNull(which, "which"));
  }

  /** Whether a failure says nothing of the element. */
  boolean isUncounted(Throwable failure) {
    try {
      return uncounted.test(failure);
    } catch (Throwable e) { // the user's function
      Exceptions.throwIfJvmFatal(e);
      return false;
    }
  }

  ErrorPolicy policy() {
    return policy;
  }

  @Nullable GroupVerdict verdict() {
    return verdict;
  }
}

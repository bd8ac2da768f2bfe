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
package dev.sluice.priority;

import java.util.Objects;
import org.jspecify.annotations.Nullable;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;

/**
 * The options of {@link PriorityMerge#prioritize}. Immutable: each method returns a changed copy.
 */
public final class PrioritizeSpec {

  static final int MAX_WINDOW = 1 << 20;

  static final PrioritizeSpec DEFAULTS = new PrioritizeSpec("prioritize", 256, false, null);

  private final String name;
  private final int window;
  private final boolean delayError;
  private final @Nullable Scheduler timer;

  private PrioritizeSpec(String name, int window, boolean delayError, @Nullable Scheduler timer) {
    this.name = name;
    this.window = window;
    this.delayError = delayError;
    this.timer = timer;
  }

  /** What the operator is called in assembly traces and scans. Defaults to prioritize. */
  public PrioritizeSpec name(String name) {
    Objects.requireNonNull(name, "name");
    return new PrioritizeSpec(name, window, delayError, timer);
  }

  /**
   * How many elements wait at most, and so from how many the most urgent is chosen. What is behind
   * them in the source has no say, however urgent it is. Defaults to 256.
   *
   * @param window 1 (no choice) to 1048576
   */
  public PrioritizeSpec window(int window) {
    if (window < 1 || window > MAX_WINDOW) {
      throw new IllegalArgumentException(
          "window: " + window + " (expected: 1.." + MAX_WINDOW + ")");
    }
    return new PrioritizeSpec(name, window, delayError, timer);
  }

  /**
   * Whether an error of the source waits until everything is emitted. Defaults to false: it ends
   * the sequence at once.
   */
  public PrioritizeSpec delayError(boolean delayError) {
    return new PrioritizeSpec(name, window, delayError, timer);
  }

  /** Whose time is read. Defaults to {@code Schedulers.parallel()}; nothing is scheduled on it. */
  public PrioritizeSpec timer(Scheduler timer) {
    Objects.requireNonNull(timer, "timer");
    return new PrioritizeSpec(name, window, delayError, timer);
  }

  String name() {
    return name;
  }

  int window() {
    return window;
  }

  boolean isErrorDelayed() {
    return delayError;
  }

  Scheduler timer() {
    return timer == null ? Schedulers.parallel() : timer;
  }
}

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
package dev.sluice.dispatch;

import java.time.Duration;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** What happens to a lane when the worker for its current element has ended. */
public final class Verdict {

  /** The element is finished; the lane goes on with its next one. */
  public static final Verdict NEXT = new Verdict(null, false, null);

  /** The slot is free, the lane stays locked until {@link Lane#finish(Verdict)} is called. */
  public static final Verdict HOLD = new Verdict(null, false, null);

  final @Nullable Duration delay;
  final boolean counted;
  final @Nullable Throwable failure;

  private Verdict(@Nullable Duration delay, boolean counted, @Nullable Throwable failure) {
    this.delay = delay;
    this.counted = counted;
    this.failure = failure;
  }

  /** The slot is free, the lane stays locked, and after {@code delay} the element runs again. */
  public static Verdict retry(Duration delay) {
    return new Verdict(Objects.requireNonNull(delay, "delay"), true, null);
  }

  /** Like {@link #retry}, but the run that has ended does not count as an attempt. */
  public static Verdict rerun(Duration delay) {
    return new Verdict(Objects.requireNonNull(delay, "delay"), false, null);
  }

  /** The whole sequence ends with {@code error}. */
  public static Verdict fail(Throwable error) {
    return new Verdict(null, false, Objects.requireNonNull(error, "error"));
  }
}

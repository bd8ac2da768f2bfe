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

import dev.sluice.Experimental;
import org.jspecify.annotations.Nullable;

/**
 * Asked before a worker starts whether it may: for what limits not how many run but how often, or
 * whether at all. While it is closed elements wait, and as they fill the look-ahead the source does
 * too. One for each subscription; called inside the drain, one call at a time, so it must be quick
 * and must not block. What it throws ends the sequence.
 */
@Experimental
public interface Gate {

  /** The answer of a gate that opens with the subscriber's next request. */
  long UNTIL_REQUESTED = Long.MAX_VALUE;

  /**
   * Takes a permission.
   *
   * @param requested whether the subscriber has requested a value that nobody has for it
   * @return 0: a worker may start, and {@link #giveBack} or {@link #ended} follows; else for how
   *     many nanoseconds it need not be asked again, or {@link #UNTIL_REQUESTED}
   */
  long take(boolean requested);

  /** The permission was not used, or it cannot be told what came of it. */
  void giveBack();

  /**
   * A worker has ended.
   *
   * @param nanos how long it took
   * @param error what it failed with, or null
   */
  void ended(long nanos, @Nullable Throwable error);
}

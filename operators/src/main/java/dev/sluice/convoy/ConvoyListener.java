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

import dev.sluice.Experimental;
import dev.sluice.dispatch.LaneGauges;
import java.time.Duration;

/**
 * Hears what a convoy does. Called inside the operator, so it must be quick and must not block;
 * what it throws is logged and otherwise ignored.
 *
 * @param <T> the elements of the convoy
 */
@Experimental
public interface ConvoyListener<T> {

  /** A subscription begins; its gauges may be read from any thread, for as long as it lives. */
  default void subscribed(LaneGauges gauges) {}

  /**
   * A worker has failed, and the element will run again after {@code delay}.
   *
   * @param attempt the attempt that failed, from 1
   */
  default void retrying(T element, int attempt, Duration delay, Throwable error) {}

  /** A worker has failed for good, and its element counts as done. */
  default void skipped(T element, Throwable error) {}

  /** A worker has failed for good, and its message and what follows it in its group is parked. */
  default void parked(T element, Throwable error) {}

  /** A worker has failed for good, and its group waits until it is let go on. */
  default void halted(T element, Throwable error) {}

  /** A worker has failed for good, and its message goes to the dead letters. */
  default void deadLettered(T element, Throwable error) {}
}

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

import dev.sluice.Experimental;
import dev.sluice.observe.Metered;
import dev.sluice.observe.Meters;
import java.time.Duration;

/** What one subscription of {@link PriorityMerge} holds at the moment. Any thread may ask. */
@Experimental
public interface PriorityGauges extends Metered {

  /** How many levels there are; they count from 0, the most urgent. */
  int levels();

  /** Sources that are subscribed to and have not ended, or whose elements still wait. */
  int sources();

  /** Elements of a level that have been delivered and not emitted. */
  int waiting(int level);

  /** How long the oldest of them has been waiting; zero when none is. */
  Duration oldestWait(int level);

  /**
   * Names them, each level with its number as the tag {@code level}. They have no other tag: give
   * {@code meters} one for each operator, as {@code meters.with("operator", "orders")}.
   */
  @Override
  default void meters(Meters meters) {
    meters.gauge(
        "sluice.priority.sources", "sources", "Sources that have not ended", this::sources);
    for (int i = 0; i < levels(); i++) {
      int level = i;
      Meters ofLevel = meters.with("level", String.valueOf(level));
      ofLevel.gauge(
          "sluice.priority.waiting", "elements", "Elements not emitted yet", () -> waiting(level));
      ofLevel.gauge(
          "sluice.priority.wait",
          "seconds",
          "How long the oldest of them has been waiting",
          () -> oldestWait(level).toNanos() / 1e9);
    }
  }
}

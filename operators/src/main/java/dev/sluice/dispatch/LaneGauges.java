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
import dev.sluice.observe.Metered;
import dev.sluice.observe.Meters;

/** What one subscription of the engine holds at the moment. Any thread may ask. */
@Experimental
public interface LaneGauges extends Metered {

  /** Keys with an unfinished element that has been looked at. */
  int lanes();

  /** Workers that run, at most {@link #concurrency()}. */
  int running();

  /** Keys that wait for their next attempt, holding no slot. */
  int sleeping();

  /**
   * Elements that the source keeps ready and nobody has taken, as far as it tells: with {@code
   * loadLevel} those that may still be dropped for newer ones. They are not among {@link
   * #admitted()}.
   */
  int buffered();

  /** Elements taken from the source and not finished, at most {@link #lookAhead()}. */
  int admitted();

  /** The bound on {@link #running()}, as it is now. */
  int concurrency();

  /** The bound on {@link #admitted()}. */
  int lookAhead();

  /**
   * Names them. They have no tag of their own: give {@code meters} one for each operator, as {@code
   * meters.with("operator", "orders")}.
   */
  @Override
  default void meters(Meters meters) {
    meters.gauge("sluice.convoy.lanes", "groups", "Groups with an unfinished element", this::lanes);
    meters.gauge("sluice.convoy.active", "workers", "Workers that run", this::running);
    meters.gauge(
        "sluice.convoy.sleeping", "groups", "Groups that wait for another attempt", this::sleeping);
    meters.gauge(
        "sluice.convoy.buffered", "elements", "Elements taken and not finished", this::admitted);
    meters.gauge(
        "sluice.convoy.lookahead", "elements", "The bound on what is buffered", this::lookAhead);
    meters.gauge(
        "sluice.compete.concurrency", "workers", "How many workers may run", this::concurrency);
    meters.gauge(
        "sluice.level.buffered",
        "elements",
        "Elements not taken, that may be dropped",
        this::buffered);
  }
}

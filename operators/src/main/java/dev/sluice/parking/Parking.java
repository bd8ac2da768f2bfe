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
package dev.sluice.parking;

import dev.sluice.Experimental;
import dev.sluice.store.ParkingLot;
import dev.sluice.time.Timers;
import dev.sluice.time.Times;
import java.time.Duration;
import java.util.Objects;
import java.util.function.UnaryOperator;
import reactor.core.scheduler.Scheduler;

/**
 * Parked groups: when a message has failed and its group must not go on without it, the message and
 * all that come after it wait in a {@link ParkingLot}, in their order, while other groups go on;
 * and when somebody {@linkplain ParkingLot#release releases} the group they are worked on before
 * anything newer.
 *
 * <p>A flow does all this with {@link dev.sluice.flow.Flow#parking}.
 */
public final class Parking {

  private Parking() {}

  /**
   * The parking of a sequence of deliveries, as {@link dev.sluice.flow.Flow} uses it.
   *
   * @param lot where groups wait
   * @param spec the options, from defaults: looks for released groups every second, works on 16 of
   *     them at once, leases of 30 s
   * @throws IllegalArgumentException if an option is out of range
   */
  @Experimental
  public static DeliveryParking ofDeliveries(ParkingLot lot, UnaryOperator<ParkingSpec> spec) {
    return new DeliveryParking(
        Objects.requireNonNull(lot, "lot"),
        Objects.requireNonNull(spec.apply(ParkingSpec.DEFAULT), "spec"));
  }

  /**
   * Looks at the groups of a flow that are parked, now and again and again, for gauges and health
   * checks: how many there are, how many messages they hold, and how long the oldest has waited. It
   * begins with the call; while the lot cannot be asked, which is logged, it tells what it saw
   * last.
   *
   * @param flow the name of the flow, 1 to {@value ParkingLot#MAX_FLOW} characters
   * @param pollInterval how often it looks, more than zero
   * @param maxAge how long a group may be parked before that is worth a warning, zero or more
   * @param timer where the waiting is scheduled
   * @throws IllegalArgumentException if an argument is out of range, or the timer cannot do
   *     anything later
   */
  @Experimental
  public static ParkingReviewer reviewer(
      ParkingLot lot, String flow, Duration pollInterval, Duration maxAge, Scheduler timer) {
    Objects.requireNonNull(lot, "lot");
    Timers.require("timer", timer);
    if (flow.isEmpty() || flow.length() > ParkingLot.MAX_FLOW) {
      throw new IllegalArgumentException(
          "flow: " + flow.length() + " characters (expected: 1.." + ParkingLot.MAX_FLOW + ")");
    }
    Times.positive("pollInterval", pollInterval);
    Times.notNegative("maxAge", maxAge);
    return new ParkingReviewer(lot, flow, pollInterval, maxAge, timer);
  }
}

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
import java.util.Objects;
import java.util.function.UnaryOperator;

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
}

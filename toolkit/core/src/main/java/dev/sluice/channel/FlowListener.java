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
package dev.sluice.channel;

import dev.sluice.Experimental;
import dev.sluice.delivery.Delivery;
import org.jspecify.annotations.Nullable;

/**
 * Hears what a flow does. Called on the flow's own threads, for every delivery, so it must be quick
 * and never block. What it throws is logged and changes nothing.
 */
@Experimental
public interface FlowListener {

  /** Hears of nothing. */
  static FlowListener none() {
    return Unheard.NOBODY;
  }

  /**
   * Both of them: this one hears first, and the other's context goes over this one's, as does what
   * it makes of a target.
   */
  default FlowListener and(FlowListener other) {
    return new BothListeners(this, other);
  }

  /** The flow begins to receive. */
  default void started(FlowHandle flow) {}

  /** The flow has ended, well or with {@link FlowHandle.Stats#failure() a failure}. */
  default void ended(FlowHandle flow) {}

  /**
   * The flow has taken a delivery.
   *
   * @return who follows it; null for nobody. It must not hold the delivery or its settlement, or a
   *     leak of it could not be seen
   */
  default @Nullable DeliveryListener received(FlowHandle flow, Delivery<?> delivery) {
    return null;
  }

  /**
   * What the flow sends to {@code target} is sent to what this returns, in the context of its
   * delivery. Called once when the flow starts, for each target.
   */
  default <T> Outbound<T> sending(FlowHandle flow, Outbound<T> target) {
    return target;
  }
}

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
package dev.sluice.retry;

import dev.sluice.Experimental;
import dev.sluice.delivery.ErrorPolicy;
import java.util.function.UnaryOperator;

/**
 * Retry: a message that failed is tried again in place; then it goes back to its channel for a
 * longer while, some times; then to the dead letters. What is poison goes there at once, and what
 * is fatal is no message's fault.
 *
 * <p>A flow does all this with {@link dev.sluice.flow.Flow#retry}.
 */
public final class Retrying {

  /** How often a message was put into the channel where it waits. */
  public static final String RETRIES_HEADER = "sl-retries";

  /** Not before then is it worked on again; RFC 3339. */
  public static final String NOT_BEFORE_HEADER = "sl-not-before";

  private Retrying() {}

  /**
   * The retries of a sequence of deliveries, as {@link dev.sluice.flow.Flow} uses them: what
   * follows gets each delivery under a settlement that takes failures back.
   *
   * @param policy the defaults of what is done in place
   * @param spec the options, from defaults: what {@code policy} says, and no delayed retries
   * @throws IllegalArgumentException if an option is out of range
   */
  @Experimental
  public static DeliveryRetry ofDeliveries(ErrorPolicy policy, UnaryOperator<RetrySpec> spec) {
    return new DeliveryRetry(spec.apply(RetrySpec.of(policy)));
  }
}

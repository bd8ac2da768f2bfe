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
package dev.sluice.micrometer;

import dev.sluice.Experimental;
import io.micrometer.tracing.Tracer;
import io.micrometer.tracing.handler.TracingObservationHandler;
import io.micrometer.tracing.propagation.Propagator;
import java.util.Objects;

/**
 * What a tracer is told of deliveries beyond what an observation can say. Needs {@code
 * micrometer-tracing}.
 */
@Experimental
public final class SluiceTracing {

  private static final int MOST = 16_384;

  private SluiceTracing() {}

  /**
   * Makes the spans of the deliveries that {@link SluiceObservations} observes. Each has the span
   * of the message's sender as its parent, and that of a message which is delivered again has a
   * link to the span of its attempt before, as far as that was made by the same flow in this
   * process: of the last 16384 messages that are out or may come again their spans are known.
   *
   * <p>It is for deliveries only, and goes before the handler of receivers that would take them
   * too:
   *
   * <pre>{@code
   * new FirstMatchingCompositeObservationHandler(
   *     SluiceTracing.deliveries(tracer, propagator),
   *     new PropagatingReceiverTracingObservationHandler<>(tracer, propagator), …)
   * }</pre>
   */
  public static TracingObservationHandler<?> deliveries(Tracer tracer, Propagator propagator) {
    return new LinkedDeliveries(
        Objects.requireNonNull(tracer, "tracer"),
        Objects.requireNonNull(propagator, "propagator"),
        MOST);
  }
}

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
import dev.sluice.channel.DeliveryListener;
import dev.sluice.channel.FlowHandle;
import dev.sluice.channel.FlowListener;
import dev.sluice.channel.Outbound;
import dev.sluice.delivery.Delivery;
import io.micrometer.observation.ObservationRegistry;
import java.util.Objects;

/**
 * An observation of every delivery of a flow and of every message it sends: with the handlers of a
 * meter registry these are timers, with those of a tracer spans.
 *
 * <p>{@code sluice.delivery} lasts from when the flow has taken the delivery until it is done. Its
 * trace is that of the message's sender, read from the headers ({@code traceparent}), and workers
 * find it in their Reactor Context, so that {@code WebClient}, {@code tap} and, with {@code
 * Hooks.enableAutomaticContextPropagation()}, logs belong to it. Tags: {@code flow}, {@code
 * channel}, {@code outcome} ({@code ack}, {@code release}, {@code retry}, {@code reject}) and
 * {@code reason}; the id of the message and the attempt are in the span only. A retry and a
 * rejection with a cause are errors.
 *
 * <p>{@code sluice.send} lasts from when a message is sent until it is confirmed or the send has
 * failed, as a child of its delivery. The message carries its trace in the headers. Tag: {@code
 * channel}.
 *
 * <p>A message that is delivered again has the sender's span as its parent again, so the attempts
 * are siblings; with {@link SluiceTracing#deliveries} each has a link to the one before.
 *
 * <pre>{@code
 * Flow.from(orders).listener(SluiceObservations.of(registry)) …
 * }</pre>
 */
@Experimental
public final class SluiceObservations implements FlowListener {

  private final ObservationRegistry registry;

  private SluiceObservations(ObservationRegistry registry) {
    this.registry = Objects.requireNonNull(registry, "registry");
  }

  /** What flows do, as observations of this registry. */
  public static SluiceObservations of(ObservationRegistry registry) {
    return new SluiceObservations(registry);
  }

  /**
   * What is sent to {@code target}, by whomever, observed as what a flow sends; a child of the
   * observation in the Reactor Context, if there is one.
   */
  public <T> Outbound<T> observed(Outbound<T> target) {
    return new ObservedOutbound<>(Objects.requireNonNull(target, "target"), registry);
  }

  @Override
  public DeliveryListener received(FlowHandle flow, Delivery<?> delivery) {
    return new ObservedDelivery(flow.name(), delivery, registry);
  }

  @Override
  public <T> Outbound<T> sending(FlowHandle flow, Outbound<T> target) {
    return observed(target);
  }
}

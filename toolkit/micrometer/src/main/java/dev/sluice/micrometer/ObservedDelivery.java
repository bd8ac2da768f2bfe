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

import dev.sluice.channel.DeliveryListener;
import dev.sluice.delivery.Delivery;
import dev.sluice.delivery.Outcome;
import io.micrometer.common.KeyValues;
import io.micrometer.observation.Observation;
import io.micrometer.observation.ObservationRegistry;
import io.micrometer.observation.contextpropagation.ObservationThreadLocalAccessor;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import reactor.util.context.Context;
import reactor.util.context.ContextView;

/** The observation of one delivery; it holds the headers, but neither delivery nor settlement. */
final class ObservedDelivery implements DeliveryListener {

  private final DeliveryContext delivery;
  private final Observation observation;

  ObservedDelivery(String flow, Delivery<?> delivery, ObservationRegistry registry) {
    this.delivery = new DeliveryContext(flow, delivery);
    this.observation =
        Observation.createNotStarted("sluice.delivery", () -> this.delivery, registry)
            .contextualName(delivery.origin().channel() + " process")
            .lowCardinalityKeyValue("flow", flow)
            .lowCardinalityKeyValue("channel", delivery.origin().channel())
            .highCardinalityKeyValue("message.id", delivery.message().id())
            .highCardinalityKeyValue("attempt", Integer.toString(delivery.origin().attempt()))
            .start();
  }

  @Override
  public ContextView context() {
    return Context.of(ObservationThreadLocalAccessor.KEY, observation);
  }

  @Override
  public void done(Outcome outcome) {
    Throwable cause = cause(outcome);
    if (cause != null) {
      observation.error(cause);
    }
    observation.lowCardinalityKeyValues(
        KeyValues.of("outcome", kind(outcome), "reason", reason(outcome)));
    delivery.done(outcome);
    observation.stop();
  }

  private static String kind(Outcome outcome) {
    if (outcome instanceof Outcome.Ack) {
      return "ack";
    }
    if (outcome instanceof Outcome.Release) {
      return "release";
    }
    return outcome instanceof Outcome.Retry ? "retry" : "reject";
  }

  private static String reason(Outcome outcome) {
    if (outcome instanceof Outcome.Ack ack) {
      return lower(ack.reason());
    }
    if (outcome instanceof Outcome.Release release) {
      return lower(release.why());
    }
    return outcome instanceof Outcome.Reject reject ? lower(reject.reason()) : "none";
  }

  private static String lower(Enum<?> reason) {
    return reason.name().toLowerCase(Locale.ROOT);
  }

  private static @Nullable Throwable cause(Outcome outcome) {
    if (outcome instanceof Outcome.Retry retry) {
      return retry.cause();
    }
    return outcome instanceof Outcome.Reject reject ? reject.cause() : null;
  }
}

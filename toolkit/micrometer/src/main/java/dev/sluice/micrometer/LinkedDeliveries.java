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

import io.micrometer.observation.Observation;
import io.micrometer.tracing.Link;
import io.micrometer.tracing.Span;
import io.micrometer.tracing.TraceContext;
import io.micrometer.tracing.Tracer;
import io.micrometer.tracing.handler.PropagatingReceiverTracingObservationHandler;
import io.micrometer.tracing.propagation.Propagator;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Makes the spans of deliveries, as any other receiver's, and links that of a message which has
 * been delivered before to the span of then.
 */
final class LinkedDeliveries extends PropagatingReceiverTracingObservationHandler<DeliveryContext> {

  /*
   * Threads: start and stop on those of the flows.
   *
   * spans   the last span of each message that is out or may come again, under its own lock. It is
   *         there from the start of the delivery, because the next one may come before this one's
   *         end has been told
   */

  private record Key(String flow, String message) {}

  private final Tracer tracer;
  private final int most;
  private final Map<Key, TraceContext> spans = new LinkedHashMap<>();

  LinkedDeliveries(Tracer tracer, Propagator propagator, int most) {
    super(tracer, propagator);
    this.tracer = tracer;
    this.most = most;
  }

  @Override
  public boolean supportsContext(Observation.Context context) {
    return context instanceof DeliveryContext;
  }

  @Override
  public Span.Builder customizeExtractedSpan(DeliveryContext delivery, Span.Builder builder) {
    TraceContext before = before(key(delivery));
    return before == null ? builder : builder.addLink(new Link(before));
  }

  @Override
  public void onStart(DeliveryContext delivery) {
    super.onStart(delivery);
    remember(key(delivery), alone(getRequiredSpan(delivery).context()));
  }

  @Override
  public void onStop(DeliveryContext delivery) {
    if (delivery.isLast()) {
      forget(key(delivery), getRequiredSpan(delivery).context().spanId());
    }
    super.onStop(delivery);
  }

  /** Without the span itself, which holds what it was told. */
  private TraceContext alone(TraceContext span) {
    return tracer
        .traceContextBuilder()
        .traceId(span.traceId())
        .spanId(span.spanId())
        .sampled(span.sampled())
        .build();
  }

  private static Key key(DeliveryContext delivery) {
    return new Key(delivery.flow(), delivery.message());
  }

  private @Nullable TraceContext before(Key key) {
    synchronized (spans) {
      return spans.get(key);
    }
  }

  private void remember(Key key, TraceContext span) {
    synchronized (spans) {
      spans.remove(key);
      spans.put(key, span);
      if (spans.size() > most) {
        spans.remove(spans.keySet().iterator().next());
      }
    }
  }

  private void forget(Key key, String span) {
    synchronized (spans) {
      TraceContext last = spans.get(key);
      if (last != null && last.spanId().equals(span)) {
        spans.remove(key);
      }
    }
  }
}

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

import dev.sluice.channel.Outbound;
import dev.sluice.channel.Receipt;
import dev.sluice.message.Headers;
import dev.sluice.message.Message;
import io.micrometer.observation.Observation;
import io.micrometer.observation.ObservationRegistry;
import io.micrometer.observation.contextpropagation.ObservationThreadLocalAccessor;
import io.micrometer.observation.transport.Kind;
import io.micrometer.observation.transport.SenderContext;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalInt;
import reactor.core.publisher.Mono;
import reactor.util.context.ContextView;

/** A target whose sends are observed, and whose messages carry the trace of their send. */
record ObservedOutbound<T>(Outbound<T> target, ObservationRegistry registry)
    implements Outbound<T> {

  @Override
  public String name() {
    return target.name();
  }

  @Override
  public OptionalInt room(Message<?> message) {
    return target.room(message);
  }

  @Override
  public Mono<Duration> retention() {
    return target.retention();
  }

  @Override
  public Mono<Receipt> send(Message<T> message) {
    return Mono.deferContextual(context -> send(message, context));
  }

  private Mono<Receipt> send(Message<T> message, ContextView context) {
    Map<String, String> trace = new HashMap<>();
    SenderContext<Map<String, String>> sender =
        new SenderContext<>(
            (carrier, key, value) -> Objects.requireNonNull(carrier).put(key, value),
            Kind.PRODUCER);
    sender.setCarrier(trace);
    sender.setRemoteServiceName(target.name());
    Observation observation =
        Observation.createNotStarted("sluice.send", () -> sender, registry)
            .contextualName(target.name() + " send")
            .lowCardinalityKeyValue("channel", target.name())
            .highCardinalityKeyValue("message.id", message.id());
    Observation parent = context.getOrDefault(ObservationThreadLocalAccessor.KEY, null);
    if (parent != null) {
      observation.parentObservation(parent);
    }
    observation.start();
    return Mono.defer(() -> target.send(carrying(message, trace)))
        .doOnError(observation::error)
        .doFinally(how -> observation.stop())
        .contextWrite(own -> own.put(ObservationThreadLocalAccessor.KEY, observation));
  }

  /** What the sender's own trace said is replaced. */
  private static <T> Message<T> carrying(Message<T> message, Map<String, String> trace) {
    Message<T> carrying = message;
    for (Map.Entry<String, String> field : trace.entrySet()) {
      if (!field.getKey().startsWith(Headers.RESERVED_PREFIX)) {
        carrying = carrying.withHeader(field.getKey(), field.getValue());
      }
    }
    return carrying;
  }
}

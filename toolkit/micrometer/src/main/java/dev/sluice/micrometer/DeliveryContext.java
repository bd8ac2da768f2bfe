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

import dev.sluice.delivery.Delivery;
import dev.sluice.delivery.Outcome;
import dev.sluice.message.Headers;
import io.micrometer.observation.transport.Kind;
import io.micrometer.observation.transport.ReceiverContext;

/** The context of the observation of a delivery: who is told of it can tell the message. */
final class DeliveryContext extends ReceiverContext<Headers> {

  private final String flow;
  private final String message;
  private volatile boolean last;

  DeliveryContext(String flow, Delivery<?> delivery) {
    super(Headers::get, Kind.CONSUMER);
    this.flow = flow;
    this.message = delivery.message().id();
    setCarrier(delivery.message().headers());
    setRemoteServiceName(delivery.origin().channel());
  }

  String flow() {
    return flow;
  }

  String message() {
    return message;
  }

  /** It is done. */
  void done(Outcome outcome) {
    last =
        outcome instanceof Outcome.Reject
            || (outcome instanceof Outcome.Ack ack && ack.reason() != Outcome.Ack.Reason.DEFERRED);
  }

  /** Whether the message is not expected to come again. */
  boolean isLast() {
    return last;
  }
}

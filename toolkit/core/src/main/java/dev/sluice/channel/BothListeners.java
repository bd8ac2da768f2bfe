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

import dev.sluice.delivery.Delivery;
import dev.sluice.delivery.Outcome;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import reactor.util.context.Context;
import reactor.util.context.ContextView;

/** Two listeners of a flow. The second hears even if the first throws. */
record BothListeners(FlowListener first, FlowListener second) implements FlowListener {

  BothListeners {
    Objects.requireNonNull(first, "first");
    Objects.requireNonNull(second, "second");
  }

  @Override
  public void started(FlowHandle flow) {
    try {
      first.started(flow);
    } finally {
      second.started(flow);
    }
  }

  @Override
  public void ended(FlowHandle flow) {
    try {
      first.ended(flow);
    } finally {
      second.ended(flow);
    }
  }

  @Override
  public @Nullable DeliveryListener received(FlowHandle flow, Delivery<?> delivery) {
    DeliveryListener one = first.received(flow, delivery);
    DeliveryListener other = second.received(flow, delivery);
    if (one == null || other == null) {
      return one == null ? other : one;
    }
    return new BothFollow(one, other);
  }

  @Override
  public <T> Outbound<T> sending(FlowHandle flow, Outbound<T> target) {
    return second.sending(flow, first.sending(flow, target));
  }

  private record BothFollow(DeliveryListener first, DeliveryListener second)
      implements DeliveryListener {

    @Override
    public ContextView context() {
      return Context.of(first.context()).putAll(second.context());
    }

    @Override
    public void done(Outcome outcome) {
      try {
        first.done(outcome);
      } finally {
        second.done(outcome);
      }
    }
  }
}

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
package dev.sluice.flow;

import dev.sluice.channel.DeliveryListener;
import dev.sluice.channel.FlowHandle;
import dev.sluice.channel.FlowListener;
import dev.sluice.channel.Outbound;
import dev.sluice.delivery.Delivery;
import dev.sluice.delivery.Outcome;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.Exceptions;

/**
 * A listener that cannot hurt the flow it listens to.
 *
 * @param listener null for nobody
 */
record SafeListener(@Nullable FlowListener listener) {

  private static final Logger log = LoggerFactory.getLogger(Flow.class);

  void started(FlowHandle flow) {
    tell(listener -> listener.started(flow));
  }

  void ended(FlowHandle flow) {
    tell(listener -> listener.ended(flow));
  }

  /** The delivery as its followers want it, which hear of its end. */
  <T> Delivery<T> received(FlowHandle flow, Delivery<T> delivery) {
    FlowListener listener = this.listener;
    if (listener == null) {
      return delivery;
    }
    DeliveryListener follower;
    Delivery<T> followed;
    try {
      follower = listener.received(flow, delivery);
      if (follower == null) {
        return delivery;
      }
      followed = delivery.with(follower.context());
    } catch (Throwable t) {
      threw(listener, t);
      return delivery;
    }
    delivery.settlement().onDone(outcome -> done(follower, outcome));
    return followed;
  }

  private static void done(DeliveryListener follower, Outcome outcome) {
    try {
      follower.done(outcome);
    } catch (Throwable t) {
      threw(follower, t);
    }
  }

  <T> Outbound<T> sending(FlowHandle flow, Outbound<T> target) {
    FlowListener listener = this.listener;
    if (listener != null) {
      try {
        return listener.sending(flow, target);
      } catch (Throwable t) {
        threw(listener, t);
      }
    }
    return target;
  }

  private void tell(Consumer<FlowListener> what) {
    FlowListener listener = this.listener;
    if (listener != null) {
      try {
        what.accept(listener);
      } catch (Throwable t) {
        threw(listener, t);
      }
    }
  }

  private static void threw(Object listener, Throwable t) {
    Exceptions.throwIfJvmFatal(t);
    log.warn("{} threw", listener, t);
  }
}

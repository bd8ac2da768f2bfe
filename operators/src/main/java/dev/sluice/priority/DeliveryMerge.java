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
package dev.sluice.priority;

import dev.sluice.Experimental;
import dev.sluice.delivery.Delivery;
import dev.sluice.message.Message;
import java.util.List;
import java.util.function.BiConsumer;
import org.reactivestreams.Publisher;
import reactor.core.publisher.Flux;

/**
 * A merge of deliveries by priority, as {@link dev.sluice.flow.Flow} uses it.
 *
 * @param <T> the payloads
 */
@Experimental
public final class DeliveryMerge<T> {

  private final int levels;
  private final PrioritySpec<Message<T>> spec;

  DeliveryMerge(int levels, PrioritySpec<Message<T>> spec) {
    this.levels = levels;
    this.spec = spec;
  }

  /**
   * {@link PriorityMerge#priorityMerge(List, java.util.function.UnaryOperator)} of deliveries. An
   * error of a source comes at once, because sources of deliveries do not end; {@link
   * PrioritySpec#delayError} has no effect.
   *
   * @param mostUrgentFirst as many sources as the merge was assembled for
   * @param failed settles a delivery for which a function of the options has thrown. Called inside
   *     the operator; the delivery is then emitted without a key, at a cost of 1
   */
  public Flux<Delivery<T>> merge(
      List<? extends Publisher<Delivery<T>>> mostUrgentFirst,
      BiConsumer<? super Delivery<T>, ? super Throwable> failed) {
    if (mostUrgentFirst.size() != levels) {
      throw new IllegalArgumentException(
          "sources: " + mostUrgentFirst.size() + " (expected: " + levels + ")");
    }
    PrioritySpec<Delivery<T>> ofDeliveries =
        spec.<Delivery<T>>over(Delivery::message, failed).delayError(false);
    return PriorityMerge.priorityMerge(mostUrgentFirst, defaults -> ofDeliveries);
  }
}

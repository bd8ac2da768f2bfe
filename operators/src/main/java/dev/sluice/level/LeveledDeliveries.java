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
package dev.sluice.level;

import dev.sluice.Experimental;
import dev.sluice.convoy.DeliveryConvoy;
import dev.sluice.delivery.DeadLetterReason;
import dev.sluice.delivery.Delivery;
import dev.sluice.delivery.Outcome;
import dev.sluice.message.Message;
import java.util.function.Function;
import reactor.core.publisher.Flux;

/**
 * Load leveling of deliveries, ready to be applied with {@link Flux#transform(Function)}.
 * Immutable.
 *
 * @param <T> the payloads it takes
 * @param <R> the payloads it emits
 */
@Experimental
public final class LeveledDeliveries<T, R>
    implements Function<Flux<Delivery<T>>, Flux<Delivery<R>>> {

  private final LevelSpec<Message<T>> spec;
  private final DeliveryConvoy<T, R> workers;

  LeveledDeliveries(LevelSpec<Message<T>> spec, DeliveryConvoy<T, R> workers) {
    this.spec = spec;
    this.workers = workers;
  }

  @Override
  public Flux<Delivery<R>> apply(Flux<Delivery<T>> source) {
    return admitted(source).transform(workers);
  }

  /** What is let in; the rest is rejected. */
  public Flux<Delivery<T>> admitted(Flux<Delivery<T>> source) {
    return spec.overflow() == Overflow.BACKPRESSURE
        ? source
        : source.onBackpressureDrop(this::reject);
  }

  private void reject(Delivery<T> delivery) {
    Overloaded error = Intake.tell(e -> spec.listener().deadLettered(delivery.message(), e), spec);
    delivery.settlement().settle(Outcome.reject(DeadLetterReason.OVERLOADED, error));
  }

  /** What works on the deliveries that were let in. */
  public DeliveryConvoy<T, R> workers() {
    return workers;
  }

  /**
   * How many unsettled deliveries the source must allow: as many as are let in, and where the rest
   * is rejected as many again, on their way to the dead letters.
   */
  public int lookAhead() {
    return spec.overflow() == Overflow.BACKPRESSURE
        ? workers.lookAhead()
        : (int) Math.min(Integer.MAX_VALUE, 2L * workers.lookAhead());
  }
}

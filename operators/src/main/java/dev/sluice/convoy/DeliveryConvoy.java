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
package dev.sluice.convoy;

import dev.sluice.delivery.Delivery;
import dev.sluice.delivery.Outcome;
import dev.sluice.dispatch.DispatchOptions;
import dev.sluice.dispatch.FluxDispatch;
import java.util.function.Function;
import reactor.core.publisher.Flux;

/**
 * A convoy of deliveries, ready to be applied with {@link Flux#transform(Function)}.
 *
 * @param <T> the payloads it takes
 * @param <R> the payloads it emits
 */
public final class DeliveryConvoy<T, R> implements Function<Flux<Delivery<T>>, Flux<Delivery<R>>> {

  private final DeliveryWork<T, R> work;
  private final DispatchOptions options;
  private final int maxAttempts;

  DeliveryConvoy(DeliveryWork<T, R> work, DispatchOptions options, int maxAttempts) {
    this.work = work;
    this.options = options;
    this.maxAttempts = maxAttempts;
  }

  @Override
  public Flux<Delivery<R>> apply(Flux<Delivery<T>> source) {
    return FluxDispatch.create(source, () -> work, options)
        .doOnDiscard(
            Delivery.class,
            delivery ->
                delivery.settlement().settle(Outcome.release(Outcome.Release.Why.CANCELLED)));
  }

  /** How many unsettled deliveries the source must allow for the look-ahead to be reached. */
  public int lookAhead() {
    return options.lookAhead();
  }

  /** After how many attempts a message is no longer retried. */
  public int maxAttempts() {
    return maxAttempts;
  }
}

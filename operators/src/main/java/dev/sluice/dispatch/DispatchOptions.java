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
package dev.sluice.dispatch;

import dev.sluice.time.Times;
import java.time.Duration;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import reactor.core.scheduler.Scheduler;

/**
 * The bounds and the clock of the engine.
 *
 * @param name what the operator is called in assembly traces and scans
 * @param concurrency workers that run at once
 * @param lookAhead elements taken from the source and not finished, as many as the concurrency can
 *     become or more
 * @param timeout how long one run of a worker may take; null for as long as it likes
 * @param timer where delays and timeouts are scheduled; null for {@code Schedulers.parallel()}
 * @param observer told the gauges of each subscription
 */
public record DispatchOptions(
    String name,
    Concurrency concurrency,
    int lookAhead,
    @Nullable Duration timeout,
    @Nullable Scheduler timer,
    Consumer<? super LaneGauges> observer) {

  public DispatchOptions {
    if (lookAhead < concurrency.max()) {
      throw new IllegalArgumentException(
          "lookAhead: " + lookAhead + " (expected: >= concurrency, " + concurrency + ")");
    }
    if (timeout != null) {
      Times.positive("timeout", timeout);
    }
  }

  /** The same, with one more who is told the gauges of each subscription. */
  public DispatchOptions observed(Consumer<? super LaneGauges> also) {
    return new DispatchOptions(
        name,
        concurrency,
        lookAhead,
        timeout,
        timer,
        gauges -> {
          observer.accept(gauges);
          also.accept(gauges);
        });
  }
}

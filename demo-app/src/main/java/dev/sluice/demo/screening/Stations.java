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
package dev.sluice.demo.screening;

import dev.sluice.convoy.ConvoyListener;
import dev.sluice.dispatch.LaneGauges;
import dev.sluice.message.Message;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/** Screening stations: each looks at one bag after the other. Thread-safe. */
final class Stations implements ConvoyListener<Message<Arrival>> {

  private static final Duration LOOK = Duration.ofMillis(200);

  private volatile @Nullable LaneGauges gauges;

  Mono<Arrival> screen(Arrival bag) {
    return Mono.delay(LOOK).thenReturn(bag);
  }

  @Override
  public void subscribed(LaneGauges gauges) {
    this.gauges = gauges;
  }

  /** How many of them are open. */
  int open() {
    LaneGauges current = gauges;
    return current == null ? 0 : current.concurrency();
  }
}

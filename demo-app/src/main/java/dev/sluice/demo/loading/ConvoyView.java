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
package dev.sluice.demo.loading;

import dev.sluice.convoy.ConvoyListener;
import dev.sluice.demo.bag.Bag;
import dev.sluice.demo.live.Frame;
import dev.sluice.dispatch.LaneGauges;
import dev.sluice.message.Message;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** How busy the convoy is, of the run that began last. Thread-safe. */
final class ConvoyView implements ConvoyListener<Message<Bag>> {

  static final int CONCURRENCY = 64;
  static final int LOOK_AHEAD = 4_096;

  private static final Frame.Convoy AT_REST = new Frame.Convoy(0, 0, CONCURRENCY, 0, LOOK_AHEAD);

  private static final Logger log = LoggerFactory.getLogger(ConvoyView.class);

  private volatile @Nullable LaneGauges lanes;

  @Override
  public void subscribed(LaneGauges gauges) {
    lanes = gauges;
  }

  @Override
  public void parked(Message<Bag> bag, Throwable error) {
    log.warn("bag {} is parked: {}", bag.payload().tag(), error.getMessage());
  }

  Frame.Convoy convoy() {
    LaneGauges gauges = lanes;
    return gauges == null
        ? AT_REST
        : new Frame.Convoy(
            gauges.lanes(),
            gauges.running(),
            gauges.concurrency(),
            gauges.admitted(),
            gauges.lookAhead());
  }
}

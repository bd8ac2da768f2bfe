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

import java.util.concurrent.atomic.AtomicIntegerFieldUpdater;
import org.reactivestreams.Subscription;
import reactor.core.Scannable;

/** What one subscription tells of itself: written by the drain, when a turn is over. */
final class DispatchGauges implements LaneGauges {

  private final Limit limit;
  private final int lookAhead;

  private volatile Scannable source = Scannable.from(null);
  private volatile int lanes;
  private volatile int running;
  private volatile int sleeping;
  private volatile int admitted;

  private static final AtomicIntegerFieldUpdater<DispatchGauges> LANES =
      AtomicIntegerFieldUpdater.newUpdater(DispatchGauges.class, "lanes");

  private static final AtomicIntegerFieldUpdater<DispatchGauges> RUNNING =
      AtomicIntegerFieldUpdater.newUpdater(DispatchGauges.class, "running");

  private static final AtomicIntegerFieldUpdater<DispatchGauges> SLEEPING =
      AtomicIntegerFieldUpdater.newUpdater(DispatchGauges.class, "sleeping");

  private static final AtomicIntegerFieldUpdater<DispatchGauges> ADMITTED =
      AtomicIntegerFieldUpdater.newUpdater(DispatchGauges.class, "admitted");

  DispatchGauges(Limit limit, int lookAhead) {
    this.limit = limit;
    this.lookAhead = lookAhead;
  }

  void source(Subscription s) {
    source = Scannable.from(s);
  }

  /** The drain only. */
  void publish(int lanes, int running, int sleeping, int admitted) {
    publish(LANES, this.lanes, lanes);
    publish(RUNNING, this.running, running);
    publish(SLEEPING, this.sleeping, sleeping);
    publish(ADMITTED, this.admitted, admitted);
  }

  private void publish(AtomicIntegerFieldUpdater<DispatchGauges> gauge, int before, int now) {
    if (before != now) {
      gauge.lazySet(this, now);
    }
  }

  @Override
  public int lanes() {
    return lanes;
  }

  @Override
  public int running() {
    return running;
  }

  @Override
  public int sleeping() {
    return sleeping;
  }

  @Override
  public int buffered() {
    return source.scanOrDefault(Scannable.Attr.BUFFERED, 0);
  }

  @Override
  public int admitted() {
    return admitted;
  }

  @Override
  public int concurrency() {
    return limit.current();
  }

  @Override
  public int lookAhead() {
    return lookAhead;
  }
}

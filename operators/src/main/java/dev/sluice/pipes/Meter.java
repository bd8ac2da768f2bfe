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
package dev.sluice.pipes;

import dev.sluice.observe.Meters;
import java.time.Duration;
import java.util.concurrent.atomic.LongAdder;
import reactor.core.observability.DefaultSignalListener;
import reactor.core.observability.SignalListener;
import reactor.core.publisher.SignalType;

/** What a filter has done so far. */
final class Meter {

  private final LongAdder started = new LongAdder();
  private final LongAdder emitted = new LongAdder();
  private final LongAdder completed = new LongAdder();
  private final LongAdder failed = new LongAdder();
  private final LongAdder cancelled = new LongAdder();
  private final LongAdder nanos = new LongAdder();

  /** Hears of one run. */
  <R> SignalListener<R> run() {
    return new Run<>(this);
  }

  void name(Meters meters) {
    meters.counter("sluice.filter.started", "elements", "Begun by a filter", started::sum);
    meters.counter("sluice.filter.emitted", "values", "Given by a filter", emitted::sum);
    meters.counter("sluice.filter.failed", "elements", "Failed in a filter", failed::sum);
    meters.counter(
        "sluice.filter.busy", "nanoseconds", "Worked by a filter, for those ended", nanos::sum);
    meters.gauge(
        "sluice.filter.running",
        "elements",
        "In a filter at the moment",
        () -> stats("").running());
  }

  FilterStats stats(String name) {
    long done = completed.sum();
    long bad = failed.sum();
    long cut = cancelled.sum();
    long time = nanos.sum();
    return new FilterStats(
        name,
        started.sum(), // last: whatever has ended was started before
        emitted.sum(),
        done,
        bad,
        cut,
        Duration.ofNanos(time));
  }

  private static final class Run<R> extends DefaultSignalListener<R> {

    private final Meter meter;
    private long begin;

    Run(Meter meter) {
      this.meter = meter;
    }

    @Override
    public void doOnSubscription() {
      begin = System.nanoTime();
      meter.started.increment();
    }

    @Override
    public void doOnNext(R value) {
      meter.emitted.increment();
    }

    @Override
    public void doFinally(SignalType how) {
      meter.nanos.add(System.nanoTime() - begin);
      if (how == SignalType.ON_COMPLETE) {
        meter.completed.increment();
      } else if (how == SignalType.ON_ERROR) {
        meter.failed.increment();
      } else {
        meter.cancelled.increment();
      }
    }
  }
}

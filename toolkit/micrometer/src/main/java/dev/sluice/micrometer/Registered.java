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
package dev.sluice.micrometer;

import dev.sluice.observe.Meters;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.DoubleSupplier;
import java.util.function.LongSupplier;

/** Numbers in a registry, with the tags given so far; remembers what it has registered. */
final class Registered implements Meters {

  private final MeterRegistry registry;
  private final Tags tags;
  private final Queue<Meter> registered;

  Registered(MeterRegistry registry, Tags tags) {
    this(registry, tags, new ConcurrentLinkedQueue<>());
  }

  private Registered(MeterRegistry registry, Tags tags, Queue<Meter> registered) {
    this.registry = registry;
    this.tags = tags;
    this.registered = registered;
  }

  @Override
  public Meters with(String tag, String value) {
    return new Registered(registry, tags.and(tag, value), registered);
  }

  @Override
  public void gauge(String name, String unit, String description, DoubleSupplier value) {
    registered.add(
        Gauge.builder(name, value::getAsDouble)
            .tags(tags)
            .baseUnit(unit)
            .description(description)
            .strongReference(true)
            .register(registry));
  }

  @Override
  public void counter(String name, String unit, String description, LongSupplier total) {
    registered.add(
        FunctionCounter.builder(name, total, LongSupplier::getAsLong)
            .tags(tags)
            .baseUnit(unit)
            .description(description)
            .register(registry));
  }

  void remove() {
    registered.forEach(registry::remove);
  }
}

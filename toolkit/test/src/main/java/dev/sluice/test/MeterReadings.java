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
package dev.sluice.test;

import dev.sluice.Experimental;
import dev.sluice.observe.Metered;
import dev.sluice.observe.Meters;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.DoubleSupplier;
import java.util.function.LongSupplier;

/**
 * Reads the numbers of something {@link Metered} in a test: {@code
 * MeterReadings.of(channel).read().get("sluice.channel.depth{channel=orders}")}.
 */
@Experimental
public final class MeterReadings {

  private final SortedMap<String, DoubleSupplier> numbers = new TreeMap<>();

  private MeterReadings() {}

  /**
   * The numbers of this.
   *
   * @throws IllegalArgumentException if two of them have the same name and tags
   */
  public static MeterReadings of(Metered source) {
    MeterReadings readings = new MeterReadings();
    source.meters(readings.new Named(new TreeMap<>()));
    return readings;
  }

  /** What they are now, by name and tags: {@code name{tag=value, other=value}}. */
  public Map<String, Double> read() {
    SortedMap<String, Double> read = new TreeMap<>();
    numbers.forEach((name, value) -> read.put(name, value.getAsDouble()));
    return read;
  }

  private final class Named implements Meters {

    private final SortedMap<String, String> tags;

    Named(SortedMap<String, String> tags) {
      this.tags = tags;
    }

    @Override
    public Meters with(String tag, String value) {
      SortedMap<String, String> more = new TreeMap<>(tags);
      more.put(tag, value);
      return new Named(more);
    }

    @Override
    public void gauge(String name, String unit, String description, DoubleSupplier value) {
      String full = name + tags;
      if (numbers.putIfAbsent(full, value) != null) {
        throw new IllegalArgumentException("meter: " + full + " (expected: named once)");
      }
    }

    @Override
    public void counter(String name, String unit, String description, LongSupplier total) {
      gauge(name, unit, description, total::getAsLong);
    }
  }
}

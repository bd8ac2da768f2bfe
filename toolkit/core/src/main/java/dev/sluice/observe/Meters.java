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
package dev.sluice.observe;

import dev.sluice.Experimental;
import java.util.function.DoubleSupplier;
import java.util.function.LongSupplier;

/**
 * A place where numbers are watched; {@code sluice-micrometer} makes one of a registry.
 *
 * <p>Names are in lower case, begin with {@code sluice.} and the pattern, and have dots between
 * their words: {@code sluice.deadletters.oldest.age}. A tag is a name that somebody has chosen for
 * a part of the program, as that of a flow or a channel. It is never an id or a group, of which
 * there are as many as there are messages.
 */
@Experimental
public interface Meters {

  /** The same place with one more tag on everything that is named there. */
  Meters with(String tag, String value);

  /**
   * A number that goes up and down.
   *
   * @param unit in the plural and in full: {@code messages}, {@code bytes}, {@code seconds}
   * @param value NaN if it is not known
   */
  void gauge(String name, String unit, String description, DoubleSupplier value);

  /**
   * A number that only grows.
   *
   * @param unit as of a gauge
   * @param total how many there were since the start
   */
  void counter(String name, String unit, String description, LongSupplier total);
}

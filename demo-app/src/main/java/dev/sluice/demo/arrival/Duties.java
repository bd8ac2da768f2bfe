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
package dev.sluice.demo.arrival;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Who does what is expected of them, in this process. Thread-safe. */
final class Duties {

  /** What somebody does about the events that come. */
  enum Duty {
    /** Their part. */
    WORKS,
    /** They refuse, and say so. */
    REFUSES,
    /** Nothing: the events wait. */
    SLEEPS
  }

  private final Map<String, Duty> byName = Collections.synchronizedMap(new LinkedHashMap<>());

  Duties(List<String> names) {
    names.forEach(name -> byName.put(name, Duty.WORKS));
  }

  boolean refuses(String name) {
    return byName.get(name) == Duty.REFUSES;
  }

  void set(String name, Duty duty) {
    byName.replace(name, duty);
  }

  /** By name, in the order of the arrival. */
  Map<String, Duty> all() {
    synchronized (byName) {
      return new LinkedHashMap<>(byName);
    }
  }
}

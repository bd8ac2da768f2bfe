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
package dev.sluice.demo.scan;

import java.util.ArrayList;
import java.util.List;

/**
 * A bag as far as it is known: each filter adds what it finds. Immutable.
 *
 * @param label what the scanner has read: a tag, a slash and a flight
 * @param tag empty until it is decoded
 * @param flight empty until it is decoded
 * @param kilos 0 until it is weighed
 * @param litres 0 until it is measured
 * @param destination empty until the flight was looked up
 * @param way the filters that it has gone through, in their order
 */
record Scan(
    String label,
    String tag,
    String flight,
    int kilos,
    int litres,
    String destination,
    List<String> way) {

  Scan {
    way = List.copyOf(way);
  }

  static Scan of(String label) {
    return new Scan(label, "", "", 0, 0, "", List.of());
  }

  Scan decoded(String read, String of) {
    return new Scan(label, read, of, kilos, litres, destination, way);
  }

  Scan measured(int weight, int size) {
    return new Scan(label, tag, flight, weight, size, destination, way);
  }

  Scan to(String airport) {
    return new Scan(label, tag, flight, kilos, litres, airport, way);
  }

  Scan through(String filter) {
    List<String> longer = new ArrayList<>(way);
    longer.add(filter);
    return new Scan(label, tag, flight, kilos, litres, destination, longer);
  }
}

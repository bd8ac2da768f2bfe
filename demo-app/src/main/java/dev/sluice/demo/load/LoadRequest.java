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
package dev.sluice.demo.load;

import dev.sluice.demo.problem.FieldError;
import dev.sluice.demo.problem.Problem;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.springframework.util.MultiValueMap;

/**
 * A valid request for load.
 *
 * @param rate bags per second, 1 to 5000
 * @param bags bags in all, unreadable records included, 1 to 1 000 000
 * @param unreadableShare which part of them is written as a record nobody can read, 0 to 0.1
 */
record LoadRequest(int rate, int bags, double unreadableShare) {

  static final int MAX_RATE = 5_000;
  static final int MAX_BAGS = 1_000_000;
  static final double MAX_SHARE = 0.1;

  private static final int DEFAULT_RATE = 500;
  private static final int DEFAULT_BAGS = 10_000;
  private static final double DEFAULT_SHARE = 0.002;

  /** How many unreadable records it has. */
  int unreadable() {
    return (int) Math.round(bags * unreadableShare);
  }

  /** How long it lasts if everything keeps up. */
  Duration duration() {
    return Duration.ofMillis(1_000L * bags / rate);
  }

  /**
   * Reads a query.
   *
   * @throws Problem 400 that names each parameter that is wrong
   */
  static LoadRequest read(MultiValueMap<String, String> query) {
    List<FieldError> errors = new ArrayList<>();
    int rate = (int) number(query, "rate", DEFAULT_RATE, 1, MAX_RATE, true, errors);
    int bags = (int) number(query, "bags", DEFAULT_BAGS, 1, MAX_BAGS, true, errors);
    double share = number(query, "unreadableShare", DEFAULT_SHARE, 0, MAX_SHARE, false, errors);
    if (!errors.isEmpty()) {
      throw Problem.malformed(errors);
    }
    return new LoadRequest(rate, bags, share);
  }

  private static double number(
      MultiValueMap<String, String> query,
      String name,
      double absent,
      double min,
      double max,
      boolean whole,
      List<FieldError> errors) {
    String text = query.getFirst(name);
    if (text == null) {
      return absent;
    }
    try {
      double value = whole ? Integer.parseInt(text) : Double.parseDouble(text);
      if (value >= min && value <= max) {
        return value;
      }
    } catch (NumberFormatException e) {
      // Told like a number out of range.
    }
    String range = whole ? (int) min + ".." + (int) max : min + ".." + max;
    errors.add(FieldError.was(name, text, (whole ? "a whole number, " : "a number, ") + range));
    return absent;
  }
}

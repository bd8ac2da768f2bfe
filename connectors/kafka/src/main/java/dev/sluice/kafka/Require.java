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
package dev.sluice.kafka;

/** Checks of what specs are given. */
final class Require {

  private Require() {}

  static String notBlank(String what, String value) {
    if (value.isBlank()) {
      throw new IllegalArgumentException(what + ": \"" + value + "\" (expected: not blank)");
    }
    return value;
  }

  static int between(String what, int value, int min, int max) {
    if (value < min || value > max) {
      throw new IllegalArgumentException(
          what + ": " + value + " (expected: " + min + ".." + max + ")");
    }
    return value;
  }

  /** For what a spec cannot do without. */
  static String given(String what, String value) {
    if (value.isEmpty()) {
      throw new IllegalArgumentException(what + ": not given (expected: given)");
    }
    return value;
  }
}

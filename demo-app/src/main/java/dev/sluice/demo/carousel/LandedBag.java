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
package dev.sluice.demo.carousel;

import java.time.LocalDate;

/**
 * A bag of an aircraft that has landed.
 *
 * @param flight the one that has brought it, such as {@code B6 108}
 */
record LandedBag(String tag, String flight, LocalDate date) {

  LandedBag {
    if (!tag.matches("[0-9]{10}")) {
      throw new IllegalArgumentException("tag: \"" + tag + "\" (expected: 10 digits)");
    }
    if (!flight.matches("[A-Z0-9]{2} [0-9]{1,4}")) {
      throw new IllegalArgumentException(
          "flight: \"" + flight + "\" (expected: a carrier and a number, such as B6 108)");
    }
  }

  /** The two characters of the airline. */
  String carrier() {
    return flight.substring(0, 2);
  }
}

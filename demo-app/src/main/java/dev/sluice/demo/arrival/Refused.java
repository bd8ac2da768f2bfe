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

import java.io.Serial;

/** Somebody cannot do their part, and trying again would not help: a business failure. */
final class Refused extends Exception {

  @Serial private static final long serialVersionUID = 1L;

  private final transient Arrived arrived;

  Refused(Arrived arrived) {
    super(arrived.says());
    this.arrived = arrived;
  }

  /** What becomes known of it. */
  Arrived arrived() {
    return arrived;
  }
}

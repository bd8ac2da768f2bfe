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
package dev.sluice.delivery;

import java.util.Arrays;
import java.util.stream.IntStream;
import reactor.test.util.RaceTestUtils;

/** Starts actions at the same moment, each on a thread of its own. */
final class Races {

  static final int ROUNDS = 2_000;

  private Races() {}

  static void race(Runnable... actions) {
    RaceTestUtils.race(actions);
  }

  /** The same action on several threads. */
  static void race(int threads, Runnable action) {
    Runnable[] actions = new Runnable[threads];
    Arrays.setAll(actions, i -> action);
    RaceTestUtils.race(actions);
  }

  /** Runs a round many times; the round gets its number. */
  static void rounds(java.util.function.IntConsumer round) {
    IntStream.range(0, ROUNDS).forEach(round);
  }
}

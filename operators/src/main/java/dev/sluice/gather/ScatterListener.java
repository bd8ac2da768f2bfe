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
package dev.sluice.gather;

import dev.sluice.Experimental;

/**
 * Hears what becomes of asks. Called inside the operator, from several threads at once when several
 * gathers run, so it must be quick and must not block; what it throws is logged and otherwise
 * ignored.
 */
@Experimental
public interface ScatterListener {

  /** A leg has ended, in whatever state. */
  default void ended(Leg<?> leg) {}

  /** A gather has ended; nobody may have asked for the result yet. */
  default void gathered(Gathered<?> gathered) {}

  /** An answer came when nobody waited for it any more, and was discarded. */
  default void late(String recipient) {}
}

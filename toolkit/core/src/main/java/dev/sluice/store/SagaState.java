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
package dev.sluice.store;

/** Where a saga is, as far as its journal says. */
public enum SagaState {
  /** It goes forward or backward, or nobody has gone on with it yet. */
  RUNNING,
  /** All of its steps stand. */
  COMPLETED,
  /** What had to be undone is undone. */
  COMPENSATED,
  /** It can go neither forward nor backward; somebody has to look at it. */
  PARKED,
  /** Somebody has looked at it and given it up. */
  ABANDONED;

  /** Whether nothing happens any more, by whomever. */
  public boolean isFinal() {
    return this != RUNNING && this != PARKED;
  }
}

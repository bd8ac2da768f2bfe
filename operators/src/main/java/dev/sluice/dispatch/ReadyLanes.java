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
package dev.sluice.dispatch;

import org.jspecify.annotations.Nullable;

/** Lanes that want a slot, in the order in which they get one. Drain only. */
interface ReadyLanes<T> {

  boolean isEmpty();

  /** A lane whose element has not had its turn, or has had one. */
  void addLast(Lane<T> lane);

  /** A lane that has waited for its turn. */
  void addFirst(Lane<T> lane);

  @Nullable Lane<T> poll();

  void clear();
}

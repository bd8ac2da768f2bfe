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
package dev.sluice.level;

/** What happens when as many elements wait as may, and another one comes. */
public enum Overflow {
  /** It does not come: the source is asked for no more than there is room for. */
  BACKPRESSURE,

  /**
   * The source is asked for everything, and what finds no room is refused: in a flow it goes to the
   * dead letters, as {@link dev.sluice.delivery.DeadLetterReason#OVERLOADED}; a plain sequence ends
   * with {@link Overloaded}.
   */
  REJECT,

  /**
   * The source is asked for everything, and the element that waits longest makes room. Only for
   * plain elements: a message is not dropped.
   */
  DROP_OLDEST,

  /**
   * The source is asked for everything, and what finds no room is dropped. Only for plain elements:
   * a message is not dropped.
   */
  DROP_NEWEST
}

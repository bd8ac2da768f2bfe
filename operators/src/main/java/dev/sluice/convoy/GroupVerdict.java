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
package dev.sluice.convoy;

/** What becomes of a message of a convoy when its worker has failed and no attempt is left. */
public enum GroupVerdict {
  /** It is reported to the listener and counts as done; its group goes on. */
  SKIP,
  /** It goes to the dead letters; its group goes on once they have it. Only in a flow. */
  DEAD_LETTER,
  /**
   * It and all of its group that comes after it are parked, in their order, until somebody releases
   * the group; other groups go on. The group is that of the message; a message without one goes to
   * the dead letters. Only in a flow, with {@link dev.sluice.flow.Flow#parking}.
   */
  PARK_GROUP,
  /**
   * It stays where it is, unsettled, and its group waits until somebody lets it go on; other groups
   * go on as far as the look-ahead reaches. After a restart it is tried again. A message without a
   * group goes to the dead letters. Only in a flow, with {@link ConvoySpec#halted}.
   */
  HALT_GROUP,
  /** The whole sequence ends with the error. */
  FAIL_FLOW
}

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
package dev.sluice.bridge;

import dev.sluice.Experimental;

/** In which order messages cross a {@link Bridge}. */
@Experimental
public enum Order {
  /**
   * Messages of one group cross one after the other, those of different groups at once. The group
   * is that under which they are sent, or the one they came with if they are sent without.
   */
  BY_GROUP,
  /** All messages cross one after the other, in the order in which they come. */
  TOTAL,
  /**
   * All messages are sent in the order in which they come, many on their way at once. When a send
   * fails, nothing else is sent until those on their way have ended, and then it and all that were
   * sent behind it are sent again. So the target may have some of those, as many as the {@linkplain
   * BridgeSpec#window window} is wide, once before it and once behind it; a target that takes
   * nothing behind what it has not taken never does.
   *
   * <p>It is the target that keeps sends in the order in which they began, as channels do within a
   * group. So this is for messages that are sent in one group, or to a topic with one partition.
   */
  PIPELINED,
  /** Messages cross as they can. */
  NONE
}

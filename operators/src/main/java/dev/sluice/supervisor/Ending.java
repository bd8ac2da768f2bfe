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
package dev.sluice.supervisor;

import dev.sluice.store.Content;
import org.jspecify.annotations.Nullable;

/** How the work on a step has ended, on the side of its agent. */
sealed interface Ending {

  /** It is done, or undone. */
  record Done(@Nullable Content output) implements Ending {}

  /** It has failed. */
  record Failed(String why, boolean forGood) implements Ending {}

  /** The agent stops, or the step is not wanted any more. */
  record GivenBack() implements Ending {}

  /** It is not the agent's any more, or may soon not be. */
  record Lost() implements Ending {}
}

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
package dev.sluice.priority;

import dev.sluice.Experimental;
import java.time.Duration;

/** What one subscription of {@link PriorityMerge} holds at the moment. Any thread may ask. */
@Experimental
public interface PriorityGauges {

  /** How many levels there are; they count from 0, the most urgent. */
  int levels();

  /** Sources that are subscribed to and have not ended, or whose elements still wait. */
  int sources();

  /** Elements of a level that have been delivered and not emitted. */
  int waiting(int level);

  /** How long the oldest of them has been waiting; zero when none is. */
  Duration oldestWait(int level);
}

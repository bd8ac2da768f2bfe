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
package dev.sluice.pipes;

import dev.sluice.Experimental;
import java.time.Duration;

/**
 * What a filter has done since it was made, wherever it was used.
 *
 * @param name the name of the filter
 * @param started elements that it has begun with, repeated ones included
 * @param emitted values that it has given
 * @param completed elements that it has finished
 * @param failed elements that have failed in it
 * @param cancelled elements that it was cancelled with
 * @param busy for how long it has worked on those that it has ended with, all together
 */
@Experimental
public record FilterStats(
    String name,
    long started,
    long emitted,
    long completed,
    long failed,
    long cancelled,
    Duration busy) {

  /** Elements that it works on at the moment. */
  public long running() {
    return started - completed - failed - cancelled;
  }
}

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
package dev.sluice.channel;

import dev.sluice.Experimental;
import dev.sluice.delivery.Origin;

/**
 * Hears of dead letters that their target does not take. Until it does, their messages stay at the
 * source, and sooner or later the source delivers nothing more. Called from any thread, also
 * concurrently; must neither block nor throw.
 */
@Experimental
public interface DeadLetterListener {

  /**
   * The target did not take a letter, which will be tried again.
   *
   * @param origin where the rejected delivery came from
   * @param failures how often in a row, from 1
   */
  void refused(Origin origin, long failures, Throwable failure);

  /**
   * A letter that had been refused was taken, or the consumer ended and nobody tries any more. Once
   * for each letter, after its first refusal.
   */
  void over(Origin origin);
}

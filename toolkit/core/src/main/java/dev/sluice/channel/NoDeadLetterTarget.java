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

import dev.sluice.delivery.Origin;
import dev.sluice.delivery.Outcome;

/**
 * A delivery was rejected and nobody was named to take dead letters. The consumer stops and the
 * message stays at the source: stopping loses nothing, dropping would.
 */
public final class NoDeadLetterTarget extends RuntimeException {

  private static final long serialVersionUID = 1L;

  NoDeadLetterTarget(Origin origin, Outcome.Reject reject) {
    super(
        origin.channel()
            + ' '
            + origin.position()
            + " was rejected ("
            + reject.reason()
            + ") and no dead-letter target is configured (expected: Flow.deadLetter or"
            + " ReceiveOptions.deadLetters)",
        reject.cause());
  }
}

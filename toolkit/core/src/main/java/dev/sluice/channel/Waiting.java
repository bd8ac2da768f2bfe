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

import dev.sluice.message.Message;
import java.time.Duration;
import java.util.Objects;

/**
 * A message that waits in a channel, as it was when it was looked at. Nobody may write to its
 * payload.
 *
 * @param message the message, its bytes as they came
 * @param position where it is, as receipts and deliveries name it
 * @param attempts how often it was tried, as far as that counts
 * @param rest how long until it, or the first message of its group, may be delivered; zero if it
 *     may be now
 */
public record Waiting(Message<byte[]> message, String position, int attempts, Duration rest) {

  public Waiting {
    Objects.requireNonNull(message, "message");
    Objects.requireNonNull(position, "position");
    if (attempts < 0) {
      throw new IllegalArgumentException("attempts: " + attempts + " (expected: >= 0)");
    }
    if (rest.isNegative()) {
      throw new IllegalArgumentException("rest: " + rest + " (expected: >= PT0S)");
    }
  }
}

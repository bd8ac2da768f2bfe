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
package dev.sluice.delivery;

import java.time.Instant;
import java.util.Objects;

/**
 * Where a delivery comes from.
 *
 * @param channel the name of the channel that delivered it
 * @param position the place in that channel, in the channel's own notation
 * @param attempt which attempt this is, from 1; a {@link Outcome.Release} is not counted. What a
 *     channel remembers of it across a crash is that channel's capability
 * @param receivedAt when it was handed out, by the channel's clock
 * @param epoch the period of ownership: a settlement of an older epoch has no effect
 * @param window how many deliveries that consumer may have out and not done, at least 1: who
 *     collects more than that before it settles any waits for ever
 */
public record Origin(
    String channel, String position, int attempt, Instant receivedAt, long epoch, int window) {

  /** The window of a consumer that has no bound, or none that is known. */
  public static final int UNBOUNDED = Integer.MAX_VALUE;

  public Origin {
    Objects.requireNonNull(channel, "channel");
    Objects.requireNonNull(position, "position");
    Objects.requireNonNull(receivedAt, "receivedAt");
    if (attempt < 1) {
      throw new IllegalArgumentException("attempt: " + attempt + " (expected: >= 1)");
    }
    if (window < 1) {
      throw new IllegalArgumentException("window: " + window + " (expected: >= 1)");
    }
  }

  /** An origin without a bound on the deliveries that are out. */
  public Origin(String channel, String position, int attempt, Instant receivedAt, long epoch) {
    this(channel, position, attempt, receivedAt, epoch, UNBOUNDED);
  }

  /** The same origin at another attempt, from 1. */
  public Origin withAttempt(int attempt) {
    return new Origin(channel, position, attempt, receivedAt, epoch, window);
  }
}

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
import java.time.Duration;
import java.time.Instant;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * What a {@link Bridge} is doing, at one moment.
 *
 * @param state the state
 * @param since when it began to be up or away, by the clock of the bridge
 * @param crossed sends that the target has confirmed, repeated ones included
 * @param echoes messages that came from the side they would go to, and were not sent there
 * @param rejected messages that went to the dead letters
 * @param outages how often the target was away
 * @param unacknowledged messages that were taken from the source and are not done
 * @param oldest how long the oldest of them has been out; zero if there is none
 * @param lag messages that have not crossed: those that are out, and those that waited at the
 *     source at the look before this one; empty if that is not known, as at the first look, or if
 *     that was more than two minutes ago
 * @param rate confirmed sends a second, over the last ten seconds that are over
 * @param consecutiveFailures sends that have failed since one was confirmed
 * @param lastError what a send, a dead letter or the flow has failed with last; null if nothing has
 * @param lastErrorAt when a send has failed last, if that is the last error
 */
@Experimental
public record BridgeHealth(
    State state,
    Instant since,
    long crossed,
    long echoes,
    long rejected,
    long outages,
    int unacknowledged,
    Duration oldest,
    OptionalLong lag,
    double rate,
    long consecutiveFailures,
    @Nullable Throwable lastError,
    @Nullable Instant lastErrorAt) {

  /** The state of a bridge. */
  public enum State {
    /** It takes no messages: it was not started, has ended, or its source has failed. */
    DOWN,
    /** Messages cross. */
    UP,
    /** Somebody has paused it. */
    PAUSED,
    /** The target does not take messages, and is probed. */
    TARGET_AWAY,
    /** The target of the dead letters does not take them. */
    STALLED
  }

  /** Whether messages cross: what a health check wants to know. */
  public boolean isUp() {
    return state == State.UP;
  }
}

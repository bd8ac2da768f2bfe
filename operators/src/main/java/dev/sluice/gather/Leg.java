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
package dev.sluice.gather;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * What became of one recipient in one gather.
 *
 * @param recipient its name; {@code fallback} for what stands in for an incomplete gather
 * @param state how it ended
 * @param answer the answer, when there is one: in the states ANSWERED, HEDGED and FALLBACK
 * @param error the last failure, when there was one: always in the state FAILED, and in the states
 *     TIMED_OUT and CANCELLED when an ask had failed or had run out of its own time before
 * @param took from its first ask to its end, with retries and the waits between them; zero when it
 *     was never asked or answered without waiting
 * @param <R> the answers
 */
public record Leg<R>(
    String recipient, State state, @Nullable R answer, @Nullable Throwable error, Duration took) {

  /** How a leg ended. */
  public enum State {
    /** It answered. */
    ANSWERED,
    /** It answered, and its hedge was quicker than the first ask. */
    HEDGED,
    /** It ended without an answer: it has none to give. */
    EMPTY,
    /** It failed, and so did every retry and its hedge. */
    FAILED,
    /** It did not answer within its own time or within the time of the whole gather. */
    TIMED_OUT,
    /** The gather ended without needing it, whether it had been asked already or not. */
    CANCELLED,
    /** Not a recipient's answer: what the fallback gave. */
    FALLBACK
  }

  /** Whether the recipient has said what it has to say, be it nothing. */
  boolean responded() {
    return state == State.ANSWERED || state == State.HEDGED || state == State.EMPTY;
  }
}

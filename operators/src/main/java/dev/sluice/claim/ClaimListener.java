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
package dev.sluice.claim;

import dev.sluice.Experimental;
import dev.sluice.message.Message;
import java.time.Duration;

/**
 * Hears what becomes of payloads and claims. Called inside the operators, from several threads at
 * once, so it must be quick and must not block; what it throws is logged and otherwise ignored.
 */
@Experimental
public interface ClaimListener {

  /**
   * A payload was stored; its bytes stay off the broker.
   *
   * @param ttl for how long it will be kept, unless it is deleted earlier: with the size, what it
   *     costs
   */
  default void stored(Claim claim, Duration ttl) {}

  /** A payload was small enough to travel in its message. */
  default void inlined(long bytes) {}

  /** A payload was read to its end and found to be what was stored. */
  default void redeemed(Claim claim) {}

  /** A claim was not honoured. */
  default void refused(ClaimRefused.Reason reason) {}

  /** The store does not have the payload of a good claim any more. */
  default void lost(Claim claim) {}

  /**
   * A payload was deleted: its message was acknowledged for good, or has certainly not been sent.
   */
  default void deleted(Claim claim) {}

  /** A payload should have been deleted and was not; it will be swept when it has expired. */
  default void left(Claim claim, Throwable error) {}

  /** A message of a plain {@code Flux} was skipped, as the options ask for. */
  default void skipped(Message<?> message, Throwable error) {}
}

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
package dev.sluice.store;

import java.time.Duration;
import reactor.core.publisher.Mono;

/**
 * Who may do what alone, and for how long.
 *
 * <p>An operation begins when it is subscribed to, anew for each subscription; an argument that is
 * out of range is an {@link IllegalArgumentException} of the call. For every operation:
 *
 * <dl>
 *   <dt>Emits
 *   <dd>what it says, when the store has it
 *   <dt>Backpressure
 *   <dd>not applicable
 *   <dt>Completes/Errors
 *   <dd>fails with {@link StoreFailed} when the store could not be asked; whether the operation has
 *       taken effect is then unknown
 *   <dt>Cancel
 *   <dd>ends the waiting, not the operation: a lease that nobody takes over ends by itself
 *   <dt>Discard
 *   <dd>nothing to discard
 *   <dt>Threads
 *   <dd>on a scheduler of the store, or, if it answers without waiting as those in memory do, on
 *       the thread that subscribes
 * </dl>
 */
public interface LeaseStore {

  /** The longest name and the longest owner, in characters. */
  int MAX_NAME = 200;

  /**
   * Takes the lease if nobody has it.
   *
   * @param name what the right is about, 1 to {@value #MAX_NAME} characters
   * @param owner who asks, 1 to {@value #MAX_NAME} characters; it does not prove anything, and the
   *     same owner cannot have it twice either
   * @param ttl how long it is given, more than zero
   * @return the lease, or empty when somebody has it
   * @throws IllegalArgumentException if an argument is out of range
   */
  Mono<Lease> acquire(String name, String owner, Duration ttl);

  /**
   * Extends a lease that has not ended, from now on.
   *
   * @param ttl how long from now, more than zero
   * @return the lease with its new end, or empty when it has ended: whoever had it must stop
   * @throws IllegalArgumentException if {@code ttl} is out of range
   */
  Mono<Lease> renew(Lease lease, Duration ttl);

  /**
   * Ends a lease before its time.
   *
   * @return whether it had not ended yet
   */
  Mono<Boolean> release(Lease lease);
}

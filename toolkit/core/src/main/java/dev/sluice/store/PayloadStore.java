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

import java.nio.ByteBuffer;
import java.time.Instant;
import org.reactivestreams.Publisher;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * Where payloads are kept that are too large for a message. A payload is written once, under a key
 * of its own, and never changed; it is there as a whole or not at all.
 *
 * <p>An operation begins when it is subscribed to, anew for each subscription; an argument that is
 * out of range is an {@link IllegalArgumentException} of the call. For every operation, unless it
 * says otherwise:
 *
 * <dl>
 *   <dt>Emits
 *   <dd>what it says, when the store has it
 *   <dt>Backpressure
 *   <dd>not applicable
 *   <dt>Completes/Errors
 *   <dd>fails with {@link StoreFailed} when the store could not be asked, or nobody knows whether
 *       it did what it was asked for
 *   <dt>Cancel
 *   <dd>ends the waiting; the operation may or may not have taken effect
 *   <dt>Discard
 *   <dd>nothing to discard
 *   <dt>Threads
 *   <dd>on threads of the store, or, if it answers without waiting as those in memory do, on the
 *       thread that subscribes
 * </dl>
 */
public interface PayloadStore {

  /**
   * What the store is called in claims and in errors. It stays the same for as long as claims are
   * out, and is the same for those who write and those who read: 1 to 64 lower-case letters of
   * ASCII, digits and '-'.
   */
  String name();

  /**
   * Stores a payload. Not for a key that is taken: then it fails with a {@link StoreFailed} that is
   * not temporary, and what is there stays as it is. Of several who write to one key at once, one
   * succeeds.
   *
   * <dl>
   *   <dt>Emits
   *   <dd>what is stored, once it is there to stay and everybody can read it
   *   <dt>Backpressure
   *   <dd>asks the body for as much as it can take; what it holds is bounded, as the store says
   *   <dt>Completes/Errors
   *   <dd>as above; and with the error of the body, or an {@link IllegalArgumentException} if it
   *       has not the length that was promised. Then nothing is stored; only if the failure was
   *       that of an answer may it be there nevertheless, until it expires
   *   <dt>Cancel
   *   <dd>cancels the body; nothing is stored, unless it was complete already
   *   <dt>Discard
   *   <dd>nothing to discard: buffers hold no resources
   *   <dt>Threads
   *   <dd>on threads of the store; the body is subscribed to once for each subscription, on the
   *       thread of the subscriber, and asked for more on any thread
   * </dl>
   *
   * @param body the bytes that remain in its buffers; they must not change afterwards
   */
  Mono<StoredPayload> put(PayloadKey key, Publisher<ByteBuffer> body, PutOptions options);

  /**
   * The bytes of a payload. A store heals a broken connection where it can, and then goes on with
   * the byte at which it broke.
   *
   * <dl>
   *   <dt>Emits
   *   <dd>the bytes in order, in buffers of any size that belong to the subscriber
   *   <dt>Backpressure
   *   <dd>reads no further than the demand reaches, but for a bounded buffer
   *   <dt>Completes/Errors
   *   <dd>completes after the last byte, at once if the range begins behind it; fails with {@link
   *       PayloadMissing} if there is no such payload, with {@link StoreFailed} as above, also in
   *       the middle. Completion means that all bytes have come, not that they are the right ones
   *   <dt>Cancel
   *   <dd>ends the reading and gives back what it holds
   *   <dt>Discard
   *   <dd>nothing to discard: buffers hold no resources
   *   <dt>Threads
   *   <dd>on threads of the store; each subscription reads anew
   * </dl>
   */
  Flux<ByteBuffer> get(PayloadKey key, ByteRange range);

  /**
   * What is stored under a key.
   *
   * @return what is stored, or empty if nothing is
   */
  Mono<StoredPayload> stat(PayloadKey key);

  /** Deletes a payload; completes also if there is none. Who is reading it may fail. */
  Mono<Void> delete(PayloadKey key);

  /**
   * Payloads that have expired, those that expired first in front.
   *
   * @param before those whose key expires before this
   * @param limit how many at most, 1 or more
   * @throws IllegalArgumentException if the limit is out of range
   */
  Flux<PayloadKey> expired(Instant before, int limit);

  /**
   * Gives up what was begun to be stored and never finished, because a process was killed. Stores
   * in which nothing can be left half have nothing to do.
   *
   * @param before what was begun before this; far enough back that nobody is writing it any more
   * @return how many there were
   */
  default Mono<Long> abandonUnfinished(Instant before) {
    return Mono.just(0L);
  }

  /**
   * Checks the name of a store.
   *
   * @return the name
   * @throws IllegalArgumentException if it is out of range
   */
  static String requireName(String name) {
    if (!name.matches("[a-z0-9-]{1,64}")) {
      throw new IllegalArgumentException(
          "name: \"" + name + "\" (expected: 1..64 of a-z, 0-9 and '-')");
    }
    return name;
  }
}

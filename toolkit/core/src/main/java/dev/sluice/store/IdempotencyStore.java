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
import java.util.Arrays;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * Remembers what is being done and what has been done, so that it is done once.
 *
 * <p>A key is unknown, then in progress under a lease, then completed with a result for as long as
 * it is retained, then unknown again. One who begins has it alone until the lease ends; then
 * whoever asks next takes it over, and the first can neither complete nor release it any more.
 * Operations on one key are linearizable.
 *
 * <p>A store that outlives a process cannot make work and its record one step: work whose process
 * dies between the two is done again by whoever takes over. Where the work is a change of the same
 * database, let the record join its transaction.
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
 *       taken effect is then unknown, and it may be repeated. A {@link #begin} that had taken
 *       effect leaves the key in progress until its lease ends
 *   <dt>Cancel
 *   <dd>ends the waiting, not the operation
 *   <dt>Discard
 *   <dd>nothing to discard
 *   <dt>Threads
 *   <dd>on a scheduler of the store, or, if it answers without waiting as those in memory do, on
 *       the thread that subscribes
 * </dl>
 */
public interface IdempotencyStore {

  /** The largest result, in bytes: 1 MiB. What is larger belongs into a payload store. */
  int MAX_RESULT = 1 << 20;

  /** What one who begins is told. */
  sealed interface Attempt {

    /**
     * The work is the caller's, alone, until it completes or releases it or its lease ends.
     *
     * @param token what proves it to the store; not a secret, but nobody else's
     */
    record Started(IdempotencyKey key, String token) implements Attempt {

      public Started {
        Objects.requireNonNull(key, "key");
        Objects.requireNonNull(token, "token");
      }
    }

    /**
     * Somebody is at it.
     *
     * @param left after how long the lease ends, unless it is renewed, released or completed: then
     *     it is worth asking again. By the clock of the store, more than zero
     */
    record InProgress(Duration left) implements Attempt {

      public InProgress {
        if (left.isNegative() || left.isZero()) {
          throw new IllegalArgumentException("left: " + left + " (expected: > PT0S)");
        }
      }
    }

    /** It has been done. */
    final class Completed implements Attempt {

      private final byte @Nullable [] result;

      /** Takes the array, not a copy. */
      public Completed(byte @Nullable [] result) {
        this.result = result;
      }

      /** What it was completed with; nobody may write to it. Null if that was nothing. */
      public byte @Nullable [] result() {
        return result;
      }

      @Override
      public boolean equals(@Nullable Object other) {
        return other instanceof Completed completed && Arrays.equals(result, completed.result);
      }

      @Override
      public int hashCode() {
        return Arrays.hashCode(result);
      }

      @Override
      public String toString() {
        return "Completed[" + (result == null ? "nothing" : result.length + " bytes") + ']';
      }
    }
  }

  /**
   * Begins the work unless it is in progress or was completed.
   *
   * @param lease how long it is the caller's, more than zero
   * @throws IllegalArgumentException if {@code lease} is out of range
   */
  Mono<Attempt> begin(IdempotencyKey key, Duration lease);

  /**
   * Extends the lease, from now on, also one that has ended if nobody has taken over.
   *
   * @param lease how long from now, more than zero
   * @return false if the work is not the caller's any more, or is completed
   * @throws IllegalArgumentException if {@code lease} is out of range
   */
  Mono<Boolean> renew(Attempt.Started started, Duration lease);

  /**
   * Remembers that the work has been done. The lease may have ended if nobody has taken over. May
   * be repeated: once it was completed it stays so, with the first result.
   *
   * @param result what a duplicate is told, at most {@value #MAX_RESULT} bytes; the store copies
   *     it. Null for nothing
   * @param retention how long it is remembered, more than zero: longer than a duplicate may take to
   *     come, that is the retention of the channel and of its dead letters
   * @return false if the work was not the caller's any more, and nothing was remembered
   * @throws IllegalArgumentException if an argument is out of range
   */
  Mono<Boolean> complete(Attempt.Started started, byte @Nullable [] result, Duration retention);

  /**
   * Gives the work up, so that somebody else may begin at once: it was not done.
   *
   * @return whether it was still the caller's
   */
  Mono<Boolean> release(Attempt.Started started);

  /**
   * Forgets keys whose retention or lease has ended, which nobody would be told of any more. To be
   * called now and then, or they take room for ever.
   *
   * @param limit how many at most, 1..100 000; if as many were forgotten there may be more
   * @return how many
   * @throws IllegalArgumentException if {@code limit} is out of range
   */
  Mono<Integer> purge(int limit);
}

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

import dev.sluice.message.Message;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * Gathers what belongs together and comes one by one, to different processes, some of which die.
 *
 * <p>An aggregation is opened with those who are expected to reply and a deadline; each reply
 * counts once; then one closes it, does with it what is to be done, and completes it. When it is
 * enough is for whoever adds a reply to say, who is told of all that have come; when the time is
 * over, {@link #overdue} says so. Operations on one key are linearizable:
 *
 * <ul>
 *   <li>of replies that come at once, the one that counts last sees all;
 *   <li>the first close fixes the replies. Whoever takes over from one who died while completing it
 *       has the same replies in the same order, so that a result computed from them is the same,
 *       and its message, under an id that is derived from the key, can be told for a duplicate;
 *   <li>one completion is accepted. Whoever was taken over is refused.
 * </ul>
 *
 * <p>A store that outlives a process cannot make the sending of a result and its record one step:
 * send it first, then complete, and settle a reply last. Whoever dies between two of these is made
 * good by a redelivered reply or by {@link #overdue}.
 *
 * <p>An operation begins when it is subscribed to, anew for each subscription; an argument that is
 * out of range is an {@link IllegalArgumentException} of the call. For every operation:
 *
 * <dl>
 *   <dt>Emits
 *   <dd>what it says, when the store has it
 *   <dt>Backpressure
 *   <dd>{@link #overdue} holds as many as its limit; for the others not applicable
 *   <dt>Completes/Errors
 *   <dd>fails with {@link StoreFailed} when the store could not be asked; whether the operation has
 *       taken effect is then unknown, and it may be repeated. A claim that had taken effect ends
 *       with its lease
 *   <dt>Cancel
 *   <dd>ends the waiting, not the operation
 *   <dt>Discard
 *   <dd>nothing to discard
 *   <dt>Threads
 *   <dd>on a scheduler of the store, or, if it answers without waiting as those in memory do, on
 *       the thread that subscribes
 * </dl>
 */
public interface AggregationStore {

  /** What has become of a reply. */
  enum Verdict {
    /** It counts. */
    COUNTED,

    /** Its leg had replied before, and that counts. Perhaps it is the same reply, come again. */
    DUPLICATE,

    /** The aggregation was closed before it came. */
    LATE,

    /** Nobody expects a reply of that leg. */
    UNEXPECTED
  }

  /**
   * What one who adds a reply is told.
   *
   * @param aggregation with the reply, if it counts
   */
  record Added(Verdict verdict, Aggregation aggregation) {

    public Added {
      Objects.requireNonNull(verdict, "verdict");
      Objects.requireNonNull(aggregation, "aggregation");
    }
  }

  /**
   * An aggregation that one completes alone.
   *
   * @param aggregation closed
   * @param token what proves it to the store; not a secret, but nobody else's
   */
  record Claimed(Aggregation aggregation, String token) {

    public Claimed {
      Objects.requireNonNull(aggregation, "aggregation");
      Objects.requireNonNull(token, "token");
    }
  }

  /**
   * Opens an aggregation, or finds it as it was opened first: what is asked for by a process that
   * begins again is what it asked for before it died.
   *
   * @param request what it is an answer to, with a payload of at most {@value
   *     Aggregation#MAX_PAYLOAD} bytes
   * @param legs who is expected to reply, 0 to {@value Aggregation#MAX_LEGS}, each once
   * @param within the time to the deadline, more than zero
   * @throws IllegalArgumentException if an argument is out of range
   */
  Mono<Aggregation> open(
      AggregationKey key, Message<byte[]> request, List<String> legs, Duration within);

  /**
   * Adds a reply, unless its leg has replied before or the aggregation is closed.
   *
   * @param message the reply, with a payload of at most {@value Aggregation#MAX_PAYLOAD} bytes
   * @return what became of it; judge by the aggregation also when it is a {@link
   *     Verdict#DUPLICATE}, because who added it first may have died. Empty if the key is unknown:
   *     never opened, or forgotten
   * @throws IllegalArgumentException if an argument is out of range
   */
  Mono<Added> add(AggregationKey key, String leg, Message<byte[]> message);

  /** How it stands; empty if the key is unknown. */
  Mono<Aggregation> find(AggregationKey key);

  /**
   * Closes an aggregation to complete it, before its deadline or after it.
   *
   * @param lease how long it is the caller's, more than zero
   * @return empty if somebody else has it, if it is completed, or if the key is unknown
   * @throws IllegalArgumentException if {@code lease} is out of range
   */
  Mono<Claimed> close(AggregationKey key, Duration lease);

  /**
   * Closes aggregations whose deadline has passed, and takes over those whose lease has ended
   * before they were completed, the longest overdue first.
   *
   * @param scope whose
   * @param lease how long they are the caller's, more than zero
   * @param limit how many at most, 1..100; the replies of all of them are in memory
   * @throws IllegalArgumentException if an argument is out of range
   */
  Flux<Claimed> overdue(String scope, Duration lease, int limit);

  /**
   * Completes an aggregation, and lets go of its replies. The lease may have ended if nobody has
   * taken over. May be repeated: once it was completed it stays so, with the first result.
   *
   * @param result what {@link #find} will tell, with a payload of at most {@value
   *     Aggregation#MAX_PAYLOAD} bytes. Null for nothing
   * @param retention how long it is remembered, more than zero: longer than a duplicate of a
   *     request or a late reply may take to come
   * @return false if it was not the caller's any more, and nothing has changed
   * @throws IllegalArgumentException if an argument is out of range
   */
  Mono<Boolean> complete(Claimed claimed, @Nullable Message<byte[]> result, Duration retention);

  /**
   * Gives an aggregation back that could not be completed, so that somebody else may at once, with
   * {@link #close} or {@link #overdue}. It stays closed.
   *
   * @return whether it was still the caller's
   */
  Mono<Boolean> release(Claimed claimed);

  /**
   * Forgets what is completed and whose retention has ended. What is not completed is never
   * forgotten. To be called now and then, or it takes room for ever.
   *
   * @param limit how many at most, 1..100 000; if as many were forgotten there may be more
   * @return how many
   * @throws IllegalArgumentException if {@code limit} is out of range
   */
  Mono<Integer> purge(int limit);
}

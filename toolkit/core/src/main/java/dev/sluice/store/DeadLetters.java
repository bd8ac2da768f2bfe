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
import java.util.Objects;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * Rejected messages, to be looked at, sent back or forgotten.
 *
 * <p>A letter is there until it is removed. Who wants to do something with letters claims them, so
 * that nobody else does the same, does it, and removes them; what is not removed when the lease of
 * the claim has ended may be claimed again. So what is done with a letter may be done twice, if
 * whoever does it dies between the doing and the removal, and is never forgotten.
 *
 * <p>An operation begins when it is subscribed to, anew for each subscription; an argument that is
 * out of range is an {@link IllegalArgumentException} of the call. For every operation:
 *
 * <dl>
 *   <dt>Emits
 *   <dd>what it says
 *   <dt>Backpressure
 *   <dd>what emits many holds at most {@link DeadLetterQuery#limit()} of them
 *   <dt>Completes/Errors
 *   <dd>fails with {@link StoreFailed} when the store could not be asked; whether the operation has
 *       taken effect is then unknown
 *   <dt>Cancel
 *   <dd>ends the waiting, not the operation
 *   <dt>Discard
 *   <dd>nothing to discard
 *   <dt>Threads
 *   <dd>on a scheduler of the store, or, if it answers without waiting as those in memory do, on
 *       the thread that subscribes
 * </dl>
 */
public interface DeadLetters {

  /**
   * Letters of one cause.
   *
   * @param fingerprint the cause
   * @param letters how many there are
   * @param oldest the age of the oldest, by the store's clock
   */
  record Group(String fingerprint, long letters, Duration oldest) {

    public Group {
      Objects.requireNonNull(fingerprint, "fingerprint");
      Objects.requireNonNull(oldest, "oldest");
    }
  }

  /**
   * How it stands.
   *
   * @param letters how many there are
   * @param oldest the age of the oldest, by the store's clock; zero if there are none
   */
  record Stats(long letters, Duration oldest) {

    public Stats {
      Objects.requireNonNull(oldest, "oldest");
    }
  }

  /**
   * A letter that one has alone.
   *
   * @param token what proves it to the store
   */
  record Claimed(DeadLetter letter, String token) {

    public Claimed {
      Objects.requireNonNull(letter, "letter");
      Objects.requireNonNull(token, "token");
    }
  }

  /**
   * Takes a letter.
   *
   * @param letter the message with the facts in {@link dev.sluice.channel.DeadLetterHeaders}, as
   *     channels send it
   * @return the id of the letter: greater than those of letters that were here when it was asked
   *     for
   */
  Mono<String> add(Message<byte[]> letter);

  /** The letters that are meant, claimed or not, in the order of the query. */
  Flux<DeadLetter> query(DeadLetterQuery query);

  /** Counts by cause, the most frequent first, as many causes as the limit of the query. */
  Flux<Group> groups(DeadLetterQuery query);

  /** How many there are, and for how long. */
  Mono<Stats> stats();

  /**
   * Claims the letters that are meant and that nobody has claimed, in the order of the query.
   *
   * @param lease for how long, more than zero
   * @throws IllegalArgumentException if {@code lease} is out of range
   */
  Flux<Claimed> claim(DeadLetterQuery query, Duration lease);

  /**
   * Removes a letter; the lease may have ended if nobody else has claimed it.
   *
   * @return whether it was there and the caller's
   */
  Mono<Boolean> remove(Claimed claimed);

  /**
   * Gives a letter back, so that it may be claimed at once.
   *
   * @return whether it was there and the caller's
   */
  Mono<Boolean> release(Claimed claimed);

  /**
   * Forgets the letters that are meant, as many as the limit of the query and in its order, except
   * for those that are claimed: {@code purge(all().minAge(ofDays(90)))} is a retention.
   *
   * @return how many
   */
  Mono<Long> purge(DeadLetterQuery query);
}

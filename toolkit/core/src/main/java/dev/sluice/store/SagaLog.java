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
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * The journals of sagas: what each has begun and what has come of it, in order, and who may go on
 * with it.
 *
 * <p>The events of a saga are numbered from 0, the {@link SagaEvent.Kind#OPENED} one, without gaps;
 * the number of the last one is the revision of the saga. Only who holds a saga appends to it, and
 * only at the revision that it knows: who was away for longer than its lease finds out with its
 * next append that somebody else has gone on.
 *
 * <p>An operation begins when it is subscribed to, anew for each subscription; an argument that is
 * out of range is an {@link IllegalArgumentException} of the call. For every operation:
 *
 * <dl>
 *   <dt>Emits
 *   <dd>what it says, when the log has it for good
 *   <dt>Backpressure
 *   <dd>not applicable to a {@code Mono}; a {@code Flux} is read as a whole and bounded
 *   <dt>Completes/Errors
 *   <dd>fails with {@link StoreFailed} when the log could not be asked; whether the operation has
 *       taken effect is then unknown
 *   <dt>Cancel
 *   <dd>ends the waiting, not the operation
 *   <dt>Discard
 *   <dd>nothing to discard
 *   <dt>Threads
 *   <dd>on a scheduler of the log, or, if it answers without waiting as those in memory do, on the
 *       thread that subscribes
 * </dl>
 */
public interface SagaLog {

  /** The longest owner, in characters. */
  int MAX_OWNER = 200;

  /** The most events of one append. */
  int MAX_EVENTS = 1024;

  /** The most rows that one question is answered with. */
  int MAX_LIMIT = 1000;

  /**
   * Who may append to a saga.
   *
   * @param fence grows with each change of hands
   */
  record Hold(SagaKey key, long fence) {

    /** Checks it. */
    public Hold {
      Objects.requireNonNull(key, "key");
    }
  }

  /** What {@link #open} finds. */
  sealed interface Opening {}

  /**
   * The saga is the caller's now.
   *
   * @param version that of the definition with which it was opened first
   * @param revision 0 for one that nothing has happened to
   * @param takeovers how often it has changed hands since something was last appended
   * @param age how long ago it was opened first
   */
  record Taken(Hold hold, int version, long revision, int takeovers, Duration age)
      implements Opening {}

  /**
   * Somebody holds it.
   *
   * @param left the time until its lease ends, unless it is renewed
   */
  record Busy(Duration left) implements Opening {}

  /** It is parked or has ended: its journal says how. */
  record Ended(SagaState state) implements Opening {}

  /** An event of a journal. */
  record Entry(long revision, Instant at, SagaEvent event) {}

  /**
   * A saga, in a line.
   *
   * @param changedAt the time of its last event
   * @param left the time until its lease ends, zero or less if nobody holds it
   */
  record Summary(
      SagaKey key,
      int version,
      SagaState state,
      long revision,
      int takeovers,
      Instant openedAt,
      Instant changedAt,
      Duration left) {}

  /**
   * Which sagas are meant, in the order of their keys. Immutable: each method returns a new query.
   *
   * @param saga of that name, or null for all
   * @param state in that state, or null for all
   * @param after those behind the one of that key; null for the beginning
   * @param limit how many at most, 1..{@value #MAX_LIMIT}
   */
  record Query(
      @Nullable String saga, @Nullable SagaState state, @Nullable SagaKey after, int limit) {

    /**
     * Checks it.
     *
     * @throws IllegalArgumentException if {@code limit} is out of range
     */
    public Query {
      requireLimit(limit);
    }

    /** All sagas, a hundred at a time. */
    public static Query all() {
      return new Query(null, null, null, 100);
    }

    /** Only those of this name. */
    public Query saga(String saga) {
      Objects.requireNonNull(saga, "saga");
      return new Query(saga, state, after, limit);
    }

    /** Only those in this state. */
    public Query state(SagaState state) {
      Objects.requireNonNull(state, "state");
      return new Query(saga, state, after, limit);
    }

    /** Only those behind the one of this key: the next page. */
    public Query after(SagaKey after) {
      Objects.requireNonNull(after, "after");
      return new Query(saga, state, after, limit);
    }

    /** So many at most. */
    public Query limit(int limit) {
      return new Query(saga, state, after, limit);
    }
  }

  /**
   * How the sagas of a log are doing.
   *
   * @param running those that have not ended, held or not
   * @param parked those that somebody has to look at
   * @param overdue the time for which the one has waited that has been without a holder longest,
   *     zero if there is none
   */
  record Stats(long running, long parked, Duration overdue) {}

  /**
   * Takes a saga, and makes it first if there is none of that key.
   *
   * @param version of the definition, for a saga that is made
   * @param input for a saga that is made: at most {@value SagaEvent#MAX_DATA} bytes
   * @param owner who asks, 1 to {@value #MAX_OWNER} characters, unique for each time that it means
   *     to take one: the same owner is given what it holds again, so that it may ask again when an
   *     answer was lost
   * @param lease how long it is given, more than zero
   * @throws IllegalArgumentException if an argument is out of range
   */
  Mono<Opening> open(SagaKey key, int version, byte[] input, String owner, Duration lease);

  /**
   * Appends events, all or none. To ask again for what may have been appended already is safe, as
   * long as it is the same.
   *
   * @param revision of the saga before
   * @param events 1 to {@value #MAX_EVENTS}
   * @return completes when they are durable; {@link SagaFenced} if the caller does not hold the
   *     saga, or it is not at that revision
   * @throws IllegalArgumentException if an argument is out of range
   */
  Mono<Void> append(Hold hold, long revision, List<SagaEvent> events);

  /**
   * Extends leases, from now on, also such that have ended, as long as nobody has taken over.
   *
   * @param holds at most {@value #MAX_LIMIT}
   * @return those that were extended
   * @throws IllegalArgumentException if an argument is out of range
   */
  Flux<Hold> renew(Collection<Hold> holds, Duration lease);

  /**
   * Takes sagas that run and whose leases have ended, those first that have waited longest. Who
   * asks at the same time is given others.
   *
   * @param sagas the names of their definitions, and the highest version of each that is meant
   * @param owner as in {@link #open}
   * @param limit how many at most, 1 to {@value #MAX_LIMIT}
   * @throws IllegalArgumentException if an argument is out of range
   */
  Flux<Taken> take(Map<String, Integer> sagas, String owner, Duration lease, int limit);

  /** The journal of a saga, in order; empty if there is none. */
  Flux<Entry> read(SagaKey key);

  /**
   * Appends events to a saga by hand, and takes it from whoever holds it; nobody holds it then.
   *
   * @param revision of the saga before
   * @param events 1 to {@value #MAX_EVENTS}
   * @return false if there is no such saga, it is not at that revision, or it has ended for good
   * @throws IllegalArgumentException if an argument is out of range
   */
  Mono<Boolean> amend(SagaKey key, long revision, List<SagaEvent> events);

  /** Sagas, in the order of their keys. */
  Flux<Summary> query(Query query);

  /** How they are doing. */
  Mono<Stats> stats();

  /**
   * Removes sagas that have ended for good, with their journals. One of the same key is a new one
   * then.
   *
   * @param minAge for at least so long
   * @param limit how many at most, 1 to {@value #MAX_LIMIT}
   * @return how many
   * @throws IllegalArgumentException if an argument is out of range
   */
  Mono<Integer> purge(Duration minAge, int limit);

  /**
   * Checks a limit. For logs.
   *
   * @throws IllegalArgumentException if it is not within 1..{@value #MAX_LIMIT}
   */
  static void requireLimit(int limit) {
    if (limit < 1 || limit > MAX_LIMIT) {
      throw new IllegalArgumentException("limit: " + limit + " (expected: 1.." + MAX_LIMIT + ")");
    }
  }
}

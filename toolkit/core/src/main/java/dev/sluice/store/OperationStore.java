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

import dev.sluice.store.Operation.Ending;
import dev.sluice.store.Operation.Progress;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * Work that was accepted and is done later: what was asked for, how far it is, what has become of
 * it. Whoever has been told that it was accepted can rely on it, as far as the store outlives
 * trouble.
 *
 * <p>An operation waits, is claimed by a worker under a lease, and ends once. When the lease ends
 * before the work does, the operation waits again, and whoever had it can neither renew nor finish
 * it once somebody else has claimed it: each claim has a fence of its own. So work may be done more
 * than once, and one of those who do it says what has become of it.
 *
 * <p>What has become of it is retained for as long as it was accepted with, then the operation is
 * {@link Operation.Phase#EXPIRED}, then unknown.
 *
 * <p>An operation begins when it is subscribed to, anew for each subscription; an argument that is
 * out of range is an {@link IllegalArgumentException} of the call. For every operation:
 *
 * <dl>
 *   <dt>Emits
 *   <dd>what it says, when the store has it
 *   <dt>Backpressure
 *   <dd>what is found or claimed is held until it is requested, at most as many as were asked for
 *   <dt>Completes/Errors
 *   <dd>fails with {@link StoreFailed} when the store could not be asked; whether the operation has
 *       taken effect is then unknown, and it may be repeated, {@link #accept} with the same id.
 *       What was claimed waits until its lease ends
 *   <dt>Cancel
 *   <dd>ends the waiting, not the operation
 *   <dt>Discard
 *   <dd>nothing to discard
 *   <dt>Threads
 *   <dd>on a scheduler of the store, or, if it answers without waiting as those in memory do, on
 *       the thread that subscribes
 * </dl>
 */
public interface OperationStore {

  /** The largest request and the largest result, in bytes: 1 MiB. */
  int MAX_BODY = 1 << 20;

  /** The longest id, in characters. */
  int MAX_ID = 100;

  /** The longest kind, in characters. */
  int MAX_KIND = 100;

  /** The longest caller, in characters. */
  int MAX_CALLER = 200;

  /** The longest address of a callback, in characters. */
  int MAX_CALLBACK = 2_000;

  /** As many operations are found, claimed or called back at once, at most. */
  int MAX_LIMIT = 1_000;

  /**
   * What makes two requests of one caller, for one kind, the same.
   *
   * @param value the caller's own, 1 to {@value #MAX_VALUE} characters
   * @param fingerprint of what is asked for: the same key with another one is a mistake of the
   *     caller. At most {@value #MAX_VALUE} characters
   */
  record RequestKey(String value, String fingerprint) {

    /** The longest value and the longest fingerprint, in characters. */
    public static final int MAX_VALUE = 300;

    /**
     * Checks them.
     *
     * @throws IllegalArgumentException if one is out of range
     */
    public RequestKey {
      StoredText.require("key", value, 1, MAX_VALUE);
      StoredText.require("fingerprint", fingerprint, 0, MAX_VALUE);
    }
  }

  /**
   * Work that is asked for.
   *
   * @param id nobody can guess it: 1 to {@value #MAX_ID} characters
   * @param kind what sort of work it is: 1 to {@value #MAX_KIND} characters
   * @param caller who asks: 1 to {@value #MAX_CALLER} characters
   * @param key null if every request is another one
   * @param request what is asked for, at most {@value #MAX_BODY} bytes
   * @param callback where to say that it has ended, 1 to {@value #MAX_CALLBACK} characters; null
   *     for nowhere
   * @param retention how long what has become of it is retained from its end on, more than zero;
   *     the key is its key for as long as it is known
   * @param remembered how long it is known from then on that there was one, zero or more
   */
  record NewOperation(
      String id,
      String kind,
      String caller,
      @Nullable RequestKey key,
      Content request,
      @Nullable String callback,
      Duration retention,
      Duration remembered) {

    /**
     * Checks them.
     *
     * @throws IllegalArgumentException if one is out of range
     */
    public NewOperation {
      StoredText.require("id", id, 1, MAX_ID);
      StoredText.require("kind", kind, 1, MAX_KIND);
      StoredText.require("caller", caller, 1, MAX_CALLER);
      if (request.bytes().length > MAX_BODY) {
        throw new IllegalArgumentException(
            "request: " + request.bytes().length + " bytes (expected: <= " + MAX_BODY + ")");
      }
      if (callback != null) {
        StoredText.require("callback", callback, 1, MAX_CALLBACK);
      }
      if (retention.isNegative() || retention.isZero()) {
        throw new IllegalArgumentException("retention: " + retention + " (expected: > PT0S)");
      }
      if (remembered.isNegative()) {
        throw new IllegalArgumentException("remembered: " + remembered + " (expected: >= PT0S)");
      }
    }
  }

  /** What one who asks for work is told. */
  sealed interface Acceptance {

    /** The operation that the answer is about. */
    Operation operation();

    /** It was accepted: the store has it. */
    record Accepted(Operation operation) implements Acceptance {}

    /** The same was accepted before, with the same key or the same id; this is how far it is. */
    record Known(Operation operation) implements Acceptance {}

    /** The key belongs to another request of the same caller, and nothing was accepted. */
    record KeyReused(Operation operation) implements Acceptance {}
  }

  /**
   * An operation that somebody works on.
   *
   * @param request what is asked for
   * @param attempt which attempt this is, 1 or more
   * @param cancelRequested whether it was to be cancelled before it was claimed
   * @param fence greater than that of every earlier claim of this operation
   */
  record Run(
      String id,
      String kind,
      String caller,
      Content request,
      int attempt,
      boolean cancelRequested,
      long fence) {

    public Run {
      Objects.requireNonNull(id, "id");
      Objects.requireNonNull(kind, "kind");
      Objects.requireNonNull(caller, "caller");
      Objects.requireNonNull(request, "request");
    }
  }

  /** What one who works on an operation is told. */
  enum Renewal {
    /** It is theirs for another lease. */
    HELD,
    /** It is theirs for another lease, and somebody has asked that it be cancelled. */
    CANCEL_REQUESTED,
    /** It is not theirs any more: whatever they do now does not count. */
    LOST
  }

  /**
   * Somebody who is to be told that an operation has ended.
   *
   * @param url where
   * @param operation which, with its ending
   * @param attempt which attempt this is, 1 or more
   * @param fence greater than that of every earlier claim of this callback
   */
  record DueCallback(String url, Operation operation, int attempt, long fence) {

    public DueCallback {
      Objects.requireNonNull(url, "url");
      Objects.requireNonNull(operation, "operation");
    }
  }

  /**
   * Accepts work, once: with a key that is known, or an id that is, nothing is accepted. Of any
   * number of calls with one key at once, one is accepted.
   */
  Mono<Acceptance> accept(NewOperation operation);

  /** What {@link #accept} would say if it were not to accept anything; empty if it would accept. */
  Mono<Acceptance> known(NewOperation operation);

  /**
   * Looks operations up.
   *
   * @param ids at most {@value #MAX_LIMIT}
   * @return those that are known, in any order
   * @throws IllegalArgumentException if there are more
   */
  Flux<Operation> find(Collection<String> ids);

  /** Looks an operation up; empty if it is not known. */
  default Mono<Operation> find(String id) {
    return find(List.of(Objects.requireNonNull(id, "id"))).next();
  }

  /**
   * Takes operations that wait, the oldest first, and those whose lease has ended. Nobody else gets
   * one of them before its lease ends.
   *
   * @param limit how many at most, 1..{@value #MAX_LIMIT}
   * @param lease how long they are the caller's, more than zero
   * @throws IllegalArgumentException if an argument is out of range
   */
  Flux<Run> claim(String kind, int limit, Duration lease);

  /**
   * Extends the lease, from now on, also one that has ended if nobody has taken over, and says how
   * far the work is.
   *
   * @param progress null to leave it as it is
   * @param lease how long from now, more than zero
   * @throws IllegalArgumentException if {@code lease} is out of range
   */
  Mono<Renewal> renew(Run run, @Nullable Progress progress, Duration lease);

  /**
   * Ends an operation. The lease may have ended if nobody has taken over. May be repeated: the
   * first ending stays.
   *
   * @return false if it was not the caller's any more, and nothing was changed
   */
  Mono<Boolean> finish(Run run, Ending ending);

  /**
   * Gives an operation back that was not worked on, or that will be begun anew; the attempt is not
   * counted.
   *
   * @return whether it was still the caller's
   */
  Mono<Boolean> release(Run run);

  /**
   * Asks that an operation be cancelled. One that nobody has under a lease ends at once; for one
   * that somebody works on it is up to them; one that is over stays as it is.
   *
   * @return the operation as it is then; empty if it is not known
   */
  Mono<Operation> cancel(String id);

  /**
   * Takes callbacks of operations that have ended and are retained, the oldest first. Nobody else
   * gets one of them before its lease ends.
   *
   * @param limit how many at most, 1..{@value #MAX_LIMIT}
   * @param lease how long they are the caller's, more than zero
   * @throws IllegalArgumentException if an argument is out of range
   */
  Flux<DueCallback> claimCallbacks(String kind, int limit, Duration lease);

  /**
   * Remembers that a callback is not to be made any more: it was, or never can be.
   *
   * @return whether it was still the caller's
   */
  Mono<Boolean> settle(DueCallback callback);

  /**
   * Gives a callback back that has failed.
   *
   * @param delay how long nobody gets it, zero or more
   * @return whether it was still the caller's
   * @throws IllegalArgumentException if {@code delay} is out of range
   */
  Mono<Boolean> postpone(DueCallback callback, Duration delay);

  /**
   * Drops results whose retention is over, and forgets operations that nobody remembers any more.
   * To be called now and then, or they take room for ever.
   *
   * @param limit how many at most, 1..100 000; if as many were there may be more
   * @return how many
   * @throws IllegalArgumentException if {@code limit} is out of range
   */
  Mono<Integer> purge(int limit);
}

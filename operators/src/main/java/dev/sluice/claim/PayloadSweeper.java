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

import dev.sluice.store.PayloadKey;
import dev.sluice.store.PayloadStore;
import dev.sluice.time.Times;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Objects;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.Exceptions;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * Deletes payloads that have expired, whoever left them: messages that were redeemed, that were
 * never sent, whose process was killed. No claim for them is honoured any more, so it takes nothing
 * from anybody, as long as payloads are kept for longer than messages may lie around ({@link
 * ClaimSpec#outlives}). And it gives up what was begun to be stored and never finished.
 *
 * <p>Immutable and thread-safe; several may sweep one store at once.
 */
public final class PayloadSweeper {

  private static final Logger log = LoggerFactory.getLogger(PayloadSweeper.class);

  private static final Duration DEFAULT_GRACE = Duration.ofHours(1);
  private static final Duration DEFAULT_UNFINISHED_AFTER = Duration.ofHours(1);
  private static final int BATCH = 1000;
  private static final int AT_ONCE = 16;

  private final PayloadStore store;
  private final Duration grace;
  private final Duration unfinishedAfter;
  private final Clock clock;

  /**
   * What one sweep has done.
   *
   * @param deleted how many payloads it has deleted
   * @param failed how many it could not delete; the next sweep tries again
   * @param abandoned how many unfinished ones it has given up
   */
  public record Swept(long deleted, long failed, long abandoned) {}

  private PayloadSweeper(
      PayloadStore store, Duration grace, Duration unfinishedAfter, Clock clock) {
    this.store = store;
    this.grace = grace;
    this.unfinishedAfter = unfinishedAfter;
    this.clock = clock;
  }

  /** A sweeper with the defaults. */
  public static PayloadSweeper of(PayloadStore store) {
    return new PayloadSweeper(
        Objects.requireNonNull(store, "store"),
        DEFAULT_GRACE,
        DEFAULT_UNFINISHED_AFTER,
        Clock.systemUTC());
  }

  /**
   * For how long a payload is left alone after it has expired: somebody may have begun to read it
   * in time, and clocks differ. Defaults to 1 h.
   *
   * @param grace zero or more, at most 365 days
   */
  public PayloadSweeper grace(Duration grace) {
    return new PayloadSweeper(store, Times.notNegative("grace", grace), unfinishedAfter, clock);
  }

  /**
   * How old an unfinished payload is when it is given up: longer than storing the largest one
   * takes, or that one is given up too. Defaults to 1 h.
   *
   * @param unfinishedAfter zero or more, at most 365 days
   */
  public PayloadSweeper unfinishedAfter(Duration unfinishedAfter) {
    return new PayloadSweeper(
        store, grace, Times.notNegative("unfinishedAfter", unfinishedAfter), clock);
  }

  /** The clock that tells what has expired. Defaults to the system's in UTC. */
  public PayloadSweeper clock(Clock clock) {
    return new PayloadSweeper(
        store, grace, unfinishedAfter, Objects.requireNonNull(clock, "clock"));
  }

  /**
   * Sweeps once.
   *
   * <dl>
   *   <dt>Emits
   *   <dd>what was done, when there is nothing left to do
   *   <dt>Backpressure
   *   <dd>not applicable; holds at most 1000 keys
   *   <dt>Completes/Errors
   *   <dd>with the error of the store when it cannot say what has expired; a payload that cannot be
   *       deleted is counted, and left to the next sweep
   *   <dt>Cancel
   *   <dd>ends the sweep; what was deleted is deleted
   *   <dt>Discard
   *   <dd>nothing to discard
   *   <dt>Threads
   *   <dd>on threads of the store
   * </dl>
   */
  public Mono<Swept> sweep() {
    return Mono.defer(
        () -> {
          Instant now = clock.instant();
          Pass pass = new Pass(now.minus(grace));
          return Mono.defer(pass::batch)
              .repeat(pass::goesOn)
              .then(store.abandonUnfinished(now.minus(unfinishedAfter)))
              .defaultIfEmpty(0L)
              .map(abandoned -> new Swept(pass.deleted, pass.failed, abandoned));
        });
  }

  /**
   * Sweeps now and again. A sweep that fails is logged, and the next one tries again.
   *
   * @param pause between the end of a sweep and the beginning of the next, more than zero, at most
   *     365 days
   * @return what each sweep has done; never completes
   */
  public Flux<Swept> every(Duration pause) {
    Times.positive("pause", pause);
    return sweep()
        .onErrorResume(
            error -> {
              Exceptions.throwIfJvmFatal(error);
              log.warn("{}: not swept, the next sweep tries again", store.name(), error);
              return Mono.empty();
            })
        .repeatWhen(again -> again.concatMap(done -> Mono.delay(pause), 1));
  }

  /** One sweep; one batch after the other. */
  private final class Pass {

    private final Instant before;
    private long deleted;
    private long failed;
    private boolean more;

    Pass(Instant before) {
      this.before = before;
    }

    Mono<Void> batch() {
      long sofar = deleted;
      return store
          .expired(before, BATCH)
          .flatMap(this::delete, AT_ONCE, 1)
          .doOnNext(this::count) // one at a time, unlike the deletions
          .count()
          .doOnNext(
              found -> {
                // What cannot be deleted is found again: without any progress there is no end.
                more = found == BATCH && deleted > sofar;
              })
          .then();
    }

    private void count(boolean gone) {
      if (gone) {
        deleted++;
      } else {
        failed++;
      }
    }

    boolean goesOn() {
      return more;
    }

    private Mono<Boolean> delete(PayloadKey key) {
      return store
          .delete(key)
          .thenReturn(true)
          .onErrorResume(
              error -> {
                Exceptions.throwIfJvmFatal(error);
                log.warn("{}: payload {} could not be swept", store.name(), key, error);
                return Mono.just(false);
              });
    }
  }
}

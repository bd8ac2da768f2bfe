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
package dev.sluice.deadletter;

import dev.sluice.channel.DeadLetterHeaders;
import dev.sluice.channel.Outbound;
import dev.sluice.message.Headers;
import dev.sluice.message.Message;
import dev.sluice.retry.Retrying;
import dev.sluice.store.DeadLetter;
import dev.sluice.store.DeadLetterQuery;
import dev.sluice.store.DeadLetters;
import dev.sluice.store.DeadLetters.Claimed;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * Sends dead letters back, the oldest first, one after the other, at a rate. Made by {@link
 * DeadLettering#redriver}.
 *
 * <p>Each letter is claimed, sent, and removed when its channel has confirmed it. So none is lost;
 * and of any number that are redriven, at most one is sent twice each time that a redriver dies, or
 * cannot remove what it has sent: the one that it had sent and not removed. It has the same id both
 * times, for an idempotent consumer to see.
 */
public final class Redriver {

  private static final List<String> FACTS =
      List.of(
          DeadLetterHeaders.REASON,
          DeadLetterHeaders.ERROR,
          DeadLetterHeaders.CHANNEL,
          DeadLetterHeaders.POSITION,
          DeadLetterHeaders.ATTEMPT,
          DeadLetterHeaders.AT,
          DeadLetterHeaders.EXPIRY,
          DeadLetterHeaders.FAILED_CHILDREN,
          Retrying.RETRIES_HEADER,
          Retrying.NOT_BEFORE_HEADER);

  private static final long MICROS_PER_SECOND = 1_000_000;

  private final DeadLetters letters;
  private final Function<? super DeadLetter, ? extends Outbound<byte[]>> target;
  private final RedriveSpec spec;

  Redriver(
      DeadLetters letters,
      Function<? super DeadLetter, ? extends Outbound<byte[]>> target,
      RedriveSpec spec) {
    this.letters = letters;
    this.target = target;
    this.spec = spec;
  }

  /**
   * What {@link #redrive} would send, by cause; sends nothing.
   *
   * @return as {@link DeadLetters#groups}
   */
  public Flux<DeadLetters.Group> dryRun(DeadLetterQuery query) {
    return letters.groups(guarded(query));
  }

  /**
   * Sends the letters that are meant, all of them, whatever the limit of the query.
   *
   * <dl>
   *   <dt>Emits
   *   <dd>how many were sent and removed
   *   <dt>Backpressure
   *   <dd>not applicable; holds at most as many letters as a quarter of the lease is enough for,
   *       and at most 1000
   *   <dt>Completes/Errors
   *   <dd>completes when none is left that is meant, was not sent back too often and is not
   *       claimed; the first failure of a send, of the target function, of an edit or of the store
   *       ends it, and what was claimed is released. To go on, call it again
   *   <dt>Cancel
   *   <dd>ends it; what was claimed and not sent is released, or may be claimed again after the
   *       lease
   *   <dt>Discard
   *   <dd>nothing to discard
   *   <dt>Threads
   *   <dd>on those of the store, of the target and of the timer
   * </dl>
   *
   * @throws IllegalArgumentException if the query wants the newest first
   */
  public Mono<Long> redrive(DeadLetterQuery query) {
    if (query.isNewestFirst()) {
      throw new IllegalArgumentException(
          "query: the newest first (expected: the oldest first, so that messages of a group keep"
              + " their order)");
    }
    long enough = Math.max(1, spec.rate() * spec.lease().toMillis() / 4_000);
    DeadLetterQuery batch = guarded(query).limit((int) Math.min(enough, DeadLetterQuery.MAX_LIMIT));
    return Mono.defer(
        () -> {
          Pace pace = new Pace();
          return Flux.defer(() -> batch(batch, pace))
              .repeatWhen(sent -> sent.takeWhile(number -> number > 0))
              .reduce(0L, Long::sum);
        });
  }

  private DeadLetterQuery guarded(DeadLetterQuery query) {
    return query.maxRedrives(Math.min(query.maxRedrives(), spec.maxRedrives() - 1));
  }

  /** One for each letter of a batch that was sent and removed. */
  private Flux<Long> batch(DeadLetterQuery query, Pace pace) {
    return Flux.usingWhen(
        letters.claim(query, spec.lease()).collectList().map(Batch::new),
        batch ->
            Flux.fromIterable(batch.claimed)
                .concatMap(claimed -> pace.next().then(send(claimed, batch)), 1),
        batch -> Mono.empty(),
        (batch, error) -> releaseRest(batch),
        this::releaseRest);
  }

  /** Letters that were claimed together; so many of them were begun, in their order. */
  private static final class Batch {

    final List<Claimed> claimed;
    final AtomicInteger begun = new AtomicInteger();

    Batch(List<Claimed> claimed) {
      this.claimed = claimed;
    }
  }

  /** A letter whose send has failed or was cut short is claimed until the end of the lease. */
  private Mono<Void> releaseRest(Batch batch) {
    return Flux.fromIterable(batch.claimed.subList(batch.begun.get(), batch.claimed.size()))
        .concatMap(claimed -> letters.release(claimed).onErrorComplete())
        .then();
  }

  private Mono<Long> send(Claimed claimed, Batch batch) {
    return Mono.defer(
            () -> {
              batch.begun.incrementAndGet();
              DeadLetter letter = claimed.letter();
              return target.apply(letter).send(prepared(letter)).then(letters.remove(claimed));
            })
        .thenReturn(1L);
  }

  private Message<byte[]> prepared(DeadLetter letter) {
    Headers headers = letter.message().headers();
    for (String fact : FACTS) {
      headers = headers.without(fact);
    }
    Message<byte[]> edited =
        Objects.requireNonNull(
            spec.edit().apply(letter.message().withHeaders(headers)), "the edit gave null");
    return edited.withHeaders(
        edited
            .headers()
            .withReserved(DeadLetterHeaders.REDRIVES, Integer.toString(letter.redrives() + 1)));
  }

  /** Gives each letter its time. */
  private final class Pace {

    private final long apart = MICROS_PER_SECOND / spec.rate();
    private long due = now();

    Mono<Void> next() {
      return Mono.defer(
          () -> {
            long wait = due - now();
            due = Math.max(due, now()) + apart;
            return wait <= 0
                ? Mono.empty()
                : Mono.delay(Duration.ofNanos(wait * 1_000), spec.timer())
                    .flatMap(time -> Mono.empty());
          });
    }

    private long now() {
      return spec.timer().now(TimeUnit.MICROSECONDS);
    }
  }
}

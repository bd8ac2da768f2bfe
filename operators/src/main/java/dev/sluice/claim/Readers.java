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

import dev.sluice.store.IdempotencyKey;
import dev.sluice.store.IdempotencyStore;
import dev.sluice.store.IdempotencyStore.Attempt.Completed;
import dev.sluice.store.IdempotencyStore.Attempt.Started;
import dev.sluice.store.StoreFailed;
import java.time.Duration;
import java.util.Set;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * The groups that read the same messages. Each remembers when it is done with a payload and then
 * asks whether all the others are: of two that end at once each remembers before it asks, so at
 * least one sees both.
 *
 * @param acks where they remember it
 * @param ours the group that reads here
 * @param others the others
 */
record Readers(IdempotencyStore acks, String ours, Set<String> others) {

  /** Whoever asks about a group holds its key for a moment. */
  private static final Duration LEASE = Duration.ofSeconds(5);

  private static final Duration PAUSE = Duration.ofMillis(50);
  private static final int PAUSES = 200;

  /** Remembers that our group is done, for this long, and tells whether everybody is. */
  Mono<Boolean> isLast(Claim claim, Duration retention) {
    return done(key(claim, ours), retention)
        .thenMany(Flux.fromIterable(others))
        .concatMap(other -> isDone(key(claim, other)), 1)
        .all(done -> done);
  }

  private static IdempotencyKey key(Claim claim, String group) {
    return new IdempotencyKey(group, claim.key().toString());
  }

  private Mono<Boolean> done(IdempotencyKey key, Duration retention) {
    return Mono.defer(() -> acks.begin(key, LEASE))
        .flatMap(
            attempt ->
                attempt instanceof Started started
                    ? acks.complete(started, null, retention).filter(remembered -> remembered)
                    : Mono.just(attempt instanceof Completed).filter(completed -> completed))
        .repeatWhenEmpty(again -> again.take(PAUSES).concatMap(n -> Mono.delay(PAUSE), 1))
        .switchIfEmpty(
            Mono.error(() -> StoreFailed.temporary("acks", key + " is in use for too long", null)));
  }

  private Mono<Boolean> isDone(IdempotencyKey key) {
    return acks.begin(key, LEASE)
        .flatMap(
            attempt ->
                attempt instanceof Started started
                    ? acks.release(started).thenReturn(false)
                    : Mono.just(attempt instanceof Completed));
  }
}

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
package dev.sluice.idempotent;

import dev.sluice.store.IdempotencyKey;
import dev.sluice.store.IdempotencyStore;
import dev.sluice.store.IdempotencyStore.Attempt;
import dev.sluice.store.IdempotencyStore.Attempt.Started;
import dev.sluice.store.StoreFailed;
import java.time.Duration;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;
import reactor.util.retry.Retry;

/** What both doors ask the store, under the options of one of them. */
record Remembering(String scope, IdempotencyStore store, IdempotentSpec spec) {

  IdempotencyKey key(String key) {
    return new IdempotencyKey(scope, key);
  }

  /** Begins; what was started when nobody waits any more is released. */
  Mono<Attempt> begin(IdempotencyKey key) {
    return Unbroken.run(
        Mono.defer(() -> store.begin(key, spec.lease())),
        attempt -> {
          if (attempt instanceof Started started) {
            release(started).subscribe();
          }
        });
  }

  /** Releases, within the time of a lease; never fails, because otherwise the lease ends. */
  Mono<Void> release(Started started) {
    return Mono.defer(() -> store.release(started))
        .timeout(spec.lease(), spec.timer())
        .onErrorComplete()
        .flatMap(released -> Mono.empty());
  }

  Mono<Boolean> complete(Started started, byte @Nullable [] result) {
    return Mono.defer(() -> store.complete(started, result, spec.retention()));
  }

  /** Again and again while the store is in trouble. */
  Retry whileInTrouble() {
    return trouble(error -> error instanceof StoreFailed failed && failed.isTemporary());
  }

  Retry trouble(Predicate<? super Throwable> trouble) {
    return Retry.backoff(Long.MAX_VALUE, Duration.ofMillis(50))
        .maxBackoff(Duration.ofSeconds(5))
        .filter(trouble)
        .scheduler(spec.timer());
  }

  /**
   * Renews the lease until it is cancelled; completes when it is not known to be held any more:
   * somebody has it, or it could not be renewed twice, so that it may end before the third time.
   */
  Mono<Void> held(Started started) {
    return Mono.defer(
        () -> {
          Duration quarter = spec.lease().dividedBy(4);
          int[] missed = new int[1];
          return Mono.delay(quarter, spec.timer())
              .flatMap(
                  tick ->
                      store
                          .renew(started, spec.lease())
                          .timeout(quarter, spec.timer())
                          .doOnNext(renewed -> missed[0] = 0)
                          .onErrorResume(error -> Mono.just(++missed[0] < 2)))
              .repeat()
              .<Void>handle(
                  (held, sink) -> {
                    if (!held) {
                      sink.complete();
                    }
                  })
              .next();
        });
  }
}

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

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import reactor.core.publisher.Mono;

/** What is finished although nobody waits for it any more. */
final class Unbroken {

  private Unbroken() {}

  /**
   * Runs {@code work} to its end. Its value goes to the subscriber, or to {@code orphan} if that
   * has cancelled: to exactly one of them.
   *
   * @param orphan called at the latest when the work has ended, on its thread; must not throw
   */
  static <V> Mono<V> run(Mono<V> work, Consumer<? super V> orphan) {
    return Mono.deferContextual(
        context -> {
          CompletableFuture<V> end = work.contextWrite(context).toFuture();
          AtomicBoolean claimed = new AtomicBoolean();
          return Mono.fromFuture(end, true)
              .<V>handle(
                  (value, sink) -> {
                    if (claimed.compareAndSet(false, true)) {
                      sink.next(value);
                    }
                  })
              .doOnCancel(
                  () -> {
                    if (claimed.compareAndSet(false, true)) {
                      CompletableFuture<Void> unused = end.thenAccept(orphan);
                    }
                  });
        });
  }
}

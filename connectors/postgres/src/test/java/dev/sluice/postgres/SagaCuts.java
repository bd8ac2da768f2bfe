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
package dev.sluice.postgres;

import dev.sluice.store.SagaKey;
import dev.sluice.store.SagaLog;
import dev.sluice.store.SagaLog.Hold;
import java.lang.reflect.Proxy;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * Holds sagas at a boundary each: before or after the so-manieth thing that one does with its
 * journal or with a service. There it stays, until its process dies.
 */
final class SagaCuts {

  private final Map<String, Integer> cuts;
  private final Map<String, AtomicInteger> passed = new ConcurrentHashMap<>();
  private final AtomicInteger held = new AtomicInteger();

  /**
   * @param cuts the boundary of each saga, by its id, from 1
   */
  SagaCuts(Map<String, Integer> cuts) {
    this.cuts = cuts;
  }

  static SagaCuts none() {
    return new SagaCuts(Map.of());
  }

  /** How many sagas stand at their boundaries. */
  int held() {
    return held.get();
  }

  /** How many boundaries a saga has passed. */
  int passed(String id) {
    return passed.computeIfAbsent(id, any -> new AtomicInteger()).get();
  }

  private boolean stops(String id) {
    int boundary = passed.computeIfAbsent(id, any -> new AtomicInteger()).incrementAndGet();
    if (boundary != cuts.getOrDefault(id, 0)) {
      return false;
    }
    held.incrementAndGet();
    return true;
  }

  <T> Mono<T> through(String id, Mono<T> work) {
    return Mono.defer(
        () ->
            stops(id)
                ? Mono.<T>never()
                : work.materialize()
                    .flatMap(answer -> stops(id) ? Mono.never() : Mono.just(answer))
                    .<T>dematerialize());
  }

  /** A log whose opens, appends and reads are boundaries. */
  SagaLog in(SagaLog log) {
    return (SagaLog)
        Proxy.newProxyInstance(
            SagaLog.class.getClassLoader(),
            new Class<?>[] {SagaLog.class},
            (proxy, method, arguments) -> {
              Object answer = method.invoke(log, arguments);
              String id =
                  arguments != null && arguments[0] instanceof SagaKey key
                      ? key.id()
                      : arguments != null && arguments[0] instanceof Hold hold
                          ? hold.key().id()
                          : "";
              if (answer instanceof Mono<?> one && !id.isEmpty()) {
                return through(id, one);
              }
              if (answer instanceof Flux<?> many && !id.isEmpty()) {
                return through(id, many.collectList()).flatMapIterable(list -> list);
              }
              return answer;
            });
  }
}

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
package dev.sluice.memory;

import dev.sluice.store.SagaEvent;
import dev.sluice.store.SagaKey;
import dev.sluice.store.SagaLog;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntConsumer;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * A process that runs sagas and dies at one of its boundaries: before or after anything that it
 * does with its journal or with a service. The dead do nothing and hear of nothing.
 */
class SagaProcess implements SagaLog {

  private final SagaLog log;
  private final int last;
  private final AtomicInteger passed = new AtomicInteger();
  private final IntConsumer watch;
  private volatile boolean dead;

  /**
   * @param last the boundary at which it dies, from 1
   * @param watch told of each boundary that is passed
   */
  SagaProcess(SagaLog log, int last, IntConsumer watch) {
    this.log = log;
    this.last = last;
    this.watch = watch;
  }

  static SagaProcess immortal(SagaLog log) {
    return new SagaProcess(log, Integer.MAX_VALUE, boundary -> {});
  }

  int passed() {
    return passed.get();
  }

  private boolean dies() {
    if (!dead) {
      int boundary = passed.incrementAndGet();
      dead = boundary == last;
      watch.accept(boundary);
    }
    return dead;
  }

  <T> Mono<T> through(Mono<T> work) {
    return Mono.defer(
        () ->
            dies()
                ? Mono.<T>never()
                : work.materialize()
                    .flatMap(answer -> dies() ? Mono.never() : Mono.just(answer))
                    .<T>dematerialize());
  }

  private <T> Flux<T> all(Flux<T> work) {
    return through(work.collectList()).flatMapIterable(list -> list);
  }

  @Override
  public Mono<Opening> open(SagaKey key, int version, byte[] input, String owner, Duration lease) {
    return through(log.open(key, version, input, owner, lease));
  }

  @Override
  public Mono<Void> append(Hold hold, long revision, List<SagaEvent> events) {
    return through(log.append(hold, revision, events));
  }

  @Override
  public Flux<Hold> renew(Collection<Hold> holds, Duration lease) {
    return dead ? Flux.never() : log.renew(holds, lease); // when is not ours to say
  }

  @Override
  public Flux<Taken> take(Map<String, Integer> sagas, String owner, Duration lease, int limit) {
    return dead ? Flux.never() : log.take(sagas, owner, lease, limit);
  }

  @Override
  public Flux<Entry> read(SagaKey key) {
    return all(log.read(key));
  }

  @Override
  public Mono<Boolean> amend(SagaKey key, long revision, List<SagaEvent> events) {
    return through(log.amend(key, revision, events));
  }

  @Override
  public Flux<Summary> query(Query query) {
    return all(log.query(query));
  }

  @Override
  public Mono<Stats> stats() {
    return through(log.stats());
  }

  @Override
  public Mono<Integer> purge(Duration minAge, int limit) {
    return through(log.purge(minAge, limit));
  }
}

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
package dev.sluice.http;

import dev.sluice.store.Operation;
import dev.sluice.store.OperationStore;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.MonoSink;
import reactor.core.scheduler.Scheduler;

/**
 * Who waits for operations to change. All who wait on this instance share one question to the store
 * for each interval, whatever their number; what changes on this instance is looked at at once.
 */
final class Watch {

  /*
   * Threads: waiters come and go on any; one round at a time looks and tells.
   *
   * waiting  by operation, never an empty set
   * count    all waiters
   * fresh    operations that are to be looked at at once; a round takes one out before it looks, so
   *          that a change in the meantime puts it there again
   * looked   when the last round looked at all; only a round touches it
   */

  private final OperationStore store;
  private final Duration interval;
  private final int maxWaiting;
  private final Rounds rounds;
  private final Map<String, Set<Waiter>> waiting = new ConcurrentHashMap<>();
  private final AtomicInteger count = new AtomicInteger();
  private final Set<String> fresh = ConcurrentHashMap.newKeySet();
  private final Scheduler timer;
  private long looked;

  private record Waiter(String id, long seen, MonoSink<Operation> sink) {}

  Watch(OperationStore store, Duration interval, int maxWaiting, Scheduler timer) {
    this.store = store;
    this.interval = interval;
    this.maxWaiting = maxWaiting;
    this.timer = timer;
    this.looked = timer.now(TimeUnit.NANOSECONDS);
    this.rounds = new Rounds("looking for changes of operations", this::round, timer);
  }

  /** Whether as many wait as may. */
  boolean isFull() {
    return count.get() >= maxWaiting;
  }

  int waiting() {
    return count.get();
  }

  /** The operation when it is not any more as it was seen; empty when it is forgotten. */
  Mono<Operation> change(Operation seen) {
    return Mono.create(
        sink -> {
          Waiter waiter = new Waiter(seen.id(), seen.revision(), sink);
          count.incrementAndGet();
          waiting.compute(
              waiter.id(),
              (id, others) -> {
                Set<Waiter> all = others == null ? ConcurrentHashMap.newKeySet() : others;
                all.add(waiter);
                return all;
              });
          sink.onDispose(() -> leave(waiter));
          changed(waiter.id()); // perhaps, since it was seen
        });
  }

  private void leave(Waiter waiter) {
    count.decrementAndGet();
    waiting.computeIfPresent(
        waiter.id(),
        (id, all) -> {
          all.remove(waiter);
          return all.isEmpty() ? null : all;
        });
  }

  /** Something on this instance has changed it. */
  void changed(String id) {
    if (waiting.containsKey(id)) {
      fresh.add(id);
      rounds.soon();
    }
  }

  private Mono<Duration> round() {
    return Flux.fromIterable(toLookAt())
        .buffer(OperationStore.MAX_LIMIT)
        .concatMap(this::look)
        .then(
            Mono.defer(
                () -> waiting.isEmpty() ? Mono.empty() : Mono.just(Rounds.jittered(interval))));
  }

  private Set<String> toLookAt() {
    Set<String> ids = Set.copyOf(fresh);
    fresh.removeAll(ids);
    long now = timer.now(TimeUnit.NANOSECONDS);
    if (now - looked < interval.toNanos() / 2) {
      return ids;
    }
    looked = now;
    return Set.copyOf(waiting.keySet());
  }

  private Mono<Void> look(List<String> ids) {
    Set<String> missing = new HashSet<>(ids);
    return store
        .find(ids)
        .doOnNext(
            operation -> {
              missing.remove(operation.id());
              tell(operation);
            })
        .doOnComplete(() -> missing.forEach(this::forgotten))
        .then();
  }

  private void tell(Operation operation) {
    for (Waiter waiter : waiting.getOrDefault(operation.id(), Set.of())) {
      if (operation.revision() != waiter.seen() || operation.isOver()) {
        waiter.sink().success(operation);
      }
    }
  }

  private void forgotten(String id) {
    for (Waiter waiter : waiting.getOrDefault(id, Set.of())) {
      waiter.sink().success();
    }
  }
}

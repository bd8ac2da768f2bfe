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
import dev.sluice.store.StoreFailed;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Scheduler;

/** A store on the time of a scheduler, whose operations can be made to fail or to wait. */
public final class ScriptedStore implements IdempotencyStore {

  private record Entry(String token, long until, @Nullable Attempt completed) {}

  private final Scheduler time;
  private final Map<IdempotencyKey, Entry> entries = new HashMap<>();
  private final Map<String, List<Supplier<Mono<Void>>>> scripts = new HashMap<>();
  private final List<String> log = new ArrayList<>();
  private int tokens;

  public ScriptedStore(Scheduler time) {
    this.time = time;
  }

  /** The next operation of this name fails, before it has any effect. */
  public ScriptedStore fail(String operation) {
    return next(
        operation,
        () -> Mono.error(StoreFailed.temporary("scripted", operation + " failed", null)));
  }

  /** The next operation of this name does this first. */
  public synchronized ScriptedStore next(String operation, Supplier<Mono<Void>> first) {
    scripts.computeIfAbsent(operation, name -> new ArrayList<>()).add(first);
    return this;
  }

  /** What was asked, with its answer. */
  public synchronized List<String> log() {
    return List.copyOf(log);
  }

  /** Somebody else begins, whatever was there. */
  public synchronized Attempt.Started takeOver(IdempotencyKey key, Duration lease) {
    Attempt.Started started = new Attempt.Started(key, "other-" + tokens++);
    entries.put(key, new Entry(started.token(), end(lease), null));
    return started;
  }

  private <V> Mono<V> scripted(String operation, String about, Supplier<V> body) {
    return Mono.defer(
        () -> {
          Mono<Void> first = Mono.empty();
          synchronized (this) {
            List<Supplier<Mono<Void>>> script = scripts.getOrDefault(operation, List.of());
            if (!script.isEmpty()) {
              first = script.remove(0).get();
            }
          }
          return first.then(
              Mono.fromSupplier(
                  () -> {
                    synchronized (this) {
                      V answer = body.get();
                      log.add(operation + ' ' + about + ' ' + answer);
                      return answer;
                    }
                  }));
        });
  }

  private long now() {
    return time.now(TimeUnit.MILLISECONDS);
  }

  private long end(Duration time) {
    return now() + time.toMillis();
  }

  @Override
  public Mono<Attempt> begin(IdempotencyKey key, Duration lease) {
    return scripted(
        "begin",
        key.key(),
        () -> {
          Entry last = entries.get(key);
          if (last != null && last.until() > now()) {
            Attempt completed = last.completed();
            return completed == null
                ? new Attempt.InProgress(Duration.ofMillis(last.until() - now()))
                : completed;
          }
          Attempt.Started started = new Attempt.Started(key, "token-" + tokens++);
          entries.put(key, new Entry(started.token(), end(lease), null));
          return started;
        });
  }

  private boolean change(Attempt.Started started, @Nullable Entry changed) {
    Entry held = entries.get(started.key());
    if (held == null || !held.token().equals(started.token()) || held.completed() != null) {
      return false;
    }
    if (changed == null) {
      entries.remove(started.key());
    } else {
      entries.put(started.key(), changed);
    }
    return true;
  }

  @Override
  public Mono<Boolean> renew(Attempt.Started started, Duration lease) {
    return scripted(
        "renew",
        started.key().key(),
        () -> change(started, new Entry(started.token(), end(lease), null)));
  }

  @Override
  public Mono<Boolean> complete(
      Attempt.Started started, byte @Nullable [] result, Duration retention) {
    return scripted(
        "complete",
        started.key().key(),
        () ->
            change(
                started,
                new Entry(started.token(), end(retention), new Attempt.Completed(result))));
  }

  @Override
  public Mono<Boolean> release(Attempt.Started started) {
    return scripted("release", started.key().key(), () -> change(started, null));
  }

  @Override
  public Mono<Integer> purge(int limit) {
    return Mono.just(0);
  }
}

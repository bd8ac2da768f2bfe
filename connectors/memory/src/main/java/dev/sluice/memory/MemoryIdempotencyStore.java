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

import dev.sluice.store.IdempotencyKey;
import dev.sluice.store.IdempotencyStore;
import dev.sluice.store.StoreFailed;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Iterator;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * Keys inside one process, for tests and for duplicates that come to the same process.
 *
 * <p>Memory: at most {@code maxKeys} keys with their results. It never forgets one before its time:
 * when it is full of keys whose time has not come, a new one fails with {@link StoreFailed}, as
 * temporary.
 */
public final class MemoryIdempotencyStore implements IdempotencyStore {

  /*
   * Threads: every operation on any thread; those on one key are one compute each.
   *
   * count      keys that are in the map or about to be; raised before one is put there
   * idle       nothing ends before this epoch millisecond, so that a full store is not searched
   *            for every new key: a search raises it to the top first, then it and all who write
   *            an end lower it
   * searching  somebody searches, so idle says nothing: who needs room meanwhile searches too,
   *            and leaves idle alone
   */

  /** What ends later than that never ends. */
  private final Clock clock;

  private final int maxKeys;
  private final Map<IdempotencyKey, Entry> entries = new ConcurrentHashMap<>();
  private final AtomicInteger count = new AtomicInteger();
  private final AtomicLong idle = new AtomicLong(Long.MIN_VALUE);
  private final AtomicBoolean searching = new AtomicBoolean();

  private record Entry(String token, Instant until, Attempt.@Nullable Completed completed) {

    boolean hasEnded(Instant now) {
      return !until.isAfter(now);
    }
  }

  private MemoryIdempotencyStore(int maxKeys, Clock clock) {
    if (maxKeys < 1) {
      throw new IllegalArgumentException("maxKeys: " + maxKeys + " (expected: >= 1)");
    }
    this.maxKeys = maxKeys;
    this.clock = Objects.requireNonNull(clock, "clock");
  }

  /**
   * An empty store on the system's clock.
   *
   * @param maxKeys how many keys it remembers, 1 or more
   */
  public static MemoryIdempotencyStore create(int maxKeys) {
    return create(maxKeys, Clock.systemUTC());
  }

  /** An empty store whose time is that of {@code clock}. */
  public static MemoryIdempotencyStore create(int maxKeys, Clock clock) {
    return new MemoryIdempotencyStore(maxKeys, clock);
  }

  @Override
  public Mono<Attempt> begin(IdempotencyKey key, Duration lease) {
    Objects.requireNonNull(key, "key");
    Require.positive("lease", lease);
    return Mono.fromSupplier(
        () -> {
          String token = UUID.randomUUID().toString();
          Instant now = clock.instant();
          if (count.get() >= maxKeys) {
            forget(now, Integer.MAX_VALUE);
          }
          Entry entry =
              Objects.requireNonNull(
                  entries.compute(
                      key,
                      (k, last) -> {
                        if (last != null && !last.hasEnded(now)) {
                          return last;
                        }
                        if (last == null) {
                          takePlace();
                        }
                        return new Entry(token, Ends.of(now, lease), null);
                      }));
          if (entry.token().equals(token)) {
            note(entry.until());
            return new Attempt.Started(key, token);
          }
          Attempt.Completed completed = entry.completed();
          return completed == null
              ? new Attempt.InProgress(Duration.between(now, entry.until()))
              : completed;
        });
  }

  @Override
  public Mono<Boolean> renew(Attempt.Started started, Duration lease) {
    Objects.requireNonNull(started, "started");
    Require.positive("lease", lease);
    return change(
        started,
        (entry, now) ->
            entry.completed() == null ? new Entry(entry.token(), Ends.of(now, lease), null) : null);
  }

  @Override
  public Mono<Boolean> complete(
      Attempt.Started started, byte @Nullable [] result, Duration retention) {
    Objects.requireNonNull(started, "started");
    Require.positive("retention", retention);
    if (result != null && result.length > MAX_RESULT) {
      throw new IllegalArgumentException(
          "result: " + result.length + " bytes (expected: <= " + MAX_RESULT + ")");
    }
    byte @Nullable [] copy = result == null ? null : result.clone();
    return change(
        started,
        (entry, now) ->
            entry.completed() == null
                ? new Entry(entry.token(), Ends.of(now, retention), new Attempt.Completed(copy))
                : entry);
  }

  /** Replaces the entry that is the caller's; null from {@code change} if it may not. */
  private Mono<Boolean> change(
      Attempt.Started started, BiFunction<Entry, Instant, @Nullable Entry> change) {
    return Mono.fromSupplier(
        () -> {
          boolean[] done = new boolean[1];
          entries.computeIfPresent(
              started.key(),
              (key, entry) -> {
                Entry changed =
                    entry.token().equals(started.token())
                        ? change.apply(entry, clock.instant())
                        : null;
                done[0] = changed != null;
                if (changed == null) {
                  return entry;
                }
                note(changed.until());
                return changed;
              });
          return done[0];
        });
  }

  @Override
  public Mono<Boolean> release(Attempt.Started started) {
    Objects.requireNonNull(started, "started");
    return Mono.fromSupplier(
        () -> {
          boolean[] held = new boolean[1];
          entries.computeIfPresent(
              started.key(),
              (key, entry) -> {
                held[0] = entry.token().equals(started.token()) && entry.completed() == null;
                return held[0] ? null : entry;
              });
          if (held[0]) {
            count.decrementAndGet();
          }
          return held[0];
        });
  }

  @Override
  public Mono<Integer> purge(int limit) {
    Require.limit(limit, 100_000);
    return Mono.fromSupplier(() -> forget(clock.instant(), limit));
  }

  // == the bound ==

  /** Takes the place for a new key. */
  private void takePlace() {
    if (count.getAndUpdate(taken -> taken < maxKeys ? taken + 1 : taken) == maxKeys) {
      throw StoreFailed.temporary("memory", "full (expected: at most " + maxKeys + " keys)", null);
    }
  }

  private int forget(Instant now, int limit) {
    if (!searching.compareAndSet(false, true)) {
      return search(now, limit);
    }
    try {
      if (idle.get() > now.toEpochMilli()) {
        return 0;
      }
      idle.set(Long.MAX_VALUE);
      return search(now, limit);
    } finally {
      searching.set(false);
    }
  }

  private int search(Instant now, int limit) {
    int forgotten = 0;
    Iterator<Map.Entry<IdempotencyKey, Entry>> all = entries.entrySet().iterator();
    while (all.hasNext()) {
      Map.Entry<IdempotencyKey, Entry> held = all.next();
      Entry entry = held.getValue();
      if (forgotten == limit || !entry.hasEnded(now)) {
        note(entry.until());
      } else if (entries.remove(held.getKey(), entry)) {
        count.decrementAndGet();
        forgotten++;
      }
    }
    return forgotten;
  }

  /** Something ends then. */
  private void note(Instant end) {
    long millis = end.toEpochMilli();
    if (millis < idle.get()) {
      idle.accumulateAndGet(millis, Math::min);
    }
  }
}

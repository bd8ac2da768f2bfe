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

import dev.sluice.message.Message;
import dev.sluice.store.Aggregation;
import dev.sluice.store.Aggregation.Reply;
import dev.sluice.store.Aggregation.State;
import dev.sluice.store.AggregationKey;
import dev.sluice.store.AggregationStore;
import dev.sluice.store.StoreFailed;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiFunction;
import java.util.function.BiPredicate;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * Aggregations inside one process, for tests and for what need not outlive it.
 *
 * <p>Memory: at most {@code maxKeys} aggregations with their replies. It never forgets one before
 * its time: when it is full of them, opening another fails with {@link StoreFailed}, as temporary.
 */
public final class MemoryAggregationStore implements AggregationStore {

  /*
   * Threads: every operation on any thread; those on one key are one compute each, and an entry is
   * replaced, never changed.
   *
   * count   keys that are in the map or about to be; raised before one is put there
   */

  /** What ends later than that never ends. */
  private static final String NOBODY = "";

  private final Clock clock;
  private final int maxKeys;
  private final Map<AggregationKey, Entry> entries = new ConcurrentHashMap<>();
  private final AtomicInteger count = new AtomicInteger();

  /**
   * @param token of whoever has closed it last, or nobody's
   * @param due when somebody has to look: the deadline, the end of a lease, or of the retention
   */
  private record Entry(
      State state,
      Message<byte[]> request,
      List<String> legs,
      List<Reply> replies,
      Instant deadline,
      String token,
      Instant due,
      @Nullable Message<byte[]> result) {

    boolean isDue(Instant now) {
      return !due.isAfter(now);
    }

    Entry with(Reply reply) {
      List<Reply> more = new ArrayList<>(replies);
      more.add(reply);
      return new Entry(state, request, legs, more, deadline, token, due, result);
    }

    Entry closed(String token, Instant until) {
      return new Entry(State.CLOSED, request, legs, replies, deadline, token, until, null);
    }

    Entry completed(@Nullable Message<byte[]> result, Instant until) {
      return new Entry(State.COMPLETED, request, legs, List.of(), deadline, token, until, result);
    }

    Aggregation aggregation(AggregationKey key, Instant now) {
      Duration left = deadline.isAfter(now) ? Duration.between(now, deadline) : Duration.ZERO;
      return new Aggregation(key, state, request, legs, replies, left, result);
    }
  }

  private MemoryAggregationStore(int maxKeys, Clock clock) {
    if (maxKeys < 1) {
      throw new IllegalArgumentException("maxKeys: " + maxKeys + " (expected: >= 1)");
    }
    this.maxKeys = maxKeys;
    this.clock = Objects.requireNonNull(clock, "clock");
  }

  /**
   * An empty store on the system's clock.
   *
   * @param maxKeys how many aggregations it keeps, 1 or more
   */
  public static MemoryAggregationStore create(int maxKeys) {
    return create(maxKeys, Clock.systemUTC());
  }

  /** An empty store whose time is that of {@code clock}. */
  public static MemoryAggregationStore create(int maxKeys, Clock clock) {
    return new MemoryAggregationStore(maxKeys, clock);
  }

  @Override
  public Mono<Aggregation> open(
      AggregationKey key, Message<byte[]> request, List<String> legs, Duration within) {
    Objects.requireNonNull(key, "key");
    Aggregation.requirePayload("request", request);
    List<String> expected = Aggregation.requireLegs(legs);
    Require.positive("within", within);
    return Mono.fromSupplier(
        () -> {
          Instant now = clock.instant();
          if (count.get() >= maxKeys) {
            forget(now, Integer.MAX_VALUE);
          }
          return Objects.requireNonNull(
                  entries.computeIfAbsent(
                      key,
                      absent -> {
                        takePlace();
                        Instant end = Ends.of(now, within);
                        return new Entry(
                            State.OPEN, request, expected, List.of(), end, NOBODY, end, null);
                      }))
              .aggregation(key, now);
        });
  }

  @Override
  public Mono<Added> add(AggregationKey key, String leg, Message<byte[]> message) {
    Objects.requireNonNull(key, "key");
    Reply reply = new Reply(leg, Aggregation.requirePayload("reply", message));
    return Mono.fromSupplier(
        () -> {
          Verdict[] verdict = {Verdict.LATE};
          Entry entry =
              entries.computeIfPresent(
                  key,
                  (k, held) -> {
                    verdict[0] = verdict(held, leg);
                    return verdict[0] == Verdict.COUNTED ? held.with(reply) : held;
                  });
          return entry == null
              ? null
              : new Added(verdict[0], entry.aggregation(key, clock.instant()));
        });
  }

  private static Verdict verdict(Entry held, String leg) {
    if (!held.legs().contains(leg)) {
      return Verdict.UNEXPECTED;
    }
    if (held.state() != State.OPEN) {
      return Verdict.LATE;
    }
    return held.replies().stream().anyMatch(reply -> reply.leg().equals(leg))
        ? Verdict.DUPLICATE
        : Verdict.COUNTED;
  }

  @Override
  public Mono<Aggregation> find(AggregationKey key) {
    Objects.requireNonNull(key, "key");
    return Mono.fromSupplier(
        () -> {
          Entry entry = entries.get(key);
          return entry == null ? null : entry.aggregation(key, clock.instant());
        });
  }

  @Override
  public Mono<Claimed> close(AggregationKey key, Duration lease) {
    Objects.requireNonNull(key, "key");
    Require.positive("lease", lease);
    return Mono.fromSupplier(
        () ->
            claim(
                key,
                lease,
                (entry, now) -> entry.state() == State.OPEN || isAbandoned(entry, now)));
  }

  @Override
  public Flux<Claimed> overdue(String scope, Duration lease, int limit) {
    AggregationKey any = new AggregationKey(scope, "any");
    Require.positive("lease", lease);
    Require.limit(limit, 100);
    return Flux.defer(
        () -> {
          Instant now = clock.instant();
          return Flux.fromStream(
                  entries.entrySet().stream()
                      .filter(held -> held.getKey().scope().equals(any.scope()))
                      .filter(held -> isOverdue(held.getValue(), now))
                      .sorted(Comparator.comparing(held -> held.getValue().due())))
              .<Claimed>handle(
                  (held, sink) -> {
                    Claimed claimed =
                        claim(held.getKey(), lease, MemoryAggregationStore::isOverdue);
                    if (claimed != null) {
                      sink.next(claimed);
                    }
                  })
              .take(limit);
        });
  }

  private static boolean isOverdue(Entry entry, Instant now) {
    return entry.state() != State.COMPLETED && entry.isDue(now);
  }

  private static boolean isAbandoned(Entry entry, Instant now) {
    return entry.state() == State.CLOSED && entry.isDue(now);
  }

  private @Nullable Claimed claim(
      AggregationKey key, Duration lease, BiPredicate<Entry, Instant> free) {
    String token = UUID.randomUUID().toString();
    Instant now = clock.instant();
    Entry entry =
        entries.computeIfPresent(
            key,
            (k, held) -> free.test(held, now) ? held.closed(token, Ends.of(now, lease)) : held);
    return entry == null || !entry.token().equals(token)
        ? null
        : new Claimed(entry.aggregation(key, now), token);
  }

  @Override
  public Mono<Boolean> complete(
      Claimed claimed, @Nullable Message<byte[]> result, Duration retention) {
    Require.positive("retention", retention);
    if (result != null) {
      Aggregation.requirePayload("result", result);
    }
    return change(
        claimed,
        (entry, now) ->
            entry.state() == State.COMPLETED
                ? entry
                : entry.completed(result, Ends.of(now, retention)));
  }

  @Override
  public Mono<Boolean> release(Claimed claimed) {
    return change(
        claimed,
        (entry, now) -> entry.state() == State.COMPLETED ? null : entry.closed(NOBODY, now));
  }

  /** Replaces the entry that is the caller's; null from {@code change} if it may not. */
  private Mono<Boolean> change(
      Claimed claimed, BiFunction<Entry, Instant, @Nullable Entry> change) {
    Objects.requireNonNull(claimed, "claimed");
    return Mono.fromSupplier(
        () -> {
          boolean[] done = new boolean[1];
          entries.computeIfPresent(
              claimed.aggregation().key(),
              (key, entry) -> {
                Entry changed =
                    entry.token().equals(claimed.token())
                        ? change.apply(entry, clock.instant())
                        : null;
                done[0] = changed != null;
                return changed == null ? entry : changed;
              });
          return done[0];
        });
  }

  @Override
  public Mono<Integer> purge(int limit) {
    Require.limit(limit, 100_000);
    return Mono.fromSupplier(() -> forget(clock.instant(), limit));
  }

  // == the bound ==

  private void takePlace() {
    if (count.incrementAndGet() > maxKeys) {
      count.decrementAndGet();
      throw StoreFailed.temporary(
          "memory", "full (expected: at most " + maxKeys + " aggregations)", null);
    }
  }

  private int forget(Instant now, int limit) {
    int forgotten = 0;
    Iterator<Map.Entry<AggregationKey, Entry>> all = entries.entrySet().iterator();
    while (forgotten < limit && all.hasNext()) {
      Map.Entry<AggregationKey, Entry> held = all.next();
      Entry entry = held.getValue();
      if (entry.state() == State.COMPLETED
          && entry.isDue(now)
          && entries.remove(held.getKey(), entry)) {
        count.decrementAndGet();
        forgotten++;
      }
    }
    return forgotten;
  }
}

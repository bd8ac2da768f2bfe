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
import dev.sluice.store.DeadLetter;
import dev.sluice.store.DeadLetterQuery;
import dev.sluice.store.DeadLetters;
import dev.sluice.store.StoreFailed;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * Dead letters inside one process, for tests and for what does not outlive it.
 *
 * <p>Memory: at most {@code maxLetters}, with their bytes; when it is full {@link #add} fails with
 * {@link StoreFailed}, as temporary, and the channel that sends the letter waits.
 */
public final class MemoryDeadLetters implements DeadLetters {

  /*
   * Threads: every operation on any thread, under the lock of the map, for as long as it takes to
   * look at each letter. No code of others runs there.
   */

  private final Clock clock;
  private final int maxLetters;
  private final Map<Long, Entry> letters = new LinkedHashMap<>();
  private long lastId;

  private record Entry(DeadLetter letter, String token, Instant until) {

    boolean isClaimed(Instant now) {
      return until.isAfter(now);
    }
  }

  private MemoryDeadLetters(int maxLetters, Clock clock) {
    if (maxLetters < 1) {
      throw new IllegalArgumentException("maxLetters: " + maxLetters + " (expected: >= 1)");
    }
    this.maxLetters = maxLetters;
    this.clock = Objects.requireNonNull(clock, "clock");
  }

  /**
   * An empty store on the system's clock.
   *
   * @param maxLetters how many it takes, 1 or more
   */
  public static MemoryDeadLetters create(int maxLetters) {
    return create(maxLetters, Clock.systemUTC());
  }

  /** An empty store whose time is that of {@code clock}. */
  public static MemoryDeadLetters create(int maxLetters, Clock clock) {
    return new MemoryDeadLetters(maxLetters, clock);
  }

  private <V> Mono<V> locked(Supplier<V> operation) {
    return Mono.fromSupplier(
        () -> {
          synchronized (letters) {
            return operation.get();
          }
        });
  }

  @Override
  public Mono<String> add(Message<byte[]> letter) {
    Objects.requireNonNull(letter, "letter");
    return locked(
        () -> {
          if (letters.size() >= maxLetters) {
            throw StoreFailed.temporary(
                "memory", "full (expected: at most " + maxLetters + " dead letters)", null);
          }
          String id = Long.toString(++lastId);
          DeadLetter added = new DeadLetter(id, letter, clock.instant());
          letters.put(lastId, new Entry(added, "", Instant.MIN));
          return id;
        });
  }

  @Override
  public Flux<DeadLetter> query(DeadLetterQuery query) {
    Objects.requireNonNull(query, "query");
    return locked(
            () ->
                inOrder(query, clock.instant())
                    .limit(query.limit())
                    .map(entry -> entry.getValue().letter())
                    .toList())
        .flatMapIterable(list -> list);
  }

  @Override
  public Flux<Group> groups(DeadLetterQuery query) {
    Objects.requireNonNull(query, "query");
    return locked(() -> groups(query, clock.instant())).flatMapIterable(list -> list);
  }

  private List<Group> groups(DeadLetterQuery query, Instant now) {
    Map<String, List<DeadLetter>> byCause =
        meant(query, now)
            .map(entry -> entry.getValue().letter())
            .collect(Collectors.groupingBy(DeadLetter::fingerprint));
    return byCause.entrySet().stream()
        .map(
            cause ->
                new Group(
                    cause.getKey(), cause.getValue().size(), age(cause.getValue().get(0), now)))
        .sorted(
            Comparator.comparingLong(Group::letters).reversed().thenComparing(Group::fingerprint))
        .limit(query.limit())
        .toList();
  }

  @Override
  public Mono<Stats> stats() {
    return locked(
        () ->
            letters.values().stream()
                .findFirst()
                .map(oldest -> new Stats(letters.size(), age(oldest.letter(), clock.instant())))
                .orElse(new Stats(0, Duration.ZERO)));
  }

  @Override
  public Flux<Claimed> claim(DeadLetterQuery query, Duration lease) {
    Objects.requireNonNull(query, "query");
    Require.positive("lease", lease);
    return locked(() -> claim(query, lease, clock.instant())).flatMapIterable(list -> list);
  }

  private List<Claimed> claim(DeadLetterQuery query, Duration lease, Instant now) {
    String token = UUID.randomUUID().toString();
    Instant until = Ends.of(now, lease);
    List<Map.Entry<Long, Entry>> free =
        inOrder(query, now)
            .filter(entry -> !entry.getValue().isClaimed(now))
            .limit(query.limit())
            .toList();
    return free.stream()
        .map(
            entry -> {
              DeadLetter letter = entry.getValue().letter();
              entry.setValue(new Entry(letter, token, until));
              return new Claimed(letter, token);
            })
        .toList();
  }

  @Override
  public Mono<Boolean> remove(Claimed claimed) {
    Objects.requireNonNull(claimed, "claimed");
    return locked(
        () -> {
          boolean mine = isMine(claimed);
          if (mine) {
            letters.remove(id(claimed));
          }
          return mine;
        });
  }

  @Override
  public Mono<Boolean> release(Claimed claimed) {
    Objects.requireNonNull(claimed, "claimed");
    return locked(
        () -> {
          boolean mine = isMine(claimed);
          if (mine) {
            letters.put(id(claimed), new Entry(claimed.letter(), "", Instant.MIN));
          }
          return mine;
        });
  }

  private boolean isMine(Claimed claimed) {
    Entry entry = letters.get(id(claimed));
    return entry != null && entry.token().equals(claimed.token());
  }

  private static Long id(Claimed claimed) {
    return Long.valueOf(claimed.letter().id());
  }

  @Override
  public Mono<Long> purge(DeadLetterQuery query) {
    Objects.requireNonNull(query, "query");
    return locked(
        () -> {
          Instant now = clock.instant();
          List<Long> ids =
              inOrder(query, now)
                  .filter(entry -> !entry.getValue().isClaimed(now))
                  .limit(query.limit())
                  .map(Map.Entry::getKey)
                  .toList();
          ids.forEach(letters::remove);
          return (long) ids.size();
        });
  }

  /** The letters that are meant, in the order of the query. */
  private Stream<Map.Entry<Long, Entry>> inOrder(DeadLetterQuery query, Instant now) {
    if (!query.isNewestFirst()) {
      return meant(query, now);
    }
    List<Map.Entry<Long, Entry>> newestFirst = new ArrayList<>(meant(query, now).toList());
    Collections.reverse(newestFirst);
    return newestFirst.stream();
  }

  /** The letters that are meant, the oldest first. */
  private Stream<Map.Entry<Long, Entry>> meant(DeadLetterQuery query, Instant now) {
    return letters.entrySet().stream()
        .filter(
            entry ->
                isBehind(query, entry.getKey()) && isMeant(query, entry.getValue().letter(), now));
  }

  private static boolean isBehind(DeadLetterQuery query, long id) {
    if (query.after() == null) {
      return true;
    }
    long after = Long.parseLong(query.after());
    return query.isNewestFirst() ? id < after : id > after;
  }

  private static boolean isMeant(DeadLetterQuery query, DeadLetter letter, Instant now) {
    return (query.id() == null || Long.parseLong(query.id()) == Long.parseLong(letter.id()))
        && (query.channel() == null || query.channel().equals(letter.channel()))
        && (query.reason() == null || query.reason() == letter.reason())
        && (query.fingerprint() == null || query.fingerprint().equals(letter.fingerprint()))
        && (query.messageId() == null || query.messageId().equals(letter.message().id()))
        && letter.redrives() <= query.maxRedrives()
        && age(letter, now).compareTo(query.minAge()) >= 0;
  }

  private static Duration age(DeadLetter letter, Instant now) {
    return Duration.between(letter.addedAt(), now);
  }
}

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
import dev.sluice.store.SagaFenced;
import dev.sluice.store.SagaKey;
import dev.sluice.store.SagaLog;
import dev.sluice.store.SagaState;
import dev.sluice.store.StoreFailed;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * Journals inside one process, for tests: they do not outlive it.
 *
 * <p>Memory: at most {@code maxSagas} sagas with their journals, also those that have ended, until
 * they are purged. When it is full a new one fails with {@link StoreFailed}, as temporary.
 */
public final class MemorySagaLog implements SagaLog {

  /*
   * Threads: every operation on any thread; what one does with one saga it does under the saga's
   * lock. A saga that was purged stays so for who still has it in hand: gone says so.
   */

  private final Clock clock;
  private final int maxSagas;
  private final ConcurrentSkipListMap<SagaKey, Saga> sagas = new ConcurrentSkipListMap<>();
  private final AtomicInteger count = new AtomicInteger();

  private MemorySagaLog(int maxSagas, Clock clock) {
    if (maxSagas < 1) {
      throw new IllegalArgumentException("maxSagas: " + maxSagas + " (expected: >= 1)");
    }
    this.maxSagas = maxSagas;
    this.clock = Objects.requireNonNull(clock, "clock");
  }

  /**
   * An empty log on the system's clock.
   *
   * @param maxSagas how many sagas it remembers, 1 or more
   */
  public static MemorySagaLog create(int maxSagas) {
    return create(maxSagas, Clock.systemUTC());
  }

  /** An empty log whose time is that of {@code clock}. */
  public static MemorySagaLog create(int maxSagas, Clock clock) {
    return new MemorySagaLog(maxSagas, clock);
  }

  /** One saga; everything in it under its lock. */
  private static final class Saga {
    final SagaKey key;
    final int version;
    final List<Entry> entries = new ArrayList<>();
    SagaState state = SagaState.RUNNING;
    String owner = "";
    long fence;
    int takeovers = -1;
    Instant until = Instant.MIN;
    boolean gone;

    Saga(SagaKey key, int version) {
      this.key = key;
      this.version = version;
    }

    long revision() {
      return entries.size() - 1L;
    }

    boolean isFree(Instant now) {
      return !gone && state == SagaState.RUNNING && !until.isAfter(now);
    }

    Taken take(String owner, Instant now, Duration lease) {
      this.owner = owner;
      fence++;
      takeovers++;
      until = Ends.of(now, lease);
      return taken(now);
    }

    Taken taken(Instant now) {
      return new Taken(
          new Hold(key, fence),
          version,
          revision(),
          takeovers,
          Duration.between(entries.get(0).at(), now));
    }

    void append(List<SagaEvent> events, Instant now) {
      for (SagaEvent event : events) {
        entries.add(new Entry(entries.size(), now, event));
        SagaState next = event.kind().state();
        state = next == null ? state : next;
      }
      takeovers = 0;
    }

    Summary summary(Instant now) {
      Instant changed = entries.get(entries.size() - 1).at();
      Duration left =
          state == SagaState.RUNNING && until.isAfter(now)
              ? Duration.between(now, until)
              : Duration.ZERO;
      return new Summary(
          key, version, state, revision(), takeovers, entries.get(0).at(), changed, left);
    }
  }

  @Override
  public Mono<Opening> open(SagaKey key, int version, byte[] input, String owner, Duration lease) {
    Objects.requireNonNull(key, "key");
    SagaEvent opened = SagaEvent.of(SagaEvent.Kind.OPENED, "", input.clone());
    requireOwner(owner);
    Require.positive("lease", lease);
    return Mono.fromSupplier(
        () -> {
          while (true) {
            Saga saga = sagas.get(key);
            if (saga == null) {
              saga = make(key, version, opened);
            }
            synchronized (saga) {
              if (!saga.gone) {
                return open(saga, owner, lease);
              }
            }
          }
        });
  }

  private Saga make(SagaKey key, int version, SagaEvent opened) {
    if (count.incrementAndGet() > maxSagas) {
      count.decrementAndGet();
      throw StoreFailed.temporary("memory", "full: " + maxSagas + " sagas", null);
    }
    Saga made = new Saga(key, version);
    made.entries.add(new Entry(0, clock.instant(), opened));
    Saga other = sagas.putIfAbsent(key, made);
    if (other != null) {
      count.decrementAndGet();
      return other;
    }
    return made;
  }

  private Opening open(Saga saga, String owner, Duration lease) {
    Instant now = clock.instant();
    if (saga.state != SagaState.RUNNING) {
      return new Ended(saga.state);
    }
    if (saga.owner.equals(owner)) {
      saga.until = Ends.of(now, lease);
      return saga.taken(now);
    }
    return saga.isFree(now)
        ? saga.take(owner, now, lease)
        : new Busy(Duration.between(now, saga.until));
  }

  @Override
  public Mono<Void> append(Hold hold, long revision, List<SagaEvent> events) {
    Objects.requireNonNull(hold, "hold");
    List<SagaEvent> copy = requireEvents(events);
    return Mono.fromRunnable(
        () -> {
          Saga saga = sagas.get(hold.key());
          if (saga == null || !append(saga, hold, revision, copy)) {
            throw new SagaFenced(hold, revision);
          }
        });
  }

  private boolean append(Saga saga, Hold hold, long revision, List<SagaEvent> events) {
    synchronized (saga) {
      if (saga.gone || saga.fence != hold.fence()) {
        return false;
      }
      if (saga.revision() == revision + events.size()) {
        return true; // asked again
      }
      if (saga.revision() != revision || saga.state != SagaState.RUNNING) {
        return false;
      }
      saga.append(events, clock.instant());
      return true;
    }
  }

  @Override
  public Flux<Hold> renew(Collection<Hold> holds, Duration lease) {
    if (holds.size() > MAX_LIMIT) {
      throw new IllegalArgumentException(
          "holds: " + holds.size() + " (expected: <= " + MAX_LIMIT + ")");
    }
    Require.positive("lease", lease);
    return Flux.fromIterable(List.copyOf(holds)).filter(hold -> renew(hold, lease));
  }

  private boolean renew(Hold hold, Duration lease) {
    Saga saga = sagas.get(hold.key());
    if (saga == null) {
      return false;
    }
    synchronized (saga) {
      boolean held = !saga.gone && saga.fence == hold.fence() && saga.state == SagaState.RUNNING;
      if (held) {
        saga.until = Ends.of(clock.instant(), lease);
      }
      return held;
    }
  }

  @Override
  public Flux<Taken> take(Map<String, Integer> names, String owner, Duration lease, int limit) {
    Map<String, Integer> meant = Map.copyOf(names);
    requireOwner(owner);
    Require.positive("lease", lease);
    SagaLog.requireLimit(limit);
    return Flux.defer(
        () -> {
          Instant now = clock.instant();
          return Flux.fromStream(
              sagas.values().stream()
                  .filter(saga -> saga.version <= meant.getOrDefault(saga.key.saga(), -1))
                  .map(saga -> new Due(saga, freeSince(saga, now)))
                  .filter(due -> due.since() != null)
                  .sorted(Comparator.comparing(due -> Objects.requireNonNull(due.since())))
                  .flatMap(due -> take(due.saga(), owner, now, lease))
                  .limit(limit));
        });
  }

  private record Due(Saga saga, @Nullable Instant since) {}

  private static @Nullable Instant freeSince(Saga saga, Instant now) {
    synchronized (saga) {
      return saga.isFree(now) ? saga.until : null;
    }
  }

  private static Stream<Taken> take(Saga saga, String owner, Instant now, Duration lease) {
    synchronized (saga) {
      return saga.isFree(now) ? Stream.of(saga.take(owner, now, lease)) : Stream.empty();
    }
  }

  @Override
  public Flux<Entry> read(SagaKey key) {
    Objects.requireNonNull(key, "key");
    return Flux.defer(
        () -> {
          Saga saga = sagas.get(key);
          if (saga == null) {
            return Flux.empty();
          }
          synchronized (saga) {
            return Flux.fromIterable(List.copyOf(saga.entries));
          }
        });
  }

  @Override
  public Mono<Boolean> amend(SagaKey key, long revision, List<SagaEvent> events) {
    Objects.requireNonNull(key, "key");
    List<SagaEvent> copy = requireEvents(events);
    return Mono.fromSupplier(
        () -> {
          Saga saga = sagas.get(key);
          if (saga == null) {
            return false;
          }
          synchronized (saga) {
            if (saga.gone || saga.state.isFinal() || saga.revision() != revision) {
              return false;
            }
            saga.append(copy, clock.instant());
            saga.fence++;
            saga.owner = "";
            saga.until = clock.instant();
            return true;
          }
        });
  }

  @Override
  public Flux<Summary> query(Query query) {
    Objects.requireNonNull(query, "query");
    return Flux.defer(
        () -> {
          Instant now = clock.instant();
          SagaKey after = query.after();
          Map<SagaKey, Saga> behind = after == null ? sagas : sagas.tailMap(after, false);
          return Flux.fromStream(
              behind.values().stream()
                  .filter(saga -> query.saga() == null || saga.key.saga().equals(query.saga()))
                  .flatMap(saga -> summary(saga, query.state(), now))
                  .limit(query.limit()));
        });
  }

  private static Stream<Summary> summary(Saga saga, @Nullable SagaState state, Instant now) {
    synchronized (saga) {
      return saga.gone || (state != null && saga.state != state)
          ? Stream.empty()
          : Stream.of(saga.summary(now));
    }
  }

  @Override
  public Mono<Stats> stats() {
    return Mono.fromSupplier(
        () -> {
          Instant now = clock.instant();
          long running = 0;
          long parked = 0;
          Duration overdue = Duration.ZERO;
          for (Saga saga : sagas.values()) {
            synchronized (saga) {
              if (saga.state == SagaState.PARKED) {
                parked++;
              } else if (saga.state == SagaState.RUNNING) {
                running++;
                if (saga.isFree(now) && !saga.until.equals(Instant.MIN)) {
                  Duration waiting = Duration.between(saga.until, now);
                  overdue = waiting.compareTo(overdue) > 0 ? waiting : overdue;
                }
              }
            }
          }
          return new Stats(running, parked, overdue);
        });
  }

  @Override
  public Mono<Integer> purge(Duration minAge, int limit) {
    Require.notNegative("minAge", minAge);
    SagaLog.requireLimit(limit);
    return Mono.fromSupplier(
        () -> {
          Instant now = clock.instant();
          int purged = 0;
          for (Saga saga : sagas.values()) {
            if (purged == limit) {
              break;
            }
            synchronized (saga) {
              Instant ended = saga.entries.get(saga.entries.size() - 1).at();
              if (!saga.gone
                  && saga.state.isFinal()
                  && Duration.between(ended, now).compareTo(minAge) >= 0) {
                saga.gone = true;
                sagas.remove(saga.key, saga);
                count.decrementAndGet();
                purged++;
              }
            }
          }
          return purged;
        });
  }

  private static void requireOwner(String owner) {
    if (owner.isEmpty() || owner.length() > MAX_OWNER) {
      throw new IllegalArgumentException(
          "owner: " + owner.length() + " characters (expected: 1.." + MAX_OWNER + ")");
    }
  }

  private static List<SagaEvent> requireEvents(List<SagaEvent> events) {
    if (events.isEmpty() || events.size() > MAX_EVENTS) {
      throw new IllegalArgumentException(
          "events: " + events.size() + " (expected: 1.." + MAX_EVENTS + ")");
    }
    return List.copyOf(events);
  }
}

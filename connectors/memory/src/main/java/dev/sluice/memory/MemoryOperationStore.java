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

import dev.sluice.store.Content;
import dev.sluice.store.Operation;
import dev.sluice.store.Operation.Ending;
import dev.sluice.store.Operation.Phase;
import dev.sluice.store.Operation.Progress;
import dev.sluice.store.OperationStore;
import dev.sluice.store.StoreFailed;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * Operations inside one process, for tests and for work that need not outlive it.
 *
 * <p>Memory: at most {@code maxOperations}, each with its request or its result. It never forgets
 * one before its time: when it is full, {@link #accept} fails with {@link StoreFailed}, as
 * temporary.
 */
public final class MemoryOperationStore implements OperationStore {

  /*
   * Threads: every operation on any thread, under the lock of the map. No code of others runs there.
   *
   * work       each entry that is not over, at the moment from which on it may be claimed
   * callbacks  each entry that has ended and whose callback is to be made, likewise
   * ends       each entry that is over, when its retention ends, then when it is forgotten
   */

  private static final int MAX_PURGE = 100_000;

  private final Clock clock;
  private final int maxOperations;
  private final Map<String, Entry> operations = new HashMap<>();
  private final Map<KeyOf, Entry> keys = new HashMap<>();
  private final Map<String, Agenda<Entry>> work = new HashMap<>();
  private final Map<String, Agenda<Entry>> callbacks = new HashMap<>();
  private final Agenda<Entry> ends = new Agenda<>();

  private record KeyOf(String kind, String caller, String key) {}

  private static final class Entry {

    final NewOperation asked;
    final Instant acceptedAt;
    @Nullable Content request;
    Phase phase = Phase.PENDING;
    Instant leased = Instant.MIN;
    long fence;
    int attempts;
    @Nullable Progress progress;
    boolean cancelRequested;
    @Nullable Ending ending;
    Instant until = Instant.MAX;
    Instant forgotten = Instant.MAX;
    int callbackAttempts;
    long callbackFence;
    boolean callbackClaimed;
    long revision = 1;

    Entry(NewOperation asked, Instant now) {
      this.asked = asked;
      this.acceptedAt = now;
      this.request = asked.request();
    }

    Operation at(Instant now) {
      boolean expired = phase == Phase.ENDED && !until.isAfter(now);
      return new Operation(
          asked.id(),
          asked.kind(),
          asked.caller(),
          expired ? Phase.EXPIRED : phase,
          progress,
          cancelRequested,
          attempts,
          expired ? null : ending,
          revision,
          Duration.between(acceptedAt, now));
    }
  }

  private MemoryOperationStore(int maxOperations, Clock clock) {
    if (maxOperations < 1) {
      throw new IllegalArgumentException("maxOperations: " + maxOperations + " (expected: >= 1)");
    }
    this.maxOperations = maxOperations;
    this.clock = Objects.requireNonNull(clock, "clock");
  }

  /**
   * An empty store on the system's clock.
   *
   * @param maxOperations how many it keeps, 1 or more
   */
  public static MemoryOperationStore create(int maxOperations) {
    return create(maxOperations, Clock.systemUTC());
  }

  /** An empty store whose time is that of {@code clock}. */
  public static MemoryOperationStore create(int maxOperations, Clock clock) {
    return new MemoryOperationStore(maxOperations, clock);
  }

  private <V> Mono<V> locked(Supplier<V> operation) {
    return Mono.fromSupplier(
        () -> {
          synchronized (operations) {
            return operation.get();
          }
        });
  }

  // == those who ask ==

  @Override
  public Mono<Acceptance> accept(NewOperation operation) {
    Objects.requireNonNull(operation, "operation");
    return locked(() -> accept(operation, clock.instant()));
  }

  @Override
  public Mono<Acceptance> known(NewOperation operation) {
    Objects.requireNonNull(operation, "operation");
    return locked(() -> Optional.ofNullable(known(operation, clock.instant())))
        .flatMap(Mono::justOrEmpty);
  }

  private @Nullable Acceptance known(NewOperation asked, Instant now) {
    Entry known = known(asked.id(), now);
    KeyOf key = keyOf(asked);
    if (known == null && key != null) {
      Entry same = keys.get(key);
      known = same == null ? null : known(same.asked.id(), now);
    }
    if (known == null) {
      return null;
    }
    RequestKey ours = asked.key();
    RequestKey theirs = known.asked.key();
    boolean reused =
        ours != null && theirs != null && !ours.fingerprint().equals(theirs.fingerprint());
    return reused ? new Acceptance.KeyReused(known.at(now)) : new Acceptance.Known(known.at(now));
  }

  private Acceptance accept(NewOperation asked, Instant now) {
    Acceptance known = known(asked, now);
    if (known != null) {
      return known;
    }
    if (operations.size() >= maxOperations) {
      purge(now, MAX_PURGE);
    }
    if (operations.size() >= maxOperations) {
      throw StoreFailed.temporary(
          "memory", "full (expected: at most " + maxOperations + " operations)", null);
    }
    Entry entry = new Entry(asked, now);
    operations.put(asked.id(), entry);
    KeyOf key = keyOf(asked);
    if (key != null) {
      keys.put(key, entry);
    }
    agenda(work, asked.kind()).put(entry, now);
    return new Acceptance.Accepted(entry.at(now));
  }

  private static @Nullable KeyOf keyOf(NewOperation asked) {
    RequestKey key = asked.key();
    return key == null ? null : new KeyOf(asked.kind(), asked.caller(), key.value());
  }

  /** Forgets it if its time has come. */
  private @Nullable Entry known(String id, Instant now) {
    Entry entry = operations.get(id);
    if (entry != null && !entry.forgotten.isAfter(now)) {
      forget(entry);
      return null;
    }
    return entry;
  }

  @Override
  public Flux<Operation> find(Collection<String> ids) {
    if (ids.size() > MAX_LIMIT) {
      throw new IllegalArgumentException(
          "ids: " + ids.size() + " (expected: <= " + MAX_LIMIT + ")");
    }
    List<String> asked = List.copyOf(ids);
    return locked(
            () -> {
              Instant now = clock.instant();
              return asked.stream()
                  .map(id -> known(id, now))
                  .filter(Objects::nonNull)
                  .map(entry -> entry.at(now))
                  .toList();
            })
        .flatMapIterable(found -> found);
  }

  @Override
  public Mono<Operation> cancel(String id) {
    Objects.requireNonNull(id, "id");
    return locked(
            () -> {
              Instant now = clock.instant();
              Entry entry = known(id, now);
              if (entry == null) {
                return Optional.<Operation>empty();
              }
              cancel(entry, now);
              return Optional.of(entry.at(now));
            })
        .flatMap(Mono::justOrEmpty);
  }

  private void cancel(Entry entry, Instant now) {
    if (entry.phase == Phase.PENDING
        || (entry.phase == Phase.RUNNING && !entry.leased.isAfter(now))) {
      entry.cancelRequested = true;
      entry.fence++;
      end(entry, new Ending.Cancelled(), now);
    } else if (entry.phase == Phase.RUNNING && !entry.cancelRequested) {
      entry.cancelRequested = true;
      entry.revision++;
    }
  }

  // == those who work ==

  @Override
  public Flux<Run> claim(String kind, int limit, Duration lease) {
    Objects.requireNonNull(kind, "kind");
    Require.limit(limit, MAX_LIMIT);
    Require.positive("lease", lease);
    return locked(
            () -> {
              Instant now = clock.instant();
              Agenda<Entry> waiting = agenda(work, kind);
              List<Run> runs = new ArrayList<>();
              while (runs.size() < limit) {
                Entry entry = waiting.poll(now);
                if (entry == null) {
                  break;
                }
                runs.add(begin(entry));
                lease(entry, now, lease);
              }
              return runs;
            })
        .flatMapIterable(runs -> runs);
  }

  private static Run begin(Entry entry) {
    entry.phase = Phase.RUNNING;
    entry.fence++;
    entry.attempts++;
    entry.revision++;
    return new Run(
        entry.asked.id(),
        entry.asked.kind(),
        entry.asked.caller(),
        Objects.requireNonNull(entry.request),
        entry.attempts,
        entry.cancelRequested,
        entry.fence);
  }

  private void lease(Entry entry, Instant now, Duration lease) {
    entry.leased = Ends.of(now, lease);
    agenda(work, entry.asked.kind()).put(entry, entry.leased);
  }

  /** The entry of a run that is still the caller's; null if it is not. */
  private @Nullable Entry held(Run run) {
    Entry entry = operations.get(run.id());
    return entry != null && entry.phase == Phase.RUNNING && entry.fence == run.fence()
        ? entry
        : null;
  }

  @Override
  public Mono<Renewal> renew(Run run, @Nullable Progress progress, Duration lease) {
    Objects.requireNonNull(run, "run");
    Require.positive("lease", lease);
    return locked(
        () -> {
          Entry entry = held(run);
          if (entry == null) {
            return Renewal.LOST;
          }
          lease(entry, clock.instant(), lease);
          if (progress != null && !progress.equals(entry.progress)) {
            entry.progress = progress;
            entry.revision++;
          }
          return entry.cancelRequested ? Renewal.CANCEL_REQUESTED : Renewal.HELD;
        });
  }

  @Override
  public Mono<Boolean> finish(Run run, Ending ending) {
    Objects.requireNonNull(run, "run");
    Objects.requireNonNull(ending, "ending");
    return locked(
        () -> {
          Entry entry = held(run);
          if (entry != null) {
            end(entry, ending, clock.instant());
            return true;
          }
          Entry over = operations.get(run.id());
          return over != null
              && over.fence == run.fence()
              && over.phase.compareTo(Phase.RUNNING) > 0;
        });
  }

  private void end(Entry entry, Ending ending, Instant now) {
    entry.phase = Phase.ENDED;
    entry.ending = ending;
    entry.request = null;
    entry.revision++;
    entry.until = Ends.of(now, entry.asked.retention());
    entry.forgotten = Ends.of(entry.until, entry.asked.remembered());
    agenda(work, entry.asked.kind()).remove(entry);
    ends.put(entry, entry.until);
    if (entry.asked.callback() != null) {
      agenda(callbacks, entry.asked.kind()).put(entry, now);
    }
  }

  @Override
  public Mono<Boolean> release(Run run) {
    Objects.requireNonNull(run, "run");
    return locked(
        () -> {
          Entry entry = held(run);
          if (entry == null) {
            return false;
          }
          entry.phase = Phase.PENDING;
          entry.attempts--;
          entry.revision++;
          agenda(work, entry.asked.kind()).put(entry, clock.instant());
          return true;
        });
  }

  // == callbacks ==

  @Override
  public Flux<DueCallback> claimCallbacks(String kind, int limit, Duration lease) {
    Objects.requireNonNull(kind, "kind");
    Require.limit(limit, MAX_LIMIT);
    Require.positive("lease", lease);
    return locked(
            () -> {
              Instant now = clock.instant();
              Agenda<Entry> due = agenda(callbacks, kind);
              List<DueCallback> claimed = new ArrayList<>();
              while (claimed.size() < limit) {
                Entry entry = due.poll(now);
                if (entry == null) {
                  break;
                }
                if (entry.until.isAfter(now)) {
                  entry.callbackClaimed = true;
                  due.put(entry, Ends.of(now, lease));
                  claimed.add(
                      new DueCallback(
                          Objects.requireNonNull(entry.asked.callback()),
                          entry.at(now),
                          ++entry.callbackAttempts,
                          ++entry.callbackFence));
                }
              }
              return claimed;
            })
        .flatMapIterable(claimed -> claimed);
  }

  @Override
  public Mono<Boolean> settle(DueCallback callback) {
    Objects.requireNonNull(callback, "callback");
    return locked(() -> giveBack(callback, null));
  }

  @Override
  public Mono<Boolean> postpone(DueCallback callback, Duration delay) {
    Objects.requireNonNull(callback, "callback");
    Require.notNegative("delay", delay);
    return locked(() -> giveBack(callback, delay));
  }

  private boolean giveBack(DueCallback callback, @Nullable Duration delay) {
    Entry entry = operations.get(callback.operation().id());
    if (entry == null || !entry.callbackClaimed || entry.callbackFence != callback.fence()) {
      return false;
    }
    entry.callbackClaimed = false;
    Agenda<Entry> due = agenda(callbacks, entry.asked.kind());
    if (delay == null) {
      due.remove(entry);
    } else {
      due.put(entry, Ends.of(clock.instant(), delay));
    }
    return true;
  }

  // == the end ==

  @Override
  public Mono<Integer> purge(int limit) {
    Require.limit(limit, MAX_PURGE);
    return locked(() -> purge(clock.instant(), limit));
  }

  private int purge(Instant now, int limit) {
    int purged = 0;
    while (purged < limit) {
      Entry entry = ends.poll(now);
      if (entry == null) {
        break;
      }
      if (entry.forgotten.isAfter(now)) {
        entry.phase = Phase.EXPIRED;
        entry.ending = null;
        entry.progress = null;
        agenda(callbacks, entry.asked.kind()).remove(entry);
        ends.put(entry, entry.forgotten);
      } else {
        forget(entry);
      }
      purged++;
    }
    return purged;
  }

  private void forget(Entry entry) {
    operations.remove(entry.asked.id());
    KeyOf key = keyOf(entry.asked);
    if (key != null) {
      keys.remove(key, entry);
    }
    agenda(callbacks, entry.asked.kind()).remove(entry);
    ends.remove(entry);
  }

  private static Agenda<Entry> agenda(Map<String, Agenda<Entry>> agendas, String kind) {
    return agendas.computeIfAbsent(kind, k -> new Agenda<>());
  }
}

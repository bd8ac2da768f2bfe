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

import dev.sluice.store.Lease;
import dev.sluice.store.LeaseStore;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * Leases inside one process, for tests and for what does not outlive it.
 *
 * <p>Memory: one entry for every name that was ever taken, because fences must go on where they
 * ended; names are meant to be few and fixed.
 */
public final class MemoryLeaseStore implements LeaseStore {

  private final Clock clock;
  private final Map<String, Lease> leases = new ConcurrentHashMap<>();

  private MemoryLeaseStore(Clock clock) {
    this.clock = clock;
  }

  /** A store without leases, on the system's clock. */
  public static MemoryLeaseStore create() {
    return create(Clock.systemUTC());
  }

  /** A store without leases whose time is that of {@code clock}. */
  public static MemoryLeaseStore create(Clock clock) {
    return new MemoryLeaseStore(Objects.requireNonNull(clock, "clock"));
  }

  @Override
  public Mono<Lease> acquire(String name, String owner, Duration ttl) {
    requireText("name", name);
    requireText("owner", owner);
    Require.positive("ttl", ttl);
    return Mono.fromSupplier(
        () -> {
          String token = UUID.randomUUID().toString();
          Instant now = clock.instant();
          Lease lease =
              Objects.requireNonNull(
                  leases.compute(
                      name,
                      (n, last) ->
                          last != null && last.until().isAfter(now)
                              ? last
                              : new Lease(n, owner, fenceAfter(last), token, Ends.of(now, ttl))));
          return lease.token().equals(token) ? lease : null;
        });
  }

  private static long fenceAfter(@Nullable Lease last) {
    return last == null ? 1 : last.fence() + 1;
  }

  @Override
  public Mono<Lease> renew(Lease lease, Duration ttl) {
    Objects.requireNonNull(lease, "lease");
    Require.positive("ttl", ttl);
    return Mono.fromSupplier(() -> end(lease, Ends.of(clock.instant(), ttl)));
  }

  @Override
  public Mono<Boolean> release(Lease lease) {
    Objects.requireNonNull(lease, "lease");
    return Mono.fromSupplier(() -> end(lease, Instant.MIN) != null);
  }

  /** Sets the end of a lease that has not ended; null for one that has. */
  private @Nullable Lease end(Lease lease, Instant until) {
    boolean[] held = new boolean[1];
    Lease now =
        leases.computeIfPresent(
            lease.name(),
            (name, last) -> {
              held[0] = last.token().equals(lease.token()) && last.until().isAfter(clock.instant());
              return held[0]
                  ? new Lease(name, last.owner(), last.fence(), last.token(), until)
                  : last;
            });
    return held[0] ? now : null;
  }

  private static void requireText(String what, String value) {
    if (value.isEmpty() || value.length() > MAX_NAME) {
      throw new IllegalArgumentException(
          what + ": " + value.length() + " characters (expected: 1.." + MAX_NAME + ")");
    }
  }
}

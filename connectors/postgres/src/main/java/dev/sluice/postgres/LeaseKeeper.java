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

import dev.sluice.postgres.LaneClaim.Lane;
import dev.sluice.postgres.OpenClaim.Open;
import io.r2dbc.spi.Statement;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * The heartbeat of a consumer: renews what it holds three times a lease, on a thread and on
 * connections that nothing else uses, and finds out what it has lost.
 */
final class LeaseKeeper {

  /*
   * Threads: hold and drop on the consumer's drain; tick on the leases' thread. One beat is under
   * way at a time.
   *
   * A row that is locked was not renewed, which only means that somebody settles it. What counts
   * is what is written there, so it is read again without a lock.
   */

  private static final Logger log = LoggerFactory.getLogger(LeaseKeeper.class);

  private static final int BATCH = 512;

  private static final String RENEW_OPEN =
      """
      with mine as materialized (
        select m.id, m.claim from unnest($2::bigint[], $3::bigint[]) as held(id, claim)
        join {schema}.sl_message m
          on m.queue = $1 and m.id = held.id and m.claim = held.claim
        order by m.id for update of m skip locked)
      update {schema}.sl_message m
      set visible_at = clock_timestamp() + $4 * interval '1 microsecond'
      from mine where m.queue = $1 and m.id = mine.id
      returning mine.claim
      """;

  private static final String READ_OPEN =
      """
      select m.claim from unnest($2::bigint[], $3::bigint[]) as held(id, claim)
      join {schema}.sl_message m on m.queue = $1 and m.id = held.id and m.claim = held.claim
      """;

  private static final String RENEW_LANES =
      """
      with mine as materialized (
        select l.grp, l.claim from unnest($2::text[], $3::bigint[]) as held(grp, claim)
        join {schema}.sl_lane l
          on l.queue = $1 and l.grp = held.grp and l.claim = held.claim
        order by l.grp for update of l skip locked)
      update {schema}.sl_lane l
      set visible_at = clock_timestamp() + $4 * interval '1 microsecond'
      from mine where l.queue = $1 and l.grp = mine.grp
      returning mine.claim
      """;

  private static final String READ_LANES =
      """
      select l.claim from unnest($2::text[], $3::bigint[]) as held(grp, claim)
      join {schema}.sl_lane l on l.queue = $1 and l.grp = held.grp and l.claim = held.claim
      """;

  private final Db db;
  private final String queue;
  private final long leaseNanos;
  private final long longestNanos;
  private final Consumer<Claimed> lost;
  private final String renewOpen;
  private final String readOpen;
  private final String renewLanes;
  private final String readLanes;
  private final Map<Long, Claimed> held = new ConcurrentHashMap<>();
  private final AtomicBoolean beating = new AtomicBoolean();
  private final Heartbeats heartbeats;
  private volatile long nextBeat;

  /**
   * @param longest nothing is renewed when it has been held for so long
   * @param lost hears of each claim that has ended without us, on the leases' thread
   */
  LeaseKeeper(
      PostgresDatabase database,
      String queue,
      Duration lease,
      Duration longest,
      Consumer<Claimed> lost) {
    this.db = database.leases();
    this.heartbeats = database.heartbeats();
    this.queue = queue;
    this.leaseNanos = lease.toNanos();
    this.longestNanos = longest.toNanos();
    this.lost = lost;
    this.renewOpen = database.sql(RENEW_OPEN);
    this.readOpen = database.sql(READ_OPEN);
    this.renewLanes = database.sql(RENEW_LANES);
    this.readLanes = database.sql(READ_LANES);
  }

  void start() {
    nextBeat = System.nanoTime() + leaseNanos / 3;
    heartbeats.add(this);
  }

  void stop() {
    heartbeats.remove(this);
  }

  /** Called often, by one thread: renews in time, and loses what was not. */
  void tick() {
    long now = System.nanoTime();
    if (now - nextBeat >= 0) {
      nextBeat = now + leaseNanos / 3;
      beat();
    }
    held.values().stream().filter(claimed -> !claimed.isCertain()).forEach(this::lose);
  }

  void hold(Claimed claimed) {
    held.put(claimed.claim, claimed);
  }

  void drop(Claimed claimed) {
    held.remove(claimed.claim);
  }

  /** Renews one claim at once; false if it is not ours any more. */
  Mono<Boolean> verify(Claimed claimed) {
    return renew(List.of(claimed)).map(Set::isEmpty);
  }

  /** Renews everything, unless that is being done or there is nothing to do it with any more. */
  void beat() {
    if (held.isEmpty() || db.isClosed() || !beating.compareAndSet(false, true)) {
      return;
    }
    List<Claimed> renewable =
        held.values().stream().filter(claimed -> claimed.age() < longestNanos).toList();
    Flux.fromIterable(renewable)
        .filter(Open.class::isInstance)
        .buffer(BATCH)
        .concatWith(Flux.fromIterable(renewable).filter(Lane.class::isInstance).buffer(BATCH))
        .concatMap(this::renew, 1)
        .doOnNext(gone -> gone.forEach(this::lose))
        .then()
        .doFinally(signal -> beating.set(false))
        .subscribe(nothing -> {}, error -> log.warn("{}: leases were not renewed", queue, error));
  }

  private void lose(Claimed claimed) {
    if (held.remove(claimed.claim) != null) {
      lost.accept(claimed);
    }
  }

  /** Renews claims of one kind; those that are not ours any more. */
  private Mono<Set<Claimed>> renew(List<Claimed> claims) {
    boolean lanes = claims.get(0) instanceof Lane;
    return Mono.defer(
        () -> {
          long asked = System.nanoTime();
          return claims(lanes ? renewLanes : renewOpen, claims, true)
              .flatMap(
                  renewed -> {
                    Set<Claimed> missing = new HashSet<>();
                    for (Claimed claimed : claims) {
                      if (renewed.contains(claimed.claim)) {
                        claimed.renewed(asked, leaseNanos);
                      } else {
                        missing.add(claimed);
                      }
                    }
                    return missing.isEmpty()
                        ? Mono.just(missing)
                        : claims(lanes ? readLanes : readOpen, List.copyOf(missing), false)
                            .map(
                                there -> {
                                  missing.removeIf(claimed -> there.contains(claimed.claim));
                                  return missing;
                                });
                  });
        });
  }

  private Mono<Set<Long>> claims(String sql, List<Claimed> claims, boolean renews) {
    return db.run(
        "renew leases",
        connection -> {
          Statement statement =
              bindKeys(connection.createStatement(sql).bind("$1", queue), claims)
                  .bind("$3", claims.stream().map(claimed -> claimed.claim).toArray(Long[]::new));
          if (renews) {
            statement.bind("$4", leaseNanos / 1_000);
          }
          return Db.few(statement, row -> Objects.requireNonNull(row.get("claim", Long.class)))
              .collect(HashSet::new, Set::add);
        });
  }

  private static Statement bindKeys(Statement statement, List<Claimed> claims) {
    return claims.get(0) instanceof Lane
        ? statement.bind(
            "$2", claims.stream().map(claimed -> ((Lane) claimed).key).toArray(String[]::new))
        : statement.bind(
            "$2", claims.stream().map(claimed -> ((Open) claimed).message.id).toArray(Long[]::new));
  }
}

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

import dev.sluice.store.Lease;
import dev.sluice.store.LeaseStore;
import io.r2dbc.spi.Readable;
import java.time.Duration;
import java.time.OffsetDateTime;
import java.util.Objects;
import java.util.UUID;
import reactor.core.publisher.Mono;

/**
 * Leases in a table, on the database's clock: no clock of a process is asked.
 *
 * <p>The table has one row for every name that was ever taken, because fences must go on where they
 * ended; names are meant to be few and fixed.
 */
public final class PostgresLeaseStore implements LeaseStore {

  /** The time of a statement would be that before it waited for another's row lock. */
  private static final String ACQUIRE =
      """
      insert into {schema}.sl_lease as held(name, owner, token, fence, until)
      values($1, $2, $3, 1, clock_timestamp() + $4 * interval '1 microsecond')
      on conflict(name) do update
        set owner = excluded.owner, token = excluded.token, fence = held.fence + 1,
            until = clock_timestamp() + $4 * interval '1 microsecond'
        where held.until <= clock_timestamp()
      returning name, owner, fence, token, until
      """;

  private static final String RENEW =
      """
      update {schema}.sl_lease set until = clock_timestamp() + $3 * interval '1 microsecond'
      where name = $1 and token = $2 and until > clock_timestamp()
      returning name, owner, fence, token, until
      """;

  private static final String RELEASE =
      """
      update {schema}.sl_lease set until = '-infinity'
      where name = $1 and token = $2 and until > clock_timestamp()
      """;

  private final Db db;
  private final String acquire;
  private final String renew;
  private final String release;

  private PostgresLeaseStore(PostgresDatabase database) {
    this.db = database.db();
    this.acquire = database.sql(ACQUIRE);
    this.renew = database.sql(RENEW);
    this.release = database.sql(RELEASE);
  }

  /** The leases of a database. */
  public static PostgresLeaseStore create(PostgresDatabase database) {
    return new PostgresLeaseStore(Objects.requireNonNull(database, "database"));
  }

  @Override
  public Mono<Lease> acquire(String name, String owner, Duration ttl) {
    requireText("name", name);
    requireText("owner", owner);
    long micros = Micros.positive("ttl", ttl);
    return Mono.defer(
        () -> {
          String token = UUID.randomUUID().toString();
          return db.run(
              "acquire a lease",
              connection ->
                  Db.rows(
                          connection
                              .createStatement(acquire)
                              .bind("$1", name)
                              .bind("$2", owner)
                              .bind("$3", token)
                              .bind("$4", micros),
                          PostgresLeaseStore::lease)
                      .singleOrEmpty());
        });
  }

  @Override
  public Mono<Lease> renew(Lease lease, Duration ttl) {
    Objects.requireNonNull(lease, "lease");
    long micros = Micros.positive("ttl", ttl);
    return db.run(
        "renew a lease",
        connection ->
            Db.rows(
                    connection
                        .createStatement(renew)
                        .bind("$1", lease.name())
                        .bind("$2", lease.token())
                        .bind("$3", micros),
                    PostgresLeaseStore::lease)
                .singleOrEmpty());
  }

  @Override
  public Mono<Boolean> release(Lease lease) {
    Objects.requireNonNull(lease, "lease");
    return db.run(
        "release a lease",
        connection ->
            Db.count(
                    connection
                        .createStatement(release)
                        .bind("$1", lease.name())
                        .bind("$2", lease.token()))
                .map(rows -> rows == 1));
  }

  private static Lease lease(Readable row) {
    return new Lease(
        text(row, "name"),
        text(row, "owner"),
        Objects.requireNonNull(row.get("fence", Long.class)),
        text(row, "token"),
        Objects.requireNonNull(row.get("until", OffsetDateTime.class)).toInstant());
  }

  private static String text(Readable row, String column) {
    return Objects.requireNonNull(row.get(column, String.class), column);
  }

  private static void requireText(String what, String value) {
    if (value.isEmpty() || value.length() > MAX_NAME) {
      throw new IllegalArgumentException(
          what + ": " + value.length() + " characters (expected: 1.." + MAX_NAME + ")");
    }
  }
}

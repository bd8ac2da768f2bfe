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

import dev.sluice.observe.Metered;
import dev.sluice.observe.Meters;
import dev.sluice.store.LeaseThread;
import dev.sluice.store.StoreFailed;
import io.r2dbc.pool.ConnectionPool;
import io.r2dbc.pool.ConnectionPoolConfiguration;
import io.r2dbc.pool.PoolMetrics;
import io.r2dbc.postgresql.PostgresqlConnectionFactory;
import io.r2dbc.postgresql.PostgresqlConnectionFactoryProvider;
import io.r2dbc.spi.ConnectionFactoryOptions;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import java.util.function.UnaryOperator;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;

/**
 * A PostgreSQL database, connected: what the stores work on. Make one for a process and share it.
 *
 * <p>An outage of the server is not an outage of this: operations fail with {@link StoreFailed}
 * while it lasts and succeed when it is over.
 *
 * <pre>{@code
 * PostgresDatabase.connect("r2dbc:postgresql://app:secret@db/app", p -> p.connections(16))
 *     .flatMap(database -> …)
 * }</pre>
 */
public final class PostgresDatabase implements Metered {

  /** Rows for which the driver asks at once; above 256 a cancelled query can block a connection. */
  private static final int FETCH_SIZE = 128;

  private static final int STATEMENT_CACHE = 256;

  /** Operations that wait for a connection; more fail at once, so that waiting stays bounded. */
  private static final int MAX_PENDING = 10_000;

  private static final Duration IDLE = Duration.ofMinutes(10);
  private static final Duration LIFE = Duration.ofMinutes(30);
  private static final Duration EVICTION = Duration.ofSeconds(30);

  private static final Scheduler LEASES = LeaseThread.named("sluice-leases");

  /** Heartbeats of one consumer follow one another, and are short. */
  private static final int LEASE_CONNECTIONS = 2;

  private final PostgresSpec spec;
  private final ConnectionPool pool;
  private final ConnectionPool leasePool;
  private final ConnectionPool userPool;
  private final Db db;
  private final Db leases;
  private final Db users;
  private final Wakeups wakeups;
  private final Heartbeats heartbeats;

  private PostgresDatabase(ConnectionFactoryOptions options, PostgresSpec spec) {
    this.spec = spec;
    PostgresqlConnectionFactory connections = connections(options, spec);
    String name = "sluice-" + spec.schema();
    this.pool = pool(connections, spec, name, spec.connections());
    this.leasePool = pool(connections, spec, name + "-leases", LEASE_CONNECTIONS);
    this.userPool = pool(connections, spec, name + "-transactions", spec.connections());
    this.db = new Db(pool, spec.acquireTimeout(), spec.statementTimeout(), Schedulers.parallel());
    this.leases = new Db(leasePool, spec.acquireTimeout(), spec.statementTimeout(), LEASES);
    this.users =
        new Db(userPool, spec.acquireTimeout(), spec.transactionTimeout(), Schedulers.parallel());
    this.heartbeats = new Heartbeats(LEASES);
    this.wakeups = new Wakeups(connections, db, spec.schema());
  }

  /**
   * Connects with the options of an R2DBC URL.
   *
   * @see #connect(ConnectionFactoryOptions, UnaryOperator)
   */
  public static Mono<PostgresDatabase> connect(String url, UnaryOperator<PostgresSpec> spec) {
    return connect(ConnectionFactoryOptions.parse(url), spec);
  }

  /**
   * Connects, and creates or updates the tables.
   *
   * <dl>
   *   <dt>Emits
   *   <dd>the database, ready to be used
   *   <dt>Backpressure
   *   <dd>not applicable
   *   <dt>Completes/Errors
   *   <dd>fails with {@link StoreFailed} when the server cannot be reached, or when the tables are
   *       not of this version and may not or cannot be changed
   *   <dt>Cancel
   *   <dd>closes what was opened; a change of the tables that has begun is finished
   *   <dt>Discard
   *   <dd>nothing to discard
   *   <dt>Threads
   *   <dd>on {@code Schedulers.parallel()}
   * </dl>
   *
   * @param options where the server is and how to log in, TLS included: any that r2dbc-postgresql
   *     knows
   * @param spec changes the default spec
   */
  public static Mono<PostgresDatabase> connect(
      ConnectionFactoryOptions options, UnaryOperator<PostgresSpec> spec) {
    Objects.requireNonNull(options, "options");
    PostgresSpec given = Objects.requireNonNull(spec, "spec").apply(PostgresSpec.DEFAULT);
    return Mono.using(
            () -> new Opening(new PostgresDatabase(options, given)), Opening::prepare, Opening::end)
        .doOnDiscard(PostgresDatabase.class, database -> database.close().subscribe());
  }

  /** Closes what was opened unless it was handed out. */
  private static final class Opening {

    private final PostgresDatabase database;
    private volatile boolean handedOut;

    Opening(PostgresDatabase database) {
      this.database = database;
    }

    Mono<PostgresDatabase> prepare() {
      PostgresSchema schema = new PostgresSchema(database.spec.schema());
      return (database.spec.migrate() ? schema.migrate(database.db) : schema.verify(database.db))
          .then(
              Mono.fromSupplier(
                  () -> {
                    handedOut = true;
                    return database;
                  }));
    }

    void end() {
      if (!handedOut) {
        database.close().subscribe();
      }
    }
  }

  private static PostgresqlConnectionFactory connections(
      ConnectionFactoryOptions options, PostgresSpec spec) {
    String timeout = Long.toString(spec.statementTimeout().toMillis());
    return new PostgresqlConnectionFactory(
        PostgresqlConnectionFactoryProvider.builder(options)
            .applicationName("sluice")
            .fetchSize(FETCH_SIZE)
            .preparedStatementCacheQueries(STATEMENT_CACHE)
            .tcpKeepAlive(true)
            .connectTimeout(spec.acquireTimeout())
            .options(
                Map.of(
                    "statement_timeout", timeout,
                    "lock_timeout", timeout,
                    "idle_in_transaction_session_timeout", timeout))
            .build());
  }

  private static ConnectionPool pool(
      PostgresqlConnectionFactory factory, PostgresSpec spec, String name, int connections) {
    return new ConnectionPool(
        ConnectionPoolConfiguration.builder(factory)
            .name(name)
            .initialSize(0)
            .minIdle(0)
            .maxSize(connections)
            .maxAcquireTime(spec.acquireTimeout())
            .maxCreateConnectionTime(spec.acquireTimeout())
            .maxValidationTime(spec.acquireTimeout())
            .acquireRetry(0) // the wait would begin anew with each
            .maxIdleTime(IDLE)
            .maxLifeTime(LIFE)
            .backgroundEvictionInterval(EVICTION)
            .customizer(builder -> builder.maxPendingAcquire(MAX_PENDING))
            .build());
  }

  /**
   * Asks the server something, as a health check does.
   *
   * @return completes when it has answered, or fails with {@link StoreFailed}
   */
  public Mono<Void> ping() {
    return db.run("ping", connection -> Db.count(connection.createStatement("select 1"))).then();
  }

  /** The connections that are open and in use, those that are open and not, and who waits. */
  public record Connections(int inUse, int idle, int waiting, int most) {}

  /** How the connections are used at this moment. */
  public Connections connections() {
    PoolMetrics metrics = pool.getMetrics().orElseThrow();
    return new Connections(
        metrics.acquiredSize(),
        metrics.idleSize(),
        metrics.pendingAcquireSize(),
        metrics.getMaxAllocatedSize());
  }

  /**
   * How the connections are used, tagged {@code schema} and {@code pool}, which is {@code
   * statements}, {@code transactions} (those of users) or {@code leases}: {@code
   * sluice.postgres.connections.used}, {@code .idle}, {@code .waiting} and their bound {@code
   * .most}.
   */
  @Override
  public void meters(Meters meters) {
    Meters mine = meters.with("schema", spec.schema());
    meters(mine.with("pool", "statements"), pool);
    meters(mine.with("pool", "transactions"), userPool);
    meters(mine.with("pool", "leases"), leasePool);
  }

  private static void meters(Meters meters, ConnectionPool pool) {
    PoolMetrics metrics = pool.getMetrics().orElseThrow();
    String connections = "connections";
    meters.gauge("sluice.postgres.connections.used", connections, "In use", metrics::acquiredSize);
    meters.gauge(
        "sluice.postgres.connections.idle", connections, "Open, not in use", metrics::idleSize);
    meters.gauge(
        "sluice.postgres.connections.waiting",
        "operations",
        "That wait for a connection",
        metrics::pendingAcquireSize);
    meters.gauge(
        "sluice.postgres.connections.most",
        connections,
        "How many there may be",
        metrics::getMaxAllocatedSize);
  }

  /** Closes all connections; what is under way fails. Completes when they are closed. */
  public Mono<Void> close() {
    return Mono.defer(
        () -> {
          wakeups.close();
          return Mono.when(pool.disposeLater(), leasePool.disposeLater(), userPool.disposeLater());
        });
  }

  Db db() {
    return db;
  }

  /** The connections that nothing but heartbeats uses. */
  Db leases() {
    return leases;
  }

  /** The connections for transactions of users. */
  Db users() {
    return users;
  }

  /** What beats for the leases of all consumers. */
  Heartbeats heartbeats() {
    return heartbeats;
  }

  Wakeups wakeups() {
    return wakeups;
  }

  String schema() {
    return spec.schema();
  }

  /** An SQL text with the schema in its place. */
  String sql(String template) {
    return PostgresSchema.in(spec.schema(), template);
  }

  @Override
  public String toString() {
    return "PostgreSQL, schema " + spec.schema();
  }
}

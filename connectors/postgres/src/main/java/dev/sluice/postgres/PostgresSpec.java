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

import dev.sluice.time.Times;
import java.time.Duration;
import java.util.regex.Pattern;

/**
 * How a {@link PostgresDatabase} uses its server. The defaults suit one process of a service.
 *
 * <p>Immutable: each method returns a changed copy.
 */
public final class PostgresSpec {

  static final PostgresSpec DEFAULT =
      new PostgresSpec(
          "sluice", 8, Duration.ofSeconds(5), Duration.ofSeconds(10), Duration.ofSeconds(30), true);

  /** It becomes part of SQL texts, so nothing that would have to be quoted is let in. */
  private static final Pattern IDENTIFIER = Pattern.compile("[a-z_][a-z0-9_]{0,62}");

  private final String schema;
  private final int connections;
  private final Duration acquireTimeout;
  private final Duration statementTimeout;
  private final Duration transactionTimeout;
  private final boolean migrate;

  private PostgresSpec(
      String schema,
      int connections,
      Duration acquireTimeout,
      Duration statementTimeout,
      Duration transactionTimeout,
      boolean migrate) {
    this.schema = schema;
    this.connections = connections;
    this.acquireTimeout = acquireTimeout;
    this.statementTimeout = statementTimeout;
    this.transactionTimeout = transactionTimeout;
    this.migrate = migrate;
  }

  /**
   * The schema that holds our tables; it is created if it is missing. Defaults to {@code sluice}.
   *
   * @param schema lower-case letters, digits and underscores, at most 63, not beginning with a
   *     digit
   * @throws IllegalArgumentException if it is anything else
   */
  public PostgresSpec schema(String schema) {
    if (!IDENTIFIER.matcher(schema).matches()) {
      throw new IllegalArgumentException(
          "schema: '" + schema + "' (expected: " + IDENTIFIER.pattern() + ")");
    }
    return new PostgresSpec(
        schema, connections, acquireTimeout, statementTimeout, transactionTimeout, migrate);
  }

  /**
   * At most as many connections are open for what channels and stores do, and as many again for
   * transactions of {@link PostgresChannel#inTransaction}. Leases have 2 of their own, and one
   * listens for hints. Defaults to 8.
   *
   * @param connections 1..1000
   * @throws IllegalArgumentException if out of range
   */
  public PostgresSpec connections(int connections) {
    if (connections < 1 || connections > 1000) {
      throw new IllegalArgumentException("connections: " + connections + " (expected: 1..1000)");
    }
    return new PostgresSpec(
        schema, connections, acquireTimeout, statementTimeout, transactionTimeout, migrate);
  }

  /**
   * How long an operation waits for a free connection before it fails. Defaults to 5 s.
   *
   * @param acquireTimeout 1 ms to 1 hour
   * @throws IllegalArgumentException if out of range
   */
  public PostgresSpec acquireTimeout(Duration acquireTimeout) {
    return new PostgresSpec(
        schema,
        connections,
        inRange("acquireTimeout", acquireTimeout),
        statementTimeout,
        transactionTimeout,
        migrate);
  }

  /**
   * How long a statement may run, a lock be waited for and a transaction be idle before the server
   * ends it. Defaults to 10 s.
   *
   * @param statementTimeout 1 ms to 1 hour
   * @throws IllegalArgumentException if out of range
   */
  public PostgresSpec statementTimeout(Duration statementTimeout) {
    return new PostgresSpec(
        schema,
        connections,
        acquireTimeout,
        inRange("statementTimeout", statementTimeout),
        transactionTimeout,
        migrate);
  }

  /**
   * How long a transaction of {@link PostgresChannel#inTransaction} may take. Defaults to 30 s.
   *
   * @param transactionTimeout 1 ms to 1 hour
   * @throws IllegalArgumentException if out of range
   */
  public PostgresSpec transactionTimeout(Duration transactionTimeout) {
    return new PostgresSpec(
        schema,
        connections,
        acquireTimeout,
        statementTimeout,
        inRange("transactionTimeout", transactionTimeout),
        migrate);
  }

  /**
   * Whether tables are created and changed when the database is connected, which takes the right to
   * do so. Without it they must be as this version needs them. Defaults to true.
   *
   * @param migrate false to find the tables ready
   */
  public PostgresSpec migrate(boolean migrate) {
    return new PostgresSpec(
        schema, connections, acquireTimeout, statementTimeout, transactionTimeout, migrate);
  }

  private static Duration inRange(String what, Duration value) {
    return Times.between(what, value, Duration.ofMillis(1), Duration.ofHours(1));
  }

  String schema() {
    return schema;
  }

  int connections() {
    return connections;
  }

  Duration acquireTimeout() {
    return acquireTimeout;
  }

  Duration statementTimeout() {
    return statementTimeout;
  }

  Duration transactionTimeout() {
    return transactionTimeout;
  }

  boolean migrate() {
    return migrate;
  }
}

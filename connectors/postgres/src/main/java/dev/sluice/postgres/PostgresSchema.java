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

import dev.sluice.store.StoreFailed;
import io.r2dbc.spi.Connection;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;

/**
 * The tables and their versions. A version is a script that is never changed once it has been
 * released; all that are missing are applied in one transaction, by one process at a time.
 */
final class PostgresSchema {

  /** In their order; the number of a script is its place, from 1. */
  private static final List<String> SCRIPTS =
      List.of(
          "V1__leases.sql",
          "V2__idempotency.sql",
          "V3__channels.sql",
          "V4__outbox.sql",
          "V5__dead_letters.sql",
          "V6__aggregations.sql",
          "V7__operations.sql",
          "V8__payloads.sql",
          "V9__sagas.sql",
          "V10__parking.sql",
          "V11__topics.sql",
          "V12__positions.sql",
          "V13__tasks.sql",
          "V14__task_revisions.sql");

  private static final String PLACEHOLDER = "{schema}";

  private final String schema;

  PostgresSchema(String schema) {
    this.schema = schema;
  }

  /** An SQL text with the schema in its place. */
  static String in(String schema, String template) {
    return template.replace(PLACEHOLDER, schema);
  }

  /** Brings the tables up to this version. */
  Mono<Void> migrate(Db db) {
    return db.transaction(
            "migration of schema " + schema,
            connection ->
                lock(connection)
                    .then(execute(connection, "create schema if not exists {schema}"))
                    .then(
                        execute(
                            connection,
                            """
                            create table if not exists {schema}.sl_version(
                              version int primary key,
                              script text not null,
                              applied_at timestamptz not null default clock_timestamp())
                            """))
                    .then(version(connection))
                    .flatMap(this::requireKnown)
                    .flatMapMany(version -> Flux.range(version + 1, SCRIPTS.size() - version))
                    .concatMap(version -> apply(connection, version))
                    .then(Mono.just(SCRIPTS.size())))
        .then();
  }

  /** Fails unless the tables are of this version. */
  Mono<Void> verify(Db db) {
    return db.run("version of schema " + schema, this::version)
        .flatMap(this::requireKnown)
        .flatMap(
            version ->
                version == SCRIPTS.size()
                    ? Mono.empty()
                    : Mono.error(unexpected(version, String.valueOf(SCRIPTS.size()))));
  }

  /** Until the end of the transaction; two schemas of one database do not wait for each other. */
  private Mono<Long> lock(Connection connection) {
    return Db.count(
        connection
            .createStatement("select pg_advisory_xact_lock(hashtext('sluice'), hashtext($1))")
            .bind("$1", schema));
  }

  private Mono<Integer> version(Connection connection) {
    String sql = "select coalesce(max(version), 0) from {schema}.sl_version";
    return Db.rows(
            connection.createStatement(in(schema, sql)),
            row -> Objects.requireNonNull(row.get(0, Integer.class)))
        .single();
  }

  private Mono<Integer> requireKnown(int version) {
    return version <= SCRIPTS.size()
        ? Mono.just(version)
        : Mono.error(unexpected(version, "0.." + SCRIPTS.size()));
  }

  private StoreFailed unexpected(int version, String expected) {
    return StoreFailed.permanent(
        "PostgreSQL",
        "schema " + schema + " is of version " + version + " (expected: " + expected + ")",
        null);
  }

  private Mono<Void> apply(Connection connection, int version) {
    String script = SCRIPTS.get(version - 1);
    return Mono.fromCallable(() -> statements(script))
        .subscribeOn(Schedulers.boundedElastic()) // it reads a file
        .flatMapIterable(statements -> statements)
        .concatMap(statement -> execute(connection, statement))
        .then(
            Db.count(
                connection
                    .createStatement(
                        in(
                            schema,
                            "insert into {schema}.sl_version(version, script) values($1, $2)"))
                    .bind("$1", version)
                    .bind("$2", script)))
        .then();
  }

  private Mono<Long> execute(Connection connection, String sql) {
    return Db.count(connection.createStatement(in(schema, sql)));
  }

  private static List<String> statements(String script) throws IOException {
    try (InputStream in = PostgresSchema.class.getResourceAsStream(script)) {
      if (in == null) {
        throw new IllegalStateException("script: " + script + " (expected: on the class path)");
      }
      String text = new String(in.readAllBytes(), StandardCharsets.UTF_8);
      return Stream.of(text.split(";\\s*(\\n|$)", -1))
          .filter(statement -> !statement.isBlank())
          .toList();
    }
  }
}

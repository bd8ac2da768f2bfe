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
package dev.sluice.bench.postgres;

import dev.sluice.embedded.EmbeddedPostgres;
import dev.sluice.postgres.PostgresDatabase;
import io.r2dbc.pool.ConnectionPool;
import io.r2dbc.pool.ConnectionPoolConfiguration;
import io.r2dbc.spi.Connection;
import io.r2dbc.spi.ConnectionFactories;
import io.r2dbc.spi.Result;
import io.r2dbc.spi.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.function.UnaryOperator;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * A server of its own, ours and another pool of connections to it, equally many, and what was seen:
 * what the harnesses of stores have in common.
 */
final class StoreTrial implements AutoCloseable {

  static final Duration PATIENCE = Duration.ofMinutes(2);

  private static final int CONNECTIONS = 8;

  private final String[] arguments;
  private final EmbeddedPostgres postgres;
  private final PostgresDatabase database;
  private final ConnectionPool pool;
  private final Map<String, List<Double>> results = new LinkedHashMap<>();

  StoreTrial(String[] arguments) {
    this.arguments = arguments;
    this.postgres = EmbeddedPostgres.create().start();
    this.database =
        Objects.requireNonNull(
            PostgresDatabase.connect(
                    postgres.r2dbcUrl(), p -> p.connections(CONNECTIONS).acquireTimeout(PATIENCE))
                .block());
    this.pool =
        new ConnectionPool(
            ConnectionPoolConfiguration.builder(ConnectionFactories.get(postgres.r2dbcUrl()))
                .maxSize(CONNECTIONS)
                .build());
    show("fsync");
    show("synchronous_commit");
  }

  /** One that was given as {@code name=value}. */
  int option(String name, int otherwise) {
    return Arrays.stream(arguments)
        .filter(argument -> argument.startsWith(name + "="))
        .map(argument -> Integer.valueOf(argument.substring(name.length() + 1)))
        .findFirst()
        .orElse(otherwise);
  }

  PostgresDatabase database() {
    return database;
  }

  // == by hand ==

  Mono<Long> change(String sql, UnaryOperator<Statement> bind) {
    return Mono.usingWhen(
        pool.create(),
        connection ->
            Flux.from(bind.apply(connection.createStatement(sql)).execute())
                .concatMap(Result::getRowsUpdated)
                .reduce(0L, Long::sum),
        Connection::close);
  }

  void execute(String sql) {
    change(sql, s -> s).block(PATIENCE);
  }

  <T> T ask(String sql, Class<T> type) {
    return Objects.requireNonNull(
        Mono.usingWhen(
                pool.create(),
                connection ->
                    Flux.from(connection.createStatement(sql).execute())
                        .concatMap(
                            result -> result.map(row -> Objects.requireNonNull(row.get(0, type))))
                        .next(),
                Connection::close)
            .block(PATIENCE));
  }

  private void show(String setting) {
    System.out.println(setting + " is " + ask("show " + setting, String.class));
  }

  /** Transactions that have changed something, so far; what only looks commits nothing. */
  long commits() {
    return ask("select pg_current_xact_id()::text::bigint", Long.class);
  }

  // == what was seen ==

  static void require(String what, long is, long expected) {
    if (is != expected) {
      throw new IllegalStateException(what + ": " + is + " (expected: " + expected + ")");
    }
  }

  void add(String what, double value) {
    results.computeIfAbsent(what, w -> new ArrayList<>()).add(value);
  }

  void report() {
    System.out.printf("%-62s %10s %s%n", "", "median", "all");
    results.forEach(
        (what, all) ->
            System.out.printf(
                Locale.ROOT,
                "%-62s %10.2f %s%n",
                what,
                all.stream().sorted().skip(all.size() / 2).findFirst().orElseThrow(),
                all.stream().map(one -> String.format(Locale.ROOT, "%.2f", one)).toList()));
  }

  @Override
  public void close() {
    postgres.close();
  }
}

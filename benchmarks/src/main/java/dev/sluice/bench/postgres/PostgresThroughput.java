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

import dev.sluice.channel.ReceiveOptions;
import dev.sluice.delivery.Outcome;
import dev.sluice.embedded.EmbeddedPostgres;
import dev.sluice.message.Message;
import dev.sluice.postgres.PostgresChannel;
import dev.sluice.postgres.PostgresDatabase;
import io.r2dbc.pool.ConnectionPool;
import io.r2dbc.pool.ConnectionPoolConfiguration;
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
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * What a {@link PostgresChannel} costs beside bare loops of the same statements, on one server, in
 * one run, with durable commits and pools of the same size. A round counts only if every message
 * was consumed once.
 *
 * <pre>{@code
 * mvn -pl benchmarks -am -Ppostgres-bench verify -DskipTests
 * mvn -pl benchmarks -am -Ppostgres-bench verify -DskipTests -Dpostgres-bench.args="rounds=5 messages=50000"
 * }</pre>
 */
final class PostgresThroughput {

  private static final int CONSUMERS = 8;
  private static final int PRODUCERS = 4;
  private static final int GROUPS = 1_000;
  private static final int INSERT = 256;
  private static final byte[] BODY = new byte[100];

  private static final String HEADERS =
      "{\"ce_specversion\":\"1.0\",\"ce_id\":\"0192f3a4-7d3c-7aaa-8bbb-0123456789ab\","
          + "\"ce_source\":\"/sluice\",\"ce_type\":\"unknown\","
          + "\"ce_time\":\"2026-01-01T00:00:00Z\","
          + "\"content-type\":\"application/octet-stream\"}";

  private static final String BARE_INSERT =
      """
      insert into sluice.sl_message(queue, rank, headers, body)
      select 'bare', (extract(epoch from clock_timestamp()) * 1000000)::bigint, h::jsonb,
             decode(b, 'hex')
      from unnest($1::text[], $2::text[]) as m(h, b)
      """;

  /** The statements of the channel itself. */
  private static final String BARE_LEASE =
      """
      with ready as materialized (
        select id, rank from sluice.sl_message
        where queue = 'bare' and visible_at = '-infinity'
        order by rank, id limit $1 for update skip locked),
      rested as materialized (
        select id, rank from sluice.sl_message
        where queue = 'bare' and visible_at > '-infinity'
          and visible_at <= (select clock_timestamp())
        order by visible_at limit $1 for update skip locked),
      picked as materialized (
        select id from (table ready union all table rested) both_of_them
        order by rank, id limit $1)
      update sluice.sl_message m
      set visible_at = clock_timestamp() + interval '30 s',
          claim = nextval('sluice.sl_claim'), attempts = m.attempts + 1
      from picked where m.queue = 'bare' and m.id = picked.id
      returning m.id, m.claim, m.attempts, m.headers::text as headers, m.body
      """;

  private static final String BARE_ACK =
      """
      delete from sluice.sl_message m
      using (select * from unnest($1::bigint[], $2::bigint[]) as mine(id, claim) order by id) mine
      where m.queue = 'bare' and m.id = mine.id and m.claim = mine.claim
      """;

  private final PostgresDatabase database;
  private final ConnectionPool pool;
  private final int messages;
  private final Map<String, List<Double>> rates = new LinkedHashMap<>();

  private PostgresThroughput(PostgresDatabase database, ConnectionPool pool, int messages) {
    this.database = database;
    this.pool = pool;
    this.messages = messages;
  }

  public static void main(String[] arguments) {
    int rounds = option(arguments, "rounds", 5);
    int messages = option(arguments, "messages", 50_000);
    Duration patience = Duration.ofSeconds(60);
    try (EmbeddedPostgres postgres = EmbeddedPostgres.create().start()) {
      PostgresDatabase database =
          Objects.requireNonNull(
              PostgresDatabase.connect(
                      postgres.r2dbcUrl(), p -> p.connections(CONSUMERS).acquireTimeout(patience))
                  .block());
      ConnectionPool pool =
          new ConnectionPool(
              ConnectionPoolConfiguration.builder(ConnectionFactories.get(postgres.r2dbcUrl()))
                  .maxSize(CONSUMERS)
                  .build());
      PostgresThroughput bench = new PostgresThroughput(database, pool, messages);
      for (int round = 0; round <= rounds; round++) {
        bench.round(round);
      }
      bench.report();
    }
    System.exit(0);
  }

  private static int option(String[] arguments, String name, int otherwise) {
    return Arrays.stream(arguments)
        .filter(argument -> argument.startsWith(name + "="))
        .map(argument -> Integer.valueOf(argument.substring(name.length() + 1)))
        .findFirst()
        .orElse(otherwise);
  }

  private void round(int round) {
    for (int batch : new int[] {10, 100}) {
      String at = "batch " + batch + ": ";
      time(round, "bare insert", this::insertBare);
      time(round, at + "bare lease and ack", () -> consumeBare(batch));
      PostgresChannel open = channel("open", batch);
      time(round, "sendAll", () -> sendAll(open, 0));
      time(round, at + "channel", () -> consume(open));
      PostgresChannel grouped = channel("grouped", batch);
      time(round, "sendAll, " + GROUPS + " groups", () -> sendAll(grouped, GROUPS));
      time(round, at + "channel, " + GROUPS + " groups", () -> consume(grouped));
    }
  }

  private PostgresChannel channel(String name, int batch) {
    return PostgresChannel.create(
        database, name, spec -> spec.claimBatch(batch).laneBatch(Math.min(batch, 10)));
  }

  private void time(int round, String what, Runnable work) {
    long start = System.nanoTime();
    work.run();
    double seconds = (System.nanoTime() - start) / 1e9;
    if (round > 0) { // the first warms up
      rates.computeIfAbsent(what, w -> new ArrayList<>()).add(messages / seconds);
    }
  }

  // == bare ==

  private void insertBare() {
    String[] headers = new String[INSERT];
    String[] bodies = new String[INSERT];
    Arrays.fill(headers, HEADERS);
    Arrays.fill(bodies, "00".repeat(BODY.length));
    Flux.range(0, messages / INSERT)
        .flatMap(
            i -> execute(BARE_INSERT, s -> s.bind("$1", headers).bind("$2", bodies)), PRODUCERS)
        .then(
            execute(
                BARE_INSERT,
                s ->
                    s.bind("$1", Arrays.copyOf(headers, messages % INSERT))
                        .bind("$2", Arrays.copyOf(bodies, messages % INSERT))))
        .block();
  }

  private void consumeBare(int batch) {
    AtomicInteger consumed = new AtomicInteger();
    Flux.range(0, CONSUMERS)
        .flatMap(
            i ->
                leaseAndAck(batch)
                    .doOnNext(consumed::addAndGet)
                    .repeat(() -> consumed.get() < messages)
                    .then(),
            CONSUMERS)
        .blockLast();
    check(consumed.get());
  }

  private record Leased(long id, long claim) {}

  private Mono<Integer> leaseAndAck(int batch) {
    return Mono.usingWhen(
            pool.create(),
            connection ->
                Flux.from(connection.createStatement(BARE_LEASE).bind("$1", batch).execute())
                    .concatMap(
                        result ->
                            result.map(
                                row -> {
                                  Objects.requireNonNull(row.get("headers", String.class));
                                  Objects.requireNonNull(row.get("body", byte[].class));
                                  return new Leased(
                                      Objects.requireNonNull(row.get("id", Long.class)),
                                      Objects.requireNonNull(row.get("claim", Long.class)));
                                }))
                    .collectList(),
            connection -> connection.close())
        .flatMap(
            leased ->
                leased.isEmpty()
                    ? Mono.just(0)
                    : execute(
                            BARE_ACK,
                            s ->
                                s.bind("$1", leased.stream().map(Leased::id).toArray(Long[]::new))
                                    .bind(
                                        "$2",
                                        leased.stream().map(Leased::claim).toArray(Long[]::new)))
                        .map(Long::intValue));
  }

  private Mono<Long> execute(String sql, java.util.function.UnaryOperator<Statement> bind) {
    return Mono.usingWhen(
        pool.create(),
        connection ->
            Flux.from(bind.apply(connection.createStatement(sql)).execute())
                .concatMap(Result::getRowsUpdated)
                .reduce(0L, Long::sum),
        connection -> connection.close());
  }

  // == channel ==

  private void sendAll(PostgresChannel channel, int groups) {
    Flux.range(0, PRODUCERS)
        .flatMap(
            producer ->
                channel
                    .sendAll(
                        Flux.range(0, messages / PRODUCERS)
                            .map(
                                i ->
                                    Message.of(BODY)
                                        .withGroup(groups == 0 ? null : "g" + i % groups)))
                    .then(),
            PRODUCERS)
        .blockLast();
  }

  private void consume(PostgresChannel channel) {
    AtomicInteger consumed = new AtomicInteger();
    CountDownLatch over = new CountDownLatch(1);
    List<Disposable> consumers = new ArrayList<>();
    for (int i = 0; i < CONSUMERS; i++) {
      consumers.add(
          channel
              .receive(ReceiveOptions.defaults().maxUnsettled(256))
              .subscribe(
                  delivery -> {
                    delivery
                        .settlement()
                        .onDone(
                            outcome -> {
                              if (consumed.incrementAndGet() == messages / PRODUCERS * PRODUCERS) {
                                over.countDown();
                              }
                            });
                    delivery.settlement().settle(Outcome.ack());
                  }));
    }
    try {
      if (!over.await(5, TimeUnit.MINUTES)) {
        throw new IllegalStateException("stuck at " + consumed);
      }
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
    consumers.forEach(Disposable::dispose);
  }

  private void check(int consumed) {
    if (consumed != messages) {
      throw new IllegalStateException("consumed " + consumed + " (expected: " + messages + ")");
    }
  }

  private void report() {
    System.out.printf("%-34s %12s %s%n", "messages a second", "median", "all");
    rates.forEach(
        (what, all) -> {
          double median = all.stream().sorted().skip(all.size() / 2).findFirst().orElseThrow();
          System.out.printf(
              Locale.ROOT,
              "%-34s %12.0f %s%n",
              what,
              median,
              all.stream().map(rate -> String.format(Locale.ROOT, "%.0f", rate)).toList());
        });
  }
}

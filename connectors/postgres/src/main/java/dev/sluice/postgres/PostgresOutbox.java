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

import dev.sluice.channel.Outbound;
import dev.sluice.message.Message;
import dev.sluice.message.MessageIds;
import dev.sluice.message.WireFormat;
import dev.sluice.store.Lease;
import io.r2dbc.spi.Connection;
import io.r2dbc.spi.Readable;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.ThreadLocalRandom;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;
import reactor.util.retry.Retry;

/**
 * Sends messages if, and only if, a transaction of yours commits: they are written in that
 * transaction, and a relay sends what was committed.
 *
 * <pre>{@code
 * PostgresOutbox outbox = PostgresOutbox.create(database, "orders");
 * Disposable relay = outbox.relay(orders).subscribe();
 * …
 * Mono.usingWhen(connections.create(), c -> inTransaction(c, insert(c, order).then(outbox.append(c, message))), …)
 * }</pre>
 *
 * <p><b>Order.</b> Messages are sent in the order in which they were appended, also those of
 * transactions that overlap; none is skipped, however late its transaction commits. So messages of
 * a group keep their order if whoever appends one has locked something first that the others have
 * to lock as well, such as the row that the messages are about.
 *
 * <p><b>Guarantee.</b> Each message is sent at least once, with the same id each time: again when
 * the relay dies, or loses its lease, between the confirmed send and its own commit. A message that
 * the target does not take is tried again for ever and holds up those behind it: nothing is
 * dropped.
 *
 * <p>A transaction of that server that stays open after it has written holds up everything that is
 * appended after it began: watch {@link #backlog()}.
 *
 * <p>Thread-safe. Needs no closing.
 */
public final class PostgresOutbox {

  private static final Logger log = LoggerFactory.getLogger(PostgresOutbox.class);

  private static final int BATCH = 128;
  private static final Duration LEASE = Duration.ofSeconds(15);
  private static final Duration SHORTEST_PAUSE = Duration.ofMillis(50);
  private static final Duration LONGEST_PAUSE = Duration.ofSeconds(1);

  private static final String APPEND =
      """
      insert into {schema}.sl_outbox(outbox, headers, body) values($1, $2::jsonb, $3)
      """;

  /** Below that transaction all have ended, so nothing with a lower number can still appear. */
  private static final String READ =
      """
      select id, headers::text as headers, body from {schema}.sl_outbox
      where outbox = $1 and xid < pg_snapshot_xmin(pg_current_snapshot())
      order by id limit $2
      """;

  private static final String DELETE =
      """
      delete from {schema}.sl_outbox where outbox = $1 and id = any($2)
      """;

  private static final String BACKLOG =
      """
      select count(*) as waiting,
             coalesce((extract(epoch from clock_timestamp() - min(written_at)) * 1000)::bigint, 0)
               as oldest,
             coalesce((select (extract(epoch from clock_timestamp() - min(xact_start)) * 1000)::bigint
                       from pg_stat_activity
                       where backend_xid is not null or backend_xmin is not null), 0) as transaction
      from {schema}.sl_outbox where outbox = $1
      """;

  /**
   * What has not been sent yet.
   *
   * @param messages how many
   * @param oldest how long the oldest of them has been there; zero if there is none
   * @param oldestTransaction how long the oldest transaction of the server has been open, of those
   *     that this user may see: the relay sends nothing that was appended since
   */
  public record Backlog(long messages, Duration oldest, Duration oldestTransaction) {}

  private record Appended(long id, Message<byte[]> message) {}

  private final Db db;
  private final String name;
  private final PostgresLeaseStore leases;
  private final String append;
  private final String read;
  private final String delete;
  private final String backlog;

  private PostgresOutbox(PostgresDatabase database, String name) {
    this.db = database.db();
    this.name = name;
    this.leases = PostgresLeaseStore.create(database);
    this.append = database.sql(APPEND);
    this.read = database.sql(READ);
    this.delete = database.sql(DELETE);
    this.backlog = database.sql(BACKLOG);
  }

  /**
   * The outbox of this name.
   *
   * @param name 1..128 characters, not blank; several may share the tables
   * @throws IllegalArgumentException if the name is anything else
   */
  public static PostgresOutbox create(PostgresDatabase database, String name) {
    if (name.isBlank() || name.length() > 128 || name.indexOf('\0') >= 0) {
      throw new IllegalArgumentException(
          "name: '" + name + "' (expected: 1..128 characters, not blank)");
    }
    return new PostgresOutbox(Objects.requireNonNull(database, "database"), name);
  }

  /**
   * Writes a message in the transaction of the caller, who commits it.
   *
   * <dl>
   *   <dt>Emits
   *   <dd>nothing
   *   <dt>Backpressure
   *   <dd>not applicable
   *   <dt>Completes/Errors
   *   <dd>completes when it is written; fails with the driver's exception, and then the transaction
   *       has failed
   *   <dt>Cancel
   *   <dd>as the driver does; better let it end
   *   <dt>Discard
   *   <dd>nothing to discard
   *   <dt>Threads
   *   <dd>on the connection's thread
   * </dl>
   *
   * @param connection one to the same database, in a transaction; its user must be allowed to
   *     insert into {@code sl_outbox}
   */
  public Mono<Void> append(Connection connection, Message<byte[]> message) {
    Objects.requireNonNull(connection, "connection");
    Objects.requireNonNull(message, "message");
    return Mono.defer(
        () ->
            Db.count(
                    connection
                        .createStatement(append)
                        .bind("$1", name)
                        .bind("$2", HeaderJson.write(message))
                        .bind("$3", message.payload()))
                .then());
  }

  /**
   * Sends what was committed, until it is cancelled. Of all relays of an outbox, in all processes,
   * one works at a time; another takes over when that ends, at the latest 15 s after it died.
   *
   * <dl>
   *   <dt>Emits
   *   <dd>how many messages were sent, after each batch of at most 128
   *   <dt>Backpressure
   *   <dd>reads no batch before it is asked for
   *   <dt>Completes/Errors
   *   <dd>never: trouble with the target or the database is logged and tried again, within a second
   *   <dt>Cancel
   *   <dd>what is on its way may arrive and be sent again by the next relay; the lease is given
   *       back
   *   <dt>Discard
   *   <dd>nothing to discard
   *   <dt>Threads
   *   <dd>on {@code Schedulers.parallel()}
   * </dl>
   */
  public Flux<Integer> relay(Outbound<byte[]> target) {
    Objects.requireNonNull(target, "target");
    return Flux.defer(
        () ->
            Flux.usingWhen(
                    leases
                        .acquire("outbox " + name, UUID.randomUUID().toString(), LEASE)
                        // of a relay that was cancelled while it asked
                        .doOnDiscard(Lease.class, late -> leases.release(late).subscribe())
                        .map(Holding::new),
                    holding -> relay(target, holding),
                    holding -> leases.release(holding.lease))
                .repeatWhen(ends -> ends.delayElements(LONGEST_PAUSE))
                .retryWhen(
                    Retry.backoff(Long.MAX_VALUE, SHORTEST_PAUSE)
                        .maxBackoff(LONGEST_PAUSE)
                        .transientErrors(true)
                        .doBeforeRetry(
                            signal ->
                                log.warn(
                                    "outbox {}: nothing can be sent; trying again",
                                    name,
                                    signal.failure()))));
  }

  /** The lease of a relay, which is renewed before each batch. */
  private static final class Holding {
    volatile Lease lease;
    volatile long renewedAt = System.nanoTime();
    Duration pause = SHORTEST_PAUSE;

    Holding(Lease lease) {
      this.lease = lease;
    }
  }

  /** Batches, until the lease is lost or something fails. */
  private Flux<Integer> relay(Outbound<byte[]> target, Holding holding) {
    return Mono.defer(() -> renew(holding))
        .flatMap(held -> batch(target))
        .flatMap(
            sent -> {
              if (sent > 0) {
                holding.pause = SHORTEST_PAUSE;
                return Mono.just(sent);
              }
              Duration pause = holding.pause;
              holding.pause = shorter(LONGEST_PAUSE, pause.multipliedBy(2));
              return Mono.delay(jittered(pause), Schedulers.parallel()).thenReturn(0);
            })
        .repeat()
        .filter(sent -> sent > 0);
  }

  private Mono<Boolean> renew(Holding holding) {
    long now = System.nanoTime();
    if (now - holding.renewedAt < LEASE.toNanos() / 3) {
      return Mono.just(true);
    }
    return leases
        .renew(holding.lease, LEASE)
        .doOnNext(
            lease -> {
              holding.lease = lease;
              holding.renewedAt = now;
            })
        .hasElement()
        .flatMap(
            held ->
                held
                    ? Mono.just(true)
                    : Mono.error(new IllegalStateException("the lease of the relay was lost")));
  }

  /** What was confirmed is gone, whatever became of the rest. */
  private Mono<Integer> batch(Outbound<byte[]> target) {
    return db.run(
            "read the outbox",
            connection ->
                Db.few(
                        connection.createStatement(read).bind("$1", name).bind("$2", BATCH),
                        this::appended)
                    .collectList())
        .flatMap(batch -> batch.isEmpty() ? Mono.just(0) : send(target, batch));
  }

  private Mono<Integer> send(Outbound<byte[]> target, List<Appended> batch) {
    return target
        .sendAll(Flux.fromIterable(batch).map(Appended::message))
        .materialize()
        .collectList()
        .flatMap(
            signals -> {
              int sent = (int) signals.stream().filter(signal -> signal.isOnNext()).count();
              Throwable error = signals.get(signals.size() - 1).getThrowable();
              Long[] ids = batch.stream().limit(sent).map(Appended::id).toArray(Long[]::new);
              Mono<Integer> deleted = sent == 0 ? Mono.just(0) : delete(ids);
              return error == null ? deleted : deleted.then(Mono.error(error));
            });
  }

  private Mono<Integer> delete(Long[] ids) {
    return db.run(
            "empty the outbox",
            connection ->
                Db.count(connection.createStatement(delete).bind("$1", name).bind("$2", ids)))
        .thenReturn(ids.length);
  }

  /** Whether it can be written to in transactions of that database object. */
  boolean isOf(PostgresDatabase database) {
    return db == database.db();
  }

  /** What waits, and what holds it up. */
  public Mono<Backlog> backlog() {
    return db.run(
        "backlog of the outbox",
        connection ->
            Db.few(
                    connection.createStatement(backlog).bind("$1", name),
                    row ->
                        new Backlog(
                            number(row, "waiting"),
                            Duration.ofMillis(number(row, "oldest")),
                            Duration.ofMillis(number(row, "transaction"))))
                .single());
  }

  private Appended appended(Readable row) {
    long id = number(row, "id");
    byte[] body = Objects.requireNonNull(row.get("body", byte[].class));
    String headers = Objects.requireNonNull(row.get("headers", String.class));
    return new Appended(
        id,
        WireFormat.read(
            body,
            HeaderJson.read(headers),
            new WireFormat.Fallback() {
              @Override
              public String id() {
                return MessageIds.derived(name, Long.toString(id));
              }

              @Override
              public Instant time() {
                return Instant.now();
              }
            }));
  }

  private static long number(Readable row, String column) {
    return Objects.requireNonNull(row.get(column, Long.class));
  }

  private static Duration shorter(Duration one, Duration other) {
    return one.compareTo(other) <= 0 ? one : other;
  }

  private static Duration jittered(Duration pause) {
    long nanos = pause.toNanos();
    return Duration.ofNanos(nanos * 3 / 4 + ThreadLocalRandom.current().nextLong(nanos / 2));
  }
}

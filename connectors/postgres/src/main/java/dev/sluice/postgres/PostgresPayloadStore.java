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

import dev.sluice.store.ByteRange;
import dev.sluice.store.PayloadKey;
import dev.sluice.store.PayloadStore;
import dev.sluice.store.PutOptions;
import dev.sluice.store.StoreFailed;
import dev.sluice.store.StoredPayload;
import io.r2dbc.spi.Connection;
import io.r2dbc.spi.R2dbcDataIntegrityViolationException;
import io.r2dbc.spi.Readable;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Objects;
import java.util.UUID;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.util.retry.Retry;

/**
 * Payloads in tables, in chunks, where there is a database and no object store. Good for payloads
 * of some MiB, thousands of them; what is much more belongs into S3, because it is in the
 * write-ahead log, the backups and the vacuuming of the database too.
 *
 * <p>A payload of one chunk is one statement. A larger one is written chunk by chunk, without a
 * transaction that stays open, and is there from its last statement on. What was begun and not
 * finished, and chunks of what was deleted, are removed by {@link #abandonUnfinished}.
 *
 * <p>Memory: three chunks of {@value #CHUNK} bytes, and as much again in the driver, for each
 * payload that is being stored or read. A statement that was interrupted is repeated.
 *
 * <p>All stores of one schema share their payloads. Thread-safe.
 */
public final class PostgresPayloadStore implements PayloadStore {

  static final int CHUNK = 256 * 1024;

  /** What a statement removes at once: 16 MiB, so that it ends in time. */
  private static final int CHUNKS_AT_ONCE = 64;

  private static final int REMOVED_AT_ONCE = 100;

  // State 0: being written, 1: stored, 2: given up or deleted, but not yet removed.

  private static final String AT_ONCE =
      """
      with payload as (
        insert into {schema}.sl_payload(
          put, key, expires_at, state, chunk_size, size, content_type)
        values($1, $2, $3, 1, $4, $5, $6)
        on conflict(put) do update set key = excluded.key
        returning put)
      insert into {schema}.sl_payload_chunk(put, n, bytes) select put, 0, $7 from payload
      on conflict(put, n) do update set bytes = excluded.bytes
      """;

  /** A key that is taken is found out here, if not at the end. */
  private static final String BEGIN =
      """
      insert into {schema}.sl_payload(put, key, expires_at, state, chunk_size)
      select $1, $2, $3, 0, $4
      where not exists(select 1 from {schema}.sl_payload where key = $2 and state = 1)
      on conflict(put) do update set key = excluded.key
      """;

  /** Who gives the payload up waits for this, and nothing is written after that. */
  private static final String WRITE =
      """
      insert into {schema}.sl_payload_chunk(put, n, bytes)
      select put, $2, $3 from {schema}.sl_payload where put = $1 and state = 0 for share
      on conflict(put, n) do update set bytes = excluded.bytes
      """;

  private static final String FINISH =
      """
      update {schema}.sl_payload set state = 1, size = $2, content_type = $3
      where put = $1 and state in (0, 1)
      """;

  private static final String FIND =
      """
      select put, chunk_size, size, content_type from {schema}.sl_payload
      where key = $1 and state = 1
      """;

  private static final String READ =
      "select bytes from {schema}.sl_payload_chunk where put = $1 and n = $2";

  private static final String GIVE_UP =
      "update {schema}.sl_payload set state = 2 where put = $1 and state = 0";

  private static final String DELETE =
      """
      update {schema}.sl_payload set state = 2 where key = $1 and state = 1 returning put
      """;

  private static final String EXPIRED =
      """
      select key from {schema}.sl_payload where state = 1 and expires_at < $1
      order by expires_at, key limit $2
      """;

  private static final String ABANDON =
      "update {schema}.sl_payload set state = 2 where state = 0 and begun_at < $1";

  private static final String GONE =
      "select put from {schema}.sl_payload where state = 2 order by begun_at limit $1";

  private static final String REMOVE_CHUNKS =
      """
      delete from {schema}.sl_payload_chunk
      where put = $1 and n in (
        select n from {schema}.sl_payload_chunk where put = $1 order by n limit $2)
      """;

  private static final String REMOVE =
      "delete from {schema}.sl_payload where put = $1 and state = 2";

  /** Each statement may be repeated, also when it has happened; many connections may have died. */
  private static final Retry AGAIN =
      Retry.backoff(8, Duration.ofMillis(10))
          .maxBackoff(Duration.ofMillis(500))
          .filter(error -> error instanceof StoreFailed failed && failed.isTemporary())
          .onRetryExhaustedThrow((spec, signal) -> signal.failure());

  private final String name;
  private final Db db;
  private final String atOnce;
  private final String begin;
  private final String write;
  private final String finish;
  private final String find;
  private final String read;
  private final String giveUp;
  private final String delete;
  private final String expired;
  private final String abandon;
  private final String gone;
  private final String removeChunks;
  private final String remove;

  private PostgresPayloadStore(PostgresDatabase database, String name) {
    this.name = PayloadStore.requireName(name);
    this.db = database.db();
    this.atOnce = database.sql(AT_ONCE);
    this.begin = database.sql(BEGIN);
    this.write = database.sql(WRITE);
    this.finish = database.sql(FINISH);
    this.find = database.sql(FIND);
    this.read = database.sql(READ);
    this.giveUp = database.sql(GIVE_UP);
    this.delete = database.sql(DELETE);
    this.expired = database.sql(EXPIRED);
    this.abandon = database.sql(ABANDON);
    this.gone = database.sql(GONE);
    this.removeChunks = database.sql(REMOVE_CHUNKS);
    this.remove = database.sql(REMOVE);
  }

  /**
   * The payloads of a database.
   *
   * @param name what the store is called in claims
   * @throws IllegalArgumentException if the name is out of range
   */
  public static PostgresPayloadStore create(PostgresDatabase database, String name) {
    return new PostgresPayloadStore(Objects.requireNonNull(database, "database"), name);
  }

  @Override
  public String name() {
    return name;
  }

  // == writing ==

  @Override
  public Mono<StoredPayload> put(PayloadKey key, Publisher<ByteBuffer> body, PutOptions options) {
    Objects.requireNonNull(key, "key");
    Objects.requireNonNull(body, "body");
    Objects.requireNonNull(options, "options");
    return PayloadWriting.put(this, key, body, options);
  }

  Mono<Void> putAtOnce(UUID put, PayloadKey key, byte[] bytes, String contentType) {
    return run(
            "store " + key,
            connection ->
                Db.count(
                    connection
                        .createStatement(atOnce)
                        .bind("$1", put)
                        .bind("$2", key.toString())
                        .bind("$3", key.expiresAt().atOffset(ZoneOffset.UTC))
                        .bind("$4", CHUNK)
                        .bind("$5", (long) bytes.length)
                        .bind("$6", contentType)
                        .bind("$7", bytes)))
        .onErrorMap(PostgresPayloadStore::isTaken, error -> taken(key, error))
        .then();
  }

  Mono<Void> begin(UUID put, PayloadKey key) {
    return run(
            "begin to store " + key,
            connection ->
                Db.count(
                    connection
                        .createStatement(begin)
                        .bind("$1", put)
                        .bind("$2", key.toString())
                        .bind("$3", key.expiresAt().atOffset(ZoneOffset.UTC))
                        .bind("$4", CHUNK)))
        .flatMap(rows -> rows == 1 ? Mono.<Void>empty() : Mono.error(taken(key, null)));
  }

  Mono<Void> write(UUID put, PayloadKey key, int n, byte[] bytes) {
    return run(
            "store chunk " + n + " of " + key,
            connection ->
                Db.count(
                    connection
                        .createStatement(write)
                        .bind("$1", put)
                        .bind("$2", n)
                        .bind("$3", bytes)))
        .flatMap(rows -> rows == 1 ? Mono.<Void>empty() : Mono.error(abandoned(key)));
  }

  Mono<Void> finish(UUID put, PayloadKey key, long size, String contentType) {
    return run(
            "finish " + key,
            connection ->
                Db.count(
                    connection
                        .createStatement(finish)
                        .bind("$1", put)
                        .bind("$2", size)
                        .bind("$3", contentType)))
        .onErrorMap(PostgresPayloadStore::isTaken, error -> taken(key, error))
        .flatMap(rows -> rows == 1 ? Mono.<Void>empty() : Mono.error(abandoned(key)));
  }

  /** Without effect on what is stored. */
  Mono<Void> giveUp(UUID put) {
    return run(
            "give up a payload",
            connection -> Db.count(connection.createStatement(giveUp).bind("$1", put)))
        .flatMap(rows -> remove(put));
  }

  private static boolean isTaken(Throwable error) {
    return error.getCause() instanceof R2dbcDataIntegrityViolationException;
  }

  private StoreFailed taken(PayloadKey key, @Nullable Throwable cause) {
    return StoreFailed.permanent(name, "the key " + key + " is taken", cause);
  }

  private StoreFailed abandoned(PayloadKey key) {
    return StoreFailed.temporary(name, key + " was given up as unfinished", null);
  }

  // == reading ==

  @Override
  public Flux<ByteBuffer> get(PayloadKey key, ByteRange range) {
    Objects.requireNonNull(key, "key");
    Objects.requireNonNull(range, "range");
    return PayloadReading.get(this, key, range);
  }

  /** A payload that is stored. */
  record Found(UUID put, int chunkSize, long size, String contentType) {

    static Found of(Readable row) {
      return new Found(
          Objects.requireNonNull(row.get("put", UUID.class)),
          Objects.requireNonNull(row.get("chunk_size", Integer.class)),
          Objects.requireNonNull(row.get("size", Long.class)),
          Objects.requireNonNull(row.get("content_type", String.class)));
    }
  }

  Mono<Found> find(PayloadKey key) {
    return run(
        "look for " + key,
        connection ->
            Db.rows(connection.createStatement(find).bind("$1", key.toString()), Found::of)
                .singleOrEmpty());
  }

  /** A chunk, or empty if it is not there any more. */
  Mono<byte[]> read(UUID put, int n) {
    return run(
        "read chunk " + n,
        connection ->
            Db.rows(
                    connection.createStatement(read).bind("$1", put).bind("$2", n),
                    row -> Objects.requireNonNull(row.get(0, byte[].class)))
                .singleOrEmpty());
  }

  @Override
  public Mono<StoredPayload> stat(PayloadKey key) {
    Objects.requireNonNull(key, "key");
    return find(key).map(found -> new StoredPayload(key, found.size(), found.contentType()));
  }

  // == removing ==

  @Override
  public Mono<Void> delete(PayloadKey key) {
    Objects.requireNonNull(key, "key");
    return run(
            "delete " + key,
            connection ->
                Db.rows(
                        connection.createStatement(delete).bind("$1", key.toString()),
                        row -> Objects.requireNonNull(row.get(0, UUID.class)))
                    .singleOrEmpty())
        .flatMap(this::remove);
  }

  @Override
  public Flux<PayloadKey> expired(Instant before, int limit) {
    Objects.requireNonNull(before, "before");
    if (limit < 1) {
      throw new IllegalArgumentException("limit: " + limit + " (expected: >= 1)");
    }
    return run(
            "list what has expired",
            connection ->
                Db.rows(
                        connection
                            .createStatement(expired)
                            .bind("$1", before.atOffset(ZoneOffset.UTC))
                            .bind("$2", limit),
                        row -> PayloadKey.parse(Objects.requireNonNull(row.get(0, String.class))))
                    .collectList())
        .flatMapIterable(keys -> keys);
  }

  /** Also removes what is left of deleted payloads; those are not counted. */
  @Override
  public Mono<Long> abandonUnfinished(Instant before) {
    Objects.requireNonNull(before, "before");
    return run(
            "give up what is unfinished",
            connection ->
                Db.count(
                    connection
                        .createStatement(abandon)
                        .bind("$1", before.atOffset(ZoneOffset.UTC))))
        .flatMap(count -> removeAll().thenReturn(count));
  }

  private Mono<Void> removeAll() {
    return Mono.defer(this::gone)
        .flatMap(
            puts -> Flux.fromIterable(puts).concatMap(this::remove).then(Mono.just(puts.size())))
        .repeat()
        .takeUntil(found -> found < REMOVED_AT_ONCE)
        .then();
  }

  private Mono<List<UUID>> gone() {
    return run(
        "list what was given up",
        connection ->
            Db.rows(
                    connection.createStatement(gone).bind("$1", REMOVED_AT_ONCE),
                    row -> Objects.requireNonNull(row.get(0, UUID.class)))
                .collectList());
  }

  /** The chunks first: as long as the row is there, somebody knows that they are. */
  private Mono<Void> remove(UUID put) {
    return Mono.defer(() -> removeChunks(put))
        .repeat()
        .takeUntil(removed -> removed < CHUNKS_AT_ONCE)
        .then(
            run(
                "remove a payload",
                connection -> Db.count(connection.createStatement(remove).bind("$1", put))))
        .then();
  }

  private Mono<Long> removeChunks(UUID put) {
    return run(
        "remove chunks",
        connection ->
            Db.count(
                connection
                    .createStatement(removeChunks)
                    .bind("$1", put)
                    .bind("$2", CHUNKS_AT_ONCE)));
  }

  private <R> Mono<R> run(String what, Function<Connection, Mono<R>> work) {
    return db.run(what, work).retryWhen(AGAIN);
  }

  @Override
  public String toString() {
    return "PostgresPayloadStore[" + name + ']';
  }
}

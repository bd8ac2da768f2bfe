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

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.contract.PayloadStoreContract;
import dev.sluice.store.ByteRange;
import dev.sluice.store.PayloadKey;
import dev.sluice.store.PayloadMissing;
import dev.sluice.store.PayloadStore;
import dev.sluice.store.PutOptions;
import dev.sluice.store.StoreFailed;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.test.StepVerifier;

class PostgresPayloadStoreTest extends PayloadStoreContract {

  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final int CHUNK = PostgresPayloadStore.CHUNK;

  private static PostgresDatabase database;

  private final PostgresPayloadStore store = PostgresPayloadStore.create(database, "tables");

  @BeforeAll
  static void connect() {
    database = Server.connect(p -> p.schema(Server.freshSchema()));
  }

  @AfterAll
  static void close() {
    database.close().block(Duration.ofSeconds(30));
  }

  @Override
  protected PayloadStore store() {
    return store;
  }

  @Override
  protected int partSize() {
    return CHUNK;
  }

  @Override
  protected boolean holdsUnfinished(PayloadKey key) {
    return rows("sl_payload where key = '" + key + "' and state <> 1") > 0
        || rows("sl_payload_chunk where put not in (select put from {schema}.sl_payload)") > 0;
  }

  private static long rows(String of) {
    return Objects.requireNonNull(
        database
            .db()
            .run(
                "count",
                connection ->
                    Db.rows(
                            connection.createStatement(
                                database.sql("select count(*) from {schema}." + of)),
                            row -> Objects.requireNonNull(row.get(0, Long.class)))
                        .single())
            .block(PATIENCE));
  }

  private static long rowsChanged(String how) {
    return Objects.requireNonNull(
        database
            .db()
            .run(
                "change",
                connection ->
                    Db.count(
                        connection.createStatement(
                            database.sql("update {schema}.sl_payload " + how))))
            .block(PATIENCE));
  }

  @Test
  void removesWhatAKilledProcessHasLeft() {
    PayloadKey key = key();
    UUID put = UUID.randomUUID();
    store.begin(put, key).block(PATIENCE);
    for (int n = 0; n < 70; n++) { // more than one statement removes
      store.write(put, key, n, new byte[10]).block(PATIENCE);
    }
    StepVerifier.create(store.abandonUnfinished(Instant.now().minus(Duration.ofHours(1))))
        .expectNext(0L)
        .expectComplete()
        .verify(PATIENCE);
    assertThat(holdsUnfinished(key)).isTrue(); // somebody may be at it
    StepVerifier.create(store.abandonUnfinished(Instant.now().plusSeconds(60)))
        .expectNext(1L)
        .expectComplete()
        .verify(PATIENCE);
    assertThat(holdsUnfinished(key)).isFalse();
    assertThat(rows("sl_payload_chunk where put = '" + put + "'")).isZero();
  }

  /** The process was not killed, only slow: it must not leave half of a payload, or end it. */
  @Test
  void whatWasGivenUpCannotBeWrittenOnOrFinished() {
    PayloadKey key = key();
    UUID put = UUID.randomUUID();
    store.begin(put, key).block(PATIENCE);
    store.write(put, key, 0, new byte[10]).block(PATIENCE);
    assertThat(rowsChanged("set state = 2 where put = '" + put + "'")).isOne(); // not yet removed
    for (Mono<Void> late :
        List.of(store.write(put, key, 1, new byte[10]), store.finish(put, key, 20, "x"))) {
      StepVerifier.create(late)
          .expectErrorSatisfies(
              error ->
                  assertThat(error)
                      .isInstanceOfSatisfying(
                          StoreFailed.class, failed -> assertThat(failed.isTemporary()).isTrue()))
          .verify(PATIENCE);
    }
    assertThat(rows("sl_payload_chunk where put = '" + put + "'")).isOne();
    store.abandonUnfinished(Instant.now().plusSeconds(60)).block(PATIENCE);
    assertThat(rows("sl_payload_chunk where put = '" + put + "'")).isZero();
    assertThat(rows("sl_payload where key = '" + key + "'")).isZero();
  }

  /** An answer that was lost: every statement may be repeated when it has happened. */
  @Test
  void statementsMayBeRepeated() {
    PayloadKey key = key();
    UUID put = UUID.randomUUID();
    store.begin(put, key).then(store.begin(put, key)).block(PATIENCE);
    byte[] bytes = {1, 2, 3};
    store.write(put, key, 0, bytes).then(store.write(put, key, 0, bytes)).block(PATIENCE);
    store.finish(put, key, 3, "x").then(store.finish(put, key, 3, "x")).block(PATIENCE);
    assertThat(read(key)).isEqualTo(bytes);
    UUID other = UUID.randomUUID();
    PayloadKey small = key();
    store
        .putAtOnce(other, small, bytes, "x")
        .then(store.putAtOnce(other, small, bytes, "x"))
        .block(PATIENCE);
    assertThat(read(small)).isEqualTo(bytes);
  }

  @Test
  void aReaderOfWhatIsDeletedIsToldSo() {
    PayloadKey key = key();
    byte[] content = new byte[4 * CHUNK];
    store.put(key, Mono.just(ByteBuffer.wrap(content)), PutOptions.defaults()).block(PATIENCE);
    StepVerifier.create(store.get(key, ByteRange.all()), 1)
        .expectNextCount(1)
        .then(() -> store.delete(key).block(PATIENCE))
        .thenRequest(Long.MAX_VALUE)
        .thenConsumeWhile(buffer -> true)
        .expectError(PayloadMissing.class)
        .verify(PATIENCE);
    assertThat(rows("sl_payload where key = '" + key + "'")).isZero();
  }

  /** Its connections die again and again, before and after what they were to do. */
  @Test
  void brokenConnectionsCostNothing() {
    PostgresDatabase outside = Server.connect(p -> p.connections(1));
    PayloadKey key = key();
    byte[] content = new byte[24 * CHUNK + 5];
    new Random(3).nextBytes(content);
    AtomicInteger subscriptions = new AtomicInteger();
    Flux<ByteBuffer> body =
        Flux.range(0, content.length / CHUNK + 1)
            .map(
                i ->
                    ByteBuffer.wrap(
                        content, i * CHUNK, Math.min(CHUNK, content.length - i * CHUNK)))
            .concatMap(chunk -> blow(outside).thenReturn(chunk), 1)
            .doOnSubscribe(s -> subscriptions.incrementAndGet());
    store.put(key, body, PutOptions.defaults()).block(PATIENCE);
    assertThat(subscriptions).hasValue(1);
    byte[] read =
        join(store.get(key, ByteRange.all()).concatMap(b -> blow(outside).thenReturn(b), 1));
    assertThat(read).isEqualTo(content);
    outside.close().block(PATIENCE);
  }

  private static Mono<Long> blow(PostgresDatabase outside) {
    return outside
        .db()
        .run(
            "test",
            connection ->
                Db.count(
                    connection.createStatement(
                        "select pg_terminate_backend(pid) from pg_stat_activity"
                            + " where application_name = 'sluice' and pid <> pg_backend_pid()"
                            + " and random() < 0.3")));
  }

  private byte[] read(PayloadKey key) {
    return join(store.get(key, ByteRange.all()));
  }

  private static byte[] join(Flux<ByteBuffer> buffers) {
    return Objects.requireNonNull(
            buffers
                .collect(
                    ByteArrayOutputStream::new,
                    (out, buffer) -> {
                      byte[] bytes = new byte[buffer.remaining()];
                      buffer.get(bytes);
                      out.writeBytes(bytes);
                    })
                .block(PATIENCE))
        .toByteArray();
  }

  private static PayloadKey key() {
    return PayloadKey.next(Instant.now().plus(Duration.ofDays(1)));
  }
}

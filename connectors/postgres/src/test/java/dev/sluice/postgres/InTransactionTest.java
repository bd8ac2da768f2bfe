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

import dev.sluice.channel.ReceiveOptions;
import dev.sluice.delivery.Delivery;
import dev.sluice.delivery.Outcome;
import dev.sluice.delivery.StaleDelivery;
import dev.sluice.message.Message;
import io.r2dbc.spi.Connection;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.NullSource;
import org.junit.jupiter.params.provider.ValueSource;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.test.StepVerifier;

class InTransactionTest {

  private static final Duration PATIENCE = Duration.ofSeconds(60);

  private final PostgresDatabase database =
      Server.connect(p -> p.schema(Server.freshSchema()).connections(8));
  private final PostgresChannel channel = PostgresChannel.create(database, "orders");
  private final Queue<Delivery<byte[]>> taken = new ConcurrentLinkedQueue<>();
  private Disposable consumer = () -> {};

  @BeforeEach
  void createTable() {
    database
        .db()
        .run("test", c -> execute(c, "create table {schema}.booking(body text)"))
        .block(PATIENCE);
  }

  @AfterEach
  void close() {
    taken.forEach(
        delivery -> delivery.settlement().settle(Outcome.release(Outcome.Release.Why.BUSY)));
    consumer.dispose();
    PostgresChannelTest.await("the consumers to end", () -> channel.gauges().consumers() == 0);
    PostgresChannelTest.await("no connection", () -> database.connections().inUse() == 0);
    database.close().block(PATIENCE);
  }

  @ParameterizedTest
  @NullSource
  @ValueSource(strings = "x")
  void consumesTheMessageWithTheWrites(String group) {
    Delivery<byte[]> delivery = deliver("a", group, ReceiveOptions.defaults());
    StepVerifier.create(channel.inTransaction(delivery, connection -> book(connection, delivery)))
        .expectNext(1L)
        .expectComplete()
        .verify(PATIENCE);
    assertThat(delivery.settlement().outcome()).isEqualTo(Outcome.ack());
    delivery.settlement().durable().block(PATIENCE);
    assertThat(count("select count(*) from {schema}.booking")).isOne();
    assertThat(channel.depth().block(PATIENCE)).isZero();
  }

  @ParameterizedTest
  @NullSource
  @ValueSource(strings = "x")
  void undoesTheWritesOfWorkThatFailsAndLeavesTheDeliveryToBeSettled(String group) {
    Delivery<byte[]> delivery = deliver("a", group, ReceiveOptions.defaults());
    IllegalStateException no = new IllegalStateException("no");
    StepVerifier.create(
            channel.inTransaction(
                delivery, connection -> book(connection, delivery).then(Mono.error(no))))
        .expectErrorSatisfies(error -> assertThat(error).isSameAs(no))
        .verify(PATIENCE);
    assertThat(count("select count(*) from {schema}.booking")).isZero();
    assertThat(delivery.settlement().isSettled()).isFalse();
    delivery.settlement().settle(Outcome.retry(Duration.ZERO, no));
    PostgresChannelTest.await("it to come again", () -> taken.size() == 2);
    taken.remove();
    assertThat(taken.peek().origin().attempt()).isEqualTo(2);
  }

  @Test
  void undoesEverythingWhenOneOfManyStatementsFails() {
    Delivery<byte[]> delivery = deliver("a", null, ReceiveOptions.defaults());
    StepVerifier.create(
            channel.inTransaction(
                delivery,
                connection ->
                    book(connection, delivery)
                        .then(execute(connection, "insert into {schema}.nowhere values(1)"))))
        .expectError()
        .verify(PATIENCE);
    assertThat(count("select count(*) from {schema}.booking")).isZero();
  }

  @ParameterizedTest
  @NullSource
  @ValueSource(strings = "x")
  void refusesWhoHasLostTheMessage(String group) {
    PostgresChannel other = PostgresChannel.create(database, "orders");
    Delivery<byte[]> delivery = deliver("a", group, ReceiveOptions.defaults());
    database
        .db()
        .run(
            "test",
            c ->
                execute(c, "update {schema}.sl_message set claim = nextval('{schema}.sl_claim')")
                    .then(
                        execute(
                            c, "update {schema}.sl_lane set claim = nextval('{schema}.sl_claim')")))
        .block(PATIENCE);
    AtomicInteger works = new AtomicInteger();
    StepVerifier.create(
            channel.inTransaction(
                delivery, connection -> Mono.fromSupplier(works::incrementAndGet)))
        .expectError(StaleDelivery.class)
        .verify(PATIENCE);
    StepVerifier.create(
            other.inTransaction(delivery, connection -> Mono.just(works.incrementAndGet())))
        .expectError(StaleDelivery.class)
        .verify(PATIENCE);
    assertThat(works).hasValue(0);
  }

  @Test
  void refusesWhatHasBeenDecided() {
    Delivery<byte[]> delivery = deliver("a", null, ReceiveOptions.defaults());
    delivery.settlement().settle(Outcome.ack());
    StepVerifier.create(channel.inTransaction(delivery, connection -> Mono.just(1)))
        .expectErrorMatches(e -> e instanceof IllegalStateException || e instanceof StaleDelivery)
        .verify(PATIENCE);
  }

  @ParameterizedTest
  @NullSource
  @ValueSource(strings = "x")
  void keepsTheMessageForLongerThanItsLease(String group) {
    ReceiveOptions shortly = ReceiveOptions.defaults().lease(Duration.ofSeconds(2));
    Delivery<byte[]> delivery = deliver("a", group, shortly);
    StepVerifier.create(
            channel.inTransaction(
                delivery,
                connection ->
                    execute(connection, "select from pg_sleep(3)")
                        .then(book(connection, delivery))))
        .expectNext(1L)
        .expectComplete()
        .verify(PATIENCE);
    assertThat(taken).hasSize(1);
    delivery.settlement().durable().block(PATIENCE);
  }

  @Test
  void letsACancelledConsumerFinishIt() {
    Delivery<byte[]> delivery = deliver("a", "x", ReceiveOptions.defaults());
    Sinks.Empty<Void> gate = Sinks.empty();
    AtomicInteger inside = new AtomicInteger();
    Mono<Long> both =
        channel.inTransaction(
            delivery,
            connection ->
                book(connection, delivery)
                    .doOnNext(n -> inside.incrementAndGet())
                    .delayUntil(n -> gate.asMono()));
    Disposable waiting = both.subscribe();
    PostgresChannelTest.await("the work", () -> inside.get() == 1);
    consumer.dispose();
    waiting.dispose();
    gate.tryEmitEmpty();
    PostgresChannelTest.await("the end", () -> channel.gauges().consumers() == 0);
    assertThat(count("select count(*) from {schema}.booking")).isOne();
    assertThat(channel.depth().block(PATIENCE)).isZero();
  }

  /** Half of the attempts fail, and the writes of each message are there once. */
  @Test
  void makesTheEffectOfEachMessageHappenOnce() {
    int n = 400;
    Random random = new Random(7);
    Flux.range(0, n)
        .map(
            i ->
                Message.of(("" + i).getBytes(StandardCharsets.UTF_8))
                    .withGroup(i % 2 == 0 ? null : "g" + i % 20))
        .transform(channel::sendAll)
        .blockLast(PATIENCE);
    consumer =
        channel
            .receive(ReceiveOptions.defaults().maxUnsettled(32))
            .flatMap(
                delivery ->
                    channel
                        .inTransaction(
                            delivery,
                            connection ->
                                book(connection, delivery)
                                    .flatMap(
                                        rows ->
                                            random.nextBoolean()
                                                ? Mono.just(rows)
                                                : Mono.error(new IllegalStateException("no"))))
                        .onErrorResume(
                            error -> {
                              delivery.settlement().settle(Outcome.retry(Duration.ZERO, error));
                              return Mono.empty();
                            }),
                16)
            .subscribe();
    PostgresChannelTest.await(
        "all bookings", () -> count("select count(*) from {schema}.booking") >= n);
    PostgresChannelTest.await("nothing to be left", () -> channel.gauges().held() == 0);
    assertThat(count("select count(distinct body) from {schema}.booking")).isEqualTo(n);
    assertThat(count("select count(*) from {schema}.booking")).isEqualTo(n);
    assertThat(channel.depth().block(PATIENCE)).isZero();
  }

  private Delivery<byte[]> deliver(String body, String group, ReceiveOptions options) {
    channel
        .send(Message.of(body.getBytes(StandardCharsets.UTF_8)).withGroup(group))
        .block(PATIENCE);
    consumer = channel.receive(options).subscribe(taken::add);
    PostgresChannelTest.await("the delivery", () -> !taken.isEmpty());
    return taken.peek();
  }

  private Mono<Long> book(Connection connection, Delivery<byte[]> delivery) {
    String body = new String(delivery.message().payload(), StandardCharsets.UTF_8);
    return Db.count(
        connection
            .createStatement(database.sql("insert into {schema}.booking values($1)"))
            .bind("$1", body));
  }

  private Mono<Long> execute(Connection connection, String sql) {
    return Db.count(connection.createStatement(database.sql(sql)));
  }

  private long count(String sql) {
    return database
        .db()
        .run(
            "test",
            connection ->
                Db.rows(
                        connection.createStatement(database.sql(sql)),
                        row -> row.get(0, Long.class))
                    .single())
        .blockOptional(PATIENCE)
        .orElseThrow();
  }
}

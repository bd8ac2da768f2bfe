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

import static dev.sluice.claim.ClaimCheck.redeemer;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.channel.FlowHandle;
import dev.sluice.channel.Outbound;
import dev.sluice.channel.ReceiveOptions;
import dev.sluice.choreography.Choreography;
import dev.sluice.choreography.EventType;
import dev.sluice.choreography.Participant;
import dev.sluice.claim.Keyring;
import dev.sluice.claim.PayloadSweeper;
import dev.sluice.codec.StringCodec;
import dev.sluice.delivery.Outcome;
import dev.sluice.flow.Flow;
import dev.sluice.message.Message;
import io.r2dbc.spi.Connection;
import io.r2dbc.spi.ConnectionFactories;
import io.r2dbc.spi.ConnectionFactory;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** The code of docs/connectors/postgres.md. */
class PostgresPageTest {

  private static final Duration PATIENCE = Duration.ofSeconds(60);

  private final PostgresDatabase database = Server.connect(p -> p.schema(Server.freshSchema()));
  private final PostgresChannel orders = PostgresChannel.create(database, "orders");
  private final Message<byte[]> message = Message.of("a".getBytes(StandardCharsets.UTF_8));

  @AfterEach
  void close() {
    PostgresChannelTest.await("the consumers to end", () -> orders.gauges().consumers() == 0);
    database.close().block(PATIENCE);
  }

  @Test
  void aFlow() {
    String url = Server.postgres().r2dbcUrl();
    // #region flow
    Mono<FlowHandle> charging =
        PostgresDatabase.connect(url, p -> p.connections(16))
            .map(
                database ->
                    Flow.from(PostgresChannel.create(database, "orders"))
                        .decode(StringCodec.utf8())
                        .groupedConvoy(Message::group, order -> charge(order))
                        .deadLetter(PostgresChannel.create(database, "orders.dead"))
                        .to(
                            Outbound.encoding(
                                StringCodec.utf8(), PostgresChannel.create(database, "receipts")))
                        .start());
    // #endregion
    FlowHandle handle = charging.blockOptional(PATIENCE).orElseThrow();
    PostgresDatabase same =
        PostgresDatabase.connect(url, p -> p).blockOptional(PATIENCE).orElseThrow();
    PostgresChannel receipts = PostgresChannel.create(same, "receipts");
    PostgresChannel.create(same, "orders").send(message).block(PATIENCE);
    Message<byte[]> receipt =
        receipts
            .receive(ReceiveOptions.defaults())
            .doOnNext(delivery -> delivery.settlement().settle(Outcome.ack()))
            .blockFirst(PATIENCE)
            .message();
    assertThat(receipt.payload()).asString().isEqualTo("receipt of a");
    handle.stop(PATIENCE).block(PATIENCE);
    same.close().block(PATIENCE);
  }

  private Mono<String> charge(String order) {
    return Mono.just("receipt of " + order);
  }

  @Test
  void aTopic() {
    // #region topic
    PostgresTopic flights = PostgresTopic.create(database, "flights");

    Mono<FlowHandle> screens =
        flights
            .subscribe(
                "screens", s -> s.types("flight.*.delayed").where("$.carrier ? (@ == \"B6\")"))
            .map(
                subscription ->
                    Flow.from(subscription)
                        .decode(StringCodec.utf8())
                        .groupedConvoy(Message::group, event -> charge(event))
                        .deadLetter(PostgresChannel.create(database, "screens.dead"))
                        .start());
    // #endregion
    FlowHandle handle = screens.blockOptional(PATIENCE).orElseThrow();
    flights.send(message.withType("flight.12.delayed").withHeader("carrier", "B6")).block(PATIENCE);
    PostgresChannelTest.await("the event", () -> handle.stats().acknowledged() == 1);
    handle.stop(PATIENCE).block(PATIENCE);
  }

  @Test
  void aTransaction() {
    orders.send(message).block(PATIENCE);
    // #region transaction
    Flux<Long> booked =
        orders
            .receive(ReceiveOptions.defaults())
            .flatMap(
                delivery ->
                    orders
                        .inTransaction(delivery, connection -> book(connection, delivery.message()))
                        .onErrorResume(
                            error -> {
                              Outcome again = Outcome.retry(Duration.ofSeconds(1), error);
                              delivery.settlement().settle(again);
                              return Mono.empty();
                            }));
    // #endregion
    assertThat(booked.blockFirst(PATIENCE)).isOne();
    PostgresChannelTest.await("nothing to be left", () -> orders.depth().block(PATIENCE) == 0);
  }

  private Mono<Long> book(Connection connection, Message<byte[]> order) {
    return Mono.from(
            connection.createStatement("create temporary table booking(id text)").execute())
        .flatMap(result -> Mono.from(result.getRowsUpdated()))
        .then(insertBooking(connection));
  }

  @Test
  void anOutbox() {
    ConnectionFactory connections = ConnectionFactories.get(Server.postgres().r2dbcUrl());
    Queue<String> sent = new ConcurrentLinkedQueue<>();
    PostgresChannel events = PostgresChannel.create(database, "events");
    // #region outbox
    PostgresOutbox outbox = PostgresOutbox.create(database, "bookings");
    Disposable relay = outbox.relay(events).subscribe();
    Mono<Void> booked =
        Mono.usingWhen(
            connections.create(),
            connection ->
                Mono.from(connection.beginTransaction())
                    .then(insertBooking(connection))
                    .then(outbox.append(connection, message))
                    .then(Mono.from(connection.commitTransaction())),
            Connection::close);
    // #endregion
    booked.block(PATIENCE);
    Disposable consumer =
        events
            .receive(ReceiveOptions.defaults())
            .subscribe(
                delivery -> {
                  sent.add(delivery.message().id());
                  delivery.settlement().settle(Outcome.ack());
                });
    PostgresChannelTest.await("the event", () -> sent.contains(message.id()));
    relay.dispose();
    consumer.dispose();
    PostgresChannelTest.await("the consumers to end", () -> events.gauges().consumers() == 0);
  }

  // #region handler
  private Mono<String> unload(String flight) {
    return PostgresExchange.connection()
        .flatMap(connection -> insertBooking(connection))
        .thenReturn(flight);
  }

  // #endregion

  @Test
  void aChoreography() {
    StringCodec text = StringCodec.utf8();
    EventType<String> landed = EventType.of("flight.landed", text);
    EventType<String> unloaded = EventType.of("bags.unloaded", text);
    Participant unloading =
        Participant.named("unloading")
            .on(landed, flight -> unload(flight).map(unloaded::of), r -> r.emits(unloaded));
    Choreography arrival =
        Choreography.of("arrival", c -> c.begins(landed).participants(unloading).ends(unloaded));
    PostgresTopic events = PostgresTopic.create(database, "events");
    PostgresChannel others = events.subscribe("others", s -> s).block(PATIENCE);
    // #region exchange
    PostgresChannel queue =
        events
            .subscribe("unloading", s -> s.types(unloading.consumes().toArray(String[]::new)))
            .block();
    PostgresOutbox outbox = PostgresOutbox.create(database, "arrival");
    Disposable relay = outbox.relay(events).subscribe();
    FlowHandle running =
        arrival
            .participate("unloading", Flow.from(queue), PostgresExchange.create(queue, outbox))
            .start();
    // #endregion
    events.send(landed.of("BA12").message()).block(PATIENCE);
    PostgresChannelTest.await("the event", () -> others.depth().block(PATIENCE) == 2);
    relay.dispose();
    running.stop(PATIENCE).block(PATIENCE);
  }

  @Test
  void payloads() {
    Keyring keys = Keyring.of("k1", new byte[32]);
    byte[] large = new byte[1_000_000];
    // #region payloads
    PostgresPayloadStore scans = PostgresPayloadStore.create(database, "scans");
    Flow<byte[]> sending =
        Flow.from(orders).claimCheck(scans, keys, c -> c.ttl(Duration.ofDays(30)));
    Flux<PayloadSweeper.Swept> sweeping =
        PayloadSweeper.of(scans).grace(Duration.ofHours(1)).every(Duration.ofMinutes(10));
    // #endregion
    PostgresChannel receipts = PostgresChannel.create(database, "receipts");
    FlowHandle handle = sending.to(receipts).start();
    orders.send(message.withPayload(large)).block(PATIENCE);
    Message<byte[]> redeemed =
        receipts
            .receive(ReceiveOptions.defaults())
            .doOnNext(delivery -> delivery.settlement().settle(Outcome.ack()))
            .next()
            .flatMap(delivery -> redeemer(scans, keys, r -> r).redeem(delivery.message()))
            .blockOptional(PATIENCE)
            .orElseThrow();
    assertThat(redeemed.payload()).isEqualTo(large);
    assertThat(sweeping.blockFirst(PATIENCE)).isEqualTo(new PayloadSweeper.Swept(0, 0, 0));
    handle.stop(PATIENCE).block(PATIENCE);
    PostgresChannelTest.await("the consumers to end", () -> receipts.gauges().consumers() == 0);
  }

  private static Mono<Long> insertBooking(Connection connection) {
    return Mono.from(connection.createStatement("select 1").execute())
        .flatMap(result -> Mono.from(result.map(row -> 1L)));
  }
}

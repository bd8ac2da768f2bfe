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

import dev.sluice.Experimental;
import dev.sluice.channel.EventExchange;
import dev.sluice.delivery.Delivery;
import dev.sluice.delivery.Outcome;
import dev.sluice.delivery.SettlementCore;
import dev.sluice.message.Message;
import dev.sluice.store.IdempotencyKey;
import dev.sluice.time.Times;
import io.r2dbc.spi.Connection;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * Deals with an event in one transaction: what a handler writes, that the event was dealt with, the
 * events that follow, and the consumption of the event are committed together, or none of it is. So
 * the effect in this database happens exactly once, whatever is killed when.
 *
 * <pre>{@code
 * PostgresOutbox outbox = PostgresOutbox.create(database, "events");
 * Disposable relay = outbox.relay(topic).subscribe(); // in every process
 * arrival.participate("unloading", Flow.from(queue), PostgresExchange.create(queue, outbox)).start();
 *
 * Mono<Event<String>> unload(String flight) { // the handler
 *   return PostgresExchange.connection().flatMap(c -> insert(c, flight)).thenReturn(UNLOADED.of(flight));
 * }
 * }</pre>
 *
 * <p>The events are sent by the relay of the outbox, after the commit. After a business failure the
 * transaction goes back to where it stood before the handler, and commits what follows from the
 * failure.
 *
 * <p>A handler holds a connection and the row of its event while it runs, so it should not wait for
 * others; it ends within {@link PostgresSpec#transactionTimeout}, and is called again after a
 * deadlock.
 *
 * <p>Thread-safe. Needs no closing.
 */
@Experimental
public final class PostgresExchange implements EventExchange {

  private static final String CONNECTION = PostgresExchange.class.getName() + ".connection";
  private static final String BEFORE = "sl_before_reaction";

  private final PostgresChannel channel;
  private final PostgresOutbox outbox;
  private final PostgresIdempotencyStore store;
  private final Duration retention;

  private PostgresExchange(PostgresChannel channel, PostgresOutbox outbox, Duration retention) {
    this.channel = channel;
    this.outbox = outbox;
    this.store = PostgresIdempotencyStore.create(channel.database());
    this.retention = retention;
  }

  /**
   * An exchange that remembers for 7 days.
   *
   * @see #create(PostgresChannel, PostgresOutbox, Duration)
   */
  public static PostgresExchange create(PostgresChannel channel, PostgresOutbox outbox) {
    return create(channel, outbox, Duration.ofDays(7));
  }

  /**
   * An exchange.
   *
   * @param channel the object from which the deliveries come: a queue, or the subscription to a
   *     topic
   * @param outbox where events wait to be sent; of the same {@link PostgresDatabase} object
   * @param retention how long it is remembered that an event was dealt with, more than zero: longer
   *     than it may take to come again. The relay may send an event twice, and a dead letter may be
   *     redriven
   * @throws IllegalArgumentException if the outbox is of another database, or the retention out of
   *     range
   */
  public static PostgresExchange create(
      PostgresChannel channel, PostgresOutbox outbox, Duration retention) {
    Objects.requireNonNull(channel, "channel");
    Objects.requireNonNull(outbox, "outbox");
    if (!outbox.isOf(channel.database())) {
      throw new IllegalArgumentException(
          "outbox: of another database object (expected: that of " + channel + ')');
    }
    Times.retention("retention", retention);
    return new PostgresExchange(channel, outbox, retention);
  }

  /**
   * For a handler: the connection whose transaction is committed with its event.
   *
   * <dl>
   *   <dt>Emits
   *   <dd>the connection. Read the results of its statements to their ends, and neither commit nor
   *       roll back, nor close it
   *   <dt>Backpressure
   *   <dd>not applicable
   *   <dt>Completes/Errors
   *   <dd>fails with {@link IllegalStateException} where it is not subscribed to by a handler of
   *       this exchange
   *   <dt>Cancel
   *   <dd>nothing to cancel
   *   <dt>Discard
   *   <dd>nothing to discard
   *   <dt>Threads
   *   <dd>on the thread that subscribes, of the connection
   * </dl>
   */
  public static Mono<Connection> connection() {
    return Mono.deferContextual(
        context ->
            context
                .<Connection>getOrEmpty(CONNECTION)
                .map(Mono::just)
                .orElseGet(
                    () ->
                        Mono.error(
                            new IllegalStateException(
                                "no connection (expected: in a handler of a PostgresExchange)"))));
  }

  /**
   * {@inheritDoc}
   *
   * <p>The events that followed from an event that comes again are not known any more.
   */
  @Override
  public Mono<Exchanged> exchange(String scope, Delivery<?> delivery, Reaction reaction) {
    Objects.requireNonNull(reaction, "reaction");
    IdempotencyKey key = new IdempotencyKey(scope, delivery.message().id());
    return Mono.defer(
        () ->
            channel.inTransaction(
                delivery.with(new Consumed()),
                connection ->
                    store
                        .first(connection, key, retention)
                        .flatMap(
                            first ->
                                first
                                    ? exchange(connection, reaction)
                                    : Mono.just(Exchanged.before(List.of())))));
  }

  private Mono<Exchanged> exchange(Connection connection, Reaction reaction) {
    return react(connection, reaction)
        .flatMap(
            messages ->
                Flux.fromIterable(messages)
                    .concatMap(message -> outbox.append(connection, message))
                    .then(Mono.just(Exchanged.now(messages))));
  }

  private static Mono<List<Message<byte[]>>> react(Connection connection, Reaction reaction) {
    Mono<List<Message<byte[]>>> reacting =
        Mono.defer(reaction::react).contextWrite(context -> context.put(CONNECTION, connection));
    return reaction.mayDecline()
        ? Mono.from(connection.createSavepoint(BEFORE))
            .then(reacting)
            .onErrorResume(error -> declined(connection, reaction, error))
        : reacting;
  }

  private static Mono<List<Message<byte[]>>> declined(
      Connection connection, Reaction reaction, Throwable error) {
    List<Message<byte[]>> messages = reaction.declined(error);
    return messages == null
        ? Mono.error(error)
        : Mono.from(connection.rollbackTransactionToSavepoint(BEFORE)).thenReturn(messages);
  }

  /** The transaction settles the delivery; what decides it afterwards is the flow. */
  private static final class Consumed extends SettlementCore {
    @Override
    protected void onDecided(Outcome outcome) {
      markDurable();
    }
  }
}

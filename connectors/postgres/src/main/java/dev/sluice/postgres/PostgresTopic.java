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
import dev.sluice.channel.Outbound;
import dev.sluice.channel.Receipt;
import dev.sluice.message.Message;
import dev.sluice.observe.Metered;
import dev.sluice.observe.Meters;
import io.r2dbc.spi.Connection;
import io.r2dbc.spi.Parameters;
import io.r2dbc.spi.R2dbcType;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;

/**
 * A topic in a PostgreSQL database whose subscriptions are durable: each is a queue of its own, and
 * a message that is published is written into the queues of all subscriptions that want it, in one
 * transaction. From then on a subscription is a {@link PostgresChannel} like any other, with its
 * own consumers, retries, dead letters and pace; one that is slow, or has no consumer at all, is
 * felt by nobody else, and keeps everything.
 *
 * <pre>{@code
 * PostgresTopic flights = PostgresTopic.create(database, "flights");
 * PostgresChannel screens = flights.subscribe("screens", s -> s.types("flight.*.delayed")).block();
 * Flow.from(screens)…
 * }</pre>
 *
 * <p>A subscription gets what is published from the moment on at which it was committed, in the
 * order of each group. What nobody wants is not kept. The table grows with the subscriptions: a
 * message that five want is stored five times, and {@link #unsubscribe} is for those that nobody
 * consumes any more.
 *
 * <p>Thread-safe. Needs no closing.
 */
@Experimental
public final class PostgresTopic implements Outbound<byte[]>, Metered {

  /** Notifications are serialized by the server, so they are few. */
  private static final Duration HINT_PERIOD = Duration.ofMillis(10);

  private static final String SUBSCRIBE =
      """
      insert into {schema}.sl_subscription(topic, name, types, condition)
      values($1, $2, $3, $4::jsonpath)
      on conflict(topic, name) do update set types = excluded.types, condition = excluded.condition
      """;

  private static final String UNSUBSCRIBE =
      """
      delete from {schema}.sl_subscription where topic = $1 and name = $2
      """;

  /** Of the queue of a subscription that has ended. */
  private static final List<String> CLEAR =
      List.of(
          "delete from {schema}.sl_lane where queue = $1",
          "delete from {schema}.sl_group_message where queue = $1",
          "delete from {schema}.sl_group_seq where queue = $1",
          "delete from {schema}.sl_message where queue = $1");

  private static final String SUBSCRIPTIONS =
      """
      select name from {schema}.sl_subscription where topic = $1 order by name
      """;

  private final PostgresDatabase database;
  private final String name;
  private final FanOut fanOut;
  private final Sender sender;
  private final Set<String> written = ConcurrentHashMap.newKeySet();
  private final AtomicBoolean hinting = new AtomicBoolean();

  private PostgresTopic(PostgresDatabase database, String name) {
    this.database = database;
    this.name = name;
    this.fanOut =
        new FanOut(database, name, PostgresChannelSpec.DEFAULT.agingStep(), this::written);
    this.sender = new Sender(name, fanOut, Schedulers.parallel(), () -> {});
  }

  /**
   * The topic of this name.
   *
   * @param database where it is kept
   * @param name 1..127 characters, not blank
   * @throws IllegalArgumentException if the name is anything else
   */
  public static PostgresTopic create(PostgresDatabase database, String name) {
    requireName("name", name, 127);
    return new PostgresTopic(Objects.requireNonNull(database, "database"), name);
  }

  private static void requireName(String what, String name, int most) {
    if (name.isBlank() || name.length() > most || name.indexOf('\0') >= 0) {
      throw new IllegalArgumentException(
          what + ": '" + name + "' (expected: 1.." + most + " characters, not blank)");
    }
  }

  @Override
  public String name() {
    return name;
  }

  /**
   * Publishes one message. Messages at about the same time go with one statement.
   *
   * <dl>
   *   <dt>Emits
   *   <dd>the receipt, once the message is committed to the queues of all subscriptions that want
   *       it; its position is their number
   *   <dt>Backpressure
   *   <dd>not applicable
   *   <dt>Completes/Errors
   *   <dd>as {@link PostgresChannel#send}
   *   <dt>Cancel
   *   <dd>a message that still waits for its batch is not sent; another may arrive
   *   <dt>Discard
   *   <dd>nothing to discard
   *   <dt>Threads
   *   <dd>on {@code Schedulers.parallel()}
   * </dl>
   */
  @Override
  public Mono<Receipt> send(Message<byte[]> message) {
    return sender.send(Objects.requireNonNull(message, "message"));
  }

  private void written(Stream<String> queues) {
    queues.forEach(written::add);
    if (hinting.compareAndSet(false, true)) {
      Schedulers.parallel().schedule(this::hint, HINT_PERIOD.toMillis(), TimeUnit.MILLISECONDS);
    }
  }

  /** Who listens learns of it soon; who does not, when it asks. */
  private void hint() {
    hinting.set(false);
    Flux.fromIterable(List.copyOf(written))
        .filter(written::remove)
        .concatMap(queue -> database.wakeups().hint(queue))
        .subscribe(nothing -> {}, error -> {});
  }

  // == subscriptions ==

  /**
   * Makes a subscription, or changes what it wants if it is there.
   *
   * <dl>
   *   <dt>Emits
   *   <dd>its channel, when everything that is published from then on that it wants will be there
   *   <dt>Backpressure
   *   <dd>not applicable
   *   <dt>Completes/Errors
   *   <dd>completes with the channel; fails with {@link dev.sluice.store.StoreFailed}, for good if
   *       PostgreSQL cannot read the condition
   *   <dt>Cancel
   *   <dd>stops waiting; it may be made nevertheless
   *   <dt>Discard
   *   <dd>nothing to discard
   *   <dt>Threads
   *   <dd>on {@code Schedulers.parallel()}
   * </dl>
   *
   * @param subscriber its name, 1..128 characters without a slash, not blank
   * @param spec what it wants, from defaults: everything
   */
  public Mono<PostgresChannel> subscribe(String subscriber, UnaryOperator<SubscriptionSpec> spec) {
    PostgresChannel channel = subscription(subscriber);
    SubscriptionSpec wanted = SubscriptionSpec.of(spec);
    return database
        .db()
        .run(
            "subscribe",
            connection ->
                Db.count(
                    connection
                        .createStatement(database.sql(SUBSCRIBE))
                        .bind("$1", name)
                        .bind("$2", subscriber)
                        .bind("$3", wanted.expressions())
                        .bind("$4", Parameters.in(R2dbcType.VARCHAR, wanted.condition()))))
        .thenReturn(channel);
  }

  /**
   * The channel of a subscription, whether or not it has been made.
   *
   * @param subscriber its name
   */
  public PostgresChannel subscription(String subscriber) {
    requireName("subscriber", subscriber, 128);
    if (subscriber.indexOf('/') >= 0) {
      throw new IllegalArgumentException(
          "subscriber: '" + subscriber + "' (expected: without a slash)");
    }
    return PostgresChannel.create(database, name + '/' + subscriber);
  }

  /**
   * Ends a subscription, and deletes what it has not consumed.
   *
   * <dl>
   *   <dt>Emits
   *   <dd>whether there was one
   *   <dt>Backpressure
   *   <dd>not applicable
   *   <dt>Completes/Errors
   *   <dd>completes when it is gone; fails with {@link dev.sluice.store.StoreFailed}
   *   <dt>Cancel
   *   <dd>stops waiting; it may be ended nevertheless
   *   <dt>Discard
   *   <dd>nothing to discard
   *   <dt>Threads
   *   <dd>on {@code Schedulers.parallel()}
   * </dl>
   *
   * @param subscriber its name
   */
  public Mono<Boolean> unsubscribe(String subscriber) {
    String queue = subscription(subscriber).name();
    return database
        .db()
        .transaction(
            "unsubscribe",
            connection ->
                Db.count(
                        connection
                            .createStatement(database.sql(UNSUBSCRIBE))
                            .bind("$1", name)
                            .bind("$2", subscriber))
                    .flatMap(rows -> clear(connection, queue).thenReturn(rows > 0)));
  }

  /** The publishers that had read the subscription have committed: its deletion waited for them. */
  private Mono<Void> clear(Connection connection, String queue) {
    return Flux.fromIterable(CLEAR)
        .concatMap(sql -> Db.count(connection.createStatement(database.sql(sql)).bind("$1", queue)))
        .then();
  }

  /** The names of the subscriptions. */
  public Mono<List<String>> subscriptions() {
    return database
        .db()
        .run(
            "subscriptions",
            connection ->
                Db.rows(
                        connection.createStatement(database.sql(SUBSCRIPTIONS)).bind("$1", name),
                        row -> Objects.requireNonNull(row.get(0, String.class)))
                    .collectList());
  }

  /**
   * Of what is published through this object: {@code sluice.topic.published}, {@code .copied} and
   * {@code .unwanted}, tagged {@code topic}, and {@code sluice.postgres.sends.waiting}, tagged
   * {@code channel}. Each subscription is a channel with numbers of its own.
   */
  @Override
  public void meters(Meters meters) {
    Meters mine = meters.with("topic", name);
    String messages = "messages";
    mine.counter("sluice.topic.published", messages, "Published so far", fanOut::published);
    mine.counter("sluice.topic.copied", messages, "Written to subscriptions", fanOut::copied);
    mine.counter(
        "sluice.topic.unwanted", messages, "That no subscription wanted", fanOut::unwanted);
    meters
        .with("channel", name)
        .gauge(
            "sluice.postgres.sends.waiting",
            messages,
            "That wait for their batch",
            sender::waiting);
  }

  @Override
  public String toString() {
    return "PostgresTopic[" + name + ']';
  }
}

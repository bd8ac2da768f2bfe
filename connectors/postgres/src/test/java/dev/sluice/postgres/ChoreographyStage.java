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

import dev.sluice.channel.EventExchange;
import dev.sluice.channel.FlowHandle;
import dev.sluice.channel.Inbound;
import dev.sluice.channel.Outbound;
import dev.sluice.choreography.Choreography;
import dev.sluice.choreography.EventType;
import dev.sluice.choreography.Participant;
import dev.sluice.codec.StringCodec;
import dev.sluice.contract.ChoreographyContract;
import dev.sluice.contract.ChoreographyContract.Declined;
import dev.sluice.contract.Cuts;
import dev.sluice.flow.Flow;
import dev.sluice.message.Message;
import io.r2dbc.spi.Connection;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.publisher.Mono;

/** What one process has of the choreography under trial: a database, and what is in it. */
final class ChoreographyStage {

  private static final Duration PATIENCE = Duration.ofSeconds(60);

  private static final EventType<String> BEGUN = type("begun");
  private static final EventType<String> ONE_DONE = type("one.done");
  private static final EventType<String> TWO_DONE = type("two.done");
  private static final EventType<String> DECLINED = type("two.declined");
  private static final EventType<String> ENDED = type("ended");

  final PostgresDatabase database;
  private final Map<String, PostgresChannel> queues = new ConcurrentHashMap<>();
  private final Disposable.Composite relays = Disposables.composite();

  ChoreographyStage(PostgresDatabase database) {
    this.database = database;
  }

  private static EventType<String> type(String name) {
    return EventType.of(name, StringCodec.utf8());
  }

  PostgresChannel queue(String participant) {
    return queues.computeIfAbsent(participant, name -> PostgresChannel.create(database, name));
  }

  PostgresOutbox outbox(String participant) {
    return PostgresOutbox.create(database, participant);
  }

  /** With a relay of its own. */
  EventExchange exchange(PostgresChannel queue, Outbound<byte[]> events) {
    PostgresOutbox outbox = outbox(queue.name());
    relays.add(outbox.relay(events).subscribe());
    return PostgresExchange.create(queue, outbox);
  }

  FlowHandle participate(
      String participant,
      Inbound queue,
      EventExchange exchange,
      ChoreographyContract.Work work,
      Outbound<byte[]> deadLetters) {
    return choreography(work)
        .participate(
            participant,
            Flow.from(queue).lease(Duration.ofSeconds(1)).deadLetter(deadLetters),
            exchange)
        .start();
  }

  private static Choreography choreography(ChoreographyContract.Work work) {
    return Choreography.of(
        "trial",
        c ->
            c.begins(BEGUN)
                .ends(ENDED)
                .participants(
                    Participant.named("one")
                        .concurrency(200)
                        .onMessage(
                            BEGUN,
                            m -> work.act("one", m.payload(), m.id()).map(ONE_DONE::of),
                            r -> r.emits(ONE_DONE)),
                    Participant.named("two")
                        .concurrency(200)
                        .onMessage(
                            ONE_DONE,
                            m -> work.act("two", m.payload(), m.id()).map(TWO_DONE::of),
                            r ->
                                r.emits(TWO_DONE)
                                    .fails(DECLINED, Declined.class, Declined::getMessage)),
                    Participant.named("three")
                        .concurrency(200)
                        .onMessage(
                            TWO_DONE,
                            m -> work.act("three", m.payload(), m.id()).map(ENDED::of),
                            r -> r.emits(ENDED))
                        .onMessage(
                            DECLINED,
                            m -> work.act("three", m.correlationId(), m.id()).map(ENDED::of),
                            r -> r.emits(ENDED))));
  }

  /** Where each event goes into the queues of those who act on it. */
  Outbound<byte[]> topic() {
    return choreography((who, conversation, event) -> Mono.empty())
        .distribution(participant -> queue(participant.name()));
  }

  /** All three at work, each with a relay of its own; what they do is written down. */
  List<FlowHandle> start(Cuts cuts) {
    ChoreographyContract.Work work =
        (who, conversation, event) ->
            effect(who, conversation, event)
                .then(
                    who.equals("two") && conversation.contains("no-")
                        ? Mono.error(new Declined())
                        : Mono.just(conversation));
    return Stream.of("one", "two", "three")
        .map(
            who ->
                participate(
                    who,
                    queue(who),
                    cuts.exchange(exchange(queue(who), topic())),
                    work,
                    queue("dead")))
        .toList();
  }

  static Message<byte[]> begun(String conversation) {
    return Message.builder(conversation.getBytes(StandardCharsets.UTF_8))
        .type(BEGUN.name())
        .id(conversation)
        .group(conversation)
        .build();
  }

  /** A relay that dies while it takes its lease leaves it behind, and its heir would wait. */
  void stopRelays() {
    relays.dispose();
    forgetLeases();
  }

  void forgetLeases() {
    execute("update {schema}.sl_lease set until = clock_timestamp()");
  }

  // == effects, of which the table keeps the doubled ones ==

  void createEffects() {
    execute("create table {schema}.effect(participant text, conversation text, event text)");
  }

  void execute(String sql) {
    database.db().run("test", c -> Db.count(c.createStatement(database.sql(sql)))).block(PATIENCE);
  }

  Mono<Void> effect(String participant, String conversation, String event) {
    return PostgresExchange.connection()
        .flatMap(
            (Connection c) ->
                Db.count(
                    c.createStatement(
                            database.sql("insert into {schema}.effect values($1, $2, $3)"))
                        .bind("$1", participant)
                        .bind("$2", conversation)
                        .bind("$3", event)))
        .then();
  }

  long effects(String participant, String conversation) {
    return count(
        "select count(*) from {schema}.effect where participant = '"
            + participant
            + "' and conversation = '"
            + conversation
            + '\'');
  }

  long count(String sql) {
    return Objects.requireNonNull(
        database
            .db()
            .run(
                "test",
                c ->
                    Db.rows(
                            c.createStatement(database.sql(sql)),
                            row -> Objects.requireNonNull(row.get(0, Long.class)))
                        .single())
            .block(PATIENCE));
  }
}

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
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import dev.sluice.channel.Channel;
import dev.sluice.channel.EventExchange;
import dev.sluice.channel.FlowHandle;
import dev.sluice.channel.Inbound;
import dev.sluice.channel.Outbound;
import dev.sluice.channel.Receipt;
import dev.sluice.channel.ReceiveOptions;
import dev.sluice.choreography.Choreography;
import dev.sluice.choreography.Deadlines;
import dev.sluice.choreography.EventType;
import dev.sluice.choreography.Expectation;
import dev.sluice.choreography.Participant;
import dev.sluice.codec.StringCodec;
import dev.sluice.contract.ChoreographyContract;
import dev.sluice.contract.Cuts;
import dev.sluice.delivery.Outcome;
import dev.sluice.flow.Flow;
import dev.sluice.message.Message;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;
import reactor.core.Disposable;
import reactor.core.publisher.Mono;
import reactor.test.StepVerifier;

/** A choreography whose handlers write in the transaction of their event, on a real server. */
class PostgresChoreographyTest extends ChoreographyContract {

  private static final Logger FLOWS = (Logger) LoggerFactory.getLogger(Flow.class);

  private final String schema = Server.freshSchema();
  private final Map<Integer, ChoreographyStage> stages = new ConcurrentHashMap<>();
  private final ChoreographyStage judge = stage(99);

  private ChoreographyStage stage(int process) {
    return stages.computeIfAbsent(
        process, p -> new ChoreographyStage(Server.connect(s -> s.schema(schema).connections(24))));
  }

  @BeforeEach
  void createEffects() {
    judge.createEffects();
  }

  @AfterEach
  void close() {
    stages.values().forEach(stage -> stage.database.close().block(PATIENCE));
    FLOWS.setLevel(null);
  }

  @Override
  protected Channel queue(String participant, int process) {
    return stage(process).queue(participant);
  }

  @Override
  protected EventExchange exchange(Channel queue, Outbound<byte[]> events, int process, Cuts cuts) {
    EventExchange real = stage(process).exchange((PostgresChannel) queue, events);
    return queue.info().name().equals("three") ? real : undone(real, cuts);
  }

  /**
   * What stands in a transaction is undone there, as by the death of its process: no relay sends
   * what is younger than an open transaction, so nothing would get to the boundaries behind it
   * until the server gave it up. Behind the last participant there are none.
   */
  private static EventExchange undone(EventExchange real, Cuts cuts) {
    return (scope, delivery, reaction) -> {
      String correlation = delivery.message().correlationId();
      String conversation = correlation == null ? delivery.message().id() : correlation;
      Mono<List<Message<byte[]>>> death =
          Mono.fromSupplier(() -> cuts.held().containsKey(conversation))
              .filter(held -> held)
              .repeatWhenEmpty(asked -> asked.delayElements(Duration.ofMillis(20)))
              .then(PostgresExchange.connection())
              .flatMap(connection -> Mono.from(connection.rollbackTransaction()))
              .then(Mono.never());
      return real.exchange(
          scope,
          delivery,
          new EventExchange.Reaction() {
            @Override
            public Mono<List<Message<byte[]>>> react() {
              return Mono.firstWithSignal(reaction.react(), death);
            }

            @Override
            public boolean mayDecline() {
              return reaction.mayDecline();
            }

            @Override
            public @Nullable List<Message<byte[]>> declined(Throwable error) {
              return reaction.declined(error);
            }
          });
    };
  }

  @Override
  protected FlowHandle participate(
      String participant,
      Inbound queue,
      EventExchange exchange,
      Work work,
      Outbound<byte[]> deadLetters) {
    return judge.participate(participant, queue, exchange, work, deadLetters);
  }

  @Override
  protected boolean cutsSends() {
    return false; // a relay sends one batch after the other
  }

  /**
   * The connections of the dead are cut, and what they were in is undone by the server. Their flows
   * find that out, and say that they have failed, which here is no news.
   */
  @Override
  protected void buried(int process) {
    FLOWS.setLevel(Level.OFF);
    ChoreographyStage dead = stages.remove(process);
    dead.stopRelays();
    dead.database.close().subscribe();
    judge.count(
        "select count(pg_terminate_backend(pid)) from pg_stat_activity where query like '%"
            + schema
            + "%' and pid <> pg_backend_pid()");
  }

  @Override
  protected Mono<Void> effect(String participant, String conversation, String event) {
    return judge.effect(participant, conversation, event);
  }

  @Override
  protected long effects(String participant, String conversation) {
    return judge.effects(participant, conversation);
  }

  @Override
  protected int effectsOfDeclined() {
    return 0;
  }

  private static Message<byte[]> begun(String conversation) {
    return Message.builder(conversation.getBytes(StandardCharsets.UTF_8))
        .type("begun")
        .id(conversation)
        .group(conversation)
        .build();
  }

  /** It dies after each send, before it has deleted what it has sent. */
  @Test
  void whatARelaySendsTwiceHasItsEffectOnce() {
    ChoreographyStage stage = stage(0);
    Outbound<byte[]> real = topic(0);
    AtomicInteger deaths = new AtomicInteger();
    AtomicInteger sends = new AtomicInteger();
    Outbound<byte[]> flaky =
        new Outbound<>() {
          @Override
          public String name() {
            return "events";
          }

          @Override
          public Mono<Receipt> send(Message<byte[]> event) {
            return real.send(event)
                .delayUntil(
                    receipt ->
                        sends.incrementAndGet() % 2 == 1 && deaths.incrementAndGet() <= 4
                            ? Mono.never()
                            : Mono.empty());
          }
        };
    List<FlowHandle> flows = new ArrayList<>();
    List<PostgresOutbox> outboxes = new ArrayList<>();
    for (String participant : List.of("one", "two", "three")) {
      PostgresOutbox outbox = stage.outbox(participant);
      outboxes.add(outbox);
      PostgresChannel queue = stage.queue(participant);
      flows.add(
          stage.participate(
              participant,
              queue,
              PostgresExchange.create(queue, outbox),
              (who, conversation, event) ->
                  stage.effect(who, conversation, event).thenReturn(conversation),
              real));
    }
    Set<String> ended = ConcurrentHashMap.newKeySet();
    Disposable judging =
        stage
            .queue("judge")
            .receive(ReceiveOptions.defaults())
            .subscribe(
                delivery -> {
                  ended.add(delivery.message().id());
                  delivery.settlement().settle(Outcome.ack());
                });
    for (String conversation : List.of("a", "b", "c")) {
      real.send(begun(conversation)).block(PATIENCE);
    }
    for (int death = 0; death <= 4; death++) {
      int seen = death;
      List<Disposable> relays =
          outboxes.stream().map(outbox -> outbox.relay(flaky).subscribe()).toList();
      PostgresChannelTest.await(
          "death " + seen, () -> seen == 4 ? ended.size() == 3 : deaths.get() > seen);
      relays.forEach(Disposable::dispose);
      stage.forgetLeases();
    }
    assertThat(stage.count("select count(*) from {schema}.effect")).isEqualTo(9);
    PostgresChannelTest.await(
        "nothing to be left", () -> stage.queue("two").depth().block(PATIENCE) == 0);
    flows.forEach(flow -> flow.stop(PATIENCE).block(PATIENCE));
    judging.dispose();
  }

  /** A statement that failed has broken the transaction; the failure is an event all the same. */
  @Test
  void aBusinessFailureUndoesWhatTheHandlerWroteAndNothingElse() {
    ChoreographyStage stage = stage(0);
    stage.execute("create table {schema}.seat(id int primary key)");
    stage.execute("insert into {schema}.seat values(1)");
    PostgresChannel queue = stage.queue("two");
    PostgresOutbox outbox = stage.outbox("two");
    FlowHandle flow =
        stage.participate(
            "two",
            queue,
            PostgresExchange.create(queue, outbox),
            (who, conversation, event) ->
                stage
                    .effect(who, conversation, event)
                    .then(PostgresExchange.connection())
                    .flatMap(
                        c ->
                            Db.count(
                                c.createStatement(
                                    stage.database.sql("insert into {schema}.seat values(1)"))))
                    .onErrorMap(taken -> new Declined())
                    .thenReturn(conversation),
            topic(0));
    queue.send(begun("a").withType("one.done")).block(PATIENCE);
    PostgresChannelTest.await(
        "the event",
        () ->
            stage.count(
                    "select count(*) from {schema}.sl_outbox"
                        + " where headers->>'ce_type' = 'two.declined'")
                == 1);
    flow.stop(PATIENCE).block(PATIENCE);
    assertThat(stage.count("select count(*) from {schema}.effect")).isZero();
    assertThat(stage.count("select count(*) from {schema}.sl_idempotency")).isEqualTo(1);
    assertThat(queue.depth().block(PATIENCE)).isZero();
  }

  @Test
  void aFailureOfTheInfrastructureUndoesEverythingAndIsTriedAgain() {
    ChoreographyStage stage = stage(0);
    PostgresChannel queue = stage.queue("two");
    AtomicInteger attempts = new AtomicInteger();
    FlowHandle flow =
        stage.participate(
            "two",
            queue,
            PostgresExchange.create(queue, stage.outbox("two")),
            (who, conversation, event) ->
                stage
                    .effect(who, conversation, event)
                    .then(
                        Mono.defer(
                            () ->
                                attempts.incrementAndGet() == 1
                                    ? Mono.error(new IllegalStateException("no answer"))
                                    : Mono.just(conversation))),
            topic(0));
    queue.send(begun("a").withType("one.done")).block(PATIENCE);
    PostgresChannelTest.await("the end", () -> flow.stats().acknowledged() == 1);
    flow.stop(PATIENCE).block(PATIENCE);
    assertThat(attempts).hasValue(2);
    assertThat(stage.effects("two", "a")).isEqualTo(1);
    assertThat(stage.count("select count(*) from {schema}.sl_outbox")).isEqualTo(1);
  }

  /** Rows of one transaction know the same one. */
  @Test
  void theEffectItsMemoryAndWhatFollowsAreOneTransaction() {
    ChoreographyStage stage = stage(0);
    PostgresChannel queue = stage.queue("one");
    FlowHandle flow =
        stage.participate(
            "one",
            queue,
            PostgresExchange.create(queue, stage.outbox("one")),
            (who, conversation, event) ->
                stage.effect(who, conversation, event).thenReturn(conversation),
            topic(0));
    queue.send(begun("a")).block(PATIENCE);
    PostgresChannelTest.await("the end", () -> flow.stats().acknowledged() == 1);
    flow.stop(PATIENCE).block(PATIENCE);
    assertThat(
            stage.count(
                "select count(*) from {schema}.effect e, {schema}.sl_idempotency i,"
                    + " {schema}.sl_outbox o where e.xmin = i.xmin and e.xmin = o.xmin"))
        .isEqualTo(1);
  }

  /** What is awaited is in the database, so it is awaited by whoever comes next. */
  @Test
  void aDeadlineOutlivesItsProcess() {
    EventType<String> landed = EventType.of("landed", StringCodec.utf8());
    EventType<String> told = EventType.of("told", StringCodec.utf8());
    EventType<String> overdue = EventType.of("overdue", StringCodec.utf8());
    Choreography arrival =
        Choreography.of(
            "arrival",
            c ->
                c.begins(landed)
                    .participants(
                        Participant.named("telling").elsewhere(landed, r -> r.emits(told)))
                    .expects(
                        Expectation.after("told", landed, Duration.ofSeconds(1), told)
                            .emits(overdue, flight -> flight + " is overdue"))
                    .ends(overdue));
    ChoreographyStage first = stage(0);
    FlowHandle watching =
        arrival
            .deadlines(PostgresAggregationStore.create(first.database), topic(0), d -> d)
            .watch(Flow.from(first.queue("watched")))
            .start();
    PostgresChannel watched = first.queue("watched");
    Message<byte[]> met = landed.of("BA13").message();
    watched.send(landed.of("BA12").message()).block(PATIENCE);
    watched.send(met).block(PATIENCE);
    watched
        .send(told.of("BA13").message().toBuilder().correlationId(met.id()).build())
        .block(PATIENCE);
    PostgresChannelTest.await("the events", () -> watching.stats().acknowledged() == 3);
    watching.stop(PATIENCE).block(PATIENCE);
    buried(0);

    ChoreographyStage heir = stage(1);
    PostgresChannel events = heir.queue("overdue");
    Deadlines deadlines =
        arrival.deadlines(PostgresAggregationStore.create(heir.database), events, d -> d);
    Deadlines.Missed missed = deadlines.every(Duration.ofMillis(100)).blockFirst(PATIENCE);
    assertThat(new String(missed.trigger().payload(), StandardCharsets.UTF_8)).isEqualTo("BA12");
    assertThat(events.depth().block(PATIENCE)).isEqualTo(1);
    assertThat(deadlines.raiseOverdue().collectList().block(PATIENCE)).isEmpty();
  }

  @Test
  void aConnectionIsThereForHandlersAlone() {
    StepVerifier.create(PostgresExchange.connection())
        .expectErrorMessage("no connection (expected: in a handler of a PostgresExchange)")
        .verify(PATIENCE);
    PostgresChannel queue = stage(0).queue("one");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> PostgresExchange.create(queue, judge.outbox("one")))
        .withMessageStartingWith("outbox: of another database object");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> PostgresExchange.create(queue, stage(0).outbox("one"), Duration.ZERO))
        .withMessage("retention: PT0S (expected: > PT0S, <= PT87600H)");
  }
}

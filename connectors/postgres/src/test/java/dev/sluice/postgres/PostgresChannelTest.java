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

import dev.sluice.channel.Receipt;
import dev.sluice.channel.ReceiveOptions;
import dev.sluice.channel.SendFailed;
import dev.sluice.delivery.DeadLetterReason;
import dev.sluice.delivery.Delivery;
import dev.sluice.delivery.Outcome;
import dev.sluice.delivery.StaleDelivery;
import dev.sluice.message.Message;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;
import reactor.test.StepVerifier;

class PostgresChannelTest {

  private static final Duration PATIENCE = Duration.ofSeconds(60);

  private final PostgresDatabase database =
      Server.connect(p -> p.schema(Server.freshSchema()).connections(8));
  private final PostgresChannel channel = PostgresChannel.create(database, "orders");
  private final List<Disposable> consumers = new ArrayList<>();
  private final Queue<Delivery<byte[]>> held = new ConcurrentLinkedQueue<>();

  @AfterEach
  void close() {
    consumers.forEach(Disposable::dispose);
    await("the consumers to end", () -> channel.gauges().consumers() == 0);
    database.close().block(PATIENCE);
  }

  @Nested
  class Sending {

    @Test
    void ofOneGroupKeepsTheOrderOfTheSubscriptionsWithoutAnybodyWaiting() {
      for (int i = 0; i < 500; i++) {
        channel.send(message("" + i).withGroup("x")).subscribe();
      }
      Queue<String> bodies = new ConcurrentLinkedQueue<>();
      consume(bodies);
      await("all of them", () -> bodies.size() == 500);
      assertThat(bodies.stream().map(Integer::valueOf)).isSorted();
    }

    @Test
    void takesGroupsThatAreTooLongForAnIndex() {
      String one = "ż".repeat(1_024);
      String other = "ż".repeat(1_023) + "ó";
      send(message("a").withGroup(one));
      send(message("b").withGroup(other));
      Queue<Delivery<byte[]>> taken = new ConcurrentLinkedQueue<>();
      consumers.add(channel.receive(ReceiveOptions.defaults()).subscribe(taken::add));
      await("both", () -> taken.size() == 2);
      assertThat(taken)
          .extracting(delivery -> delivery.message().group())
          .containsExactlyInAnyOrder(one, other);
      taken.forEach(delivery -> delivery.settlement().settle(Outcome.ack()));
    }

    @Test
    void ofWhatTheServerDoesNotTakeCostsItsNeighboursNothing() {
      execute("alter table {schema}.sl_message add check (octet_length(body) < 1000)");
      List<Mono<Receipt>> sends = new ArrayList<>();
      for (int i = 0; i < 20; i++) {
        sends.add(channel.send(message(i == 13 ? "x".repeat(2_000) : "" + i)));
      }
      List<Object> answers =
          Flux.merge(
                  Flux.fromIterable(sends)
                      .map(send -> send.<Object>map(r -> r).onErrorResume(Mono::just)),
                  20)
              .collectList()
              .block(PATIENCE);
      assertThat(answers).filteredOn(Receipt.class::isInstance).hasSize(19);
      assertThat(answers)
          .filteredOn(SendFailed.class::isInstance)
          .singleElement()
          .isInstanceOfSatisfying(
              SendFailed.class,
              error -> assertThat(error.certainty()).isEqualTo(SendFailed.Certainty.PERMANENT));
    }

    @Test
    void toAClosedDatabaseFailsForGood() {
      PostgresDatabase closed = Server.connect(p -> p.schema(Server.freshSchema()));
      PostgresChannel gone = PostgresChannel.create(closed, "gone");
      closed.close().block(PATIENCE);
      StepVerifier.create(gone.send(message("a")))
          .expectErrorSatisfies(
              error ->
                  assertThat(((SendFailed) error).certainty())
                      .isEqualTo(SendFailed.Certainty.PERMANENT))
          .verify(PATIENCE);
    }
  }

  @Nested
  class Groups {

    @Test
    void sleepWhenTheyAreEmptyAndWakeWhenTheyAreNot() {
      Queue<String> bodies = new ConcurrentLinkedQueue<>();
      send(message("a").withGroup("x"));
      consume(bodies);
      await(
          "the lane to sleep",
          () -> query("select count(*) from {schema}.sl_lane where visible_at = 'infinity'") == 1);
      send(message("b").withGroup("x"));
      await("both", () -> bodies.size() == 2);
      assertThat(bodies).containsExactly("a", "b");
    }

    @Test
    void areForgottenWhenTheyHaveBeenEmptyForLongAndNotBefore() {
      for (int i = 0; i < 30; i++) {
        send(message("a").withGroup("g" + i));
      }
      Queue<String> bodies = new ConcurrentLinkedQueue<>();
      consume(bodies);
      String asleep = "select count(*) from {schema}.sl_lane where visible_at = 'infinity'";
      await("the lanes to sleep", () -> query(asleep) == 30);
      assertThat(new Janitor(database, "orders", Duration.ofHours(1)).sweep().block(PATIENCE))
          .isZero();
      Janitor janitor = new Janitor(database, "orders", Duration.ofMillis(1));
      List<Mono<?>> both = new ArrayList<>(); // while some of them come back
      for (int i = 0; i < 30; i += 3) {
        both.add(channel.send(message("b").withGroup("g" + i)));
        both.add(janitor.sweep());
      }
      Flux.merge(Flux.fromIterable(both), 32, 1).blockLast(PATIENCE);
      await("all messages", () -> bodies.size() == 40);
      await(
          "the lanes to be forgotten",
          () ->
              janitor.sweep().block(PATIENCE) == 0
                  && query("select count(*) from {schema}.sl_lane") == 0);
      assertThat(query("select count(*) from {schema}.sl_group_seq")).isZero();
      send(message("c").withGroup("g0"));
      await("the last message", () -> bodies.size() == 41);
    }

    @Test
    void areTakenWithSeveralMessagesAndOneClaim() {
      for (int i = 0; i < 5; i++) {
        send(message("" + i).withGroup("x"));
      }
      Queue<Delivery<byte[]>> taken = new ConcurrentLinkedQueue<>();
      consumers.add(
          channel
              .receive(ReceiveOptions.defaults())
              .doOnNext(delivery -> delivery.settlement().settle(Outcome.ack()))
              .subscribe(taken::add));
      await("all of them", () -> taken.size() == 5);
      assertThat(taken)
          .extracting(d -> d.origin().epoch())
          .containsOnly(taken.peek().origin().epoch());
      assertThat(taken).extracting(d -> d.origin().attempt()).containsOnly(1);
    }

    @Test
    void countTheAttemptOfTheFirstMessageOnly() {
      for (int i = 0; i < 3; i++) {
        send(message("" + i).withGroup("x"));
      }
      Queue<String> attempts = new ConcurrentLinkedQueue<>();
      consumers.add(
          channel
              .receive(ReceiveOptions.defaults())
              .subscribe(
                  delivery -> {
                    int attempt = delivery.origin().attempt();
                    attempts.add(body(delivery) + " " + attempt);
                    delivery
                        .settlement()
                        .settle(attempt < 3 ? Outcome.retry(Duration.ZERO, null) : Outcome.ack());
                  }));
      await("nine deliveries", () -> attempts.size() == 9);
      assertThat(attempts)
          .containsExactly("0 1", "0 2", "0 3", "1 1", "1 2", "1 3", "2 1", "2 2", "2 3");
    }
  }

  @Nested
  class Leases {

    private final ReceiveOptions shortly = ReceiveOptions.defaults().lease(Duration.ofSeconds(2));

    @Test
    void areRenewedWhileEverythingElseIsBusy() {
      send(message("a"));
      send(message("b").withGroup("x"));
      Queue<Delivery<byte[]>> taken = new ConcurrentLinkedQueue<>();
      Disposable.Composite busy = reactor.core.Disposables.composite();
      consumers.add(channel.receive(shortly).subscribe(taken::add));
      await("both", () -> taken.size() == 2);
      database.leases().run("test", c -> Mono.just(1)).block(PATIENCE); // has its connection
      long end = System.nanoTime() + Duration.ofSeconds(3).toNanos();
      for (int i = 0; i < Schedulers.DEFAULT_POOL_SIZE; i++) {
        busy.add(Schedulers.parallel().schedule(() -> spinUntil(end, busy)));
      }
      Flux.range(0, 32)
          .flatMap(i -> count("select count(*) from pg_sleep(0.2)"), 32)
          .blockLast(PATIENCE);
      await("the end of the noise", () -> System.nanoTime() - end > 0);
      assertThat(taken).allMatch(delivery -> !delivery.settlement().isLost());
      assertThat(taken).hasSize(2);
      taken.forEach(delivery -> delivery.settlement().settle(Outcome.ack()));
      taken.forEach(delivery -> delivery.settlement().durable().block(PATIENCE));
    }

    private void spinUntil(long end, Disposable.Composite busy) {
      boolean over = false;
      while (!over) {
        over = System.nanoTime() - end > 0 || busy.isDisposed();
      }
    }

    /** The database refuses who has not noticed yet that somebody else has the message. */
    @ParameterizedTest
    @CsvSource({
      "x, ACK",
      "x, RELEASE",
      "x, RETRY",
      "x, REJECT",
      ", ACK",
      ", RELEASE",
      ", RETRY",
      ", REJECT"
    })
    void thatSomebodyElseHasAreLeftAlone(@Nullable String group, String what) {
      send(message("a").withGroup(group));
      Queue<Delivery<byte[]>> taken = new ConcurrentLinkedQueue<>();
      PostgresChannel dead = PostgresChannel.create(database, "dead");
      consumers.add(
          channel.receive(ReceiveOptions.defaults().deadLetters(dead)).subscribe(taken::add));
      await("it", () -> taken.size() == 1);
      String table = group == null ? "sl_message" : "sl_lane";
      execute("update {schema}." + table + " set claim = nextval('{schema}.sl_claim')");
      String row = "select sum(claim * 1000 + attempts)::bigint from {schema}." + table;
      long before = query(row);
      taken
          .peek()
          .settlement()
          .settle(
              switch (what) {
                case "ACK" -> Outcome.ack();
                case "RELEASE" -> Outcome.release(Outcome.Release.Why.BUSY);
                case "RETRY" -> Outcome.retry(Duration.ZERO, null);
                default -> Outcome.reject(DeadLetterReason.POISON, null);
              });
      StepVerifier.create(taken.peek().settlement().durable())
          .expectError(StaleDelivery.class)
          .verify(PATIENCE);
      assertThat(query(row)).isEqualTo(before);
      assertThat(channel.depth().block(PATIENCE)).isZero(); // it is out
      assertThat(dead.depth().block(PATIENCE)).isZero();
    }

    @Test
    void endWhenTheyHaveBeenHeldForTooLong() {
      PostgresChannel strict =
          PostgresChannel.create(database, "strict", spec -> spec.maxLease(Duration.ofSeconds(1)));
      strict.send(message("a").withGroup("x")).block(PATIENCE);
      Queue<Delivery<byte[]>> taken = new ConcurrentLinkedQueue<>();
      Disposable consumer = strict.receive(shortly).subscribe(taken::add);
      await("it to come again", () -> taken.size() >= 2);
      Delivery<byte[]> late = taken.remove();
      await("the loss", late.settlement()::isLost);
      late.settlement().settle(Outcome.ack());
      StepVerifier.create(late.settlement().durable())
          .expectError(StaleDelivery.class)
          .verify(PATIENCE);
      Delivery<byte[]> again = taken.remove();
      assertThat(again.origin().attempt()).isEqualTo(2);
      assertThat(again.origin().epoch()).isGreaterThan(late.origin().epoch());
      again.settlement().settle(Outcome.ack());
      again.settlement().durable().block(PATIENCE);
      consumer.dispose();
      await("the end", () -> strict.gauges().consumers() == 0);
    }
  }

  @Nested
  class Cancels {

    @Test
    void byTheThousandLeaveEveryConnectionUsable() {
      for (int i = 0; i < 200; i++) {
        channel.send(message("" + i).withGroup(i % 2 == 0 ? null : "g" + i % 10)).subscribe();
      }
      for (int i = 0; i < 2_000; i++) {
        Disposable consumer =
            channel.receive(ReceiveOptions.defaults().maxUnsettled(4)).subscribe(d -> {});
        Disposable depth = channel.depth().subscribe();
        if (i % 7 == 0) {
          LockSupport.parkNanos(1_000_000);
        }
        consumer.dispose();
        depth.dispose();
        if (i % 100 == 0) {
          await("some to end", () -> channel.gauges().consumers() < 50);
        }
      }
      await("all to end", () -> channel.gauges().consumers() == 0);
      StepVerifier.create(Flux.range(0, 4).flatMap(i -> channel.depth(), 4))
          .expectNext(200L, 200L, 200L, 200L)
          .expectComplete()
          .verify(PATIENCE);
      await("no connection in use", () -> database.connections().inUse() == 0);
      Queue<String> bodies = new ConcurrentLinkedQueue<>();
      consume(bodies);
      await("all messages", () -> bodies.size() == 200);
    }

    @Test
    void ofConsumersThatHoldDeliveriesLeaveNothingBehind() {
      cancel(400);
    }

    @Test
    @Tag("soak")
    void of4000DeliveriesAndQueriesLeaveNothingBehind() {
      cancel(4_000);
    }

    /** So many deliveries are out when their consumers are cancelled, and so many queries. */
    private void cancel(int many) {
      Random random = new Random(many);
      Flux.range(0, 200)
          .flatMap(i -> channel.send(message("" + i).withGroup(i % 2 == 0 ? null : "g" + i % 10)))
          .blockLast(PATIENCE);
      AtomicInteger deliveries = new AtomicInteger();
      int queries = 0;
      while (deliveries.get() < many || queries < many) {
        int wanted = deliveries.get() + random.nextInt(16);
        Disposable consumer =
            channel
                .receive(ReceiveOptions.defaults().maxUnsettled(16))
                .subscribe(
                    delivery -> {
                      held.add(delivery); // what is dropped counts as a leak, and as an attempt
                      deliveries.incrementAndGet();
                    });
        List<Disposable> depths = new ArrayList<>();
        for (int i = 0; i < 10 && queries < many; i++, queries++) {
          depths.add(channel.depth().subscribe());
        }
        if (deliveries.get() < many) {
          await("deliveries", () -> deliveries.get() >= wanted);
        }
        consumer.dispose();
        depths.forEach(Disposable::dispose);
        await("some to end", () -> channel.gauges().consumers() < 20);
      }
      await("all to end", () -> channel.gauges().consumers() == 0);
      StepVerifier.create(Flux.range(0, 4).flatMap(i -> channel.depth(), 4))
          .expectNext(200L, 200L, 200L, 200L)
          .expectComplete()
          .verify(PATIENCE);
      await(
          "no connection in use",
          () -> database.connections().inUse() == 0 && database.connections().waiting() == 0);
      Queue<Integer> attempts = new ConcurrentLinkedQueue<>();
      consumers.add(
          channel
              .receive(ReceiveOptions.defaults())
              .subscribe(
                  delivery -> {
                    attempts.add(delivery.origin().attempt());
                    delivery.settlement().settle(Outcome.ack());
                  }));
      await("all messages", () -> attempts.size() == 200);
      assertThat(attempts).as("attempts, none of which a cancel counts").containsOnly(1);
    }
  }

  @Nested
  class Options {

    @Test
    void outOfRangeAreRefused() {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> PostgresChannel.create(database, "a", spec -> spec.claimBatch(0)))
          .withMessage("claimBatch: 0 (expected: 1..1000)");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> PostgresChannel.create(database, "a", spec -> spec.laneBatch(1_001)))
          .withMessage("laneBatch: 1001 (expected: 1..1000)");
      assertThatIllegalArgumentException()
          .isThrownBy(
              () ->
                  PostgresChannel.create(
                      database, "a", spec -> spec.maxLease(Duration.ofMillis(999))))
          .withMessage("maxLease: PT0.999S (expected: PT1S..PT8760H)");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> PostgresChannel.create(database, "a".repeat(257)))
          .withMessage("name: 257 characters (expected: 1..256, none of them U+0000)");
    }
  }

  private void send(Message<byte[]> message) {
    channel.send(message).block(PATIENCE);
  }

  private void consume(Queue<String> bodies) {
    consumers.add(
        channel
            .receive(ReceiveOptions.defaults())
            .subscribe(
                delivery -> {
                  bodies.add(body(delivery));
                  delivery.settlement().settle(Outcome.ack());
                }));
  }

  private long query(String sql) {
    return count(sql).blockOptional(PATIENCE).orElseThrow();
  }

  private Mono<Long> count(String sql) {
    return database
        .db()
        .run(
            "test",
            connection ->
                Db.rows(
                        connection.createStatement(database.sql(sql)),
                        row -> row.get(0, Long.class))
                    .single());
  }

  private void execute(String sql) {
    database
        .db()
        .run("test", connection -> Db.count(connection.createStatement(database.sql(sql))))
        .block(PATIENCE);
  }

  private static Message<byte[]> message(String body) {
    return Message.of(body.getBytes(StandardCharsets.UTF_8));
  }

  private static String body(Delivery<byte[]> delivery) {
    return new String(delivery.message().payload(), StandardCharsets.UTF_8);
  }

  static void await(String what, BooleanSupplier condition) {
    long end = System.nanoTime() + PATIENCE.toNanos();
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() - end > 0) {
        throw new AssertionError("not within " + PATIENCE + ": " + what);
      }
      LockSupport.parkNanos(2_000_000);
    }
  }
}

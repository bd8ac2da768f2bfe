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

import dev.sluice.channel.Outbound;
import dev.sluice.channel.Receipt;
import dev.sluice.channel.SendFailed;
import dev.sluice.message.Message;
import io.r2dbc.spi.Connection;
import io.r2dbc.spi.ConnectionFactories;
import io.r2dbc.spi.ConnectionFactory;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import reactor.core.Disposable;
import reactor.core.publisher.Mono;

class PostgresOutboxTest {

  private static final Duration PATIENCE = Duration.ofSeconds(60);

  private final String schema = Server.freshSchema();
  private final PostgresDatabase database = Server.connect(p -> p.schema(schema).connections(6));
  private final PostgresOutbox outbox = PostgresOutbox.create(database, "orders");
  private final ConnectionFactory user = ConnectionFactories.get(Server.postgres().r2dbcUrl());
  private final Target target = new Target();
  private final List<Disposable> relays = new ArrayList<>();

  @AfterEach
  void close() {
    relays.forEach(Disposable::dispose);
    PostgresChannelTest.await("no connection", () -> database.connections().inUse() == 0);
    database.close().block(PATIENCE);
  }

  @Test
  void sendsWhatWasCommittedInTheOrderOfATransaction() {
    Message<byte[]> first = message("a").withGroup("x").withHeader("tenant", "north");
    Connection transaction = begin();
    run(outbox.append(transaction, first));
    run(outbox.append(transaction, message("b")));
    relay();
    run(transaction.commitTransaction());
    PostgresChannelTest.await("both", () -> target.sent.size() == 2);
    assertThat(target.bodies()).containsExactly("a", "b");
    assertThat(target.sent.peek()).isEqualTo(first);
    PostgresChannelTest.await("nothing to be left", () -> backlog() == 0);
    run(transaction.close());
  }

  @Test
  void sendsNothingThatWasRolledBack() {
    Connection transaction = begin();
    run(outbox.append(transaction, message("never")));
    run(transaction.rollbackTransaction());
    run(transaction.beginTransaction());
    run(outbox.append(transaction, message("a")));
    run(transaction.commitTransaction());
    relay();
    PostgresChannelTest.await("one", () -> !target.sent.isEmpty());
    assertThat(target.bodies()).containsExactly("a");
    run(transaction.close());
  }

  /** Transactions interleave, and commit in the order of their numbers or in the opposite one. */
  @Test
  void skipsNoTransactionThatCommitsLate() {
    long seed = Long.getLong("sluice.seed", ThreadLocalRandom.current().nextLong());
    Random random = new Random(seed);
    relay();
    List<String> appended = new ArrayList<>();
    List<Connection> connections = List.of(connect(), connect());
    for (int round = 0; round < 60; round++) {
      List<Integer> order = random.nextBoolean() ? List.of(0, 1) : List.of(1, 0);
      for (int who : List.of(0, 1)) {
        run(connections.get(who).beginTransaction());
        int writes = 1 + random.nextInt(3);
        for (int i = 0; i < writes; i++) {
          String body = round + " " + who + " " + i;
          run(outbox.append(connections.get(who), message(body)));
          appended.add(body);
        }
      }
      run(connections.get(order.get(0)).commitTransaction());
      if (random.nextInt(3) == 0) { // the relay reads between the two
        Mono.delay(Duration.ofMillis(random.nextInt(120))).block(PATIENCE);
      }
      run(connections.get(order.get(1)).commitTransaction());
    }
    PostgresChannelTest.await(
        "all of them, seed " + seed, () -> target.sent.size() >= appended.size());
    assertThat(target.bodies()).as("seed %s", seed).isEqualTo(appended);
    connections.forEach(connection -> run(connection.close()));
  }

  @Test
  void sendsAgainWhatTheTargetDidNotTakeAndKeepsTheOrder() {
    target.refusals.set(3);
    Connection transaction = begin();
    for (int i = 0; i < 10; i++) {
      run(outbox.append(transaction, message("" + i)));
    }
    run(transaction.commitTransaction());
    relay();
    PostgresChannelTest.await("all of them", () -> new HashSet<>(target.bodies()).size() == 10);
    assertThat(target.bodies().stream().distinct().map(Integer::valueOf)).isSorted();
    run(transaction.close());
  }

  @Test
  void hasOneRelayAtWorkAndAnotherTakesOver() {
    relay();
    relay();
    Connection connection = connect();
    for (int round = 0; round < 2; round++) {
      for (int i = 0; i < 50; i++) {
        run(connection.beginTransaction());
        run(outbox.append(connection, message(round + " " + i)));
        run(connection.commitTransaction());
      }
      int expected = (round + 1) * 50;
      PostgresChannelTest.await("all of them", () -> target.sent.size() >= expected);
      PostgresChannelTest.await("nothing to be left", () -> backlog() == 0);
      relays.get(round).dispose();
    }
    assertThat(target.bodies()).hasSize(100).doesNotHaveDuplicates();
    run(connection.close());
  }

  /** Released, which one can see, and not just over. */
  @Test
  void leavesNoLeaseBehindWhenARelayIsCancelledWhileItBegins() {
    for (int i = 0; i < 20; i++) {
      outbox.relay(target).subscribe().dispose();
    }
    PostgresChannelTest.await("the lease to be there", () -> leases("true") == 1);
    PostgresChannelTest.await("its release", () -> leases("until = '-infinity'") == 1);
  }

  private long leases(String condition) {
    String sql = database.sql("select count(*) from {schema}.sl_lease where " + condition);
    return database
        .db()
        .run(
            "count leases",
            connection ->
                Db.rows(connection.createStatement(sql), row -> row.get(0, Long.class)).single())
        .blockOptional(PATIENCE)
        .orElseThrow();
  }

  @Test
  void tellsWhatWaitsAndWhatHoldsItUp() {
    Connection transaction = begin();
    run(outbox.append(transaction, message("a")));
    Connection other = begin();
    run(outbox.append(other, message("b")));
    run(other.commitTransaction());
    PostgresOutbox.Backlog backlog = outbox.backlog().block(PATIENCE);
    assertThat(backlog.messages()).isOne();
    assertThat(backlog.oldestTransaction()).isPositive();
    run(transaction.rollbackTransaction());
    run(transaction.close());
    run(other.close());
  }

  @Test
  void mustHaveAName() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> PostgresOutbox.create(database, " "))
        .withMessage("name: ' ' (expected: 1..128 characters, not blank)");
  }

  private void relay() {
    relays.add(outbox.relay(target).subscribe());
  }

  private long backlog() {
    return outbox.backlog().blockOptional(PATIENCE).orElseThrow().messages();
  }

  private Connection connect() {
    return Mono.<Connection>from(user.create()).blockOptional(PATIENCE).orElseThrow();
  }

  private Connection begin() {
    Connection connection = connect();
    run(connection.beginTransaction());
    return connection;
  }

  private static void run(org.reactivestreams.Publisher<Void> publisher) {
    Mono.from(publisher).block(PATIENCE);
  }

  private static Message<byte[]> message(String body) {
    return Message.of(body.getBytes(StandardCharsets.UTF_8));
  }

  private static final class Target implements Outbound<byte[]> {

    final Queue<Message<byte[]>> sent = new ConcurrentLinkedQueue<>();
    final AtomicInteger refusals = new AtomicInteger();

    List<String> bodies() {
      return sent.stream()
          .map(message -> new String(message.payload(), StandardCharsets.UTF_8))
          .toList();
    }

    @Override
    public String name() {
      return "target";
    }

    @Override
    public Mono<Receipt> send(Message<byte[]> message) {
      return Mono.fromCallable(
          () -> {
            String body = new String(message.payload(), StandardCharsets.UTF_8);
            if (body.equals("5") && refusals.getAndUpdate(n -> Math.max(0, n - 1)) > 0) {
              throw SendFailed.notSent(name(), "refused", null);
            }
            sent.add(message);
            return new Receipt(name(), message.id(), "" + sent.size());
          });
    }
  }
}

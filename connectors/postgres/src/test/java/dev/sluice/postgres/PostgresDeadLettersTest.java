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

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.channel.BrowseQuery;
import dev.sluice.channel.DeadLetterHeaders;
import dev.sluice.channel.Outbound;
import dev.sluice.channel.Receipt;
import dev.sluice.channel.Waiting;
import dev.sluice.contract.DeadLettersContract;
import dev.sluice.deadletter.DeadLettering;
import dev.sluice.deadletter.Redriver;
import dev.sluice.message.Headers;
import dev.sluice.message.Message;
import dev.sluice.store.DeadLetter;
import dev.sluice.store.DeadLetterQuery;
import dev.sluice.store.DeadLetters;
import dev.sluice.store.DeadLetters.Claimed;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

class PostgresDeadLettersTest extends DeadLettersContract {

  private static final Duration PATIENCE = Duration.ofMinutes(2);

  private static PostgresDatabase database;

  @BeforeAll
  static void connect() {
    database = Server.connect(p -> p.schema(Server.freshSchema()));
  }

  @AfterAll
  static void close() {
    database.close().block(Duration.ofSeconds(30));
  }

  @Override
  protected DeadLetters store() {
    return PostgresDeadLetters.create(database);
  }

  @Override
  protected void awaitAge(String id, Duration age) {
    await(
        "select added_at <= statement_timestamp() - $2 * interval '1 microsecond'"
            + " from {schema}.sl_dead_letter where id = $1",
        id,
        age);
  }

  @Override
  protected void awaitEnd(Claimed claimed) {
    await(
        "select claimed_until <= statement_timestamp() - $2 * interval '1 microsecond'"
            + " from {schema}.sl_dead_letter where id = $1",
        claimed.letter().id(),
        Duration.ZERO);
  }

  private static void await(String sql, String id, Duration age) {
    database
        .db()
        .run(
            "await",
            connection ->
                Db.rows(
                        connection
                            .createStatement(database.sql(sql))
                            .bind("$1", Long.parseLong(id))
                            .bind("$2", Micros.of(age)),
                        row -> row.get(0, Boolean.class))
                    .single()
                    .repeat()
                    .takeUntil(over -> over)
                    .then())
        .block(Duration.ofSeconds(30));
  }

  // == sending back ==

  @Test
  void sendsEachOnceOrOnceMoreForEachRestart() {
    redriveAll(300, 3);
  }

  @Test
  @Tag("soak")
  void sendsEachOf10000OnceOrOnceMoreForEachRestart() {
    redriveAll(10_000, 10);
  }

  /** At a rate; the redriver is killed in the middle, at whatever it is doing, and restarted. */
  private static void redriveAll(int all, int kills) {
    DeadLetters letters = PostgresDeadLetters.create(database);
    PostgresChannel orders = PostgresChannel.create(database, "orders " + all);
    DeadLetterQuery ours = DeadLetterQuery.all().channel("redriven " + all);
    Flux.range(0, all)
        .flatMap(i -> letters.add(letter(ours, "letter-" + i, 0)), 16)
        .blockLast(PATIENCE);
    Redriver redriver =
        DeadLettering.redriver(
            letters, letter -> orders, r -> r.rate(2_000).lease(Duration.ofSeconds(1)));
    for (int kill = 1; kill <= kills; kill++) {
      long enough = (long) all * kill / (kills + 1);
      Disposable redrive = // what the one before had claimed may not be free yet
          redriver
              .redrive(ours)
              .repeatWhen(ended -> ended.delayElements(Duration.ofMillis(20)))
              .subscribe();
      PostgresChannelTest.await(enough + " to be sent", () -> depth(orders) >= enough);
      redrive.dispose();
    }
    PostgresChannelTest.await( // what a dead redriver had claimed is free when its lease ends
        "all of them",
        () -> {
          redriver.redrive(ours).block(PATIENCE);
          return letters.query(ours.limit(1)).hasElements().block(PATIENCE) == Boolean.FALSE;
        });
    Map<String, Integer> times = new HashMap<>();
    BrowseQuery page = BrowseQuery.all().limit(1_000);
    List<Waiting> found = orders.browse(page).collectList().block(PATIENCE);
    while (!found.isEmpty()) {
      found.forEach(waiting -> times.merge(text(waiting.message()), 1, Integer::sum));
      page = page.after(found.get(found.size() - 1).position());
      found = orders.browse(page).collectList().block(PATIENCE);
    }
    assertThat(times).hasSize(all);
    assertThat(times.values().stream().mapToInt(sent -> sent).sum() - all).isBetween(0, kills);
  }

  /** What dies again comes back to the dead letters, until it has done so often enough. */
  @Test
  void endsThePingPong() {
    DeadLetters letters = PostgresDeadLetters.create(database);
    DeadLetterQuery ours = DeadLetterQuery.all().channel("ping-pong");
    for (int i = 0; i < 10; i++) {
      letters.add(letter(ours, "letter-" + i, 0)).block(PATIENCE);
    }
    AtomicInteger sends = new AtomicInteger();
    Outbound<byte[]> deadly =
        new Outbound<>() {
          @Override
          public String name() {
            return "deadly";
          }

          @Override
          public Mono<Receipt> send(Message<byte[]> message) {
            sends.incrementAndGet();
            int redrives = Integer.parseInt(message.headers().get(DeadLetterHeaders.REDRIVES));
            return letters
                .add(letter(ours, text(message), redrives))
                .map(id -> new Receipt("deadly", message.id(), id));
          }
        };
    Redriver redriver =
        DeadLettering.redriver(letters, letter -> deadly, r -> r.rate(1_000).maxRedrives(3));
    assertThat(redriver.redrive(ours).block(PATIENCE)).isEqualTo(30);
    assertThat(redriver.redrive(ours).block(PATIENCE)).isZero();
    assertThat(sends).hasValue(30);
    assertThat(letters.query(ours).map(DeadLetter::redrives).collectList().block(PATIENCE))
        .hasSize(10)
        .containsOnly(3);
  }

  private static long depth(PostgresChannel channel) {
    return channel.depth().block(PATIENCE);
  }

  private static String text(Message<byte[]> message) {
    return new String(message.payload(), UTF_8);
  }

  private static Message<byte[]> letter(DeadLetterQuery of, String text, int redrives) {
    return Message.of(text.getBytes(UTF_8))
        .withHeaders(
            Headers.empty()
                .withReserved(DeadLetterHeaders.CHANNEL, of.channel())
                .withReserved(DeadLetterHeaders.REASON, "POISON")
                .withReserved(DeadLetterHeaders.REDRIVES, Integer.toString(redrives)));
  }
}

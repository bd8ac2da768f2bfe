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

import dev.sluice.channel.Receipt;
import dev.sluice.message.Message;
import dev.sluice.postgres.LaneClaim.Lane;
import dev.sluice.postgres.LaneClaim.Numbered;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.core.scheduler.Schedulers;

/**
 * The statements of the ordered groups by themselves: four consumers, producers beside them, groups
 * that run empty and fill again all the time.
 */
class LaneClaimTest {

  private static final Duration PATIENCE = Duration.ofSeconds(90);

  /** So long that nothing of which the lease has to end is done in time. */
  private static final long LEASE = Duration.ofHours(1).toNanos();

  private static final int GROUPS = 200;
  private static final int CONSUMERS = 4;
  private static final int PRODUCERS = 3;
  private static final int EACH = 4_000;

  private PostgresDatabase database;

  @BeforeEach
  void connect() {
    database = Server.connect(p -> p.schema(Server.freshSchema()).connections(10));
  }

  @AfterEach
  void close() {
    database.close().block(PATIENCE);
  }

  @Test
  void losesNothingKeepsTheOrderAndLetsOneInAtATime() {
    long seed = Long.getLong("sluice.seed", ThreadLocalRandom.current().nextLong());
    Book book = new Book();
    List<Mono<Void>> everybody = new ArrayList<>();
    for (int i = 0; i < PRODUCERS; i++) {
      everybody.add(produce(i, new Random(seed + i), book));
    }
    for (int i = 0; i < CONSUMERS; i++) {
      everybody.add(consume(new Random(seed - 1 - i), book));
    }
    Flux.merge(Flux.fromIterable(everybody), everybody.size(), 1)
        .then()
        .as(all -> all.thenReturn(true))
        .block(PATIENCE);
    assertThat(book.violations).as("seed %s", seed).isEmpty();
    assertThat(book.consumed).as("seed %s", seed).hasValue(PRODUCERS * EACH);
  }

  @Test
  void givesBackAnEmptyLaneThatSomebodyElseHasLockedForAMoment() {
    Sender sender =
        new Sender(
            "lanes",
            new Enqueue(database, "lanes", Duration.ofMinutes(1)),
            Schedulers.parallel(),
            () -> {});
    sender.send(Message.of(new byte[0]).withGroup("x")).block(PATIENCE);
    LaneClaim claims = new LaneClaim(database, "lanes");
    Lane lane = claims.claim(1, LEASE).blockOptional(PATIENCE).orElseThrow().get(0);
    claims.fetch(List.of(lane), 1).block(PATIENCE);
    new LaneSettle(database, "lanes")
        .move(List.of(LaneSettle.Move.past(lane, lane.messages.remove().seq())))
        .block(PATIENCE);
    Lane empty = claims.claim(1, LEASE).blockOptional(PATIENCE).orElseThrow().get(0);
    assertThat(claims.fetch(List.of(empty), 1).block(PATIENCE)).containsExactly(empty);
    Sinks.Empty<Void> moment = Sinks.empty();
    Sinks.Empty<Void> locked = Sinks.empty();
    Mono<Boolean> somebody =
        database
            .db()
            .transaction(
                "test",
                connection ->
                    Db.count(
                            connection.createStatement(
                                database.sql("select from {schema}.sl_lane for update")))
                        .doOnNext(rows -> locked.tryEmitEmpty())
                        .then(moment.asMono())
                        .thenReturn(true));
    Mono<Void> rest =
        locked
            .asMono()
            .then(
                Mono.when(
                    claims.rest(List.of(empty)),
                    Mono.delay(Duration.ofMillis(100)).doOnNext(t -> moment.tryEmitEmpty())));
    Mono.when(somebody, rest).block(PATIENCE);
    assertThat(
            database
                .db()
                .run(
                    "test",
                    connection ->
                        Db.rows(
                                connection.createStatement(
                                    database.sql(
                                        "select count(*) from {schema}.sl_lane where claim is null")),
                                row -> row.get(0, Long.class))
                            .single())
                .block(PATIENCE))
        .isOne();
  }

  private Mono<Void> produce(int producer, Random random, Book book) {
    Sender sender =
        new Sender(
            "lanes",
            new Enqueue(database, "lanes", Duration.ofMinutes(1)),
            Schedulers.parallel(),
            () -> {});
    Map<String, Integer> numbers = new ConcurrentHashMap<>();
    return Flux.range(0, EACH)
        .map(
            i -> {
              String group = "g" + random.nextInt(GROUPS);
              String body = producer + " " + numbers.merge(group, 1, Integer::sum);
              return Message.of(body.getBytes(StandardCharsets.UTF_8)).withGroup(group);
            })
        .flatMapSequential(sender::send, 1 + random.nextInt(64), 1)
        .map(Receipt::position)
        .doOnNext(book.positions::add)
        .then();
  }

  private Mono<Void> consume(Random random, Book book) {
    LaneClaim claims = new LaneClaim(database, "lanes");
    LaneSettle settles = new LaneSettle(database, "lanes");
    Mono<Void> turn =
        Mono.defer(
            () -> {
              int n = 1 + random.nextInt(32);
              int each = 1 + random.nextInt(10);
              return claims
                  .claim(n, LEASE)
                  .flatMap(
                      lanes ->
                          claims
                              .fetch(lanes, each)
                              .flatMap(
                                  empty ->
                                      (empty.isEmpty() ? Mono.<Void>empty() : claims.rest(empty))
                                          .then(Mono.defer(() -> work(lanes, settles, book)))));
            });
    return turn.repeat(() -> book.consumed.get() < PRODUCERS * EACH && book.violations.isEmpty())
        .then();
  }

  /** All lanes at once, the messages of each in their order. */
  private static Mono<Void> work(List<Lane> lanes, LaneSettle settles, Book book) {
    lanes.forEach(lane -> book.enter(lane));
    int rounds = lanes.stream().mapToInt(lane -> lane.messages.size()).max().orElse(0);
    return Flux.fromStream(IntStream.range(0, rounds).boxed())
        .concatMap(
            round -> {
              List<LaneSettle.Move> moves = new ArrayList<>();
              for (Lane lane : lanes) {
                Numbered message = lane.messages.poll();
                if (message != null) {
                  book.worked(lane.key, message.message());
                  boolean last = lane.messages.isEmpty();
                  if (last) {
                    book.leave(lane);
                  }
                  moves.add(
                      last
                          ? LaneSettle.Move.past(lane, message.seq())
                          : LaneSettle.Move.on(lane, message.seq()));
                }
              }
              return settles
                  .move(moves)
                  .doOnNext(
                      owned -> {
                        if (owned.size() != moves.size()) {
                          book.violations.add(moves.size() + " moves, of which ours " + owned);
                        }
                      });
            },
            1)
        .then();
  }

  /** What happened to whom. */
  private static final class Book {
    final AtomicInteger consumed = new AtomicInteger();
    final List<String> violations = java.util.Collections.synchronizedList(new ArrayList<>());
    final java.util.Set<String> positions = ConcurrentHashMap.newKeySet();
    private final Map<String, Long> inside = new ConcurrentHashMap<>();
    private final Map<String, Integer> last = new ConcurrentHashMap<>();

    void enter(Lane lane) {
      Long other = lane.messages.isEmpty() ? null : inside.putIfAbsent(lane.key, lane.claim);
      if (other != null) {
        violations.add(lane.key + ": claim " + lane.claim + " beside " + other);
      }
    }

    void leave(Lane lane) {
      inside.remove(lane.key, lane.claim);
    }

    void worked(String group, Stored message) {
      String[] body = new String(message.body, StandardCharsets.UTF_8).split(" ", -1);
      int number = Integer.parseInt(body[1]);
      Integer before = last.put(group + " of " + body[0], number);
      if (number != (before == null ? 1 : before + 1)) {
        violations.add(group + " of " + body[0] + ": " + number + " after " + before);
      }
      consumed.incrementAndGet();
    }
  }
}

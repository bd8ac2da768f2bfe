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
package dev.sluice.bridges;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.bridge.Bridge;
import dev.sluice.bridge.BridgeSpec;
import dev.sluice.channel.Channel;
import dev.sluice.channel.FlowHandle;
import dev.sluice.channel.Outbound;
import dev.sluice.codec.StringCodec;
import dev.sluice.embedded.EmbeddedKafka;
import dev.sluice.embedded.EmbeddedPostgres;
import dev.sluice.kafka.KafkaChannel;
import dev.sluice.memory.MemoryChannel;
import dev.sluice.message.Message;
import dev.sluice.postgres.PostgresChannel;
import dev.sluice.postgres.PostgresDatabase;
import dev.sluice.postgres.PostgresTopic;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.util.retry.Retry;

/** Bridges between memory, PostgreSQL and Kafka, with targets that go away. */
class BridgesTest {

  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final int GROUPS = 50;
  private static final int WINDOW = 64;

  private static EmbeddedKafka kafka;
  private static EmbeddedPostgres postgres;
  private static PostgresDatabase database;

  @BeforeAll
  static void start() {
    kafka = EmbeddedKafka.create().start();
    postgres = EmbeddedPostgres.create().start();
    database =
        Objects.requireNonNull(
            PostgresDatabase.connect(
                    postgres.r2dbcUrl(),
                    p -> p.connections(12).acquireTimeout(Duration.ofSeconds(60)))
                .block(PATIENCE));
  }

  @AfterAll
  static void stop() {
    database.close().block(PATIENCE);
    postgres.close();
    kafka.close();
  }

  private static KafkaChannel topic(String name, String group) {
    return KafkaChannel.create(
        s ->
            s.bootstrapServers(kafka.bootstrapServers())
                .topic(name)
                .group(group)
                .deliveryTimeout(Duration.ofSeconds(2))
                .commitInterval(Duration.ofMillis(50)));
  }

  private static String fresh(String name) {
    return name + '-' + UUID.randomUUID();
  }

  private static Message<byte[]> message(String side, int i) {
    return Message.builder(String.format("%-8s%08d", side, i).getBytes(StandardCharsets.UTF_8))
        .contentType(StringCodec.utf8().contentType())
        .group(side + i % GROUPS)
        .header("side", side)
        .header("number", Integer.toString(i / GROUPS))
        .build();
  }

  private static BridgeSpec options(BridgeSpec spec, Outbound<byte[]> dead) {
    return spec.window(WINDOW)
        .probe(Duration.ofMillis(50), Duration.ofMillis(500))
        .flow(
            f ->
                f.deadLetter(dead)
                    .lease(Duration.ofSeconds(10))
                    .restart(Retry.backoff(Long.MAX_VALUE, Duration.ofMillis(200))));
  }

  @Test
  void backAndForthNothingIsLostDisorderedOrComesBack() {
    backAndForth(Integer.getInteger("bridge.messages.short", 400), 2, false);
  }

  @Test
  @Tag("soak")
  void backAndForthUnderManyMessagesAndOutages() {
    backAndForth(
        Integer.getInteger("bridge.messages", 50_000),
        Integer.getInteger("bridge.outages", 10),
        true);
  }

  /**
   * Each side has so many messages for the other one, and goes away so often. A side is a topic:
   * the bridge back gets what has just crossed too, and must not send it back.
   *
   * @param servers whether the servers themselves go away too, which are sources as well
   */
  private void backAndForth(int messages, int outages, boolean servers) {
    String legacy = fresh("legacy");
    kafka.createTopic(legacy, 4);
    KafkaChannel bsm = topic(legacy, "bridge");
    PostgresTopic bags = PostgresTopic.create(database, fresh("bags"));
    PostgresChannel bridgeOfBags = subscription(bags, "bridge");
    KafkaChannel witnessOfBsm = topic(legacy, "witness");
    Witness there = new Witness(subscription(bags, "witness"));
    Witness here = new Witness(witnessOfBsm);
    Cut toBags = new Cut(bags);
    Cut toBsm = new Cut(bsm);
    MemoryChannel dead = MemoryChannel.create("dead");
    Bridge.Pair pair =
        Bridge.bothWays(
            "bags",
            new Bridge.Side("legacy", bsm, toBsm),
            new Bridge.Side("airport", bridgeOfBags, toBags),
            b ->
                options(b, dead)
                    .translate(StringCodec.utf8(), t -> '{' + t + '}', StringCodec.utf8()),
            b -> options(b, dead));
    FlowHandle forth = pair.there().start();
    FlowHandle back = pair.back().start();

    // What is supplied again because it was not answered in time may be there twice.
    AtomicInteger moreThere = new AtomicInteger();
    AtomicInteger moreHere = new AtomicInteger();
    int part = messages / (outages + 1);
    for (int i = 0; i <= outages; i++) {
      int from = i * part;
      int to = i == outages ? messages : from + part;
      Mono<Void> supply =
          Mono.when(
                  supply("legacy", bsm, from, to, moreThere),
                  supply("airport", bags, from, to, moreHere))
              .cache();
      if (i == 0) {
        supply.subscribe();
      } else if (servers && i % 3 == 1) {
        postgres.kill();
        supply.subscribe();
        await("PostgreSQL to be missed", () -> !pair.there().health().isUp());
        postgres.start();
      } else if (servers && i % 3 == 2) {
        kafka.stop();
        supply.subscribe();
        await("Kafka to be missed", () -> !pair.back().health().isUp());
        kafka.start();
      } else {
        outage(i, pair, List.of(toBags, toBsm), supply);
      }
      awaitHalf(pair, to, part);
      supply.block(PATIENCE); // the next part is behind it
    }
    Duration enough = Duration.ofSeconds(60 + messages / 100);
    await("all to cross there", enough, () -> there.distinct() == 2 * messages);
    await("all to cross back", enough, () -> here.distinct() == 2 * messages);
    await("all echoes there", enough, () -> pair.back().health().echoes() >= messages);
    await("all echoes back", enough, () -> pair.there().health().echoes() >= messages);

    int more = servers ? outages * (WINDOW + GROUPS) : 0; // a supply that is not answered, too
    there.verify("legacy", messages, toBags.unanswered() + moreThere.get() + more);
    here.verify("airport", messages, toBsm.unanswered() + moreHere.get() + more);
    assertThat(dead.depth().block(PATIENCE)).isZero();
    there.end();
    here.end();
    forth.stop(Duration.ofSeconds(5)).block(PATIENCE);
    back.stop(Duration.ofSeconds(5)).block(PATIENCE);
    bsm.close().block(PATIENCE);
    witnessOfBsm.close().block(PATIENCE);
  }

  private static PostgresChannel subscription(PostgresTopic topic, String name) {
    return Objects.requireNonNull(topic.subscribe(name, s -> s).block(PATIENCE));
  }

  /** By turns nothing gets to the targets, and nothing comes back from them. */
  private static void outage(int number, Bridge.Pair pair, List<Cut> cuts, Mono<Void> supply) {
    long there = pair.there().health().outages();
    long back = pair.back().health().outages();
    cuts.forEach(number % 2 == 0 ? Cut::there : Cut::back);
    supply.subscribe();
    await("the outage there to be noticed", () -> pair.there().health().outages() > there);
    await("the outage back to be noticed", () -> pair.back().health().outages() > back);
    await(
        "probes",
        () ->
            pair.there().health().consecutiveFailures() > 2
                && pair.back().health().consecutiveFailures() > 2);
    cuts.forEach(Cut::mend);
  }

  /** The next outage comes in the middle of things. */
  private static void awaitHalf(Bridge.Pair pair, int sent, int part) {
    long due = sent - part / 2;
    await("half to cross there", () -> pair.there().health().crossed() >= due);
    await("half to cross back", () -> pair.back().health().crossed() >= due);
  }

  private static Mono<Void> supply(
      String side, Outbound<byte[]> to, int from, int end, AtomicInteger again) {
    return Flux.range(from, end - from)
        .map(i -> message(side, i))
        .groupBy(Message::group)
        .flatMap(
            group ->
                group.concatMap(
                    message ->
                        Mono.defer(() -> to.send(message))
                            .retryWhen(
                                Retry.fixedDelay(Long.MAX_VALUE, Duration.ofMillis(100))
                                    .doBeforeRetry(failed -> again.incrementAndGet()))),
            GROUPS)
        .then();
  }

  @Test
  void fromMemoryOverKafkaAndPostgresToMemory() {
    String name = fresh("relay");
    kafka.createTopic(name, 2);
    KafkaChannel topic = topic(name, "relay");
    PostgresChannel queue = PostgresChannel.create(database, fresh("queue"));
    MemoryChannel first = MemoryChannel.create("first");
    MemoryChannel last = MemoryChannel.create("last");
    MemoryChannel dead = MemoryChannel.create("dead");
    List<FlowHandle> bridges =
        List.of(
            relay("1", first, topic, dead),
            relay("2", topic, queue, dead),
            relay("3", queue, last, dead));
    int messages = 200;
    Flux.fromStream(IntStream.range(0, messages).mapToObj(i -> message("first", i)))
        .concatMap(first::send)
        .then()
        .block(PATIENCE);
    Witness witness = new Witness(last);
    await("all to arrive", () -> witness.distinct() == messages);
    witness.verify("first", messages, 0);
    assertThat(dead.depth().block(PATIENCE)).isZero();
    witness.end();
    bridges.forEach(handle -> handle.stop(Duration.ofSeconds(5)).block(PATIENCE));
    topic.close().block(PATIENCE);
  }

  private static FlowHandle relay(
      String name, Channel from, Outbound<byte[]> to, Outbound<byte[]> dead) {
    return Bridge.between(name, from, to, b -> options(b, dead)).start();
  }

  private static void await(String what, BooleanSupplier condition) {
    await(what, PATIENCE, condition);
  }

  private static void await(String what, Duration patience, BooleanSupplier condition) {
    long end = System.nanoTime() + patience.toNanos();
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() - end > 0) {
        throw new AssertionError("not within " + patience + ": " + what);
      }
      LockSupport.parkNanos(5_000_000);
    }
  }
}

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
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.channel.ReceiveOptions;
import dev.sluice.delivery.Delivery;
import dev.sluice.delivery.Outcome;
import dev.sluice.message.Message;
import dev.sluice.message.TypePattern;
import dev.sluice.store.StoreFailed;
import dev.sluice.test.MeterReadings;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

class PostgresTopicTest {

  private static final Duration PATIENCE = Duration.ofSeconds(60);

  private final PostgresDatabase database =
      Server.connect(p -> p.schema(Server.freshSchema()).connections(6));
  private final PostgresTopic topic = PostgresTopic.create(database, "flights");
  private final List<Disposable> consumers = new ArrayList<>();

  @AfterEach
  void close() {
    consumers.forEach(Disposable::dispose);
    PostgresChannelTest.await("no connection", () -> database.connections().inUse() == 0);
    database.close().block(PATIENCE);
  }

  private static Message<byte[]> message(String payload) {
    return Message.of(payload.getBytes(StandardCharsets.UTF_8));
  }

  private PostgresChannel subscribe(String name, UnaryOperator<SubscriptionSpec> spec) {
    return topic.subscribe(name, spec).block(PATIENCE);
  }

  private String publish(Message<byte[]> message) {
    return topic.send(message).block(PATIENCE).position();
  }

  private Queue<String> consume(PostgresChannel channel) {
    Queue<String> got = new ConcurrentLinkedQueue<>();
    consumers.add(
        channel
            .receive(ReceiveOptions.defaults())
            .subscribe(
                delivery -> {
                  got.add(text(delivery));
                  delivery.settlement().settle(Outcome.ack());
                }));
    return got;
  }

  private static String text(Delivery<byte[]> delivery) {
    return new String(delivery.message().payload(), StandardCharsets.UTF_8);
  }

  @Test
  void everySubscriptionGetsWhatItWants() {
    PostgresChannel all = subscribe("all", s -> s);
    PostgresChannel delays = subscribe("delays", s -> s.types("flight.*.delayed", "weather"));
    PostgresChannel carrier = subscribe("b6", s -> s.where("$.carrier ? (@ == \"B6\")"));
    PostgresChannel both =
        subscribe("both", s -> s.types("flight.**").where("$.carrier ? (@ == \"B6\")"));
    Message<byte[]> a = message("a").withType("flight.1.delayed").withHeader("carrier", "B6");
    assertThat(publish(a)).isEqualTo("4");
    assertThat(publish(message("b").withType("flight.2.delayed").withGroup("2"))).isEqualTo("2");
    assertThat(publish(message("c").withType("flight.3.landed").withGroup("3"))).isEqualTo("1");
    assertThat(publish(message("d").withType("weather"))).isEqualTo("2");
    assertThat(publish(message("e").withHeader("carrier", "B6").withGroup("5"))).isEqualTo("2");

    Queue<String> toAll = consume(all);
    Queue<String> toDelays = consume(delays);
    Queue<String> toCarrier = consume(carrier);
    Queue<String> toBoth = consume(both);
    PostgresChannelTest.await(
        "all copies",
        () ->
            toAll.size() == 5
                && toDelays.size() == 3
                && toCarrier.size() == 2
                && toBoth.size() == 1);
    assertThat(toAll).containsExactlyInAnyOrder("a", "b", "c", "d", "e");
    assertThat(toDelays).containsExactlyInAnyOrder("a", "b", "d");
    assertThat(toCarrier).containsExactlyInAnyOrder("a", "e");
    assertThat(toBoth).containsExactly("a");
  }

  @Test
  void aCopyIsTheMessage() {
    PostgresChannel channel = subscribe("all", s -> s);
    Message<byte[]> message =
        message("a").withType("flight.1").withGroup("x").withHeader("tenant", "north");
    publish(message);
    Queue<Message<byte[]>> got = new ConcurrentLinkedQueue<>();
    consumers.add(
        channel
            .receive(ReceiveOptions.defaults())
            .subscribe(
                delivery -> {
                  got.add(delivery.message());
                  delivery.settlement().settle(Outcome.ack());
                }));
    PostgresChannelTest.await("the copy", () -> got.size() == 1);
    assertThat(got.peek()).isEqualTo(message);
  }

  @Test
  void whatNobodyWantsIsNotKept() {
    assertThat(publish(message("a"))).isEqualTo("0");
    PostgresChannel late = subscribe("late", s -> s);
    assertThat(late.depth().block(PATIENCE)).isZero();
    assertThat(publish(message("b").withGroup("x"))).isEqualTo("1");
    assertThat(late.depth().block(PATIENCE)).isEqualTo(1);
  }

  /** Each subscription has the order of each group, whoever else does not consume, or fails. */
  @Test
  void oneThatIsStuckAndOneThatFailsAreNotFelt() {
    subscribe("stuck", s -> s); // nobody consumes
    PostgresChannel broken = subscribe("broken", s -> s);
    Queue<String> refused = new ConcurrentLinkedQueue<>();
    consumers.add(
        broken
            .receive(ReceiveOptions.defaults())
            .subscribe(
                delivery -> {
                  refused.add(text(delivery));
                  delivery.settlement().settle(Outcome.retry(Duration.ofHours(1), null));
                }));
    List<Queue<String>> others =
        IntStream.range(0, 3).mapToObj(i -> consume(subscribe("s" + i, s -> s))).toList();
    List<String> sent = IntStream.range(0, 300).mapToObj(i -> "g" + i % 7 + " " + i).toList();
    topic
        .sendAll(Flux.fromIterable(sent).map(m -> message(m).withGroup(m.substring(0, 2))))
        .then()
        .block(PATIENCE);
    PostgresChannelTest.await("all", () -> others.stream().allMatch(q -> q.size() == 300));
    for (Queue<String> other : others) {
      for (int g = 0; g < 7; g++) {
        String group = "g" + g;
        assertThat(other.stream().filter(m -> m.startsWith(group)))
            .containsExactlyElementsOf(sent.stream().filter(m -> m.startsWith(group)).toList());
      }
    }
    PostgresChannelTest.await("its heads", () -> refused.size() == 7);
    assertThat(topic.subscription("stuck").depth().block(PATIENCE)).isEqualTo(300);
    Queue<String> late = consume(topic.subscription("stuck"));
    PostgresChannelTest.await("what was kept", () -> late.size() == 300);
  }

  @Test
  void itsNumbersTellWhatBecameOfWhatWasPublished() {
    subscribe("a", s -> s.types("a"));
    subscribe("all", s -> s.types("a", "b"));
    publish(message("1").withType("a"));
    publish(message("2").withType("b").withGroup("x"));
    publish(message("3").withType("c"));
    assertThat(MeterReadings.of(topic).read())
        .containsEntry("sluice.topic.published{topic=flights}", 3.0)
        .containsEntry("sluice.topic.copied{topic=flights}", 3.0)
        .containsEntry("sluice.topic.unwanted{topic=flights}", 1.0)
        .containsEntry("sluice.postgres.sends.waiting{channel=flights}", 0.0);
  }

  @Test
  void whatASubscriptionWantsCanBeChanged() {
    subscribe("s", s -> s.types("a"));
    subscribe("s", s -> s.types("b"));
    assertThat(publish(message("1").withType("a"))).isEqualTo("0");
    assertThat(publish(message("2").withType("b"))).isEqualTo("1");
    assertThat(topic.subscriptions().block(PATIENCE)).containsExactly("s");
  }

  @Test
  void aSubscriptionThatHasEndedLeavesNothing() {
    PostgresChannel channel = subscribe("s", s -> s);
    publish(message("1"));
    publish(message("2").withGroup("x"));
    assertThat(channel.depth().block(PATIENCE)).isEqualTo(2);
    assertThat(topic.unsubscribe("s").block(PATIENCE)).isTrue();
    assertThat(topic.unsubscribe("s").block(PATIENCE)).isFalse();
    assertThat(channel.depth().block(PATIENCE)).isZero();
    assertThat(publish(message("3"))).isEqualTo("0");
    assertThat(topic.subscriptions().block(PATIENCE)).isEmpty();
  }

  /** While subscriptions come and go, nothing is left in a queue that has no subscription. */
  @Test
  void anEndThatRacesWithPublishersLeavesNothing() {
    for (int round = 0; round < 10; round++) {
      PostgresChannel channel = subscribe("s", s -> s);
      Mono<Void> publishing =
          Flux.range(0, 40)
              .flatMap(i -> topic.send(message("m").withGroup(i % 2 == 0 ? "g" + i : null)), 8)
              .then();
      Mono.when(publishing, topic.unsubscribe("s")).block(PATIENCE);
      assertThat(channel.depth().block(PATIENCE)).isZero();
    }
  }

  /** The database matches types as Java does. */
  @Test
  void patternsMeanTheSameInTheDatabase() {
    Random random = new Random(11);
    List<String> patterns = new ArrayList<>(List.of("**", "a.**.b", "*.*", "a+b.(c|d)", "ä.$"));
    for (int i = 0; i < 25; i++) {
      patterns.add(segments(random, "a", "b", "*", "**"));
    }
    for (int i = 0; i < patterns.size(); i++) {
      String pattern = patterns.get(i);
      subscribe("p" + i, s -> s.types(pattern));
    }
    List<String> types = new ArrayList<>(List.of("a+b.(c|d)", "aab.c", "ä.$", "a", "A.b"));
    for (int i = 0; i < 40; i++) {
      types.add(segments(random, "a", "b", "c"));
    }
    for (String type : types) {
      long wanted = patterns.stream().filter(p -> TypePattern.of(p).matches(type)).count();
      assertThat(publish(message("x").withType(type))).as(type).isEqualTo(Long.toString(wanted));
    }
  }

  private static String segments(Random random, String... from) {
    List<String> segments = new ArrayList<>();
    for (int n = 1 + random.nextInt(5); n > 0; n--) {
      segments.add(from[random.nextInt(from.length)]);
    }
    return String.join(".", segments);
  }

  /** A condition that cannot be evaluated selects nothing, and fails nobody. */
  @Test
  void aConditionNeverFailsThePublisher() {
    subscribe("odd", s -> s.where("$.weight.double() ? (@ > 20)"));
    subscribe("strict", s -> s.where("strict $.nothing.at.all"));
    assertThat(publish(message("x").withHeader("weight", "heavy"))).isEqualTo("0");
    assertThat(publish(message("x").withHeader("weight", "23"))).isEqualTo("1");
    assertThat(publish(message("x"))).isEqualTo("0");
  }

  @Test
  void refusesWhatPostgresCannotRead() {
    assertThatThrownBy(() -> subscribe("s", s -> s.where("$.carrier ? (")))
        .isInstanceOf(StoreFailed.class)
        .satisfies(e -> assertThat(((StoreFailed) e).isTemporary()).isFalse());
  }

  @Test
  void refusesNamesThatAreOutOfRange() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> PostgresTopic.create(database, " "))
        .withMessage("name: ' ' (expected: 1..127 characters, not blank)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> topic.subscription("a/b"))
        .withMessage("subscriber: 'a/b' (expected: without a slash)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> topic.subscribe("s", s -> s.types("a..b")))
        .withMessageContaining("a..b");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> topic.subscribe("s", s -> s.where(" ")))
        .withMessage("jsonPath: 1 characters (expected: 1..4000)");
  }
}

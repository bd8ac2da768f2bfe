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
package dev.sluice.pubsub;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.message.Message;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;
import java.util.function.UnaryOperator;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.core.scheduler.Schedulers;
import reactor.test.StepVerifier;
import reactor.test.util.RaceTestUtils;

/** Publishers, subscribers that come and go, and a close, all at once. */
@Timeout(120)
class TopicRaceTest {

  private static final int ROUNDS = 200;

  static Stream<UnaryOperator<SubscriberSpec<Integer>>> lossless() {
    return Stream.of(s -> s, s -> s.disconnect(1_000_000));
  }

  /** Whoever subscribes from a position gets everything from there on, once and in order. */
  @ParameterizedTest
  @MethodSource("lossless")
  void aSubscriberThatComesWhileMessagesAreMissesAndRepeatsNothing(
      UnaryOperator<SubscriberSpec<Integer>> kind) {
    for (int round = 0; round < ROUNDS; round++) {
      Topic<Integer> topic = Topic.create("events");
      topic.publish(Message.of(0));
      List<Long> seen = Collections.synchronizedList(new ArrayList<>());
      RaceTestUtils.race(
          () -> publish(topic, 20),
          () -> publish(topic, 20),
          () ->
              topic
                  .subscribe(s -> kind.apply(s).fromEarliest())
                  .subscribe(p -> seen.add(p.position())));
      topic.close();
      await(() -> seen.size() == 41);
      assertThat(seen).containsExactlyElementsOf(LongStream.range(0, 41).boxed().toList());
    }
  }

  /** All subscribers see one order, which is that of the positions. */
  @ParameterizedTest
  @MethodSource("lossless")
  void allSubscribersSeeOneOrder(UnaryOperator<SubscriberSpec<Integer>> kind) {
    for (int round = 0; round < ROUNDS; round++) {
      Topic<Integer> topic = Topic.create("events");
      Flux<List<Integer>> all =
          Flux.range(0, 3)
              .map(
                  i ->
                      topic
                          .subscribe(s -> kind.apply(s).fromEarliest())
                          .map(p -> p.message().payload())
                          .collectList())
              .flatMap(list -> list);
      RaceTestUtils.race(() -> publish(topic, 30), () -> publish(topic, 30));
      topic.close();
      StepVerifier.create(all.distinct())
          .expectNextCount(1)
          .expectComplete()
          .verify(Duration.ofSeconds(30));
    }
  }

  /** Publishers race each other: each one's messages stay in their order. */
  @ParameterizedTest
  @MethodSource("lossless")
  void theOrderOfAPublisherIsKept(UnaryOperator<SubscriberSpec<Integer>> kind) {
    Topic<Integer> topic = Topic.create("events", c -> c.retain(100_000));
    List<Message<Integer>> seen = Collections.synchronizedList(new ArrayList<>());
    topic.messages(kind).subscribe(seen::add);
    RaceTestUtils.race(
        () -> publish(topic, 10_000), () -> publish(topic, 10_000), () -> publish(topic, 10_000));
    await(() -> seen.size() == 30_000);
    Map<String, Integer> last = new HashMap<>();
    seen.forEach(
        m -> {
          Integer before = last.put(String.valueOf(m.group()), m.payload());
          assertThat(m.payload()).isGreaterThan(before == null ? -1 : before);
        });
  }

  @ParameterizedTest
  @MethodSource("lossless")
  void aSubscriberThatGoesWhileMessagesComeIsForgotten(
      UnaryOperator<SubscriberSpec<Integer>> kind) {
    for (int round = 0; round < ROUNDS; round++) {
      Topic<Integer> topic = Topic.create("events");
      Disposable subscription = topic.subscribe(s -> kind.apply(s).fromEarliest()).subscribe();
      RaceTestUtils.race(
          () -> publish(topic, 10), subscription::dispose, () -> topic.subscribe(kind).subscribe());
      assertThat(topic.stats().subscribers()).hasSize(1);
    }
  }

  @ParameterizedTest
  @MethodSource("lossless")
  void aCloseCompletesEverybodyWhateverItRaces(UnaryOperator<SubscriberSpec<Integer>> kind) {
    for (int round = 0; round < ROUNDS; round++) {
      Topic<Integer> topic = Topic.create("events");
      Flux<Published<Integer>> there = topic.subscribe(kind).publishOn(Schedulers.single());
      List<String> ends = Collections.synchronizedList(new ArrayList<>());
      there.subscribe(p -> {}, e -> {}, () -> ends.add("there"));
      RaceTestUtils.race(
          topic::close,
          () -> topic.subscribe(kind).subscribe(p -> {}, e -> {}, () -> ends.add("late")));
      await(() -> ends.size() == 2);
      assertThat(topic.stats().subscribers()).isEmpty();
    }
  }

  private static void publish(Topic<Integer> topic, int messages) {
    String me = Thread.currentThread().getName();
    for (int i = 0; i < messages; i++) {
      topic.publish(Message.of(i).withGroup(me));
    }
  }

  private static void await(BooleanSupplier condition) {
    StepVerifier.create(
            Flux.interval(Duration.ofMillis(1)).takeUntil(t -> condition.getAsBoolean()).then())
        .expectComplete()
        .verify(Duration.ofSeconds(30));
  }
}

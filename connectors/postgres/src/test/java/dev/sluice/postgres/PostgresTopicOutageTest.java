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

import dev.sluice.channel.ReceiveOptions;
import dev.sluice.channel.SendFailed;
import dev.sluice.delivery.Delivery;
import dev.sluice.delivery.Outcome;
import dev.sluice.message.Message;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.util.retry.Retry;

/** The server dies and comes back while a topic is published to. */
@Tag("soak")
class PostgresTopicOutageTest {

  private static final Duration PATIENCE = Duration.ofSeconds(90);
  private static final int GROUPS = 40;

  private final PostgresDatabase database =
      Server.connect(p -> p.schema(Server.freshSchema()).connections(8));
  private final PostgresTopic topic = PostgresTopic.create(database, "flights");

  /** What a subscriber has got, in the order in which it came. */
  private static final class Subscriber {
    private final List<String> payloads = new ArrayList<>(); // guarded by this
    private final Set<String> ids = new HashSet<>(); // guarded by this
    private final Disposable receiving;
    private int failures; // guarded by this

    /**
     * @param failEach every so many deliveries are tried again; 0 for none
     */
    Subscriber(PostgresChannel channel, int failEach) {
      receiving =
          channel
              .receive(ReceiveOptions.defaults().lease(Duration.ofSeconds(5)))
              .retryWhen(Retry.fixedDelay(Long.MAX_VALUE, Duration.ofMillis(100)))
              .subscribe(delivery -> got(delivery, failEach));
    }

    private synchronized void got(Delivery<byte[]> delivery, int failEach) {
      if (failEach > 0 && ++failures % failEach == 0) {
        delivery.settlement().settle(Outcome.retry(Duration.ofMillis(5), null));
        return;
      }
      if (ids.add(delivery.message().id())) {
        payloads.add(new String(delivery.message().payload(), StandardCharsets.UTF_8));
      }
      delivery.settlement().settle(Outcome.ack());
    }

    synchronized int size() {
      return payloads.size();
    }

    synchronized Map<String, List<Integer>> byGroup() {
      Map<String, List<Integer>> numbers = new TreeMap<>();
      for (String payload : payloads) {
        String[] parts = payload.split(" ", 2);
        numbers.computeIfAbsent(parts[0], g -> new ArrayList<>()).add(Integer.valueOf(parts[1]));
      }
      return numbers;
    }
  }

  /** Sizes: {@code -Dtopic.messages=20000 -Dtopic.outages=6}. */
  @Test
  void losesNothingForAnySubscriberAndKeepsTheOrderOfGroups() {
    int messages = Integer.getInteger("topic.messages", 20_000) / GROUPS * GROUPS;
    int outages = Integer.getInteger("topic.outages", 6);
    Subscriber all = new Subscriber(subscribe("all"), 0);
    Subscriber failing = new Subscriber(subscribe("failing"), 10);
    Subscriber even = new Subscriber(subscribe("even", "flight.even"), 0);
    subscribe("stuck");
    int part = messages / (outages + 1);
    Disposable publishing = publish(messages).subscribe();
    for (int i = 1; i <= outages; i++) {
      int due = i * part;
      PostgresChannelTest.await("message " + due, () -> all.size() >= due);
      if (i % 2 == 0) {
        Server.postgres().stop();
      } else {
        Server.postgres().kill();
      }
      Server.postgres().start();
    }
    PostgresChannelTest.await("all to be published", publishing::isDisposed);
    Subscriber stuck = new Subscriber(topic.subscription("stuck"), 0);
    for (Subscriber subscriber : List.of(all, failing, stuck)) {
      PostgresChannelTest.await("all messages", () -> subscriber.size() == messages);
      verify(subscriber, 1, messages / GROUPS);
    }
    PostgresChannelTest.await("those that it wants", () -> even.size() == messages / 2);
    verify(even, 2, messages / GROUPS);
    for (Subscriber subscriber : List.of(all, failing, stuck, even)) {
      subscriber.receiving.dispose();
    }
    database.close().block(PATIENCE);
  }

  private static void verify(Subscriber subscriber, int step, int ofGroup) {
    List<Integer> expected =
        IntStream.range(0, ofGroup).filter(i -> i % step == 0).boxed().toList();
    Map<String, List<Integer>> byGroup = subscriber.byGroup();
    assertThat(byGroup).hasSize(GROUPS);
    byGroup.forEach((group, numbers) -> assertThat(numbers).as(group).isEqualTo(expected));
  }

  private PostgresChannel subscribe(String name, String... types) {
    return topic
        .subscribe(name, s -> types.length == 0 ? s : s.types(types))
        .blockOptional(PATIENCE)
        .orElseThrow();
  }

  /** Each group one after the other, and again what is not known to be there, under the same id. */
  private Mono<Void> publish(int messages) {
    return Flux.range(0, GROUPS)
        .flatMap(
            group ->
                Flux.range(0, messages / GROUPS)
                    .concatMap(
                        i -> {
                          Message<byte[]> message = message(group, i);
                          return Mono.defer(() -> topic.send(message))
                              .retryWhen(
                                  Retry.fixedDelay(Long.MAX_VALUE, Duration.ofMillis(50))
                                      .filter(SendFailed.class::isInstance));
                        }),
            GROUPS)
        .then();
  }

  private static Message<byte[]> message(int group, int number) {
    return Message.of(("g" + group + " " + number).getBytes(StandardCharsets.UTF_8))
        .withGroup("g" + group)
        .withType(number % 2 == 0 ? "flight.even" : "flight.odd");
  }
}

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
package dev.sluice.docs;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.channel.FlowHandle;
import dev.sluice.codec.StringCodec;
import dev.sluice.flow.Flow;
import dev.sluice.message.Message;
import dev.sluice.pubsub.Topic;
import dev.sluice.test.TestChannel;
import java.time.Duration;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.Test;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.test.StepVerifier;

/** The code of docs/patterns/publish-subscribe.md. */
class TopicPageTest {

  private final ConcurrentLinkedQueue<String> shown = new ConcurrentLinkedQueue<>();

  private Mono<String> show(String event) {
    return Mono.fromCallable(
        () -> {
          shown.add(event);
          return event;
        });
  }

  @Test
  void subscribers() {
    // #region topic
    Topic<String> flights = Topic.create("flights", c -> c.retain(10_000));

    Flux<Message<String>> delays =
        flights.messages(
            s ->
                s.name("gate app")
                    .types("flight.*.delayed")
                    .where(m -> m.payload().contains("LHR"))
                    .fromEarliest());
    Flux<Message<String>> screens =
        flights.messages(s -> s.name("screens").coalesce(Message::group, 500));

    flights.publish(Message.of("LHR 20 min").withType("flight.BA12.delayed").withGroup("BA12"));
    // #endregion
    StepVerifier.create(delays.map(Message::payload).next())
        .expectNext("LHR 20 min")
        .expectComplete()
        .verify(Duration.ofSeconds(30));
    StepVerifier.create(screens.next())
        .then(() -> flights.publish(Message.of("two").withGroup("BA12")))
        .expectNextCount(1)
        .expectComplete()
        .verify(Duration.ofSeconds(30));
  }

  @Test
  void aSubscriberWithRetriesAndDeadLetters() {
    Topic<byte[]> flights = Topic.create("flights");
    TestChannel queue = TestChannel.create("screens");
    TestChannel deadLetters = TestChannel.create("dead letters");
    // #region queue
    Disposable subscription = // a queue of its own: MemoryChannel, PostgresChannel, …
        queue.sendAll(flights.messages(s -> s.types("flight.**"))).subscribe();

    FlowHandle screens =
        Flow.from(queue)
            .named("screens")
            .decode(StringCodec.utf8())
            .groupedConvoy(Message::group, event -> show(event)) // in order for each flight
            .deadLetter(deadLetters)
            .start();
    // #endregion
    flights.publish(Message.of("BA12".getBytes(UTF_8)).withType("flight.BA12.landed"));
    StepVerifier.create(
            Flux.interval(Duration.ofMillis(1)).takeUntil(t -> shown.size() == 1).then())
        .expectComplete()
        .verify(Duration.ofSeconds(30));
    assertThat(shown).containsExactly("BA12");
    subscription.dispose();
    StepVerifier.create(screens.stop(Duration.ofSeconds(5)))
        .expectComplete()
        .verify(Duration.ofSeconds(30));
  }
}

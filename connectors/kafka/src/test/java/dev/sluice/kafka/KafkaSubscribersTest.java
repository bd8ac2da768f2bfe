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
package dev.sluice.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.channel.FlowHandle;
import dev.sluice.codec.StringCodec;
import dev.sluice.delivery.ErrorPolicy;
import dev.sluice.flow.Flow;
import dev.sluice.message.Message;
import dev.sluice.message.TypePattern;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.test.StepVerifier;

/** A topic with durable subscribers: each is a channel with a group of its own. */
@Timeout(120)
class KafkaSubscribersTest {

  private static final Duration PATIENCE = Duration.ofSeconds(60);

  private final String topic = Broker.newTopic(3);
  private final KafkaChannel publisher = Broker.channel(topic);
  private final KafkaChannel deadLetters = Broker.channel(Broker.newTopic(1));
  private final List<KafkaChannel> channels = new ArrayList<>(List.of(publisher, deadLetters));
  private final List<FlowHandle> flows = new ArrayList<>();

  @AfterEach
  void close() {
    Mono.when(flows.stream().map(flow -> flow.stop(Duration.ofSeconds(1))).toList())
        .block(PATIENCE);
    Mono.when(channels.stream().map(KafkaChannel::close).toList()).block(PATIENCE);
  }

  private FlowHandle subscribe(String name, String types, Function<String, Mono<String>> worker) {
    TypePattern wanted = TypePattern.of(types);
    KafkaChannel mine =
        Broker.channel(topic, s -> s.group(topic + '-' + name).startAt(StartAt.EARLIEST));
    channels.add(mine);
    FlowHandle flow =
        Flow.from(mine)
            .named(name)
            .onError(ErrorPolicy.defaults().retries(0))
            .deadLetter(deadLetters)
            .decode(StringCodec.utf8())
            .filterMessage(m -> wanted.matches(m.type()))
            .groupedConvoy(Message::group, worker)
            .start();
    flows.add(flow);
    return flow;
  }

  private static void await(String what, BooleanSupplier condition) {
    StepVerifier.create(
            Flux.interval(Duration.ofMillis(10)).takeUntil(t -> condition.getAsBoolean()).then())
        .as(what)
        .expectComplete()
        .verify(PATIENCE);
  }

  @Test
  void oneThatIsStuckAndOneThatFailsAreNotFeltAndNothingIsLost() {
    List<Queue<String>> fine = new ArrayList<>();
    for (String types : List.of("flight.**", "flight.*.delayed")) {
      Queue<String> got = new ConcurrentLinkedQueue<>();
      fine.add(got);
      subscribe("fine" + fine.size(), types, e -> Mono.just(e).doOnNext(got::add));
    }
    Sinks.Empty<String> release = Sinks.empty();
    Queue<String> late = new ConcurrentLinkedQueue<>();
    subscribe("stuck", "**", e -> release.asMono().doOnSuccess(v -> late.add(e)));
    FlowHandle broken =
        subscribe("broken", "**", e -> Mono.error(new IllegalStateException("broken screen")));

    List<String> sent = IntStream.range(0, 60).mapToObj(i -> "g" + i % 5 + " " + i).toList();
    publisher
        .sendAll(
            Flux.fromIterable(sent)
                .map(
                    e ->
                        Broker.message(e)
                            .withGroup(e.substring(0, 2))
                            .withType(e.startsWith("g0") ? "flight.1.delayed" : "flight.landed")))
        .then()
        .block(PATIENCE);

    await("all of them", () -> fine.get(0).size() == 60);
    await("the delayed ones", () -> fine.get(1).size() == 12);
    for (int g = 0; g < 5; g++) {
      String group = "g" + g;
      assertThat(fine.get(0).stream().filter(e -> e.startsWith(group)))
          .containsExactlyElementsOf(sent.stream().filter(e -> e.startsWith(group)).toList());
    }
    await("dead letters of the broken one", () -> broken.stats().rejected() == 60);
    assertThat(late).isEmpty();
    release.tryEmitEmpty().orThrow();
    await("what the stuck one has missed", () -> late.size() == 60);
    assertThat(fine.get(0)).hasSize(60);
  }
}

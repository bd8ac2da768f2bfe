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

import static dev.sluice.dispatch.ReadyOrder.aging;
import static dev.sluice.dispatch.ReadyOrder.mostUrgentFirst;
import static dev.sluice.priority.PriorityMerge.priorityDispatch;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.channel.FlowHandle;
import dev.sluice.codec.StringCodec;
import dev.sluice.flow.Flow;
import dev.sluice.message.Message;
import dev.sluice.test.TestChannel;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.test.StepVerifier;

/** The code of docs/patterns/priority-dispatch.md. */
class PriorityDispatchPageTest {

  private record Bag(String tag, Instant departure) {}

  private final ConcurrentLinkedQueue<String> loaded = new ConcurrentLinkedQueue<>();

  private Mono<String> load(Bag bag) {
    return load(bag.tag()).delaySubscription(Duration.ofMillis(10));
  }

  private Mono<String> load(String tag) {
    return Mono.fromCallable(
        () -> {
          loaded.add(tag);
          return tag;
        });
  }

  @Test
  void onAPlainFlux() {
    Flux<Bag> bags =
        Flux.just(3, 2, 1).map(hour -> new Bag("bag " + hour, Instant.ofEpochSecond(3600L * hour)));
    // #region plain
    Flux<String> onBoard =
        bags.transform(
            priorityDispatch(
                mostUrgentFirst(Comparator.comparing(Bag::departure)),
                bag -> load(bag), // a Publisher: non-blocking work
                c -> c.concurrency(1).lookAhead(100)));
    // #endregion
    StepVerifier.create(onBoard).expectNext("bag 3", "bag 1", "bag 2").verifyComplete();
  }

  @Test
  void inAFlow() {
    TestChannel bags = TestChannel.create("bags");
    TestChannel deadLetters = TestChannel.create("dead letters");
    // #region flow
    FlowHandle handle =
        Flow.from(bags)
            .named("loading")
            .decode(StringCodec.utf8())
            .priorityDispatch(
                tag -> load(tag),
                c ->
                    c.concurrency(8)
                        .readyOrder(aging(m -> 9 - m.priority(), Duration.ofSeconds(30))))
            .deadLetter(deadLetters)
            .start();
    // #endregion
    bags.offer(Message.of("bag 1".getBytes(StandardCharsets.UTF_8)).withPriority(9));
    StepVerifier.create(handle.stop(Duration.ofSeconds(5)))
        .expectComplete()
        .verify(Duration.ofSeconds(10));
    assertThat(loaded).containsExactly("bag 1");
    assertThat(handle.stats().acknowledged()).isEqualTo(1);
  }
}

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

import static dev.sluice.compete.CompetingConsumers.compete;
import static dev.sluice.convoy.GroupVerdict.SKIP;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.channel.FlowHandle;
import dev.sluice.codec.StringCodec;
import dev.sluice.compete.CompeteSpec;
import dev.sluice.dispatch.Concurrency;
import dev.sluice.flow.Flow;
import dev.sluice.test.TestChannel;
import java.time.Duration;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.test.StepVerifier;

/** The code of docs/patterns/competing-consumers.md. */
class CompetingConsumersPageTest {

  private final ConcurrentLinkedQueue<String> screened = new ConcurrentLinkedQueue<>();

  private Mono<String> scale(String picture) {
    return picture.isEmpty()
        ? Mono.error(new IllegalArgumentException("no picture"))
        : Mono.just(picture + " scaled");
  }

  private Mono<String> screen(String bag) {
    return Mono.fromCallable(
        () -> {
          screened.add(bag);
          return bag;
        });
  }

  @Test
  void onAPlainFlux() {
    Flux<String> pictures = Flux.just("cat", "", "dog");
    // #region plain
    Flux<String> scaled =
        pictures.transform(
            compete(
                picture -> scale(picture), // a Publisher: non-blocking work
                c ->
                    c.concurrency(16)
                        .timeout(Duration.ofSeconds(30)) // for each
                        .onFailure(f -> f.retry(3, Duration.ofSeconds(1)).then(SKIP))));
    // #endregion
    StepVerifier.create(scaled).expectNext("cat scaled", "dog scaled").verifyComplete();
  }

  @Test
  void inAFlow() {
    TestChannel bags = TestChannel.create("bags");
    TestChannel deadLetters = TestChannel.create("dead letters");
    // #region flow
    FlowHandle handle =
        Flow.from(bags)
            .named("screening")
            .decode(StringCodec.utf8())
            .compete(
                bag -> screen(bag),
                c ->
                    c.concurrency(
                        Concurrency.byDepth(bags::depth, 100, 2, 64) // 1 for each 100 that wait
                            .pollInterval(Duration.ofSeconds(5))
                            .coolDown(Duration.ofMinutes(1))))
            .deadLetter(deadLetters)
            .start();
    // #endregion
    bags.offer("suitcase", "bag");
    StepVerifier.create(handle.stop(Duration.ofSeconds(5)))
        .expectComplete()
        .verify(Duration.ofSeconds(10));
    assertThat(screened).containsExactly("suitcase", "bag");
    assertThat(handle.stats().acknowledged()).isEqualTo(2);
  }

  @Test
  void byLatency() {
    // #region latency
    UnaryOperator<CompeteSpec<String>> adaptive =
        c -> c.concurrency(Concurrency.byLatency(Duration.ofMillis(200), 1, 64));
    // #endregion
    StepVerifier.create(Flux.just("cat").transform(compete(this::scale, adaptive)))
        .expectNext("cat scaled")
        .verifyComplete();
  }
}

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

import static dev.sluice.level.LoadLeveling.loadLevel;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.channel.FlowHandle;
import dev.sluice.codec.StringCodec;
import dev.sluice.delivery.ErrorClassifier;
import dev.sluice.flow.Flow;
import dev.sluice.level.LeveledChannel;
import dev.sluice.level.LoadLeveling;
import dev.sluice.level.Overflow;
import dev.sluice.message.Message;
import dev.sluice.test.TestChannel;
import io.github.resilience4j.circuitbreaker.CircuitBreaker;
import io.github.resilience4j.circuitbreaker.CircuitBreakerConfig;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.test.StepVerifier;

/** The code of docs/patterns/load-leveling.md. */
class LoadLevelingPageTest {

  private final ConcurrentLinkedQueue<String> shipped = new ConcurrentLinkedQueue<>();

  private Mono<String> ship(String order) {
    return Mono.fromCallable(
        () -> {
          shipped.add(order);
          return order;
        });
  }

  @Test
  void onAPlainFlux() {
    Flux<String> readings = Flux.just("1 °C", "2 °C");
    // #region plain
    Flux<String> evenly =
        readings.transform(
            loadLevel(
                c ->
                    c.rate(100, Duration.ofSeconds(1), 10) // a hundred a second, ten at once
                        .capacity(1_000)
                        .onOverflow(Overflow.DROP_OLDEST)));
    // #endregion
    StepVerifier.create(evenly).expectNext("1 °C", "2 °C").verifyComplete();
  }

  @Test
  void inAFlow() {
    TestChannel orders = TestChannel.create("orders");
    TestChannel deadLetters = TestChannel.create("dead letters");
    // #region flow
    CircuitBreaker carrier =
        CircuitBreaker.of(
            "carrier",
            CircuitBreakerConfig.custom()
                .waitDurationInOpenState(Duration.ofSeconds(30))
                .ignoreException(
                    e -> ErrorClassifier.defaults().classify(e) == ErrorClassifier.Kind.POISON)
                .build());

    FlowHandle handle =
        Flow.from(orders)
            .named("shipping")
            .decode(StringCodec.utf8())
            .loadLevel(
                order -> ship(order),
                c -> c.rate(50, Duration.ofSeconds(1), 5).concurrency(16).breaker(carrier))
            .deadLetter(deadLetters)
            .start();
    // #endregion
    orders.offer("one", "two");
    StepVerifier.create(handle.stop(Duration.ofSeconds(5)))
        .expectComplete()
        .verify(Duration.ofSeconds(10));
    assertThat(shipped).containsExactly("one", "two");
    assertThat(handle.stats().acknowledged()).isEqualTo(2);
  }

  @Test
  void throughAChannel() {
    TestChannel orders = TestChannel.create("orders");
    TestChannel deadLetters = TestChannel.create("dead letters");
    Flux<Message<byte[]>> incoming =
        Flux.just("one", "two").map(order -> Message.of(order.getBytes(StandardCharsets.UTF_8)));
    // #region durable
    LeveledChannel leveled =
        LoadLeveling.between(
            incoming, // a Publisher of messages
            orders, // any channel: PostgresChannel, KafkaChannel, …
            channel ->
                Flow.from(channel)
                    .decode(StringCodec.utf8())
                    .loadLevel(order -> ship(order), c -> c.rate(50, Duration.ofSeconds(1), 5))
                    .deadLetter(deadLetters)
                    .start());
    // #endregion
    StepVerifier.create(leveled.produced()).expectComplete().verify(Duration.ofSeconds(10));
    assertThat(leveled.sent()).isEqualTo(2);
    StepVerifier.create(leveled.stop(Duration.ofSeconds(5)))
        .expectComplete()
        .verify(Duration.ofSeconds(10));
  }
}

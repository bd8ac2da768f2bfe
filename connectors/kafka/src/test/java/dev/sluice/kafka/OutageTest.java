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

import static dev.sluice.kafka.Broker.await;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.channel.ReceiveOptions;
import dev.sluice.channel.SendFailed;
import dev.sluice.delivery.Outcome;
import dev.sluice.embedded.EmbeddedKafka;
import dev.sluice.test.LeakCheck;
import java.time.Duration;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.util.retry.Retry;

/** A broker of its own goes away and comes back under load. */
@ExtendWith(LeakCheck.class)
class OutageTest {

  @Test
  void sendingAndReceivingGoOnWhenTheBrokerIsBack() {
    try (EmbeddedKafka kafka = EmbeddedKafka.create().start()) {
      kafka.createTopic("bags", 3);
      KafkaChannel channel =
          KafkaChannel.create(
              s ->
                  s.bootstrapServers(kafka.bootstrapServers())
                      .topic("bags")
                      .group("loaders")
                      .commitInterval(Duration.ofMillis(50)));
      AtomicInteger sent = new AtomicInteger();
      AtomicBoolean enough = new AtomicBoolean();
      Mono<Void> supply =
          Flux.range(0, Integer.MAX_VALUE)
              .takeWhile(i -> !enough.get())
              .delayElements(Duration.ofMillis(2))
              .concatMap(
                  i ->
                      Mono.defer(() -> channel.send(Broker.message("" + i)))
                          .retryWhen(Retry.indefinitely().filter(SendFailed.class::isInstance))
                          .doOnNext(receipt -> sent.incrementAndGet()))
              .then()
              .cache();
      supply.subscribe();
      Set<String> seen = ConcurrentHashMap.newKeySet();
      try (Member member =
          Member.handling(
              channel,
              d -> {
                seen.add(Broker.text(d.message()));
                d.settlement().settle(Outcome.ack());
              })) {
        member.awaitCount(200);
        for (int bounce = 0; bounce < 2; bounce++) {
          kafka.stop();
          kafka.start();
          int before = seen.size();
          await("going on", () -> seen.size() > before + 200);
        }
        enough.set(true);
        supply.block(Duration.ofSeconds(60));
        await("all " + sent + " received", () -> seen.size() == sent.get());
        await("all committed", () -> channel.depth().onErrorReturn(-1L).block() == 0);
        assertThat(member.error()).isNull();
        assertThat(new HashSet<>(member.texts())).hasSize(sent.get());
      }
      channel.close().block(Duration.ofSeconds(30));
    }
  }

  @Test
  void aReceiverThatIsStoppedWhileTheBrokerIsAwayEndsInBoundedTime() {
    try (EmbeddedKafka kafka = EmbeddedKafka.create().start()) {
      kafka.createTopic("bags", 1);
      UnaryOperator<KafkaChannelSpec> spec =
          s ->
              s.bootstrapServers(kafka.bootstrapServers())
                  .topic("bags")
                  .group("loaders")
                  .commitInterval(Duration.ofHours(1))
                  .closeTimeout(Duration.ofSeconds(1));
      KafkaChannel channel = KafkaChannel.create(spec);
      // It cannot say that it leaves: its partition is nobody's until its session has ended.
      KafkaChannel brief =
          KafkaChannel.create(s -> spec.apply(s).sessionTimeout(Duration.ofSeconds(2)));
      channel.send(Broker.message("x")).block(Duration.ofSeconds(30));
      Member member = Member.acking(brief).awaitCount(1);
      kafka.stop();
      member.stop(Duration.ofSeconds(1));
      assertThat(member.error()).isNull();
      kafka.start();
      // It could not commit: the record comes again.
      try (Member again = Member.acking(channel).awaitCount(1)) {
        assertThat(again.texts()).containsExactly("x");
      }
      assertThat(
              channel
                  .receive(ReceiveOptions.defaults().stop(Mono.just(Duration.ZERO)))
                  .collectList()
                  .block(Duration.ofSeconds(30)))
          .isEmpty();
      Mono.when(channel.close(), brief.close()).block(Duration.ofSeconds(30));
    }
  }
}

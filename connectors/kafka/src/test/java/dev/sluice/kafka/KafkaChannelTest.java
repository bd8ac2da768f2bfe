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

import dev.sluice.channel.ReceiveOptions;
import dev.sluice.delivery.Outcome;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.junit.jupiter.api.Test;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Sinks;

class KafkaChannelTest {

  @Test
  void roundTrip() {
    String topic = Broker.newTopic(3);
    KafkaChannel channel = Broker.channel(topic);
    channel
        .sendAll(Flux.range(0, 2_000).map(i -> Broker.message("m" + i).withGroup("g" + i % 17)))
        .then()
        .block(Duration.ofSeconds(20));
    Set<String> seen = ConcurrentHashMap.newKeySet();
    Sinks.One<Duration> stop = Sinks.one();
    Sinks.Empty<Void> ended = Sinks.empty();
    Disposable d =
        channel
            .receive(ReceiveOptions.defaults().stop(stop.asMono()))
            .doOnNext(
                x -> {
                  seen.add(Broker.text(x.message()));
                  x.settlement().settle(Outcome.ack());
                })
            .subscribe(x -> {}, ended::tryEmitError, ended::tryEmitEmpty);
    Broker.await("all", () -> seen.size() == 2_000);
    stop.tryEmitValue(Duration.ofSeconds(5));
    ended.asMono().block(Duration.ofSeconds(10));
    assertThat(Broker.committed(topic)).isEqualTo(2_000);
    assertThat(channel.depth().block(Duration.ofSeconds(10))).isZero();
    channel.close().block(Duration.ofSeconds(10));
  }
}

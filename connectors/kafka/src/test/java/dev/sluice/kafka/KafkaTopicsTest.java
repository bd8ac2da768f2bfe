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

import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;
import reactor.test.StepVerifier;

class KafkaTopicsTest {

  private static final Duration SOON = Duration.ofSeconds(30);

  @Test
  void areMadeOnceAndTakeRecordsAtOnce() {
    String servers = Broker.servers();
    StepVerifier.create(
            Mono.defer(() -> KafkaTopics.ensure(servers, "ensured", 2))
                .repeat(1)
                .subscribeOn(Schedulers.parallel()))
        .expectComplete()
        .verify(SOON);
    KafkaChannel channel = Broker.channel("ensured");
    StepVerifier.create(channel.send(Broker.message("x")).then(channel.close()))
        .expectComplete()
        .verify(SOON);
  }

  @Test
  void areMadeWithAConfigurationOfTheirOwn() {
    String servers = Broker.servers();
    Map<String, String> forAnHour = Map.of("retention.ms", "3600000");
    StepVerifier.create(
            KafkaTopics.ensure(servers, "kept-for-an-hour", 1, forAnHour, Map.of())
                .then(KafkaTopics.retention(servers, "kept-for-an-hour", Map.of())))
        .expectNext(Duration.ofHours(1))
        .expectComplete()
        .verify(SOON);
  }

  @Test
  void withAnotherNumberOfPartitionsAreRefused() {
    String topic = Broker.newTopic(2);
    StepVerifier.create(KafkaTopics.ensure(Broker.servers(), topic, 3))
        .expectErrorMessage("topic " + topic + ": 2 partitions (expected: 3)")
        .verify(SOON);
  }

  @Test
  void sayForHowLongTheyKeepRecords() {
    assertRetention(Map.of("retention.ms", "3600000"), Duration.ofHours(1));
    assertRetention(Map.of(), Duration.ofDays(7)); // the broker's default
    assertRetention(Map.of("retention.ms", "-1"), Duration.ofSeconds(Long.MAX_VALUE));
    assertRetention(Map.of("cleanup.policy", "compact"), Duration.ofSeconds(Long.MAX_VALUE));
  }

  private static void assertRetention(Map<String, String> config, Duration expected) {
    String topic = Broker.newTopic(1, config);
    KafkaChannel channel = Broker.channel(topic);
    StepVerifier.create(
            KafkaTopics.retention(Broker.servers(), topic, Map.of())
                .concatWith(channel.retention()))
        .expectNext(expected, expected)
        .expectComplete()
        .verify(SOON);
    channel.close().block(SOON);
  }

  @Test
  void needAPartition() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> KafkaTopics.ensure("b:1", "t", 0))
        .withMessage("partitions: 0 (expected: 1..100000)");
  }
}

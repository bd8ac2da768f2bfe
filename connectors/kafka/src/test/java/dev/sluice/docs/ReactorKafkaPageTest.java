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

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.Set;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.kafka.receiver.KafkaReceiver;
import reactor.kafka.receiver.ReceiverOptions;
import reactor.kafka.sender.KafkaSender;
import reactor.kafka.sender.SenderOptions;
import reactor.kafka.sender.SenderRecord;
import reactor.util.retry.Retry;

/**
 * The code of docs/migration/from-reactor-kafka.md, as people have it: it is assembled, so that the
 * page shows what compiles, and nobody subscribes.
 */
class ReactorKafkaPageTest {

  private static Mono<String> charge(String order) {
    return Mono.just(order);
  }

  private static Mono<Void> send(
      KafkaSender<String, String> sender, ProducerRecord<String, String> receipt) {
    return sender.send(Mono.just(SenderRecord.create(receipt, 0))).then();
  }

  @Test
  void before() {
    ReceiverOptions<String, String> options =
        ReceiverOptions.<String, String>create().subscription(Set.of("orders"));
    KafkaSender<String, String> sender = KafkaSender.create(SenderOptions.create());
    // #region before
    Flux<Void> charging =
        KafkaReceiver.create(options)
            .receive()
            .groupBy(record -> record.receiverOffset().topicPartition())
            .flatMap(
                partition ->
                    partition.concatMap(
                        record ->
                            charge(record.value())
                                .map(
                                    receipt ->
                                        new ProducerRecord<>("receipts", record.key(), receipt))
                                .flatMap(receipt -> send(sender, receipt))
                                .doOnSuccess(sent -> record.receiverOffset().acknowledge())))
            .retryWhen(Retry.backoff(Long.MAX_VALUE, Duration.ofSeconds(1)));
    // #endregion
    assertThat(charging).isNotNull();
  }
}

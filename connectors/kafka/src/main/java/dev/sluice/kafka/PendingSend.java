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

import dev.sluice.channel.Receipt;
import dev.sluice.channel.SendFailed;
import org.apache.kafka.clients.producer.ProducerRecord;
import reactor.core.publisher.Mono;
import reactor.core.publisher.MonoSink;
import reactor.core.publisher.Sinks;

/**
 * A message on its way: it waits for the producer to take it, then for its receipt. It fails at one
 * of the two.
 */
final class PendingSend {

  final String messageId;
  final ProducerRecord<byte[], byte[]> record;
  final int size;

  private final MonoSink<Mono<Receipt>> handedOver;
  private final Sinks.One<Receipt> receipt = Sinks.one();
  private volatile boolean cancelled;

  PendingSend(
      String messageId, ProducerRecord<byte[], byte[]> record, MonoSink<Mono<Receipt>> handedOver) {
    this.messageId = messageId;
    this.record = record;
    this.size = RecordFormat.size(record);
    this.handedOver = handedOver;
    handedOver.onCancel(() -> cancelled = true);
  }

  /** Whether nobody waits any more for the producer to take it. */
  boolean isCancelled() {
    return cancelled;
  }

  void handedOver() {
    handedOver.success(receipt.asMono());
  }

  void refused(SendFailed failure) {
    handedOver.error(failure);
  }

  void confirmed(Receipt position) {
    receipt.tryEmitValue(position);
  }

  void failed(SendFailed failure) {
    receipt.tryEmitError(failure);
  }
}

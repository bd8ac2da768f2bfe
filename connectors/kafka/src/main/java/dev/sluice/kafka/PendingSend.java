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

/** A message on its way: it waits for the producer to take it, then for its receipt. */
final class PendingSend {

  /**
   * What became of the wait for the producer.
   *
   * @param refused whether the producer did not take the message
   * @param receipt the receipt, or why there is none; may be subscribed to at any time
   */
  record HandOver(boolean refused, Mono<Receipt> receipt) {}

  final String messageId;
  final ProducerRecord<byte[], byte[]> record;
  final int size;

  private final MonoSink<HandOver> waiting;
  private final Sinks.One<Receipt> receipt = Sinks.one();
  private volatile boolean cancelled;

  PendingSend(String messageId, ProducerRecord<byte[], byte[]> record, MonoSink<HandOver> waiting) {
    this.messageId = messageId;
    this.record = record;
    this.size = RecordFormat.size(record);
    this.waiting = waiting;
    waiting.onCancel(() -> cancelled = true);
  }

  /** Whether nobody waits any more for the producer to take it. */
  boolean isCancelled() {
    return cancelled;
  }

  void handedOver() {
    waiting.success(new HandOver(false, receipt.asMono()));
  }

  void refused(SendFailed failure) {
    waiting.success(new HandOver(true, Mono.error(failure)));
  }

  void confirmed(Receipt position) {
    receipt.tryEmitValue(position);
  }

  void failed(SendFailed failure) {
    receipt.tryEmitError(failure);
  }
}

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

import dev.sluice.message.Message;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.jspecify.annotations.Nullable;

/**
 * A record that a poll brought, with its place in the window of its partition. It stays the same
 * through all deliveries of the record in this period of ownership.
 */
final class Arrival {

  /*
   * Threads: made on the poll thread. From then on one thread at a time has it, and it is handed on
   * through queues: the emitter delivers it, who settles the delivery gives it back.
   */

  final Partition partition;
  final long seq;
  final long offset;

  /** The bytes of its key and value. */
  final int size;

  /** From 1; grows with each retry. */
  int attempt = 1;

  /** Whether there has been a delivery, so that the next one is a repeated one. */
  boolean delivered;

  private @Nullable ConsumerRecord<byte[], ?> record;
  private @Nullable Message<byte[]> message;

  Arrival(Partition partition, long seq, ConsumerRecord<byte[], ?> record) {
    this.partition = partition;
    this.seq = seq;
    this.offset = record.offset();
    this.size = Math.max(0, record.serializedKeySize()) + Math.max(0, record.serializedValueSize());
    this.record = record;
  }

  /** Read on first use, so that neither the poll thread nor a drop pays for it. */
  Message<byte[]> message() {
    Message<byte[]> read = message;
    ConsumerRecord<byte[], ?> raw = record;
    if (read == null) {
      if (raw == null) {
        throw new IllegalStateException("neither record nor message at offset " + offset);
      }
      read = RecordFormat.read(raw, (byte[]) raw.value());
      message = read;
      record = null;
    }
    return read;
  }

  String position() {
    return partition.name + '@' + offset;
  }
}

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
import dev.sluice.message.MessageIds;
import dev.sluice.message.WireFormat;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.AbstractMap.SimpleImmutableEntry;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.jspecify.annotations.Nullable;

/**
 * A message as a Kafka record: its payload is the value, the texts of {@link WireFormat} are
 * headers, and its group is the key, so that the messages of one group share a partition.
 */
final class RecordFormat {

  private static final byte[] NOTHING = {};

  private RecordFormat() {}

  static ProducerRecord<byte[], byte[]> write(String topic, Message<byte[]> message) {
    String group = message.group();
    byte[] key = group == null ? null : group.getBytes(StandardCharsets.UTF_8);
    RecordHeaders headers = new RecordHeaders();
    WireFormat.write(
        message, (name, value) -> headers.add(name, value.getBytes(StandardCharsets.UTF_8)));
    return new ProducerRecord<>(topic, null, key, message.payload(), headers);
  }

  /** The room a record takes, without the few bytes of framing. */
  static int size(ProducerRecord<byte[], byte[]> record) {
    int size = length(record.key()) + length(record.value());
    for (Header header : record.headers()) {
      size += header.key().length() + length(header.value());
    }
    return size;
  }

  /**
   * The room the key and the headers of a record take, framing included, in a batch of its own: 61
   * bytes of a batch, 21 of a record, and the lengths, which are at most 5 bytes each.
   */
  static int sizeWithoutPayload(String topic, Message<?> message) {
    ProducerRecord<byte[], byte[]> record = write(topic, message.withPayload(NOTHING));
    int lengths = 3 + 2 * record.headers().toArray().length;
    return 61 + 21 + 5 * lengths + size(record);
  }

  /**
   * Reads any record, whoever wrote it. One without a value (a tombstone) has an empty payload.
   *
   * @param value the value of the record
   */
  static Message<byte[]> read(ConsumerRecord<byte[], ?> record, byte @Nullable [] value) {
    List<Map.Entry<String, @Nullable String>> headers = new ArrayList<>();
    for (Header header : record.headers()) {
      byte[] bytes = header.value();
      headers.add(
          new SimpleImmutableEntry<>(header.key(), bytes == null ? null : textOrNull(bytes)));
    }
    return WireFormat.read(value == null ? NOTHING : value, headers, new FromRecord(record));
  }

  private static int length(byte @Nullable [] bytes) {
    return bytes == null ? 0 : bytes.length;
  }

  private static @Nullable String textOrNull(byte[] bytes) {
    String text = new String(bytes, StandardCharsets.UTF_8);
    if (text.indexOf('\uFFFD') < 0) {
      return text;
    }
    try { // the replacement character: was it written as such?
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
    } catch (CharacterCodingException e) {
      return null;
    }
  }

  private record FromRecord(ConsumerRecord<byte[], ?> record) implements WireFormat.Fallback {

    @Override
    public String id() {
      return MessageIds.derived(
          record.topic() + '-' + record.partition(), Long.toString(record.offset()));
    }

    @Override
    public Instant time() {
      return Instant.ofEpochMilli(Math.max(0, record.timestamp()));
    }

    /** Equal keys are equal groups, also those that are no text. */
    @Override
    public @Nullable String group() {
      byte[] key = record.key();
      if (key == null) {
        return null;
      }
      String text = textOrNull(key);
      return text != null ? text : "base64:" + Base64.getEncoder().encodeToString(key);
    }
  }
}

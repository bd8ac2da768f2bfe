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

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Base64;
import java.util.zip.CRC32C;
import org.apache.kafka.common.TopicPartition;

/**
 * Which offsets behind a committed one are settled as well. It travels in the metadata of the
 * commit, so that the next owner of the partition does not deliver those records again.
 *
 * <p>As text it is base64 of a version, a seal, and for each run the distance from the end of the
 * one before and its length, both as numbers of seven bits a byte. The seal is a checksum over the
 * runs and what they are about, topic, partition and committed offset: metadata that somebody else
 * wrote, or that a tool has carried to another topic or another offset, is not taken for a map.
 * What is not a map is empty, which costs repeated deliveries and no more.
 */
final class OffsetMap {

  static final OffsetMap EMPTY = new OffsetMap(new long[0]);

  private static final byte VERSION = 1;
  private static final int HEADER = 1 + Integer.BYTES;

  /** No broker takes more (the length of a text in Kafka's protocol). */
  private static final int LONGEST = Short.MAX_VALUE;

  /** The first offset of each run and the one after its last, strictly ascending. */
  private final long[] bounds;

  private OffsetMap(long[] bounds) {
    this.bounds = bounds;
  }

  /** Collects runs in ascending order. */
  static final class Builder {

    private long[] bounds = new long[16];
    private int size;

    /** Adds the offsets from {@code first} to before {@code end}; a run may go on with the next. */
    void add(long first, long end) {
      if (size > 0 && bounds[size - 1] == first) {
        bounds[size - 1] = end;
        return;
      }
      if (size == bounds.length) {
        bounds = Arrays.copyOf(bounds, 2 * size);
      }
      bounds[size++] = first;
      bounds[size++] = end;
    }

    /** Adds the part of a map from {@code first} on. */
    void addFrom(long first, OffsetMap map) {
      for (int i = 0; i < map.bounds.length; i += 2) {
        if (map.bounds[i + 1] > first) {
          add(Math.max(first, map.bounds[i]), map.bounds[i + 1]);
        }
      }
    }

    OffsetMap build() {
      return size == 0 ? EMPTY : new OffsetMap(Arrays.copyOf(bounds, size));
    }
  }

  boolean contains(long offset) {
    int found = Arrays.binarySearch(bounds, offset);
    return found >= 0 ? (found & 1) == 0 : ((-found - 1) & 1) == 1;
  }

  /**
   * The text for a commit, or an empty one if there is nothing to say or no room for it. What does
   * not fit is left out from the end.
   *
   * @param committed the offset that is committed with it; no run begins before it
   * @param maxLength how long the text may be
   */
  String write(TopicPartition id, long committed, int maxLength) {
    int room = (int) Math.min(maxLength * 3L / 4, HEADER + bounds.length * 9L);
    ByteBuffer bytes = ByteBuffer.allocate(Math.max(HEADER, room));
    bytes.position(HEADER);
    long end = committed;
    for (int i = 0; i < bounds.length; i += 2) {
      long gap = bounds[i] - end;
      long length = bounds[i + 1] - bounds[i];
      if (bytes.remaining() < size(gap) + size(length)) {
        break;
      }
      put(bytes, gap);
      put(bytes, length);
      end = bounds[i + 1];
    }
    if (bytes.position() == HEADER) {
      return "";
    }
    bytes.flip();
    bytes.put(0, VERSION);
    bytes.putInt(1, seal(id, committed, bytes));
    byte[] text = Arrays.copyOf(bytes.array(), bytes.limit());
    return Base64.getEncoder().withoutPadding().encodeToString(text);
  }

  /**
   * The map that was committed, or an empty one if that is none.
   *
   * @param committed the offset that was committed with it
   */
  static OffsetMap read(TopicPartition id, long committed, String metadata) {
    if (metadata.isEmpty() || metadata.length() > LONGEST) {
      return EMPTY;
    }
    ByteBuffer bytes;
    try {
      bytes = ByteBuffer.wrap(Base64.getDecoder().decode(metadata));
    } catch (IllegalArgumentException e) {
      return EMPTY;
    }
    if (bytes.limit() <= HEADER
        || bytes.get(0) != VERSION
        || bytes.getInt(1) != seal(id, committed, bytes)) {
      return EMPTY;
    }
    bytes.position(HEADER);
    Builder map = new Builder();
    long end = committed;
    while (bytes.hasRemaining()) {
      long gap = get(bytes);
      long first = end + gap;
      long length = get(bytes);
      if (gap < 0 || length <= 0 || first < end || first + length < first) {
        return EMPTY;
      }
      end = first + length;
      map.add(first, end);
    }
    return map.build();
  }

  /** Over everything but itself. */
  private static int seal(TopicPartition id, long committed, ByteBuffer bytes) {
    CRC32C crc = new CRC32C();
    crc.update(id.topic().getBytes(StandardCharsets.UTF_8));
    crc.update(
        ByteBuffer.allocate(1 + Integer.BYTES + Long.BYTES)
            .put(bytes.get(0))
            .putInt(id.partition())
            .putLong(committed)
            .flip());
    crc.update(bytes.duplicate().position(HEADER));
    return (int) crc.getValue();
  }

  private static int size(long value) {
    return Math.max(1, (Long.SIZE - Long.numberOfLeadingZeros(value) + 6) / 7);
  }

  private static void put(ByteBuffer bytes, long value) {
    long rest = value;
    while (rest > 0x7F) {
      bytes.put((byte) ((rest & 0x7F) | 0x80));
      rest >>>= 7;
    }
    bytes.put((byte) rest);
  }

  /** A number from 0 on, or -1 if there is none. */
  private static long get(ByteBuffer bytes) {
    long value = 0;
    for (int shift = 0; shift < 63 && bytes.hasRemaining(); shift += 7) {
      byte next = bytes.get();
      value |= (next & 0x7FL) << shift;
      if (next >= 0) {
        return value;
      }
    }
    return -1;
  }

  /** For example {@code [7..9, 12..12]}. */
  @Override
  public String toString() {
    StringBuilder text = new StringBuilder("[");
    for (int i = 0; i < bounds.length; i += 2) {
      text.append(i == 0 ? "" : ", ").append(bounds[i]).append("..").append(bounds[i + 1] - 1);
    }
    return text.append(']').toString();
  }
}

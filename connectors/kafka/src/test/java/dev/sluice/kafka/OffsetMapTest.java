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

import java.util.Base64;
import java.util.BitSet;
import java.util.Random;
import java.util.concurrent.ThreadLocalRandom;
import org.apache.kafka.common.TopicPartition;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class OffsetMapTest {

  private static final TopicPartition ID = new TopicPartition("bags", 3);

  private static OffsetMap runs(long... bounds) {
    OffsetMap.Builder map = new OffsetMap.Builder();
    for (int i = 0; i < bounds.length; i += 2) {
      map.add(bounds[i], bounds[i + 1]);
    }
    return map.build();
  }

  @Test
  void comesBackAsItWas() {
    OffsetMap map = runs(101, 103, 200, 201, 5_000_000_000L, 5_000_008_000L);
    String text = map.write(ID, 100, 3_000);
    assertThat(OffsetMap.read(ID, 100, text))
        .hasToString("[101..102, 200..200, 5000000000..5000007999]");
    assertThat(text).hasSizeLessThan(32);
  }

  @Test
  void takesThreeBytesMoreForEightThousandRecordsThanForNone() {
    // One stuck key with thousands of records done behind it is the case it is for.
    assertThat(runs(1, 8_001).write(ID, 0, 3_000)).hasSize(11);
  }

  @Test
  void saysNothingWhenThereIsNothingToSayOrNoRoom() {
    assertThat(OffsetMap.EMPTY.write(ID, 7, 3_000)).isEmpty();
    for (int room = 0; room < 10; room++) {
      assertThat(runs(8, 9).write(ID, 7, room)).as("room %d", room).isEmpty();
    }
    assertThat(runs(8, 9).write(ID, 7, 10)).hasSize(10);
    assertThat(OffsetMap.read(ID, 7, "")).isSameAs(OffsetMap.EMPTY);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "x",
        "host-7",
        "not base64: ü",
        "AAAA",
        "AQ",
        "AQAAAAA",
        "AQAAAAABAQ",
        "AgAAAAABAQ",
        "{\"owner\":\"somebody\"}",
        "////////////////////////"
      })
  void isEmptyWhereTheMetadataIsSomebodyElses(String metadata) {
    assertThat(OffsetMap.read(ID, 0, metadata)).isSameAs(OffsetMap.EMPTY);
  }

  @Test
  void isBoundToItsTopicPartitionAndOffset() {
    String text = runs(8, 9).write(ID, 7, 3_000);
    assertThat(OffsetMap.read(ID, 7, text)).hasToString("[8..8]");
    assertThat(OffsetMap.read(ID, 8, text)).hasToString("[]");
    assertThat(OffsetMap.read(new TopicPartition("bags", 4), 7, text)).hasToString("[]");
    assertThat(OffsetMap.read(new TopicPartition("copy.bags", 3), 7, text)).hasToString("[]");
  }

  @RepeatedTest(20)
  void isEmptyWhenAnyBitOfItHasChanged() {
    Random random = new Random(ThreadLocalRandom.current().nextLong());
    byte[] bytes =
        Base64.getDecoder().decode(runs(8, 9 + random.nextInt(1_000)).write(ID, 7, 3_000));
    for (int bit = 0; bit < bytes.length * 8; bit++) {
      byte[] changed = bytes.clone();
      changed[bit / 8] ^= (byte) (1 << bit % 8);
      assertThat(OffsetMap.read(ID, 7, Base64.getEncoder().encodeToString(changed)))
          .as("bit %d", bit)
          .isSameAs(OffsetMap.EMPTY);
    }
  }

  @RepeatedTest(20)
  void readsNoise() {
    Random random = new Random(ThreadLocalRandom.current().nextLong());
    byte[] bytes = new byte[random.nextInt(200)];
    for (int i = 0; i < 1_000; i++) {
      random.nextBytes(bytes);
      assertThat(OffsetMap.read(ID, 0, Base64.getEncoder().encodeToString(bytes)))
          .isSameAs(OffsetMap.EMPTY);
    }
    assertThat(OffsetMap.read(ID, 0, "A".repeat(40_000))).isSameAs(OffsetMap.EMPTY);
  }

  /** Random records, some missing from the log, some settled; any room. */
  @RepeatedTest(300)
  void losesOnlyWhatComesLastWhenItDoesNotFit() {
    long seed = ThreadLocalRandom.current().nextLong();
    Random random = new Random(seed);
    long base = random.nextBoolean() ? random.nextInt(100) : random.nextLong(Long.MAX_VALUE / 2);
    int length = 1 + random.nextInt(5_000);
    double density = random.nextDouble();
    double missing = random.nextInt(3) == 0 ? 0 : random.nextDouble();
    BitSet settled = new BitSet();
    OffsetWindow window = new OffsetWindow(base, OffsetMap.EMPTY, length, () -> 0);
    BitSet inLog = new BitSet();
    inLog.set(0); // stuck
    window.admit(base);
    for (int i = 1; i < length; i++) {
      if (random.nextDouble() >= missing) {
        inLog.set(i);
        long seq = window.admit(base + i);
        if (random.nextDouble() < density) {
          window.settle(seq);
          settled.set(i);
        }
      }
    }
    int room = random.nextInt(4_000);
    String text = window.settledAhead().write(ID, base, room);
    assertThat(text.length()).as("seed %d", seed).isLessThanOrEqualTo(room);
    OffsetMap map = OffsetMap.read(ID, base, text);
    boolean cut = false;
    for (int i = inLog.nextSetBit(0); i >= 0; i = inLog.nextSetBit(i + 1)) {
      boolean said = map.contains(base + i);
      if (said) {
        assertThat(settled.get(i)).as("seed %d: %d is settled", seed, i).isTrue();
        assertThat(cut).as("seed %d: %d is behind what is left out", seed, i).isFalse();
      }
      cut |= settled.get(i) && !said;
    }
    assertThat(map.contains(base - 1)).isFalse();
    assertThat(map.contains(base + length)).isFalse();
    if (text.length() < room - 30) {
      assertThat(cut).as("seed %d: there was room", seed).isFalse();
    }
  }
}

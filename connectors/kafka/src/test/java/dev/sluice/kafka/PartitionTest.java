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

import dev.sluice.delivery.Origin;
import dev.sluice.delivery.Outcome;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.junit.jupiter.api.Test;

class PartitionTest {

  private static final TopicPartition ID = new TopicPartition("bags", 0);

  private final Partition partition =
      new Partition(
          ID,
          1,
          new OffsetAndMetadata(0),
          KafkaChannelSpec.DEFAULT,
          new Statistics(),
          System::nanoTime);
  private final List<KafkaSettlement> out = new ArrayList<>();

  private void deliver(int n) {
    for (int offset = 0; offset < n; offset++) {
      Arrival arrival = partition.admit(new ConsumerRecord<>("bags", 0, offset, null, new byte[0]));
      Origin origin = new Origin("bags", arrival.position(), 1, Instant.EPOCH, 1);
      KafkaSettlement settlement = new KafkaSettlement(arrival, origin, null);
      assertThat(partition.begin(settlement)).isTrue();
      out.add(settlement);
    }
  }

  /**
   * Whoever stops working on a lost record may turn to the next one of its group: that must be lost
   * by then, or it would be worked on before the one that its new owner has to repeat.
   */
  @Test
  void nothingIsLostBeforeWhatFollowsIt() {
    deliver(8);
    List<Integer> lost = new ArrayList<>();
    for (int i = 0; i < out.size(); i++) {
      int at = i;
      out.get(at)
          .lost()
          .subscribe(
              none -> {},
              error -> {},
              () -> {
                lost.add(at);
                assertThat(out.subList(at, out.size())).allMatch(KafkaSettlement::isLost);
              });
    }
    partition.fence();
    assertThat(lost).containsExactly(7, 6, 5, 4, 3, 2, 1, 0);
  }

  @Test
  void whatIsSettledBeforeTheFenceIsNotLost() {
    deliver(3);
    assertThat(partition.settle(out.get(0).arrival())).isTrue();
    partition.fence();
    assertThat(out).extracting(KafkaSettlement::isLost).containsExactly(false, true, true);
    assertThat(partition.settle(out.get(1).arrival())).isFalse();
    assertThat(out.get(1).settle(Outcome.ack())).isTrue();
    assertThat(partition.window.frontier()).isEqualTo(1);
  }
}

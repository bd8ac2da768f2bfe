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

import static dev.sluice.kafka.Broker.await;
import static dev.sluice.kafka.Broker.channel;
import static dev.sluice.kafka.Broker.fill;
import static dev.sluice.kafka.Broker.newTopic;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.test.LeakCheck;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.apache.kafka.common.GroupState;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** A static member crashes at a bad time and comes back. */
@ExtendWith(LeakCheck.class)
class StaticMemberTest {

  private static final int RECORDS = 8;

  /**
   * It was told to give partitions up for a newcomer, and had no time to say that it has: what the
   * broker hands to its second life, and to the newcomer, does not have them.
   */
  @Test
  void thatCrashesWhileItGivesPartitionsUpLeavesNoneBehind() {
    String topic = newTopic(4);
    fill(topic, 4, RECORDS);
    KafkaChannel one =
        channel(topic, s -> s.instanceId(topic + "-one").revokeDrain(Duration.ofMinutes(1)));
    try (Member before = Member.holding(one).awaitCount(RECORDS);
        Member newcomer = Member.acking(channel(topic))) {
      // The first half of the rebalance is over, and the older member waits for what is out.
      await(
          "two members",
          () -> Broker.state(topic) == GroupState.STABLE && Broker.members(topic) == 2);
      assertThat(before.deliveries()).noneMatch(delivery -> delivery.settlement().isLost());
      try (Member after = Member.acking(one)) { // with this id, the older one is as good as dead
        await("all records", () -> after.count() + newcomer.count() >= RECORDS);
        List<String> texts = new ArrayList<>(after.texts());
        texts.addAll(newcomer.texts());
        assertThat(texts)
            .containsExactlyInAnyOrderElementsOf(
                IntStream.range(0, RECORDS).mapToObj(String::valueOf).toList());
        assertThat(newcomer.count()).isEqualTo(RECORDS / 2);
      }
    }
  }
}

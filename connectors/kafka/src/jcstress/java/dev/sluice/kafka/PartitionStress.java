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

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import dev.sluice.delivery.Origin;
import java.time.Instant;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;

/** A partition between the poll thread and the others: two actors, for two cores. */
public final class PartitionStress {

  private static final KafkaChannelSpec SPEC =
      KafkaChannelSpec.DEFAULT.highWatermark(1).maxPollRecords(1);
  private static final Origin ORIGIN = new Origin("bags", "bags-0@0", 1, Instant.EPOCH, 1);
  private static final Statistics METERS = new Statistics();

  private PartitionStress() {}

  private static Partition partition() {
    return new Partition(
        new TopicPartition("bags", 0), 1, new OffsetAndMetadata(0), SPEC, METERS, () -> 0);
  }

  private static Arrival admit(Partition partition) {
    return partition.admit(new ConsumerRecord<>("bags", 0, 0, null, new byte[0]));
  }

  @JCStressTest
  @State
  @Outcome(id = "1, 0", expect = ACCEPTABLE, desc = "delivered, and the drain waits for it")
  @Outcome(id = "0, 1", expect = ACCEPTABLE, desc = "not delivered any more, nothing to wait for")
  @Outcome(id = "0, 0", expect = ACCEPTABLE, desc = "not delivered; the drain looks once more")
  @Outcome(expect = FORBIDDEN, desc = "delivered while the partition left without waiting")
  public static class DeliverAndLeave {
    private final Partition partition = partition();
    private final KafkaSettlement settlement = new KafkaSettlement(admit(partition), ORIGIN, null);

    @Actor
    public void emitter(II_Result r) {
      r.r1 = partition.begin(settlement) ? 1 : 0;
    }

    @Actor
    public void pollThread(II_Result r) {
      partition.leave();
      r.r2 = partition.isIdle() ? 1 : 0;
    }
  }

  @JCStressTest
  @State
  @Outcome(id = "1, 0", expect = ACCEPTABLE, desc = "held on, and who settles wakes the loop up")
  @Outcome(id = "0, 1", expect = ACCEPTABLE, desc = "found room by itself")
  @Outcome(id = "1, 1", expect = ACCEPTABLE, desc = "found room, and is woken up besides")
  @Outcome(expect = FORBIDDEN, desc = "held on, and nobody wakes the loop up")
  public static class SettleAndLookForRoom {
    private final Partition partition = partition();
    private final Arrival arrival = admit(partition);

    public SettleAndLookForRoom() {
      partition.hold(true);
    }

    @Actor
    public void settle(II_Result r) {
      partition.settle(arrival);
      r.r1 = partition.wasHeldBy(arrival) ? 1 : 0;
    }

    @Actor
    public void pollThread(II_Result r) {
      r.r2 = partition.hasRoom() ? 1 : 0;
    }
  }
}

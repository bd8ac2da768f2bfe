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

import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;
import org.apache.kafka.common.TopicPartition;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

class PausesTest {

  private static final List<TopicPartition> ALL = Broker.partitions("bags", 4);

  /** What Kafka's consumer makes of it: a partition that comes is not paused. */
  private static final class Fetching implements Pauses.Valve {
    final Set<TopicPartition> paused = new HashSet<>();
    int calls;

    @Override
    public void pause(Collection<TopicPartition> partitions) {
      calls++;
      paused.addAll(partitions);
    }

    @Override
    public void resume(Collection<TopicPartition> partitions) {
      calls++;
      paused.removeAll(partitions);
    }
  }

  private final Fetching fetching = new Fetching();
  private final Pauses pauses = new Pauses(fetching);

  @Test
  void nobodyUndoesThePauseOfAnother() {
    TopicPartition id = ALL.get(0);
    pauses.add(Pauses.Reason.FULL, List.of(id));
    pauses.add(Pauses.Reason.NO_DEMAND, ALL);
    pauses.remove(Pauses.Reason.NO_DEMAND, ALL);
    assertThat(fetching.paused).containsExactly(id);
    pauses.remove(Pauses.Reason.FULL, List.of(id));
    assertThat(fetching.paused).isEmpty();
  }

  @Test
  void theConsumerIsToldOfChangesOnly() {
    for (int i = 0; i < 3; i++) {
      pauses.add(Pauses.Reason.STOPPED, ALL);
      pauses.add(Pauses.Reason.FULL, ALL);
    }
    assertThat(fetching.calls).isEqualTo(1);
    pauses.remove(Pauses.Reason.FULL, ALL);
    pauses.remove(Pauses.Reason.NO_DEMAND, ALL);
    assertThat(fetching.calls).isEqualTo(1);
  }

  /** Any reasons come and go, and partitions with them. */
  @RepeatedTest(50)
  void aPartitionIsPausedForAsLongAsThereIsAReason() {
    long seed = ThreadLocalRandom.current().nextLong();
    Random random = new Random(seed);
    Map<TopicPartition, Set<Pauses.Reason>> model = new HashMap<>();
    for (int step = 0; step < 2_000; step++) {
      List<TopicPartition> some = new ArrayList<>(ALL);
      some.removeIf(id -> random.nextBoolean());
      Pauses.Reason reason = Pauses.Reason.values()[random.nextInt(3)];
      switch (random.nextInt(5)) {
        case 0, 1 -> {
          pauses.add(reason, some);
          some.forEach(id -> reasons(model, id).add(reason));
        }
        case 2, 3 -> {
          pauses.remove(reason, some);
          some.forEach(id -> reasons(model, id).remove(reason));
        }
        default -> { // revoked, and perhaps assigned again
          fetching.paused.removeAll(some);
          pauses.forget(some);
          some.forEach(id -> reasons(model, id).clear());
        }
      }
      for (TopicPartition id : ALL) {
        boolean expected = !reasons(model, id).isEmpty();
        assertThat(fetching.paused.contains(id)).as("seed %d: %s", seed, id).isEqualTo(expected);
        assertThat(pauses.isPaused(id)).as("seed %d: %s", seed, id).isEqualTo(expected);
      }
    }
  }

  private static Set<Pauses.Reason> reasons(
      Map<TopicPartition, Set<Pauses.Reason>> model, TopicPartition id) {
    return model.computeIfAbsent(id, p -> EnumSet.noneOf(Pauses.Reason.class));
  }
}

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
package dev.sluice.dispatch;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.ref.WeakReference;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;

/** {@link ElementSlab} against a queue for each lane. */
class ElementSlabTest {

  @RepeatedTest(20)
  void agreesWithAQueueForEachLane(RepetitionInfo round) {
    Random random = new Random(round.getCurrentRepetition());
    ElementSlab<Integer> slab = new ElementSlab<>();
    int lanes = 1 + random.nextInt(100);
    List<Lane<Integer>> all = new ArrayList<>();
    List<ArrayDeque<Integer>> model = new ArrayList<>();
    for (int i = 0; i < lanes; i++) {
      all.add(new Lane<>(null, 0));
      model.add(new ArrayDeque<>());
    }
    int size = 0;
    for (int i = 0; i < 20_000; i++) {
      int lane = random.nextInt(lanes);
      boolean growing = i / 2_000 % 2 == 0; // so that it fills up and runs empty in turns
      if (random.nextInt(10) < (growing ? 7 : 3)) {
        slab.append(all.get(lane), i);
        model.get(lane).add(i);
        size++;
      } else {
        Integer expected = model.get(lane).poll();
        assertThat(slab.poll(all.get(lane))).isEqualTo(expected);
        size -= expected == null ? 0 : 1;
      }
      assertThat(slab.size()).isEqualTo(size);
    }
    for (int lane = 0; lane < lanes; lane++) {
      for (Integer expected : model.get(lane)) {
        assertThat(slab.poll(all.get(lane))).isEqualTo(expected);
      }
      assertThat(slab.poll(all.get(lane))).isNull();
    }
    assertThat(slab.size()).isZero();
  }

  @Test
  void doesNotHoldWhatWasTaken() {
    ElementSlab<Object> slab = new ElementSlab<>();
    Lane<Object> lane = new Lane<>(null, 0);
    slab.append(lane, new Object());
    WeakReference<Object> taken = new WeakReference<>(slab.poll(lane));

    Await.until(
        () -> {
          System.gc();
          return taken.get() == null ? null : "still reachable";
        });
    assertThat(slab.size()).isZero();
  }
}

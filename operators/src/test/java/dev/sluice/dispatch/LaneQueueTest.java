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

import java.util.ArrayDeque;
import java.util.Random;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;

/** {@link LaneQueue} against a deque. */
class LaneQueueTest {

  private final LaneQueue<String> queue = new LaneQueue<>();

  @RepeatedTest(20)
  void agreesWithADeque(RepetitionInfo round) {
    Random random = new Random(round.getCurrentRepetition());
    ArrayDeque<Lane<String>> model = new ArrayDeque<>();
    for (int i = 0; i < 5_000; i++) {
      switch (random.nextInt(4)) {
        case 0 -> {
          Lane<String> lane = new Lane<>(null, 0);
          queue.addLast(lane);
          model.addLast(lane);
        }
        case 1 -> {
          Lane<String> lane = new Lane<>(null, 0);
          queue.addFirst(lane);
          model.addFirst(lane);
        }
        default -> assertThat(queue.poll()).isSameAs(model.pollFirst());
      }
      assertThat(queue.size()).isEqualTo(model.size());
    }
  }

  @Test
  void aLaneMayComeBackAndTakesNobodyAlong() {
    Lane<String> first = new Lane<>(null, 0);
    Lane<String> second = new Lane<>(null, 0);
    queue.addLast(first);
    queue.addLast(second);
    queue.poll();
    queue.addLast(first);

    assertThat(queue.poll()).isSameAs(second);
    assertThat(queue.poll()).isSameAs(first);
    assertThat(queue.poll()).isNull();
  }

  @Test
  void clearForgetsEverything() {
    queue.addLast(new Lane<>(null, 0));
    queue.clear();

    assertThat(queue.poll()).isNull();
    assertThat(queue.size()).isZero();
  }
}

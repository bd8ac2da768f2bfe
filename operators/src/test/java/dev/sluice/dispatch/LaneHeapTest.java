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
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;

/** {@link LaneHeap} against a list that is sorted. */
class LaneHeapTest {

  /** What is compared, and which of those that are equal it is. */
  private record Job(int urgency, int number) {}

  private static final Comparator<Job> BY_URGENCY = Comparator.comparingInt(Job::urgency);

  private final AtomicLong now = new AtomicLong();
  private final LaneHeap<Job> heap = heap(ReadyOrder.mostUrgentFirst(BY_URGENCY));

  private LaneHeap<Job> heap(ReadyOrder<Job> order) {
    return new LaneHeap<>(order, now::get, () -> false);
  }

  private static Lane<Job> lane(int urgency, int number) {
    Lane<Job> lane = new Lane<>(null, 0);
    lane.element = new Job(urgency, number);
    return lane;
  }

  private static List<Integer> drain(LaneHeap<Job> heap) {
    List<Integer> numbers = new ArrayList<>();
    for (Lane<Job> lane = heap.poll(); lane != null; lane = heap.poll()) {
      numbers.add(lane.element().number());
    }
    return numbers;
  }

  @RepeatedTest(20)
  void agreesWithAStableSort(RepetitionInfo round) {
    Random random = new Random(round.getCurrentRepetition());
    List<Lane<Job>> model = new ArrayList<>();
    for (int i = 0; i < 5_000; i++) {
      if (random.nextInt(i / 500 % 2 == 0 ? 3 : 2) > 0) {
        Lane<Job> lane = lane(random.nextInt(7), i);
        heap.addLast(lane);
        model.add(lane);
      } else {
        model.sort(Comparator.comparing(Lane::element, BY_URGENCY));
        Lane<Job> expected = model.isEmpty() ? null : model.remove(0);
        assertThat(heap.poll()).isSameAs(expected);
      }
    }
  }

  @Test
  void whoComesBackHasKeptItsPlace() {
    Lane<Job> first = lane(1, 1);
    heap.addLast(first);
    heap.addLast(lane(1, 2));
    assertThat(heap.poll()).isSameAs(first);
    heap.addLast(lane(1, 3));
    heap.addFirst(first);
    assertThat(drain(heap)).containsExactly(1, 2, 3);
  }

  @Test
  void agingLetsNobodyWaitForLongerThanItsLevelsSay() {
    LaneHeap<Job> aging = heap(ReadyOrder.aging(Job::urgency, Duration.ofNanos(100)));
    now.set(Long.MAX_VALUE - 150); // the clock may overflow
    aging.addLast(lane(2, 1));
    now.addAndGet(199);
    aging.addLast(lane(0, 2));
    now.addAndGet(1);
    aging.addLast(lane(0, 3)); // as urgent as the first, which came before
    aging.addLast(lane(1, 4));
    assertThat(drain(aging)).containsExactly(2, 1, 3, 4);
  }

  /** Which call throws, and for which job. */
  @RepeatedTest(50)
  void everyLaneIsThereOnceWhateverThrows(RepetitionInfo round) {
    Random random = new Random(round.getCurrentRepetition());
    LaneHeap<Job> hostile =
        heap(
            ReadyOrder.mostUrgentFirst(
                (a, b) -> {
                  if (random.nextInt(5) == 0) {
                    throw new IllegalStateException();
                  }
                  return BY_URGENCY.compare(a, b);
                }));
    List<Integer> all = new ArrayList<>();
    List<Integer> polled = new ArrayList<>();
    for (int i = 0; i < 200; i++) {
      hostile.addLast(lane(random.nextInt(9), i));
      all.add(i);
      if (random.nextInt(3) == 0) {
        polled.add(hostile.poll().element().number());
      }
    }
    polled.addAll(drain(hostile));
    assertThat(polled).containsExactlyInAnyOrderElementsOf(all);
  }

  @Test
  void oneThatCannotBeComparedComesFirstAndTheOthersInOrder() {
    LaneHeap<Job> picky =
        heap(
            ReadyOrder.mostUrgentFirst(
                (a, b) -> {
                  if (a.urgency() == 13 || b.urgency() == 13) {
                    throw new IllegalStateException("13");
                  }
                  return BY_URGENCY.compare(a, b);
                }));
    Lane<Job> unlucky = lane(13, 0);
    picky.addLast(unlucky);
    picky.addLast(lane(3, 3));
    picky.addLast(lane(1, 1));
    picky.addLast(lane(2, 2));
    assertThat(unlucky.disorder).hasMessage("13");
    assertThat(drain(picky)).containsExactly(0, 1, 2, 3);
  }

  @Test
  void aLevelOutOfRangeIsNamed() {
    LaneHeap<Job> aging = heap(ReadyOrder.aging(Job::urgency, Duration.ofSeconds(1)));
    Lane<Job> tooHigh = lane(64, 0);
    Lane<Job> tooLow = lane(-1, 1);
    aging.addLast(tooHigh);
    aging.addLast(tooLow);
    assertThat(tooHigh.disorder).hasMessage("level: 64 (expected: 0..63)");
    assertThat(tooLow.disorder).hasMessage("level: -1 (expected: 0..63)");
  }

  @Test
  void clearedItHoldsNothing() {
    heap.addLast(lane(1, 1));
    heap.clear();
    assertThat(heap.poll()).isNull();
  }

  @Test
  void everyBadValueIsNamed() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> ReadyOrder.aging(Job::urgency, Duration.ZERO))
        .withMessage("step: PT0S (expected: > PT0S, <= PT8760H)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> ReadyOrder.aging(Job::urgency, Duration.ofDays(366)));
    assertThatNullPointerException()
        .isThrownBy(() -> ReadyOrder.mostUrgentFirst(null))
        .withMessage("mostUrgentFirst");
    assertThatNullPointerException()
        .isThrownBy(() -> ReadyOrder.aging(null, Duration.ofSeconds(1)))
        .withMessage("level");
  }
}

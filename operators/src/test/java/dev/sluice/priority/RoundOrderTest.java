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
package dev.sluice.priority;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Random;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;

/** The order of shares where elements cost the same, beside deficit round robin in general. */
class RoundOrderTest {

  private static final class TestLine extends Line<Integer> {
    final Deque<Integer> waiting = new ArrayDeque<>();
    boolean added;

    TestLine(int level) {
      super(level);
    }

    @Override
    boolean isEmpty() {
      return waiting.isEmpty();
    }

    @Override
    Integer peek() {
      return waiting.element();
    }

    @Override
    long stamp() {
      return 0;
    }

    @Override
    Integer poll() {
      return waiting.remove();
    }

    @Override
    MergeInner<Integer> polledFrom() {
      throw new UnsupportedOperationException();
    }

    @Override
    void forgotten() {}

    @Override
    void publishOldest() {}
  }

  /** An order, and lines of its own to choose from. */
  private static final class Side {
    final Order<Integer> order;
    final TestLine[] lines = new TestLine[6];

    Side(Order<Integer> order, int levels) {
      this.order = order;
      for (int i = 0; i < lines.length; i++) {
        lines[i] = new TestLine(i % levels);
      }
    }

    void offer(int line, int element) {
      lines[line].waiting.add(element);
      if (!lines[line].added) {
        lines[line].added = true;
        order.add(lines[line]);
      }
    }

    /** The next element, after which {@code refill} comes to its line before that is looked at. */
    Integer emit(int refill) {
      TestLine line = (TestLine) order.next();
      if (line == null) {
        return null;
      }
      Integer element = line.poll();
      if (refill > 0) {
        line.waiting.add(refill);
      }
      line.added = order.served(line);
      return element;
    }
  }

  @RepeatedTest(50)
  void choosesWhatDeficitRoundRobinChoosesOfElementsThatCostOne(RepetitionInfo info) {
    Random random = new Random(info.getCurrentRepetition());
    int levels = 1 + random.nextInt(4);
    int[] quanta = random.ints(levels, 1, 9).toArray();
    Side round =
        new Side(WeightedOrder.<Integer>policy(quanta, null).order(levels, () -> false), levels);
    Side deficit =
        new Side(WeightedOrder.<Integer>policy(quanta, e -> 1).order(levels, () -> false), levels);
    assertThat(round.order).isInstanceOf(RoundOrder.class);
    assertThat(deficit.order).isInstanceOf(WeightedOrder.class);
    int emitted = 0;
    for (int element = 1; element <= 5_000; element++) {
      if (random.nextInt(3) > 0) {
        int line = random.nextInt(round.lines.length);
        round.offer(line, element);
        deficit.offer(line, element);
      } else {
        int refill = random.nextInt(4) == 0 ? element : 0;
        for (int n = random.nextInt(12); n > 0; n--) {
          Integer next = round.emit(refill);
          assertThat(next).as("emission %d", emitted++).isEqualTo(deficit.emit(refill));
        }
      }
    }
  }
}

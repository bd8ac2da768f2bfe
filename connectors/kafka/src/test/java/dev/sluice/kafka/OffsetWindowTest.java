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
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.NavigableSet;
import java.util.Random;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

class OffsetWindowTest {

  private final AtomicLong nanos = new AtomicLong();

  private OffsetWindow window(long start, int capacity) {
    return window(start, OffsetMap.EMPTY, capacity);
  }

  private OffsetWindow window(long start, OffsetMap done, int capacity) {
    return new OffsetWindow(start, done, capacity, nanos::get);
  }

  @Nested
  class Frontier {

    @Test
    void isTheStartWhenNothingCame() {
      assertThat(window(7, 4).frontier()).isEqualTo(7);
    }

    @Test
    void isUnknownUntilSomethingIsHeardOf() {
      OffsetWindow window = window(OffsetWindow.UNKNOWN, 4);
      assertThat(window.frontier()).isEqualTo(OffsetWindow.UNKNOWN);
      assertThat(window.position()).isEqualTo(OffsetWindow.UNKNOWN);
      window.skipTo(0); // an empty log has an end, too
      assertThat(window.frontier()).isZero();
      window.admit(5);
      assertThat(window.frontier()).isEqualTo(5);
    }

    @Test
    void staysAtTheFirstUnsettledOffset() {
      OffsetWindow window = window(0, 8);
      long a = window.admit(0);
      long b = window.admit(1);
      long c = window.admit(2);
      window.settle(c);
      window.settle(b);
      assertThat(window.frontier()).isEqualTo(0);
      window.settle(a);
      assertThat(window.frontier()).isEqualTo(3);
    }

    @Test
    void skipsOffsetsThatAreMissingFromTheLog() {
      OffsetWindow window = window(0, 8);
      long a = window.admit(10);
      window.admit(500);
      window.settle(a);
      assertThat(window.frontier()).isEqualTo(500);
    }

    @Test
    void passesTheEndOfTheLogOnlyWhenAllIsSettled() {
      OffsetWindow window = window(0, 8);
      long a = window.admit(3);
      window.skipTo(5);
      assertThat(window.frontier()).isEqualTo(3);
      window.settle(a);
      assertThat(window.frontier()).isEqualTo(5);
      window.skipTo(2);
      assertThat(window.frontier()).isEqualTo(5);
    }
  }

  @Nested
  class Admission {

    @Test
    void refusesWhatIsBelowTheStartOrNotAboveTheLast() {
      OffsetWindow window = window(5, 8);
      assertThat(window.admit(4)).isEqualTo(OffsetWindow.REFUSED);
      assertThat(window.admit(5)).isNotEqualTo(OffsetWindow.REFUSED);
      assertThat(window.admit(5)).isEqualTo(OffsetWindow.REFUSED);
      assertThat(window.inFlight()).isEqualTo(1);
    }

    @Test
    void refusesWhatWasSkipped() {
      OffsetWindow window = window(0, 8);
      window.skipTo(9);
      assertThat(window.admit(8)).isEqualTo(OffsetWindow.REFUSED);
      assertThat(window.admit(9)).isNotEqualTo(OffsetWindow.REFUSED);
    }

    @Test
    void makesRoomAsTheHeadIsSettled() {
      OffsetWindow window = window(0, 2);
      for (int i = 0; i < 1_000; i++) {
        assertThat(window.settle(window.admit(i))).isTrue();
      }
      assertThat(window.frontier()).isEqualTo(1_000);
    }

    @Test
    void failsWhenFull() {
      OffsetWindow window = window(0, 2);
      window.admit(0);
      window.settle(window.admit(1));
      assertThatIllegalStateException()
          .isThrownBy(() -> window.admit(2))
          .withMessage("offset: 2 (expected: at most 2 records from the unsettled offset 0 on)");
    }

    @Test
    void needsAPositiveCapacityAndAStartInTheLog() {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> window(0, 0))
          .withMessage("capacity: 0 (expected: 1..2^28)");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> window(-2, 1))
          .withMessage("start: -2 (expected: >= -1)");
    }
  }

  @Nested
  class Settling {

    @Test
    void countsOnce() {
      OffsetWindow window = window(0, 4);
      long a = window.admit(0);
      window.admit(1);
      assertThat(window.settle(a)).isTrue();
      assertThat(window.settle(a)).isFalse();
      assertThat(window.inFlight()).isEqualTo(1);
    }

    @Test
    void isNotMistakenForThatOfANewerRecordInTheSamePlace() {
      OffsetWindow window = window(0, 2);
      long old = window.admit(0);
      window.settle(old);
      window.settle(window.admit(1));
      window.admit(2);
      assertThat(window.settle(old)).isFalse();
      assertThat(window.frontier()).isEqualTo(2);
    }

    @Test
    void ofARecordThatNeverCameDoesNothing() {
      OffsetWindow window = window(0, 4);
      assertThat(window.settle(0)).isFalse();
      assertThat(window.admit(0)).isEqualTo(0);
      assertThat(window.frontier()).isEqualTo(0);
    }
  }

  @Nested
  class Ahead {

    private OffsetMap runs(long... bounds) {
      OffsetMap.Builder map = new OffsetMap.Builder();
      for (int i = 0; i < bounds.length; i += 2) {
        map.add(bounds[i], bounds[i + 1]);
      }
      return map.build();
    }

    @Test
    void isWhatIsSettledBehindTheFrontier() {
      OffsetWindow window = window(0, 16);
      long[] seqs = new long[10];
      for (int i = 0; i < 10; i++) {
        seqs[i] = window.admit(i);
      }
      assertThat(window.settledAhead()).hasToString("[]");
      for (int i : new int[] {0, 2, 3, 5, 9}) {
        window.settle(seqs[i]);
      }
      assertThat(window.frontier()).isEqualTo(1);
      assertThat(window.settledAhead()).hasToString("[2..3, 5..5, 9..9]");
    }

    @Test
    void doesNotBreakWhereTheLogHasNoRecords() {
      OffsetWindow window = window(0, 16);
      window.admit(10);
      window.settle(window.admit(20));
      window.settle(window.admit(30));
      window.admit(40);
      window.settle(window.admit(50));
      window.skipTo(60);
      assertThat(window.settledAhead()).hasToString("[20..39, 50..59]");
    }

    @Test
    void isInherited() {
      OffsetWindow window = window(3, runs(5, 8, 20, 31), 16);
      long three = window.admit(3);
      assertThat(window.admit(5)).isEqualTo(OffsetWindow.SETTLED);
      assertThat(window.admit(7)).isEqualTo(OffsetWindow.SETTLED);
      assertThat(window.admit(7)).isEqualTo(OffsetWindow.REFUSED);
      long eight = window.admit(8);
      assertThat(eight).isGreaterThan(three);
      assertThat(window.inFlight()).isEqualTo(2);
      assertThat(window.frontier()).isEqualTo(3);
      // What was not read again yet is still known.
      assertThat(window.settledAhead()).hasToString("[5..7, 20..30]");
      window.settle(three);
      assertThat(window.frontier()).isEqualTo(8);
      window.settle(eight);
      assertThat(window.frontier()).isEqualTo(9);
      assertThat(window.settledAhead()).hasToString("[20..30]");
      assertThat(window.admit(20)).isEqualTo(OffsetWindow.SETTLED);
      assertThat(window.frontier()).isEqualTo(21);
      assertThat(window.settledAhead()).hasToString("[21..30]");
      window.skipTo(31);
      assertThat(window.settledAhead()).hasToString("[]");
    }

    @Test
    void staysWhatItWasWhenTheWindowIsClosed() {
      OffsetWindow window = window(0, runs(7, 9), 16);
      long zero = window.admit(0);
      window.settle(window.admit(1));
      window.close();
      window.settle(zero);
      assertThat(window.frontier()).isZero();
      assertThat(window.settledAhead()).hasToString("[1..1, 7..8]");
    }
  }

  @Nested
  class Closing {

    @Test
    void fencesWhatIsUnsettled() {
      OffsetWindow window = window(0, 4);
      long a = window.admit(0);
      long b = window.admit(1);
      window.settle(a);
      window.close();
      assertThat(window.settle(b)).isFalse();
      assertThat(window.isFenced(a)).isFalse();
      assertThat(window.isFenced(b)).isTrue();
      assertThat(window.frontier()).isEqualTo(1);
      assertThat(window.inFlight()).isZero();
      assertThat(window.admit(2)).isEqualTo(OffsetWindow.REFUSED);
    }
  }

  @Nested
  class Age {

    @Test
    void isThatOfTheRecordAtTheFrontier() {
      OffsetWindow window = window(0, 4);
      assertThat(window.oldestAge()).isZero();
      long a = window.admit(0);
      nanos.addAndGet(Duration.ofSeconds(3).toNanos());
      window.admit(1);
      nanos.addAndGet(Duration.ofSeconds(2).toNanos());
      assertThat(window.oldestAge()).isEqualTo(Duration.ofSeconds(5));
      window.settle(a);
      assertThat(window.oldestAge()).isEqualTo(Duration.ofSeconds(2));
    }

    @Test
    void survivesTheWrapOfItsClock() {
      OffsetWindow window = window(0, 4);
      nanos.addAndGet(Duration.ofDays(24).plusHours(20).toNanos());
      window.admit(0);
      nanos.addAndGet(Duration.ofHours(5).toNanos());
      assertThat(window.oldestAge()).isEqualTo(Duration.ofHours(5));
    }
  }

  /** Against the obvious model: a set of unsettled offsets. */
  @Nested
  class Model {

    @RepeatedTest(50)
    void agreesWithATreeSetStepByStep() {
      long seed = ThreadLocalRandom.current().nextLong();
      Random random = new Random(seed);
      int capacity = 1 + random.nextInt(64);
      long start = random.nextInt(1_000);
      OffsetWindow window = window(start, capacity);
      NavigableSet<Long> unsettled = new TreeSet<>();
      List<long[]> out = new ArrayList<>();
      long next = start;
      int admitted = 0;
      for (int step = 0; step < 5_000; step++) {
        int used = used(out, admitted);
        assertThat(window.used()).as("seed %d, step %d", seed, step).isEqualTo(used);
        if (used < capacity && random.nextInt(3) > 0) {
          long offset = next + (random.nextInt(4) == 0 ? random.nextInt(50) : 0);
          assertThat(window.admit(next - 1 - random.nextInt(5))).isEqualTo(OffsetWindow.REFUSED);
          long seq = window.admit(offset);
          out.add(new long[] {offset, seq});
          unsettled.add(offset);
          next = offset + 1;
          admitted++;
        } else if (!out.isEmpty()) {
          long[] record = out.remove(random.nextInt(out.size()));
          assertThat(window.settle(record[1])).as("seed %d", seed).isTrue();
          unsettled.remove(record[0]);
        }
        long expected = unsettled.isEmpty() ? next : unsettled.first();
        assertThat(window.frontier()).as("seed %d, step %d", seed, step).isEqualTo(expected);
        assertThat(window.inFlight()).as("seed %d, step %d", seed, step).isEqualTo(out.size());
      }
    }

    @RepeatedTest(10)
    void neverPassesAnUnsettledOffsetWhileFourThreadsSettle() throws Exception {
      long seed = ThreadLocalRandom.current().nextLong();
      Random random = new Random(seed);
      int capacity = 256;
      OffsetWindow window = new OffsetWindow(0, OffsetMap.EMPTY, capacity, System::nanoTime);
      // Offsets whose settling has not begun, and those whose settling has not ended: the frontier
      // must lie between the smallest of each.
      ConcurrentSkipListSet<Long> notBegun = new ConcurrentSkipListSet<>();
      ConcurrentSkipListSet<Long> notEnded = new ConcurrentSkipListSet<>();
      LinkedBlockingQueue<long[]> out = new LinkedBlockingQueue<>();
      AtomicLong settled = new AtomicLong();
      AtomicLong fenced = new AtomicLong();
      int records = 5_000;
      long next = 0;
      long frontier = 0;
      int admitted = 0;

      ExecutorService threads = Executors.newFixedThreadPool(4);
      try {
        List<Future<?>> settlers = new ArrayList<>();
        for (int t = 0; t < 4; t++) {
          settlers.add(
              threads.submit(
                  () -> {
                    settleInRandomOrder(out, window, notBegun, notEnded, settled, fenced);
                    return null;
                  }));
        }
        while (admitted < records) {
          if (window.used() < capacity) {
            long offset = next + (random.nextInt(8) == 0 ? random.nextInt(9) : 0);
            notBegun.add(offset);
            notEnded.add(offset);
            long seq = window.admit(offset);
            out.add(new long[] {offset, seq});
            next = offset + 1;
            admitted++;
          }
          Long lowest = notEnded.ceiling(0L);
          long low = lowest == null ? next : lowest;
          long f = window.frontier();
          Long first = notBegun.ceiling(0L);
          assertThat(f).as("seed %d: never back", seed).isGreaterThanOrEqualTo(frontier);
          assertThat(f).as("seed %d: settled prefix", seed).isGreaterThanOrEqualTo(low);
          assertThat(f)
              .as("seed %d: unsettled offset", seed)
              .isLessThanOrEqualTo(first == null ? next : first);
          frontier = f;
        }
        window.close();
        long last = window.frontier();
        for (int t = 0; t < 4; t++) {
          out.add(END);
        }
        for (Future<?> settler : settlers) {
          settler.get(30, TimeUnit.SECONDS);
        }
        assertThat(window.frontier()).as("seed %d: closed", seed).isEqualTo(last);
        assertThat(settled.get() + fenced.get()).isEqualTo(records);
        assertThat(window.inFlight()).isZero();
      } finally {
        threads.shutdownNow();
      }
    }

    private static final long[] END = {-1, -1};

    private void settleInRandomOrder(
        LinkedBlockingQueue<long[]> out,
        OffsetWindow window,
        ConcurrentSkipListSet<Long> notBegun,
        ConcurrentSkipListSet<Long> notEnded,
        AtomicLong settled,
        AtomicLong fenced)
        throws InterruptedException {
      List<long[]> mine = new ArrayList<>();
      boolean ended = false;
      while (!ended || !mine.isEmpty()) {
        long[] record = ended ? null : out.poll(mine.isEmpty() ? 1 : 0, TimeUnit.MILLISECONDS);
        if (record == END) {
          ended = true;
        } else if (record != null) {
          mine.add(record);
        }
        if (!mine.isEmpty() && (mine.size() > 30 || record == null)) {
          long[] victim = mine.remove(ThreadLocalRandom.current().nextInt(mine.size()));
          notBegun.remove(victim[0]);
          boolean first = window.settle(victim[1]);
          notEnded.remove(victim[0]);
          (first ? settled : fenced).incrementAndGet();
        }
      }
    }

    /** Sequences are counted from 0; those before the oldest unsettled one are out of the ring. */
    private int used(List<long[]> out, int admitted) {
      return (int) (admitted - out.stream().mapToLong(r -> r[1]).min().orElse(admitted));
    }
  }
}

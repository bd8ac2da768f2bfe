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
package dev.sluice.level;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The bucket of permits. */
class RateTest {

  private static final long MILLI = 1_000_000;

  /** Whoever asks whenever, in every time t at most burst + t / interval have gone. */
  @RepeatedTest(20)
  void neverGivesMoreThanItSays(RepetitionInfo round) {
    Random random = new Random(round.getCurrentRepetition());
    int burst = 1 + random.nextInt(5);
    Rate rate = Rate.of(1 + random.nextInt(1_000), Duration.ofMillis(100), burst);
    Rate.Bucket bucket = rate.bucket();
    long now = random.nextLong(); // wherever the clock begins
    List<Long> taken = new ArrayList<>();
    for (int i = 0; i < 2_000; i++) {
      now += random.nextInt(10) == 0 ? random.nextLong(100 * MILLI) : 0;
      long closed = bucket.closedFor(now);
      if (closed == 0) {
        bucket.take(now);
        taken.add(now);
      } else if (random.nextBoolean()) {
        now += closed;
        assertThat(bucket.closedFor(now)).as("when it said so").isZero();
        assertThat(bucket.closedFor(now - 1)).as("and not before").isPositive();
      }
    }
    for (int first = 0; first < taken.size(); first++) {
      for (int last = first; last < Math.min(taken.size(), first + 50); last++) {
        long time = taken.get(last) - taken.get(first);
        assertThat(last - first + 1L).isLessThanOrEqualTo(burst + time / rate.interval());
      }
    }
  }

  @Test
  void fillsUpToTheBurstAndNoFurther() {
    Rate.Bucket bucket = Rate.of(10, Duration.ofSeconds(1), 3).bucket();
    for (long now : new long[] {0, 3_600_000 * MILLI}) {
      for (int i = 0; i < 3; i++) {
        assertThat(bucket.closedFor(now)).isZero();
        bucket.take(now);
      }
      assertThat(bucket.closedFor(now)).isEqualTo(100 * MILLI);
    }
  }

  @Test
  void whatIsGivenBackIsThereAgain() {
    Rate.Bucket bucket = Rate.of(10, Duration.ofSeconds(1), 1).bucket();
    assertThat(bucket.closedFor(0)).isZero();
    bucket.take(0);
    assertThat(bucket.closedFor(0)).isPositive();
    bucket.giveBack();
    assertThat(bucket.closedFor(0)).isZero();
  }

  @Test
  void isNeverFasterThanAFraction() {
    assertThat(Rate.of(3, Duration.ofSeconds(1), 1).interval()).isEqualTo(333_333_334);
  }

  @ParameterizedTest
  @CsvSource({
    "0, PT1S, 1, permits: 0 (expected: >= 1)",
    "1, PT0S, 1, 'per: PT0S (expected: > PT0S, <= PT8760H)'",
    "1, PT8761H, 1, 'per: PT8761H (expected: > PT0S, <= PT8760H)'",
    "1001, PT0.001S, 1, rate: 1001 per PT0.001S (expected: at most 1000 per millisecond)",
    "1, PT1S, 0, burst: 0 (expected: 1..31536000)",
    "1, PT8760H, 2, burst: 2 (expected: 1..1)"
  })
  void everyBadValueIsNamed(int permits, Duration per, int burst, String message) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Rate.of(permits, per, burst))
        .withMessage(message);
  }
}

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

import java.util.Random;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Random lives of a group against {@link GroupModel}: polls, settlements in any order, commits that
 * fail, that are taken although they fail, that are answered late, partitions that are revoked,
 * lost and assigned again, crashes, another member. A failure prints its seed, and the shortest
 * list of steps that was found to fail as well.
 *
 * <p>What it cannot see, because the model has one thread, is left to {@code OffsetWindowTest} and
 * {@code OffsetWindowStress}.
 */
class OffsetWindowModelTest {

  private static final int PROGRAMS = 250;
  private static final int LONGEST = 300;

  @RepeatedTest(8)
  void holdsWhatItPromises() {
    long seed = ThreadLocalRandom.current().nextLong();
    AssertionError failure = search(seed);
    if (failure != null) {
      throw new AssertionError("seed " + seed + ": " + failure.getMessage(), failure);
    }
  }

  /** A model that finds nothing would be worth nothing. */
  @ParameterizedTest
  @EnumSource
  void findsTheMistake(GroupModel.Bug bug) {
    long seed = ThreadLocalRandom.current().nextLong();
    assertThat(search(seed, bug)).as("seed %d", seed).isNotNull();
  }

  private static @Nullable AssertionError search(long seed, GroupModel.Bug... bugs) {
    Random random = new Random(seed);
    for (int i = 0; i < PROGRAMS; i++) {
      long[] steps = random.longs(2 + random.nextInt(LONGEST)).toArray();
      AssertionError failure = run(steps, bugs);
      if (failure != null) {
        return bugs.length > 0 ? failure : shrink(steps, failure);
      }
    }
    return null;
  }

  private static @Nullable AssertionError run(long[] steps, GroupModel.Bug... bugs) {
    try {
      GroupModel.run(steps, bugs);
      return null;
    } catch (AssertionError e) {
      return e;
    }
  }

  /** Leaves out what is not needed for the failure: halves at first, single steps in the end. */
  private static AssertionError shrink(long[] failing, AssertionError failure) {
    long[] steps = failing;
    AssertionError shortest = failure;
    for (int length = steps.length / 2; length > 0; length /= 2) {
      for (int from = 1; from + length <= steps.length; ) {
        long[] fewer = new long[steps.length - length];
        System.arraycopy(steps, 0, fewer, 0, from);
        System.arraycopy(steps, from + length, fewer, from, fewer.length - from);
        AssertionError still = run(fewer);
        if (still == null) {
          from += length;
        } else {
          steps = fewer;
          shortest = still;
        }
      }
    }
    return shortest;
  }
}

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
package dev.sluice.gather;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.function.BiPredicate;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * What is wanted of a gather.
 *
 * @param reached why a gather ends that has it
 * @param needed the answers it takes at least; 0 for all of them, however many there are
 * @param begin makes the state of one gather
 */
record Goal<R>(Completion reached, int needed, Supplier<Tally<R>> begin) {

  /** How far one gather is. Called by one thread at a time. */
  abstract static class Tally<R> {

    /**
     * Counts an answer.
     *
     * @return whether that is all it takes
     */
    abstract boolean add(R answer);

    /** Whether {@code open} more answers could be all it takes. */
    abstract boolean reachableWith(int open);

    /** The answer that the quorum agreed on. */
    @Nullable R agreed() {
      return null;
    }
  }

  static <R> Goal<R> all() {
    Tally<R> everyLeg =
        new Tally<>() {
          @Override
          boolean add(R answer) {
            return false;
          }

          @Override
          boolean reachableWith(int open) {
            return true;
          }
        };
    return new Goal<>(Completion.ALL, 0, () -> everyLeg);
  }

  static <R> Goal<R> first(int n) {
    return new Goal<>(Completion.FIRST, n, () -> new First<>(n));
  }

  static <R> Goal<R> quorum(int n, BiPredicate<? super R, ? super R> equality) {
    return new Goal<>(Completion.QUORUM, n, () -> new Quorum<>(n, equality));
  }

  static <R> Goal<R> until(Predicate<? super List<R>> enough) {
    return new Goal<>(Completion.PREDICATE, 1, () -> new Until<>(enough));
  }

  /** So many answers. */
  private static final class First<R> extends Tally<R> {
    private int missing;

    First(int n) {
      this.missing = n;
    }

    @Override
    boolean add(R answer) {
      return --missing == 0;
    }

    @Override
    boolean reachableWith(int open) {
      return missing <= open;
    }
  }

  /** So many answers that are equal to the first of their group. */
  private static final class Quorum<R> extends Tally<R> {
    private final int n;
    private final BiPredicate<? super R, ? super R> equality;
    private final List<R> different = new ArrayList<>(2);
    private int[] votes = new int[2];
    private int most;
    private @Nullable R agreed;

    Quorum(int n, BiPredicate<? super R, ? super R> equality) {
      this.n = n;
      this.equality = equality;
    }

    @Override
    boolean add(R answer) {
      int group = groupOf(answer);
      most = Math.max(most, ++votes[group]);
      if (votes[group] == n) {
        agreed = different.get(group);
        return true;
      }
      return false;
    }

    private int groupOf(R answer) {
      for (int group = 0; group < different.size(); group++) {
        if (equality.test(different.get(group), answer)) {
          return group;
        }
      }
      different.add(answer);
      if (different.size() > votes.length) {
        votes = Arrays.copyOf(votes, votes.length * 2);
      }
      return different.size() - 1;
    }

    @Override
    boolean reachableWith(int open) {
      return n - most <= open;
    }

    @Override
    @Nullable R agreed() {
      return agreed;
    }
  }

  /** Answers that satisfy a predicate. */
  private static final class Until<R> extends Tally<R> {
    private final Predicate<? super List<R>> enough;
    private final List<R> answers = new ArrayList<>();
    private final List<R> view = Collections.unmodifiableList(answers);

    Until(Predicate<? super List<R>> enough) {
      this.enough = enough;
    }

    @Override
    boolean add(R answer) {
      answers.add(answer);
      return enough.test(view);
    }

    @Override
    boolean reachableWith(int open) {
      return open > 0;
    }
  }
}

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

import java.util.Arrays;
import java.util.Objects;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import java.util.function.ToIntFunction;
import org.jspecify.annotations.Nullable;

/**
 * Deficit round robin: the levels that have something take turns, and in its turn a level may spend
 * its quantum and what it could not spend in the turn before. Where every element costs 1, {@link
 * RoundOrder} is enough.
 */
final class WeightedOrder<T> extends LevelOrder<T> {

  /*
   * Between two calls:
   *   I1  chosen is the first line of the level that has its turn; its element costs price <= left
   *   I2  of every other level, unspent >= 0, and it is 0 while the level is empty
   *   I3  prices[level] is the cost of the level's first element, or UNKNOWN; asked for once
   */

  private static final int UNKNOWN = 0;

  private final int[] quanta;
  private final ToIntFunction<? super T> costOf;
  private final BooleanSupplier halted;
  private final long[] unspent;
  private final int[] prices;
  private int turn = -1; // the level that has its turn
  private long left; // what it may spend
  private int price;

  private WeightedOrder(int[] quanta, ToIntFunction<? super T> costOf, BooleanSupplier halted) {
    super(quanta.length);
    this.quanta = quanta;
    this.costOf = costOf;
    this.halted = halted;
    this.unspent = new long[quanta.length];
    this.prices = new int[quanta.length];
  }

  /**
   * Shares of what elements cost.
   *
   * @param costOf null: each costs 1
   */
  static <T> Policy<T> policy(int[] quanta, @Nullable ToIntFunction<? super T> costOf) {
    int[] copy = quanta.clone();
    for (int level = 0; level < copy.length; level++) {
      if (copy[level] < 1) {
        throw new IllegalArgumentException(
            "quanta[" + level + "]: " + copy[level] + " (expected: >= 1)");
      }
    }
    return new Policy<>() {
      @Override
      public void check(int levels) {
        if (levels != copy.length) {
          throw new IllegalArgumentException(
              "quanta: "
                  + Arrays.toString(copy)
                  + " (expected: one for each of the "
                  + levels
                  + " levels)");
        }
      }

      @Override
      public Order<T> order(int levels, BooleanSupplier halted) {
        return costOf == null ? new RoundOrder<>(copy) : new WeightedOrder<>(copy, costOf, halted);
      }

      @Override
      public <S> Policy<S> over(Function<ToIntFunction<? super T>, ToIntFunction<S>> lift) {
        return policy(copy, costOf == null ? null : lift.apply(costOf));
      }
    };
  }

  @Override
  void add(Line<T> line) {
    append(line);
  }

  @Override
  boolean served(Line<T> line) {
    left -= price;
    prices[turn] = UNKNOWN;
    boolean waiting = passOn(line);
    Line<T> following = get(turn);
    if (following != null && left >= (price = priceOf(following))) {
      if (following != chosen) { // most often it is
        chosen = following;
      }
    } else {
      unspent[turn] = following == null ? 0 : left;
      chosen = null;
    }
    return waiting;
  }

  /** Gives the turn to the first level that can pay for its first element. */
  @Override
  @Nullable Line<T> choose() {
    int tried = 0;
    while (!isEmpty()) {
      turn = after(turn);
      Line<T> line = Objects.requireNonNull(get(turn));
      left = unspent[turn] + quanta[turn];
      price = priceOf(line);
      if (halted.getAsBoolean()) { // the cost function may have cancelled
        return null;
      }
      if (left >= price) {
        return line;
      }
      unspent[turn] = left;
      if (++tried == count()) {
        skipRounds();
        tried = 0;
      }
    }
    return null;
  }

  /** Nobody could pay in a round: those in which that stays so are not walked through. */
  private void skipRounds() {
    long rounds = Long.MAX_VALUE;
    int level = turn;
    do {
      rounds = Math.min(rounds, (prices[level] - unspent[level] - 1) / quanta[level]);
      level = after(level);
    } while (level != turn);
    do {
      unspent[level] += rounds * quanta[level];
      level = after(level);
    } while (level != turn);
  }

  static int inRange(int cost) {
    if (cost < 1) {
      throw new IllegalArgumentException("cost: " + cost + " (expected: >= 1)");
    }
    return cost;
  }

  /** What the first element of a level's first line costs. */
  private int priceOf(Line<T> line) {
    if (prices[line.level] == UNKNOWN) {
      T element = line.peek();
      prices[line.level] = inRange(costOf.applyAsInt(element));
    }
    return prices[line.level];
  }
}

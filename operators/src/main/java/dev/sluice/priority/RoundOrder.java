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

import org.jspecify.annotations.Nullable;

/**
 * Deficit round robin of elements that cost 1 each: the levels that have something take turns, and
 * in its turn a level emits as many as its quantum. Only a level that is empty leaves anything
 * over, and that is lost, so there is no deficit to keep.
 */
final class RoundOrder<T> extends LevelOrder<T> {

  private final int[] quanta;
  private int turn; // the level that has its turn
  private int left; // what it may still emit; of no account while none is chosen

  RoundOrder(int[] quanta) {
    super(quanta.length);
    this.quanta = quanta;
    this.turn = quanta.length - 1;
  }

  @Override
  @Nullable Line<T> choose() {
    if (isEmpty()) {
      return null;
    }
    turn = after(turn);
    left = quanta[turn];
    return get(turn);
  }

  @Override
  void add(Line<T> line) {
    append(line);
  }

  @Override
  boolean served(Line<T> line) {
    boolean over = --left == 0;
    if (keepsTurn(line)) {
      if (over) {
        chosen = null;
      }
      return true;
    }
    boolean waiting = passOn(line);
    chosen = over ? null : get(turn);
    return waiting;
  }
}

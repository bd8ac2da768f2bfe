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

/** Chooses a level first; the lines of one level take turns. */
abstract class LevelOrder<T> extends Order<T> {

  static final int MAX_LEVELS = Long.SIZE;

  private final @Nullable Line<T>[] first;
  private final @Nullable Line<T>[] last;
  private long nonEmpty; // a bit for each level

  @SuppressWarnings({"unchecked", "rawtypes"})
  LevelOrder(int levels) {
    first = new Line[levels];
    last = new Line[levels];
  }

  @Override
  final boolean isEmpty() {
    return nonEmpty == 0;
  }

  /** How many levels are not empty. */
  int count() {
    return Long.bitCount(nonEmpty);
  }

  /** The first level that is not empty, when there is one. */
  int mostUrgent() {
    return Long.numberOfTrailingZeros(nonEmpty);
  }

  /** The first level after {@code level}, around the end, that is not empty, when there is one. */
  int after(int level) {
    long later = level == MAX_LEVELS - 1 ? 0 : nonEmpty & (-1L << (level + 1));
    return Long.numberOfTrailingZeros(later == 0 ? nonEmpty : later);
  }

  /** The line that has its turn in a level, or null. */
  @Nullable Line<T> get(int level) {
    return first[level];
  }

  /** Puts a line behind the others of its level. */
  void append(Line<T> line) {
    Line<T> before = last[line.level];
    if (before == null) {
      first[line.level] = line;
      nonEmpty |= 1L << line.level;
    } else {
      before.nextInLevel = line;
    }
    last[line.level] = line;
  }

  /** Whether the turn of its level stays with {@code line}: it has more, and there is no other. */
  boolean keepsTurn(Line<T> line) {
    return line.nextInLevel == null && !line.isEmpty();
  }

  /** Passes the turn of its level on from {@code line}, which is forgotten if it is empty. */
  boolean passOn(Line<T> line) {
    boolean waiting = !line.isEmpty(); // once: the next moment it may be otherwise
    Line<T> other = line.nextInLevel;
    if (other != null) {
      first[line.level] = other;
      line.nextInLevel = null;
      if (waiting) {
        append(line);
      }
    } else if (!waiting) {
      first[line.level] = null;
      last[line.level] = null;
      nonEmpty &= ~(1L << line.level);
    }
    return waiting;
  }
}

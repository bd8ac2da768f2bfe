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
 * Elements of one level that wait: those of one source, or those of all its sources regrouped. What
 * an {@link Order} chooses from. Drain only.
 */
abstract class Line<T> {

  /** In place of a stamp: nothing waits. */
  static final long NONE = Long.MIN_VALUE;

  final int level;

  // == bookkeeping of the order ==
  @Nullable Line<T> nextInLevel;
  long due;
  long turn;

  Line(int level) {
    this.level = level;
  }

  abstract boolean isEmpty();

  /** The element that is next, when there is one. */
  abstract T peek();

  /** When the oldest element came, when there is one and times are kept. */
  abstract long stamp();

  /** Takes the element that is next, when there is one. */
  abstract T poll();

  /** Whose element was taken last. */
  abstract MergeInner<T> polledFrom();

  /** The order has found this empty and has forgotten it. */
  abstract void forgotten();

  /** Tells the gauges what {@link #stamp} says now. */
  abstract void publishOldest();
}

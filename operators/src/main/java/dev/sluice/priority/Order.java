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
 * Which of the lines that are not empty is next. One for each subscription; drain only.
 *
 * @param <T> the elements
 */
abstract class Order<T> {

  /** The line whose next element goes next, once that is decided; it stays so until it went. */
  @Nullable Line<T> chosen;

  abstract boolean isEmpty();

  /** The line that goes next; null when all are empty, or {@link #choose} found it is over. */
  final @Nullable Line<T> next() {
    Line<T> line = chosen;
    if (line == null) {
      line = choose();
      chosen = line;
    }
    return line;
  }

  /**
   * Decides, when asked for the next element: what came before has a say. Null when all lines are
   * empty, or a function of the user that it called has ended the sequence.
   */
  abstract @Nullable Line<T> choose();

  /** A line that is not empty any more. */
  abstract void add(Line<T> line);

  /**
   * The element of {@link #next}, which is {@code line}, went. False: the line is empty and
   * forgotten.
   */
  abstract boolean served(Line<T> line);
}

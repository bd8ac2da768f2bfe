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

import java.time.Duration;
import java.util.Comparator;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.function.ToIntFunction;
import org.jspecify.annotations.Nullable;
import reactor.core.scheduler.Scheduler;

/**
 * What makes one element more urgent than another.
 *
 * @param mostUrgentFirst by what they are; null: by level and age
 * @param level the level of an element, if they are compared by level and age
 * @param step the age, in nanoseconds, that makes up for a level
 */
record Urgency<T>(
    @Nullable Comparator<? super T> mostUrgentFirst,
    @Nullable ToIntFunction<? super T> level,
    long step) {

  static final int MAX_LEVEL = LevelOrder.MAX_LEVELS - 1;

  static <T> Urgency<T> by(Comparator<? super T> mostUrgentFirst) {
    return new Urgency<>(Objects.requireNonNull(mostUrgentFirst, "mostUrgentFirst"), null, 0);
  }

  static <T> Urgency<T> by(ToIntFunction<? super T> level, Duration step) {
    return new Urgency<>(null, Objects.requireNonNull(level, "level"), AgingOrder.nanos(step));
  }

  /** When an element that comes now is due, if that decides. */
  long due(T element, Scheduler clock) {
    if (level == null) {
      return 0;
    }
    return inRange(level.applyAsInt(element)) * step + clock.now(TimeUnit.NANOSECONDS);
  }

  static int inRange(int level) {
    if (level < 0 || level > MAX_LEVEL) {
      throw new IllegalArgumentException("level: " + level + " (expected: 0.." + MAX_LEVEL + ")");
    }
    return level;
  }
}

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
package dev.sluice.dispatch;

import dev.sluice.Experimental;
import dev.sluice.time.Times;
import java.time.Duration;
import java.util.Comparator;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.ToIntFunction;
import org.jspecify.annotations.Nullable;

/**
 * Which of the elements that wait for a worker goes next, decided when the worker is free: nothing
 * that waits further down can undo it. Of two that are equally urgent the one that came first goes.
 * Immutable.
 *
 * @param <T> the elements
 */
@Experimental
public final class ReadyOrder<T> {

  private static final int MAX_LEVEL = 63;

  private final @Nullable Comparator<? super T> comparator; // null: by when they are due
  private final ToIntFunction<? super T> level;
  private final long step;

  private ReadyOrder(
      @Nullable Comparator<? super T> comparator, ToIntFunction<? super T> level, long step) {
    this.comparator = comparator;
    this.level = level;
    this.step = step;
  }

  /**
   * The most urgent one goes next.
   *
   * <p>Bound: an element is overtaken by nothing less urgent. It starves for as long as something
   * more urgent waits.
   *
   * @param mostUrgentFirst compares elements; what it compares must not change while they wait. An
   *     element that it throws for has failed, as if its worker had, and is not tried again
   */
  public static <T> ReadyOrder<T> mostUrgentFirst(Comparator<? super T> mostUrgentFirst) {
    Objects.requireNonNull(mostUrgentFirst, "mostUrgentFirst");
    return new ReadyOrder<>(mostUrgentFirst, element -> 0, 0);
  }

  /**
   * An element becomes as urgent as the next level after it has waited for {@code step}: the one
   * goes next for which the time at which it came, plus {@code step} for each level below the most
   * urgent one, is earliest.
   *
   * <p>Bound: an element is overtaken only by those of a more urgent level that came after it by no
   * more than {@code step} times the number of levels between them, so none starves.
   *
   * @param level the level of an element, 0 (the most urgent) to 63; asked once. An element for
   *     which it throws, or is out of range, has failed, as if its worker had, and is not tried
   *     again
   * @param step more than zero, at most 365 days
   * @throws IllegalArgumentException if the step is out of range
   */
  public static <T> ReadyOrder<T> aging(ToIntFunction<? super T> level, Duration step) {
    Objects.requireNonNull(level, "level");
    Times.positive("step", step);
    return new ReadyOrder<>(null, level, TimeUnit.NANOSECONDS.convert(step));
  }

  /** The same order of what the elements are part of. */
  public <S> ReadyOrder<S> of(Function<? super S, ? extends T> part) {
    return new ReadyOrder<>(
        comparator == null ? null : (a, b) -> comparator.compare(part.apply(a), part.apply(b)),
        whole -> level.applyAsInt(part.apply(whole)),
        step);
  }

  boolean isTimed() {
    return comparator == null;
  }

  /** When an element that comes now is due; throws if the element cannot be ordered. */
  long due(T element, long now) {
    if (comparator != null) {
      int unused = comparator.compare(element, element); // rather it throws now, for this one
      return 0;
    }
    int l = level.applyAsInt(element);
    if (l < 0 || l > MAX_LEVEL) {
      throw new IllegalArgumentException("level: " + l + " (expected: 0.." + MAX_LEVEL + ")");
    }
    return now + l * step;
  }

  /** Negative if the first is more urgent. */
  long compare(T a, long dueOfA, T b, long dueOfB) {
    return comparator == null
        ? dueOfA - dueOfB
        : comparator.compare(a, b); // the clock may overflow
  }
}

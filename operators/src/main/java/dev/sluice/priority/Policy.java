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

import java.util.function.BooleanSupplier;
import java.util.function.Function;
import java.util.function.ToIntFunction;

/**
 * How the next element is chosen.
 *
 * @param <T> the elements
 */
interface Policy<T> {

  /**
   * The state of one subscription.
   *
   * @param halted whether it is over: then no function of the user is called any more
   */
  Order<T> order(int levels, BooleanSupplier halted);

  /** Checks the number of levels, at assembly. */
  default void check(int levels) {}

  /**
   * The same choice of other elements.
   *
   * @param lift makes of a cost function one of the other elements
   */
  <S> Policy<S> over(Function<ToIntFunction<? super T>, ToIntFunction<S>> lift);

  /** Whether it needs to know when elements came. */
  default boolean isTimed() {
    return false;
  }
}

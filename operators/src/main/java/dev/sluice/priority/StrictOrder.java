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
import org.jspecify.annotations.Nullable;

/** The most urgent level that has something. */
final class StrictOrder<T> extends LevelOrder<T> {

  StrictOrder(int levels) {
    super(levels);
  }

  static <T> Policy<T> policy() {
    return new Policy<>() {
      @Override
      public Order<T> order(int levels, BooleanSupplier halted) {
        return new StrictOrder<>(levels);
      }

      @Override
      public <S> Policy<S> over(Function<ToIntFunction<? super T>, ToIntFunction<S>> lift) {
        return policy();
      }
    };
  }

  @Override
  @Nullable Line<T> choose() {
    return isEmpty() ? null : get(mostUrgent());
  }

  @Override
  void add(Line<T> line) {
    append(line);
    chosen = null;
  }

  @Override
  boolean served(Line<T> line) {
    if (keepsTurn(line)) {
      return true;
    }
    boolean waiting = passOn(line);
    chosen = get(line.level);
    return waiting;
  }
}

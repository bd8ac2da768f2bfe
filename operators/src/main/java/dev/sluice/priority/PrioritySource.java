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

import java.util.Objects;
import org.reactivestreams.Publisher;

/**
 * A source of {@link PriorityMerge} and the level of its elements.
 *
 * @param level 0 for the most urgent
 * @param elements what is merged; when it completes the source is gone, and what it has delivered
 *     is still emitted
 * @param <T> the elements
 */
public record PrioritySource<T>(int level, Publisher<? extends T> elements) {

  public PrioritySource {
    if (level < 0) {
      throw new IllegalArgumentException("level: " + level + " (expected: >= 0)");
    }
    Objects.requireNonNull(elements, "elements");
  }
}

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
package dev.sluice.store;

import java.util.Objects;

/**
 * Which saga.
 *
 * @param saga the name of its definition: 1 to {@value #MAX_SAGA} characters
 * @param id what tells it from the others of that name: 1 to {@value #MAX_ID} characters
 */
public record SagaKey(String saga, String id) implements Comparable<SagaKey> {

  /** The longest name of a definition, in characters. */
  public static final int MAX_SAGA = 100;

  /** The longest id, in characters. */
  public static final int MAX_ID = 400;

  /**
   * Checks them.
   *
   * @throws IllegalArgumentException if one is too short, too long, or not storable: U+0000 and
   *     halves of surrogate pairs are not
   */
  public SagaKey {
    require("saga", saga, MAX_SAGA);
    require("id", id, MAX_ID);
  }

  private static void require(String what, String value, int max) {
    Objects.requireNonNull(value, what);
    if (value.isEmpty()) {
      throw new IllegalArgumentException(what + ": 0 characters (expected: 1.." + max + ")");
    }
    SagaEvent.requireStorable(what, value, max);
  }

  @Override
  public int compareTo(SagaKey other) {
    int names = saga.compareTo(other.saga);
    return names != 0 ? names : id.compareTo(other.id);
  }

  @Override
  public String toString() {
    return saga + "/" + id;
  }
}

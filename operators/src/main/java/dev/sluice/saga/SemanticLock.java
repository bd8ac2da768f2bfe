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
package dev.sluice.saga;

import dev.sluice.Experimental;
import java.util.Objects;

/**
 * A note on a record of yours that a saga has changed it and has not ended: whoever else is about
 * to build on it sees that it may be undone. Keep its text in a column of the record, and change it
 * together with the record, in one transaction or under the record's version: a lock of its own
 * could be forgotten when a process dies.
 *
 * <p>The step that changes the record takes the lock and its compensation gives it back; so does
 * the last step that the saga needs it for. Both may be repeated, and nobody gives back what
 * another saga has.
 *
 * <pre>{@code
 * update account set balance = …, lock = :taken, version = version + 1
 * where id = :id and version = :read
 * }</pre>
 *
 * @param holder the saga that has it, or empty: at most 512 characters. This is the text to keep
 */
@Experimental
public record SemanticLock(String holder) {

  private static final int MAX_HOLDER = 512;

  /** Nobody has it. */
  public static final SemanticLock FREE = new SemanticLock("");

  /**
   * As it was kept.
   *
   * @throws IllegalArgumentException if the holder is too long
   */
  public SemanticLock {
    Objects.requireNonNull(holder, "holder");
    if (holder.length() > MAX_HOLDER) {
      throw new IllegalArgumentException(
          "holder: " + holder.length() + " characters (expected: <= " + MAX_HOLDER + ")");
    }
  }

  /** Whether nobody has it. */
  public boolean isFree() {
    return holder.isEmpty();
  }

  /**
   * The lock when the saga of the step has it.
   *
   * @throws SemanticallyLocked if another one has
   */
  public SemanticLock takenBy(StepContext step) {
    SemanticLock taken = new SemanticLock(name(step));
    if (!isFree() && !equals(taken)) {
      throw new SemanticallyLocked(holder);
    }
    return taken;
  }

  /** The lock when the saga of the step does not have it: unchanged if another one has. */
  public SemanticLock releasedBy(StepContext step) {
    return holder.equals(name(step)) ? FREE : this;
  }

  private static String name(StepContext step) {
    return step.saga() + "/" + step.sagaId();
  }
}

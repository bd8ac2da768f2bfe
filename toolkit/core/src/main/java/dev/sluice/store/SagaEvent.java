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

import java.util.Arrays;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** One thing that a saga has decided or learnt, as its journal has it. */
public final class SagaEvent {

  /** The longest name and the longest key of a step, in characters. */
  public static final int MAX_NAME = 400;

  /** The longest note, in characters. */
  public static final int MAX_NOTE = 2000;

  /** The most data, in bytes. */
  public static final int MAX_DATA = 1 << 20;

  /** What an event says. */
  public enum Kind {
    /** The saga is there; the data is its input. Written by {@link SagaLog#open}. */
    OPENED(null),
    /** The action of a step is about to be called. */
    INTENT(null),
    /** It has succeeded; the data is what it gave, null for nothing. */
    DONE(null),
    /** It has failed; the note says how. */
    FAILED(null),
    /** From here on the saga goes backward; the note says why. */
    TURNED(null),
    /** The compensation of a step is about to be called. */
    UNDOING(null),
    /** It has succeeded. */
    UNDONE(null),
    /** Somebody has decided that it need not. */
    SKIPPED(null),
    /** The saga is to go on from where it was parked. */
    RESUMED(SagaState.RUNNING),
    /** The end: all stands; the data is what the saga gave, null for nothing. */
    COMPLETED(SagaState.COMPLETED),
    /** The end: all is undone; the note says why. */
    COMPENSATED(SagaState.COMPENSATED),
    /** Somebody has to look at it; the note says why. */
    PARKED(SagaState.PARKED),
    /** The end, by hand; the note says why. */
    ABANDONED(SagaState.ABANDONED);

    private final @Nullable SagaState state;

    Kind(@Nullable SagaState state) {
      this.state = state;
    }

    /** The state of the saga after it; null if it stays what it was. */
    public @Nullable SagaState state() {
      return state;
    }
  }

  private final Kind kind;
  private final String step;
  private final String key;
  private final String note;
  private final byte @Nullable [] data;

  /**
   * An event.
   *
   * @param kind what it is
   * @param step the name of the step that it is about, or empty: at most {@value #MAX_NAME}
   *     characters
   * @param key the key of that step, or empty: at most {@value #MAX_NAME} characters
   * @param note what people read: what is longer than {@value #MAX_NOTE} characters is cut
   * @param data what is read back: at most {@value #MAX_DATA} bytes, or null. Belongs to the event
   * @throws IllegalArgumentException if the step, its key or the data is too long, or a name is not
   *     storable: U+0000 and halves of surrogate pairs are not
   */
  public SagaEvent(Kind kind, String step, String key, String note, byte @Nullable [] data) {
    this.kind = Objects.requireNonNull(kind, "kind");
    requireStorable("step", step, MAX_NAME);
    requireStorable("key", key, MAX_NAME);
    this.step = step;
    this.key = key;
    this.note = storable(note);
    if (data != null && data.length > MAX_DATA) {
      throw new IllegalArgumentException(
          "data of " + kind + ": " + data.length + " bytes (expected: <= " + MAX_DATA + ")");
    }
    this.data = data;
  }

  /** An event about the saga as a whole. */
  public static SagaEvent of(Kind kind, String note, byte @Nullable [] data) {
    return new SagaEvent(kind, "", "", note, data);
  }

  /** What it is. */
  public Kind kind() {
    return kind;
  }

  /** The name of the step that it is about, or empty. */
  public String step() {
    return step;
  }

  /** The key of that step, or empty. */
  public String key() {
    return key;
  }

  /** What people read. */
  public String note() {
    return note;
  }

  /** What is read back: do not change it. */
  public byte @Nullable [] data() {
    return data;
  }

  static void requireStorable(String what, String value, int max) {
    Objects.requireNonNull(value, what);
    if (value.length() > max) {
      throw new IllegalArgumentException(
          what + ": " + value.length() + " characters (expected: <= " + max + ")");
    }
    if (value.codePoints().anyMatch(SagaEvent::isNotStorable)) {
      throw new IllegalArgumentException(
          what + ": \"" + value + "\" (expected: no U+0000 and no half of a surrogate pair)");
    }
  }

  /** A note is for people: rather a piece of it than none. */
  private static String storable(String note) {
    String cut = note.length() > MAX_NOTE ? note.substring(0, MAX_NOTE) : note;
    if (cut.codePoints().noneMatch(SagaEvent::isNotStorable)) {
      return cut;
    }
    StringBuilder storable = new StringBuilder(cut.length());
    cut.codePoints().map(c -> isNotStorable(c) ? '?' : c).forEach(storable::appendCodePoint);
    return storable.toString();
  }

  private static boolean isNotStorable(int c) {
    return c == 0 || (c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE);
  }

  @Override
  public boolean equals(@Nullable Object o) {
    return o instanceof SagaEvent other
        && kind == other.kind
        && step.equals(other.step)
        && key.equals(other.key)
        && note.equals(other.note)
        && Arrays.equals(data, other.data);
  }

  @Override
  public int hashCode() {
    return Objects.hash(kind, step, key, note, Arrays.hashCode(data));
  }

  @Override
  public String toString() {
    StringBuilder text = new StringBuilder(kind.name());
    if (!step.isEmpty()) {
      text.append(' ').append(step);
    }
    if (!key.isEmpty()) {
      text.append('/').append(key);
    }
    if (!note.isEmpty()) {
      text.append(": ").append(note);
    }
    if (data != null) {
      text.append(" (").append(data.length).append(" bytes)");
    }
    return text.toString();
  }
}

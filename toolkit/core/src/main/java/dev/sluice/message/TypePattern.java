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
package dev.sluice.message;

import dev.sluice.Experimental;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A pattern of {@linkplain Message#type() message types}, whose segments are separated by dots:
 * {@code *} stands for exactly one segment, {@code **} for any number of them, none included.
 * Everything else is taken literally, with regard to case.
 *
 * <p>{@code bag.*.scanned} matches {@code bag.transfer.scanned}, but neither {@code bag.scanned}
 * nor {@code bag.x.y.scanned}; {@code bag.**} matches all three and {@code bag} too.
 *
 * <p>Immutable and thread-safe. Matching takes time proportional to the product of both numbers of
 * segments at most, whoever has chosen the type.
 */
@Experimental
public final class TypePattern {

  /** Longest pattern, in characters. */
  public static final int MAX_CHARS = 256;

  private static final String ONE = "*";
  private static final String MANY = "**";

  private final String text;
  private final List<String> segments;
  private final boolean literal;

  private TypePattern(String text) {
    this.text = text;
    this.segments = segments(text);
    this.literal = text.indexOf('*') < 0;
  }

  /**
   * Reads a pattern.
   *
   * @param pattern 1..{@value #MAX_CHARS} characters: segments that are not empty, and contain a
   *     {@code *} only as {@code *} or {@code **}
   * @throws IllegalArgumentException if it is none
   */
  public static TypePattern of(String pattern) {
    Objects.requireNonNull(pattern, "pattern");
    if (pattern.length() > MAX_CHARS) {
      throw new IllegalArgumentException(
          "pattern: " + pattern.length() + " characters (expected: 1.." + MAX_CHARS + ")");
    }
    TypePattern parsed = new TypePattern(pattern);
    for (String segment : parsed.segments) {
      boolean wild = segment.equals(ONE) || segment.equals(MANY);
      if (segment.isBlank() || (!wild && segment.indexOf('*') >= 0)) {
        throw new IllegalArgumentException(
            "pattern: \""
                + pattern
                + "\" (expected: segments separated by dots, each of them text, * or **)");
      }
    }
    return parsed;
  }

  /** Whether a type is of this pattern. */
  public boolean matches(String type) {
    return literal ? text.equals(type) : matches(segments(type));
  }

  /**
   * From left to right, {@code **} taking as little as possible; where the rest does not fit, the
   * last {@code **} takes one more. An earlier one never has to: what it might take, the last can.
   */
  private boolean matches(List<String> type) {
    int at = 0;
    int p = 0;
    int lastMany = -1;
    int taken = 0; // where the last ** has ended
    while (at < type.size()) {
      if (p < segments.size() && segments.get(p).equals(MANY)) {
        lastMany = p++;
        taken = at;
      } else if (p < segments.size() && fits(segments.get(p), type.get(at))) {
        p++;
        at++;
      } else if (lastMany >= 0) {
        p = lastMany + 1;
        at = ++taken;
      } else {
        return false;
      }
    }
    while (p < segments.size() && segments.get(p).equals(MANY)) {
      p++;
    }
    return p == segments.size();
  }

  private static boolean fits(String pattern, String segment) {
    return pattern.equals(ONE) || pattern.equals(segment);
  }

  private static List<String> segments(String text) {
    List<String> segments = new ArrayList<>();
    int begin = 0;
    for (int dot = text.indexOf('.'); dot >= 0; dot = text.indexOf('.', begin)) {
      segments.add(text.substring(begin, dot));
      begin = dot + 1;
    }
    segments.add(text.substring(begin));
    return segments;
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof TypePattern that && text.equals(that.text);
  }

  @Override
  public int hashCode() {
    return text.hashCode();
  }

  /** The pattern as it was written. */
  @Override
  public String toString() {
    return text;
  }
}

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
package dev.sluice.demo.problem;

/**
 * What is wrong with one field of a request.
 *
 * @param field its name
 * @param detail what it was and what was expected
 * @param expected what was expected
 */
public record FieldError(String field, String detail, String expected) {

  private static final int MAX_SHOWN = 40;

  /** The field is not there. */
  public static FieldError missing(String field, String expected) {
    return of(field, "missing", expected);
  }

  /** The field is something else; a long value is told by its length. */
  public static FieldError was(String field, String value, String expected) {
    return of(field, shown(value), expected);
  }

  /** The field is described in words. */
  public static FieldError of(String field, String what, String expected) {
    return new FieldError(field, what + " (expected: " + expected + ")", expected);
  }

  private static String shown(String value) {
    if (value.isBlank()) {
      return "blank";
    }
    int length = value.codePointCount(0, value.length());
    if (length > MAX_SHOWN) {
      return length + " characters";
    }
    StringBuilder shown = new StringBuilder();
    value
        .codePoints()
        .map(c -> Character.isISOControl(c) ? ' ' : c)
        .forEach(shown::appendCodePoint);
    return shown.toString();
  }
}

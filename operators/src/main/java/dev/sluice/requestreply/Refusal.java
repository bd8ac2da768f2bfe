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
package dev.sluice.requestreply;

import dev.sluice.delivery.ErrorClassifier.Kind;
import java.util.Objects;

/**
 * How a replier tells that it has failed, in words that travel.
 *
 * @param code what programs tell failures apart by, 1..{@value #MAX_CODE} characters without
 *     control characters
 * @param detail what people read, of which the first {@value #MAX_DETAIL} characters travel; may be
 *     empty
 * @param kind whether asking again may help: {@link Kind#TRANSIENT}, or {@link Kind#POISON} if the
 *     request was refused, and its work certainly not done
 */
public record Refusal(String code, String detail, Kind kind) {

  /** Longest code, in characters. */
  public static final int MAX_CODE = 200;

  /** Longest detail, in characters. */
  public static final int MAX_DETAIL = 2000;

  public Refusal {
    Objects.requireNonNull(detail, "detail");
    if (code.isBlank() || code.length() > MAX_CODE || hasControls(code)) {
      throw new IllegalArgumentException(
          "code: " + code.length() + " characters (expected: 1.." + MAX_CODE + ", no controls)");
    }
    if (kind == Kind.FATAL) {
      throw new IllegalArgumentException("kind: FATAL (expected: TRANSIENT or POISON)");
    }
    detail = detail.length() > MAX_DETAIL ? detail.substring(0, MAX_DETAIL) : detail;
  }

  /** A refusal whose code comes from outside, and is made to fit. */
  static Refusal of(String code, String detail, Kind kind) {
    StringBuilder fitting = new StringBuilder();
    code.codePoints()
        .filter(c -> !Character.isISOControl(c) && Character.getType(c) != Character.SURROGATE)
        .limit(MAX_CODE / 2)
        .forEach(fitting::appendCodePoint);
    return new Refusal(fitting.toString().isBlank() ? "unknown" : fitting.toString(), detail, kind);
  }

  private static boolean hasControls(String text) {
    return text.codePoints()
        .anyMatch(c -> Character.isISOControl(c) || Character.getType(c) == Character.SURROGATE);
  }
}

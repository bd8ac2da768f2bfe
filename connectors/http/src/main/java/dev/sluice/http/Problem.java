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
package dev.sluice.http;

import dev.sluice.store.Content;
import dev.sluice.store.Operation.Ending;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Why something is not so, for the caller, as problem details (RFC 9457).
 *
 * @param status the HTTP status, 400..599
 * @param code what programs tell it by, such as {@code key-reused}: small letters, digits and
 *     hyphens, 1 to 100
 * @param title what it is, in a few words
 * @param detail more about this one; null for nothing
 * @param errors what is wrong with each field of a request, as the member {@code errors}; left out
 *     if empty
 */
public record Problem(
    int status, String code, String title, @Nullable String detail, List<FieldError> errors) {

  /**
   * What is wrong with a field.
   *
   * @param field its name
   * @param detail what it was and what was expected
   */
  public record FieldError(String field, String detail) {

    public FieldError {
      Objects.requireNonNull(field, "field");
      Objects.requireNonNull(detail, "detail");
    }
  }

  static final String MEDIA_TYPE = "application/problem+json";

  /**
   * Checks them.
   *
   * @throws IllegalArgumentException if one is out of range
   */
  public Problem {
    if (status < 400 || status > 599) {
      throw new IllegalArgumentException("status: " + status + " (expected: 400..599)");
    }
    if (!code.matches("[a-z0-9-]{1,100}")) {
      throw new IllegalArgumentException("code: " + code + " (expected: [a-z0-9-]{1,100})");
    }
    Objects.requireNonNull(title, "title");
    errors = List.copyOf(errors);
  }

  /** One that is not about fields. */
  public Problem(int status, String code, String title, @Nullable String detail) {
    this(status, code, title, detail, List.of());
  }

  /** One without a detail. */
  public static Problem of(int status, String code, String title) {
    return new Problem(status, code, title, null);
  }

  /** What becomes of an operation that has it. */
  Ending failure() {
    return new Ending.Failure(status, content());
  }

  /** The body that says it. */
  Content content() {
    return Content.of(
        MEDIA_TYPE,
        new Json()
            .member("type", "about:blank")
            .member("title", title)
            .member("status", status)
            .member("detail", detail)
            .member("code", code)
            .members(
                "errors",
                errors.stream()
                    .map(
                        error ->
                            new Json()
                                .member("field", error.field())
                                .member("detail", error.detail()))
                    .toList())
            .bytes());
  }
}

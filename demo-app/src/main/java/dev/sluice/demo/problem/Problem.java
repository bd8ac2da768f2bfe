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

import java.io.Serial;
import java.time.Duration;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
import org.springframework.http.ProblemDetail;
import org.springframework.web.ErrorResponseException;

/**
 * A request that is answered with problem details (RFC 9457). The member {@code errors} names each
 * wrong field and what was expected.
 */
public final class Problem extends ErrorResponseException {

  @Serial private static final long serialVersionUID = 1L;

  private final transient List<FieldError> errors;

  private Problem(
      HttpStatus status, ProblemDetail detail, List<FieldError> errors, @Nullable Throwable cause) {
    super(status, detail, cause);
    this.errors = errors;
  }

  /** What is wrong with each field; empty if it is about something else. */
  public List<FieldError> errors() {
    return errors;
  }

  /** The request is not well formed: 400. */
  public static Problem malformed(List<FieldError> errors) {
    return invalid(HttpStatus.BAD_REQUEST, errors);
  }

  /** The request is well formed and its content is wrong: 422. */
  public static Problem unprocessable(List<FieldError> errors) {
    return invalid(HttpStatus.UNPROCESSABLE_CONTENT, errors);
  }

  /** The request has more than it may have: 413. */
  public static Problem tooLarge(FieldError error) {
    return invalid(HttpStatus.CONTENT_TOO_LARGE, List.of(error));
  }

  /** The request contradicts what is there: 409. */
  public static Problem conflict(FieldError error) {
    return invalid(HttpStatus.CONFLICT, List.of(error));
  }

  /** The state of things does not allow the request: 409. */
  public static Problem conflict(String detail) {
    return of(HttpStatus.CONFLICT, detail, null);
  }

  /** There is no such thing: 404. */
  public static Problem notFound(String detail) {
    return of(HttpStatus.NOT_FOUND, detail, null);
  }

  /** The request came from a foreign page: 403. */
  public static Problem forbidden(String detail) {
    return of(HttpStatus.FORBIDDEN, detail, null);
  }

  /** The request took too long to arrive: 408. */
  public static Problem tooSlow(String detail) {
    return of(HttpStatus.REQUEST_TIMEOUT, detail, null);
  }

  /** Whoever was asked on behalf of the caller has not answered in time: 504. */
  public static Problem noAnswer(String detail) {
    return of(HttpStatus.GATEWAY_TIMEOUT, detail, null);
  }

  /** The request cannot be served now: 503. */
  public static Problem unavailable(
      String detail, @Nullable Duration retryAfter, @Nullable Throwable cause) {
    Problem problem = of(HttpStatus.SERVICE_UNAVAILABLE, detail, cause);
    if (retryAfter != null) {
      problem.getHeaders().set(HttpHeaders.RETRY_AFTER, Long.toString(retryAfter.toSeconds()));
    }
    return problem;
  }

  private static Problem invalid(HttpStatus status, List<FieldError> errors) {
    String detail =
        errors.stream()
            .map(error -> error.field() + ": " + error.detail())
            .collect(Collectors.joining("; "));
    Problem problem =
        new Problem(
            status, ProblemDetail.forStatusAndDetail(status, detail), List.copyOf(errors), null);
    problem.getBody().setProperty("errors", errors);
    return problem;
  }

  private static Problem of(HttpStatus status, String detail, @Nullable Throwable cause) {
    return new Problem(status, ProblemDetail.forStatusAndDetail(status, detail), List.of(), cause);
  }
}

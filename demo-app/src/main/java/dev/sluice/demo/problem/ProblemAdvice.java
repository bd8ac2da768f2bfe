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

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
import org.springframework.http.HttpStatusCode;
import org.springframework.http.MediaType;
import org.springframework.http.ProblemDetail;
import org.springframework.http.ResponseEntity;
import org.springframework.util.unit.DataSize;
import org.springframework.web.bind.annotation.ExceptionHandler;
import org.springframework.web.bind.annotation.RestControllerAdvice;
import org.springframework.web.reactive.result.method.annotation.ResponseEntityExceptionHandler;
import org.springframework.web.server.ResponseStatusException;
import org.springframework.web.server.ServerWebExchange;
import org.springframework.web.server.UnsupportedMediaTypeStatusException;
import reactor.core.publisher.Mono;

/**
 * Answers whatever goes wrong with problem details. They say what the caller can change; what only
 * we can change goes to the log.
 */
@RestControllerAdvice
class ProblemAdvice extends ResponseEntityExceptionHandler {

  private static final Logger log = LoggerFactory.getLogger(ProblemAdvice.class);

  private final DataSize maxBody;

  ProblemAdvice(@Value("${spring.http.codecs.max-in-memory-size}") DataSize maxBody) {
    this.maxBody = maxBody;
  }

  @Override
  protected Mono<ResponseEntity<Object>> handleResponseStatusException(
      ResponseStatusException e,
      HttpHeaders headers,
      HttpStatusCode status,
      ServerWebExchange exchange) {
    if (status.isSameCodeAs(HttpStatus.CONTENT_TOO_LARGE)) {
      long kib = maxBody.toKilobytes();
      describe(e.getBody(), FieldError.of("body", "too large", "at most " + kib + " KiB"));
    }
    return super.handleResponseStatusException(e, headers, status, exchange);
  }

  @Override
  protected Mono<ResponseEntity<Object>> handleUnsupportedMediaTypeStatusException(
      UnsupportedMediaTypeStatusException e,
      HttpHeaders headers,
      HttpStatusCode status,
      ServerWebExchange exchange) {
    MediaType type = e.getContentType();
    String expected = MediaType.toString(e.getSupportedMediaTypes());
    describe(
        e.getBody(),
        type == null
            ? FieldError.missing(HttpHeaders.CONTENT_TYPE, expected)
            : FieldError.was(HttpHeaders.CONTENT_TYPE, type.toString(), expected));
    return super.handleUnsupportedMediaTypeStatusException(e, headers, status, exchange);
  }

  @ExceptionHandler
  Mono<ResponseEntity<Object>> handleUnforeseen(Exception e, ServerWebExchange exchange) {
    log.error(
        "{} {} failed", exchange.getRequest().getMethod(), exchange.getRequest().getPath(), e);
    ProblemDetail body =
        ProblemDetail.forStatusAndDetail(
            HttpStatus.INTERNAL_SERVER_ERROR, "the request failed; the log of the server says why");
    return handleExceptionInternal(
        e, body, new HttpHeaders(), HttpStatus.INTERNAL_SERVER_ERROR, exchange);
  }

  @Override
  protected Mono<ResponseEntity<Object>> handleExceptionInternal(
      Exception e,
      @Nullable Object body,
      @Nullable HttpHeaders headers,
      HttpStatusCode status,
      ServerWebExchange exchange) {
    HttpHeaders all = headers == null ? new HttpHeaders() : HttpHeaders.copyOf(headers);
    all.setContentType(MediaType.APPLICATION_PROBLEM_JSON);
    return super.handleExceptionInternal(e, body, all, status, exchange);
  }

  private static void describe(ProblemDetail body, FieldError error) {
    body.setDetail(error.field() + ": " + error.detail());
    body.setProperty("errors", List.of(error));
  }
}

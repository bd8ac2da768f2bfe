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

import dev.sluice.delivery.ErrorClassifier;
import java.util.Objects;
import java.util.Set;

/**
 * A server has answered, but not with what it was asked for. That is {@linkplain
 * ErrorClassifier.Kind#POISON poison} if the same request will always get the same answer: 400,
 * 405, 406, 410, 411, 413, 414, 415, 422, 431 and 501. Everything else is transient, 401, 403 and
 * 404 too: these are mended elsewhere, and the message is none the worse for them.
 */
public final class HttpRefused extends RuntimeException implements ErrorClassifier.Classified {

  private static final long serialVersionUID = 1L;
  private static final Set<Integer> FOR_GOOD =
      Set.of(400, 405, 406, 410, 411, 413, 414, 415, 422, 431, 501);

  private final transient HttpAnswer answer;

  HttpRefused(String what, HttpAnswer answer) {
    super(what + ": " + Objects.requireNonNull(answer, "answer").status());
    this.answer = answer;
  }

  /** What it has answered. */
  public HttpAnswer answer() {
    return answer;
  }

  @Override
  public ErrorClassifier.Kind kind() {
    return FOR_GOOD.contains(answer.status())
        ? ErrorClassifier.Kind.POISON
        : ErrorClassifier.Kind.TRANSIENT;
  }
}

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

import dev.sluice.delivery.ErrorClassifier;
import java.util.Objects;

/**
 * For repliers: the request is refused, its work was certainly not done, and asking again will not
 * help. The requester is told exactly this.
 */
public final class Refused extends RuntimeException implements ErrorClassifier.Classified {

  private static final long serialVersionUID = 1L;

  private final transient Refusal refusal;

  /**
   * A refusal.
   *
   * @param code what programs tell refusals apart by, 1..{@value Refusal#MAX_CODE} characters
   * @param detail what people read; may be empty
   */
  public Refused(String code, String detail) {
    super(code + (detail.isEmpty() ? "" : ": " + detail));
    this.refusal = new Refusal(code, detail, ErrorClassifier.Kind.POISON);
  }

  /** What the requester is told. */
  public Refusal refusal() {
    return Objects.requireNonNull(refusal);
  }

  @Override
  public ErrorClassifier.Kind kind() {
    return ErrorClassifier.Kind.POISON;
  }
}

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
package dev.sluice.bridge;

import dev.sluice.delivery.DeadLetterReason;
import dev.sluice.delivery.ErrorClassifier;
import org.jspecify.annotations.Nullable;

/** A message that cannot be said on the other side, however often it is tried. */
final class Untranslatable extends RuntimeException implements ErrorClassifier.Classified {

  private static final long serialVersionUID = 1L;

  private final DeadLetterReason reason;

  Untranslatable(DeadLetterReason reason, String what, @Nullable Throwable cause) {
    super(what, cause);
    this.reason = reason;
  }

  @Override
  public ErrorClassifier.Kind kind() {
    return ErrorClassifier.Kind.POISON;
  }

  @Override
  public DeadLetterReason reason() {
    return reason;
  }
}

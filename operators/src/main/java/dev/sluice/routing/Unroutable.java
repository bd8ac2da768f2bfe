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
package dev.sluice.routing;

import dev.sluice.Experimental;
import dev.sluice.delivery.DeadLetterReason;
import dev.sluice.delivery.ErrorClassifier;

/** A message was not sent, because there is nowhere for it to go. */
@Experimental
public final class Unroutable extends RuntimeException implements ErrorClassifier.Classified {

  private static final long serialVersionUID = 1L;

  private final String router;

  Unroutable(String router, String why) {
    super(router + ": " + why);
    this.router = router;
  }

  /** What did not know where to send it. */
  public String router() {
    return router;
  }

  /** It will be so the next time too. */
  @Override
  public ErrorClassifier.Kind kind() {
    return ErrorClassifier.Kind.POISON;
  }

  @Override
  public DeadLetterReason reason() {
    return DeadLetterReason.UNROUTABLE;
  }
}

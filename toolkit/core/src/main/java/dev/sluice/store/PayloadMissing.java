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
package dev.sluice.store;

import dev.sluice.delivery.DeadLetterReason;
import dev.sluice.delivery.ErrorClassifier;
import java.util.Objects;

/** There is no such payload: it was never stored, or it is gone. No retry will bring it back. */
public final class PayloadMissing extends RuntimeException implements ErrorClassifier.Classified {

  private static final long serialVersionUID = 1L;

  /** Creates the error for a key of a store. */
  public PayloadMissing(String store, PayloadKey key) {
    super(Objects.requireNonNull(store, "store") + ": no payload " + key);
  }

  @Override
  public ErrorClassifier.Kind kind() {
    return ErrorClassifier.Kind.POISON;
  }

  @Override
  public DeadLetterReason reason() {
    return DeadLetterReason.CLAIM_LOST;
  }
}

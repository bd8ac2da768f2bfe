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
package dev.sluice.claim;

import dev.sluice.delivery.DeadLetterReason;
import dev.sluice.delivery.ErrorClassifier;
import dev.sluice.store.PayloadKey;
import java.util.Objects;

/**
 * A claim is not honoured. Only for {@link Reason#CORRUPTED} has the store been asked. No retry
 * will help.
 */
public final class ClaimRefused extends RuntimeException implements ErrorClassifier.Classified {

  private static final long serialVersionUID = 1L;

  /** Why. */
  public enum Reason {
    /** It is not written as claims are. */
    MALFORMED,
    /** It names a secret that the keyring does not have, or there is no keyring to decrypt with. */
    UNKNOWN_KEY,
    /** Its secret has been retired. */
    RETIRED_KEY,
    /** It is not signed with the secret that it names: somebody has made it up, or changed it. */
    FORGED,
    /** It is meant for somebody else. */
    FOREIGN_AUDIENCE,
    /** Its time is over, whether the payload is still there or not. */
    EXPIRED,
    /** It names a store that is not known here. */
    UNKNOWN_STORE,
    /** The payload is larger than what is read here, or smaller in the store than is possible. */
    TOO_LARGE,
    /**
     * What the store gave is not what was put into it, or was acknowledged before that was known.
     */
    CORRUPTED
  }

  private final Reason reason;

  ClaimRefused(Reason reason, String what) {
    super(Objects.requireNonNull(reason, "reason") + ": " + what);
    this.reason = reason;
  }

  /** The store gave something else than was put into it. */
  static ClaimRefused corrupted(PayloadKey key, String what) {
    return new ClaimRefused(Reason.CORRUPTED, key + ": " + what);
  }

  /** Why the claim is not honoured. */
  public Reason why() {
    return reason;
  }

  @Override
  public ErrorClassifier.Kind kind() {
    return ErrorClassifier.Kind.POISON;
  }

  @Override
  public DeadLetterReason reason() {
    return reason == Reason.EXPIRED ? DeadLetterReason.EXPIRED : DeadLetterReason.POISON;
  }
}

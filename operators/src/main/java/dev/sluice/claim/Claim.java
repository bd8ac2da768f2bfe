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

import dev.sluice.store.PayloadKey;
import java.time.Instant;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What a message carries instead of its payload. On the wire it is signed; a claim in hand has been
 * verified, or was just made.
 *
 * @param store the name of the store that has the payload; which store that is, the reader knows
 * @param key where in the store; it says until when, too
 * @param size how many bytes the payload has, 0 or more
 * @param stored how many bytes are in the store: as many, unless it was compressed or encrypted
 * @param sha256 the digest of what is in the store, as 64 lower-case hexadecimal digits
 * @param deflated whether it was compressed
 * @param cipherKey the id of the secret with which it was encrypted, or null if it was not
 * @param audience who may redeem it
 */
public record Claim(
    String store,
    PayloadKey key,
    long size,
    long stored,
    String sha256,
    boolean deflated,
    @Nullable String cipherKey,
    String audience) {

  public Claim {
    Objects.requireNonNull(store, "store");
    Objects.requireNonNull(key, "key");
    Objects.requireNonNull(sha256, "sha256");
    Objects.requireNonNull(audience, "audience");
  }

  /** From when on it is not honoured any more. */
  public Instant expiresAt() {
    return key.expiresAt();
  }

  /** Whether what is in the store is not the payload as it is. */
  boolean isCoded() {
    return deflated || cipherKey != null;
  }
}

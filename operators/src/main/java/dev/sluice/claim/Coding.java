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
import java.nio.ByteBuffer;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;

/**
 * What is done to a payload between its message and the store: compressed, then encrypted, each if
 * wanted. That takes its time, so it does not happen on the threads of a client's connections.
 *
 * @param deflates whether it is compressed
 * @param secret encrypts it, or null
 */
record Coding(boolean deflates, Keyring.@Nullable Key secret) {

  /** How many buffers wait while one is worked on. */
  private static final int AHEAD = 2;

  boolean isNone() {
    return !deflates && secret == null;
  }

  @Nullable String cipherKey() {
    return secret == null ? null : secret.id();
  }

  Flux<ByteBuffer> encode(PayloadKey key, Flux<ByteBuffer> content) {
    if (isNone()) {
      return content;
    }
    Flux<ByteBuffer> coded = content.publishOn(worker(), AHEAD);
    if (deflates) {
      coded = Transform.over(coded, Deflate::new);
    }
    Keyring.Key with = secret;
    return with == null ? coded : Transform.over(coded, () -> PayloadCipher.encrypting(with, key));
  }

  /** Fails with {@link ClaimRefused} when the bytes are not what {@link #encode} makes. */
  Flux<ByteBuffer> decode(PayloadKey key, Flux<ByteBuffer> stored) {
    if (isNone()) {
      return stored;
    }
    Flux<ByteBuffer> content = stored.publishOn(worker(), AHEAD);
    Keyring.Key with = secret;
    if (with != null) {
      content = Transform.over(content, () -> PayloadCipher.decrypting(with, key));
    }
    return deflates ? Transform.over(content, () -> new Inflate(key)) : content;
  }

  /** How many bytes so many become, where that can be said before. */
  OptionalLong encodedLength(long length) {
    if (deflates) {
      return OptionalLong.empty();
    }
    return OptionalLong.of(secret == null ? length : PayloadCipher.encryptedLength(length));
  }

  private static Scheduler worker() {
    return Schedulers.parallel();
  }
}

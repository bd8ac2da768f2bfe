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

import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** Counts bytes and digests them on their way. Used by one subscription, one signal at a time. */
final class Digest {

  private static final String ALGORITHM = "SHA-256";

  private final MessageDigest digest;
  private long size;

  Digest() {
    try {
      digest = MessageDigest.getInstance(ALGORITHM);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(ALGORITHM + " is missing in this Java platform", e);
    }
  }

  /** Adds what remains in the buffer, which stays as it is. */
  void add(ByteBuffer buffer) {
    size += buffer.remaining();
    digest.update(buffer.duplicate());
  }

  long size() {
    return size;
  }

  /** The digest, in hexadecimal; asked for once. */
  String end() {
    return HexFormat.of().formatHex(digest.digest());
  }
}

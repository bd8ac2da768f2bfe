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
package dev.sluice.demo.xray;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;

/** The secret that claims are signed with: made at the first start, and kept for the next ones. */
final class ClaimSecret {

  private static final String FILE = "claims.key";
  private static final int BYTES = 32;

  private ClaimSecret() {}

  /**
   * Reads the secret of a directory, or makes one that only the owner of the directory may read.
   */
  static byte[] in(Path directory) {
    Path file = directory.resolve(FILE);
    try {
      if (!Files.exists(file)) {
        Files.createDirectories(directory);
        byte[] secret = new byte[BYTES];
        new SecureRandom().nextBytes(secret);
        Path written = Files.createTempFile(directory, FILE, ".new");
        if (Files.getFileStore(written).supportsFileAttributeView("posix")) {
          Files.setPosixFilePermissions(written, PosixFilePermissions.fromString("rw-------"));
        }
        Files.write(written, secret);
        Files.move(written, file, StandardCopyOption.ATOMIC_MOVE);
      }
      byte[] secret = Files.readAllBytes(file);
      if (secret.length < BYTES) {
        throw new IllegalStateException(
            file + ": " + secret.length + " bytes (expected: >= " + BYTES + ")");
      }
      return secret;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}

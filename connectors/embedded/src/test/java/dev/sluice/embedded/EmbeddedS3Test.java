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
package dev.sluice.embedded;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import java.io.IOException;
import java.net.HttpURLConnection;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What can be seen without a client; the store on S3 is tested against it with one. */
class EmbeddedS3Test {

  @Test
  void letsNobodyInWithoutASignature() throws IOException {
    try (EmbeddedS3 s3 = EmbeddedS3.create(s -> s.bucket("images")).start()) {
      assertThat(status(s3.endpoint().resolve("/images/"))).isEqualTo(403);
    }
  }

  @Test
  void keepsItsPortAndItsDataWhenItIsStoppedAndStarted() throws IOException {
    try (EmbeddedS3 s3 = EmbeddedS3.create(s -> s.bucket("images")).start()) {
      URI endpoint = s3.endpoint();
      s3.stop();
      s3.start();
      assertThat(s3.endpoint()).isEqualTo(endpoint);
      assertThat(status(endpoint.resolve("/images/"))).isEqualTo(403);
    }
  }

  @Test
  void deletesATemporaryDirectoryAndKeepsAGivenOne(@TempDir Path temp) {
    EmbeddedS3 temporary = EmbeddedS3.create().start();
    temporary.close();
    assertThat(temporary.dataDirectory()).doesNotExist();
    Path given = temp.resolve("s3");
    EmbeddedS3.create(s -> s.dataDirectory(given).bucket("images")).start().close();
    assertThat(Files.isDirectory(given.resolve("objects/images"))).isTrue();
  }

  @Test
  void oneServerUsesADirectory(@TempDir Path temp) {
    try (EmbeddedS3 first = EmbeddedS3.create(s -> s.dataDirectory(temp)).start();
        EmbeddedS3 second = EmbeddedS3.create(s -> s.dataDirectory(temp))) {
      assertThat(first.start()).isSameAs(first);
      assertThatIllegalStateException().isThrownBy(second::start).withMessageContaining("in use");
    }
  }

  @Test
  void refusesWhatIsOutOfRange() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> EmbeddedS3.create(s -> s.bucket("../etc")))
        .withMessage("bucket: \"../etc\" (expected: 3..63 of a-z, 0-9 and '-')");
    try (EmbeddedS3 never = EmbeddedS3.create()) {
      assertThatIllegalStateException()
          .isThrownBy(never::endpoint)
          .withMessage("embedded S3: never started (expected: started once)");
    }
    EmbeddedS3 closed = EmbeddedS3.create();
    closed.close();
    assertThatIllegalStateException()
        .isThrownBy(closed::start)
        .withMessage("embedded S3: closed (expected: not closed yet)");
  }

  private static int status(URI address) throws IOException {
    HttpURLConnection connection = (HttpURLConnection) address.toURL().openConnection();
    try {
      return connection.getResponseCode();
    } finally {
      connection.disconnect();
    }
  }
}

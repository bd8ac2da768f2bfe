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
package dev.sluice.demo.backends;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.mock.env.MockEnvironment;

class BackendsTest {

  @TempDir Path data;

  private MockEnvironment environment() {
    return new MockEnvironment()
        .withProperty("demo.data-dir", data.toString())
        .withProperty("demo.kafka-port", "0")
        .withProperty("demo.postgres-port", "0")
        .withProperty("demo.s3-port", "0");
  }

  @Test
  void areLeftOutWhenTheyAreSomewhereElse() {
    try (Backends backends =
        Backends.start(
            environment()
                .withProperty("sluice.kafka.bootstrap-servers", "elsewhere:9092")
                .withProperty("sluice.postgres.url", "r2dbc:postgresql://elsewhere/bags")
                .withProperty("sluice.s3.bucket", "elsewhere"))) {
      assertThat(backends.properties()).isEmpty();
      assertThat(backends.kafka()).isEmpty();
    }
    assertThat(data).isEmptyDirectory();
  }

  @Test
  void areHereEachForItself() {
    try (Backends backends =
        Backends.start(
            environment()
                .withProperty("sluice.kafka.bootstrap-servers", "elsewhere:9092")
                .withProperty("sluice.postgres.url", "r2dbc:postgresql://elsewhere/bags")
                .withProperty("sluice.s3.bucket", " "))) { // as good as not set
      assertThat(backends.properties())
          .containsOnlyKeys(
              "sluice.s3.bucket",
              "demo.s3.endpoint",
              "demo.s3.region",
              "demo.s3.access-key",
              "demo.s3.secret-key");
    }
  }

  @Test
  void refuseAPortThatIsNone() {
    assertThatThrownBy(
            () -> Backends.start(environment().withProperty("demo.postgres-port", "65536")))
        .hasRootCauseMessage("demo.postgres-port: 65536 (expected: 0..65535)");
  }
}

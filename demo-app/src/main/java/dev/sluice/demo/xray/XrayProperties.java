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

import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;

/**
 * The properties of X-ray images, all under {@code demo.xray}.
 *
 * @param secret what claims are signed with, at least 32 bytes: the same in all processes that
 *     share PostgreSQL and S3. Null for one that is kept in the data directory
 */
@ConfigurationProperties("demo.xray")
record XrayProperties(@Nullable String secret) {

  private static final int LEAST = 32;

  XrayProperties {
    if (secret != null && secret.getBytes(StandardCharsets.UTF_8).length < LEAST) {
      throw new IllegalArgumentException(
          "demo.xray.secret: fewer bytes (expected: >= " + LEAST + ")");
    }
  }

  @Override
  public String toString() {
    return "XrayProperties";
  }
}

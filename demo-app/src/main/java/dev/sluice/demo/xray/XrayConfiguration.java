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

import dev.sluice.claim.Keyring;
import dev.sluice.postgres.PostgresDatabase;
import dev.sluice.postgres.PostgresIdempotencyStore;
import dev.sluice.s3.S3PayloadStore;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** Puts X-ray images together: claim checks with S3. */
@Configuration(proxyBeanMethods = false)
class XrayConfiguration {

  @Bean
  Xrays xrays(
      S3PayloadStore images,
      PostgresDatabase database,
      XrayProperties properties,
      @Value("${demo.data-dir:data}") Path dataDir) {
    String secret = properties.secret();
    Keyring keys =
        Keyring.of(
            "airport",
            secret == null ? ClaimSecret.in(dataDir) : secret.getBytes(StandardCharsets.UTF_8));
    return new Xrays(images, PostgresIdempotencyStore.create(database), keys);
  }
}

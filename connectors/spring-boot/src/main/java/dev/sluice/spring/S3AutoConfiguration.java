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
package dev.sluice.spring;

import dev.sluice.s3.S3PayloadStore;
import java.util.Objects;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.context.annotation.Bean;
import software.amazon.awssdk.services.s3.S3AsyncClient;

/**
 * The payload store of {@code sluice.s3.bucket}, with the application's {@code S3AsyncClient} if it
 * has one, else with one that finds region and credentials where the AWS SDK does.
 */
@AutoConfiguration(after = FlowsAutoConfiguration.class)
@ConditionalOnClass(S3PayloadStore.class)
@ConditionalOnProperty("sluice.s3.bucket")
class S3AutoConfiguration {

  @Bean
  @ConditionalOnMissingBean
  S3AsyncClient sluiceS3Client() {
    return S3PayloadStore.clientBuilder().build();
  }

  @Bean
  @ConditionalOnMissingBean
  S3PayloadStore sluiceS3PayloadStore(S3AsyncClient client, SluiceProperties properties) {
    SluiceProperties.S3 s3 = properties.s3();
    return S3PayloadStore.create(
        s3.name(), Objects.requireNonNull(s3.bucket()), client, spec -> spec.prefix(s3.prefix()));
  }
}

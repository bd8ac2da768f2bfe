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

import dev.sluice.s3.S3PayloadStore;
import java.net.URI;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3AsyncClient;
import software.amazon.awssdk.services.s3.S3AsyncClientBuilder;

/**
 * What the sections of the airport share of the backends, beside what the starter makes: {@code
 * KafkaChannels}, {@code PostgresDatabase} and {@code S3PayloadStore}.
 */
@Configuration(proxyBeanMethods = false)
class BackendsConfiguration {

  @Bean
  Broker broker(@Value("${" + Backends.KAFKA + "}") String bootstrap) {
    return new Broker(bootstrap);
  }

  @Bean
  S3AsyncClient s3Client(S3Properties properties) {
    S3AsyncClientBuilder client =
        S3PayloadStore.clientBuilder().region(Region.of(properties.region()));
    URI endpoint = properties.endpoint();
    if (endpoint != null) {
      client.endpointOverride(endpoint).forcePathStyle(true);
    }
    String accessKey = properties.accessKey();
    String secretKey = properties.secretKey();
    if (accessKey != null && secretKey != null) {
      client.credentialsProvider(
          StaticCredentialsProvider.create(AwsBasicCredentials.create(accessKey, secretKey)));
    }
    return client.build();
  }
}

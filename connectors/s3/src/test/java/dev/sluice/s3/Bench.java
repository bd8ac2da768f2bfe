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
package dev.sluice.s3;

import dev.sluice.embedded.EmbeddedS3;
import dev.sluice.store.PayloadKey;
import java.net.URI;
import java.time.Duration;
import java.util.Objects;
import java.util.function.UnaryOperator;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.http.nio.netty.NettyNioAsyncHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3AsyncClient;

/** One server for the tests of this JVM. Its connections are few, so that a lost one is missed. */
final class Bench {

  static final String BUCKET = "payloads";

  private static final class Shared {
    static final EmbeddedS3 SERVER = EmbeddedS3.create(s -> s.bucket(BUCKET)).start();
    static final S3AsyncClient CLIENT = client(SERVER.endpoint());

    static {
      Runtime.getRuntime().addShutdownHook(new Thread(SERVER::close));
    }
  }

  private Bench() {}

  static EmbeddedS3 server() {
    return Shared.SERVER;
  }

  static S3AsyncClient client() {
    return Shared.CLIENT;
  }

  static S3AsyncClient client(URI endpoint) {
    return client(endpoint, Duration.ofSeconds(20));
  }

  static S3AsyncClient client(URI endpoint, Duration acquisitionTimeout) {
    return S3PayloadStore.clientBuilder()
        .httpClientBuilder(
            NettyNioAsyncHttpClient.builder()
                .maxConcurrency(16)
                .connectionAcquisitionTimeout(acquisitionTimeout))
        .endpointOverride(endpoint)
        .region(Region.of(EmbeddedS3.REGION))
        .forcePathStyle(true)
        .credentialsProvider(
            StaticCredentialsProvider.create(
                AwsBasicCredentials.create(EmbeddedS3.ACCESS_KEY, EmbeddedS3.SECRET_KEY)))
        .build();
  }

  static S3PayloadStore store(S3AsyncClient client, UnaryOperator<S3Spec> spec) {
    return S3PayloadStore.create(
        "s3", BUCKET, client, s -> spec.apply(s.partSize(S3Spec.MIN_PART_SIZE)));
  }

  /** Whether there is a multipart upload for the key. Blocks. */
  static boolean isBeingUploaded(PayloadKey key) {
    return Objects.requireNonNull(client().listMultipartUploads(list -> list.bucket(BUCKET)).join())
        .uploads()
        .stream()
        .anyMatch(upload -> upload.key().endsWith(key.toString()));
  }
}

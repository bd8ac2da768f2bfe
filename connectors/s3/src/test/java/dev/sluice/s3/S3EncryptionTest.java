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

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.store.PayloadKey;
import dev.sluice.store.PutOptions;
import java.lang.reflect.Proxy;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import reactor.core.publisher.Flux;
import software.amazon.awssdk.services.s3.S3AsyncClient;
import software.amazon.awssdk.services.s3.model.CreateMultipartUploadRequest;
import software.amazon.awssdk.services.s3.model.PutObjectRequest;
import software.amazon.awssdk.services.s3.model.ServerSideEncryption;

/** What S3 is asked to do with payloads; the server of these tests knows no encryption. */
class S3EncryptionTest {

  private static final int PART = S3Spec.MIN_PART_SIZE;

  private record Asked(@Nullable ServerSideEncryption by, @Nullable String key) {}

  /** What the first request for a payload of this size asks for; it is refused then. */
  private static List<Asked> asked(int size, UnaryOperator<S3Spec> spec) {
    List<Asked> asked = new CopyOnWriteArrayList<>();
    S3AsyncClient client =
        (S3AsyncClient)
            Proxy.newProxyInstance(
                S3AsyncClient.class.getClassLoader(),
                new Class<?>[] {S3AsyncClient.class},
                (proxy, method, args) -> {
                  if (args != null && args[0] instanceof PutObjectRequest put) {
                    asked.add(new Asked(put.serverSideEncryption(), put.ssekmsKeyId()));
                  } else if (args != null && args[0] instanceof CreateMultipartUploadRequest all) {
                    asked.add(new Asked(all.serverSideEncryption(), all.ssekmsKeyId()));
                  }
                  return CompletableFuture.failedFuture(new IllegalStateException("refused"));
                });
    S3PayloadStore.create("images", "bucket", client, s -> spec.apply(s.partSize(PART)))
        .put(
            PayloadKey.next(Instant.now().plusSeconds(3600)),
            Flux.just(ByteBuffer.allocate(size)),
            PutOptions.defaults())
        .onErrorComplete()
        .block(Duration.ofSeconds(30));
    return asked;
  }

  @ParameterizedTest
  @ValueSource(ints = {10, 2 * PART})
  void isThatOfTheBucketUnlessSaidOtherwise(int size) {
    assertThat(asked(size, s -> s)).isNotEmpty().containsOnly(new Asked(null, null));
  }

  @ParameterizedTest
  @ValueSource(ints = {10, 2 * PART})
  void isWithKeysOfS3(int size) {
    assertThat(asked(size, s -> s.encryptedByKms("mine").encryptedByS3()))
        .isNotEmpty()
        .containsOnly(new Asked(ServerSideEncryption.AES256, null));
  }

  @ParameterizedTest
  @ValueSource(ints = {10, 2 * PART})
  void isWithAKeyOfKms(int size) {
    assertThat(asked(size, s -> s.encryptedByKms("mine")))
        .isNotEmpty()
        .containsOnly(new Asked(ServerSideEncryption.AWS_KMS, "mine"));
  }
}

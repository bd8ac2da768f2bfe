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
package dev.sluice.docs;

import static dev.sluice.claim.ClaimCheck.claimCheck;
import static dev.sluice.claim.ClaimCheck.redeem;

import dev.sluice.claim.Keyring;
import dev.sluice.claim.PayloadSweeper;
import dev.sluice.embedded.EmbeddedS3;
import dev.sluice.message.Message;
import dev.sluice.s3.S3PayloadStore;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Flux;
import reactor.test.StepVerifier;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3AsyncClient;

/** The code of docs/connectors/s3.md. */
class S3PageTest {

  @Test
  void storesAndSweeps() {
    try (EmbeddedS3 s3 = EmbeddedS3.create(s -> s.bucket("payloads")).start()) {
      Keyring keys = Keyring.of("2026-11", new byte[32]);
      Flux<Message<byte[]>> messages = Flux.just(Message.of(new byte[20_000_000]));
      // #region store
      S3AsyncClient client =
          S3PayloadStore.clientBuilder() // Netty, and no checksums that nobody asked for
              .region(Region.of(EmbeddedS3.REGION))
              .endpointOverride(s3.endpoint()) // only where it is not that of AWS
              .forcePathStyle(true)
              .credentialsProvider(
                  StaticCredentialsProvider.create(
                      AwsBasicCredentials.create(EmbeddedS3.ACCESS_KEY, EmbeddedS3.SECRET_KEY)))
              .build();

      S3PayloadStore images =
          S3PayloadStore.create(
              "images", // what claims call it, for as long as there are any
              "payloads",
              client,
              s -> s.partSize(8 * 1024 * 1024).memory(64 * 1024 * 1024));

      Flux<Message<byte[]>> checked = messages.transform(claimCheck(images, keys, c -> c));
      // #endregion
      // #region sweep
      Flux<PayloadSweeper.Swept> sweeping =
          PayloadSweeper.of(images).grace(Duration.ofHours(1)).every(Duration.ofMinutes(10));
      // #endregion
      StepVerifier.create(checked.transform(redeem(images, keys, r -> r.maxInMemory(20_000_000))))
          .expectNextCount(1)
          .expectComplete()
          .verify(Duration.ofSeconds(60));
      StepVerifier.create(sweeping.take(1))
          .expectNext(new PayloadSweeper.Swept(0, 0, 0))
          .expectComplete()
          .verify(Duration.ofSeconds(60));
      client.close();
    }
  }
}

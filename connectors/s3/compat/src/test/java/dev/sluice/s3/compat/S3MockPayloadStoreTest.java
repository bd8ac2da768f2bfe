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
package dev.sluice.s3.compat;

import dev.sluice.contract.PayloadStoreContract;
import dev.sluice.s3.S3PayloadStore;
import dev.sluice.s3.S3Spec;
import dev.sluice.store.PayloadKey;
import dev.sluice.store.PayloadMissing;
import dev.sluice.store.PayloadStore;
import java.io.IOException;
import java.util.Objects;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.TestExecutionExceptionHandler;
import org.opentest4j.TestAbortedException;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3AsyncClient;

/**
 * The contract of payload stores on Adobe's S3Mock: {@code -Psoak -Dgroups=soak}. The clauses that
 * this server is known to fail are aborted with the reason, and nothing else may.
 */
@Tag("soak")
@ExtendWith(S3MockPayloadStoreTest.KnownFailures.class)
class S3MockPayloadStoreTest extends PayloadStoreContract {

  private static final String BUCKET = "payloads";

  /** Also in docs/connectors/s3.md. */
  static final class KnownFailures implements TestExecutionExceptionHandler {

    @Override
    public void handleTestExecutionException(ExtensionContext context, Throwable failure)
        throws Throwable {
      switch (context.getRequiredTestMethod().getName()) {
        case "doesNotChangeWhatIsThere" -> {
          if (failure instanceof PayloadMissing) {
            throw new TestAbortedException("an abort takes away what else has the key", failure);
          }
        }
        case "letsOneOfManyWriteToAKey" -> {
          if (failure instanceof AssertionError) {
            throw new TestAbortedException("two who write at once may both succeed", failure);
          }
        }
        default -> {}
      }
      throw failure;
    }
  }

  @SuppressWarnings("NullAway.Init") // before all
  private static S3MockServer server;

  @SuppressWarnings("NullAway.Init") // before all
  private static S3AsyncClient client;

  @BeforeAll
  static void start() throws IOException {
    server = S3MockServer.start(BUCKET);
    client =
        S3PayloadStore.clientBuilder()
            .endpointOverride(server.endpoint())
            .region(Region.US_EAST_1)
            .forcePathStyle(true)
            .credentialsProvider(
                StaticCredentialsProvider.create(AwsBasicCredentials.create("key", "secret")))
            .build();
  }

  @AfterAll
  static void stop() {
    client.close();
    server.close();
  }

  private final PayloadStore store =
      S3PayloadStore.create("s3", BUCKET, client, s -> s.partSize(S3Spec.MIN_PART_SIZE));

  @Override
  protected PayloadStore store() {
    return store;
  }

  @Override
  protected int partSize() {
    return S3Spec.MIN_PART_SIZE;
  }

  @Override
  protected boolean holdsUnfinished(PayloadKey key) {
    return Objects.requireNonNull(client.listMultipartUploads(list -> list.bucket(BUCKET)).join())
        .uploads()
        .stream()
        .anyMatch(upload -> upload.key().endsWith(key.toString()));
  }
}

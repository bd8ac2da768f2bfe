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
import dev.sluice.store.StoredPayload;
import java.lang.reflect.Proxy;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.BaseSubscriber;
import reactor.core.publisher.Flux;
import software.amazon.awssdk.services.s3.S3AsyncClient;
import software.amazon.awssdk.services.s3.model.AbortMultipartUploadRequest;
import software.amazon.awssdk.services.s3.model.AbortMultipartUploadResponse;
import software.amazon.awssdk.services.s3.model.CreateMultipartUploadResponse;

/** A put that is cancelled while the client is being asked to begin an upload. */
class CancelledCreationTest {

  private final BaseSubscriber<StoredPayload> put = new BaseSubscriber<>() {};
  private final CompletableFuture<CreateMultipartUploadResponse> creation =
      new CompletableFuture<>();
  private final List<String> aborted = new ArrayList<>();
  private final S3AsyncClient client =
      (S3AsyncClient)
          Proxy.newProxyInstance(
              getClass().getClassLoader(),
              new Class<?>[] {S3AsyncClient.class},
              (proxy, method, args) ->
                  switch (method.getName()) {
                    case "createMultipartUpload" -> {
                      put.cancel(); // nothing is known yet of what is being created
                      yield creation;
                    }
                    case "abortMultipartUpload" -> {
                      aborted.add(((AbortMultipartUploadRequest) args[0]).uploadId());
                      yield CompletableFuture.completedFuture(
                          AbortMultipartUploadResponse.builder().build());
                    }
                    default -> throw new UnsupportedOperationException(method.getName());
                  });

  @Test
  void leavesNoUploadBehind() {
    S3PayloadStore store =
        S3PayloadStore.create("images", "bucket", client, s -> s.partSize(S3Spec.MIN_PART_SIZE));
    Flux<ByteBuffer> body =
        Flux.range(0, 12).map(i -> ByteBuffer.allocate(S3Spec.MIN_PART_SIZE / 4));
    store
        .put(PayloadKey.next(Instant.parse("2030-01-01T00:00:00Z")), body, PutOptions.defaults())
        .subscribe(put);
    assertThat(aborted).isEmpty();
    creation.complete(CreateMultipartUploadResponse.builder().uploadId("upload-1").build());
    assertThat(aborted).containsOnly("upload-1");
  }
}

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
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.BaseSubscriber;
import reactor.core.publisher.Flux;
import reactor.test.publisher.TestPublisher;
import reactor.test.scheduler.VirtualTimeScheduler;
import software.amazon.awssdk.services.s3.S3AsyncClient;
import software.amazon.awssdk.services.s3.model.AbortMultipartUploadRequest;
import software.amazon.awssdk.services.s3.model.AbortMultipartUploadResponse;
import software.amazon.awssdk.services.s3.model.CreateMultipartUploadResponse;
import software.amazon.awssdk.services.s3.model.NoSuchUploadException;
import software.amazon.awssdk.services.s3.model.UploadPartResponse;

/** Uploads that are given up while S3 is being asked something; it answers when the test says. */
class AbandonedUploadTest {

  private static final int PART = S3Spec.MIN_PART_SIZE;

  private final AtomicReference<Throwable> failure = new AtomicReference<>();
  private final BaseSubscriber<StoredPayload> put =
      new BaseSubscriber<>() {
        @Override
        protected void hookOnError(Throwable error) {
          failure.set(error);
        }
      };
  private final TestPublisher<ByteBuffer> body = TestPublisher.create();
  private final VirtualTimeScheduler timer = VirtualTimeScheduler.create();

  private CompletableFuture<CreateMultipartUploadResponse> creation =
      CompletableFuture.completedFuture(
          CreateMultipartUploadResponse.builder().uploadId("upload-1").build());
  private final List<CompletableFuture<UploadPartResponse>> parts = new ArrayList<>();
  private final List<String> aborts = new ArrayList<>();
  private int goneAfter = 1;
  private String cancelledIn = "";

  private final S3AsyncClient client =
      (S3AsyncClient)
          Proxy.newProxyInstance(
              getClass().getClassLoader(),
              new Class<?>[] {S3AsyncClient.class},
              (proxy, method, args) ->
                  switch (method.getName()) {
                    case "createMultipartUpload" -> {
                      cancelIfIn(method.getName());
                      yield creation;
                    }
                    case "uploadPart" -> {
                      cancelIfIn(method.getName());
                      parts.add(new CompletableFuture<>());
                      yield parts.get(parts.size() - 1);
                    }
                    case "abortMultipartUpload" ->
                        abort(((AbortMultipartUploadRequest) args[0]).uploadId());
                    default -> throw new UnsupportedOperationException(method.getName());
                  });

  private final S3PayloadStore store =
      S3PayloadStore.create(
          "images",
          "bucket",
          client,
          s -> s.partSize(PART).memory(4L * PART).partsAtOnce(2).timer(timer));

  private void cancelIfIn(String request) {
    if (request.equals(cancelledIn)) {
      put.cancel();
    }
  }

  private CompletableFuture<AbortMultipartUploadResponse> abort(String upload) {
    aborts.add(upload);
    return aborts.size() > goneAfter
        ? CompletableFuture.failedFuture(NoSuchUploadException.builder().statusCode(404).build())
        : CompletableFuture.completedFuture(AbortMultipartUploadResponse.builder().build());
  }

  private void begin(Flux<ByteBuffer> content) {
    PayloadKey key = PayloadKey.next(Instant.parse("2030-01-01T00:00:00Z"));
    store.put(key, content, PutOptions.defaults()).subscribe(put);
  }

  private void begin() {
    begin(body.flux());
  }

  /** Of a third of a part each. */
  private void chunks(int count) {
    for (int i = 0; i < count; i++) {
      body.next(ByteBuffer.allocate(PART / 3 + 1));
    }
  }

  private void answer(int part) {
    parts.get(part).complete(UploadPartResponse.builder().eTag("tag").build());
  }

  private boolean allMemoryIsBack() {
    return store.budget().free() == store.spec().memory();
  }

  @Test
  void isAbortedWhenItWasCancelledWhileItWasBeingCreated() {
    cancelledIn = "createMultipartUpload"; // nothing is known yet of what is being created
    creation = new CompletableFuture<>();
    begin(Flux.range(0, 12).map(i -> ByteBuffer.allocate(PART / 4)));
    assertThat(aborts).isEmpty();
    creation.complete(CreateMultipartUploadResponse.builder().uploadId("upload-1").build());
    assertThat(aborts).isNotEmpty().containsOnly("upload-1");
    assertThat(parts).isEmpty();
  }

  @Test
  void isAbortedWhenThePartsOnTheirWayHaveArrived() {
    begin();
    chunks(8);
    assertThat(parts).hasSize(2);
    put.cancel();
    body.assertCancelled();
    answer(1);
    assertThat(aborts).isEmpty();
    assertThat(store.budget().free())
        .as("all but the part that is being sent")
        .isEqualTo(3L * PART);
    answer(0);
    assertThat(aborts).containsExactly("upload-1", "upload-1"); // the second finds it gone
    assertThat(allMemoryIsBack()).isTrue();
  }

  @Test
  void isAbortedWhenAPartOnItsWayHasFailed() {
    begin();
    chunks(4);
    put.cancel();
    assertThat(aborts).isEmpty();
    parts.get(0).completeExceptionally(new IllegalStateException("the connection broke"));
    assertThat(aborts).isNotEmpty();
    assertThat(allMemoryIsBack()).isTrue();
  }

  @Test
  void isAbortedWhenItWasCancelledWhileAPartWasBegun() {
    begin();
    cancelledIn = "uploadPart";
    chunks(4);
    assertThat(parts).hasSize(1);
    int before = aborts.size();
    answer(0);
    assertThat(aborts).hasSizeGreaterThan(before);
    assertThat(allMemoryIsBack()).isTrue();
  }

  /** A part that its sender has given up may arrive nevertheless, and bring the upload back. */
  @Test
  void isAbortedUntilItIsGone() {
    goneAfter = 3;
    begin();
    chunks(4);
    put.cancel();
    answer(0);
    assertThat(aborts).hasSize(2);
    timer.advanceTimeBy(Duration.ofSeconds(1));
    assertThat(aborts).hasSize(4);
  }

  @Test
  void isLeftToTheSweeperWhenItDoesNotGo() {
    goneAfter = Integer.MAX_VALUE;
    begin();
    chunks(4);
    IllegalStateException thrown = new IllegalStateException("the body failed");
    body.error(thrown);
    answer(0);
    assertThat(failure).hasValue(null);
    timer.advanceTimeBy(Duration.ofMinutes(1));
    assertThat(aborts).hasSize(5);
    assertThat(failure).hasValue(thrown);
  }
}

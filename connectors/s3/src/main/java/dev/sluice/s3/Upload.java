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

import dev.sluice.store.PayloadKey;
import dev.sluice.store.PutOptions;
import dev.sluice.store.StoreFailed;
import dev.sluice.store.StoredPayload;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import software.amazon.awssdk.services.s3.model.AbortMultipartUploadRequest;
import software.amazon.awssdk.services.s3.model.CompleteMultipartUploadRequest;
import software.amazon.awssdk.services.s3.model.CompletedPart;
import software.amazon.awssdk.services.s3.model.CreateMultipartUploadRequest;
import software.amazon.awssdk.services.s3.model.CreateMultipartUploadResponse;
import software.amazon.awssdk.services.s3.model.PutObjectRequest;
import software.amazon.awssdk.services.s3.model.UploadPartRequest;
import software.amazon.awssdk.services.s3.model.UploadPartResponse;

/**
 * One payload on its way into S3: at once if it fits into a part, else in parts. The client never
 * sees the body of the user, only parts in memory, because it may try a request again.
 */
final class Upload {

  /*
   * Threads: take and rest are called by the body, one signal at a time; end by whoever ends or
   * cancels the put, possibly while a signal is being handled.
   *
   * parts    every part whose memory has not been given back; a part is added before it waits for
   *          memory, and whoever adds one looks at closed afterwards, so none is forgotten
   * inFlight what S3 has not answered yet. It is not cancelled, because it may arrive all the same,
   *          and what arrives after the abort may stay there: the abort waits for it. Whoever adds
   *          one looks at closed afterwards, and aborts if the end may not have seen it
   * created  set before the upload can be known to anybody; it is not cancelled, or nobody would
   *          know what to abort. Whoever sets it looks at closed afterwards, as the end looks at it
   *          after closing, so that one of the two aborts what is created
   * done     S3 has the whole payload; nothing is to be aborted
   */

  private static final Logger log = LoggerFactory.getLogger(S3PayloadStore.class);

  /** So often is an upload aborted that does not go away, with a pause that grows by itself. */
  private static final int MOST_ABORTS = 5;

  private static final Duration PAUSE = Duration.ofMillis(100);

  /** Tells the payload of this put from another one under the same key. */
  private static final String PUT = "sl-put";

  private final S3PayloadStore store;
  private final S3Spec spec;
  private final PayloadKey key;
  private final PutOptions options;
  private final String put = UUID.randomUUID().toString();

  private final Set<Part> parts = ConcurrentHashMap.newKeySet();
  private final Map<Part, CompletableFuture<?>> inFlight = new ConcurrentHashMap<>();
  private volatile boolean closed;
  private volatile boolean done;
  private volatile @Nullable CompletableFuture<CreateMultipartUploadResponse> created;

  private @Nullable Part filling;
  private int count;
  private long size;

  private Upload(S3PayloadStore store, PayloadKey key, PutOptions options) {
    this.store = store;
    this.spec = store.spec();
    this.key = key;
    this.options = options;
  }

  static Mono<StoredPayload> put(
      S3PayloadStore store, PayloadKey key, Publisher<ByteBuffer> body, PutOptions options) {
    return Mono.usingWhen(
        Mono.fromSupplier(() -> new Upload(store, key, options)),
        upload -> upload.store(body),
        Upload::end,
        (upload, error) -> upload.end(),
        Upload::end);
  }

  private Mono<StoredPayload> store(Publisher<ByteBuffer> body) {
    return Flux.from(body)
        .concatMap(this::take, 1)
        .concatWith(Flux.defer(this::rest))
        .<StoredPayload>switchOnFirst(
            (first, all) -> {
              Part part = first.get();
              if (part == null) {
                return all.cast(StoredPayload.class); // an error
              }
              return part.isLast() ? all.concatMap(this::atOnce) : inParts(all);
            })
        .singleOrEmpty();
  }

  // == the body ==

  /** The parts that are full, when it is known that something follows. */
  private Publisher<Part> take(ByteBuffer buffer) {
    size += buffer.remaining();
    if (options.length().isPresent() && size > options.length().getAsLong()) {
      return Mono.error(wrongLength("more"));
    }
    return fill(buffer.duplicate());
  }

  private Publisher<Part> fill(ByteBuffer buffer) {
    if (!buffer.hasRemaining()) {
      return Mono.empty();
    }
    Part part = filling;
    if (part == null) {
      Part opened = open();
      return opened.ready().thenMany(Flux.defer(() -> fill(buffer)));
    }
    if (part.isFull()) {
      filling = null;
      return Flux.concat(Mono.just(part), Flux.defer(() -> fill(buffer)));
    }
    part.add(buffer);
    return fill(buffer);
  }

  /** The last part, which may be empty if it is the first too. */
  private Publisher<Part> rest() {
    if (options.length().isPresent() && size < options.length().getAsLong()) {
      return Mono.error(wrongLength(Long.toString(size)));
    }
    Part part = filling;
    return Mono.just((part == null ? open() : part).closeAsLast());
  }

  private Part open() {
    long capacity = Math.min(spec.partSize(), options.length().orElse(Long.MAX_VALUE));
    Part part = new Part(++count, (int) capacity, store.slabs(), store.budget());
    filling = part;
    parts.add(part);
    if (closed) {
      release(part, false);
    }
    return part;
  }

  private IllegalArgumentException wrongLength(String actual) {
    return new IllegalArgumentException(
        "body: " + actual + " bytes (expected: " + options.length().orElse(-1) + ")");
  }

  // == S3 ==

  private Mono<StoredPayload> atOnce(Part part) {
    PutObjectRequest request =
        PutObjectRequest.builder()
            .bucket(store.bucket())
            .key(store.objectKey(key))
            .contentType(options.contentType())
            .contentLength((long) part.size())
            .metadata(Map.of(PUT, put))
            .ifNoneMatch("*")
            .checksumAlgorithm(spec.checksum())
            .serverSideEncryption(spec.encryption())
            .ssekmsKeyId(spec.kmsKey())
            .build();
    return Mono.fromFuture(() -> store.client().putObject(request, part.body()))
        .map(response -> stored())
        .onErrorResume(Failures::isTaken, this::unlessItIsOurs)
        .onErrorMap(error -> Failures.of(store.name(), error));
  }

  private Flux<StoredPayload> inParts(Flux<Part> all) {
    CreateMultipartUploadRequest request =
        CreateMultipartUploadRequest.builder()
            .bucket(store.bucket())
            .key(store.objectKey(key))
            .contentType(options.contentType())
            .metadata(Map.of(PUT, put))
            .checksumAlgorithm(spec.checksum())
            .serverSideEncryption(spec.encryption())
            .ssekmsKeyId(spec.kmsKey())
            .build();
    return Mono.fromFuture(
            () -> {
              var creation = store.client().createMultipartUpload(request);
              created = creation;
              if (closed) { // by the end, which has not seen what is created here
                abandon().subscribe();
              }
              return creation.copy(); // which may be cancelled
            })
        .flatMap(
            upload ->
                all.flatMapSequential(part -> send(upload.uploadId(), part), spec.partsAtOnce(), 1)
                    .collectList()
                    .flatMap(sent -> complete(upload.uploadId(), sent)))
        .onErrorMap(error -> Failures.of(store.name(), error))
        .flux();
  }

  private Mono<CompletedPart> send(String upload, Part part) {
    UploadPartRequest request =
        UploadPartRequest.builder()
            .bucket(store.bucket())
            .key(store.objectKey(key))
            .uploadId(upload)
            .partNumber(part.number)
            .contentLength((long) part.size())
            .checksumAlgorithm(spec.checksum())
            .build();
    return Mono.fromFuture(() -> sending(request, part))
        .map(response -> completed(part.number, response));
  }

  /** Cancelling what it returns does not cancel what is sent. */
  private CompletableFuture<UploadPartResponse> sending(UploadPartRequest request, Part part) {
    CompletableFuture<UploadPartResponse> answer = store.client().uploadPart(request, part.body());
    inFlight.put(part, answer);
    var unused =
        answer.whenComplete(
            (response, error) -> {
              release(part, error == null);
              inFlight.remove(part);
            });
    if (closed) {
      abandon().subscribe();
    }
    return answer.copy();
  }

  private static CompletedPart completed(int number, UploadPartResponse response) {
    return CompletedPart.builder()
        .partNumber(number)
        .eTag(response.eTag())
        .checksumCRC32(response.checksumCRC32())
        .checksumCRC32C(response.checksumCRC32C())
        .checksumCRC64NVME(response.checksumCRC64NVME())
        .checksumSHA1(response.checksumSHA1())
        .checksumSHA256(response.checksumSHA256())
        .build();
  }

  private Mono<StoredPayload> complete(String upload, List<CompletedPart> sent) {
    CompleteMultipartUploadRequest request =
        CompleteMultipartUploadRequest.builder()
            .bucket(store.bucket())
            .key(store.objectKey(key))
            .uploadId(upload)
            .multipartUpload(parts -> parts.parts(sent))
            .ifNoneMatch("*")
            .build();
    return Mono.fromFuture(() -> store.client().completeMultipartUpload(request))
        .map(response -> stored())
        // Completed by a try whose answer was lost, the upload is not there any more.
        .onErrorResume(
            error -> Failures.isTaken(error) || Failures.isMissing(error), this::unlessItIsOurs);
  }

  private StoredPayload stored() {
    done = true;
    return new StoredPayload(key, size, options.contentType());
  }

  /** Something is there: what an earlier try has put there, or what somebody else has. */
  private Mono<StoredPayload> unlessItIsOurs(Throwable error) {
    return store
        .head(key)
        .filter(head -> put.equals(head.metadata().get(PUT)))
        .map(head -> stored())
        .switchIfEmpty(
            Mono.error(
                () -> StoreFailed.permanent(store.name(), "the key " + key + " is taken", error)));
  }

  // == the end ==

  private void release(Part part, boolean sent) {
    if (parts.remove(part)) {
      part.release(sent);
    }
  }

  /** Gives the memory back that is not being sent, and aborts what is not complete. */
  private Mono<Void> end() {
    closed = true;
    for (Part part : parts) {
      if (!inFlight.containsKey(part)) {
        release(part, done);
      }
    }
    return done ? Mono.empty() : abandon();
  }

  private Mono<Void> abandon() {
    CompletableFuture<CreateMultipartUploadResponse> creation = created;
    if (creation == null) {
      return Mono.empty();
    }
    return Mono.fromFuture(creation, /* suppressCancel= */ true)
        .flatMap(upload -> answered().then(abort(upload.uploadId(), 0)))
        .onErrorResume(
            error -> {
              log.warn("{}: the upload of {} is left to the sweeper", store.name(), key, error);
              return Mono.empty();
            });
  }

  /** Completes when S3 has answered all that was sent. */
  private Mono<Void> answered() {
    return Flux.fromIterable(inFlight.values())
        .flatMap(answer -> Mono.fromFuture(answer, /* suppressCancel= */ true).onErrorComplete())
        .then();
  }

  /** Until S3 says that there is no such upload: a part may arrive whose sender gave it up. */
  private Mono<Void> abort(String upload, int aborts) {
    AbortMultipartUploadRequest request =
        AbortMultipartUploadRequest.builder()
            .bucket(store.bucket())
            .key(store.objectKey(key))
            .uploadId(upload)
            .build();
    Mono<Void> abort =
        Mono.fromFuture(() -> store.client().abortMultipartUpload(request))
            .then(Mono.defer(() -> abort(upload, aborts + 1)))
            .onErrorComplete(Failures::isMissing);
    return switch (aborts) {
      case 0, 1 -> abort;
      case MOST_ABORTS -> Mono.empty();
      default -> abort.delaySubscription(PAUSE.multipliedBy(aborts), spec.timer());
    };
  }
}
